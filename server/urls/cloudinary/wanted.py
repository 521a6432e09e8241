"""What a component wants of geometry: `w_ h_ ar_ x_ y_ z_ g_`, with `dpr_` worked in."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import Any

from transforms.failure import bad_argument
from transforms.image import nearest_pixel
from transforms.params import MAX_SIDE, Aspect, Colour, Dimensions, Float, Length, Offset
from transforms.pipeline import Step

from . import gravity
from .component import Component, unsupported
from .gravity import Hold

_SIDE = re.compile(r"[0-9]{1,9}|[0-9]{0,9}\.[0-9]{1,9}", re.ASCII)
_PERCENT = re.compile(r"-?[0-9]{1,4}(\.[0-9]{1,9})?p", re.ASCII)
_MOST_FRACTION = 100

DENSITY = Float(0.1, 20)
ZOOM = Float(0.1, 10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a component says about geometry; pixels are multiplied by the density, and a side that follows from `ar_`
    in pixels is filled in. `ratio` is what is left to be used with a fraction, or alone."""

    component: Component
    mode: str
    width: Length | None
    height: Length | None
    ratio: Fraction | None
    x: Length | None
    y: Length | None
    hold: Hold | None
    background: Colour | None  # what fills the room that pad adds
    free: bool  # whether a side left out keeps its length instead of the picture's ratio

    @property
    def size(self) -> Dimensions | None:
        return None if self.width is None and self.height is None else Dimensions(self.width, self.height)

    @property
    def exact(self) -> bool:
        """Whether the shape of the result is given."""
        return self.size is not None and (None not in (self.width, self.height) or self.ratio is not None)

    @property
    def zoom(self) -> float | None:
        return self.component.read("z", ZOOM.parse)

    @property
    def gravity(self) -> str | None:
        """The word of the `gravity` argument."""
        hold = self.hold
        return None if hold is None else self.component.read("g", lambda _: hold.native())

    def step(self, operation: str, **values: Any) -> Step:
        """A step of this size; where it is out of bounds, the failure names the key that gives it."""
        key = next((key for key in ("w", "h", "ar") if self.component.has(key)), "c")
        return self.component.step(key, operation, **values)


def read(component: Component, mode: str, density: float, background: Colour | None) -> Wanted:
    width, height = component.read("w", _side), component.read("h", _side)
    x, y = component.read("x", _offset), component.read("y", _offset)
    _check_units(component, width, height, x, y)
    component.read("z", ZOOM.parse)
    wanted = Wanted(
        component, mode, _times(width, density), _times(height, density),
        component.read("ar", Aspect().parse), _moved(x, density), _moved(y, density),
        gravity.read(component), background, "ignore_aspect_ratio" in component.flags,
    )  # fmt: skip
    return _with_both_sides(wanted, width, height, density)


def _side(text: str) -> Length:
    """Pixels, or with a decimal point a fraction of the incoming picture."""
    if text == "auto" or text.startswith("auto:"):
        raise unsupported("value", "the client's width is not supported yet")
    value: Length = 0
    if _SIDE.fullmatch(text):
        value = float(text) if "." in text else int(text)
    if 0 < value <= (_MOST_FRACTION if isinstance(value, float) else MAX_SIDE):
        return value
    raise bad_argument(
        f"not a whole number from 1 to {MAX_SIDE}, nor a fraction with a decimal point", minimum=1, maximum=MAX_SIDE
    )  # fmt: skip


def _offset(text: str) -> Length:
    if _PERCENT.fullmatch(text):
        return float(Offset().parse(f"{float(text[:-1]) / 100:.9f}"))
    value: Length = Offset().parse(text)
    return value


def _check_units(component: Component, *lengths: Length | None) -> None:
    """Pixels and fractions in one component are an error (zero is both)."""
    if len({type(length) for length in lengths if length}) > 1:
        key, value = next(pair for pair in component.parameters if pair[0] in ("w", "h", "x", "y"))
        raise component.refusal(
            key, value, "whole numbers (pixels) and decimals (fractions) cannot be mixed among w, h, x and y",
            "mixed-units",
        )  # fmt: skip


def _times(side: Length | None, density: float) -> Length | None:
    """A side for denser screens."""
    return nearest_pixel(side * density) if isinstance(side, int) else side and side * density


def _moved(offset: Length | None, density: float) -> Length | None:
    """An offset in the pixels of denser screens; a fraction says the same on all of them."""
    return floor(offset * density + 0.5) if isinstance(offset, int) else offset


def _with_both_sides(wanted: Wanted, width: Length | None, height: Length | None, density: float) -> Wanted:
    """`ar_` supplies a side that is left out; where both are given it says nothing."""
    ratio = wanted.ratio
    if ratio is None or (width is None and height is None):
        return wanted
    if width is not None and height is not None:
        return replace(wanted, ratio=None)
    if isinstance(width, int):
        return replace(wanted, height=nearest_pixel(width * density / float(ratio)), ratio=None)
    if isinstance(height, int):
        return replace(wanted, width=nearest_pixel(height * density * float(ratio)), ratio=None)
    return wanted


def density(component: Component) -> float | None:
    return component.read("dpr", _density)


def is_scaling(component: Component) -> bool:
    """Whether a density given later can still multiply what this component asks for."""
    return component.has("w", "h") and component.values("c") != ["crop"]


def _density(text: str) -> float:
    if text == "auto":
        raise unsupported("value", "the client's pixel density is not supported yet")
    return float(DENSITY.parse(text))
