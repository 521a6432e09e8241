"""What shows through: filling transparency, and making a picture transparent."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..encode import flatten
from ..image import Frame, PixelArray
from ..modes import to_bgra
from ..params import Colour, ColourText, Percent
from ..registry import operation


@operation("background", example="background:white", scaling="commutes")
def background(frame: Frame, color: Annotated[Colour, ColourText()]) -> Frame:
    """Lay the picture on a colour, which shows wherever it is transparent. A picture without alpha stays as it is."""
    if not frame.has_alpha or color.alpha == 0:
        return frame
    if color.alpha == 255:
        return frame.with_pixels(flatten(frame.pixels, color.rgb))
    return frame.with_pixels(_over(frame.pixels, color))


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
    pixels = to_bgra(frame.pixels).copy()
    pixels[:, :, 3] = (pixels[:, :, 3].astype(np.uint16) * amount + 50) // 100
    return frame.with_pixels(pixels)
