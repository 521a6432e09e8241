"""Pictures made smaller or larger before they are looked at."""

from __future__ import annotations

import cv2
import numpy as np

from .found import PixelArray


def shrink(pixels: PixelArray, side: int, kernel: int = cv2.INTER_AREA) -> PixelArray:
    """uint8 pixels (h, w, c) with at most `side` on the longest side; AREA, because OpenCV's other kernels alias."""
    return pixels if side >= max(pixels.shape[:2]) else _resized(pixels, side, kernel)


def enlarge(pixels: PixelArray, side: int) -> PixelArray:
    """uint8 pixels (h, w, c) with at least `side` on the longest side."""
    return pixels if side <= max(pixels.shape[:2]) else _resized(pixels, side, cv2.INTER_CUBIC)


def _resized(pixels: PixelArray, side: int, kernel: int) -> PixelArray:
    height, width, channels = pixels.shape
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # OpenCV takes a single channel away.
    return np.asarray(cv2.resize(pixels, size, interpolation=kernel), np.uint8).reshape(size[1], size[0], channels)
