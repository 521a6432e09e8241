"""One colour over all: tint, colorize, sepia, black and white, negative."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray

from ..effects.tables import in_bgr, luma, mapped, on_colours
from ..effects.tints import Gradient, Stop, Stops, ramp
from ..image import Frame, Image, PixelArray
from ..modes import to_bgr
from ..params import Colour, ColourText, Percent
from ..registry import operation

_RED = (Stop(Colour(255, 0, 0)),)
_GRAY = Colour(128, 128, 128)


@operation("tint", example="tint:60,colors=red@10:blue@90", scaling="commutes")
def tint(
    image: Image,
    amount: Annotated[int, Percent()] = 60,
    colors: Annotated[Stops, Gradient()] = _RED,
    equalize: bool = False,
) -> Image:
    """Map light and dark to a gradient of colours, and blend the picture with it by `amount`.

    `colors` run from what is dark to what is light, in even steps or at the positions that are given: `red@10:blue@90`
    is red up to 10 % of white, blue from 90 % on. One colour alone stands between black and white, so that shadows stay
    dark and highlights light. `equalize` spreads light and dark over the whole gradient first, each level alike often;
    an animation is measured as a whole.
    """
    if amount == 0:
        return image
    table = ramp(colors)[_equalizing(image) if equalize else np.arange(256)]
    return replace(image, frames=tuple(f.with_pixels(_tinted(f.pixels, table, amount)) for f in image.frames))


def _tinted(pixels: PixelArray, table: PixelArray, amount: int) -> PixelArray:
    """`table`: uint8 (256, 3), BGR for each luma."""
    if pixels.shape[2] == 1:
        gray = np.arange(256)[:, np.newaxis]
        return mapped(pixels, ((gray * (100 - amount) + table.astype(int) * amount + 50) // 100).astype(np.uint8))

    def work(colours: PixelArray) -> cv2.typing.MatLike:
        toned = to_bgr(mapped(luma(colours), table))
        return cv2.addWeighted(colours, 1 - amount / 100, toned, amount / 100, 0)

    return on_colours(pixels, work)


def _equalizing(image: Image) -> NDArray[np.intp]:
    """For each luma where it goes so that all are alike often, over all that can be seen of all frames."""
    counts = sum(_counted(frame.pixels) for frame in image.frames)
    sums = np.cumsum(counts)
    first = sums[np.flatnonzero(sums)[0]] if sums[-1] else 0
    if sums[-1] == first:  # one level only
        return np.arange(256)
    return np.asarray(np.rint((sums - first).clip(0) * 255 / (sums[-1] - first)), np.intp)


def _counted(pixels: PixelArray) -> NDArray[np.float64]:
    seen = (pixels[:, :, 3] > 0).astype(np.uint8) if pixels.shape[2] == 4 else None
    return np.asarray(cv2.calcHist([luma(pixels)], [0], seen, [256], [0, 256]), np.float64).ravel()


@operation("colorize", example="colorize:40,color=orange", scaling="commutes")
def colorize(
    frame: Frame,
    amount: Annotated[int, Percent()] = 100,
    color: Annotated[Colour, ColourText()] = _GRAY,
) -> Frame:
    """Blend the picture with one colour, as if behind stained glass: 0 leaves it as it is, 100 is that colour alone.

    What is transparent stays so: at 100 a cut-out becomes its silhouette. The alpha of `color` weakens it.
    """
    share = amount / 100 * color.alpha / 255
    if share == 0:
        return frame
    levels = np.arange(256)[:, np.newaxis] * (1 - share) + np.array(color.bgra[:3]) * share
    table = levels.round().astype(np.uint8)
    if frame.channels == 1:
        return frame.with_pixels(mapped(frame.pixels, table))
    return frame.with_pixels(on_colours(frame.pixels, lambda colours: cv2.LUT(colours, table[np.newaxis])))


# Filter Effects Module Level 1, 9.4: the colours of the result at full strength, rows red, green, blue.
_SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])


@operation("sepia", example="sepia:80", scaling="commutes")
def sepia(frame: Frame, amount: Annotated[int, Percent(1, 100)] = 80) -> Frame:
    """Tone the picture brown like an old photograph: the `sepia` filter of CSS, by its matrix."""
    matrix = in_bgr(_SEPIA * (amount / 100) + np.eye(3) * (1 - amount / 100))
    return frame.with_pixels(on_colours(frame.pixels, lambda colours: cv2.transform(to_bgr(colours), matrix)))


@operation("blackwhite", example="blackwhite:50", scaling="commutes")
def blackwhite(frame: Frame, threshold: Annotated[int, Percent()] = 50) -> Frame:
    """Make everything pure black or pure white, nothing between: white is what is as light as `threshold` or lighter.

    In percent of white: 50 divides in the middle, more makes the picture darker, 100 all black and 0 all white. How
    light a pixel is, is its luma as with `grayscale`.
    """
    table = (np.arange(256) * 100 >= threshold * 256).astype(np.uint8) * np.uint8(255)
    return frame.with_pixels(on_colours(frame.pixels, lambda colours: cv2.LUT(luma(colours), table)))


@operation("negate", example="negate", scaling="commutes")
def negate(frame: Frame) -> Frame:
    """Turn the picture into its negative: each colour becomes 255 minus itself."""
    return frame.with_pixels(on_colours(frame.pixels, cv2.bitwise_not))
