"""What tells that an effect or a layer is in a picture: measures of it, and where it differs from one without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from transforms.image import PixelArray

from .site import Delivered

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as fractions of the sides."""

SEEN = 4.0  # levels by which a region differs on average where something is there
CLOSE = 2  # levels by which a pixel may differ where nothing is


def shown(pixels: PixelArray) -> PixelArray:
    """BGR on white, so that what is clear has one colour."""
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[:, :, 3:].astype(np.float32) / 255
    return np.asarray((pixels[:, :, :3] * alpha + 255 * (1 - alpha)).round(), np.uint8)


def _light(pixels: PixelArray) -> PixelArray:
    return np.asarray(cv2.cvtColor(shown(pixels), cv2.COLOR_BGR2GRAY))


def _tint(channel: int) -> Callable[[PixelArray], float]:
    """How much more of one channel there is than of all."""
    return lambda pixels: float(shown(pixels)[:, :, channel].mean() - shown(pixels).mean())


def _rim(pixels: PixelArray) -> float:
    """The light along the edges in parts of that in the middle."""
    light = _light(pixels).astype(np.float32)
    height, width = light.shape
    top, left = height // 8, width // 8
    middle = light[2 * top : -2 * top, 2 * left : -2 * left].mean()
    sides = light[:top], light[-top:], light[:, :left], light[:, -left:]
    return float(np.concatenate([side.ravel() for side in sides]).mean() / middle)


MEASURES: Mapping[str, Callable[[PixelArray], float]] = {
    "light": lambda pixels: float(_light(pixels).mean()),
    "contrast": lambda pixels: float(_light(pixels).std()),
    "colour": lambda pixels: float(np.ptp(shown(pixels), axis=2).mean()),
    "detail": lambda pixels: float(np.abs(cv2.Laplacian(_light(pixels), cv2.CV_32F)).mean()),
    "colours": lambda pixels: float(len(np.unique(shown(pixels).reshape(-1, 3), axis=0))),
    "ink": lambda pixels: float(pixels[:, :, 3].sum() / 255) if pixels.shape[2] == 4 else float(pixels[:, :, 0].size),
    "clear": lambda pixels: float(255 - pixels[:, :, 3].mean()) if pixels.shape[2] == 4 else 0.0,
    "rim": _rim,
    "blue": _tint(0),
    "green": _tint(1),
    "red": _tint(2),
}


def grows(name: str, before: Delivered, after: Delivered) -> bool:
    """Whether a measure is clearly larger afterwards."""
    first, then = (MEASURES[name](delivered.pixels) for delivered in (before, after))
    return then > first + max(0.05 * abs(first), 0.02)


def difference(before: Delivered, after: Delivered) -> PixelArray:
    """(h, w) levels by which two pictures of one size differ, that of the channel that differs most."""
    first, then = (np.asarray(delivered.picture.convert("RGBA"), np.int16) for delivered in (before, after))
    assert first.shape == then.shape
    return np.asarray(np.abs(first - then).max(axis=2))


def cut(values: PixelArray, box: Box) -> PixelArray:
    height, width = values.shape[:2]
    left, top, right, bottom = box
    return values[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]


def is_changed(before: Delivered, after: Delivered, box: Box = (0, 0, 1, 1)) -> bool:
    return float(cut(difference(before, after), box).mean()) >= SEEN


def is_kept_outside(before: Delivered, after: Delivered, box: Box) -> bool:
    """Whether nothing but a region has changed."""
    changes = difference(before, after).copy()
    cut(changes, box)[:] = 0
    return int(changes.max()) <= CLOSE


def extent(before: Delivered, after: Delivered) -> tuple[int, int, int, int]:
    """Left, top, width and height of what has changed, in pixels."""
    return cv2.boundingRect((difference(before, after) > CLOSE).astype(np.uint8))  # type: ignore[return-value]
