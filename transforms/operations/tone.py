"""Tone: brightness by value, contrast, gamma, and the level of each colour."""

from __future__ import annotations

from typing import Annotated, Literal

from ..effects.chroma import brightened
from ..effects.tables import on_colours
from ..effects.tones import LEVELS, Curve, about_middle, curved, power, sigmoid, times
from ..image import Frame
from ..params import Percent
from ..registry import operation

_SIGMOID = 10.0  # ImageMagick's strength at 100: the middle is 2.5 times as steep there, 2 times with `linear`


@operation("brightness-hsb", example="brightness-hsb:30", scaling="commutes")
def brightness_hsb(frame: Frame, amount: Annotated[int, Percent(-99, 100)] = 80) -> Frame:
    """Make the picture lighter or darker in HSB: the brightness is multiplied by 1 + amount / 100, up to its full.

    Hue and saturation stay, other than with `brightness`, where a colour fades to white once one of its channels is
    full. The same as ImageMagick's -modulate in HSB.
    """
    factor = 1 + amount / 100
    if amount <= 0 or frame.channels == 1:
        return curved(frame, times(factor))
    return frame.with_pixels(on_colours(frame.pixels, lambda pixels: brightened(pixels, factor)))


@operation("contrast", example="contrast:30", scaling="commutes")
def contrast(
    frame: Frame,
    amount: Annotated[int, Percent(-100, 100)] = 0,
    curve: Literal["linear", "sigmoidal"] = "linear",
) -> Frame:
    """Make light and dark differ more, or less where the amount is negative.

    `linear` multiplies the distance to mid-gray by 1 + amount / 100, as in CSS filters: -100 is gray all over, 100
    twice the contrast, with what passes black and white cut off. `sigmoidal` is the S-shaped curve of ImageMagick's
    -sigmoidal-contrast with amount / 10 about 50 %, and its inverse where negative: nothing is cut off.
    """
    return curved(frame, about_middle(1 + amount / 100) if curve == "linear" else sigmoid(_SIGMOID * amount / 100))


@operation("gamma", example="gamma:30", scaling="commutes")
def gamma(frame: Frame, amount: Annotated[int, Percent(-50, 150)] = 0) -> Frame:
    """Make the mid-tones lighter, or darker where the amount is negative; black and white stay.

    The gamma is 1 + amount / 100: from 0.5 to 2.5, as with ImageMagick's -gamma.
    """
    return curved(frame, power(1 + amount / 100))


@operation("red", example="red:40", scaling="commutes")
def red(frame: Frame, amount: Annotated[int, Percent(-100, 100)] = 0) -> Frame:
    """Add or take away red: it is multiplied by 1 + amount / 100. A gray picture becomes one with colours."""
    return curved(frame, _channel(2, amount))


@operation("green", example="green:40", scaling="commutes")
def green(frame: Frame, amount: Annotated[int, Percent(-100, 100)] = 0) -> Frame:
    """Add or take away green: it is multiplied by 1 + amount / 100. A gray picture becomes one with colours."""
    return curved(frame, _channel(1, amount))


@operation("blue", example="blue:40", scaling="commutes")
def blue(frame: Frame, amount: Annotated[int, Percent(-100, 100)] = 0) -> Frame:
    """Add or take away blue: it is multiplied by 1 + amount / 100. A gray picture becomes one with colours."""
    return curved(frame, _channel(0, amount))


def _channel(index: int, amount: int) -> Curve:
    curve: Curve = LEVELS[:, None].repeat(3, axis=1)
    curve[:, index] = times(1 + amount / 100)
    return curve
