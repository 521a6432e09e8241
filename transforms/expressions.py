"""Arithmetic and conditions: `(w-20)`, `$half*2`, `faces>0&ar<1:1`. A tree of frozen nodes, each with one text.

Operators by binding, the loosest first: `|`, `&`, comparisons (`= != < > <= >=`, and `~ !~` for "contains"), `+ -`,
`* : mod`, `^`. A colon divides, so that `16:9` is a ratio.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, unquote

from .failure import Failure, Kind, nearest
from .numbers import decimal, print_number

LONGEST = 500  # characters of an expression
MOST_TOKENS = 100
LARGEST = 1e12  # what a calculation may come to

MEASURED = frozenset(("w", "h", "ar", "iw", "ih", "iar", "faces", "pages", "tags", "dpr", "auto"))
"""Operands with a value: sides and ratio of the picture at this step and of the source, the number of faces and of
pages, what is in the picture, and of the client its pixel density and the width that it lays the picture out in."""

UNKNOWN = frozenset(("tar", "ils", "idn", "px", "py", "cp", "du", "idu", "current", "ctx", "md", "ref"))
"""Operands that Cloudinary has and nothing here can give a value to."""

KINDS = {"faces": frozenset({"faces"}), "tags": frozenset({"faces", "objects"})}
"""What has to be detected for an operand."""


@dataclass(frozen=True, slots=True)
class Number:
    """`decimal`: written with a decimal point, which is a fraction where a length may be one, or worked out with such
    a number; unless something `measured` on the picture went in, which makes pixels of it."""

    value: float
    decimal: bool = False
    measured: bool = False

    def __str__(self) -> str:
        text = print_number(self.value)
        return f"{text}.0" if self.decimal and "." not in text else text


@dataclass(frozen=True, slots=True)
class Text:
    """Characters; a list of words has `:` between them."""

    text: str

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.text.split(":"))

    def __str__(self) -> str:
        # Nothing in it may look like the end of the text, of an argument or of a step.
        return f"'{quote(self.text, safe=' !$&*+:;=?@[]^_`{|}~<>#.-')}'"


@dataclass(frozen=True, slots=True)
class Variable:
    name: str

    def __str__(self) -> str:
        return f"${self.name}"


@dataclass(frozen=True, slots=True)
class Operand:
    """Something measured; `details` narrow it down: `auto@20@400` is rounded up to 20, and 400 if nothing is known."""

    name: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
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
                right = self.right.text if _WORDS.fullmatch(self.right.text) else right
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


def _side(inner: Expression, sign: str, right: bool) -> str:
    """A side of an operator, in parentheses where it would else be read differently; all operators lean left."""
    binding = BINDING[inner.sign] if isinstance(inner, Arithmetic) else 7
    tight = binding > BINDING[sign] or (binding == BINDING[sign] and not right)
    return str(inner) if tight else f"({inner})"


# Reading. Both dialects make the same tokens, and one climber makes trees of them.

Token = str | Expression
"""An operator or parenthesis as it is written, or an operand that is read already."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})|'(?P<text>[^']*)'|\$(?P<variable>[A-Za-z][A-Za-z0-9]*)"
    r"|(?P<name>[a-z]+(?:@[^@()'$<>=~!&|*^+\s:,-]+)*)|(?P<sign>>=|<=|!=|!~|[-+*:^<>=~&|()]))\s*",
    re.ASCII,
)

_WORD = "[A-Za-z](?:[A-Za-z0-9_ -]*[A-Za-z0-9_-])?"
_WORDS = re.compile(f"{_WORD}(?::{_WORD})*", re.ASCII)  # need no quotes after ~
_STEP = re.compile("[1-9][0-9]{0,3}", re.ASCII)


def bad_expression(message: str, **details: Any) -> Failure:
    return Failure(Kind.BAD_REQUEST, "bad-expression", message, details=details)


def parse_expression(text: str) -> Expression:
    """The expression of a native text. Raises Failure bad-expression."""
    return as_expression(climb(_tokens(text), text), text)


def parse_condition(text: str) -> Condition:
    """The condition of a native text. Raises Failure bad-expression."""
    return as_condition(climb(_tokens(text), text), text)


def as_expression(tree: Expression | Condition, text: str) -> Expression:
    if isinstance(tree, Condition):
        raise bad_expression(f"{text!r} is a condition where a value is wanted")
    return tree


def as_condition(tree: Expression | Condition, text: str) -> Condition:
    if not isinstance(tree, Condition):
        raise bad_expression(f"{text!r} is no condition: something is to be compared, as in faces>0")
    return tree


