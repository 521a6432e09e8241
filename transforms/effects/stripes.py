"""Stripes over what is red."""

from __future__ import annotations

from math import sqrt

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..image import PixelArray
from ..resample import layered

_STRIPES = 60.0  # along the longer side
_THINNEST = 6.0  # px, of a dark and a light one together
_SOFT = 1.0  # px, of the edges
_RED_FROM, _RED_TO = 30.0, 50.0  # a* of CIELAB; skin has 10 to 20, ruddy 30, what is called red 50 and more
_BAND = 128  # rows that are worked on at once


def striped(pixels: PixelArray, strength: float) -> PixelArray:
    """BGR with stripes from bottom left to top right over its reds, dark and light ones by turns.

    `strength`: 1 draws them in black and white, 0.1 with a third of that. They are the wider the larger the picture is.
    """
    height, width = pixels.shape[:2]
    line = _line(width, height)
    rows = sliding_window_view(line, width)[:height]
    result = pixels.copy()
    for top in range(0, height, _BAND):
        band = pixels[top : top + _BAND]
        share = _redness(band) * np.float32(sqrt(strength))
        if share.any():
            ink = np.repeat(rows[top : top + _BAND, :, np.newaxis], 3, axis=2)
            result[top : top + _BAND] = layered(cv2.blendLinear(ink, band, share, 1 - share))
    return result


def _line(width: int, height: int) -> PixelArray:
    """Levels from black to white along the diagonal, uint8 (width + height - 1,)."""
    period = max(_THINNEST, max(width, height) / _STRIPES)
    wave = np.sin(np.arange(width + height - 1) * (2 * np.pi / period))
    levels = wave * period / (np.pi * _SOFT) / 2 + 0.5
    return np.asarray((levels.clip(0, 1) * 255).round(), np.uint8)


def _redness(pixels: PixelArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """How red each pixel is, float32 (h, w) from 0 to 1: by a* of CIELAB, which is high in blue as well, less -b*."""
    levels = np.arange(256) - 128.0
    table = ((levels - _RED_FROM) / (_RED_TO - _RED_FROM)).clip(0, 1).astype(np.float32)
    lab = cv2.cvtColor(pixels, cv2.COLOR_BGR2Lab)
    bluish = cv2.LUT(cv2.extractChannel(lab, 2), (-levels).clip(0, 128).astype(np.uint8))
    return np.asarray(cv2.LUT(cv2.subtract(cv2.extractChannel(lab, 1), bluish), table), np.float32)
