"""Other colours: by a matrix, or one colour for another."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import cv2
import numpy as np

from ..effects.matrices import ColourMatrix
from ..effects.replacing import Replacement, vivid
from ..effects.tables import Matrix, in_bgr
from ..image import Frame, Image, PixelArray
from ..modes import to_bgr, to_bgra
from ..params import Colour, ColourText, Percent
from ..registry import operation
from ..resample import layered

_KEEPS_ALPHA = (0.0, 0.0, 0.0, 1.0)


@operation("recolor", example="recolor:0.3:0.7:0.1:0.3:0.6:0.1:0.2:0.5:0.1", scaling="commutes")
def recolor(frame: Frame, matrix: Annotated[tuple[float, ...], ColourMatrix()]) -> Frame:
    """Make each colour of a pixel from all of its colours, by a matrix.

    Nine numbers are three rows for the red, green and blue of the result, each with what it takes from red, green and
    blue: `0:0:1:0:1:0:1:0:0` swaps red and blue. Sixteen numbers are four rows of four, for alpha as well, from 0 clear
    to 1 opaque: the fourth number of a row adds a constant where the picture is opaque. What passes black or white
    stays there.
    """
    rows = np.array(matrix, np.float64).reshape(4 if len(matrix) == 16 else 3, -1)
    if np.array_equal(rows, np.eye(len(rows))):
        return frame
    gray = frame.channels == 1 and all(_keeps_gray(rows, row) for row in rows[1:3])
    if len(rows) == 3 or (tuple(rows[3]) == _KEEPS_ALPHA and not frame.has_alpha):
        return frame.with_pixels(_three(frame.pixels, rows, gray))
    return frame.with_pixels(layered(cv2.transform(to_bgra(frame.pixels), _four(rows))))


def _keeps_gray(rows: Matrix, row: Matrix) -> bool:
    """Whether a row makes of gray what the first one makes of it."""
    constant = len(rows) == 4 and row[3] != rows[0, 3]
    return bool(np.isclose(row[:3].sum(), rows[0, :3].sum())) and not constant


def _three(pixels: PixelArray, rows: Matrix, gray: bool) -> PixelArray:
    """Gray, BGR or BGRA by the nine numbers, and by the constants beside them where the picture is opaque."""
    colours = in_bgr(rows[:3, :3])
    if len(rows) == 4:
        colours = np.column_stack([colours, rows[2::-1, 3] * 255])
    done = layered(cv2.transform(to_bgr(pixels), colours))
    if pixels.shape[2] == 4:
        done = to_bgra(done)
        done[:, :, 3] = pixels[:, :, 3]
    return done[:, :, :1].copy() if gray else done


def _four(rows: Matrix) -> Matrix:
    order = [2, 1, 0, 3]
    return np.ascontiguousarray(rows[np.ix_(order, order)])


@operation("replace-color", example="replace-color:red,tolerance=50,old=blue", scaling="commutes")
def replace_color(
    image: Image,
    to: Annotated[Colour, ColourText()],
    tolerance: Annotated[int, Percent()] = 50,
    old: Annotated[Colour | None, ColourText()] = None,
) -> Image:
    """Give what has one colour another one: shades of the first become the shades of the second that belong to them.

    `tolerance` is how far a colour may be from the `old` one in CIELAB, 0 only that very colour, 100 a wide family;
    shadows and highlights of it count as near. Without `old` it is the most prominent vivid colour of the picture, of
    an animation that of its first frame; a picture without vivid colours then stays as it is. The alpha of `to` makes
    what is replaced see-through.
    """
    source = old or vivid(image.frames[0].pixels)
    if source is None or source == to:
        return image
    replacement = Replacement(source, to, tolerance)
    return replace(image, frames=tuple(f.with_pixels(replacement.applied(f.pixels)) for f in image.frames))
