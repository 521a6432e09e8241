"""Draw what was found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from zlib import crc32

import cv2
import numpy as np

from ..image import Found, Frame, PixelArray, Region, Size
from ..params import Ratio
from ..registry import operation
from ..resample import layered

Opaque = tuple[int, int, int, int]  # blue, green, red and 255 for alpha, which OpenCV leaves out where there is none
Point = tuple[int, int]

BLACK: Opaque = (0, 0, 0, 255)
YELLOW: Opaque = (80, 255, 255, 255)
FACE_COLOUR: Opaque = (255, 255, 255, 255)
# Light enough for black letters, far apart from each other; a label always has the same.
COLOURS: tuple[Opaque, ...] = (
    (80, 220, 255, 255), (120, 230, 120, 255), (255, 190, 90, 255), (190, 150, 255, 255), (90, 160, 255, 255),
    (230, 230, 90, 255), (210, 130, 230, 255), (130, 215, 190, 255), (170, 190, 240, 255), (60, 240, 200, 255),
)  # fmt: skip


@operation("detect", example="detect:0.5", needs={"faces", "objects"}, scaling="commutes")
def detect(frame: Frame, confidence: Annotated[float, Ratio(0, 1)] = 0.4, *, found: Found) -> Frame:
    """Draw boxes around the objects and faces that were found, with names, scores and the landmarks of faces.

    `confidence` is the lowest score that is drawn. Lines and letters grow with the picture.
    """
    drawing = _Drawing(_canvas(frame.pixels), frame.size)
    shown = [region for region in found.regions if region.score >= confidence and region.by in ("faces", "objects")]
    shown.sort(key=lambda region: -region.box.area)  # small ones on top
    for region in shown:
        drawing.outline(region)
    for region in shown:
        drawing.name(region)
    return frame.with_pixels(drawing.pixels)


def _canvas(pixels: PixelArray) -> PixelArray:
    """A contiguous copy to draw on, with colours."""
    return layered(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)) if pixels.shape[2] == 1 else np.array(pixels, order="C")


class _Drawing:
    """A picture in the making; lengths in pixels follow from its size."""

    def __init__(self, pixels: PixelArray, size: Size) -> None:
        self.pixels = pixels
        self._size = size
        scale = (size.pixels) ** 0.5
        self._line = max(1, round(scale / 320))
        self._letters = max(10, round(scale / 45))
        self._font = cv2.FontFace("sans")

    def outline(self, region: Region) -> None:
        box, colour = region.box, _colour(region)
        begin, end = self._at(box.x, box.y), self._at(box.right, box.bottom)
        if self._line > 1:
            cv2.rectangle(self.pixels, begin, end, BLACK, self._line + 2)
        cv2.rectangle(self.pixels, begin, end, colour, self._line)
        self._dots((x, y) for _, x, y in region.points)

    def _dots(self, points: Iterable[tuple[float, float]]) -> None:
        for x, y in points:
            at = self._at(x, y)
            cv2.circle(self.pixels, at, self._line + 2, BLACK, -1, cv2.LINE_AA)
            cv2.circle(self.pixels, at, self._line + 1, YELLOW, -1, cv2.LINE_AA)

    def name(self, region: Region) -> None:
        """A line of text on a plate above the box, or inside its top where there is no room."""
        text = f"{region.label} {region.score:.2f}"
        _, up, width, height = cv2.getTextSize((0, 0), text, (0, 0), self._font, self._letters)
        margin = max(1, self._letters // 5)
        width, height = width + 2 * margin, height + 2 * margin
        left, top = self._at(region.box.x, region.box.y)
        left = max(0, min(left, self._size.width - width))
        top = top - height if top >= height else max(0, top)
        cv2.rectangle(self.pixels, (left, top), (left + width - 1, top + height - 1), _colour(region), -1)
        # The text's box begins `up` (negative) above its base line.
        cv2.putText(self.pixels, text, (left + margin, top + margin - up), BLACK, self._font, self._letters)
        self.pixels[top : top + height, left : left + width, 3:] = 255  # letters are blended with no alpha

    def _at(self, x: float, y: float) -> Point:
        return round(x * (self._size.width - 1)), round(y * (self._size.height - 1))


def _colour(region: Region) -> Opaque:
    return FACE_COLOUR if region.by == "faces" else COLOURS[crc32(region.label.encode()) % len(COLOURS)]
