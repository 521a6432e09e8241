"""What was found, drawn on a picture: boxes, masks, landmarks, poses and names."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

import cv2
import numpy as np

from .image import PixelArray, Region, Size
from .masks import plane
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

TINT = 0.45  # how much of its colour lies over what a mask covers
LONGEST = 40  # letters of a name; what a code says may be long
CORNERS = "corner_"
# Which joints of a person are joined by a line, in COCO's names.
BONES = (
    *((f"{side}_{begin}", f"{side}_{end}") for side in ("left", "right") for begin, end in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "hip"),
        ("ear", "eye"),
    )),
    ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"), ("left_eye", "nose"), ("right_eye", "nose"),
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

    def fill(self, region: Region) -> None:
        """What its mask covers, tinted in its colour, within a line; nothing where it has none."""
        if region.mask is None:
            return
        whole = plane(region.mask, self._size)
        left, top, width, height = cv2.boundingRect(whole)
        if not width:
            return
        colour = colour_of(region)
        part = self.pixels[top : top + height, left : left + width]
        covered = whole[top : top + height, left : left + width]
        share = np.asarray(covered, np.float32) * np.float32(TINT / 255)
        tint = np.full_like(part, colour[: part.shape[2]])
        part[:] = layered(cv2.blendLinear(tint, np.ascontiguousarray(part), share, 1 - share))
        inside = cv2.threshold(whole, 127, 255, cv2.THRESH_BINARY)[1]
        lines, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(self.pixels, lines, -1, colour, self._line, cv2.LINE_AA)

    def outline(self, region: Region, colour: Opaque | None = None) -> None:
        """The box, or its four corners where it lies askew; landmarks and joints unless a colour sets it apart."""
        corners = [(x, y) for name, x, y in region.points if name.startswith(CORNERS)]
        if len(corners) == len(region.points) == 4:
            self.shape(corners, colour or colour_of(region))
            return
        self._box(region, colour or colour_of(region))
        if colour is None:
            if region.by not in FACES:
                self._bones(region)
            self._dots((x, y) for _, x, y in region.points)

    def _box(self, region: Region, colour: Opaque) -> None:
        box = region.box
        begin, end = self._at(box.x, box.y), self._at(box.right, box.bottom)
        if self._line > 1:
            cv2.rectangle(self.pixels, begin, end, BLACK, self._line + 2)
        cv2.rectangle(self.pixels, begin, end, colour, self._line)

    def _bones(self, region: Region) -> None:
        """Lines between the joints of a pose that are seen."""
        at = {name: self._at(x, y) for name, x, y in region.points}
        for begin, end in BONES:
            if begin in at and end in at:
                cv2.line(self.pixels, at[begin], at[end], BLACK, self._line + 2, cv2.LINE_AA)
                cv2.line(self.pixels, at[begin], at[end], colour_of(region), self._line, cv2.LINE_AA)

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
        text = name_of(region)
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


def name_of(region: Region) -> str:
    """The label and the score; what is written there instead of the score, as far as there is room."""
    if not region.text:
        return f"{region.label} {region.score:.2f}"
    text = " ".join(region.text.split())
    return f"{region.label}: {text[: LONGEST - 1] + '…' if len(text) > LONGEST else text}"


def colour_of(region: Region) -> Opaque:
    return FACE_COLOUR if region.by in FACES else COLOURS[crc32(region.label.encode()) % len(COLOURS)]
