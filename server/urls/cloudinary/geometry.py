"""`c_`: which resize, crop or pad a component asks for.

A parameter that qualifies nothing in its component (`g_` or `ar_` without a size, `x_` and `y_` without `c_crop`, `z_`
without a face to hold on to) is checked and then says nothing, as with Cloudinary.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from transforms.computed import Computed
from transforms.expressions import Compared, Number, Operand
from transforms.params import Dimensions
from transforms.pipeline import End, If, Node, Step

from . import wanted
from .amounts import Factor, given
from .component import Component, checked, unknown
from .wanted import Wanted

_AUTO_MODES = ("auto", "auto_pad", "crop", "fill", "fill_pad", "lfill", "thumb")
_HOLDING = frozenset((*_AUTO_MODES, "lpad", "mpad", "pad"))
_LATER = frozenset(("imagga_crop", "imagga_scale"))


def is_later(component: Component) -> bool:
    """Whether the crop mode is one that is understood, but not done yet."""
    return not _LATER.isdisjoint(component.values("c"))


def steps(
    component: Component, density: Factor, background: str | Computed | None, usual: str = "scale", relative: str = ""
) -> list[Step]:
    """The steps for the geometry of a component, none where it has no size; `background` fills what pad adds, `usual`
    is what is done where it names no mode, and `relative` is as with wanted.read."""
    want = wanted.read(component, component.read("c", _mode) or usual, density, background, relative)
    _check_gravity(want)
    return _MODES[want.mode](want)


def holds_on(component: Component) -> bool:
    """Whether a crop mode is written that takes a gravity."""
    return any(mode in _HOLDING for mode in component.values("c"))


def _mode(text: str) -> str:
    if text in _MODES:
        return text
    raise unknown("crop mode", "c", text, _MODES, _LATER)


def _check_gravity(want: Wanted) -> None:
    hold = want.hold
    if hold is None or (want.size is None and want.ratio is None):
        return
    clashes = hold.kind == "auto" and want.mode not in _AUTO_MODES
    if clashes or (hold.detected and want.mode in ("pad", "lpad", "mpad")):
        raise want.component.refusal(
            "g", want.component.values("g")[0], f"this gravity cannot be used with c_{want.mode}",
            "gravity-not-allowed", hint="it goes with " + ", ".join(f"c_{mode}" for mode in _AUTO_MODES),
        )  # fmt: skip


def upright(component: Component, quarter: float) -> list[Node]:
    """A quarter turn where the picture lies across the shape that the component asks for (`a_auto_right` and left)."""
    want = wanted.read(component, "fill", 1.0, None)
    ratio = want.ratio if isinstance(want.ratio, Fraction) else None
    if ratio is None and isinstance(want.width, int) and isinstance(want.height, int):
        ratio = Fraction(want.width, want.height)
    if ratio is None or ratio == 1:
        return []
    across = Compared("<" if ratio > 1 else ">", Operand("ar"), Number(1.0))
    return [If(across), checked("rotate", angle=quarter), End()]


def _scale(want: Wanted) -> list[Step]:
    if want.size is None:
        return []
    if want.exact:
        return [want.step("resize", size=want.size, fit="fill", enlarge=True)]
    return _inside(want, enlarge=True)


def _inside(want: Wanted, *, enlarge: bool, shrink: bool | None = None) -> list[Step]:
    if want.size is None:
        return []
    return [want.step("resize", size=want.size, enlarge=enlarge, shrink=shrink)]


def _fill(want: Wanted, *, enlarge: bool) -> list[Step]:
    if want.size is None:
        return _largest(want)
    if not want.exact:
        return _inside(want, enlarge=enlarge)
    if want.hold is not None and want.hold.kind == "auto" and enlarge:
        return [want.step("smart-crop", size=want.size, gravity=want.gravity)]
    return [want.step("resize", size=want.size, fit="cover", gravity=want.gravity, enlarge=enlarge)]


def _largest(want: Wanted) -> list[Step]:
    """`ar_` without a size: the largest region of that ratio, unscaled."""
    if want.ratio is None:
        return []
    return [want.step("crop", size=Dimensions(1.0, None), gravity=want.gravity)]


def _pad(want: Wanted, *, enlarge: bool, shrink: bool | None = None) -> list[Step]:
    if want.size is None and want.ratio is None:
        return []
    if want.size is not None and not want.exact and enlarge:
        return _inside(want, enlarge=True)  # nothing to pad
    return [want.step(
        "pad", size=want.size, gravity=want.gravity, background=want.background,
        enlarge=enlarge and want.size is not None, shrink=shrink,
    )]  # fmt: skip


def _fill_pad(want: Wanted) -> list[Step]:
    if want.size is not None and not want.exact:
        return _inside(want, enlarge=True)
    size = want.size or (None if want.ratio is None else Dimensions(1.0, None))
    if size is None:
        return []
    gravity = want.gravity if want.hold is not None and want.hold.kind == "auto" else None
    return [want.step("fill-pad", size=size, background=want.background, gravity=gravity)]


def _auto(want: Wanted) -> list[Step]:
    """As fill, holding on to what matters unless something else is named."""
    if want.size is None or not want.exact or want.hold is not None:
        return _fill(want, enlarge=True)
    return [want.step("smart-crop", size=want.size)]


def _crop(want: Wanted) -> list[Step]:
    hold = want.hold
    if want.size is None and want.ratio is None:
        return _found(want)
    detected, point = hold is not None and hold.detected, hold is not None and hold.kind == "point"
    x, y = (None, None) if detected or point else (want.x, want.y)
    if x is not None or y is not None:
        x, y = x or 0, y or 0
    size = want.size or Dimensions(1.0, None)
    return [want.step(
        "crop", size=size, x=given(x), y=given(y), gravity=want.gravity,
        zoom=want.zoom if detected else None,
    )]  # fmt: skip


def _found(want: Wanted) -> list[Step]:
    """Without a size: what was found, as it is in the picture."""
    if want.hold is None or want.hold.kind != "search":
        return []
    return [want.step("crop", gravity=want.gravity, zoom=want.zoom)]


def _thumb(want: Wanted) -> list[Step]:
    hold = want.hold
    if hold is None or hold.kind != "search":
        return _fill(want, enlarge=True)
    if want.size is None:
        return _crop(want)
    if not hold.faces:
        return [want.step("object-crop", size=want.size, gravity=want.gravity, zoom=want.zoom)]
    return [want.step(
        "face-crop", size=want.size, zoom=want.zoom, which="all" if hold.faces == "faces" else "largest",
        fallback="smart" if hold.fallback == "auto" else "center",
    )]  # fmt: skip


_MODES: dict[str, Callable[[Wanted], list[Step]]] = {
    "scale": _scale,
    "fit": lambda want: _inside(want, enlarge=True),
    "limit": lambda want: _inside(want, enlarge=False),
    "mfit": lambda want: _inside(want, enlarge=True, shrink=False),
    "fill": lambda want: _fill(want, enlarge=True),
    "lfill": lambda want: _fill(want, enlarge=False),
    "pad": lambda want: _pad(want, enlarge=True),
    "lpad": lambda want: _pad(want, enlarge=False),
    "mpad": lambda want: _pad(want, enlarge=False, shrink=False),
    "fill_pad": _fill_pad,
    "auto_pad": _fill_pad,
    "auto": _auto,
    "crop": _crop,
    "thumb": _thumb,
}
