"""Cloudinary's arithmetic and conditions: `iw_div_2`, `$small_add_50`, `w_gt_200_and_!sale!_in_tags`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from transforms.expressions import (
    BINDING,
    CONTAINS,
    LACKS,
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
from transforms.failure import Failure, Kind
from transforms.grammar import LONGEST, Token, as_condition, as_expression, climb, number, operand

SIGNS = {
    "add": "+", "sub": "-", "mul": "*", "div": ":", "mod": "mod", "pow": "^", "eq": "=", "ne": "!=", "lt": "<",
    "gt": ">", "lte": "<=", "gte": ">=", "and": "&", "or": "|",
}  # fmt: skip
_ARITHMETIC = frozenset(("add", "sub", "mul", "div", "mod", "pow"))
_LISTED = {"in": CONTAINS, "nin": LACKS}
OPERANDS = {
    **{name: name for name in ("w", "h", "ar", "iw", "ih", "iar", "tar", "cp", "px", "py", "ils", "idn", "du", "idu")},
    "fc": "faces", "pc": "pages", "tags": "tags", "current": "current", "ow": "iw", "oh": "ih", "ctx": "ctx",
    "md": "md",
}  # fmt: skip
_STORED = ("ctx", "md")
_CASTS = {"_to_i": "int", "_to_f": "float"}

_PART = re.compile(
    r"(?:(?P<stored>ctx|md|ref):)?!(?P<text>[^!]*)!|\$(?P<variable>[A-Za-z][A-Za-z0-9]*)|\$\((?P<named>[A-Za-z][A-Za-z0-9]*)\)"
    r"|(?P<ratio>[0-9]{1,9}(?:\.[0-9]{1,30})?:[0-9]{1,9}(?:\.[0-9]{1,30})?)"
    r"|(?P<number>-?(?:[0-9]{1,9}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))|(?P<word>[A-Za-z][A-Za-z0-9]*)",
    re.ASCII,
)
_HIDDEN = re.compile("[%,/\x00-\x1f\x7f-\x9f]")
_LONGEST = LONGEST - 100  # the native text of the same may be a little longer
_WORD = re.compile(r"[\w$ .+-]+")
_NUMERIC = re.compile(r"[-.]?[.0-9]|\$|_", re.ASCII)  # what an expression begins with, beside operands


def is_expression(text: str) -> bool:
    """Whether a value is to be worked out rather than read as it stands."""
    words = text.split("_")
    return "$" in text or words[0] in OPERANDS or not _ARITHMETIC.isdisjoint(words)


def expression(text: str) -> Expression:
    """The expression of a value. Raises Failure bad-expression."""
    for ending, kind in _CASTS.items():
        if text.endswith(ending):
            return Cast(kind, _uncast(text.removesuffix(ending)))
    return _uncast(text)


def assigned(text: str) -> Expression:
    """What a variable is given: an expression, or a word without exclamation marks, which is text."""
    _check_length(text)
    bare = text.removesuffix("_to_i").removesuffix("_to_f")
    first = bare.partition("_")[0]
    if _WORD.fullmatch(bare) and not _NUMERIC.match(bare) and first not in OPERANDS and first not in _ARITHMETIC:
        word = Text(bare)
        return word if bare == text else Cast("int" if text.endswith("i") else "float", word)
    return expression(text)


def _check_length(text: str) -> None:
    if len(text) > _LONGEST:
        raise bad_expression(f"an expression has at most {_LONGEST} characters", maximum=_LONGEST)


def _uncast(text: str) -> Expression:
    return as_expression(climb(_tokens(text), text), text)


def condition(text: str) -> Condition:
    """The condition of an `if_`. Raises Failure bad-expression."""
    return as_condition(climb(iter(_turned(list(_tokens(text)))), text), text)


def _tokens(text: str) -> Iterator[Token]:
    _check_length(text)
    end = 0
    while True:
        match = _PART.match(text, end)
        if match is None or (match.end() < len(text) and text[match.end()] != "_"):
            raise bad_expression(f"{text!r} cannot be read from {text[end : end + 20]!r} on")
        yield from _read(match)
        end = match.end() + 1
        if end > len(text):
            return


def _read(match: re.Match[str]) -> Iterator[Token]:
    kind, found = match.lastgroup, match[match.lastgroup or 0]
    if match["stored"] == "ref":
        yield Text(match["text"])  # a public id, which only a layer makes something of
    elif match["stored"]:
        yield Operand(match["stored"], (match["text"],))
    elif kind == "text":
        yield Text(found)
    elif kind in ("variable", "named"):
        yield Variable(found)
    elif kind == "number":
        negative = found.startswith("-")
        plain = number(found.removeprefix("-"))
        yield Number(-plain.value, plain.decimal) if negative else plain
    elif kind == "ratio":
        across, down = found.split(":")
        yield from ("(", number(across), ":", number(down), ")")
    else:
        yield SIGNS.get(found) or (found if found in _LISTED else operand(OPERANDS.get(found, found)))


def _turned(tokens: list[Token]) -> list[Token]:
    """`a in b` as `b contains a`. Raises Failure bad-expression where either side is more than one value."""
    for at, token in enumerate(tokens):
        if isinstance(token, str) and token in _LISTED and 0 < at < len(tokens) - 1:
            beside = {*tokens[max(0, at - 2) : at - 1], *tokens[at + 2 : at + 3]}
            if not beside <= {"&", "|"}:
                raise bad_expression("in and nin stand between two single values, as in !sale!_in_tags")
            tokens[at - 1 : at + 2] = [tokens[at + 1], _LISTED[token], tokens[at - 1]]
    return tokens


# Printing.

_WRITTEN = {sign: word for word, sign in SIGNS.items()}
_NAMED = {"faces": "fc", "pages": "pc", **{name: name for name in OPERANDS if name not in ("fc", "pc", "ow", "oh")}}


def printed(tree: Expression | Condition) -> str:
    """The text of an expression or a condition. Raises Failure not-expressible: there are no parentheses."""
    match tree:
        case Number():
            return str(tree)
        case Text(text):
            if "!" in text:
                raise not_expressible(str(tree))
            return f"!{escaped(text)}!"
        case Variable(name):
            return f"${name}"
        case Operand(name, details):
            return _operand(tree, name, details)
        case Cast(kind, inner):
            return printed(inner) + ("_to_i" if kind == "int" else "_to_f")
        case Compared(sign, left, right) if sign in (CONTAINS, LACKS):
            return f"{printed(right)}_{'in' if sign == CONTAINS else 'nin'}_{printed(left)}"
        case Compared(sign, left, right) | Joined(sign, left, right):
            return f"{_side(left)}_{_WRITTEN[sign]}_{_side(right)}"
        case Arithmetic(sign, left, right):
            return _arithmetic(sign, left, right)


def escaped(text: str) -> str:
    """Text as it stands in a component: what would end a parameter or a component is percent-encoded."""
    return _HIDDEN.sub(lambda match: quote(match[0], safe=""), text)


def _operand(tree: Operand, name: str, details: tuple[str, ...]) -> str:
    if name in _STORED and details:
        return f"{name}:!{escaped(details[0])}!"
    if name not in _NAMED:
        raise not_expressible(str(tree))
    return _NAMED[name]


def _arithmetic(sign: str, left: Expression, right: Expression) -> str:
    for inner, least in ((left, BINDING[sign]), (right, BINDING[sign] + 1)):
        loose = isinstance(inner, Arithmetic) and BINDING[inner.sign] < least and not _is_ratio(inner)
        if isinstance(inner, Cast) or loose:
            raise not_expressible(f"({inner})")
    return f"{_side(left)}_{_WRITTEN[sign]}_{_side(right)}"


def _side(tree: Expression | Condition) -> str:
    """A side of an operator; a ratio there needs no parentheses."""
    return str(tree) if _is_ratio(tree) else printed(tree)


def _is_ratio(tree: Expression | Condition) -> bool:
    if not isinstance(tree, Arithmetic) or tree.sign != ":":
        return False
    return all(isinstance(side, Number) and side.value >= 0 for side in (tree.left, tree.right))


def not_expressible(what: str, hint: str | None = None) -> Failure:
    return Failure(Kind.BAD_REQUEST, "not-expressible", f"{what} cannot be said in Cloudinary's URLs", hint=hint)
