"""`e_`: effects as steps, or as checked text. Arguments out of bounds are refused, never clamped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log

from transforms.computed import Computed
from transforms.expressions import Arithmetic, Expression, Number
from transforms.params import MAX_SIDE, Compass, Float, Int
from transforms.pipeline import Pending, Step

from . import amounts, vocabulary
from .arguments import COLOUR
from .arguments import canonical as canonical_value
from .catalogue import ALIASES, EFFECTS, USES
from .component import Component, checked, unknown, unsupported
from .expression import expression, is_expression

Strength = int | Expression | None


def used(component: Component) -> frozenset[str]:
    """The keys of a component that belong to its effects, so that they are no resize, crop or placement of their own.

    Where a crop mode is written, the size and gravity are the mode's, and so are the offsets that only a crop has.
    """
    keys = frozenset[str]().union(*(USES.get(_name(text), ()) for text in component.values("e")))
    taken = "ghwxy" if "crop" in component.values("c") else "ghw" if component.has("c") else ""
    return frozenset(key for key in keys - set(taken) if component.has(key))


def nodes(component: Component) -> list[Step | Pending]:
    """The effects of a component in the order written. Raises the failures of `read`."""
    mine = used(component)
    return [read(component, text, mine) for text in component.values("e")]


def read(component: Component, text: str, mine: frozenset[str]) -> Step | Pending:
    """One effect: a step where there is an operation for it, else its checked text with the keys, of `mine`, it uses.

    Raises Failure bad-argument (with the bounds), missing-argument, unsupported-effect (of videos) or unknown-effect.
    """
    written = component.attempt("e", text, canonical)
    name, _, argument = written.partition(":")
    keys = sorted(USES.get(name, frozenset()) & mine)
    if name in _STEPS and not keys:
        return component.attempt("e", text, lambda _: _STEPS[name](_strength(argument) if argument else None))
    others = [f"{key}_{component.attempt(key, component.values(key)[0], OTHERS[key])}" for key in keys]
    return Pending(",".join(sorted([f"e_{written}", *others])))


def _strength(argument: str) -> int | Expression:
    return expression(argument) if is_expression(argument) else int(argument)


def _name(text: str) -> str:
    name = text.partition(":")[0]
    return ALIASES.get(name, name)


def canonical(text: str) -> str:
    """The one text of an effect, without what is as by default. Raises the failures of `read`."""
    name, (_, colon, argument) = _name(text), text.partition(":")
    if name in vocabulary.VIDEO_EFFECTS:
        raise unsupported("effect", f"the effect {name} is for videos, which are not served", effect=name)
    if name not in EFFECTS:
        raise unknown("effect", "e", name, EFFECTS, vocabulary.VIDEO_EFFECTS, "unknown-effect")
    written = EFFECTS[name].read(argument if colon else None)
    return f"{name}:{written}" if written else name


def _colour(text: str) -> str:
    written = canonical_value(COLOUR, text)
    return written if "$" in written else f"rgb:{written}"


def _length(least: int) -> Callable[[str], str]:
    """Pixels or, with a decimal point or as a percentage with a `p`, a fraction; a sign where `least` is negative."""
    pixels, fraction = Int(least, MAX_SIDE, "px"), Float(-1000 if least < 0 else 0, 1000)

    def read_length(text: str) -> str:
        if "." not in text and not text.endswith("p"):
            return canonical_value(pixels, text)
        percentage = text.endswith("p")
        value = fraction.parse(text.removesuffix("p")) / (100 if percentage else 1)
        return str(Number(value, decimal=True))

    return lambda text: canonical_value(pixels, text) if is_expression(text) else read_length(text)


def _gravity(text: str) -> str:
    for name in text.split(":"):
        if name not in _PLACES and not is_expression(name):
            raise unknown("gravity", "g", name, _PLACES)
    return text


_PLACES = vocabulary.GRAVITIES | {"face", "faces", "auto"} | frozenset(Compass)
OTHERS: Mapping[str, Callable[[str], str]] = {
    "co": _colour,
    "g": _gravity,
    **dict.fromkeys("wh", _length(1)),
    **dict.fromkeys("xy", _length(-MAX_SIDE)),
}


def _scaled(strength: Strength, factor: int, default: int) -> float | Computed:
    """A strength in Cloudinary's units, of which `factor` are one of ours."""
    if isinstance(strength, Expression):
        return amounts.argument(Arithmetic(":", strength, Number(float(factor))))
    return (default if strength is None else strength) / factor


def _blur(strength: Strength) -> Step:
    """Strength 100 is a standard deviation of 5 px (a design choice: Cloudinary gives no unit)."""
    sigma = _scaled(strength, 20, 100)
    return checked("blur", sigma=sigma if isinstance(sigma, Computed) else max(0.1, sigma))


_CURVE = log(10) / log(20)


def sharpness(strength: int) -> float:
    """1 to 2000 on 0 to 10: a power law through 100 = 1 and 2000 = 10, so that the whole range tells apart."""
    return round(10 * float((strength / 2000) ** _CURVE), 3)


def _sharpen(strength: Strength) -> Step:
    if isinstance(strength, Expression):
        part = Arithmetic(":", strength, Number(2000.0))
        curve = Arithmetic("^", part, Number(round(_CURVE, 9), decimal=True))
        return checked("sharpen", amount=amounts.argument(Arithmetic("*", Number(10.0), curve)))
    return checked("sharpen", amount=sharpness(100 if strength is None else strength))


def _brightness(amount: Strength) -> Step:
    return checked("brightness", amount=80 if amount is None else amounts.given(amount))


def _blur_faces(strength: Strength) -> Step:
    """Strength 100 is the usual one; below 10 and above 1000 it makes no more difference."""
    factor = _scaled(strength, 100, 100)
    return checked("blur-faces", strength=factor if isinstance(factor, Computed) else min(10.0, max(0.1, factor)))


def _pixelate_faces(side: Strength) -> Step:
    """Cloudinary's argument is the side of a block in pixels, ours their number: as many as on a face of 100 px.

    Never more than 8, above which a face may be recognised.
    """
    if isinstance(side, Expression):
        return checked("pixelate-faces", blocks=amounts.argument(Arithmetic(":", Number(100.0), side)))
    return checked("pixelate-faces", blocks=min(8, max(2, round(100 / side))) if side else None)


_STEPS: Mapping[str, Callable[[Strength], Step]] = {
    "blur": _blur,
    "sharpen": _sharpen,
    "grayscale": lambda _: checked("grayscale"),
    "brightness": _brightness,
    "blur_faces": _blur_faces,
    "pixelate_faces": _pixelate_faces,
}
