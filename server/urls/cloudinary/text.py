"""Text as a layer: `text:Arial_40_bold:Hello $(name)`, with its font and style, and variables between its words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import quote

from transforms.expressions import Variable, undefined
from transforms.failure import Failure, Kind, bad_argument, nearest
from transforms.params import Choice, Float, Int, Parameter

from ..paths import decode, location
from .arguments import canonical
from .expression import escaped, is_expression

LONGEST = 2000  # characters
MOST_LINES = 200
SIZE = Int(1, 1000, "px")

_SPACING = Float(-1000, 1000, "px")
_WEIGHTS = (
    "thin", "extralight", "light", "normal", "book", "medium", "demibold", "semibold", "bold", "extrabold",
    "ultrabold", "black", "heavy",
)  # fmt: skip
_ALIGNMENTS = ("left", "center", "right", "start", "end", "justify")
_ANTIALIASING = Choice(("none", "gray", "subpixel", "fast", "good", "best"))
_HINTING = Choice(("none", "slight", "medium", "full"))

_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(_WEIGHTS, "weight"),
    **dict.fromkeys(_ALIGNMENTS, "align"),
    **dict.fromkeys(("underline", "strikethrough"), "decoration"),
    "italic": "italic",
    "stroke": "stroke",
}
_VALUED: Mapping[str, tuple[str, Parameter]] = {
    "letter_spacing_": ("letter_spacing", _SPACING),
    "line_spacing_": ("line_spacing", _SPACING),
    "antialias_": ("antialias", _ANTIALIASING),
    "hinting_": ("hinting", _HINTING),
}
_BOLDNESS = Int(100, 900)

# A size, or what is worked out to one: `_20`, `_$size`, `_$size_mul_2`. What is no number, but begins like one, is read
# too, so that it is refused for its bounds instead of being taken for a part of the font's name.
_BORDER = re.compile("bo_([^_]*_solid_[^_]+)(?:_|$)")  # url-gen says it here rather than in a key of its own
_SIZE = re.compile(
    r"_(-?[0-9.]+|\$[A-Za-z][A-Za-z0-9]*(?:_(?:add|sub|mul|div|mod|pow)_[$A-Za-z0-9.]+)*)(?=_|$)", re.ASCII
)
_VARIABLE = re.compile(r"\$[A-Za-z][A-Za-z0-9]*", re.ASCII)
_INSERTED = re.compile(r"\$\(([A-Za-z][A-Za-z0-9]*)\)", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Style:
    """A font and how it is set. Numbers are canonical text, since a variable may stand for one; "" says nothing.

    `border` is the stroke's width and colour as `bo_` has them, where they stand in the style.
    """

    font: str
    size: str
    weight: str = ""
    italic: str = ""
    decoration: str = ""
    align: str = ""
    stroke: str = ""
    border: str = ""
    letter_spacing: str = ""
    line_spacing: str = ""
    antialias: str = ""
    hinting: str = ""

    def __str__(self) -> str:
        """As it is written in a component: escaped, in one order, without a normal weight."""
        named = {field: prefix for prefix, (field, _) in _VALUED.items()} | {"border": "bo_"}
        values = [(field.name, str(getattr(self, field.name))) for field in fields(self)]
        return "_".join(named.get(name, "") + _one(value) for name, value in values if value)


@dataclass(frozen=True, slots=True)
class Text:
    """What is written: characters and variables in turn. `style` is a Style, or text: `$name`, or the public id of a
    text that was stored with its style, which `words` may replace."""

    style: Style | str
    words: tuple[str | Variable, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables that are inserted."""
        return tuple(word.name for word in self.words if isinstance(word, Variable))

    @property
    def stored(self) -> str | None:
        """The public id that it takes its style from, if any."""
        return self.style if isinstance(self.style, str) and not self.style.startswith("$") else None

    def styled(self, known: Mapping[str, str | None]) -> Text:
        """The same text with the style that its variable holds. `known` are the variables that hold plain text, and
        None for all others. Raises Failure undefined-variable, unsupported-expression or missing-text-style."""
        if isinstance(self.style, Style):
            return self
        name = self.style.removeprefix("$")
        if name == self.style:
            raise not_stored(name)
        if name not in known:
            raise undefined(name, known)
        held = known[name]
        if held is None:
            message = f"${name} is no plain text that is the same for every picture, and a style must be"
            raise Failure(Kind.BAD_REQUEST, "unsupported-expression", message)
        style = _style(held)
        if style is None:
            raise not_stored(held)
        return replace(self, style=style)

    def __str__(self) -> str:
        """Canonical, as it stands in a component after `text:`."""
        style = str(self.style) if isinstance(self.style, Style) else _one(self.style)
        written = "".join(_written(word) for word in self.words)
        return f"{style}:{written}" if written else style


