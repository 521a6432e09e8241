"""The steps of effects: the operation of the same name with the same arguments, but for those that have other units."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import log
from typing import Any

from transforms.computed import Computed, takes_expressions
from transforms.effects.thresholds import NAMES
from transforms.expressions import Arithmetic, Expression, Number
from transforms.failure import Failure, Kind
from transforms.numbers import print_number
from transforms.params import Choice, Parameter
from transforms.pipeline import Step
from transforms.registry import Operation, operations

from . import amounts, hints
from .arguments import Given
from .component import checked

NATIVE: Mapping[str, str] = {"adv_redeye": "redeye"}
"""Names of operations, where they are not the effect's with hyphens."""

WORDS: Mapping[str, str] = {"co": "color", "g": "gravity", "h": "height", "w": "width", "x": "x", "y": "y"}
"""The arguments that the other keys of a component are."""

Arguments = Mapping[str, Given]


def native(name: str, values: Sequence[Given] = ()) -> str:
    """The name of the operation that an effect is."""
    if name == "distort" and list(values[:1]) == ["arc"]:
        return "arc"
    if name == "background_removal" and len(values) > 1 and values[1] is not None:
        return "cut-out" if values[0] == "n" else ""  # fine edges are of the model that knows no names
    return NATIVE.get(name, name.replace("_", "-"))


def step_of(name: str, values: Sequence[Given], keys: Mapping[str, Given]) -> Step | None:
    """The step of an effect, None where there is no operation for it; a key that it does not take says nothing.

    Raises Failure bad-argument, or unsupported-expression for what cannot be worked out.
    """
    operation = operations().get(native(name, values))
    if operation is None:
        return None
    if operation.name in _STEPS:
        return _STEPS[operation.name](values[0])
    there = ARRANGED[operation.name].there if operation.name in ARRANGED else partial(_in_order, operation)
    types = {argument.name: argument.type for argument in operation.arguments}
    given = {**there(values), **{WORDS[key]: value for key, value in keys.items() if WORDS[key] in types}}
    return checked(operation.name, **{word: _argument(types[word], value) for word, value in given.items()})


def _in_order(operation: Operation, values: Sequence[Given]) -> dict[str, Given]:
    return dict(zip((argument.name for argument in operation.arguments), values, strict=False))


def _argument(kind: Parameter, value: Given) -> Any:
    if isinstance(value, Expression) and not takes_expressions(kind):
        message = f"this cannot be worked out: {kind.describe()} must be written here"
        raise Failure(Kind.BAD_REQUEST, "unsupported-expression", message)
    if isinstance(kind, Choice) and isinstance(value, str) and value not in kind.values:
        return value.replace("_", "-")
    return amounts.given(value)


@dataclass(frozen=True)
class Arrangement:
    """How values become arguments and arguments values, where it is not one by one in the same order."""

    there: Callable[[Sequence[Given]], Arguments]
    back: Callable[[Arguments], Sequence[Given]]


def _joined(name: str) -> Arrangement:
    """Numbers that are one argument."""
    return Arrangement(
        lambda values: {name: ":".join(map(_plain, values))},
        lambda given: _plain(given[name]).split(":"),
    )


def _plain(value: Given) -> str:
    if not isinstance(value, str):
        message = "numbers in a row cannot be worked out: they must be written here"
        raise Failure(Kind.BAD_REQUEST, "unsupported-expression", message)
    return value


def _tint(values: Sequence[Given]) -> Arguments:
    equalize, amount, colours = values
    native_colours = _POSITION.sub(r"@\1", colours) if isinstance(colours, str) else None
    return {"amount": amount, "colors": native_colours, "equalize": equalize}


_POSITION = re.compile(r":([0-9]+)p(?=:|$)", re.ASCII)

