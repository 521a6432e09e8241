"""Tone curves: where each level goes, as tables that are worked out in floating point and rounded once.

Levels are 0 to 255 of the sRGB values as they are stored, as in CSS filters and ImageMagick.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..image import Frame, PixelArray
from ..modes import to_bgr
from ..resample import layered

Curve = NDArray[np.float64]
"""The level, 0 to 255 and not rounded yet, that each of 256 levels becomes: (256,), or (256, 3) for BGR."""

LEVELS: Curve = np.arange(256.0)
LEVELS.flags.writeable = False


def times(factor: float) -> Curve:
    """The levels times a factor; what passes white stays white."""
    return (LEVELS * factor).clip(0, 255)


def about_middle(factor: float) -> Curve:
    """The distance to mid-gray (127.5) times a factor, as `contrast()` of CSS filters has it."""
    return ((LEVELS - 127.5) * factor + 127.5).clip(0, 255)


def power(gamma: float) -> Curve:
    """v ** (1 / gamma) of levels in [0, 1]: over 1 is lighter; black and white stay."""
    curve: Curve = 255 * (LEVELS / 255) ** (1 / gamma)
    return curve


def sigmoid(strength: float) -> Curve:
    """ImageMagick's -sigmoidal-contrast about 50 %, strength 0 to about 10; its inverse where negative.

    Black and white stay. At 10 the middle is 2.5 times as steep.
    """
    if abs(strength) < 1e-6:
        return LEVELS.copy()
    steep, levels = abs(strength), LEVELS / 255
    # The logistic function is a scaled tanh: (tanh(s (x - 1/2) / 2) / tanh(s / 4) + 1) / 2.
    end = np.tanh(steep / 4)
    if strength > 0:
        return np.asarray(127.5 * (np.tanh(steep * (levels - 0.5) / 2) / end + 1))
    return np.asarray(255 * (0.5 + 2 / steep * np.arctanh((2 * levels - 1) * end)))


def then(first: Curve, second: Curve) -> Curve:
    """Both, one after the other, without rounding in between."""
    if first.ndim == 1 and second.ndim == 1:
        return np.interp(first, LEVELS, second)
    planes = (np.interp(a, LEVELS, b) for a, b in zip(_planes(first), _planes(second), strict=True))
    return np.stack(list(planes), axis=1)


def _planes(curve: Curve) -> list[Curve]:
    return [curve] * 3 if curve.ndim == 1 else list(curve.T)


def blended(curve: Curve, blend: float) -> Curve:
    """That much, 0 to 1, of a curve; the rest is the picture as it was."""
    levels = LEVELS if curve.ndim == 1 else LEVELS[:, np.newaxis]
    return levels + (curve - levels) * blend


def curved(frame: Frame, curve: Curve) -> Frame:
    """The frame with its colours looked up; alpha stays. One curve for each colour turns gray into BGR."""
    table = np.rint(curve.clip(0, 255)).astype(np.uint8)
    if curve.ndim == 2 and (table == table[:, :1]).all():
        table = table[:, 0]
    if np.array_equal(table, np.arange(256)):
        return frame
    pixels = to_bgr(frame.pixels) if table.ndim == 2 and frame.channels == 1 else frame.pixels
    return frame.with_pixels(layered(cv2.LUT(pixels, _for_channels(table, pixels.shape[2]))))


def _for_channels(table: PixelArray, channels: int) -> PixelArray:
    """The table in the shape that cv2.LUT wants, with an alpha that stays as it is."""
    if channels != 4:
        return table[np.newaxis] if table.ndim == 2 else table
    colours = table if table.ndim == 2 else np.stack([table] * 3, axis=1)
    return np.concatenate([colours, np.arange(256, dtype=np.uint8)[:, np.newaxis]], axis=1)[np.newaxis]
