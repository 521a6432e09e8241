"""One colour for another, with its shades: what is near in CIELAB is turned, stretched and shifted there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from math import hypot

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from ..hues import Colour
from ..image import PixelArray, Size
from ..modes import to_bgr, to_bgra
from ..resample import layered, shrink
from .tables import Matrix, from_linear, to_linear

Floats = NDArray[np.float32]

_BAND = 16  # rows: numbers of four bytes that stay in the cache
_REACH = 0.8  # of the tolerance, as a distance in CIELAB: 50 then takes a coat and leaves the skin next to it
_ALONG = 0.3  # how much a difference counts that light alone makes, to one of hue or saturation
_DARKEST = 100  # times as dark as the colour; beyond it every hue is far
_SOLID = 0.5  # of the reach, in which colours are replaced altogether
_CHROMATIC = 15.0  # chroma from which on a colour has a hue that others can be turned with
_STEEPEST = 2.0  # how much stronger contrasts may become: what is stretched more shows its noise

_APART = np.linspace(1, 0, 256).clip(0, 1 - _SOLID) / (1 - _SOLID)
_SHARES = (_APART**2 * (3 - 2 * _APART)).astype(np.float32)  # of a colour, by its distance: 255 is out of reach

_SAMPLE = 128  # px of the longer side of the copy that the vivid colour is looked for in
_VIVID = 20.0  # chroma; skin in daylight has 20 to 30
_HUES = 36


def _raised(length: float, along: MatLike) -> Floats:
    """By what distances count more in the dark. OpenCV takes four pixels below each other for a number."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.float32(length) / along, 1, _DARKEST), np.float32)


@dataclass(frozen=True)
class Replacement:
    """Shades of `source` become shades of `target`, `tolerance` from 0, that colour alone, to 100."""

    source: Colour
    target: Colour
    tolerance: float

    def applied(self, pixels: PixelArray) -> PixelArray:
        """Gray, BGR or BGRA with the colour replaced: the same array where nothing is near it. 26 ms a megapixel."""
        result = to_bgr(pixels).copy()
        shares = np.zeros(pixels.shape[:2], np.float32)
        for top in range(0, len(pixels), _BAND):
            band = result[top : top + _BAND]
            lab = lab_of(band)
            share = self.share(lab) if self.tolerance else _same(band, self.source)
            if self.target.alpha and share.any():
                self._replace(band, lab, share)
            shares[top : top + _BAND] = share
        return self._with_alpha(pixels, result, shares) if shares.any() else pixels

    def _with_alpha(self, pixels: PixelArray, result: PixelArray, shares: Floats) -> PixelArray:
        """The colours of `result` with the alpha of `pixels`, less what a see-through colour takes away."""
        if pixels.shape[2] != 4 and self.target.alpha == 255:
            return result
        left = cv2.addWeighted(shares, self.target.alpha / 255 - 1, shares, 0, 1)
        if pixels.shape[2] != 4:
            alpha = cv2.convertScaleAbs(left, alpha=255)
        else:
            alpha = cv2.multiply(cv2.extractChannel(pixels, 3), left, dtype=cv2.CV_8U)
        return layered(cv2.insertChannel(alpha, to_bgra(result), 3))

    def share(self, lab: Floats) -> Floats:
        """How much of each pixel is replaced, (h, w) in [0, 1], with a tolerance above 0.

        Light that falls off scales (L + 16, a, b) in the range where CIELAB is a cube root. So a shadow lies on the
        line from (-16, 0, 0) to the colour, and differences along it count less than those across it; in the dark
        those across count as what they would be in the light of the colour.
        """
        length, axes = self._axes
        places = cv2.transform(lab, axes)
        along, second, third = (cv2.extractChannel(places, axis) for axis in range(3))  # split() is thrice as slow
        across = cv2.multiply(cv2.magnitude(second, third), _raised(length, along))
        distance = cv2.magnitude(across, cv2.addWeighted(along, _ALONG, along, 0, -_ALONG * length))
        levels = cv2.convertScaleAbs(distance, alpha=255 / (self.tolerance * _REACH))
        return np.asarray(cv2.LUT(levels, _SHARES), np.float32)

    @cached_property
    def _axes(self) -> tuple[float, Matrix]:
        """How far the colour is from (-16, 0, 0), and the matrix (3, 4) to places along that line and across it."""
        ray = _lab(self.source) + np.array([16.0, 0, 0])
        length = float(np.linalg.norm(ray))
        basis = np.linalg.svd((ray / length)[np.newaxis])[2]  # right-handed or not: only lengths across are looked at
        basis[0] = ray / length
        return length, np.column_stack([basis, basis @ (16, 0, 0)])

    def _replace(self, band: PixelArray, lab: Floats, share: Floats) -> None:
        """In place. What is not near at all keeps the very same levels."""
        mixed = cv2.blendLinear(bgr_of(self._moved(lab)), band, share, 1 - share)
        cv2.copyTo(mixed, (share > 0).view(np.uint8), band)

    def _moved(self, lab: Floats) -> Floats:
        """What is lighter than the colour rises towards white at another pace than what is darker falls to black."""
        before, after = _lab(self.source)[0], _lab(self.target)[0]
        paces = _pace(after, before), _pace(100 - after, 100 - before)
        lightness = cv2.extractChannel(lab, 0)
        risen = np.maximum(cv2.addWeighted(lightness, 1, lightness, 0, -before), 0)
        moved = cv2.transform(lab, self._turning)
        moved[:, :, 0] = cv2.scaleAdd(risen, paces[1] - paces[0], cv2.extractChannel(moved, 0))
        return np.asarray(moved, np.float32)

    @cached_property
    def _turning(self) -> Matrix:
        """(3, 4): turns and stretches (a, b) so that the one colour becomes the other, and L as for what is darker.

        Without a hue to turn, near gray, it only shifts.
        """
        before, after = _lab(self.source)[1:], _lab(self.target)[1:]
        chroma, wanted = hypot(*before), hypot(*after)
        known = min(1.0, chroma / _CHROMATIC)
        real, imaginary = 1.0 - known, 0.0
        if chroma > 0:
            ratio = complex(*after) / complex(*before) * min(1.0, _STEEPEST * chroma / max(wanted, 1e-6))
            real, imaginary = real + known * ratio.real, known * ratio.imag
        turned = np.array([[real, -imaginary], [imaginary, real]])
        matrix = np.zeros((3, 4))
        matrix[0, 0] = pace = _pace(_lab(self.target)[0], _lab(self.source)[0])
        matrix[0, 3] = _lab(self.target)[0] - pace * _lab(self.source)[0]
        matrix[1:, 1:3], matrix[1:, 3] = turned, after - turned @ before
        return matrix


