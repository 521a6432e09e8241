"""Pictures as somebody paints them: flat strokes, few tones, drawn lines.

Sources: M. Kuwahara et al., "Processing of RI-angiocardiographic images" (1976), smooth as in G. Papari et al.,
"Artistic edge and corner enhancing smoothing" (IEEE Transactions on Image Processing 16, 2007); H. Winnemöller et al.,
"Real-time video abstraction" (SIGGRAPH 2006) for tones and lines.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from ..image import PixelArray
from ..resample import layered
from .bands import in_bands

Plane = NDArray[np.float32]

_NOISE = 2.0  # variance in squared levels below which windows are alike


def brushed(pixels: PixelArray, radius: int) -> PixelArray:
    """Every pixel as the mean of the windows around it that are the most even, of 2 × radius + 1 pixels a side.

    Eight windows lie around a pixel and touch it; each counts by its variance to the power of -8, so that strokes end
    at edges. `pixels` are weighted by their alpha. Looks 2 × radius + 1 pixels far; beyond its edges the picture is
    mirrored.
    """
    return in_bands(pixels, 2 * radius + 1, lambda band: _brushed(band, radius)) if radius else pixels


def _brushed(pixels: PixelArray, radius: int) -> PixelArray:
    side = (2 * radius + 1, 2 * radius + 1)
    evenness = _evenness(light_of(pixels), side)
    total = _ring(evenness, radius)
    planes = []
    for channel in cv2.split(pixels):
        mean = cv2.boxFilter(channel, cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT)
        painted = _ring(_plane(cv2.multiply(mean, evenness, dst=mean)), radius)
        planes.append(cv2.divide(painted, total, dtype=cv2.CV_8U))
    return layered(cv2.merge(planes))


def light_of(pixels: PixelArray) -> PixelArray:
    """Gray (h, w) of any pixels."""
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    code = cv2.COLOR_BGR2GRAY if pixels.shape[2] == 3 else cv2.COLOR_BGRA2GRAY
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def _evenness(light: PixelArray, side: tuple[int, int]) -> Plane:
    """The weight of the window around each pixel; at most 1, at least 5e-32."""
    mean = cv2.boxFilter(light, cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT)
    squares = cv2.sqrBoxFilter(light, cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT)
    variance = cv2.subtract(squares, cv2.multiply(mean, mean, dst=mean), dst=squares)
    # NumPy with plain numbers: OpenCV takes four pixels below each other for one.
    weight = np.divide(np.float32(_NOISE), np.maximum(variance, 0) + np.float32(_NOISE))
    cv2.multiply(weight, weight, dst=weight)
    cv2.multiply(weight, weight, dst=weight)
    return _plane(cv2.multiply(weight, weight, dst=weight))


def _plane(values: MatLike) -> Plane:
    return np.asarray(values, np.float32)


def _ring(plane: Plane, radius: int) -> Plane:
    """For each pixel the sum over the eight windows whose edges touch it."""
    height, width = plane.shape
    padded = cv2.copyMakeBorder(plane, radius, radius, radius, radius, cv2.BORDER_REFLECT)
    total = np.zeros_like(plane)
    for down, across in _directions(radius):
        top, left = radius + down, radius + across
        cv2.add(total, padded[top : top + height, left : left + width], dst=total)
    return total


def _directions(radius: int) -> Iterator[tuple[int, int]]:
    slant = round(radius / 2**0.5)
    yield from ((radius, 0), (-radius, 0), (0, radius), (0, -radius))
    yield from ((slant, slant), (slant, -slant), (-slant, slant), (-slant, -slant))


def toned(pixels: PixelArray, tones: float, saturation: float) -> PixelArray:
    """BGR or gray in `tones` steps of light, with soft edges between them, and more saturated by a factor."""
    table = _steps(tones)
    if pixels.shape[2] == 1:
        return layered(cv2.LUT(pixels, table))
    colours = (np.arange(256) - 128) * saturation + 128
    colours = np.rint(colours.clip(0, 255)).astype(np.uint8)
    tables = np.dstack([table, colours, colours])
    toned = cv2.LUT(cv2.cvtColor(pixels, cv2.COLOR_BGR2YCrCb), tables)
    return layered(cv2.cvtColor(toned, cv2.COLOR_YCrCb2BGR))


def _steps(tones: float) -> PixelArray:
    """A table of 256 levels: level in the middle of each tone, steep between them, as tanh; black and white stay."""
    width = 255 / tones
    level = np.arange(256) / width * (1 - 1e-9)  # white is of the last tone
    middle = np.floor(level) + 0.5
    nearest = np.rint(level)  # the edge between two tones
    soft = nearest + np.tanh(8 * (level - nearest)) / 2
    inside = (nearest >= 1) & (nearest <= np.ceil(tones) - 1)
    stairs = np.where(inside, soft, middle)
    result: PixelArray = np.rint((stairs - stairs[0]) / (stairs[-1] - stairs[0]) * 255).astype(np.uint8)
    return result


def lines_of(light: PixelArray, sigma: float, least: float, gain: float) -> PixelArray:
    """Ink, 0 to 255, where the picture is darker than what is around it, at the scale of `sigma` pixels.

    A difference of Gaussians of sigma and 1.6 sigma; `least` levels are left out, and every one above it is `gain`.
    """
    plane = light.astype(np.float32)
    fine = cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    coarse = cv2.GaussianBlur(plane, (0, 0), 1.6 * sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.addWeighted(coarse, gain, fine, -gain, -gain * least, dtype=cv2.CV_8U), np.uint8)


def inked(pixels: PixelArray, ink: PixelArray) -> PixelArray:
    """The colours darkened by ink (h, w), 255 of which is black; alpha as it was."""
    paper = cv2.bitwise_not(ink)
    planes = [paper] * min(pixels.shape[2], 3) + [np.full_like(ink, 255)] * (pixels.shape[2] == 4)
    return layered(cv2.multiply(pixels, layered(cv2.merge(planes)), scale=1 / 255))
