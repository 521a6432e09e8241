"""How much of faces and of the largest object three ways to crop keep: ours, the centre, and libvips' attention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np

from transforms.attention import best_window
from transforms.geometry import around, largest, pixels_in
from transforms.image import Box, Size

from .annotated import Seen

RATIOS = {"1:1": Fraction(1), "16:9": Fraction(16, 9), "9:16": Fraction(9, 16)}

WHOLE = 0.999
"""The share of a face's annotated box that must be inside for it to count as kept: all of it, but for rounding."""

SHARE = 0.6
"""The share of the largest object's box that should be inside."""

Way = Callable[[Seen, Fraction], Box]


@dataclass
class Kept:
    """What one way of cropping kept of one ratio, counted over photographs.

    `could`: the faces that the best windows hold; `possible`: the photographs in which some window holds SHARE of the
    largest object's box.
    """

    faces: int = 0
    could: int = 0
    centres: int = 0
    shares: int = 0
    objects: int = 0
    possible: int = 0


def measure(seen: Iterable[Seen], ways: Mapping[str, Way]) -> dict[tuple[str, str], Kept]:
    """By way and ratio."""
    table = {(way, ratio): Kept() for way in ways for ratio in RATIOS}
    for one in seen:
        for (way, ratio), kept in table.items():
            window = _of_pixels(ways[way](one, RATIOS[ratio]), one.size)
            _count(kept, one, window)
    return table


def total(table: dict[tuple[str, str], Kept], way: str, ratio: str) -> Kept:
    """Of one ratio, or of "all" together."""
    rows = [kept for (one, other), kept in table.items() if one == way and ratio in (other, "all")]
    return Kept(*(sum(getattr(kept, field.name) for kept in rows) for field in fields(Kept)))


def _count(kept: Kept, seen: Seen, window: Box) -> None:
    faces = seen.photo.plain_faces
    kept.faces += held(faces, window)
    kept.could += most_held(faces, window)
    if seen.photo.objects:
        _, box = max(seen.photo.objects, key=lambda labelled: labelled[1].area)
        x, y = box.centre
        kept.objects += 1
        kept.centres += window.x <= x <= window.right and window.y <= y <= window.bottom
        kept.shares += inside(box, window) >= SHARE
        kept.possible += min(1.0, window.width / box.width) * min(1.0, window.height / box.height) >= SHARE


def held(faces: Sequence[Box], window: Box) -> int:
    """How many faces are wholly inside."""
    return sum(inside(face, window) >= WHOLE for face in faces)


def most_held(faces: Sequence[Box], window: Box) -> int:
    """How many the best possible window of that size holds wholly.

    A best one begins at an edge of the picture, at a face's own left or top edge, or ends at a right or bottom one.
    """
    xs = _begins(window.width, [(face.x, face.right) for face in faces])
    ys = _begins(window.height, [(face.y, face.bottom) for face in faces])
    return max(held(faces, Box(x, y, window.width, window.height)) for x in xs for y in ys)


def _begins(length: float, spans: list[tuple[float, float]]) -> set[float]:
    wanted = [0.0, *(begin for begin, _ in spans), *(end - length for _, end in spans)]
    return {min(max(begin, 0.0), 1.0 - length) for begin in wanted}


def inside(box: Box, window: Box) -> float:
    """The share of a box that a window shows."""
    return box.shared(window) / box.area


def _of_pixels(window: Box, size: Size) -> Box:
    """The window in whole pixels of the photograph, as it is cut."""
    x, y, width, height = pixels_in(window, size)
    return Box(x / size.width, y / size.height, width / size.width, height / size.height)


def smart(seen: Seen, ratio: Fraction) -> Box:
    """What `smart-crop` takes."""
    return best_window(seen.found, *largest(ratio, seen.size))


def centre(seen: Seen, ratio: Fraction) -> Box:
    """The middle."""
    return around((0.5, 0.5), *largest(ratio, seen.size))


def attention(seen: Seen, ratio: Fraction) -> Box:
    """What libvips takes; raises ImportError where it is not installed."""
    import pyvips  # type: ignore[import-untyped]

    down, across = seen.view.shape[:2]
    width, height = largest(ratio, seen.size)
    rgb = np.ascontiguousarray(seen.view[:, :, ::-1])
    picture = pyvips.Image.new_from_array(rgb).copy(interpretation="srgb")
    taken = picture.smartcrop(max(1, round(width * across)), max(1, round(height * down)), interesting="attention")
    return Box(-taken.xoffset / across, -taken.yoffset / down, width, height)
