"""Which way up: rotate and flip."""

from __future__ import annotations

from typing import Annotated, Literal

from ..geometry import bounding, flipped, rotated
from ..image import Image, Size
from ..params import TRANSPARENT, Colour, ColourText, Degrees
from ..registry import operation


def _turned(before: Size, angle: float, **_: object) -> Size:
    return bounding(before, angle)


@operation("rotate", example="rotate:90", size=_turned, scaling="commutes")
def rotate(
    image: Image,
    angle: Annotated[float, Degrees()],
    background: Annotated[Colour, ColourText()] = TRANSPARENT,
) -> Image:
    """Turn the picture clockwise.

    Multiples of 90 degrees move pixels as they are. Other angles grow the canvas to the bounding box; its corners take
    `background`, which becomes white in formats without transparency.
    """
    return rotated(image, angle, background)


@operation("flip", example="flip:horizontal", scaling="commutes")
def flip(image: Image, axis: Literal["horizontal", "vertical", "both"] = "horizontal") -> Image:
    """Mirror the picture left to right (`horizontal`), top to bottom (`vertical`), or both."""
    return flipped(image, horizontal=axis != "vertical", vertical=axis != "horizontal")
