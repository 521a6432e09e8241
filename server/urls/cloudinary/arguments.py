"""Grammars of arguments: what may stand after the name of an effect, in which bounds and with which defaults.

Where a number or a colour stands, a variable or arithmetic with one may stand as well; it is kept as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from transforms.failure import Failure, Kind, bad_argument, nearest
from transforms.params import Choice, ColourText, Float, Int, IntOr, Parameter, Percent

from .expression import escaped, expression, is_expression

_NUMERIC = re.compile(r"-|\.?[0-9]|\$", re.ASCII)
_RGB = re.compile(r"(?:^|(?<=:))rgb:(?=[0-9A-Fa-f])")  # bare digits are the usual form here, but the other is clear
_POSITION = re.compile(r"([0-9]{1,3})p", re.ASCII)

COLOUR = ColourText()
_PERCENT = Percent()


def canonical(kind: Parameter, text: str) -> str:
    """The canonical text of a value; arithmetic is checked and stays as it is written."""
    if is_expression(text) and ("$" in text or not isinstance(kind, ColourText)):
        expression(text)
        return text
    return kind.print(kind.parse(text))


class Grammar(Protocol):
    """What the arguments of an effect look like."""

    def read(self, argument: str | None) -> str:
        """The canonical text of what follows the first colon, "" where all is as by default. Raises Failure."""


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
        return not isinstance(self.type, Int | IntOr | Float) or bool(_NUMERIC.match(text))

    def read(self, text: str) -> str:
        return canonical(self.type, text)

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


def _split(argument: str | None) -> list[str]:
    texts = [] if argument is None else argument.split(":")
    if "" in texts:
        raise bad_argument("an argument is empty")
    return texts


def _missing(what: str) -> Failure:
    return Failure(Kind.BAD_REQUEST, "missing-argument", f"an argument is missing: {what}")


def _too_many(most: int) -> Failure:
    return bad_argument(
        f"at most {most} argument{'s' if most > 1 else ''} may follow" if most else "this takes no argument",
        maximum=most,
    )


@dataclass(frozen=True)
class Arguments:
    """Values between colons. One that may be left out is, where the text looks like the value of a later place."""

    slots: tuple[Slot, ...]

    def read(self, argument: str | None) -> str:
        values: list[str | None] = []
        for text in _split(_RGB.sub("", argument) if argument else argument):
            place = self._place(len(values), text)
            values += [slot.usual for slot in self.slots[len(values) : place]]
            values.append(self.slots[place].read(text))
        missing = [slot for slot in self.slots[len(values) :] if slot.required]
        if missing:
            raise _missing(missing[0].type.describe())
        while values and values[-1] == self.slots[len(values) - 1].usual:
            values.pop()
        return ":".join(value for value in values if value is not None)

    def _place(self, first: int, text: str) -> int:
        for place in range(first, len(self.slots)):
            if self.slots[place].fits(text):
                return place
            if self.slots[place].required:
                break
        if first >= len(self.slots):
            raise _too_many(len(self.slots))
        if is_expression(text):
            return first
        raise self._refusal(self.slots[first:], text)

    @staticmethod
    def _refusal(slots: tuple[Slot, ...], text: str) -> Failure:
        """What is wanted instead of a text that fits nowhere: a word says more than bounds where letters stand."""
        first = next((slot for slot in slots if isinstance(slot.type, Choice)), slots[0])
        try:
            (slots[0] if _NUMERIC.match(text) else first).type.parse(text)
        except Failure as failure:
            return failure
        return bad_argument(f"{text!r} cannot stand here")


@dataclass(frozen=True)
class Options:
    """Values with names in any order: `name_value;name_value`, or with other signs between them."""

    slots: Mapping[str, Slot]
    between: str = ";"
    joint: str = "_"

    def read(self, argument: str | None) -> str:
        given: dict[str, str | None] = {}
        for name, text in self._pairs(argument):
            if name in given:
                raise bad_argument(f"{name} is given twice", option=name)
            given[name] = self._value(name, text)
        for name, slot in self.slots.items():
            if slot.required and name not in given:
                raise _missing(f"{name}{self.joint}<{slot.type.describe()}>")
        written = [(name, given[name]) for name in self.slots if name in given]
        return self.between.join(
            name if value is None else f"{name}{self.joint}{value}"
            for name, value in written
            if value is None or value != self.slots[name].usual
        )

    def _pairs(self, argument: str | None) -> Iterator[tuple[str, str | None]]:
        parts = [] if argument is None else argument.split(self.between)
        if self.joint == self.between:
            parts = [self.joint.join(parts[at : at + 2]) for at in range(0, len(parts), 2)]
        for part in parts:
            name = next((name for name in self.slots if part == name or part.startswith(name + self.joint)), None)
            if name is None:
                raise self._unknown(part.partition(self.joint)[0])
            yield name, None if part == name else part[len(name) + len(self.joint) :]

    def _unknown(self, name: str) -> Failure:
        close = nearest(name, self.slots)
        return bad_argument(
            f"there is no option {name!r}" if name else "an option is empty",
            hint=f"did you mean {close}{self.joint}…?" if close else None, nearest=close, choices=list(self.slots),
        )  # fmt: skip

    def _value(self, name: str, text: str | None) -> str | None:
        slot = self.slots[name]
        if text is not None:
            try:
                return slot.read(text)
            except Failure as failure:
                raise bad_argument(
                    f"{name}: {failure.message}", hint=failure.hint, option=name, **failure.details
                ) from None  # fmt: skip
        if not slot.bare:
            raise _missing(f"{name}{self.joint}<{slot.type.describe()}>")
        return None


@dataclass(frozen=True)
class Numbers:
    """As many numbers as one of `lengths` says, all with the same bounds."""

    type: Parameter
    lengths: tuple[int, ...]

    def read(self, argument: str | None) -> str:
        texts = _split(argument)
        if len(texts) not in self.lengths:
            wanted = " or ".join(map(str, self.lengths))
            raise bad_argument(f"{wanted} numbers are wanted, not {len(texts)}", count=len(texts))
        return ":".join(canonical(self.type, text) for text in texts)


@dataclass(frozen=True)
class Either:
    """One grammar for the arguments that match `pattern`, another one for all else."""

    pattern: str
    first: Grammar
    second: Grammar

    def read(self, argument: str | None) -> str:
        matches = argument is not None and re.match(self.pattern, argument)
        return (self.first if matches else self.second).read(argument)


@dataclass(frozen=True)
class After:
    """A word that is always there, and what follows it."""

    word: str
    rest: Grammar

    def read(self, argument: str | None) -> str:
        _, colon, rest = (argument or "").partition(":")
        return f"{self.word}:{self.rest.read(rest if colon else None)}"


@dataclass(frozen=True)
class Free:
    """Whatever it is, with as many closing as opening parentheses: prompts and their options."""

    def read(self, argument: str | None) -> str:
        if argument is None:
            return ""
        depth = 0
        for character in argument:
            depth += (character == "(") - (character == ")")
            if depth < 0:
                break
        if depth or not argument.strip(":; "):
            raise bad_argument("the parentheses do not match" if depth else "an argument is empty")
        return escaped(argument)


@dataclass(frozen=True)
class Tint:
    """`[equalize:][amount[%]][:colour[:<position>p]]…`, up to ten colours."""

    most: int = 10

    def read(self, argument: str | None) -> str:
        texts = _split(_RGB.sub("", argument) if argument else argument)
        equalize = [texts.pop(0)] if texts[:1] == ["equalize"] else []
        numeric = bool(texts) and (bool(_NUMERIC.match(texts[0])) or is_expression(texts[0]))
        amount = [canonical(_PERCENT, texts.pop(0).removesuffix("%"))] if numeric else []
        colours = [self._part(before, text) for before, text in zip(["", *texts], texts, strict=False)]
        if sum(not _POSITION.fullmatch(text) for text in texts) > self.most:
            raise bad_argument(f"at most {self.most} colours may follow", maximum=self.most)
        return ":".join([*equalize, *amount, *colours])

    @staticmethod
    def _part(before: str, text: str) -> str:
        position = _POSITION.fullmatch(text)
        if position is None:
            return canonical(COLOUR, text)
        if not before or _POSITION.fullmatch(before):
            raise bad_argument(f"the position {text!r} follows no colour")
        return canonical(_PERCENT, position[1]) + "p"
