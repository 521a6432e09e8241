"""What a component wants of geometry: `w_ h_ ar_ x_ y_ z_ g_`, with `dpr_` worked in."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import Any

from transforms.computed import Computed
from transforms.expressions import Arithmetic, Expression, Number, Operand
from transforms.failure import bad_argument
from transforms.image import nearest_pixel
from transforms.numbers import DECIMALS
from transforms.params import MAX_SIDE, Aspect, Dimensions, Float, Length, Offset
from transforms.pipeline import Step

from . import gravity
from .amounts import Amount, Factor, dimensions, given, reader, times
from .component import Component
from .gravity import Hold

_SIDE = re.compile(r"[0-9]{1,9}|[0-9]{0,9}\.[0-9]{1,30}", re.ASCII)
_PERCENT = re.compile(r"-?[0-9]{1,4}(\.[0-9]{1,30})?p", re.ASCII)
_AUTO = re.compile(r"auto(?::([1-9][0-9]{0,3}))?(?::([1-9][0-9]{0,3}))?", re.ASCII)
_MOST_FRACTION = 1000

DENSITY = Float(0.1, 20)
ZOOM = Float(0.1, 10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a component says about geometry; pixels are multiplied by the density, and a side that follows from `ar_`
    in pixels is filled in. `ratio` is what is left to be used with a fraction, or alone."""

    component: Component
    mode: str
    width: Amount | None
    height: Amount | None
    ratio: Fraction | Expression | None
    x: Amount | None
    y: Amount | None
    hold: Hold | None
    background: str | Computed | None  # what fills the room that pad adds, as the native argument says it

    @property
    def size(self) -> Dimensions | Computed | None:
        return None if self.width is None and self.height is None else dimensions(self.width, self.height)

    @property
    def exact(self) -> bool:
        """Whether the shape of the result is given."""
        return self.size is not None and (None not in (self.width, self.height) or self.ratio is not None)

    @property
    def zoom(self) -> float | Computed | None:
        return given(self.component.read("z", reader(ZOOM.parse)))

    @property
    def gravity(self) -> str | None:
        """The native text of what to hold on to."""
        hold = self.hold
        if hold is None or hold.kind != "point":
            return None if hold is None else hold.text
        return point(self.component, self.x, self.y)

    def step(self, operation: str, **values: Any) -> Step:
        """A step of this size; where it is out of bounds, the failure names the key that gives it."""
        key = next((key for key in ("w", "h", "ar") if self.component.has(key)), "c")
        return self.component.step(key, operation, **values, ratio=given(self.ratio))


def read(
    component: Component, mode: str, density: Factor, background: str | Computed | None, relative: str = ""
) -> Wanted:
    """Raises Failure of the keys. `relative` is what fractions are of, where that is not the picture itself: "b" for
    the picture below a layer, "r" for a region of that."""
    width, height = component.read("w", _width), component.read("h", reader(_plain_side))
    x, y = (component.read(key, reader(_offset)) for key in ("x", "y"))
    _check_units(component, width, height, *(length for key, length in (("x", x), ("y", y)) if _mixes(component, key)))
    component.read("z", reader(ZOOM.parse))
    wanted = Wanted(
        component, mode, _side_of(width, density, relative and f"{relative}w"),
        _side_of(height, density, relative and f"{relative}h"), component.read("ar", reader(Aspect().parse)),
        _moved(x, density), _moved(y, density), gravity.read(component), background,
    )  # fmt: skip
    return _with_other_side(component, _with_both_sides(wanted, width, height, density))


def _side_of(side: Amount | None, density: Factor, whole: str) -> Amount | None:
    """A side by the density, or the fraction of another picture's that it is: that is as dense already."""
    if side is None:
        return None
    if whole and isinstance(side, float):
        return Arithmetic("*", Operand(whole), Number(side, decimal=True))
    return times(side, density)


def _width(text: str) -> Amount:
    """Pixels, with a decimal point a fraction of the incoming picture, the client's width, or an expression."""
    auto = _AUTO.fullmatch(text)
    if auto:
        return Operand("auto", tuple(part for part in auto.groups() if part))
    return reader(_plain_side)(text)


