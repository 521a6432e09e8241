"""Text as pixels: fonts, the directions and breaks of lines, letters."""