def _same(bgr: PixelArray, colour: Colour) -> Floats:
    """1 where it is that colour to the level, which CIELAB in numbers of four bytes cannot tell in the dark."""
    levels = colour.bgra[:3]
    return np.asarray(cv2.inRange(bgr, levels, levels) > 0, np.float32)


def _pace(after: float, before: float) -> float:
    return min(_STEEPEST, after / max(before, 1.0))


def lab_of(bgr: PixelArray) -> Floats:
    """CIELAB under D65: L 0 to 100, a and b about -128 to 127."""
    return np.asarray(cv2.cvtColor(cv2.LUT(bgr, _light()), cv2.COLOR_LBGR2Lab), np.float32)


def bgr_of(lab: Floats) -> PixelArray:
    """What lies outside sRGB is clipped."""
    light = cv2.cvtColor(lab, cv2.COLOR_Lab2LBGR)
    return layered(cv2.LUT(cv2.addWeighted(light, 65535, light, 0, 0, dtype=cv2.CV_16U), from_linear()))


@cache
def _light() -> Floats:
    return to_linear().astype(np.float32) / np.float32(65535)


def _lab(colour: Colour) -> NDArray[np.float64]:
    pixel = np.array([[colour.bgra[:3]]], np.uint8)
    return np.asarray(lab_of(pixel)[0, 0], np.float64)


def vivid(pixels: PixelArray) -> Colour | None:
    """The most prominent vivid colour: the mean of the hue that covers most; None in gray.

    The more vivid a pixel is the more it counts.
    """
    if pixels.shape[2] == 1:
        return None
    every = max(1, max(pixels.shape[:2]) // (4 * _SAMPLE))
    some = np.ascontiguousarray(pixels[::every, ::every])
    factor = min(1.0, _SAMPLE / max(some.shape[:2]))
    small = shrink(some, Size(some.shape[1], some.shape[0]).scaled(factor))
    lab = lab_of(to_bgr(small)).reshape(-1, 3)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    weight = np.where(chroma >= _VIVID, chroma**2, 0)
    if small.shape[2] == 4:
        weight = weight * (small[:, :, 3].reshape(-1) / np.float32(255))
    if not weight.any():
        return None
    return _mean(lab, weight * _of_the_main_hue(lab, weight))


def _of_the_main_hue(lab: Floats, weight: Floats) -> NDArray[np.bool_]:
    """The pixels whose hue is at most 15 degrees from the fullest 30 degrees of the circle."""
    hue = (np.arctan2(lab[:, 2], lab[:, 1]) * (_HUES / (2 * np.pi))).astype(np.float64) % _HUES
    sector = hue.astype(int) % _HUES
    counts = np.bincount(sector, weight, _HUES)
    fullest = int(np.argmax(counts + np.roll(counts, 1) + np.roll(counts, -1)))
    return (sector - fullest + 1) % _HUES <= 2


def _mean(lab: Floats, weight: Floats) -> Colour:
    mean = (lab * weight[:, np.newaxis]).sum(axis=0) / weight.sum()
    blue, green, red = bgr_of(mean.astype(np.float32).reshape(1, 1, 3))[0, 0].tolist()
    return Colour(red, green, blue)
