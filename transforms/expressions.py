"""Arithmetic and conditions: `(w-20)`, `$half*2`, `faces>0&ar<1:1`. A tree of frozen nodes, each with one text.

Operators by binding, the loosest first: `|`, `&`, comparisons (`= != < > <= >=`, and `~ !~` for "contains"), `+ -`,
`* : mod`, `^`. A colon divides, so that `16:9` is a ratio.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from .failure import Failure, Kind, nearest
from .meaning import looked_for
from .numbers import decimal, print_number

LARGEST = 1e12  # what a calculation may come to

BELOW = frozenset(("bw", "bh", "rw", "rh"))
"""Operands of a layer: sides of the picture below it, and of the region of that which it belongs to."""

MEASURED = BELOW | {
    "w", "h", "ar", "iw", "ih", "iar", "faces", "pages", "tags", "count", "moderation", "dpr", "auto",
}  # fmt: skip
"""Operands with a value: sides and ratio of the picture at this step and of the source, faces, pages, words for it, how
many of a kind, whether it is fit to be shown, and of the client its pixel density and the width of its layout."""

UNKNOWN = frozenset(("tar", "ils", "idn", "px", "py", "cp", "du", "idu", "current", "ctx", "md"))
"""Operands that Cloudinary has and nothing here can give a value to."""


@dataclass(frozen=True, slots=True)
class Number:
    """`decimal`: written with a decimal point, which is a fraction where a length may be one, or worked out from such
    numbers alone. Whole numbers, and what was `measured` on the picture, make pixels of all they go into."""

    value: float
    decimal: bool = False
    measured: bool = False

    def __str__(self) -> str:
        text = print_number(self.value)
        return f"{text}.0" if self.decimal and "." not in text else text


ZERO = Number(0.0)


@dataclass(frozen=True, slots=True)
class Text:
    """Characters; a list of words has `:` between them."""

    text: str

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.text.split(":"))

    def __str__(self) -> str:
        # Nothing in it may look like the end of the text, of an argument or of a step.
        return f"'{quote(self.text, safe=' !$&*+:;?@[]^_`{|}~<>#.-')}'"


@dataclass(frozen=True, slots=True)
class Variable:
    name: str

    def __str__(self) -> str:
        return f"${self.name}"


@dataclass(frozen=True, slots=True)
class Operand:
    """Something measured; `details` narrow it down: `auto@20@400` is rounded up to 20, and 400 if nothing is known,
    `count(dog)` counts dogs, and those of `tags` are the words that matter."""

    name: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.name == "count":
            return f"count({_word(Text(self.details[0]))})"
        return "@".join((self.name, *(quote(detail, safe="") for detail in self.details)))


@dataclass(frozen=True, slots=True)
class Cast:
    """`int` or `float` of a value: pixels, or a fraction where a length may be one."""

    kind: str
    inner: Expression

    def __str__(self) -> str:
        return f"{self.kind}({self.inner})"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    sign: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        if self._negates:
            return f"-{self.right}"
        sign = f" {self.sign} " if self.sign.isalpha() else self.sign
        return f"{_side(self.left, self.sign, False)}{sign}{_side(self.right, self.sign, True)}"

    @property
    def _negates(self) -> bool:
        """Whether it reads back from a minus before its right side: many of them must not become many parentheses."""
        right = self.right
        tight = right._negates if isinstance(right, Arithmetic) else not isinstance(right, Number)
        return self.sign == "-" and self.left == ZERO and tight


@dataclass(frozen=True, slots=True)
class Compared:
    sign: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        right = str(self.right)
        if self.sign in (CONTAINS, LACKS):
            if isinstance(self.right, Text):
                right = _word(self.right)
            elif right[0].isalpha():
                right = f"({right})"  # a name there would be a word
        return f"{self.left}{self.sign}{right}"


@dataclass(frozen=True, slots=True)
class Joined:
    """Two conditions of which both (`&`) or one (`|`) must hold."""

    sign: str
    left: Condition
    right: Condition

    def __str__(self) -> str:
        # `&` binds tighter and nothing else groups, so that neither side ever needs parentheses.
        return f"{self.left}{self.sign}{self.right}"


Expression = Number | Text | Variable | Operand | Cast | Arithmetic
Condition = Compared | Joined
Value = Number | Text
TAGS = Operand("tags")

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, ":": operator.truediv, "mod": operator.mod,
    "^": operator.pow,
}  # fmt: skip
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
CONTAINS, LACKS = "~", "!~"
BINDING = {
    "|": 1, "&": 2, **dict.fromkeys((*_COMPARISONS, CONTAINS, LACKS), 3), "+": 4, "-": 4, "*": 5, ":": 5, "mod": 5,
    "^": 6,
}  # fmt: skip

_WORD = "[A-Za-z](?:[A-Za-z0-9_ -]*[A-Za-z0-9_-])?"
WORDS = re.compile(f"{_WORD}(?::{_WORD})*", re.ASCII)
"""Words that need no apostrophes after ~."""


def bad_expression(message: str, **details: Any) -> Failure:
    return Failure(Kind.BAD_REQUEST, "bad-expression", message, details=details)


def _side(inner: Expression, sign: str, right: bool) -> str:
    """A side of an operator, in parentheses where it would else be read differently; all operators lean left."""
    binding = BINDING[inner.sign] if isinstance(inner, Arithmetic) else 7
    tight = binding > BINDING[sign] or (binding == BINDING[sign] and not right)
    return str(inner) if tight else f"({inner})"


def _word(text: Text) -> str:
    return text.text if WORDS.fullmatch(text.text) else str(text)


# What a tree talks about.


def parts(tree: Expression | Condition) -> Iterator[Expression | Condition]:
    """The tree and all that is in it."""
    waiting = [tree]
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, Arithmetic | Compared | Joined):
            waiting += (found.right, found.left)
        elif isinstance(found, Cast):
            waiting.append(found.inner)


def operands(tree: Expression | Condition) -> frozenset[Operand]:
    return frozenset(part for part in parts(tree) if isinstance(part, Operand))


def seeks_tags(tree: Compared) -> bool:
    """Whether it asks for words among the tags."""
    return tree.sign in (CONTAINS, LACKS) and tree.left == TAGS


def undefined(name: str, names: Iterable[str]) -> Failure:
    close = nearest(name, names)
    return Failure(
        Kind.BAD_REQUEST, "undefined-variable", f"${name} is used before it is given a value",
        hint=f"did you mean ${close}?" if close else None, details={"variable": name, "nearest": close},
    )  # fmt: skip


class Surroundings(Protocol):
    """Where an expression stands."""

    def operand(self, operand: Operand) -> Value:
        """The value of something measured."""

    def variable(self, name: str) -> Value:
        """What the name was last given; raises Failure undefined-variable."""


def value(tree: Expression, known: Surroundings) -> Value:
    """What an expression comes to. Raises Failure bad-expression, undefined-variable or unsupported-operand."""
    match tree:
        case Variable(name):
            return known.variable(name)
        case Operand(name):
            if name in UNKNOWN:
                raise Failure(
                    Kind.NOT_IMPLEMENTED, "unsupported-operand", f"this server cannot tell {name} of a picture",
                    details={"operand": name},
                )  # fmt: skip
            return known.operand(tree)
        case Cast(kind, inner):
            given = value(inner, known)
            read = _from_text(given) if isinstance(given, Text) else given
            return Number(float(int(read.value)) if kind == "int" else read.value, kind == "float")
        case Arithmetic(sign, left, right):
            return _reckoned(tree, sign, _number(left, known), _number(right, known))
        case _:
            return tree


def _from_text(text: Text) -> Number:
    found = decimal(text.text)
    if found is None:
        raise bad_expression(f"{text} is no number")
    return Number(found)


def _number(tree: Expression, known: Surroundings) -> Number:
    found = value(tree, known)
    if isinstance(found, Text):
        raise bad_expression(f"{found} is text, and cannot be reckoned with")
    return found


def _reckoned(tree: Arithmetic, sign: str, left: Number, right: Number) -> Number:
    try:
        result = _ARITHMETIC[sign](left.value, right.value)
    except (ZeroDivisionError, OverflowError):
        result = float("nan")
    if isinstance(result, complex) or not abs(result) <= LARGEST:
        raise bad_expression(f"{tree} has no value")
    measured = left.measured or right.measured
    return Number(result, left.decimal and right.decimal and not measured, measured)


def holds(tree: Condition, known: Surroundings) -> bool:
    """Whether a condition is met; raises what `value` and `looked_for` raise."""
    if isinstance(tree, Joined):
        first = holds(tree.left, known)
        return holds(tree.right, known) if first == (tree.sign == "&") else first
    if seeks_tags(tree):
        words = frozenset(map(looked_for, _words(value(tree.right, known))))
        return (words <= _words(known.operand(Operand("tags", tuple(sorted(words)))))) == (tree.sign == CONTAINS)
    left, right = value(tree.left, known), value(tree.right, known)
    if tree.sign in (CONTAINS, LACKS):
        return (_words(right) <= _words(left)) == (tree.sign == CONTAINS)
    if isinstance(left, Text) != isinstance(right, Text):
        raise bad_expression(f"{tree} compares text with a number")
    return _COMPARISONS[tree.sign](_comparable(left), _comparable(right))


def _words(found: Value) -> frozenset[str]:
    return found.words if isinstance(found, Text) else frozenset({str(found)})


def _comparable(found: Value) -> float | str:
    # Nine digits: a ratio worked out from sides equals the same one written as a decimal.
    return found.text if isinstance(found, Text) else round(found.value, 9)
