"""Colourfulness: saturation, hue and vibrance. A gray picture has no colours and stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from ..effects.chroma import saturated, turned, vibrant
from ..effects.tables import on_colours
from ..image import Frame, PixelArray
from ..params import Percent
from ..registry import operation


@operation("saturation", example="saturation:40", scaling="commutes")
def saturation(frame: Frame, amount: Annotated[int, Percent(-100, 100)] = 80) -> Frame:
    """Make the colours stronger or weaker: -100 is as gray as `grayscale`, 100 twice as strong.

    Each colour's distance to its own gray (luma of ITU-R BT.601) is multiplied by 1 + amount / 100, as in CSS filters.
    """
    return _coloured(frame, amount, lambda pixels: saturated(pixels, 1 + amount / 100))


@operation("hue", example="hue:40", scaling="commutes")
def hue(frame: Frame, amount: Annotated[int, Percent(-100, 100)] = 80) -> Frame:
    """Turn all hues around the circle from red over yellow and green to blue: 100 is 180 degrees, -100 the same back.

    Saturation and value of HSV stay, as with ImageMagick's -modulate: pure colours become pure colours and nothing is
    cut off, which CSS's hue-rotate() does not manage (its 120 degrees make a dark olive of red).
    """
    return _coloured(frame, amount, lambda pixels: turned(pixels, amount * 1.8))


@operation("vibrance", example="vibrance:40", scaling="commutes")
def vibrance(frame: Frame, amount: Annotated[int, Percent(-100, 100)] = 20) -> Frame:
    """Make dull colours stronger, or weaker where the amount is negative; vivid ones stay, skin changes half as much.

    A chroma c in [0, 1] becomes c (1 + amount / 100 (1 - c)); luma stays.
    """
    return _coloured(frame, amount, lambda pixels: vibrant(pixels, amount / 100))


def _coloured(frame: Frame, amount: int, work: Callable[[PixelArray], PixelArray]) -> Frame:
    if amount == 0 or frame.channels == 1:
        return frame
    return frame.with_pixels(on_colours(frame.pixels, work))
