"""A part of the picture: crop and smart-crop."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Annotated

from ..attention import EVERYTHING, best_window, by_gravity, eyes_for, eyes_without_faces
from ..failure import bad_argument
from ..geometry import cut, largest, nominal, pixels_in, taken
from ..image import Box, Found, Image, Scale, Size, nearest_pixel
from ..params import DETECTED, Compass, Dimensions, Focus, Gravity, Length, Offset, pixels_of
from ..registry import operation
from ..sizes import Wanted, WantedRatio, exactly, side

Offsets = tuple[Length | None, Length | None]


def _extent(before: Size, size: Dimensions, ratio: Fraction | None) -> Size:
    """Width and height of the region, before it is clipped; with a ratio it is never larger than the picture."""
    width = side(size.width, before.width) or before.width
    height = side(size.height, before.height) or before.height
    if not ratio:
        return Size(width, height)
    width, height = min(width, before.width), min(height, before.height)
    if width > height * ratio:
        return Size(nearest_pixel(float(height * ratio)), height)
    return Size(width, nearest_pixel(float(width / ratio)))


def _begin(whole: int, length: int, offset: Length | None, at: float) -> int:
    """Where the region begins along one axis: the offset goes inwards from the edge, from the middle at 0.5."""
    inwards = -1 if at == 1 else 1
    return floor((whole - length) * at + inwards * pixels_of(offset or 0, whole) + 0.5)


def _begin_at(whole: int, length: int, offset: Length | None, focus: float) -> int:
    inside = min(max(whole * focus - length / 2, 0.0), max(0.0, whole - length))
    return floor(inside + pixels_of(offset or 0, whole) + 0.5)


def _region(before: Size, extent: Size, offsets: Offsets, gravity: str | Focus | None) -> Box:
    """The region in pixels, clipped to the picture."""
    (x, y), axes = offsets, ((before.width, extent.width), (before.height, extent.height))
    if isinstance(gravity, Focus):
        left, top = _begin_at(*axes[0], x, gravity.x), _begin_at(*axes[1], y, gravity.y)
    else:
        at = Compass[gravity or ("center" if x is None and y is None else "north_west")]
        left, top = _begin(*axes[0], x, at[0]), _begin(*axes[1], y, at[1])
    right, bottom = min(left + extent.width, before.width), min(top + extent.height, before.height)
    left, top = max(left, 0), max(top, 0)
    if right <= left or bottom <= top:
        raise bad_argument(
            f"the region {extent} at {left},{top} lies outside the picture, which is {before}",
            reason="outside-the-picture", width=before.width, height=before.height,
        )  # fmt: skip
    return Box.between(left, top, right, bottom)


def _cropped(
    before: Size, size: Dimensions, x: Length | None, y: Length | None,
    gravity: str | Focus | None, ratio: Fraction | None,
) -> Size:  # fmt: skip
    extent = _extent(before, size, ratio)
    if gravity in DETECTED:
        return Size(min(extent.width, before.width), min(extent.height, before.height))
    region = _region(before, extent, (x, y), gravity)
    return Size(int(region.width), int(region.height))


def _sees(gravity: str | Focus | None, **_: object) -> frozenset[str]:
    return eyes_for(gravity or "center")


def _sees_then(found: Found, gravity: str | Focus | None, **_: object) -> frozenset[str]:
    return eyes_without_faces(gravity or "center", found)


@operation(
    "crop", example="crop:400x300,gravity=north", needs=_sees, then=_sees_then, size=_cropped, scaling="commutes"
)
def crop(
    image: Image,
    size: Wanted,
    x: Annotated[Length | None, Offset()] = None,
    y: Annotated[Length | None, Offset()] = None,
    gravity: Annotated[str | Focus | None, Gravity()] = None,
    ratio: WantedRatio = None,
    *,
    scale: Scale,
    found: Found,
) -> Image:
    """Cut a region out, without scaling it.

    A side left out keeps that axis whole; with `ratio` the region is the largest of that ratio inside `size`.

    With `x` or `y` alone they are the top left corner. With a compass `gravity` they go inwards from the edge that it
    names, and from the middle for `center`; with a point `x:y` in fractions the region is centred there. `face`,
    `faces` and `auto` ignore them: the region is centred on what was found, `auto` takes the best place for it.
    Without any of it the middle is kept.

    Lengths are pixels of the picture at this step, or fractions of it with a decimal point. What stands out is clipped;
    a region wholly outside is an error.
    """
    before = nominal(image.size, scale)
    extent = _extent(before, size, ratio)
    if gravity in DETECTED:
        width, height = min(extent.width / before.width, 1.0), min(extent.height / before.height, 1.0)
        return cut(image, *pixels_in(by_gravity(gravity or "auto", width, height, found), image.size))
    region = _region(before, extent, (x, y), gravity)
    window = Box(region.x / before.width, region.y / before.height,
                 region.width / before.width, region.height / before.height)  # fmt: skip
    return cut(image, *pixels_in(window, image.size))


def _smart_detail(before: Size, found: Found | None, size: Dimensions, ratio: Fraction | None) -> float:
    after = exactly(before, size, ratio)
    return max(after.width / before.width, after.height / before.height)


@operation(
    "smart-crop", example="smart-crop:300x300", needs=EVERYTHING, size=exactly, scaling="absorbs", detail=_smart_detail
)
def smart_crop(image: Image, size: Wanted, ratio: WantedRatio = None, *, scale: Scale, found: Found) -> Image:
    """Scale to exactly the wanted size and cut off what matters least.

    The largest window of that ratio is laid where it keeps most of faces, objects and what catches the eye; the largest
    face stays inside with a margin wherever it fits. Smaller pictures are enlarged. A side left out comes from `ratio`,
    or from the ratio of the picture.
    """
    before = nominal(image.size, scale)
    after = exactly(before, size, ratio)
    window = best_window(found, *largest(Fraction(after.width, after.height), before))
    return taken(image, window, after)
