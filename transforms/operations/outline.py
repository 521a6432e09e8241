"""A line around the subject: outline."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import Annotated, Literal

from ..blending import alpha_of
from ..effects.silhouettes import behind, closed, filled, grown, shrunk, softened, upon
from ..geometry import placed
from ..hues import BLACK, TRANSPARENT, Colour, ColourText
from ..image import Frame, Image, Scale, Size, nearest_pixel
from ..params import Int, Pixels
from ..registry import operation

Mode = Literal["outer", "inner", "inner-fill", "fill"]

_SIGMA = 1 / 100  # px of the Gaussian for each step of `blur`


def _reach(mode: Mode, width: int, blur: int) -> int:
    """The pixels by which the canvas grows on each side."""
    return width + ceil(3 * blur * _SIGMA) if mode in ("outer", "fill") else 0


def _size(before: Size, mode: Mode, width: int, blur: int, **_: object) -> Size:
    reach = _reach(mode, width, blur)
    return Size(before.width + 2 * reach, before.height + 2 * reach)


@operation("outline", example="outline:outer,width=8,color=orange", size=_size, scaling="commutes")
def outline(
    image: Image,
    mode: Mode = "outer",
    width: Annotated[int, Pixels(1, 100)] = 5,
    blur: Annotated[int, Int(0, 2000)] = 0,
    color: Annotated[Colour, ColourText()] = BLACK,
    *,
    scale: Scale,
) -> Image:
    """Draw a line around what is opaque, `width` px wide and softened by `blur` / 100 px.

    `outer` draws it on the outside, behind the picture; the canvas grows by the line and its softness on each side.
    `fill` does so, and fills what the line encloses. `inner` draws it on the inside, over the picture. `inner-fill`
    fills holes, and gaps of up to twice the width, behind the picture. A picture without transparency is one rectangle.
    """
    reach = _reach(mode, width, blur)
    across, down = (nearest_pixel(reach * factor) if reach else 0 for factor in (scale.x, scale.y))
    canvas = Size(image.size.width + 2 * across, image.size.height + 2 * down)
    larger = placed(image, canvas, across, down, TRANSPARENT)
    frames = tuple(_outlined(frame, mode, width * scale.x, blur * _SIGMA * scale.x, color) for frame in larger.frames)
    return replace(larger, frames=frames)


def _outlined(frame: Frame, mode: Mode, width: float, sigma: float, color: Colour) -> Frame:
    shape = alpha_of(frame.pixels)
    if mode == "inner":
        return frame.with_pixels(upon(frame.pixels, ~softened(shrunk(shape, width), sigma), color))
    if mode == "inner-fill":
        return frame.with_pixels(behind(frame.pixels, softened(closed(shape, width), sigma), color))
    whole = grown(shape, width) if mode == "outer" else filled(grown(shape, width))
    return frame.with_pixels(behind(frame.pixels, softened(whole, sigma, room=True), color))
