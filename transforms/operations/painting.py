"""As if somebody had drawn it: oil-paint and cartoonify."""

from __future__ import annotations

from math import ceil, floor
from typing import Annotated

import cv2
import numpy as np
from cv2.typing import MatLike

from ..effects.bands import in_bands
from ..effects.painting import brushed, inked, light_of, lines_of, toned
from ..image import Frame, PixelArray, Size
from ..params import Int, IntOr, Percent
from ..registry import operation
from ..resample import layered, premultiplied

_WIDEST_BRUSH = 1 / 64  # of the longer side: the radius at strength 100; 25 of 1600 px
_FINE = 4  # radius below which its fraction is seen
_FLATTENING = 1 / 160  # the same of cartoonify, which keeps more of what is drawn


@operation("oil-paint", example="oil-paint:40", scaling="commutes")
def oil_paint(frame: Frame, strength: Annotated[int, Percent()] = 30) -> Frame:
    """Paint the picture in flat strokes, which end at its edges; more strength takes a wider brush, 0 none.

    At 100 the brush is a thirtieth of the longer side wide. Transparency is painted along.
    """
    if strength == 0:
        return frame
    # In two strokes, one over the other: one alone with all of the radius is as soft as a blur.
    pixels, radius = frame.pixels, strength / 100 * _WIDEST_BRUSH * frame.size.long_side
    radius = round(radius) if radius >= _FINE else radius
    first = round(radius / 2)
    return frame.with_pixels(_painted(_painted(pixels, first), radius - first))


def _painted(pixels: PixelArray, radius: float) -> PixelArray:
    """Brushed; a fraction of a small radius is a mixture of the whole ones next to it."""
    less, share = (round(radius), 0.0) if radius >= _FINE else (floor(radius), radius % 1)

    def work(weighted: PixelArray) -> MatLike:
        small = brushed(weighted, less)
        return cv2.addWeighted(brushed(weighted, less + 1), share, small, 1 - share, 0) if share else small

    return premultiplied(pixels, work) if radius else pixels


@operation("cartoonify", example="cartoonify:50,reduction=60", scaling="commutes")
def cartoonify(
    frame: Frame,
    line: Annotated[int, Percent()] = 50,
    reduction: Annotated[int | str | None, IntOr(Int(0, 100), ("bw",))] = None,
) -> Frame:
    """Draw the picture as a cartoon: dark lines, and fewer, stronger colours in between.

    `line` is how thick and how many the lines are, 0 is none. `reduction` is how flat and few the colours are: at 0
    they stay, at 100 four tones are left; without it as much as `line`. With `bw` it becomes a drawing in black and
    white. Transparency stays.
    """
    amount = line if reduction is None else reduction
    if line == 0 and amount == 0:
        return frame
    if amount == "bw":
        return frame.with_pixels(_drawing(frame.pixels, line))
    return frame.with_pixels(_cartoon(frame.pixels, line, int(amount)))


def _cartoon(pixels: PixelArray, line: int, reduction: int) -> PixelArray:
    if reduction:
        flat = _painted(pixels, (0.25 + 0.75 * reduction / 100) * _FLATTENING * max(pixels.shape[:2]))
        result = _with_alpha_of(pixels, toned(_colours(flat), _tones(reduction), 1 + 0.6 * reduction / 100))
    else:
        flat = result = pixels
    return inked(result, _ink(_half(flat, pixels), line)) if line else result


def _half(flat: PixelArray, pixels: PixelArray) -> PixelArray:
    """Where lines are looked for: strokes alone have lost the fine ones, the picture alone has those of every grain."""
    return layered(cv2.addWeighted(flat, 0.5, pixels, 0.5, 0))


def _colours(pixels: PixelArray) -> PixelArray:
    return pixels if pixels.shape[2] < 4 else np.ascontiguousarray(pixels[:, :, :3])


def _with_alpha_of(pixels: PixelArray, colours: PixelArray) -> PixelArray:
    return colours if pixels.shape[2] < 4 else np.dstack([colours, pixels[:, :, 3]])


def _tones(reduction: int) -> float:
    """From 44, which nobody sees, to 4."""
    return 4 + 40 * (1 - reduction / 100) ** 2


def _sigma(line: int, long_side: int) -> float:
    """How thick lines are, with the picture: 1.3 to 3.2 px at 1600."""
    return max(0.5, (0.0008 + 0.0012 * line / 100) * long_side)


def _ink(pixels: PixelArray, line: int) -> PixelArray:
    """Lines where the picture shows an edge of its light. In transparent parts its light is taken as it is."""
    sigma, least, gain = _sigma(line, max(pixels.shape[:2])), 0.5 + 2.2 * (1 - line / 100), 8 + 24 * line / 100

    def draw(band: PixelArray) -> PixelArray:
        return layered(lines_of(light_of(band), sigma, least, gain))

    return in_bands(pixels, ceil(8 * sigma), draw)[:, :, 0]


_BLACK, _SHARP = 75.0, 12.0  # the level below which a drawing is black, and how far from it all is black or white


def _drawing(pixels: PixelArray, line: int) -> PixelArray:
    """Ink on paper: black where it is dark, or darker than what is around it (XDoG, H. Winnemöller et al. 2012)."""
    size = Size(pixels.shape[1], pixels.shape[0])
    flat = _half(_painted(pixels, _FLATTENING / 2 * size.long_side), pixels)
    sigma, emphasis = _sigma(line, size.long_side), line / 5

    def draw(band: PixelArray) -> PixelArray:
        light = light_of(band).astype(np.float32)
        fine = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        coarse = cv2.GaussianBlur(light, (0, 0), 1.6 * sigma, borderType=cv2.BORDER_REFLECT)
        gain = 255 / (2 * _SHARP)
        marked = cv2.addWeighted(fine, (1 + emphasis) * gain, coarse, -emphasis * gain, (_SHARP - _BLACK) * gain,
                                 dtype=cv2.CV_8U)  # fmt: skip
        return layered(marked)

    drawn = in_bands(flat, ceil(8 * sigma), draw)
    return drawn if pixels.shape[2] < 4 else np.dstack([drawn, drawn, drawn, pixels[:, :, 3]])
