"""Arguments with expressions in them: `resize:(iw:2)x100`. Read as they stand, worked out before planning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import singledispatch
from math import floor

from .expressions import Expression, Number, Text, Value, Variable, bad_expression
from .failure import bad_argument
from .grammar import parse_expression
from .letters.writing import FontName, TextBox, Wording
from .numbers import print_number
from .params import Aspect, BackdropText, ColourText, Corners, Float, Int, IntOr, Offset, Parameter, WxH
from .picture import PictureName, escaped


@dataclass(frozen=True, slots=True)
class Computed:
    """The text of an argument, in which every Expression stands for what it comes to."""

    pieces: tuple[str | Expression, ...]

    def __str__(self) -> str:
        return "".join(piece if isinstance(piece, str) else f"({piece})" for piece in self.pieces)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(piece for piece in self.pieces if not isinstance(piece, str))

    def filled(self, kind: Parameter, value: Callable[[Expression], Value]) -> str:
        """The text that the parameter type can read."""
        return "".join(
            piece if isinstance(piece, str) else written(kind, value(piece)) for piece in self.pieces
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Interpolated(Computed):
    """Words with variables between them, which are written `$(name)`."""

    def __str__(self) -> str:
        return "".join(piece if isinstance(piece, str) else f"$({str(piece)[1:]})" for piece in self.pieces)


def interpolated(pieces: Iterable[str | Variable]) -> str | Interpolated:
    """The words of a text, as its argument wants them, from characters and variables in turn."""
    listed = [piece for piece in pieces if piece]
    if not any(isinstance(piece, Variable) for piece in listed):
        return "".join(map(str, listed))
    kind = Wording()
    return Interpolated(tuple(kind.print(piece) if isinstance(piece, str) else piece for piece in listed))


def reading(kind: Parameter, text: str) -> Computed | None:
    """What an argument of this type holds, where there is something to be worked out in it."""
    if isinstance(kind, Wording):
        return _words(kind, text)
    return read(text) if "(" in text and takes_expressions(kind) else None


_INSERTED = re.compile(r"\$\(([A-Za-z][A-Za-z0-9]*)\)", re.ASCII)


def _words(kind: Wording, text: str) -> Computed | None:
    pieces = _INSERTED.split(text)
    words = [Variable(piece) if at % 2 else kind.parse(piece) for at, piece in enumerate(pieces) if piece]
    found = interpolated(words) if len(pieces) > 1 else None
    return found if isinstance(found, Computed) else None


def read(text: str) -> Computed:
    """Every outermost pair of parentheses is an expression. Raises Failure bad-expression."""
    return Computed(tuple(_pieces(text)))


def _pieces(text: str) -> Iterator[str | Expression]:
    depth = begin = 0
    for match in _PARENTHESIS.finditer(text):
        after = depth + (1 if match[0] == "(" else -1)
        if after < 0:
            break
        if 0 in (depth, after):  # one that stands in no other
            yield from _piece(text[begin : match.start()], inside=depth > 0)
            begin = match.end()
        depth = after
    if depth or _PARENTHESIS.search(text, begin):
        raise bad_expression(f"{text!r}: the parentheses do not match")
    yield from _piece(text[begin:], inside=False)


def _piece(text: str, *, inside: bool) -> Iterator[str | Expression]:
    if inside:
        yield parse_expression(text)
    elif text:
        yield text


_PARENTHESIS = re.compile("[()]")


@singledispatch
def written(kind: Parameter, value: Value) -> str:
    """A value as text of an argument of this type: what is no number, or text where a number stands, is refused."""
    raise bad_argument(f"{value} cannot stand here")


def takes_expressions(kind: Parameter) -> bool:
    """Whether an argument of this type may hold expressions; the others take parentheses for what they are."""
    return written.dispatch(type(kind)) is not written.dispatch(object)


def _number(value: Value) -> Number:
    if isinstance(value, Text):
        raise bad_argument(f"{value} is text where a number is wanted")
    return value


@written.register(Int)
@written.register(IntOr)
@written.register(Corners)
@written.register(TextBox)
@written.register(TextBox)
def _(_: Parameter, value: Value) -> str:
    return str(floor(_number(value).value + 0.5))


@written.register(Float)
@written.register(Aspect)
def _(_: Parameter, value: Value) -> str:
    return print_number(_number(value).value)


@written.register(WxH)
@written.register(Offset)
def _(_: Parameter, value: Value) -> str:
    number = _number(value)
    return str(number) if number.decimal else str(floor(number.value + 0.5))


@written.register(ColourText)
@written.register(BackdropText)
def _(_: Parameter, value: Value) -> str:
    if isinstance(value, Number) and value.measured:
        raise bad_argument(f"{value} was measured, and is no colour")
    return value.text if isinstance(value, Text) else str(value)


@written.register(PictureName)
def _(_: Parameter, value: Value) -> str:
    if not isinstance(value, Text):
        raise bad_argument(f"{value} is a number where the name of a picture is wanted")
    return escaped(value.text, ":/")


@written.register(FontName)
def _(kind: FontName, value: Value) -> str:
    if not isinstance(value, Text):
        raise bad_argument(f"{value} is a number where the name of a font is wanted")
    return kind.print(value.text)


@written.register(Wording)
def _(kind: Wording, value: Value) -> str:
    text = value.text if isinstance(value, Text) else print_number(value.value)
    return kind.print(text).replace("(", "%28").replace("$", "%24")  # together they would begin another variable
