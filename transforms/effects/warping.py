"""Pixels that land anywhere: a picture under any map, with smooth edges, transparent where nothing lands."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, floor, log2

import cv2
import numpy as np
from numpy.typing import NDArray

from ..image import Affine, PixelArray, Size
from ..modes import to_bgra
from ..resample import layered, resize_weighted

TILE = 256  # pixels a side that are worked on at once
_LARGEST = 20_000  # px: the longest side of a canvas
_REACH = 3  # px beyond a place that cubic weights look at, and one for rounding

Levels = NDArray[np.float32]
Places = Callable[[Levels, Levels], tuple[Levels, Levels, Levels, Levels]]
"""From places x, y on the canvas to u, v on the picture, both in pixels from their top left corners, and how many
pixels of the picture across and down one of the canvas covers there."""


def warped(pixels: PixelArray, canvas: Size, places: Places) -> PixelArray:
    """The picture on a canvas, BGRA; with its own channels where it covers all of the canvas.

    Where pixels of the canvas cover more than one of the picture, they take its area means (of a copy shrunk by a power
    of two along each axis, chosen for each tile); its edges are as soft as a pixel is wide.
    """
    weighted = pixels if pixels.shape[2] != 4 else layered(cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA))
    pyramid = {(0, 0): weighted}
    result = np.zeros((canvas.height, canvas.width, 4), np.uint8)
    everywhere = True
    for top in range(0, canvas.height, TILE):
        for left in range(0, canvas.width, TILE):
            part = result[top : top + TILE, left : left + TILE]
            down, across = _middles(*part.shape[:2])
            everywhere &= _lay(pyramid, places(across + np.float32(left), down + np.float32(top)), part)
    return np.ascontiguousarray(result[:, :, : pixels.shape[2]]) if everywhere else result


@lru_cache(maxsize=8)
def _middles(height: int, width: int) -> tuple[Levels, Levels]:
    """Rows and columns of the middles of pixels."""
    down, across = np.mgrid[:height, :width].astype(np.float32) + np.float32(0.5)
    for places in (down, across):
        places.flags.writeable = False
    return down, across


def _lay(
    pyramid: dict[tuple[int, int], PixelArray], found: tuple[Levels, Levels, Levels, Levels], part: PixelArray
) -> bool:
    """Draw a tile in place; whether the picture covers all of it."""
    u, v, across, down = found
    height, width = pyramid[0, 0].shape[:2]
    covered = _inside(u, width, across) * _inside(v, height, down)
    least, most, *_ = cv2.minMaxLoc(covered)
    if most == 0:
        return False
    seen = covered > 0 if least == 0 else np.s_[:]
    halvings = tuple(max(0, floor(log2(max(float(np.mean(of[seen])), 1e-6)) + 0.3)) for of in (across, down))
    small = _shrunk(pyramid, *halvings)
    if small.shape[:2] != (height, width):
        u, v = u * np.float32(small.shape[1] / width), v * np.float32(small.shape[0] / height)
    left, right = _span(u[seen], small.shape[1])
    top, bottom = _span(v[seen], small.shape[0])
    colours = cv2.remap(
        small[top:bottom, left:right], u - np.float32(left + 0.5), v - np.float32(top + 0.5), cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    drawn = layered(colours)
    part[:] = to_bgra(drawn) if drawn.shape[2] != 4 else cv2.cvtColor(drawn, cv2.COLOR_mRGBA2RGBA)
    if least == 1:
        return True
    shown = cv2.multiply(cv2.extractChannel(part, 3), covered, dtype=cv2.CV_8U)
    part[:] = cv2.copyTo(part, np.asarray(covered > 0, np.uint8))
    part[:, :, 3] = shown
    return False


def _inside(place: Levels, side: int, step: Levels) -> Levels:
    """The share of each pixel of the canvas that lies between the edges of the picture."""
    share: Levels = (np.minimum(place, np.float32(side) - place) / step + np.float32(0.5)).clip(0, 1)
    return share


def _span(places: Levels, side: int) -> tuple[int, int]:
    least, most, *_ = cv2.minMaxLoc(places)
    first = min(max(floor(least) - _REACH, 0), side - 1)
    return first, max(min(ceil(most) + _REACH, side), first + 1)


def _shrunk(pyramid: dict[tuple[int, int], PixelArray], across: int, down: int) -> PixelArray:
    whole = pyramid[0, 0]
    key = min(across, whole.shape[1].bit_length() - 1), min(down, whole.shape[0].bit_length() - 1)
    if key not in pyramid:
        size = Size(ceil(whole.shape[1] / 2 ** key[0]), ceil(whole.shape[0] / 2 ** key[1]))
        pyramid[key] = resize_weighted(whole, size)
    return pyramid[key]


def projective(matrix: NDArray[np.float64]) -> Places:
    """The places of a homography (3, 3) from the canvas to the picture; its third row may be 0, 0, 1."""
    if np.abs(matrix[2, :2]).max() * _LARGEST < 1e-4 * abs(matrix[2, 2]):
        return _affine(matrix[:2] / matrix[2, 2])
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()

    def places(x: Levels, y: Levels) -> tuple[Levels, Levels, Levels, Levels]:
        depth = np.float32(g) * x + np.float32(h) * y + np.float32(i)
        depth = np.where(depth > 1e-6, depth, np.float32(np.nan))  # beyond the horizon lies nothing
        u = (np.float32(a) * x + np.float32(b) * y + np.float32(c)) / depth
        v = (np.float32(d) * x + np.float32(e) * y + np.float32(f)) / depth
        across = np.hypot(np.float32(a) - u * np.float32(g), np.float32(b) - u * np.float32(h)) / depth
        down = np.hypot(np.float32(d) - v * np.float32(g), np.float32(e) - v * np.float32(h)) / depth
        lost = np.isnan(depth)
        return np.where(lost, -9, u), np.where(lost, -9, v), np.where(lost, 1, across), np.where(lost, 1, down)

    return places


def _affine(matrix: NDArray[np.float64]) -> Places:
    """Half as much to work out, and as many pixels everywhere."""
    (a, b, c), (d, e, f) = matrix.astype(np.float32).tolist()
    steps = np.float32(np.hypot(a, b)), np.float32(np.hypot(d, e))

    def places(x: Levels, y: Levels) -> tuple[Levels, Levels, Levels, Levels]:
        across, down = (np.broadcast_to(step, x.shape) for step in steps)
        return np.asarray(cv2.addWeighted(x, a, y, b, c)), np.asarray(cv2.addWeighted(x, d, y, e, f)), across, down

    return places


def fitted(before: NDArray[np.float64], after: NDArray[np.float64]) -> Affine:
    """The affine that takes points (n, 2) nearest to where they went (least squares)."""
    known = np.hstack([before, np.ones((len(before), 1))])
    return np.asarray(np.linalg.lstsq(known, after, rcond=None)[0].T, np.float64)
