"""Fuzz targets, run by hand: `python -m fuzz.urls --seconds 60`."""
