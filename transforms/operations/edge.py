"""The outline of the picture: round and border."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ..geometry import placed, showing
from ..image import Frame, Image, PixelArray, Scale, Size, nearest_pixel
from ..params import BLACK, TRANSPARENT, Colour, ColourText, Corners, Pixels
from ..registry import operation

_WHICH = {1: (0, 0, 0, 0), 2: (0, 1, 0, 1), 3: (0, 1, 2, 1), 4: (0, 1, 2, 3)}  # CSS: top left and on clockwise
_BAND = 256  # rows that are worked on at once, in numbers of four bytes

Radii = list[tuple[float, float]]  # across and down, of the top left corner and on clockwise


@operation("round", example="round:max", scaling="commutes")
def round_corners(
    frame: Frame, radius: Annotated[tuple[int, ...] | str, Corners(Pixels(0, 8192))], *, scale: Scale
) -> Frame:
    """Cut the corners round; what is cut off becomes transparent, or white in formats without transparency.

    One radius in pixels for all corners, or up to four as in CSS from the top left clockwise, `:` between: `10:20` is
    top left and bottom right, then the other two. Radii that do not fit next to each other shrink together. `max` makes
    a circle, or an ellipse where the picture is not square.
    """
    pixels = showing(frame.pixels, TRANSPARENT)
    pixels = pixels.copy() if pixels is frame.pixels else pixels
    size = frame.size
    for corner, (across, down) in enumerate(_radii(radius, size, scale)):
        width, height = min(int(np.ceil(across)), size.width), min(int(np.ceil(down)), size.height)
        if width and height:
            alpha = pixels[:: 1 if corner in (0, 1) else -1, :: 1 if corner in (0, 3) else -1, 3]
            _cut_round(alpha[:height, :width], across, down)
    return frame.with_pixels(pixels)


def _cut_round(alpha: PixelArray, across: float, down: float) -> None:
    """Take from the alpha of a top left corner, in place, what lies outside the ellipse."""
    for top in range(0, alpha.shape[0], _BAND):
        band = alpha[top : top + _BAND]
        band[:] = (band * _quarter(across, down, band.shape[1], top, band.shape[0]) + 0.5).astype(np.uint8)


def _radii(radius: tuple[int, ...] | str, size: Size, scale: Scale) -> Radii:
    if isinstance(radius, str):
        return [(size.width / 2, size.height / 2)] * 4
    first, second, third, fourth = (radius[at] for at in _WHICH[len(radius)])
    # CSS backgrounds and borders, 5.5: all radii by one factor, so that no two of a side overlap.
    sums = ((first + second) * scale.x / size.width, (third + fourth) * scale.x / size.width,
            (first + fourth) * scale.y / size.height, (second + third) * scale.y / size.height)  # fmt: skip
    factor = 1 / max(1.0, *sums)
    return [(r * scale.x * factor, r * scale.y * factor) for r in (first, second, third, fourth)]


def _quarter(across: float, down: float, width: int, top: int, height: int) -> NDArray[np.float32]:
    """How much of each pixel of a top left corner lies inside the ellipse: its distance to the edge, in pixels.

    Of `height` rows from `top` on.
    """
    x = ((across - np.arange(width) - 0.5)[np.newaxis, :].clip(0) / across).astype(np.float32)
    y = ((down - np.arange(top, top + height) - 0.5)[:, np.newaxis].clip(0) / down).astype(np.float32)
    level = np.hypot(x, y)
    steepness = np.hypot(x / across, y / down)  # of the level, times the level
    covered: NDArray[np.float32] = np.clip(0.5 + (1 - level) * level / np.maximum(steepness, 1e-9), 0.0, 1.0)
    return np.where(level < 0.5, np.float32(1), covered)


def _grown(before: Size, width: int, **_: object) -> Size:
    return Size(before.width + 2 * width, before.height + 2 * width)


@operation("border", example="border:10,color=white", size=_grown, scaling="commutes")
def border(
    image: Image,
    width: Annotated[int, Pixels(0, 1000)],
    color: Annotated[Colour, ColourText()] = BLACK,
    *,
    scale: Scale,
) -> Image:
    """Draw a border around the picture, which grows by `width` pixels on each side."""
    across, down = (nearest_pixel(width * factor) if width else 0 for factor in (scale.x, scale.y))
    canvas = Size(image.size.width + 2 * across, image.size.height + 2 * down)
    return placed(image, canvas, across, down, color)
