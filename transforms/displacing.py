"""Pixels that move by what the colours of a map say (SVG's feDisplacementMap, ImageMagick's -compose displace)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import PixelArray
from .modes import to_bgra
from .resample import layered, premultiplied

_BAND = 128  # rows whose places, numbers of four bytes, are worked out at once
_STILL = 128  # the level that moves nothing
_SHARES = (np.arange(256) / 255).astype(np.float32)
_MOVES = ((np.arange(256) - _STILL) / 127.5).astype(np.float32)


def displaced(under: PixelArray, map_pixels: PixelArray, x: float, y: float) -> PixelArray:
    """The picture with each pixel taken from elsewhere, as the map of the same size says; the same channels.

    Full red shows what lies `x` px to the right, so that it moves left; no red the other way; 128 nothing. Green does
    the same along `y`, downwards. The map's alpha weakens its moves. Beyond its edges the picture is mirrored.
    """
    if under.shape[:2] != map_pixels.shape[:2]:
        raise ValueError(f"{map_pixels.shape[:2]} is not {under.shape[:2]}")
    if _rests(map_pixels, x, y):
        return under

    def work(weighted: PixelArray) -> PixelArray:
        result = np.empty_like(weighted)
        for top in range(0, len(weighted), _BAND):
            across, down = _places(map_pixels[top : top + _BAND], top, x, y)
            result[top : top + _BAND] = layered(
                cv2.remap(weighted, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
            )
        return result

    return premultiplied(under, work)


def _rests(map_pixels: PixelArray, x: float, y: float) -> bool:
    """Whether nothing moves: then pixels stay the very same."""
    red, green, alpha = (map_pixels[:, :, min(channel, map_pixels.shape[2] - 1)] for channel in (2, 1, 3))
    still = (x == 0 or bool((red == _STILL).all())) and (y == 0 or bool((green == _STILL).all()))
    return still or (map_pixels.shape[2] == 4 and not alpha.any())


def _places(band: PixelArray, top: int, x: float, y: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where on the picture the pixels of these rows of the map are taken from."""
    height, width = band.shape[:2]
    map_pixels = to_bgra(band)
    across, down = (
        np.asarray(cv2.LUT(cv2.extractChannel(map_pixels, channel), _MOVES * np.float32(most)), np.float32)
        for channel, most in ((2, x), (1, y))
    )
    if band.shape[2] == 4:
        share = cv2.LUT(cv2.extractChannel(map_pixels, 3), _SHARES)
        across, down = across * share, down * share
    across += np.arange(width, dtype=np.float32)
    down += np.arange(top, top + height, dtype=np.float32)[:, np.newaxis]
    return across, down
