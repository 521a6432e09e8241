"""Other shapes: into four corners, around an arc, slanted."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, cos, pi, radians, sin, tan
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..effects.quads import Quad, QuadText, points_of
from ..effects.warping import Levels, Places, fitted, projective, warped
from ..geometry import flipped, nominal
from ..image import Image, Scale, Size
from ..params import Degrees
from ..registry import operation

_FAR = 30_000  # px from the centre of an arc, from where on numbers of four bytes are off by more than .002 px

Points = NDArray[np.float64]
_UNIT: Points = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)


def _bounds(points: Points) -> tuple[Points, Size]:
    """The top left corner of the smallest canvas of whole pixels around the points, and its size."""
    least = points.min(axis=0)
    width, height = (max(1, ceil(side - 1e-6)) for side in points.max(axis=0) - least)
    return least, Size(width, height)


def _drawn(image: Image, canvas: Size, places: Places, before: Points, after: Points) -> Image:
    """The warped picture; `before` and `after` are points of both pictures, in fractions, that belong together."""
    frames = tuple(frame.with_pixels(warped(frame.pixels, canvas, places)) for frame in image.frames)
    composed = fitted(before, after) @ np.vstack([image.from_source, [0.0, 0.0, 1.0]])
    return replace(image, frames=frames, from_source=composed)


def _into(image: Image, points: Points) -> Image:
    """The picture drawn into four corners in pixels, its own ones in turn from the top left."""
    least, canvas = _bounds(points)
    size = np.array([image.size.width, image.size.height], np.float64)
    if np.array_equal(points - least, _UNIT * size):
        return image
    corners = (points - least).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, (_UNIT * size).astype(np.float32), solveMethod=cv2.DECOMP_SVD)
    middle = corners.mean(axis=0)
    depth = matrix[2] @ [*middle, 1.0]  # of any point inside; the other sign lies beyond the horizon
    after = (points - least) / [canvas.width, canvas.height]
    return _drawn(image, canvas, projective(np.asarray(matrix / np.sign(depth))), _UNIT, after)


def _quad_size(before: Size, corners: Quad, **_: object) -> Size:
    return _bounds(points_of(corners, before.width, before.height))[1]


@operation("distort", example="distort:40:20:380:0:400:300:0:260", size=_quad_size, scaling="commutes")
def distort(image: Image, corners: Annotated[Quad, QuadText()], *, scale: Scale) -> Image:
    """Draw the picture into four corners, in perspective; what lies outside of them becomes transparent.

    x and y of the top left, top right, bottom right and bottom left corner, in pixels of the picture or with a decimal
    point in fractions of it. The result is as large as the box around them. They may turn or mirror the picture, but
    must enclose a convex shape.
    """
    whole = nominal(image.size, scale)
    points = points_of(corners, whole.width, whole.height)
    return _into(image, points * [scale.x, scale.y])


def _slanted(size: Size, x: float, y: float) -> Points:
    """The corners of a picture that is sheared along x, then along y."""
    points = _UNIT * [size.width, size.height]
    across = points[:, 0] - tan(radians(x)) * points[:, 1]
    return np.stack([across, points[:, 1] + tan(radians(y)) * across], axis=1)


def _slanted_size(before: Size, x: float, y: float, **_: object) -> Size:
    return _bounds(_slanted(before, x, y))[1]


@operation("shear", example="shear:20", size=_slanted_size, scaling="commutes")
def shear(
    image: Image, x: Annotated[float, Degrees(-80, 80)], y: Annotated[float, Degrees(-80, 80)] = 0.0, *, scale: Scale
) -> Image:
    """Slant the picture: by `x` degrees its top moves to the right, then by `y` degrees its right side moves down.

    The canvas grows to hold it; its corners are transparent.
    """
    if x == 0 and y == 0:
        return image
    # A source that was decoded smaller by other factors across and down slants by other angles.
    return _into(image, _slanted(nominal(image.size, scale), x, y) * [scale.x, scale.y])


def _arched(size: Size, degrees: float) -> tuple[float, float, Points]:
    """The radius of the middle line, that of the top, and points around the bent picture about the arc's centre."""
    angle = radians(abs(degrees))
    radius = size.width / angle
    top, bottom = radius + size.height / 2, max(radius - size.height / 2, 0.0)
    turns = {-angle / 2, angle / 2, *(at * pi / 2 for at in range(-2, 3) if abs(at * pi / 2) < angle / 2)}
    points = [(length * sin(turn), -length * cos(turn)) for turn in sorted(turns) for length in (top, bottom)]
    return radius, top, np.array(points)


