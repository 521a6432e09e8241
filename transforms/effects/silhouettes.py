"""The shape of what is opaque: grown, shrunk, filled and softened; and colours laid behind or onto it.

A shape is uint8 (h, w), 0 outside to 255 inside, with the smooth edges of the alpha that it comes from.
"""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np

from ..blending import blended
from ..hues import Colour
from ..image import PixelArray
from ..resample import soften_weighted

_INSIDE = 128  # of alpha, from where on a pixel is counted to the shape
_NARROW = 15  # px: 2 % of it are not seen


def solid(shape: PixelArray, least: int = _INSIDE) -> PixelArray:
    """255 where the shape is at least `least`, 0 elsewhere."""
    return np.asarray(cv2.threshold(shape, least - 1, 255, cv2.THRESH_BINARY)[1], np.uint8)


def grown(shape: PixelArray, width: float) -> PixelArray:
    """The shape and all that is at most `width` px away from it; half a pixel more or less is smooth."""
    outside = cv2.bitwise_not(solid(shape))
    # 5 × 5 is at most 2 % off, corners where a line is wide, and costs 2 ms per megapixel; the exact transform costs 8.
    mask = cv2.DIST_MASK_5 if width <= _NARROW else cv2.DIST_MASK_PRECISE
    far = cv2.distanceTransform(outside, cv2.DIST_L2, mask)
    np.clip(far, width, width + 1, out=far)
    near = cv2.convertScaleAbs(far, alpha=-255, beta=255 * (width + 1))
    return np.asarray(cv2.max(shape, near), np.uint8)


def shrunk(shape: PixelArray, width: float) -> PixelArray:
    """The shape without all that is at most `width` px away from its outside, which lies around the array as well."""
    outside = np.asarray(cv2.copyMakeBorder(~shape, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255), np.uint8)
    return np.asarray(~grown(outside, width)[1:-1, 1:-1])


def filled(shape: PixelArray) -> PixelArray:
    """The shape with what it encloses."""
    around = cv2.copyMakeBorder(~solid(shape), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255)
    cv2.floodFill(around, np.empty(0, np.uint8), (0, 0), 1)
    # The pixels next to what lies outside keep their smooth edge.
    edge = cv2.dilate(cv2.inRange(around, np.array([1]), np.array([1])), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.max(shape, cv2.bitwise_not(edge[1:-1, 1:-1])), np.uint8)


def closed(shape: PixelArray, width: float) -> PixelArray:
    """The shape with what it encloses once gaps of up to twice `width` px are bridged; not wider elsewhere."""
    margin = ceil(width) + 2
    larger = np.pad(shape, margin)
    bridged = shrunk(filled(grown(larger, width)), width)
    return np.asarray(cv2.max(shape, bridged[margin:-margin, margin:-margin]), np.uint8)


def softened(shape: PixelArray, sigma: float, *, room: bool = False) -> PixelArray:
    """A Gaussian of the shape, around which there is nothing; `room`: its outermost 3 sigma are empty already."""
    if sigma <= 0:
        return shape
    margin = 0 if room else ceil(3 * sigma)
    larger = np.pad(shape, margin) if margin else shape
    soft = soften_weighted(larger[:, :, np.newaxis], sigma, sigma)
    height, width = shape.shape
    return np.ascontiguousarray(soft[margin : margin + height, margin : margin + width, 0])


def coloured(shape: PixelArray, colour: Colour, opacity: float = 1.0) -> PixelArray:
    """The shape in one colour, BGRA."""
    # As words of four bytes: 2 ms for 4 megapixels, and 30 ms byte by byte.
    word = np.frombuffer(bytes(colour.bgra), np.uint32)[0]
    pixels = np.full(shape.shape, word, np.uint32).view(np.uint8).reshape(*shape.shape, 4)
    cv2.insertChannel(cv2.convertScaleAbs(shape, alpha=colour.alpha / 255 * opacity), pixels, 3)
    return pixels


def behind(pixels: PixelArray, shape: PixelArray, colour: Colour, opacity: float = 1.0) -> PixelArray:
    """The picture over the shape in one colour, BGRA."""
    return blended(coloured(shape, colour, opacity), pixels)


def upon(pixels: PixelArray, shape: PixelArray, colour: Colour) -> PixelArray:
    """The shape in one colour over the picture, as far as that is opaque (Porter and Duff's atop)."""
    result = blended(pixels, coloured(shape, colour))
    if pixels.shape[2] == 4:
        result[:, :, 3] = pixels[:, :, 3]
    return result