def _tokens(text: str) -> Iterator[Token]:
    if len(unquote(text)) > LONGEST:
        raise bad_expression(f"an expression has at most {LONGEST} characters", maximum=LONGEST)
    end = 0
    token: Token | None = None
    while end < len(text):
        match = (_WORDS if token in (CONTAINS, LACKS) else _TOKEN).match(text, end) or _TOKEN.match(text, end)
        if match is None:
            raise bad_expression(f"{text!r} cannot be read from {text[end : end + 20]!r} on")
        token = Text(match[0]) if match.re is _WORDS else _token(match)
        yield token
        end = match.end()


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup
    found = match[kind] if kind else ""
    if kind == "number":
        return number(found)
    if kind == "text":
        return Text(unquote(found))
    if kind == "variable":
        return Variable(found)
    return found if kind == "sign" or found in (*_ARITHMETIC, "int", "float") else _operand(found)


def number(text: str) -> Number:
    """A plain decimal literal."""
    return Number(float(text), "." in text)


def _operand(text: str) -> Operand:
    name, *details = text.split("@")
    return operand(name, tuple(unquote(detail) for detail in details))


def operand(name: str, details: tuple[str, ...] = ()) -> Operand:
    """The operand of that name. Raises Failure bad-expression with the nearest one."""
    if name not in MEASURED | UNKNOWN:
        close = nearest(name, MEASURED)
        raise Failure(
            Kind.BAD_REQUEST, "bad-expression", f"there is nothing called {name!r} to reckon with",
            hint=f"did you mean {close!r}?" if close else None, details={"nearest": close, "choices": sorted(MEASURED)},
        )  # fmt: skip
    if name == "auto" and (len(details) > 2 or not all(_STEP.fullmatch(detail) for detail in details)):
        raise bad_expression("auto is followed by up to two lengths, as in auto@20@400", minimum=1, maximum=9999)
    if details and name not in ("auto", "ctx", "md", "ref"):
        raise bad_expression(f"{name} takes nothing more", operand=name)
    return Operand(name, details)


def climb(tokens: Iterator[Token], text: str) -> Expression | Condition:
    """The tree of all tokens, by precedence climbing. `text` is what messages show."""
    listed = []
    for token in tokens:
        listed.append(token)
        if len(listed) > MOST_TOKENS:
            raise bad_expression(f"an expression has at most {MOST_TOKENS} parts", maximum=MOST_TOKENS)
    tree = _Climber(listed, text)
    result = tree.climb(1)
    if tree.at < len(listed):
        raise bad_expression(f"{text!r}: an operator is missing before {listed[tree.at]!s}")
    return result


@dataclass(slots=True)
class _Climber:
    tokens: list[Token]
    text: str
    at: int = 0

    def climb(self, least: int) -> Expression | Condition:
        left = self._atom()
        while self.at < len(self.tokens):
            sign = self.tokens[self.at]
            if not isinstance(sign, str) or BINDING.get(sign, 0) < least:
                break
            self.at += 1
            left = self._combined(sign, left, self.climb(BINDING[sign] + 1))
        return left

    def _atom(self) -> Expression | Condition:
        found = self.tokens[self.at] if self.at < len(self.tokens) else None
        self.at += 1
        if found == "-":
            inner = as_expression(self._atom(), self.text)
            return Number(-inner.value, inner.decimal) if isinstance(inner, Number) else Arithmetic("-", ZERO, inner)
        if found == "(":
            return self._closed(as_expression(self.climb(4), self.text))
        if found in ("int", "float"):
            self._expect("(")
            return self._closed(Cast(found, as_expression(self.climb(4), self.text)))
        if found is None or isinstance(found, str):
            raise bad_expression(f"{self.text!r}: a value is missing" + (f" before {found}" if found else ""))
        return found

    def _closed(self, inner: Expression) -> Expression:
        self._expect(")")
        return inner

    def _expect(self, token: str) -> None:
        if self.at >= len(self.tokens) or self.tokens[self.at] != token:
            raise bad_expression(f"{self.text!r}: {token} is missing")
        self.at += 1

    def _combined(
        self, sign: str, left: Expression | Condition, right: Expression | Condition
    ) -> Expression | Condition:
        if BINDING[sign] < 3:
            return Joined(sign, as_condition(left, self.text), as_condition(right, self.text))
        first, second = as_expression(left, self.text), as_expression(right, self.text)
        return Compared(sign, first, second) if BINDING[sign] == 3 else Arithmetic(sign, first, second)


ZERO = Number(0.0)


# What a tree talks about.


def parts(tree: Expression | Condition) -> Iterator[Expression | Condition]:
    """The tree and all that is in it."""
    yield tree
    inner = (tree.left, tree.right) if isinstance(tree, Arithmetic | Compared | Joined) else ()
    for one in (tree.inner,) if isinstance(tree, Cast) else inner:
        yield from parts(one)


def operands(tree: Expression | Condition) -> frozenset[Operand]:
    return frozenset(part for part in parts(tree) if isinstance(part, Operand))


# Working out.


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
    return Number(result, (left.decimal or right.decimal) and not measured, measured)


def holds(tree: Condition, known: Surroundings) -> bool:
    """Whether a condition is met. Raises the Failures of `value`."""
    if isinstance(tree, Joined):
        first = holds(tree.left, known)
        return holds(tree.right, known) if first == (tree.sign == "&") else first
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
