"""Pictures turned by any angle, for detectors that know only what stands upright, and what they found turned back."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, cos, hypot, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from .found import Box, PixelArray, Region

GRAY = (114, 114, 114)  # of the corners that a turned picture leaves, in which nothing is found

Way = NDArray[np.float64]
"""A 2×3 affine from pixels of the turned picture to pixels of the picture itself."""


def turned(pixels: PixelArray, degrees: int) -> tuple[PixelArray, Way]:
    """BGR pixels (h, w, 3) turned anticlockwise on a canvas that holds all of them, and the way back."""
    height, width = pixels.shape[:2]
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(pixels, degrees // 90)), _way(width, height, degrees)
    way = _way(width, height, degrees)
    canvas = _canvas(width, height, degrees)
    # OpenCV counts from the middles of pixels, fractions from their edges.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    back = (np.linalg.inv(half) @ np.vstack([way, [0, 0, 1]]) @ half)[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(pixels, back, canvas, flags=flags, borderValue=GRAY), way  # type: ignore[return-value]


def _canvas(width: int, height: int, degrees: int) -> tuple[int, int]:
    cosine, sine = abs(cos(radians(degrees))), abs(sin(radians(degrees)))
    return ceil(width * cosine + height * sine - 1e-6), ceil(width * sine + height * cosine - 1e-6)


def _way(width: int, height: int, degrees: int) -> Way:
    """About the middles of both pictures; y points down."""
    across, down = _canvas(width, height, degrees)
    cosine, sine = cos(radians(degrees)), sin(radians(degrees))
    x = width / 2 - (cosine * across - sine * down) / 2
    y = height / 2 - (sine * across + cosine * down) / 2
    return np.array([[cosine, -sine, x], [sine, cosine, y]], np.float64)


def turned_back(region: Region, way: Way, before: tuple[int, int], after: tuple[int, int]) -> Region:
    """A region of the turned picture, `after` wide and high, in fractions of the picture, `before` wide and high.

    The box is that of the ellipse in the box, since what is looked for is round: corners would make it much larger.
    """
    (width, height), (across, down), box = before, after, region.box
    x, y = way @ np.array([box.centre[0] * across, box.centre[1] * down, 1.0])
    half_x, half_y = box.width * across / 2, box.height * down / 2
    wide, high = hypot(way[0, 0] * half_x, way[0, 1] * half_y), hypot(way[1, 0] * half_x, way[1, 1] * half_y)
    points = np.array([(px * across, py * down, 1.0) for _, px, py in region.points]).reshape(-1, 3) @ way.T
    return replace(
        region,
        box=Box((x - wide) / width, (y - high) / height, 2 * wide / width, 2 * high / height),
        points=tuple(
            (name, float(px) / width, float(py) / height)
            for (name, *_), (px, py) in zip(region.points, points, strict=True)
        ),
    )
