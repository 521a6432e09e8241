"""Without its background: make-transparent."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from ..effects.surroundings import edge_colour, like
from ..hues import WHITE, Colour, ColourText
from ..image import Frame, Image, PixelArray
from ..modes import to_bgr, to_bgra
from ..params import Percent
from ..registry import operation
from ..resample import layered

_RIM = 2  # px on either side of an edge whose colours are mixed of subject and background
_AROUND = 9  # px, the side of the square in which a pixel of the rim looks for the pure colour of the subject

_REACH = _RIM + _AROUND // 2 + 1  # px from which a pixel of the rim is changed
_BAND = 128  # rows at a time: of noise all is rim, and each of its pixels takes 100 bytes

_LEAST_CONTRAST = 30  # levels between subject and background, all channels together; nearer ones are noise

Colours = NDArray[np.float32]


@operation("make-transparent", example="make-transparent:20", scaling="commutes")
def make_transparent(
    image: Image,
    tolerance: Annotated[int, Percent()] = 10,
    color: Annotated[Colour | None, ColourText()] = None,
) -> Image:
    """Make a colour transparent wherever it is, and what is near to it.

    The colour is `color`, or that of most pixels along the edges of the picture, or white where those are transparent.
    What differs from it by at most `tolerance` percent of a channel's range goes; at 0 only the very colour. Along the
    edges of what stays, the colour is taken out of pixels in which it is mixed with the subject's, so that they are
    smooth on any background.
    """
    background = color or edge_colour(image.frames[0].pixels) or WHITE
    frames = tuple(_without(frame, background, tolerance) for frame in image.frames)
    return replace(image, frames=frames)


def _without(frame: Frame, background: Colour, tolerance: int) -> Frame:
    gone = like(frame.pixels, background, tolerance * 255 // 100)
    pixels = to_bgra(frame.pixels)
    pixels = layered(cv2.copyTo(pixels, cv2.bitwise_not(gone)))
    if tolerance:
        _unmix(pixels, gone, np.array(background.bgra[:3], np.float32))
    return frame.with_pixels(pixels)


def _unmix(pixels: PixelArray, gone: PixelArray, background: Colours) -> None:
    """Take the background out of the rim of what stays, in place."""
    before = pixels.copy()
    for top in range(0, len(pixels), _BAND):
        begin, end = max(0, top - _REACH), top + _BAND + _REACH
        part = before[begin:end].copy()
        _unmix_band(part, gone[begin:end], background)
        pixels[top : top + _BAND] = part[top - begin :][:_BAND]


def _unmix_band(pixels: PixelArray, gone: PixelArray, background: Colours) -> None:
    """The same of some rows, of which the first and last are not looked at again.

    A pixel there is α of the subject and 1 - α of the background (Porter and Duff 1984). The subject's colour is the
    mean of its pure pixels near by; α is where the pixel lies on the line between both colours.
    """
    near = cv2.dilate(gone, np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8))
    pure, rim = cv2.bitwise_not(near), np.flatnonzero(cv2.subtract(near, gone))
    whole = pixels.reshape(-1, 4)
    colours, alpha = to_bgr(pixels), np.take(whole[:, 3], rim)
    sums = _around(cv2.copyTo(colours, pure)).reshape(-1, 3).take(rim, axis=0).astype(np.float32)
    count = _around(pure).reshape(-1).take(rim).astype(np.float32) / 255
    subject = sums / np.maximum(count, 1)[:, np.newaxis]
    mixed = colours.reshape(-1, 3).take(rim, axis=0).astype(np.float32)
    line = subject - background
    length = np.einsum("ij,ij->i", line, line)
    share = np.einsum("ij,ij->i", mixed - background, line) / np.maximum(length, 1)
    # Thin lines have no pure pixel, and a subject much like the background no line: they stay as they are.
    known = (count > 0) & (length > _LEAST_CONTRAST**2) & (share < 1)
    share = np.where(known, share.clip(0, 1), 1)
    mixed[known] = subject[known]
    whole[rim] = np.column_stack([mixed, alpha * share]).clip(0, 255).round()


def _around(pixels: MatLike) -> NDArray[np.uint16]:
    """Sums over the square around each pixel; 81 × 255 are within 16 bits."""
    return np.asarray(cv2.boxFilter(pixels, cv2.CV_16U, (_AROUND, _AROUND), normalize=False), np.uint16)
