"""`e_`: effects as steps. Arguments out of bounds are refused, never clamped."""

from __future__ import annotations

from collections.abc import Callable
from math import floor

from transforms.expressions import Arithmetic, Expression, Number
from transforms.params import MAX_SIDE, Compass, Float, Int
from transforms.pipeline import Pending, Step

from . import gravity, vocabulary
from .amounts import Factor, ratio
from .arguments import COLOUR, Given, value_of
from .catalogue import ALIASES, BLENDS, EFFECTS, USES
from .component import Component, unknown, unsupported
from .expression import expression, is_expression
from .strengths import step_of


def used(component: Component) -> frozenset[str]:
    """The keys of a component that belong to its effects, so that they are no resize, crop or placement of their own.

    Where a crop mode is written, the size and gravity are the mode's, and so are the offsets that only a crop has.
    """
    keys = frozenset[str]().union(*(USES.get(_name(text), ()) for text in component.values("e")))
    taken = "ghwxy" if "crop" in component.values("c") else "ghw" if component.has("c") else ""
    return frozenset(key for key in keys - set(taken) if component.has(key))


def nodes(component: Component, density: Factor = 1.0) -> list[Step | Pending]:
    """The effects of a component in the order written; how a layer is blended is none. Raises those of `read`."""
    mine = used(component)
    found = (_read(component, text, mine, density) for text in component.values("e"))
    return [node for node in found if node is not None]


def blend(component: Component) -> tuple[str, Given] | None:
    """How a layer is mixed with what is below it, and how strongly; the last one that is written."""
    found = [_parts(component, text) for text in component.values("e") if _name(text) in BLENDS]
    return (found[-1][0].replace("_", "-"), next(iter(found[-1][1]), None)) if found else None


def _read(component: Component, text: str, mine: frozenset[str], density: Factor) -> Step | Pending | None:
    """One effect, with the keys of `mine` that it uses: a step, or its checked text where there is no operation for it.

    Raises Failure bad-argument (with the bounds), missing-argument, unsupported-effect (of videos) or unknown-effect.
    """
    name, values = _parts(component, text)
    keys = sorted(USES.get(name, frozenset()) & mine)
    given = {key: component.attempt(key, component.values(key)[0], _reader(key, density)) for key in keys}
    if name in BLENDS:
        return None
    step = component.attempt("e", text, lambda _: step_of(name, values, given))
    return Pending(f"e_{canonical(text)}") if step is None else step


def _parts(component: Component, text: str) -> tuple[str, tuple[Given, ...]]:
    return component.attempt("e", text, read)


def _name(text: str) -> str:
    name = text.partition(":")[0]
    return ALIASES.get(name, name)


def read(text: str) -> tuple[str, tuple[Given, ...]]:
    """The name of an effect and its values, those as by default too. Raises the failures of `nodes`."""
    name, (_, colon, argument) = _name(text), text.partition(":")
    if name in vocabulary.VIDEO_EFFECTS:
        raise unsupported("effect", f"the effect {name} is for videos, which are not served", effect=name)
    if name not in EFFECTS:
        raise unknown("effect", "e", name, EFFECTS, vocabulary.VIDEO_EFFECTS, "unknown-effect")
    return name, EFFECTS[name].read(argument if colon else None)


def canonical(text: str) -> str:
    """The one text of an effect, without what is as by default. Raises the failures of `read`."""
    name, values = read(text)
    written = EFFECTS[name].write(values)
    return f"{name}:{written}" if written else name


# The other keys of a component that belong to an effect.

_PLACES = vocabulary.GRAVITIES | {"face", "faces", "auto"} | frozenset(Compass)


def _reader(key: str, density: Factor) -> Callable[[str], Given]:
    """Reads the value of a key as an argument of an operation; lengths are multiplied by the density."""
    if key == "co":
        return lambda text: value_of(COLOUR, text)
    if key == "g":
        return _gravity
    return lambda text: _length(text, 1 if key in "wh" else -MAX_SIDE, density)


def _length(text: str, least: int, density: Factor) -> str | Expression:
    """Pixels or, with a decimal point or as a percentage with a `p`, a fraction; a sign where `least` is negative."""
    if is_expression(text):
        tree = expression(text)
        return tree if density == 1 else Arithmetic("*", tree, ratio(density))
    if "." in text or text.endswith("p"):
        share = Float(-1000 if least < 0 else 0, 1000).parse(text.removesuffix("p"))
        return str(Number(share / (100 if text.endswith("p") else 1), decimal=True))
    pixels = Int(least, MAX_SIDE, "px").parse(text)
    if isinstance(density, float):
        return str(floor(pixels * density + 0.5))
    return Arithmetic("*", Number(float(pixels)), ratio(density))


def _gravity(text: str) -> str | None:
    for name in text.split(":"):
        if name not in _PLACES and not is_expression(name):
            raise unknown("gravity", "g", name, _PLACES)
    return gravity.named(text).text or None