def _arched_size(before: Size, degrees: float, **_: object) -> Size:
    return _bounds(_arched(before, degrees)[2])[1] if degrees else before


@operation("arc", example="arc:60", size=_arched_size, scaling="commutes")
def arc(image: Image, degrees: Annotated[float, Degrees()], *, scale: Scale) -> Image:
    """Bend the picture around an arc of that angle: its middle line keeps its length, its top is stretched.

    As ImageMagick's `-distort Arc` does. Negative angles bend it the other way, its bottom is stretched. What lies
    beyond the centre of a tight arc is lost. The canvas becomes the box around the arc, transparent beside it.
    """
    if degrees == 0:
        return image
    if degrees < 0:
        upside = flipped(image, horizontal=False, vertical=True)
        return flipped(arc(upside, -degrees, scale=scale), horizontal=False, vertical=True)
    whole = nominal(image.size, scale)
    radius, top, points = _arched(whole, degrees)
    least, canvas = _bounds(points)
    if (scale.x, scale.y) != (1, 1):
        _, canvas = _bounds(points * [scale.x, scale.y])
    places = _around(whole, -least, radius, top, closed=degrees == 360)
    return _drawn(image, canvas, _scaled(places, scale), *_pairs(whole, -least, radius, top, degrees, canvas, scale))


def _around(size: Size, centre: Points, radius: float, top: float, *, closed: bool) -> Places:
    """`closed`: both sides meet, so that there is no edge between them."""

    exact = np.dtype(np.float64 if top > _FAR else np.float32)
    middle, base = centre.tolist()

    def places(x: Levels, y: Levels) -> tuple[Levels, Levels, Levels, Levels]:
        across, up = x.astype(exact) - middle, base - y.astype(exact)
        length = np.maximum(np.hypot(across, up), 0.5)
        u = np.arctan2(across, up) * radius + size.width / 2
        step = radius / length
        if closed:
            u = u.clip(step / 2, size.width - step / 2)
        return _short(u), _short(top - length), _short(step), np.ones_like(x)

    return places


def _short(numbers: NDArray[Any]) -> Levels:
    return numbers.astype(np.float32, copy=False)


def _scaled(places: Places, scale: Scale) -> Places:
    """The same places, for a picture and a canvas of fewer pixels."""
    if (scale.x, scale.y) == (1, 1):
        return places
    across, down = np.float32(scale.x), np.float32(scale.y)

    def fewer(x: Levels, y: Levels) -> tuple[Levels, Levels, Levels, Levels]:
        u, v, step, deep = places(x / across, y / down)
        return u * across, v * down, step, deep

    return fewer


def _pairs(
    size: Size, centre: Points, radius: float, top: float, degrees: float, canvas: Size, scale: Scale
) -> tuple[Points, Points]:
    """Points all over the picture and where they went, in fractions."""
    before = np.array([(x / 8, y / 8) for x in range(9) for y in range(9)])
    turn = (before[:, 0] - 0.5) * radians(degrees)
    length = np.maximum(top - before[:, 1] * size.height, 0)
    x = (centre[0] + length * np.sin(turn)) * scale.x / canvas.width
    y = (centre[1] - length * np.cos(turn)) * scale.y / canvas.height
    return before, np.stack([x, y], axis=1)
