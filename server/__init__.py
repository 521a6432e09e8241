"""HTTP: text in, bytes out; the only room that imports all the others."""