def _plain_side(text: str) -> Length:
    value: Length = 0
    if _SIDE.fullmatch(text):
        value = round(float(text), DECIMALS) if "." in text else int(text)
    if 0 < value <= (_MOST_FRACTION if isinstance(value, float) else MAX_SIDE):
        return value
    raise bad_argument(
        f"not a whole number from 1 to {MAX_SIDE}, nor a fraction with a decimal point", minimum=1, maximum=MAX_SIDE
    )  # fmt: skip


def is_later(component: Component) -> bool:
    """Whether the width is one of breakpoints, which are not worked out yet."""
    return any(value.startswith("auto:breakpoints") for value in component.values("w"))


def offset(component: Component, key: str, density: Factor) -> Amount | None:
    """The value of `x_` or `y_`."""
    return _moved(component.read(key, reader(_offset)), density)


def point(component: Component, x: Amount | None, y: Amount | None) -> str:
    """The place of `g_xy_center`, as a native gravity says it."""
    if isinstance(x, Expression) or isinstance(y, Expression):
        raise component.refusal(
            "g", "xy_center", "its place cannot be worked out: x_ and y_ must be plain numbers here",
            "unsupported-expression",
        )  # fmt: skip
    fractions = isinstance(x, float) or isinstance(y, float)
    for key, at in (("x", x or 0), ("y", y or 0)):
        if at < 0 or (fractions and at > 1):
            raise component.refusal(
                key, component.values(key)[0], "the place lies outside of the picture",
                minimum=0, maximum=1.0 if fractions else MAX_SIDE * 8,
            )  # fmt: skip
    return ":".join(Offset().print(float(at or 0) if fractions else at or 0) for at in (x, y))


def _offset(text: str) -> Length:
    if _PERCENT.fullmatch(text):
        return float(Offset().parse(f"{float(text[:-1]) / 100:.9f}"))
    value: Length = Offset().parse(text)
    return value


def _mixes(component: Component, key: str) -> bool:
    """Whether an offset must be in the unit of the sides: one in percent says its own."""
    return not _PERCENT.fullmatch("".join(component.values(key)))


def _check_units(component: Component, *lengths: Amount | None) -> None:
    """Pixels and fractions in one component are an error (zero is both)."""
    if len({type(length) for length in lengths if length and not isinstance(length, Expression)}) > 1:
        key, value = next(pair for pair in component.parameters if pair[0] in ("w", "h", "x", "y"))
        raise component.refusal(
            key, value, "whole numbers (pixels) and decimals (fractions) cannot be mixed among w, h, x and y",
            "mixed-units",
        )  # fmt: skip


def _moved(offset: Amount | None, density: Factor) -> Amount | None:
    """An offset in the pixels of denser screens; a fraction says the same on all of them."""
    if isinstance(offset, int) and isinstance(density, float):
        return floor(offset * density + 0.5)
    return offset if offset is None or isinstance(offset, float) else times(offset, density)


def _with_both_sides(wanted: Wanted, width: Amount | None, height: Amount | None, density: Factor) -> Wanted:
    """`ar_` supplies a side that is left out; where both are given it says nothing."""
    ratio = wanted.ratio
    if ratio is None or (width is None and height is None):
        return wanted
    if width is not None and height is not None:
        return replace(wanted, ratio=None)
    if isinstance(density, Expression) or isinstance(ratio, Expression):
        return wanted
    if isinstance(width, int):
        return replace(wanted, height=nearest_pixel(width * density / float(ratio)), ratio=None)
    if isinstance(height, int):
        return replace(wanted, width=nearest_pixel(height * density * float(ratio)), ratio=None)
    return wanted


def _with_other_side(component: Component, wanted: Wanted) -> Wanted:
    """With `fl_ignore_aspect_ratio` a side left out keeps its length, instead of the picture's ratio."""
    if "ignore_aspect_ratio" not in component.flags or wanted.exact or wanted.size is None:
        return wanted
    width = 1.0 if wanted.width is None else wanted.width
    return replace(wanted, width=width, height=1.0 if wanted.height is None else wanted.height)


def density(component: Component) -> Factor:
    found = component.read("dpr", _density)
    return 1.0 if found is None else found


def is_scaling(component: Component) -> bool:
    """Whether a density given later can still multiply what this component asks for."""
    return component.has("w", "h") and component.values("c") != ["crop"]


def _density(text: str) -> Factor:
    return Operand("dpr") if text == "auto" else reader(_plain_density)(text)


def _plain_density(text: str) -> float:
    return float(DENSITY.parse(text))
