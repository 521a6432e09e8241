"""Shadows: flat behind the picture, and cast on the ground."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, cos, radians, sin, tan
from typing import Annotated

import cv2
import numpy as np

from ..blending import alpha_of
from ..effects.silhouettes import behind, softened, solid
from ..geometry import nominal, placed
from ..hues import BLACK, TRANSPARENT, Colour, ColourText
from ..image import Frame, Image, PixelArray, Scale, Size, nearest_pixel
from ..params import Int, Length, Offset, Percent, pixels_of
from ..registry import operation

GRAY = Colour(128, 128, 128)

Margins = tuple[int, int, int, int]  # px on the left, on top, on the right and at the bottom


def _sigma(strength: int) -> float:
    return strength / 10


def _margins(strength: int, x: float, y: float) -> Margins:
    """What a flat shadow needs beside the picture; nothing where there is none."""
    reach = ceil(3 * _sigma(strength))
    left, top, right, bottom = (max(0, ceil(reach + move)) if strength else 0 for move in (-x, -y, x, y))
    return left, top, right, bottom


def _with(size: Size, margins: Margins) -> Size:
    left, top, right, bottom = margins
    return Size(size.width + left + right, size.height + top + bottom)


def _shadow_size(before: Size, strength: int, x: Length, y: Length, **_: object) -> Size:
    return _with(before, _margins(strength, pixels_of(x, before.width), pixels_of(y, before.height)))


@operation("shadow", example="shadow:50,x=12,y=12", size=_shadow_size, scaling="commutes")
def shadow(
    image: Image,
    strength: Annotated[int, Percent()] = 40,
    x: Annotated[Length, Offset()] = 10,
    y: Annotated[Length, Offset()] = 10,
    color: Annotated[Colour, ColourText()] = GRAY,
    *,
    scale: Scale,
) -> Image:
    """Put a soft shadow behind what is opaque, `x` px to the right and `y` px down.

    The stronger, the darker and the softer: a Gaussian of `strength` / 10 px, as opaque as the root of `strength` / 100
    says. The canvas grows by what the shadow needs on each side; what is beside it stays transparent.
    """
    if not strength:
        return image
    whole = nominal(image.size, scale)
    right, down = pixels_of(x, whole.width), pixels_of(y, whole.height)
    larger = _widened(image, _margins(strength, right, down), scale)
    move = np.array([[1, 0, right * scale.x], [0, 1, down * scale.y]], np.float64)
    sigma, opacity = _sigma(strength) * scale.x, (strength / 100) ** 0.5

    def shaded(frame: Frame) -> Frame:
        shape = alpha_of(frame.pixels)
        moved = np.asarray(cv2.warpAffine(shape, move, (shape.shape[1], shape.shape[0])), np.uint8)
        return frame.with_pixels(behind(frame.pixels, softened(moved, sigma, room=True), color, opacity))

    return replace(larger, frames=tuple(map(shaded, larger.frames)))


def _widened(image: Image, margins: Margins, scale: Scale) -> Image:
    left, top, right, bottom = (
        nearest_pixel(margin * factor) if margin else 0
        for margin, factor in zip(margins, (scale.x, scale.y, scale.x, scale.y), strict=True)
    )
    canvas = Size(image.size.width + left + right, image.size.height + top + bottom)
    return placed(image, canvas, left, top, TRANSPARENT)


LONGEST = 2.0  # shadows to what casts them: the sun at 27°; lower, they would leave every canvas
FLATTENED = 0.5  # the ground is seen at a slant: what lies a pixel behind is drawn half a pixel higher
DARKNESS = 0.6  # of a shadow where it begins
CONTACT = 0.06  # height of the shadow right under the subject to its width


def _cast(azimuth: int, elevation: int) -> tuple[float, float]:
    """How far to the right and up, in pixels, the shadow of something a pixel high falls."""
    length = min(LONGEST, 1 / max(tan(radians(elevation)), 1e-6))
    toward = radians(azimuth + 180)
    return length * sin(toward), length * cos(toward) * FLATTENED


def _ground(size: Size, azimuth: int, elevation: int, spread: int) -> Margins:
    """What a cast shadow needs beside a picture that is opaque all over."""
    right, up = (part * size.height for part in _cast(azimuth, elevation))
    soft = ceil(3 * _softness(size.height, spread)[1]) + ceil(CONTACT * size.width)
    left, top, east, bottom = (max(0, ceil(part) + soft) for part in (-right, up - size.height, right, -up))
    return left, top, east, bottom


def _softness(height: float, spread: int) -> tuple[float, float]:
    """Sigmas of the shadow where it begins and where it ends: the wider the light, the softer with the distance."""
    return 0.5 + height * spread / 10_000, 0.5 + height * spread / 1_200


def _cast_size(before: Size, azimuth: int, elevation: int, spread: int, **_: object) -> Size:
    return _with(before, _ground(before, azimuth, elevation, spread))


@operation("dropshadow", example="dropshadow:215,elevation=45,spread=50", size=_cast_size, exact=False)
def dropshadow(
    image: Image,
    azimuth: Annotated[int, Int(0, 360, "degrees")] = 215,
    elevation: Annotated[int, Int(0, 90, "degrees")] = 45,
    spread: Annotated[int, Percent()] = 50,
) -> Image:
    """Let the subject throw a shadow on the ground that it stands on with its lowest pixel.

    The light comes from `azimuth` (0 from behind, 90 from the right, 180 from the front) and stands `elevation` degrees
    high: the lower, the longer the shadow. `spread` is how wide the light is: 0 gives hard edges, more makes the shadow
    softer the further it falls. A picture with transparency keeps its size (`pad` it before to make room); one without
    is taken for a card that stands upright, and grows by its shadow.
    """
    if not image.has_alpha:
        image = _widened(image, _ground(image.size, azimuth, elevation, spread), Scale())
    frames = tuple(_grounded(frame, azimuth, elevation, spread) for frame in image.frames)
    return replace(image, frames=frames)


def _grounded(frame: Frame, azimuth: int, elevation: int, spread: int) -> Frame:
    shape = alpha_of(frame.pixels)
    left, top, width, height = cv2.boundingRect(solid(shape))
    if not width:
        return frame
    near, far = _softness(height, spread)
    # What is that soft needs no more pixels.
    fewer = 1 / max(1.0, near / 1.5)
    canvas = Size(shape.shape[1], shape.shape[0]).scaled(fewer)
    small = Size(width, height).scaled(fewer)
    subject = cv2.resize(
        shape[top : top + height, left : left + width], (small.width, small.height), interpolation=cv2.INTER_AREA
    )
    foot = Foot(left * fewer, (top + height) * fewer)
    fallen = _shade(np.asarray(subject, np.uint8), canvas, foot, _cast(azimuth, elevation), (near * fewer, far * fewer))
    whole = cv2.resize(fallen, (shape.shape[1], shape.shape[0]), interpolation=cv2.INTER_LINEAR)
    return frame.with_pixels(behind(frame.pixels, np.asarray(whole, np.uint8), BLACK, DARKNESS))


@dataclass(frozen=True, slots=True)
class Foot:
    """Where a subject stands on the canvas: its left edge and the ground, in pixels."""

    left: float
    base: float


def _shade(
    subject: PixelArray, canvas: Size, foot: Foot, cast: tuple[float, float], sigmas: tuple[float, float]
) -> PixelArray:
    """The shadow of the subject, (h, w) of the canvas. What falls far is softened more: rows count by their height."""
    rows = np.linspace(1, 0, subject.shape[0], dtype=np.float32)[:, np.newaxis]
    total = _contact(subject, canvas, foot)
    lying = np.zeros_like(total)
    for share, sigma in zip((1 - rows, rows), sigmas, strict=True):
        fallen = _fallen((subject * share).astype(np.uint8), canvas, foot, *cast)
        lying = np.asarray(cv2.add(lying, softened(fallen, sigma)), np.uint8)
    return np.asarray(cv2.max(total, lying), np.uint8)


def _fallen(part: PixelArray, canvas: Size, foot: Foot, right: float, up: float) -> PixelArray:
    """A standing shape laid on the ground: what is n px high moves by `right` × n, and lies `up` × n above its base."""
    height, width = part.shape
    flat = max(abs(up), CONTACT) * (1 if up >= 0 else -1)
    rows = max(1, ceil(height * min(abs(flat), 1)))
    low = cv2.resize(part, (width, rows), interpolation=cv2.INTER_AREA)
    per_row = height / rows  # pixels of height
    # Row r of `low` is per_row × (rows - r - 1/2) high.
    top = per_row * (rows - 0.5)
    matrix = np.array(
        [[1, -right * per_row, foot.left + right * top], [0, flat * per_row, foot.base - flat * top - 0.5]]
    )
    return np.asarray(cv2.warpAffine(low, matrix, (canvas.width, canvas.height)), np.uint8)


def _contact(subject: PixelArray, canvas: Size, foot: Foot) -> PixelArray:
    """The narrow shadow under what touches the ground."""
    result = np.zeros((canvas.height, canvas.width), np.uint8)
    columns = np.flatnonzero(subject[-max(1, subject.shape[0] // 20) :].max(axis=0) > 127)
    if not len(columns):
        return result
    half = (int(columns[-1]) - int(columns[0]) + 1) / 2
    deep = max(half * CONTACT, 1.0)
    centre = (round(foot.left + int(columns[0]) + half), round(foot.base - deep / 2))
    cv2.ellipse(result, centre, (max(1, round(half)), max(1, round(deep))), 0, 0, 360, 255, cv2.FILLED)
    return softened(result, deep / 2)
