"""Steps in Cloudinary's words, where they are an effect."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from transforms.computed import Computed
from transforms.expressions import Expression
from transforms.params import Choice, Parameter
from transforms.pipeline import Step

from .arguments import Given, text_of
from .catalogue import BLENDS, EFFECTS, USES
from .expression import not_expressible
from .strengths import ARRANGED, WORDS, native


@cache
def _effects() -> Mapping[str, str]:
    """Effects by the names of operations; of several the one that is listed first."""
    return {native(name): name for name in reversed(tuple(EFFECTS)) if name not in BLENDS} | {
        "arc": "distort", "cut-out": "background_removal",
    }  # fmt: skip


def is_effect(operation: str) -> bool:
    return operation in _effects()


def written(step: Step) -> str:
    """The component of a step. Raises Failure not-expressible."""
    name = _effects()[step.operation.name]
    given = {argument.name: _given(step, at) for at, argument in enumerate(step.operation.arguments)}
    keys = [f"{key}_{_key(key, given[WORDS[key]])}" for key in sorted(USES.get(name, ())) if _is_said(step, WORDS[key])]
    arranged = ARRANGED.get(step.operation.name)
    values = arranged.back(given) if arranged else _in_order(name, given)
    argument = EFFECTS[name].write(values)
    return ",".join([f"e_{name}:{argument}" if argument else f"e_{name}", *keys])


def _in_order(name: str, given: Mapping[str, Given]) -> list[Given]:
    """The values of the arguments that are no keys of their own."""
    keys = {WORDS[key] for key in USES.get(name, ())}
    return [value for word, value in given.items() if word not in keys]


def _given(step: Step, at: int) -> Given:
    value = step.values[at]
    if not isinstance(value, Computed):
        return None if value is None else _text(step.operation.arguments[at].type, value)
    if len(value.pieces) > 1 or not isinstance(value.pieces[0], Expression):
        raise not_expressible(str(value))
    return value.pieces[0]


def _text(kind: Parameter, value: Any) -> str:
    text = kind.print(value)
    return text.replace("-", "_") if isinstance(kind, Choice) else text


def _is_said(step: Step, word: str) -> bool:
    """Whether an argument is not as by default."""
    return any(
        argument.name == word and (argument.required or value != argument.default)
        for argument, value in zip(step.operation.arguments, step.values, strict=True)
    )


def _key(key: str, value: Given) -> str:
    text = text_of(value) if value is not None else ""
    if key == "co" and isinstance(value, str):
        return f"rgb:{text}"
    return "ocr_text" if (key, text) == ("g", "text") else text
