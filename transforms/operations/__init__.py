"""One file per family of operations; each registers itself, nothing else lists them."""
