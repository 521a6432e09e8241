"""How much a picture that was compressed still looks like the one that it was made from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import PixelArray
from .modes import flatten, to_bgr

Plane = NDArray[np.float32]

_WINDOW = (8, 8)
_TILE = 16  # px of the full picture
_WORST = 10  # per cent of tiles
_STEADY = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # the constants of SSIM
_CHROMA = 0.3  # share of the likeness
_BEHIND = (128, 128, 128)  # what shows through transparency


@dataclass(frozen=True)
class _Seen:
    """One plane of the original, with what does not depend on what it is compared with."""

    plane: Plane
    mean: Plane
    energy: Plane  # mean of squares
    tile: int
    weight: float


class Original:
    """A picture that others are compared with: gray, BGR or BGRA.

    The measure is SSIM (windows of 8 × 8) of brightness, at full and at half size, and of the two colour planes at half
    size, weighed .35, .35, .15 and .15. Each counts as the tenth percentile of its tiles of 16 × 16 pixels, as the eye
    sees the worst part of a picture and not its mean. It takes 35 ms a megapixel, a fiftieth of SSIMULACRA2, which is
    closer to people: over 16 photographs in JPEG, WebP and AVIF, files of one likeness differ in it (mean 70) by a
    standard deviation of 5.7, files of one mean SSIM of brightness by 7.9. See `quality` for what makes it 2.
    """

    def __init__(self, pixels: PixelArray) -> None:
        self._gray = pixels.shape[2] == 1
        self._seen = tuple(_seen(*plane) for plane in self._planes(pixels))

    def likeness(self, other: PixelArray) -> float:
        """At most 1, which is the same; `other` has the same size and any number of channels."""
        planes = self._planes(other)
        return float(
            sum(seen.weight * _ssim(seen, plane) for seen, (plane, *_) in zip(self._seen, planes, strict=True))
        )

    def _planes(self, pixels: PixelArray) -> list[tuple[Plane, int, float]]:
        """Each plane, the side of its tiles, and its weight."""
        flat = to_bgr(flatten(pixels, _BEHIND))
        if self._gray:
            gray = cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY).astype(np.float32)
            return [(gray, _TILE, 0.5), (_halved(gray), _TILE // 2, 0.5)]
        bright, red, blue = cv2.split(cv2.cvtColor(flat, cv2.COLOR_BGR2YCrCb))
        full = bright.astype(np.float32)
        luma = (1 - _CHROMA) / 2
        return [(full, _TILE, luma), (_halved(full), _TILE // 2, luma),
                *((_halved(plane.astype(np.float32)), _TILE // 2, _CHROMA / 2) for plane in (red, blue))]  # fmt: skip


def _seen(plane: Plane, tile: int, weight: float) -> _Seen:
    return _Seen(plane, _blurred(plane), _blurred(plane * plane), tile, weight)


def _ssim(seen: _Seen, other: Plane) -> float:
    mean, (low, high) = _blurred(other), _STEADY
    product, squares = seen.mean * mean, seen.mean * seen.mean + mean * mean
    shared = _blurred(seen.plane * other) - product
    energy = seen.energy + _blurred(other * other) - squares
    like = (2 * product + low) * (2 * shared + high) / ((squares + low) * (energy + high))
    height, width = like.shape
    tiles = max(1, width // seen.tile), max(1, height // seen.tile)
    return float(np.percentile(cv2.resize(like, tiles, interpolation=cv2.INTER_AREA), _WORST))


def _blurred(plane: Plane) -> Plane:
    return np.asarray(cv2.blur(plane, _WINDOW), np.float32)


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    size = max(1, width // 2), max(1, height // 2)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
