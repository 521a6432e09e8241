"""Colours: grayscale and brightness."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np

from ..effects.tables import luma, mapped, on_colours
from ..effects.tints import shades
from ..image import Frame
from ..params import Colour, ColourText, Percent
from ..registry import operation
from ..resample import layered


@operation("grayscale", example="grayscale", scaling="commutes")
def grayscale(frame: Frame, color: Annotated[Colour | None, ColourText()] = None) -> Frame:
    """Take the colour away; what stays is the luma of ITU-R BT.601, 0.299 red + 0.587 green + 0.114 blue.

    With `color` it is drawn in shades of that colour instead of gray, as light as before: black and white stay.
    """
    if color is not None:
        table = shades(color)
        return frame.with_pixels(on_colours(frame.pixels, lambda colours: mapped(luma(colours), table)))
    if frame.channels == 1:
        return frame
    if frame.channels == 3:
        return frame.with_pixels(layered(cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2GRAY)))
    gray = cv2.cvtColor(frame.pixels, cv2.COLOR_BGRA2GRAY)
    return frame.with_pixels(layered(cv2.merge([gray, gray, gray, frame.pixels[:, :, 3]])))


@operation("brightness", example="brightness:20", scaling="commutes")
def brightness(frame: Frame, amount: Annotated[int, Percent(-100, 100)] = 80) -> Frame:
    """Make the picture lighter or darker: each colour is multiplied by 1 + amount / 100, as in CSS filters.

    -100 is black, 100 twice as bright; what passes white stays white.
    """
    levels = np.arange(256) * (100 + amount)
    table = np.minimum((levels + 50) // 100, 255).astype(np.uint8)
    pixels = layered(cv2.LUT(frame.pixels, table))
    if frame.has_alpha:
        pixels[:, :, 3] = frame.pixels[:, :, 3]
    return frame.with_pixels(pixels)
