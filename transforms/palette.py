"""Pictures of at most 256 colours: exactly where they have no more, else by the best that Pillow finds."""

from __future__ import annotations

from math import sqrt

import cv2
import numpy as np
from PIL import Image as Pillow

from .image import PixelArray
from .modes import swapped, to_bgr, to_picture

_COLOURS = 256
_CLEAR = 255  # index
_CLEAR_BELOW = 128  # alpha; GIF knows only clear and opaque
_COUNTED = 4096  # pixels that tell nearly every photograph from a drawing, at a hundredth of the cost
_LEARNT = 30_000  # pixels that a palette is made from: 21 ms instead of 179 for 800 × 600, error 1.14 instead of 1.11


def indexed(pixels: PixelArray, most: int = _COLOURS) -> Pillow.Image | None:
    """BGR or BGRA without any loss as a picture with a palette, or None where it has more than `most` colours."""
    packed = np.ascontiguousarray(_four(pixels)).view(np.uint32)[:, :, 0]
    if len(np.unique(packed.ravel()[:: max(1, packed.size // _COUNTED)])) > most:
        return None
    if Pillow.fromarray(_four(pixels)).getcolors(most) is None:
        return None
    colours = np.unique(packed)
    picture = Pillow.fromarray(np.searchsorted(colours, packed).astype(np.uint8))
    table = swapped(colours.view(np.uint8).reshape(1, -1, 4))
    if pixels.shape[2] == 4:
        picture.putpalette(table.tobytes(), "RGBA")
    else:
        picture.putpalette(table[:, :, :3].tobytes(), "RGB")
    return picture


def _four(pixels: PixelArray) -> PixelArray:
    return pixels if pixels.shape[2] == 4 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA), np.uint8)


def reduced(pixels: PixelArray, most: int = _CLEAR, *, dither: bool = True) -> Pillow.Image:
    """Gray, BGR or BGRA as GIF can hold it: at most 255 colours, and one that is clear where alpha is below half."""
    if pixels.shape[2] == 1 and most == _CLEAR:
        return to_picture(pixels)
    colours = to_bgr(pixels)
    clear = pixels[:, :, 3] < _CLEAR_BELOW if pixels.shape[2] == 4 else np.zeros(pixels.shape[:2], np.bool_)
    if not clear.any():
        return indexed(colours, most) or _learnt(to_picture(colours), most, dither)
    # Hidden colours are not to cost a place in the palette.
    colours = np.where(clear[:, :, np.newaxis], np.uint8(0), colours)
    return _with_hole(indexed(colours, most) or _learnt(to_picture(colours), most, dither), clear)


def approximated(pixels: PixelArray, most: int, *, dither: bool) -> Pillow.Image:
    """BGR or BGRA by at most that many colours. With alpha there is no dithering: what is clear stays so."""
    picture = to_picture(pixels)
    if picture.mode == "RGBA":
        return picture.quantize(most, method=Pillow.Quantize.FASTOCTREE)
    return _learnt(picture, most, dither)


def fewer(pixels: PixelArray, most: int) -> PixelArray:
    """The same pixels, with at most that many colours."""
    if pixels.shape[2] == 1 or indexed(pixels, most) is not None:
        return pixels
    picture = approximated(pixels, most, dither=False)
    return swapped(np.asarray(picture.convert("RGBA" if pixels.shape[2] == 4 else "RGB")))


def _learnt(picture: Pillow.Image, most: int, dither: bool) -> Pillow.Image:
    shrink = min(1.0, sqrt(_LEARNT / (picture.width * picture.height)))
    size = max(1, round(picture.width * shrink)), max(1, round(picture.height * shrink))
    sample = picture.resize(size, Pillow.Resampling.NEAREST)
    palette = sample.quantize(most, method=Pillow.Quantize.MEDIANCUT)
    how = Pillow.Dither.FLOYDSTEINBERG if dither else Pillow.Dither.NONE
    return picture.quantize(palette=palette, dither=how)


def _with_hole(picture: Pillow.Image, clear: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Pillow.Image:
    indices = np.array(picture)
    indices[clear] = _CLEAR
    holed = Pillow.fromarray(indices)
    holed.putpalette(bytes(picture.getpalette() or []).ljust(3 * _COLOURS, b"\0"))
    holed.info["transparency"] = _CLEAR
    return holed
