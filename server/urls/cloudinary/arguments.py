"""Grammars of arguments: what may stand after the name of an effect, in which bounds and with which defaults.

Each reads a text into the values of its places, and writes such values as the text that reads back. Where a number or a
colour stands, a variable or arithmetic with one may stand as well; it is worked out when the picture is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from transforms.computed import takes_expressions
from transforms.expressions import Expression
from transforms.failure import Failure, Kind, bad_argument
from transforms.params import Choice, ColourText, Float, Int, IntOr, Parameter

from .expression import expression, is_expression, printed

Given = str | Expression | None
"""A value: its canonical text, what it is worked out from, or None where it is left out and nothing is usual."""

NUMERIC = re.compile(r"-|\.?[0-9]|\$", re.ASCII)
RGB = re.compile(r"(?:^|(?<=:))rgb:(?=[0-9A-Fa-f])")  # bare digits are the usual form here, but the other is clear

COLOUR = ColourText()


def value_of(kind: Parameter, text: str) -> str | Expression:
    """The canonical text of a value, or what it is worked out from. Raises Failure bad-argument or bad-expression."""
    if is_expression(text) and ("$" in text or not isinstance(kind, ColourText)):
        return expression(text)
    return kind.print(kind.parse(text))


def canonical(kind: Parameter, text: str) -> str:
    """The canonical text of a value; arithmetic is checked and stays as it is written."""
    value = value_of(kind, text)
    return value if isinstance(value, str) else text


def text_of(value: str | Expression) -> str:
    """A value as it stands in a component. Raises Failure not-expressible."""
    return value if isinstance(value, str) else printed(value)


class Grammar(Protocol):
    """What the arguments of an effect look like."""

    def read(self, argument: str | None) -> tuple[Given, ...]:
        """The values in what follows the first colon, with the defaults. Raises Failure."""

    def write(self, values: Sequence[Given]) -> str:
        """What follows the first colon for these values, "" where all is as by default."""


@dataclass(frozen=True)
class Slot:
    """A place for one value; `default` is what holds where it is left out."""

    type: Parameter
    default: Any = None
    required: bool = False
    bare: bool = False  # whether an option may stand without a value

    def fits(self, text: str) -> bool:
        """Whether a text looks like a value of this place, in bounds or not."""
        if isinstance(self.type, Choice):
            return text in self.type.values
        if isinstance(self.type, IntOr) and text in self.type.words:
            return True
        return not isinstance(self.type, Int | IntOr | Float) or bool(NUMERIC.match(text))

    def read(self, text: str) -> str | Expression:
        return value_of(self.type, text)

    @property
    def usual(self) -> str | None:
        return None if self.default is None else self.type.print(self.default)


def whole(least: int, most: int, default: int | None = None) -> Slot:
    return Slot(Int(least, most), default)


def real(least: float, most: float, default: float | None = None) -> Slot:
    return Slot(Float(least, most), default)


def word(words: str, default: str | None = None, *, required: bool = False) -> Slot:
    return Slot(Choice(tuple(words.split())), default, required)


def colour(*, required: bool = False) -> Slot:
    return Slot(COLOUR, None, required)


def parts_of(argument: str | None, *, gaps: bool = False) -> list[str]:
    """What stands between the colons, without `gaps` if these are allowed. Raises Failure bad-argument."""
    texts = [] if argument is None else argument.split(":")
    if gaps:
        return [text for text in texts if text]
    if "" in texts:
        raise bad_argument("an argument is empty")
    return texts


def missing(what: str) -> Failure:
    return Failure(Kind.BAD_REQUEST, "missing-argument", f"an argument is missing: {what}")


def _too_many(most: int) -> Failure:
    return bad_argument(
        f"at most {most} argument{'s' if most > 1 else ''} may follow" if most else "this takes no argument",
        maximum=most,
    )


@dataclass(frozen=True)
class Arguments:
    """Values between colons. One that may be left out is, where the text looks like the value of a later place.

    With `gaps` it may be empty as well.
    """

    slots: tuple[Slot, ...]
    gaps: bool = False

    def read(self, argument: str | None) -> tuple[Given, ...]:
        values: list[Given] = []
        texts = parts_of(RGB.sub("", argument) if argument else argument, gaps=self.gaps)
        for text in texts:
            place = self._place(len(values), text)
            values += [slot.usual for slot in self.slots[len(values) : place]]
            values.append(self.slots[place].read(text))
        absent = next((slot for slot in self.slots[len(values) :] if slot.required), None)
        if absent:
            raise missing(absent.type.describe())
        return (*values, *(slot.usual for slot in self.slots[len(values) :]))

    def write(self, values: Sequence[Given]) -> str:
        texts = [None if value is None else text_of(value) for value in values[: len(self.slots)]]
        while texts and texts[-1] == self.slots[len(texts) - 1].usual:
            texts.pop()
        return ":".join(text for text in texts if text is not None)

    def _place(self, first: int, text: str) -> int:
        slots = enumerate(self.slots[first:], first)
        if is_expression(text):
            fitting = (place for place, slot in slots if takes_expressions(slot.type))
            return next(fitting, first if first < len(self.slots) else self._none_left())
        for place, slot in slots:
            if slot.fits(text):
                return place
            if slot.required:
                break
        if first >= len(self.slots):
            self._none_left()
        raise self._refusal(self.slots[first:], text)

    def _none_left(self) -> int:
        raise _too_many(len(self.slots))

    @staticmethod
    def _refusal(slots: tuple[Slot, ...], text: str) -> Failure:
        """What is wanted instead of a text that fits nowhere: a word says more than bounds where letters stand."""
        first = next((slot for slot in slots if isinstance(slot.type, Choice)), slots[0])
        try:
            (slots[0] if NUMERIC.match(text) else first).type.parse(text)
        except Failure as failure:
            return failure
        return bad_argument(f"{text!r} cannot stand here")
