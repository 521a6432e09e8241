"""The classic unsharp mask, of luma alone: what is added to the three colours of a pixel is the same."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..image import PixelArray
from ..resample import layered
from .chroma import BAND, brightest
from .tables import luma

Plane = NDArray[np.floating]


def unsharp(pixels: PixelArray, amount: float, sigma: tuple[float, float], threshold: float) -> PixelArray:
    """Luma's difference to its blur, times `amount`, is added to gray, BGR or BGRA; alpha stays.

    `sigma`, in pixels across and down. Differences up to `threshold` levels are noise and stay; larger ones count by
    what they pass it, so that nothing jumps. A pixel is changed no further than its colours have room, all of them
    alike, so that no fringe appears where one is full. Beyond its edges the picture is mirrored.
    """
    detail = _detail(pixels, sigma)
    result = np.empty_like(pixels)
    for top in range(0, len(pixels), BAND):
        rows = np.s_[top : top + BAND]
        # Shrinking by the threshold: d minus d cut off at the threshold.
        more = (detail[rows] - detail[rows].clip(-threshold, threshold)) * np.float32(amount)
        result[rows] = _added(pixels[rows], np.rint(more).astype(np.int16))
    return result


def _detail(pixels: PixelArray, sigma: tuple[float, float]) -> Plane:
    levels: Plane = luma(pixels)[:, :, 0].astype(np.float32)
    if pixels.shape[2] != 4:
        return levels - _soft(levels, sigma)
    # Normalised convolution: what is transparent has no say.
    alpha = pixels[:, :, 3].astype(np.float32)
    weight = _soft(alpha, sigma)
    detail: Plane = levels - _soft(levels * alpha, sigma) / np.maximum(weight, np.float32(1e-3))
    detail[pixels[:, :, 3] == 0] = 0
    return detail


def _soft(levels: Plane, sigma: tuple[float, float]) -> Plane:
    soft = cv2.GaussianBlur(levels, (0, 0), sigma[0], sigmaY=sigma[1], borderType=cv2.BORDER_REFLECT)
    return np.asarray(soft, np.float32)


def _added(pixels: PixelArray, change: NDArray[np.int16]) -> PixelArray:
    planes = cv2.split(pixels)
    least = planes[0]
    for plane in planes[1:3]:
        least = cv2.min(least, plane)
    most = brightest(pixels).astype(np.int16)
    room = np.maximum(np.minimum(change, 255 - most), -least.astype(np.int16))
    changed = [cv2.add(plane, room, dtype=cv2.CV_8U) for plane in planes[:3]]
    return layered(cv2.merge([*changed, *planes[3:]]))
