"""Fill light: shadows lifted by a gain that follows the light of a picture, not its detail."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..image import PixelArray
from ..resample import layered
from .chroma import BAND, ROOM, brightest
from .tables import luma
from .tones import LEVELS, Curve

Plane = NDArray[np.floating]

STOPS = 1.5  # of light that the deepest shadows gain; 2.88 is where the curve would no longer rise
_SIDE = 256  # px of the copy that the light is found on
_REACH = 1 / 12  # of its long side: the radius of the boxes
_EDGE = 0.004  # variance, of luma in [0, 1], from which a step is an edge that light stops at
_FLOOR = 0.02  # luma below which there is more noise than picture


def filled(pixels: PixelArray, share: float, bias: float) -> PixelArray:
    """Gray, BGR or BGRA with its shadows lifted by a share in [0, 1]; `bias` in [-1, 1] counts more tones among them.

    The colours of a pixel are multiplied by one gain, so that hue and saturation stay; it depends on the light around
    it, found by a guided filter (He and Sun, Fast Guided Filter, 2015), so that the contrast of details stays as well.
    """
    light, gains = _light(pixels), _gains(share, bias)
    result = np.empty_like(pixels)
    for top in range(0, len(pixels), BAND):
        rows = np.s_[top : top + BAND]
        result[rows] = _lifted(pixels[rows], np.asarray(cv2.LUT(light[rows], gains), np.float32))
    return result


def _lifted(pixels: PixelArray, gain: Plane) -> PixelArray:
    """Times a gain, but no further than the brightest colour of a pixel has room, so that hues stay."""
    most = cv2.min(gain, cv2.LUT(brightest(pixels), ROOM))
    planes = cv2.split(pixels)
    changed = [cv2.multiply(plane, most, dtype=cv2.CV_8U) for plane in planes[:3]]
    return layered(cv2.merge([*changed, *planes[3:]]))


def lift(share: float) -> Curve:
    """The same on a pixel's own level, which costs nothing and is enough where it is little."""
    return np.asarray(LEVELS * _gains(share, 0.0), np.float64)


def _gains(share: float, bias: float) -> Plane:
    """The factor for each level of light: 2 ** stops in the shadows, 1 from the pivot on, less where all is black."""
    light = np.arange(256) / 255
    pivot = 0.6 + 0.35 * bias
    stops = STOPS * np.maximum(1 - light / pivot, 0) ** 2 * light / (light + _FLOOR)
    return (1 + share * (2**stops - 1)).astype(np.float32)


def _light(pixels: PixelArray) -> PixelArray:
    """The light, (h, w), 0 to 255: luma without its detail, and with its edges."""
    levels = luma(pixels)[:, :, 0]
    size = (levels.shape[1], levels.shape[0])
    planes = _coefficients(levels, pixels[:, :, 3] if pixels.shape[2] == 4 else None)
    slope, offset = (cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in planes)
    result = np.empty_like(levels)
    for top in range(0, len(levels), BAND):
        rows = np.s_[top : top + BAND]
        light = cv2.add(cv2.multiply(levels[rows], slope[rows], dtype=cv2.CV_32F), offset[rows])
        cv2.convertScaleAbs(light, dst=result[rows])  # it is never negative
    return result


def _coefficients(levels: PixelArray, alpha: PixelArray | None) -> tuple[Plane, Plane]:
    """Slope and offset (in levels) of the line that light is of luma, around each place of a small copy."""
    height, width = levels.shape
    factor = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = _shrunk(levels, size)
    seen = np.ones_like(small)
    if alpha is not None:
        seen = _shrunk(alpha, size)
        weighted = np.asarray(cv2.multiply(levels, alpha, scale=1 / 255), np.uint8)
        small = _shrunk(weighted, size) / np.maximum(seen, np.float32(1e-3))
    reach = 2 * max(1, round(max(size) * _REACH)) + 1
    around = np.maximum(_mean(seen, reach), np.float32(1e-4))
    average = _mean(small * seen, reach) / around
    variance = np.maximum(_mean(small * small * seen, reach) / around - average * average, np.float32(0))
    slope = variance / (variance + np.float32(_EDGE))
    offset = average * (1 - slope) * np.float32(255)
    return _mean(slope * seen, reach) / around, _mean(offset * seen, reach) / around


def _mean(plane: Plane, side: int) -> Plane:
    return np.asarray(cv2.boxFilter(plane, -1, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)


def _shrunk(plane: PixelArray, size: tuple[int, int]) -> Plane:
    """In [0, 1]."""
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
