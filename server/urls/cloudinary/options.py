"""Grammars of the arguments that have names, or come in numbers of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from transforms.expressions import Expression
from transforms.failure import Failure, bad_argument, nearest
from transforms.params import Parameter, Percent

from .arguments import COLOUR, NUMERIC, RGB, Given, Grammar, Slot, missing, parts_of, text_of, value_of
from .component import unsupported
from .expression import escaped, is_expression

BARE = "true"  # the value of an option that stands without one

_POSITION = re.compile(r"([0-9]{1,3})p", re.ASCII)
_PERCENT = Percent()


@dataclass(frozen=True)
class Options:
    """Values with names in any order: `name_value;name_value`, or with other signs between them."""

    slots: Mapping[str, Slot]
    between: str = ";"
    joint: str = "_"

    def read(self, argument: str | None) -> tuple[Given, ...]:
        given: dict[str, Given] = {}
        for name, text in self._pairs(argument):
            if name in given:
                raise bad_argument(f"{name} is given twice", option=name)
            given[name] = self._value(name, text)
        for name, slot in self.slots.items():
            if slot.required and name not in given:
                raise missing(f"{name}{self.joint}<{slot.type.describe()}>")
        return tuple(given.get(name, slot.usual) for name, slot in self.slots.items())

    def write(self, values: Sequence[Given]) -> str:
        pairs = zip(self.slots, values, strict=False)
        return self.between.join(
            name if self.slots[name].bare and value == BARE else f"{name}{self.joint}{text_of(value)}"
            for name, value in pairs
            if value is not None and value != self.slots[name].usual
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

    def _value(self, name: str, text: str | None) -> Given:
        slot = self.slots[name]
        if text is not None:
            try:
                return slot.read(text)
            except Failure as failure:
                raise bad_argument(
                    f"{name}: {failure.message}", hint=failure.hint, option=name, **failure.details
                ) from None  # fmt: skip
        if not slot.bare:
            raise missing(f"{name}{self.joint}<{slot.type.describe()}>")
        return BARE


@dataclass(frozen=True)
class Numbers:
    """As many numbers as one of `lengths` says, all with the same bounds."""

    type: Parameter
    lengths: tuple[int, ...]

    def read(self, argument: str | None) -> tuple[Given, ...]:
        texts = parts_of(argument)
        if len(texts) not in self.lengths:
            wanted = " or ".join(map(str, self.lengths))
            raise bad_argument(f"{wanted} numbers are wanted, not {len(texts)}", count=len(texts))
        return tuple(value_of(self.type, text) for text in texts)

    def write(self, values: Sequence[Given]) -> str:
        return ":".join(text_of(value) for value in values if value is not None)


@dataclass(frozen=True)
class Either:
    """One grammar for the arguments that match `pattern`, and for the values that `is_first` knows; another for all
    else."""

    pattern: str
    is_first: Callable[[Sequence[Given]], bool]
    first: Grammar
    second: Grammar

    def read(self, argument: str | None) -> tuple[Given, ...]:
        matches = argument is not None and re.match(self.pattern, argument)
        return (self.first if matches else self.second).read(argument)

    def write(self, values: Sequence[Given]) -> str:
        return (self.first if self.is_first(values) else self.second).write(values)


@dataclass(frozen=True)
class After:
    """A word that is always there, and what follows it."""

    word: str
    rest: Grammar

    def read(self, argument: str | None) -> tuple[Given, ...]:
        _, colon, rest = (argument or "").partition(":")
        return (self.word, *self.rest.read(rest if colon else None))

    def write(self, values: Sequence[Given]) -> str:
        return f"{self.word}:{self.rest.write(values[1:])}"


@dataclass(frozen=True)
class Free:
    """Whatever it is, with as many closing as opening parentheses: prompts and their options."""

    def read(self, argument: str | None) -> tuple[Given, ...]:
        if argument is None:
            return (None,)
        depth = 0
        for character in argument:
            depth += (character == "(") - (character == ")")
            if depth < 0:
                break
        if depth or not argument.strip(":; "):
            raise bad_argument("the parentheses do not match" if depth else "an argument is empty")
        return (argument,)

    def write(self, values: Sequence[Given]) -> str:
        return escaped(text_of(values[0])) if values and values[0] is not None else ""


@dataclass(frozen=True)
class Tint:
    """`[equalize:][amount[%]][:colour[:<position>p]]…`, up to ten colours.

    Three values: whether it equalizes, the amount, and the colours with their positions, as they are written.
    """

    usual: int = 60
    most: int = 10

    def read(self, argument: str | None) -> tuple[Given, ...]:
        texts = parts_of(RGB.sub("", argument) if argument else argument)
        equalize = "equalize" in texts[:1] and texts.pop(0)
        numeric = bool(texts) and (bool(NUMERIC.match(texts[0])) or is_expression(texts[0]))
        amount = value_of(_PERCENT, texts.pop(0).removesuffix("%")) if numeric else str(self.usual)
        colours = [self._part(before, text) for before, text in zip(["", *texts], texts, strict=False)]
        if sum(not _POSITION.fullmatch(text) for text in texts) > self.most:
            raise bad_argument(f"at most {self.most} colours may follow", maximum=self.most)
        return BARE if equalize else None, amount, ":".join(colours) or None

    def write(self, values: Sequence[Given]) -> str:
        equalize, amount, colours = values
        parts = [
            "equalize" if equalize == BARE else None,
            amount if colours or amount != str(self.usual) else None,
            colours,
        ]
        return ":".join(text_of(part) for part in parts if part is not None)

    @staticmethod
    def _part(before: str, text: str) -> str:
        position = _POSITION.fullmatch(text)
        if position is None:
            colour = value_of(COLOUR, text)
            if isinstance(colour, Expression):
                raise unsupported("expression", "the colours of a tint cannot be worked out")
            return colour
        if not before or _POSITION.fullmatch(before):
            raise bad_argument(f"the position {text!r} follows no colour")
        return _PERCENT.print(_PERCENT.parse(position[1])) + "p"