def _one(text: str) -> str:
    return escaped(text).replace(":", "%3A")


def _written(word: str | Variable) -> str:
    return f"$({word.name})" if isinstance(word, Variable) else escaped(word).replace("$(", "%24(")


def read(raw: str) -> Text:
    """The text of what follows `text:`, decoded once; the second time only here, since `$(name)` inserts a variable and
    `%24(name)` does not.

    Raises Failure bad-argument, bad-encoding, or source-not-found for a font or id that could lead out of its folder.
    """
    head, colon, rest = raw.partition(":")
    if head.endswith("_solid_rgb"):
        digits, colon, rest = rest.partition(":")
        head = f"{head}:{digits}"
    head = _decoded(head)
    if not head:
        raise bad_argument("the style is missing", hint="for example l_text:Arial_40:Hello")
    words = _words(rest) if colon else ()
    if _VARIABLE.fullmatch(head):
        return Text(head, words)
    style = _style(head) if colon else None
    return Text(style or location(head.split("/")), words)


def _decoded(raw: str) -> str:
    return decode(quote(raw, safe="%")) if "%" in raw else raw


def _words(raw: str) -> tuple[str | Variable, ...]:
    pieces = _INSERTED.split(raw)
    words = [Variable(piece) if at % 2 else _plain(piece) for at, piece in enumerate(pieces)]
    found = tuple(word for word in words if word)
    if not found:
        raise bad_argument("the text is missing", hint="for example l_text:Arial_40:Hello")
    _check_length("".join(str(word) for word in found))
    return found


def _plain(raw: str) -> str:
    text = _decoded(raw).replace("\r\n", "\n")
    if _CONTROL.search(text):
        raise bad_argument("the text has control characters in it")
    return text


def _check_length(text: str) -> None:
    if len(text) > LONGEST:
        raise bad_argument(f"a text has at most {LONGEST} characters", maximum=LONGEST)
    if text.count("\n") >= MOST_LINES:
        raise bad_argument(f"a text has at most {MOST_LINES} lines", maximum=MOST_LINES)


def _style(text: str) -> Style | None:
    """The style of `Font_20_bold…`, None where no number stands in it: the first one is the size."""
    match = _SIZE.search(text)
    return _read(text[: match.start()], match[1], text[match.end() :]) if match else None


def _read(font: str, size: str, rest: str) -> Style:
    if not font:
        raise bad_argument("the name of the font is missing", hint="for example Arial_40")
    given: dict[str, str] = {}
    while rest:
        field, value, rest = _option(rest.removeprefix("_"))
        if field in given:
            raise bad_argument(f"{field.replace('_', ' ')} is given twice", option=field)
        given[field] = value
    if given.get("weight") == "normal":
        del given["weight"]
    return Style(location(font.split("/")), _number(SIZE, "size", size), **given)


def _option(text: str) -> tuple[str, str, str]:
    """The field and value that a style goes on with, and what is left of it."""
    border = _BORDER.match(text)
    if border:
        return "border", border[1], text[border.end() :]
    for prefix, (field, kind) in _VALUED.items():
        if text.startswith(prefix):
            value, _, rest = text[len(prefix) :].partition("_")
            return field, _number(kind, field, value), rest
    word, _, rest = text.partition("_")
    if word in _FIELDS:
        return _FIELDS[word], word, rest
    if word[:1].isdecimal():
        return "weight", _number(_BOLDNESS, "weight", word), rest
    close = nearest(word, [*_FIELDS, *_VALUED])
    raise bad_argument(
        f"there is no text style {word!r}", hint=f"did you mean {close}?" if close else None, nearest=close
    )  # fmt: skip


def _number(kind: Parameter, field: str, text: str) -> str:
    try:
        return canonical(kind, text) if is_expression(text) else kind.print(kind.parse(text))
    except Failure as failure:
        raise bad_argument(f"{field.replace('_', ' ')}: {failure.message}", option=field, **failure.details) from None


def not_stored(name: str) -> Failure:
    """What is said of a style without a size, which can only be the id of a stored text: none are stored here."""
    wordless, sizeless = f"words follow their style: {name}:Hello", f"a style is a font and a size, such as {name}_40"
    hint = wordless if _SIZE.search(name) else sizeless
    return Failure(
        Kind.BAD_REQUEST, "missing-text-style", f"there is no text stored as {name!r}", hint=hint, details={"id": name}
    )