# By the names of operations.
ARRANGED: Mapping[str, Arrangement] = {
    "arc": Arrangement(lambda values: {"degrees": values[1]}, lambda given: ("arc", given["degrees"])),
    "background-removal": Arrangement(
        lambda values: {"by": "matting" if values[0] == "y" else "objects"},
        lambda given: ("y" if given["by"] == "matting" else "n", None),
    ),
    "cut-out": Arrangement(
        lambda values: {"things": hints.things(_plain(values[1]))},
        lambda given: ("n", hints.hints(_plain(given["things"]))),
    ),
    "blur-region": Arrangement(
        lambda values: {"sigma": _sigma(values[0])}, lambda given: (_unscaled(given["sigma"], 20),)
    ),
    "distort": _joined("corners"),
    "gradient-fade": Arrangement(
        lambda values: {"type": values[0], "strength": values[1]},
        lambda given: (None if given["type"] == "plain" else given["type"], given["strength"]),
    ),
    "ordered-dither": Arrangement(
        lambda values: {"type": values[0]}, lambda given: (str(NAMES.index(_plain(given["type"]).replace("_", "-"))),)
    ),
    "recolor": _joined("matrix"),
    "tint": Arrangement(
        _tint,
        lambda given: (given["equalize"], given["amount"], re.sub("@([0-9]+)", r":\1p", _plain(given["colors"]))),
    ),
}


def _sigma(strength: Given) -> Given:
    """Strength 100 is a standard deviation of 5 px (a design choice: Cloudinary gives no unit)."""
    if isinstance(strength, Expression):
        return Arithmetic(":", strength, Number(20.0))
    return print_number(max(0.1, int(strength or 0) / 20))


def _unscaled(value: Given, factor: int) -> Given:
    """A strength in Cloudinary's units, `factor` of which are one of ours."""
    if isinstance(value, Expression):
        return value.left if isinstance(value, Arithmetic) else value
    return str(round(float(value or 0) * factor))


def _scaled(strength: Given, factor: int) -> float | Computed:
    """A strength in Cloudinary's units, of which `factor` are one of ours."""
    if isinstance(strength, Expression):
        return amounts.argument(Arithmetic(":", strength, Number(float(factor))))
    return int(strength or 0) / factor


def _blur(strength: Given) -> Step:
    return checked("blur", sigma=amounts.given(_sigma(strength)))


_CURVE = log(10) / log(20)


def sharpness(strength: int) -> float:
    """1 to 2000 on 0 to 10: a power law through 100 = 1 and 2000 = 10, so that the whole range tells apart."""
    return round(10 * float((strength / 2000) ** _CURVE), 3)


def _sharpen(strength: Given) -> Step:
    if isinstance(strength, Expression):
        part = Arithmetic(":", strength, Number(2000.0))
        curve = Arithmetic("^", part, Number(round(_CURVE, 9), decimal=True))
        return checked("sharpen", amount=amounts.argument(Arithmetic("*", Number(10.0), curve)))
    return checked("sharpen", amount=sharpness(int(strength or 0)))


def _blur_faces(strength: Given) -> Step:
    """Strength 100 is the usual one; below 10 and above 1000 it makes no more difference."""
    factor = _scaled(strength, 100)
    return checked("blur-faces", strength=factor if isinstance(factor, Computed) else min(10.0, max(0.1, factor)))


def _pixelate_faces(side: Given) -> Step:
    """Cloudinary's argument is the side of a block in pixels, ours their number: as many as on a face of 100 px.

    Never more than 8, above which a face may be recognised.
    """
    if isinstance(side, Expression):
        return checked("pixelate-faces", blocks=amounts.argument(Arithmetic(":", Number(100.0), side)))
    return checked("pixelate-faces", blocks=min(8, max(2, round(100 / int(side)))) if side else None)


# By the names of operations.
_STEPS: Mapping[str, Callable[[Given], Step]] = {
    "blur": _blur,
    "sharpen": _sharpen,
    "blur-faces": _blur_faces,
    "pixelate-faces": _pixelate_faces,
}
