"""What was found in originals, listed: by tag, and by likeness."""
