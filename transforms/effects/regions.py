"""A part of the picture that an effect is for: a rectangle, or what a detector found."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from ..attention import largest_of
from ..failure import bad_argument
from ..geometry import nominal
from ..gravity import Compass
from ..image import Box, Found, Scale, Size
from ..params import Choice
from ..places import Length, Offset, pixels_of

FACES = ("face", "faces")
REGION_GRAVITIES = Choice((*Compass, *FACES, "text"))
FACE_PAD, TEXT_PAD = 0.4, 0.1  # longer sides than the detector's box, which leaves out hair, ears and a face that turns

Area = tuple[int, int, int, int]
"""Left, top, right and bottom in whole pixels."""


@dataclass(frozen=True)
class Side(Offset):
    """How wide or high something is: whole pixels from 1, or with a decimal point a fraction of the picture."""

    least: int = 1

    def parse(self, text: str) -> Length:
        value = super().parse(text)
        if value <= 0:
            raise bad_argument(f"{text!r} is not {self.describe()}", minimum=self.least, maximum=self.most)
        return value

    def describe(self) -> str:
        return f"pixels from {self.least} to {self.most}, or with a decimal point a fraction of the picture up to 8.0"

    def beyond(self) -> tuple[str, ...]:
        return (*super().beyond(), "0.0", "-0.5")


@dataclass(frozen=True)
class Place:
    """Where a region is: what is to be found, or a rectangle; lengths in pixels or fractions of the picture."""

    x: Length | None
    y: Length | None
    width: Length | None
    height: Length | None
    gravity: str | None

    def areas(self, size: Size, scale: Scale, found: Found) -> list[Area]:
        """What of the picture it takes; empty where nothing is found, or all lies outside of the picture."""
        areas = [_clipped(box, size) for box in self._boxes(nominal(size, scale), found)]
        return [area for area in areas if area[0] < area[2] and area[1] < area[3]]

    def _boxes(self, size: Size, found: Found) -> list[Box]:
        if self.gravity in FACES:
            faces = found.by("all-faces")
            chosen = [largest_of(faces)] if faces and self.gravity == "face" else faces
            return [face.box.grown(FACE_PAD) for face in chosen]
        if self.gravity == "text":
            return [region.box.grown(TEXT_PAD) for region in found.by("text") if region.sure]
        at = Compass[self.gravity or "north_west"]
        left, width = _span(size.width, self.x, self.width, at[0])
        top, height = _span(size.height, self.y, self.height, at[1])
        return [Box(left / size.width, top / size.height, width / size.width, height / size.height)]


def kinds_for(gravity: str | None, **_: Any) -> frozenset[str]:
    """The kinds of detections that such a place needs."""
    return frozenset({"all-faces"} if gravity in FACES else {"text"} if gravity == "text" else ())


def hides_what_is_found(gravity: str | None, **_: Any) -> bool:
    """Whether a face or writing would stay in sight if the detector did not answer."""
    return gravity in FACES or gravity == "text"


def _span(whole: int, offset: Length | None, length: Length | None, at: float) -> tuple[float, float]:
    """Begin and length along one axis; offsets go inwards from the edge, from the middle at 0.5."""
    away = pixels_of(offset or 0, whole)
    left_over = float(whole) if at == 0.5 else whole - away
    long = left_over if length is None else pixels_of(length, whole)
    return (whole - long) * at + (-away if at == 1 else away), long


def _clipped(box: Box, size: Size) -> Area:
    """The whole pixels that the box touches; a millionth of one is an error of rounding."""
    return (
        max(0, floor(box.x * size.width + 1e-6)), max(0, floor(box.y * size.height + 1e-6)),
        min(size.width, ceil(box.right * size.width - 1e-6)), min(size.height, ceil(box.bottom * size.height - 1e-6)),
    )  # fmt: skip
