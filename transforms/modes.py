"""Between Pillow's modes and the arrays that travel: uint8 gray (h, w, 1), BGR or BGRA with straight alpha."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from .image import PixelArray

_BAND = 256  # rows
_FROM_RGB = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}


def to_pixels(picture: Pillow.Image) -> PixelArray:
    """The picture as an array; more than 8 bits are scaled, never clipped, palettes are looked up, alpha is kept.

    CMYK without a profile is taken as ink that multiplies, which is what Pillow and browsers do. Raises OSError and
    others where the data are damaged.
    """
    picture.load()
    if picture.mode.startswith("I;16"):
        return _scaled(np.asarray(picture), 65535)
    if picture.mode in ("I", "F"):
        return _scaled(np.asarray(picture), _top(np.asarray(picture)))
    if picture.mode in ("1", "L") and "transparency" not in picture.info:
        return np.asarray(picture.convert("L"))[:, :, np.newaxis]
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    array = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    return swapped(array)


def to_picture(pixels: PixelArray) -> Pillow.Image:
    """Pillow's picture, of mode L, RGB or RGBA."""
    return Pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else swapped(pixels))


def swapped(pixels: PixelArray) -> PixelArray:
    """BGR for RGB, BGRA for RGBA, and the other way round."""
    return np.asarray(cv2.cvtColor(pixels, _FROM_RGB[pixels.shape[2]]), np.uint8)


def to_bgra(pixels: PixelArray) -> PixelArray:
    """Four channels, opaque where there was no alpha. May be the same array."""
    if pixels.shape[2] == 4:
        return pixels
    code = cv2.COLOR_GRAY2BGRA if pixels.shape[2] == 1 else cv2.COLOR_BGR2BGRA
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def to_bgr(pixels: PixelArray) -> PixelArray:
    """Three channels; alpha is dropped, not applied. May be the same array."""
    if pixels.shape[2] == 3:
        return pixels
    code = cv2.COLOR_GRAY2BGR if pixels.shape[2] == 1 else cv2.COLOR_BGRA2BGR
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def to_channels(pixels: PixelArray, channels: int) -> PixelArray:
    """One, three or four channels, at least as many as there are. May be the same array."""
    return pixels if pixels.shape[2] == channels else to_bgr(pixels) if channels == 3 else to_bgra(pixels)


def flatten(pixels: PixelArray, background: tuple[int, int, int]) -> PixelArray:
    """BGR: straight alpha over one colour (red, green, blue). In bands: planes of 16 bits are large."""
    if pixels.shape[2] != 4:
        return pixels
    result = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, pixels.shape[0], _BAND):
        result[top : top + _BAND] = _flattened(pixels[top : top + _BAND], background)
    return result


def _flattened(pixels: PixelArray, background: tuple[int, int, int]) -> PixelArray:
    alpha = pixels[:, :, 3:].astype(np.uint16)
    mixed = pixels[:, :, :3] * alpha + np.array(background[::-1], np.uint16) * (255 - alpha) + np.uint16(128)
    mixed += mixed >> 8  # with the half above, this is division by 255, rounded, within 16 bits
    return np.asarray(mixed >> 8, np.uint8)


def is_opaque(pixels: PixelArray) -> bool:
    """Whether nothing shows through: no alpha, or alpha that is full everywhere."""
    return pixels.shape[2] != 4 or int(pixels[:, :, 3].min(initial=255)) == 255


def without_unused_alpha(pixels: PixelArray) -> PixelArray:
    """BGR where alpha is full everywhere; every later step is then a quarter cheaper."""
    return to_bgr(pixels) if pixels.shape[2] == 4 and is_opaque(pixels) else pixels


def _top(values: NDArray[Any]) -> float:
    """The value that means white in samples of 32 bits, which no format defines: the first usual one that holds all."""
    most = float(np.nanmax(values, initial=0))
    return next((top for top in (1.0, 255.0, 65535.0) if most <= top), 4294967295.0)


def _scaled(values: NDArray[Any], top: float) -> PixelArray:
    """Gray in 0 to 255 from 0 to `top`, rounded; what lies outside, or is no number, is black or white."""
    gray = np.nan_to_num(values.astype(np.float32) * np.float32(255 / top), nan=0)
    rounded: PixelArray = np.rint(gray.clip(0, 255)).astype(np.uint8)
    return rounded[:, :, np.newaxis]
