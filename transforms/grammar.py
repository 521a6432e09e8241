"""Reading expressions and conditions. Both dialects make the same tokens, and one climber makes trees of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from .expressions import (
    BINDING,
    CONTAINS,
    LACKS,
    MEASURED,
    TAGS,
    UNKNOWN,
    WORDS,
    ZERO,
    Arithmetic,
    Cast,
    Compared,
    Condition,
    Expression,
    Joined,
    Number,
    Operand,
    Text,
    Variable,
    bad_expression,
)
from .failure import Failure, Kind, nearest
from .meaning import meant
from .numbers import DECIMALS

LONGEST = 500  # characters of an expression
MOST_TOKENS = 100
MOST_NESTED = 20  # minus signs, parentheses and casts in each other: printing takes the square of it

Token = str | Expression
"""An operator or parenthesis as it is written, or an operand that is read already."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]{1,9}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})|'(?P<text>[^']*)'|\$(?P<variable>[A-Za-z][A-Za-z0-9]*)"
    r"|(?P<asks>!?tag|count)\(\s*(?:'(?P<quoted>[^']*)'|(?P<word>[^'()]*?))\s*\)|(?P<name>[a-z]+(?:@[^@()'$<>=~!&|*^+\s:,-]+)*)|(?P<sign>>=|<=|!=|!~|[-+*:^<>=~&|()]))\s*",
    re.ASCII,
)

_STEP = re.compile("[1-9][0-9]{0,3}", re.ASCII)


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
        match = (WORDS if token in (CONTAINS, LACKS) else _TOKEN).match(text, end) or _TOKEN.match(text, end)
        if match is None:
            raise bad_expression(f"{text!r} cannot be read from {text[end : end + 20]!r} on")
        if match.re is _TOKEN and match["asks"]:
            yield from _asked(match)
            token = None
        else:
            token = Text(match[0]) if match.re is WORDS else _token(match)
            yield token
        end = match.end()


def _asked(match: re.Match[str]) -> Iterator[Token]:
    """`tag(dog)` is another way to write `tags~dog`; of both words are read with leave. Raises Failure unknown-tag."""
    word = meant(unquote(match["word"] if match["quoted"] is None else match["quoted"]))
    if match["asks"] == "count":
        yield Operand("count", (word,))
    else:
        yield from (TAGS, LACKS if match["asks"].startswith("!") else CONTAINS, Text(word))


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup
    found = match[kind] if kind else ""
    if kind == "number":
        return number(found)
    if kind == "text":
        return Text(unquote(found))
    if kind == "variable":
        return Variable(found)
    return found if kind == "sign" or found in ("mod", "int", "float") else _operand(found)


def number(text: str) -> Number:
    """A plain decimal literal."""
    return Number(round(float(text), DECIMALS), "." in text)


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
    if name == "count":
        raise bad_expression("count is followed by what is counted, as in count(dog)", operand=name)
    if details and name not in ("auto", "ctx", "md"):
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
    nested: int = 0

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
        if found not in ("-", "(", "int", "float"):
            if found is None or isinstance(found, str):
                raise bad_expression(f"{self.text!r}: a value is missing" + (f" before {found}" if found else ""))
            return found
        self.nested += 1
        if self.nested > MOST_NESTED:
            raise bad_expression(f"an expression is nested {MOST_NESTED} deep at most", maximum=MOST_NESTED)
        inner = self._inner(str(found))
        self.nested -= 1
        return inner

    def _inner(self, found: str) -> Expression:
        if found == "-":
            inner = as_expression(self._atom(), self.text)
            return Number(-inner.value, inner.decimal) if isinstance(inner, Number) else Arithmetic("-", ZERO, inner)
        if found == "(":
            return self._closed(as_expression(self.climb(4), self.text))
        self._expect("(")
        return self._closed(Cast(found, as_expression(self.climb(4), self.text)))

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
