"""Boxes, names and dots drawn on a picture."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

import cv2
import numpy as np

from .image import PixelArray, Region, Size
from .resample import layered

Opaque = tuple[int, int, int, int]  # blue, green, red and 255 for alpha, which OpenCV leaves out where there is none
Point = tuple[int, int]

BLACK: Opaque = (0, 0, 0, 255)
YELLOW: Opaque = (80, 255, 255, 255)
FACE_COLOUR: Opaque = (255, 255, 255, 255)
FACES = frozenset({"faces", "largest-face", "all-faces"})
# Light enough for black letters, far apart from each other; a label always has the same.
COLOURS: tuple[Opaque, ...] = (
    (80, 220, 255, 255), (120, 230, 120, 255), (255, 190, 90, 255), (190, 150, 255, 255), (90, 160, 255, 255),
    (230, 230, 90, 255), (210, 130, 230, 255), (130, 215, 190, 255), (170, 190, 240, 255), (60, 240, 200, 255),
)  # fmt: skip


def canvas(pixels: PixelArray) -> PixelArray:
    """A contiguous copy to draw on, with colours."""
    return layered(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)) if pixels.shape[2] == 1 else np.array(pixels, order="C")


class Drawing:
    """A picture in the making; lengths in pixels follow from its size."""

    def __init__(self, pixels: PixelArray, size: Size) -> None:
        self.pixels = pixels
        self._size = size
        scale = (size.pixels) ** 0.5
        self._line = max(1, round(scale / 320))
        self._letters = max(10, round(scale / 45))
        self._font = cv2.FontFace("sans")

    def outline(self, region: Region, colour: Opaque | None = None) -> None:
        """The box, and the landmarks of a face unless a colour of its own sets it apart."""
        box = region.box
        begin, end = self._at(box.x, box.y), self._at(box.right, box.bottom)
        if self._line > 1:
            cv2.rectangle(self.pixels, begin, end, BLACK, self._line + 2)
        cv2.rectangle(self.pixels, begin, end, colour or colour_of(region), self._line)
        if colour is None:
            self._dots((x, y) for _, x, y in region.points)

    def shape(self, corners: Iterable[tuple[float, float]], colour: Opaque) -> None:
        """A closed line through points in fractions of the picture; it may leave it."""
        points = [np.array([self._at(x, y) for x, y in corners], np.int32)]
        cv2.polylines(self.pixels, points, True, BLACK, self._line + 4, cv2.LINE_AA)
        cv2.polylines(self.pixels, points, True, colour, self._line + 2, cv2.LINE_AA)

    def _dots(self, points: Iterable[tuple[float, float]]) -> None:
        for x, y in points:
            at = self._at(x, y)
            cv2.circle(self.pixels, at, self._line + 2, BLACK, -1, cv2.LINE_AA)
            cv2.circle(self.pixels, at, self._line + 1, YELLOW, -1, cv2.LINE_AA)

    def name(self, region: Region, colour: Opaque | None = None) -> None:
        """A line of text on a plate above the box, or inside its top where there is no room."""
        text = f"{region.label} {region.score:.2f}"
        _, up, width, height = cv2.getTextSize((0, 0), text, (0, 0), self._font, self._letters)
        margin = max(1, self._letters // 5)
        width, height = width + 2 * margin, height + 2 * margin
        left, top = self._at(region.box.x, region.box.y)
        left = max(0, min(left, self._size.width - width))
        top = top - height if top >= height else max(0, top)
        cv2.rectangle(self.pixels, (left, top), (left + width - 1, top + height - 1), colour or colour_of(region), -1)
        # The text's box begins `up` (negative) above its base line.
        cv2.putText(self.pixels, text, (left + margin, top + margin - up), BLACK, self._font, self._letters)
        self.pixels[top : top + height, left : left + width, 3:] = 255  # letters are blended with no alpha

    def _at(self, x: float, y: float) -> Point:
        return round(x * (self._size.width - 1)), round(y * (self._size.height - 1))


def colour_of(region: Region) -> Opaque:
    return FACE_COLOUR if region.by in FACES else COLOURS[crc32(region.label.encode()) % len(COLOURS)]
