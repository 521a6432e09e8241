"""Large pixels: the means of blocks, drawn as blocks."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ..image import PixelArray
from ..resample import premultiplied

SMALLEST = 1 / 50  # of the longer side: the block that is taken where none is asked for, 50 along a picture


def automatic_block(width: float, height: float) -> float:
    """The side of a block for a picture of that size, in the same unit; at least 2."""
    return max(2.0, max(width, height) * SMALLEST)


def in_blocks(pixels: PixelArray, across: float, down: float) -> PixelArray:
    """Every block of `across` × `down` pixels as its mean, from the top left corner on.

    What is left at the right and below are smaller blocks with means of their own. Sides need not be whole: every edge
    lies on the nearest pixel. Colours are weighted by their alpha.
    """
    height, width = pixels.shape[:2]
    columns, rows = _edges(width, across), _edges(height, down)
    if len(columns) > width and len(rows) > height:
        return pixels
    return premultiplied(pixels, lambda weighted: _averaged(weighted, columns, rows))


def _edges(side: int, block: float) -> NDArray[np.intp]:
    """Where blocks begin, and the end of the last one."""
    inner = np.floor(np.arange(0, side, max(block, 1.0)) + 0.5)
    return np.unique(np.append(inner[inner < side], side)).astype(np.intp)


def _averaged(pixels: PixelArray, columns: NDArray[np.intp], rows: NDArray[np.intp]) -> PixelArray:
    result = np.empty_like(pixels)
    widths = np.diff(columns)
    for top, bottom in pairwise(rows):
        band = np.ascontiguousarray(pixels[top:bottom]).reshape(bottom - top, -1)
        sums = cv2.reduce(band, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S).reshape(-1, pixels.shape[2])
        totals = np.add.reduceat(sums.astype(np.int64), columns[:-1], axis=0)
        area = (widths * (bottom - top))[:, np.newaxis]
        result[top:bottom] = np.repeat(((2 * totals + area) // (2 * area)).astype(np.uint8), widths, axis=0)
    return result
