"""Threshold maps of ordered dithering, from their definitions.

A map ranks the pixels of a tile, from 1 for the one that becomes white first; of N ranks the pixel of rank r becomes
white from r / (N + 1) of full light on, so that a grey gives as much white as it is bright.

Sources: B. E. Bayer, "An optimum method for two-level rendition of continuous-tone pictures" (ICC 1973); R. Ulichney,
"Digital Halftoning" (1987) for spot functions and "The void-and-cluster method" (1993) for the map of 3 × 3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..image import PixelArray

Ranks = NDArray[np.intp]
Spot = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

_MIDDLE = (np.pi, np.pi)

NAMES = (
    "threshold", "checks", "ordered-2", "ordered-3", "ordered-4", "ordered-8",
    "angled-4", "angled-6", "angled-8", "halftone-4", "halftone-6", "halftone-8", "halftone-16",
    "circles-5-black", "circles-5-white", "circles-6-black", "circles-6-white", "circles-7-black", "circles-7-white",
)  # fmt: skip


@cache
def threshold_map(name: str) -> PixelArray:
    """The level from which on each pixel of the tile is white, 1 to 255."""
    ranks = _ranks(name)
    count = int(ranks.max())
    levels: PixelArray = np.ceil(255 * ranks / (count + 1)).astype(np.uint8)
    levels.flags.writeable = False
    return levels


def _ranks(name: str) -> Ranks:
    kind, _, rest = name.partition("-")
    side = int(rest.partition("-")[0] or 1)
    match kind:
        case "threshold":
            return np.array([[1]])
        case "checks":
            return np.array([[1, 2], [2, 1]])
        case "ordered":
            return _voids(side) if side == 3 else _bayer(side) + 1
        case "angled":  # two dots a tile, along its diagonal: a screen at 45 degrees
            upper = _ranked(side, side // 2, (np.pi / 2, np.pi / 2), lambda x, y: -np.sin(x) * np.sin(y))
            return np.vstack([upper, np.roll(upper, side // 2, axis=1)])
        case "halftone":
            return _ranked(side, side, _MIDDLE, lambda x, y: np.cos(x) + np.cos(y))
    away = _ranked(side, side, _MIDDLE, lambda x, y: np.hypot(x - np.pi, y - np.pi))
    return away if rest.endswith("white") else side * side + 1 - away


def _bayer(side: int) -> Ranks:
    """Every map is four times the one half as large, offset so that the next pixel is as far away as can be."""
    if side == 1:
        return np.zeros((1, 1), np.intp)
    less = 4 * _bayer(side // 2)
    return np.block([[less, less + 2], [less + 3, less + 1]])


def _voids(side: int) -> Ranks:
    """Each rank where the ones before it leave the largest void, on a tile that goes on at its edges."""
    y, x = np.mgrid[0:side, 0:side]
    ranks, weight = np.zeros((side, side), np.intp), np.zeros((side, side))
    for rank in range(1, side * side + 1):
        row, column = np.unravel_index(np.argmin(np.where(ranks == 0, weight, np.inf)), ranks.shape)
        ranks[row, column] = rank
        apart = [np.minimum(np.abs(a - b), side - np.abs(a - b)) for a, b in ((x, column), (y, row))]
        weight += np.exp(-(apart[0] ** 2 + apart[1] ** 2) / 2)
    return ranks


def _ranked(width: int, height: int, centre: tuple[float, float], spot: Spot) -> Ranks:
    """The pixels in the order of a spot function of their place, of which 2 pi are the width.

    Where it is the same they go around the centre, so that a spot grows as a spiral.
    """
    places = (np.arange(width) + 0.5) * 2 * np.pi / width
    x, y = np.meshgrid(places, places[:height])
    level, turn = spot(x, y).round(9), np.arctan2(y - centre[1], x - centre[0]).round(9)
    ranks = np.empty(width * height, np.intp)
    ranks[np.lexsort((turn.ravel(), level.ravel()))] = np.arange(1, width * height + 1)
    return ranks.reshape(height, width)
