"""`c_`: which resize, crop or pad a component asks for.

A parameter that qualifies nothing in its component (`g_` or `ar_` without a size, `x_` and `y_` without `c_crop`, `z_`
without a face to hold on to) is checked and then says nothing, as with Cloudinary.
"""

from __future__ import annotations

from collections.abc import Callable

from transforms.image import nearest_pixel
from transforms.params import Colour, Dimensions
from transforms.pipeline import Step

from . import vocabulary, wanted
from .component import Component, unknown, unsupported
from .gravity import Hold
from .wanted import Wanted

_AUTO_MODES = ("crop", "fill", "lfill", "thumb")


def steps(component: Component, density: float, background: Colour | None) -> list[Step]:
    """The steps for the geometry of a component, none where it has no size; `background` fills what pad adds."""
    mode = component.read("c", _mode) or "scale"
    want = wanted.read(component, mode, density, background)
    if want.hold is not None:
        _check_gravity(want, want.hold)
    return _MODES[mode](want)


def _mode(text: str) -> str:
    if text in _MODES:
        return text
    if text in vocabulary.MODES:
        raise unsupported("crop", "this crop mode is not supported yet", choices=list(_MODES))
    raise unknown("crop mode", "c", text, _MODES, vocabulary.MODES)


def _check_gravity(want: Wanted, hold: Hold) -> None:
    if want.size is None and want.ratio is None:
        return
    clashes = hold.word == "auto" and want.mode not in _AUTO_MODES
    if clashes or (hold.on_faces and want.mode in ("pad", "lpad")):
        raise want.component.refusal(
            "g", want.component.values("g")[0], f"this gravity cannot be used with c_{want.mode}",
            "gravity-not-allowed", hint="it goes with " + ", ".join(f"c_{mode}" for mode in _AUTO_MODES),
        )  # fmt: skip


def _scale(want: Wanted) -> list[Step]:
    if want.size is None:
        return []
    if want.exact:
        return [want.step("resize", size=want.size, fit="fill", enlarge=True, ratio=want.ratio)]
    if want.free:
        size = Dimensions(1.0 if want.width is None else want.width, 1.0 if want.height is None else want.height)
        return [want.step("resize", size=size, fit="fill", enlarge=True)]
    return _inside(want, enlarge=True)


def _inside(want: Wanted, *, enlarge: bool) -> list[Step]:
    if want.size is None:
        return []
    _refuse_free(want)
    return [want.step("resize", size=want.size, enlarge=enlarge, ratio=want.ratio)]


def _refuse_free(want: Wanted) -> None:
    if want.free and not want.exact:
        raise want.component.refusal(
            "fl", "ignore_aspect_ratio", "supported with c_scale only, so far", "unsupported-flag"
        )


def _fill(want: Wanted, *, enlarge: bool) -> list[Step]:
    if want.size is None:
        return _largest(want)
    if not want.exact:
        return _inside(want, enlarge=enlarge)
    if want.hold == Hold("auto") and enlarge:
        return [want.step("smart-crop", size=want.size, ratio=want.ratio)]
    return [want.step(
        "resize", size=want.size, fit="cover", gravity=want.gravity, enlarge=enlarge, ratio=want.ratio
    )]  # fmt: skip


def _largest(want: Wanted) -> list[Step]:
    """`ar_` without a size: the largest region of that ratio, unscaled."""
    if want.ratio is None:
        return []
    return [want.step("crop", size=Dimensions(1.0, None), ratio=want.ratio, gravity=want.gravity)]


def _pad(want: Wanted, *, enlarge: bool) -> list[Step]:
    if want.size is None and want.ratio is None:
        return []
    if want.size is not None and not want.exact and enlarge:
        return _inside(want, enlarge=True)  # nothing to pad
    _refuse_free(want)
    return [want.step(
        "pad", size=want.size, ratio=want.ratio, gravity=want.gravity, background=want.background,
        enlarge=enlarge and want.size is not None,
    )]  # fmt: skip


def _crop(want: Wanted) -> list[Step]:
    hold = want.hold
    if hold is not None and hold.on_faces:
        return _crop_face(want)
    if want.size is None and want.ratio is None:
        return []
    x, y = (None, None) if hold is not None and hold.detected else (want.x, want.y)
    if x is not None or y is not None:
        x, y = x or 0, y or 0
    size = want.size or Dimensions(1.0, None)
    return [want.step("crop", size=size, x=x, y=y, gravity=want.gravity, ratio=want.ratio)]


def _crop_face(want: Wanted) -> list[Step]:
    """A region around a face, which ignores `x_` and `y_`; `z_` takes a smaller or larger one, scaled to the size."""
    component, zoom = want.component, want.zoom or 1.0
    if want.size is None and want.ratio is None:
        raise component.refusal(
            "c", "crop", "cutting out a face as it was found is not supported yet: give w_, h_ or ar_",
            "unsupported-crop",
        )  # fmt: skip
    size = want.size or Dimensions(1.0, None)
    if zoom == 1:
        return [want.step("crop", size=size, gravity=want.gravity, ratio=want.ratio)]
    if not (isinstance(size.width, int) and isinstance(size.height, int)):
        raise component.refusal(
            "z", component.values("z")[0], "a zoom of c_crop needs width and height in pixels", "unsupported-value"
        )  # fmt: skip
    region = Dimensions(nearest_pixel(size.width / zoom), nearest_pixel(size.height / zoom))
    return [
        component.step("z", "crop", size=region, gravity=want.gravity),
        want.step("resize", size=size, fit="cover", enlarge=True),
    ]


def _thumb(want: Wanted) -> list[Step]:
    hold = want.hold
    if want.size is None or hold is None or not hold.on_faces:
        return _fill(want, enlarge=True)
    zoom = want.zoom
    return [want.step(
        "face-crop", size=want.size, zoom=zoom, which="all" if hold.word == "faces" else "largest",
        fallback="smart" if hold.fallback == "auto" else "center", ratio=want.ratio,
    )]  # fmt: skip


_MODES: dict[str, Callable[[Wanted], list[Step]]] = {
    "scale": _scale,
    "fit": lambda want: _inside(want, enlarge=True),
    "limit": lambda want: _inside(want, enlarge=False),
    "fill": lambda want: _fill(want, enlarge=True),
    "lfill": lambda want: _fill(want, enlarge=False),
    "pad": lambda want: _pad(want, enlarge=True),
    "lpad": lambda want: _pad(want, enlarge=False),
    "crop": _crop,
    "thumb": _thumb,
}
