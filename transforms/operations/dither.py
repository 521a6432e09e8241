"""Few colours that look like many: ordered-dither."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np

from ..effects.thresholds import NAMES, threshold_map
from ..image import Frame, PixelArray
from ..params import Choice
from ..registry import operation
from ..resample import layered

_ROWS = 64  # at least, that are compared at once
_TYPES = Choice(NAMES, tuple((str(number), name) for number, name in enumerate(NAMES)))


@operation("ordered-dither", example="ordered-dither:ordered-8")
def ordered_dither(frame: Frame, type: Annotated[str, _TYPES] = "threshold") -> Frame:  # noqa: A002 - the URL's word
    """Draw the picture with nothing but full and no light of each channel, in a pattern that keeps its brightness.

    A colour picture becomes one of eight colours, a gray one of black and white; transparency stays. The patterns, by
    name or by number: 0 `threshold` at half (no pattern), 1 `checks`, fine ones of Bayer's 2 `ordered-2`, 3
    `ordered-3`, 4 `ordered-4`, 5 `ordered-8`; dots of newspapers at 45 degrees 6 `angled-4`, 7 `angled-6`, 8 `angled-8`
    and upright 9 `halftone-4`, 10 `halftone-6`, 11 `halftone-8`, 12 `halftone-16`; round dots on white and on black
    13 `circles-5-black`, 14 `circles-5-white`, 15 `circles-6-black`, 16 `circles-6-white`, 17 `circles-7-black`,
    18 `circles-7-white`. The number in a name is the pattern's side in pixels.
    """
    pixels = frame.pixels
    colours = pixels if pixels.shape[2] < 4 else np.ascontiguousarray(pixels[:, :, :3])
    dithered = _dithered(colours, threshold_map(type))
    return frame.with_pixels(dithered if pixels.shape[2] < 4 else np.dstack([dithered, pixels[:, :, 3]]))


def _dithered(pixels: PixelArray, levels: PixelArray) -> PixelArray:
    """255 where a channel is at least the level of its place, else 0."""
    height, width, channels = pixels.shape
    side = len(levels)
    rows = _ROWS // side * side
    tiled = np.tile(levels, (rows // side, -(-width // side)))[:, :width]
    tiled = np.ascontiguousarray(np.broadcast_to(tiled[:, :, np.newaxis], (*tiled.shape, channels)))
    result = np.empty_like(pixels)
    for top in range(0, height, rows):
        band = pixels[top : top + rows]
        result[top : top + rows] = layered(cv2.compare(band, tiled[: len(band)], cv2.CMP_GE))
    return result
