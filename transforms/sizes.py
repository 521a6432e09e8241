"""Wanted sizes: how a size as it is written becomes pixels of a picture."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from .failure import bad_argument
from .image import Found, Size, nearest_pixel
from .params import Aspect, Dimensions, Length, WxH, pixels_of

Wanted = Annotated[Dimensions, WxH()]
WantedRatio = Annotated[Fraction | None, Aspect()]


def box(size: Dimensions, before: Size, ratio: Fraction | None) -> tuple[Fraction, Fraction]:
    """Both sides wanted of the picture `before`, in pixels; a side left out is not rounded yet.

    It comes from the ratio, or else from that of the picture. Raises Failure bad-argument where ratio is given with
    both sides.
    """
    width, height = side(size.width, before.width), side(size.height, before.height)
    if width and height:
        if ratio:
            raise bad_argument(
                "ratio supplies a side that is left out, but size has both",
                hint=f"leave one side out: {width}x",
                argument="ratio",
            )
        return Fraction(width), Fraction(height)
    shape = ratio or Fraction(before.width, before.height)
    return (Fraction(width), width / shape) if width else (height * shape, Fraction(height))


def side(length: Length | None, whole: int) -> int:
    """A side in whole pixels, 0 where it is left out."""
    return 0 if length is None else nearest_pixel(pixels_of(length, whole))


def exactly(before: Size, size: Dimensions, ratio: Fraction | None = None, **_: object) -> Size:
    """The size projection of operations whose result has the wanted size, whatever goes in."""
    return rounded(*box(size, before, ratio))


def magnified(before: Size, after: Size, width: float = 1.0, height: float = 1.0) -> float:
    """How many pixels a result has for each one that it shows of the picture, or of these shares of its sides, along
    the axis where it has more."""
    return max(after.width / (width * before.width), after.height / (height * before.height))


def exact_detail(
    before: Size, found: Found | None, size: Dimensions, ratio: Fraction | None, **_: object
) -> float:  # fmt: skip
    """The detail that operations need whose result has the wanted size, and shows a whole side of the picture."""
    return magnified(before, exactly(before, size, ratio))


def rounded(width: Fraction, height: Fraction) -> Size:
    return Size(nearest_pixel(float(width)), nearest_pixel(float(height)))


def bounded(factor: Fraction, enlarge: bool, shrink: bool) -> Fraction:
    """A factor that is at most 1 unless the picture may be enlarged, and at least 1 unless it may be made smaller."""
    factor = factor if enlarge else min(factor, Fraction(1))
    return factor if shrink else max(factor, Fraction(1))


def scaled(before: Size, across: Fraction, down: Fraction, enlarge: bool, shrink: bool = True) -> Size:
    """`before` by a factor per axis, within what is allowed."""
    return rounded(
        before.width * bounded(across, enlarge, shrink), before.height * bounded(down, enlarge, shrink)
    )  # fmt: skip


def fitted(before: Size, width: Fraction, height: Fraction, enlarge: bool, shrink: bool = True) -> Size:
    """The largest size of the picture's ratio inside a box."""
    factor = min(width / before.width, height / before.height)
    return scaled(before, factor, factor, enlarge, shrink)


def over(one: Size, other: Size) -> Size:
    """The smallest size that holds both."""
    return Size(max(one.width, other.width), max(one.height, other.height))
