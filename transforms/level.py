"""Windows that lie askew in a picture, cut out level: for faces whose eyes are not on one height."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, cos, floor, radians, sin

import cv2
import numpy as np

from .image import Affine, Image, PixelArray, Size, nearest_pixel
from .resample import layered, premultiplied


@dataclass(frozen=True, slots=True)
class Tilted:
    """A window in pixels of a picture, about its middle, turned clockwise by so many degrees."""

    x: float
    y: float
    width: float
    height: float
    degrees: float

    @property
    def reach(self) -> tuple[float, float]:
        """How far it reaches from its middle, across and down."""
        cosine, sine = abs(cos(radians(self.degrees))), abs(sin(radians(self.degrees)))
        return (self.width * cosine + self.height * sine) / 2, (self.width * sine + self.height * cosine) / 2

    def within(self, picture: Size) -> Tilted:
        """Smaller, as far as it must be, and moved so that all four corners lie in the picture."""
        across, down = self.reach
        factor = min(1.0, picture.width / 2 / across, picture.height / 2 / down)
        across, down = across * factor, down * factor
        x = min(max(self.x, across), picture.width - across)
        y = min(max(self.y, down), picture.height - down)
        return replace(self, x=x, y=y, width=self.width * factor, height=self.height * factor)

    def shows(self, x: float, y: float, width: float, height: float) -> bool:
        """Whether it holds all of another such window, as much askew, about that point."""
        away_x, away_y = _turned(x - self.x, y - self.y, -self.degrees)
        # Wholly: a millionth of a pixel is an error of rounding.
        return (
            abs(away_x) + width / 2 <= self.width / 2 + 1e-6 and abs(away_y) + height / 2 <= self.height / 2 + 1e-6
        )  # fmt: skip

    def scaled(self, across: float, down: float) -> Tilted:
        """The same of a picture with so many times the pixels."""
        return replace(
            self, x=self.x * across, y=self.y * down, width=self.width * across, height=self.height * down
        )  # fmt: skip


def _turned(x: float, y: float, degrees: float) -> tuple[float, float]:
    cosine, sine = cos(radians(degrees)), sin(radians(degrees))
    return cosine * x - sine * y, sine * x + cosine * y


def moved(window: Tilted, x: float, y: float) -> Tilted:
    """The window further along its own sides."""
    across, down = _turned(x, y, window.degrees)
    return replace(window, x=window.x + across, y=window.y + down)


def cut_level(image: Image, window: Tilted) -> Image:
    """What the window shows, upright, a pixel of it as large as one of the picture; outside, the picture is mirrored.

    Every frame alike; `from_source` is composed.
    """
    size = Size(nearest_pixel(window.width), nearest_pixel(window.height))
    cosine, sine = cos(radians(window.degrees)), sin(radians(window.degrees))
    # From pixels of the window to those of the picture, about the middles of both.
    turn = np.array([[cosine, -sine], [sine, cosine]])
    stretch = turn * [window.width / size.width, window.height / size.height]
    begin = np.array([window.x, window.y]) - stretch @ [size.width / 2, size.height / 2]
    back = np.column_stack([stretch, begin])
    frames = tuple(frame.with_pixels(layered(_warped(frame.pixels, back, size))) for frame in image.frames)
    move = _in_fractions(back, size, image.size) @ np.vstack([image.from_source, [0.0, 0.0, 1.0]])
    return replace(image, frames=frames, from_source=move)


def _in_fractions(back: Affine, size: Size, whole: Size) -> Affine:
    """From fractions of the picture to fractions of the window."""
    to_pixels = np.diag([whole.width, whole.height, 1.0])
    to_fractions = np.diag([1 / size.width, 1 / size.height, 1.0])
    move: Affine = (to_fractions @ np.linalg.inv(np.vstack([back, [0.0, 0.0, 1.0]])) @ to_pixels)[:2]
    return move


def _warped(pixels: PixelArray, back: Affine, size: Size) -> PixelArray:
    """Only what is looked at is weighed by its alpha, not all of a large picture."""
    left, top, right, bottom = _seen(pixels, back, size)
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    # OpenCV counts from the middles of pixels, `back` from their edges.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    matrix = back @ half - [[0, 0, left + 0.5], [0, 0, top + 0.5]]
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    warp: Callable[[PixelArray], PixelArray] = lambda weighed: layered(  # noqa: E731
        cv2.warpAffine(weighed, matrix, (size.width, size.height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    )
    return premultiplied(part, warp)


def _seen(pixels: PixelArray, back: Affine, size: Size) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what the window looks at, mirrored parts included."""
    corners = np.array([[0, size.width, 0, size.width], [0, 0, size.height, size.height], [1, 1, 1, 1]])
    xs, ys = back @ corners
    left, right = _span(float(xs.min()), float(xs.max()), pixels.shape[1])
    top, bottom = _span(float(ys.min()), float(ys.max()), pixels.shape[0])
    return left, top, right, bottom


def _span(begin: float, end: float, whole: int) -> tuple[int, int]:
    # Cubic weights reach two pixels further.
    first, last = floor(min(begin, 2 * whole - end)) - 3, ceil(max(end, -begin)) + 3
    return min(max(first, 0), whole - 1), max(min(last, whole), 1)
