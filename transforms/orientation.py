"""EXIF orientations: how stored pixels are turned upright, and where a point of the upright picture is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import Affine, PixelArray, Size

_UPRIGHT: dict[int, Callable[[PixelArray], NDArray[Any]]] = {
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.flip(cv2.transpose(pixels), -1),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}

_BACK = {6: 8, 8: 6}  # the others undo themselves

_STORED = {
    1: ((1, 0, 0), (0, 1, 0)), 2: ((-1, 0, 1), (0, 1, 0)), 3: ((-1, 0, 1), (0, -1, 1)), 4: ((1, 0, 0), (0, -1, 1)),
    5: ((0, 1, 0), (1, 0, 0)), 6: ((0, 1, 0), (-1, 0, 1)), 7: ((0, -1, 1), (-1, 0, 1)), 8: ((0, -1, 1), (1, 0, 0)),
}  # fmt: skip


def upright(pixels: PixelArray, orientation: int) -> PixelArray:
    """Stored pixels as they are meant to be seen; may be the same array."""
    if orientation == 1:
        return pixels
    return np.atleast_3d(_UPRIGHT[orientation](pixels)).astype(np.uint8, copy=False)


def stored(pixels: PixelArray, orientation: int) -> PixelArray:
    """Upright pixels as a file of that orientation stores them."""
    return upright(pixels, _BACK.get(orientation, orientation))


def shown(size: Size, orientation: int) -> Size:
    """The size after turning upright, or before it: both swap the same."""
    return size.turned() if orientation >= 5 else size


def to_stored(orientation: int) -> Affine:
    """From fractions of the upright picture to fractions of the stored one."""
    return np.array(_STORED[orientation], np.float64)
