"""What shows through: filling transparency, and making a picture transparent."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np

from ..encode import flatten
from ..image import Frame, PixelArray
from ..modes import to_bgra
from ..params import Colour, ColourText, Percent
from ..registry import operation
from ..resample import layered

_BAND = 64  # rows that are worked on at once, in numbers of two or four bytes


@operation("background", example="background:white", scaling="commutes")
def background(frame: Frame, color: Annotated[Colour, ColourText()]) -> Frame:
    """Lay the picture on a colour, which shows wherever it is transparent. A picture without alpha stays as it is."""
    if not frame.has_alpha or color.alpha == 0:
        return frame
    result = np.empty((*frame.pixels.shape[:2], 3 if color.alpha == 255 else 4), np.uint8)
    for top in range(0, len(result), _BAND):
        band = frame.pixels[top : top + _BAND]
        result[top : top + _BAND] = flatten(band, color.rgb) if color.alpha == 255 else _over(band, color)
    return frame.with_pixels(result)


def _over(pixels: PixelArray, colour: Colour) -> PixelArray:
    """BGRA: straight alpha over a colour that is transparent itself (W3C Compositing and Blending, source-over)."""
    above = pixels[:, :, 3:].astype(np.float32) / 255
    below = (1 - above) * (colour.alpha / 255)
    alpha = above + below
    colours = pixels[:, :, :3] * above + np.array(colour.bgra[:3], np.float32) * below
    colours /= np.maximum(alpha, 1e-6)
    return np.concatenate((colours, alpha * 255), axis=2).round().astype(np.uint8)


@operation("opacity", example="opacity:50", scaling="commutes")
def opacity(frame: Frame, amount: Annotated[int, Percent()]) -> Frame:
    """Make the picture see-through: 100 leaves it as it is, 0 makes it invisible. On top of its own transparency."""
    if amount == 100:
        return frame
    levels = np.arange(256)
    table = np.stack([levels, levels, levels, (levels * amount + 50) // 100], axis=1).astype(np.uint8)
    if frame.has_alpha:
        return frame.with_pixels(layered(cv2.LUT(frame.pixels, table[np.newaxis])))
    pixels = to_bgra(frame.pixels)
    pixels[:, :, 3] = table[255, 3]
    return frame.with_pixels(pixels)
