"""Where pixels lie: cuts, turns and canvases of whole pictures, and the arithmetic of windows in fractions.

Each function of the first half makes a new picture, treats all frames alike and composes `from_source`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil, cos, floor, radians, sin

import cv2
import numpy as np
from cv2.typing import MatLike

from .image import Affine, Box, Frame, Image, PixelArray, Scale, Size, nearest_pixel
from .modes import to_channels
from .params import Colour
from .resample import layered, mix_weighted, premultiplied, resize

TILE = 192  # pixels a side that a turn works on at once; the smaller, the less is done where nothing shows


def cut(image: Image, left: int, top: int, width: int, height: int) -> Image:
    """The region of whole pixels, which must lie inside the picture; shares memory with it."""
    whole = image.size
    if not (0 <= left < left + width <= whole.width and 0 <= top < top + height <= whole.height):
        raise ValueError(f"{width}x{height}+{left}+{top} is not inside {whole}")
    move = _affine(whole.width / width, 0, -left / width, 0, whole.height / height, -top / height)
    return _moved(image, move, lambda pixels: pixels[top : top + height, left : left + width])


def resampled(image: Image, size: Size) -> Image:
    """The whole picture in other pixels."""
    return image if image.size == size else _moved(image, _affine(1, 0, 0, 0, 1, 0), lambda p: resize(p, size))


def placed(image: Image, canvas: Size, left: int, top: int, background: Colour) -> Image:
    """The picture on a larger canvas. Only the margin takes the background; with alpha where that is not opaque."""
    size = image.size
    if canvas == size:
        return image

    def place(pixels: PixelArray) -> MatLike:
        bottom, right = canvas.height - top - size.height, canvas.width - left - size.width
        pixels = showing(pixels, background)
        return cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=background.bgra)

    return _moved(image, _placement(size, canvas, left, top), place)


def inlaid(image: Image, canvas: Size, left: int, top: int, paint: Callable[[PixelArray], PixelArray]) -> Image:
    """The picture on a larger canvas that `paint` makes of the pixels of each frame: new, opaque, gray or BGR."""
    size = image.size

    def place(pixels: PixelArray) -> MatLike:
        channels = max(pixels.shape[2], (whole := paint(pixels)).shape[2])
        pixels, whole = to_channels(pixels, channels), to_channels(whole, channels)
        whole[top : top + size.height, left : left + size.width] = pixels
        return whole

    return image if canvas == size else _moved(image, _placement(size, canvas, left, top), place)


def _placement(size: Size, canvas: Size, left: int, top: int) -> Affine:
    if not (0 <= left <= canvas.width - size.width and 0 <= top <= canvas.height - size.height):
        raise ValueError(f"{size} at {left},{top} is not inside {canvas}")
    return _affine(
        size.width / canvas.width, 0, left / canvas.width, 0, size.height / canvas.height, top / canvas.height
    )  # fmt: skip


def turned(image: Image, quarters: int) -> Image:
    """Turned clockwise by quarters, exactly."""
    how = (
        (_affine(1, 0, 0, 0, 1, 0), None),
        (_affine(0, -1, 1, 1, 0, 0), cv2.ROTATE_90_CLOCKWISE),
        (_affine(-1, 0, 1, 0, -1, 1), cv2.ROTATE_180),
        (_affine(0, 1, 0, -1, 0, 1), cv2.ROTATE_90_COUNTERCLOCKWISE),
    )
    move, code = how[quarters % 4]
    return image if code is None else _moved(image, move, lambda pixels: cv2.rotate(pixels, code))


def flipped(image: Image, *, horizontal: bool, vertical: bool) -> Image:
    """Mirrored left to right, top to bottom, or both."""
    if not (horizontal or vertical):
        return image
    code = -1 if horizontal and vertical else int(horizontal)
    x, y = (-1 if horizontal else 1), (-1 if vertical else 1)
    move = _affine(x, 0, int(horizontal), 0, y, int(vertical))
    return _moved(image, move, lambda pixels: cv2.flip(pixels, code))


def rotated(image: Image, degrees: float, background: Colour) -> Image:
    """Turned clockwise by any angle; the canvas grows to the bounding box, its corners take the background."""
    if degrees % 90 == 0:
        return turned(image, int(degrees // 90))
    size, box = image.size, bounding(image.size, degrees)
    cosine, sine = cos(radians(degrees)), sin(radians(degrees))
    # About the middles of both pictures; y points down, so that a positive angle turns clockwise.
    x = box.width / 2 - (cosine * size.width - sine * size.height) / 2
    y = box.height / 2 - (sine * size.width + cosine * size.height) / 2
    move = _affine(
        cosine * size.width / box.width, -sine * size.height / box.width, x / box.width,
        sine * size.width / box.height, cosine * size.height / box.height, y / box.height,
    )  # fmt: skip
    # Pixels are squares: their centres, which OpenCV counts from, lie half a pixel further.
    half_x, half_y = (cosine - sine - 1) / 2 + x, (sine + cosine - 1) / 2 + y
    matrix = _affine(cosine, -sine, half_x, sine, cosine, half_y)
    return _moved(image, move, lambda pixels: _warped(pixels, matrix, box, background))


def _warped(pixels: PixelArray, matrix: Affine, size: Size, background: Colour) -> PixelArray:
    """The pixels under `matrix` on a canvas of the colour. No plane of the whole picture but the result is made."""
    channels = showing(pixels[:1, :1], background).shape[2]
    result = np.empty((size.height, size.width, channels), np.uint8)
    back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    for top in range(0, size.height, TILE):
        for left in range(0, size.width, TILE):
            part = result[top : top + TILE, left : left + TILE]
            seen, inverse = _seen(pixels, _shifted(back, left, top), Size(part.shape[1], part.shape[0]))
            part[:] = background.bgra[:channels]
            if seen.size:
                part[:] = _laid(showing(seen, background), inverse, part)
    return result


def _shifted(back: Affine, left: float, top: float) -> Affine:
    """The way back from a canvas, for the part of it that begins at `left`, `top`."""
    return back @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], np.float64)


def _seen(pixels: PixelArray, back: Affine, size: Size) -> tuple[PixelArray, Affine]:
    """What of the pixels a canvas of that size looks at, possibly nothing, and the way back from it to them."""
    across, down = np.array([[0, size.width, 0, size.width], [0, 0, size.height, size.height]])
    x, y = back @ np.stack([across, down, np.ones(4)])
    # Cubic weights reach two pixels further; the others are for rounding.
    left, top = max(floor(x.min()) - 4, 0), max(floor(y.min()) - 4, 0)
    right, bottom = max(ceil(x.max()) + 5, 0), max(ceil(y.max()) + 5, 0)
    return pixels[top:bottom, left:right], back - [[0, 0, left], [0, 0, top]]


def _laid(pixels: PixelArray, back: Affine, canvas: PixelArray) -> PixelArray:
    """The pixels over a canvas of the same channels, `back` leading from it to them."""
    to = (canvas.shape[1], canvas.shape[0])
    smooth, plain = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    whole = np.full(pixels.shape[:2], 1, np.float32)
    # Edges repeat and are laid over the background by what is covered: cubic weights would ring against it.
    covered = cv2.warpAffine(whole, back, to, flags=plain).astype(np.float32, copy=False)
    least, most, *_ = cv2.minMaxLoc(covered)
    if most == 0:
        return canvas

    def warp(weighted: PixelArray) -> PixelArray:
        turn = cv2.warpAffine(weighted, back, to, flags=smooth, borderMode=cv2.BORDER_REPLICATE)
        if least == 1:
            return layered(turn)
        below = canvas if canvas.shape[2] < 4 else layered(cv2.cvtColor(canvas, cv2.COLOR_RGBA2mRGBA))
        return mix_weighted(layered(turn), below, covered)

    return premultiplied(pixels, warp)


def bounding(size: Size, degrees: float) -> Size:
    """The smallest canvas of whole pixels around a picture turned by `degrees`."""
    if degrees % 90 == 0:
        return size.turned() if degrees % 180 else size
    cosine, sine = abs(cos(radians(degrees))), abs(sin(radians(degrees)))
    width, height = size.width * cosine + size.height * sine, size.width * sine + size.height * cosine
    return Size(ceil(width - 1e-6), ceil(height - 1e-6))


def showing(pixels: PixelArray, colour: Colour) -> PixelArray:
    """The pixels with the channels that `colour` needs: alpha where it is not opaque, BGR where it is not gray."""
    channels = pixels.shape[2]
    if channels < 4 and colour.alpha < 255:
        return layered(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGRA if channels == 1 else cv2.COLOR_BGR2BGRA))
    if channels == 1 and not colour.red == colour.green == colour.blue:
        return layered(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    return pixels


def _affine(a: float, b: float, c: float, d: float, e: float, f: float) -> Affine:
    return np.array([[a, b, c], [d, e, f]], dtype=np.float64)


def _moved(image: Image, move: Affine, work: Callable[[PixelArray], MatLike]) -> Image:
    frames: tuple[Frame, ...] = tuple(frame.with_pixels(layered(work(frame.pixels))) for frame in image.frames)
    composed = move @ np.vstack([image.from_source, [0.0, 0.0, 1.0]])
    return replace(image, frames=frames, from_source=composed)


# Windows: boxes in fractions of a picture, and what of it they take.


def nominal(size: Size, scale: Scale) -> Size:
    """The size that the picture at hand would have, had its source been decoded in full."""
    return Size(nearest_pixel(size.width / scale.x), nearest_pixel(size.height / scale.y))


def largest(ratio: Fraction | float, picture: Size) -> tuple[float, float]:
    """Width and height, in fractions, of the largest window of that ratio (in pixels) inside the picture."""
    relative = float(ratio) * picture.height / picture.width
    return (1.0, 1.0 / relative) if relative >= 1 else (relative, 1.0)


def around(centre: tuple[float, float], width: float, height: float) -> Box:
    """A window of that size, at most the picture, about a point, and moved into the picture."""
    width, height = min(width, 1.0), min(height, 1.0)
    x = min(max(centre[0] - width / 2, 0.0), 1.0 - width)
    y = min(max(centre[1] - height / 2, 0.0), 1.0 - height)
    return Box(x, y, width, height)


def pixels_in(window: Box, picture: Size) -> tuple[int, int, int, int]:
    """Left, top, width and height of the window in whole pixels, inside the picture and never empty."""
    width = min(nearest_pixel(window.width * picture.width), picture.width)
    height = min(nearest_pixel(window.height * picture.height), picture.height)
    left = min(max(floor(window.x * picture.width + 0.5), 0), picture.width - width)
    top = min(max(floor(window.y * picture.height + 0.5), 0), picture.height - height)
    return left, top, width, height


def taken(image: Image, window: Box, size: Size) -> Image:
    """What the window shows, in exactly `size`."""
    return resampled(cut(image, *pixels_in(window, image.size)), size)
