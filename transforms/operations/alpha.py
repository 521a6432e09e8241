"""What shows through: filling transparency, and making a picture transparent."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import cv2
import numpy as np

from ..image import Frame, Image, PixelArray
from ..modes import flatten, to_bgr, to_bgra, to_channels
from ..paint import Paint, paint_for
from ..params import Backdrop, BackdropText, Colour, Percent
from ..registry import operation
from ..resample import layered, mix

_BAND = 64  # rows that are worked on at once, in numbers of two or four bytes


@operation("background", example="background:white", scaling="commutes")
def background(image: Image, color: Annotated[Backdrop, BackdropText()]) -> Image:
    """Lay the picture on something that shows wherever it is transparent. A picture without alpha stays as it is.

    A colour, colours taken from the picture (`auto`), or the picture itself (`blurred`), as with `pad`.
    """
    if not image.has_alpha or (isinstance(color, Colour) and color.alpha == 0):
        return image
    if isinstance(color, Colour):
        frames = [frame.with_pixels(_coloured(frame.pixels, color)) for frame in image.frames]
    else:
        paint = paint_for(color, image, image.size)
        frames = [frame.with_pixels(_painted(frame.pixels, paint)) for frame in image.frames]
    return replace(image, frames=tuple(frames))


def _coloured(pixels: PixelArray, colour: Colour) -> PixelArray:
    if pixels.shape[2] != 4:
        return pixels
    result = np.empty((*pixels.shape[:2], 3 if colour.alpha == 255 else 4), np.uint8)
    for top in range(0, len(result), _BAND):
        band = pixels[top : top + _BAND]
        result[top : top + _BAND] = flatten(band, colour.rgb) if colour.alpha == 255 else _over(band, colour)
    return result


def _painted(pixels: PixelArray, paint: Paint) -> PixelArray:
    """BGR: straight alpha over what is painted for these pixels."""
    if pixels.shape[2] != 4:
        return pixels
    result = to_channels(paint(pixels), 3)
    for top in range(0, len(result), _BAND):
        band, below = pixels[top : top + _BAND], result[top : top + _BAND]
        below[:] = mix(to_bgr(band), below, band[:, :, 3].astype(np.float32) / np.float32(255))
    return result


def _over(pixels: PixelArray, colour: Colour) -> PixelArray:
    """BGRA: straight alpha over a colour that is transparent itself (W3C Compositing and Blending, source-over)."""
    above = pixels[:, :, 3:].astype(np.float32) / 255
    below = (1 - above) * (colour.alpha / 255)
    alpha = above + below
    colours = pixels[:, :, :3] * above + np.array(colour.bgra[:3], np.float32) * below
    colours /= np.maximum(alpha, 1e-6)
    return np.concatenate((colours, alpha * 255), axis=2).round().astype(np.uint8)


@operation("opacity", example="opacity:50", scaling="commutes")
def opacity(frame: Frame, amount: Annotated[int, Percent()]) -> Frame:
    """Make the picture see-through: 100 leaves it as it is, 0 makes it invisible. On top of its own transparency.

    It shows where a format has alpha, on white in JPEG. GIF only knows visible, from 50 on, and invisible.
    """
    if amount == 100:
        return frame
    levels = np.arange(256)
    table = np.stack([levels, levels, levels, (levels * amount + 50) // 100], axis=1).astype(np.uint8)
    if frame.has_alpha:
        return frame.with_pixels(layered(cv2.LUT(frame.pixels, table[np.newaxis])))
    pixels = to_bgra(frame.pixels)
    pixels[:, :, 3] = table[255, 3]
    return frame.with_pixels(pixels)
