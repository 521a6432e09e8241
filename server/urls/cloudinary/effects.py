"""`e_`: effects, each with its bounds and default. Arguments out of bounds are refused, never clamped."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import log

from transforms.failure import bad_argument
from transforms.params import Int
from transforms.pipeline import Step

from . import vocabulary
from .component import Component, checked, unknown, unsupported

STRENGTH = Int(1, 2000)


def steps(component: Component) -> list[Step]:
    """The effects of a component in the order written."""
    return [component.attempt("e", value, partial(_step, component)) for value in component.values("e")]


def _step(component: Component, text: str) -> Step:
    name, colon, argument = text.partition(":")
    if name in _EFFECTS:
        return _EFFECTS[name](component, argument if colon else None)
    if name in vocabulary.EFFECTS:
        raise unsupported("effect", f"the effect {name} is not supported yet", effect=name, supported=[*_EFFECTS])
    raise unknown("effect", "e", name, _EFFECTS, vocabulary.EFFECTS, "unknown-effect")


def _amount(argument: str | None, bounds: Int, default: int) -> int:
    return default if argument is None else bounds.parse(argument)


def _nothing(argument: str | None) -> None:
    if argument is not None:
        raise bad_argument("this effect takes no argument")


def _blur(_: Component, argument: str | None) -> Step:
    """Strength 100 is a standard deviation of 5 px (a design choice: Cloudinary gives no unit)."""
    return checked("blur", sigma=max(0.1, _amount(argument, STRENGTH, 100) / 20))


def sharpness(strength: int) -> float:
    """1 to 2000 on 0 to 10: a power law through 100 = 1 and 2000 = 10, so that the whole range tells apart."""
    return round(10 * float((strength / 2000) ** (log(10) / log(20))), 3)


def _sharpen(_: Component, argument: str | None) -> Step:
    return checked("sharpen", amount=sharpness(_amount(argument, STRENGTH, 100)))


def _grayscale(component: Component, argument: str | None) -> Step:
    _nothing(argument)
    if component.has("co"):
        raise unsupported("color", "a tint (co_ with e_grayscale) is not supported yet")
    return checked("grayscale")


def _brightness(_: Component, argument: str | None) -> Step:
    return checked("brightness", amount=_amount(argument, Int(-99, 100), 80))


def _blur_faces(_: Component, argument: str | None) -> Step:
    """Strength 100 is the usual one; below 10 and above 1000 it makes no more difference."""
    return checked("blur-faces", strength=min(10.0, max(0.1, _amount(argument, STRENGTH, 100) / 100)))


def _pixelate_faces(_: Component, argument: str | None) -> Step:
    """Cloudinary's argument is the side of a block in pixels, ours their number: as many as on a face of 100 px.

    Never more than 12, above which a face may be recognised.
    """
    if argument is None:
        return checked("pixelate-faces")
    return checked("pixelate-faces", blocks=min(8, max(2, round(100 / Int(1, 200).parse(argument)))))


_EFFECTS: dict[str, Callable[[Component, str | None], Step]] = {
    "blur": _blur,
    "sharpen": _sharpen,
    "grayscale": _grayscale,
    "brightness": _brightness,
    "blur_faces": _blur_faces,
    "pixelate_faces": _pixelate_faces,
}
