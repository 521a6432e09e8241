"""How colourful a picture is: saturation, hue and vibrance of BGR pixels, uint8 (h, w, 3)."""

from __future__ import annotations

import sys
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ..image import PixelArray
from ..resample import layered
from .bands import in_bands

LUMA = np.array([0.114, 0.587, 0.299])  # ITU-R BT.601, of blue, green and red, as in `grayscale`
BAND = 64  # rows that are worked on at once: what lies in between stays in the cache, and takes no memory
_VIVID = 130.0  # how far red, green, blue and their complements lie from gray in the plane of Cb and Cr
_SKIN, _SKIN_WIDTH = 123.0, 16.0  # degrees from Cb: the I axis of NTSC, along which vectorscopes look for skin


def saturated(pixels: PixelArray, factor: float) -> PixelArray:
    """The distance of each colour to its own gray times a factor: luma stays as long as no channel is full.

    The matrix of `saturate()` in CSS filters (Filter Effects 1), with the luma of `grayscale`.
    """
    matrix = np.eye(3) * factor + (1 - factor) * LUMA[np.newaxis, :]
    return layered(cv2.transform(pixels, matrix.astype(np.float32)))


def turned(pixels: PixelArray, degrees: float) -> PixelArray:
    """Hues turned around the circle red, yellow, green, cyan, blue, magenta; saturation and value of HSV are kept."""
    return in_bands(pixels, 0, lambda band: _turned(band, degrees % 360), BAND)


def _turned(pixels: PixelArray, degrees: float) -> PixelArray:
    hsv = np.asarray(cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_BGR2HSV), np.float32)
    hue = hsv[:, :, 0]
    hue += np.float32(degrees)
    hue[hue >= 360] -= 360
    levels = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR))
    return np.rint(levels, out=levels).clip(0, 255).astype(np.uint8)


def brightened(pixels: PixelArray, factor: float) -> PixelArray:
    """The value V of HSV times a factor, up to 255, hue and saturation kept: no channel is cut off on its own."""
    planes = cv2.split(pixels)
    gain = cv2.LUT(brightest(pixels), np.minimum(factor, ROOM))
    return layered(cv2.merge([cv2.multiply(plane, gain, dtype=cv2.CV_8U) for plane in planes]))


ROOM = (255 / np.maximum(np.arange(256), 1)).astype(np.float32)  # the gain that makes each level full


def brightest(pixels: PixelArray) -> PixelArray:
    """The highest of a pixel's colours, (h, w); alpha is none."""
    first, *others = cv2.split(pixels)[:3]
    for plane in others:
        first = cv2.max(first, plane)
    return np.asarray(first, np.uint8)


def vibrant(pixels: PixelArray, amount: float) -> PixelArray:
    """More (to 1) or less (to -1) saturation where there is little of it; half as much on the hues of skin.

    A chroma c in [0, 1] becomes c (1 + amount (1 - c)): what is duller stays duller, and nothing passes the most vivid.
    """
    factors = _factors(amount)
    return in_bands(pixels, 0, lambda band: _vibrant(band, factors), BAND)


def _vibrant(pixels: PixelArray, factors: NDArray[np.float32]) -> PixelArray:
    spread = cv2.cvtColor(pixels, cv2.COLOR_BGR2YCrCb)
    gray = cv2.cvtColor(np.ascontiguousarray(spread[:, :, 0]), cv2.COLOR_GRAY2BGR)
    place = np.empty((*pixels.shape[:2], 2), np.uint8)
    cv2.mixChannels([spread], [place], [1, 0, 2, 1])
    factor: NDArray[np.float32] = factors.take(place.view(np.uint16)[:, :, 0], mode="clip")
    return layered(cv2.blendLinear(pixels, gray, factor, 1 - factor))


@lru_cache(maxsize=8)
def _factors(amount: float) -> NDArray[np.float32]:
    """The factor of saturation for each pair of Cr and Cb, at Cr + 256 Cb: as a view of both as 16 bits reads them."""
    blue, red = np.mgrid[-128.0:128.0, -128.0:128.0]
    chroma = np.minimum(np.hypot(blue, red) / _VIVID, 1)
    from_skin = np.degrees(np.arctan2(red, blue)) - _SKIN
    spared = 0.5 * np.exp(-((from_skin / _SKIN_WIDTH) ** 2) / 2)
    factors = np.asarray(1 + amount * (1 - chroma) * (1 - spared), np.float32)
    return factors.ravel() if sys.byteorder == "little" else factors.T.ravel()
