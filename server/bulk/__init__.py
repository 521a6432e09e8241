"""Tagging many pictures from the command line."""
