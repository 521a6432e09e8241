"""What a pipeline is made of: steps, what controls them, and how each is read from its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .expressions import Condition, Expression
from .failure import Failure, Kind, bad_argument
from .grammar import parse_condition, parse_expression
from .steps import Step

_EFFECT = re.compile(r"(?:(?<=,)|^)e_([a-z_]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Let:
    """Gives a name to what an expression comes to at this place."""

    name: str
    value: Expression

    def __str__(self) -> str:
        return f"let:{self.name}={self.value}"


@dataclass(frozen=True, slots=True)
class If:
    """The nodes up to its `else` or `end` are done where the condition is met."""

    condition: Condition

    def __str__(self) -> str:
        return f"if:{self.condition}"


@dataclass(frozen=True, slots=True)
class Else:
    def __str__(self) -> str:
        return "else"


@dataclass(frozen=True, slots=True)
class End:
    def __str__(self) -> str:
        return "end"


@dataclass(frozen=True, slots=True)
class Preset:
    """A pipeline that the operator has given a name; it is put in when a request is served."""

    name: str

    def __str__(self) -> str:
        return f"preset:{self.name}"


@dataclass(frozen=True, slots=True)
class Pending:
    """A component of Cloudinary's that is understood, but not done here."""

    text: str

    def __str__(self) -> str:
        return f"cloudinary:{self.text}"

    def failure(self) -> Failure:
        effect = _EFFECT.search(self.text)
        named = {"effect": effect[1]} if effect else {}
        return Failure(
            Kind.NOT_IMPLEMENTED, "not-implemented", f"this server does not do {effect[0] if effect else self.text}",
            details={"component": self.text, **named},
        )  # fmt: skip


Node = Step | Let | If | Else | End | Preset | Pending

CONTROL = frozenset(("let", "if", "preset", "cloudinary"))
"""Names before a colon that are no operations; `else` and `end` are words of their own inside a condition."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)


def parse_node(text: str) -> Node:
    """The node of a canonical text, already percent-decoded; raises the failures of Step.parse and of expressions."""
    if text in ("else", "end"):
        return Else() if text == "else" else End()
    name, colon, rest = text.partition(":")
    if not colon or name not in CONTROL:
        return Step.parse(text)
    try:
        return _READERS[name](rest)
    except Failure as failure:
        raise failure.with_details(operation=name, step=text) from None


def _let(text: str) -> Let:
    name, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise bad_argument("a variable is a letter, then letters or digits", hint="for example let:half=w:2")
    return Let(name, parse_expression(value))


def _preset(text: str) -> Preset:
    if not text:
        raise bad_argument("the name of the preset is missing", hint="for example preset:avatar")
    return Preset(text)


_READERS: dict[str, Callable[[str], Node]] = {
    "let": _let, "if": lambda text: If(parse_condition(text)), "preset": _preset, "cloudinary": Pending,
}  # fmt: skip
