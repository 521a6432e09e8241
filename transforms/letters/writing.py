"""What a text says and how it is set, and the types of arguments that say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, unquote

from ..failure import Failure, bad_argument, nearest
from ..hues import BLACK, TRANSPARENT, Colour
from ..numbers import Int
from ..places import MAX_SIDE

LONGEST = 2000  # characters
MOST_LINES = 200
MOST_PIXELS = 16_000_000  # of the picture of a text: 16 MB for each of its masks, 64 MB for its colours
MOST_INK = 100_000_000  # pixels of all letters, each with its stroke: 2.5 s for Chinese with the widest stroke

Alignment = Literal["start", "left", "center", "right", "end", "justify"]
Antialias = Literal["good", "none", "gray", "subpixel", "fast", "best"]
Hinting = Literal["full", "none", "slight", "medium"]

# What separates steps and arguments in canonical text, `%` itself, and what has no place in a line of it.
_SEPARATORS = re.compile(r"[%/,=\t\n]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NEW_LINE = re.compile("\r\n|[\u2028\u2029\x85]")


@dataclass(frozen=True, slots=True)
class Writing:
    """Words and their look. Lengths in pixels; `box` is the width to wrap in, and the height to stay in, if any."""

    words: str
    font: str = "Arial"
    size: float = 40
    weight: int = 400
    italic: bool = False
    underline: bool = False
    strikethrough: bool = False
    color: Colour = BLACK
    background: Colour = TRANSPARENT
    stroke: float = 0
    stroke_color: Colour = BLACK
    align: Alignment = "start"
    letter_spacing: float = 0
    line_spacing: float = 0
    antialias: Antialias = "good"
    hinting: Hinting = "full"
    box: tuple[int, int | None] | None = None
    trim: bool = True


def escaped(words: str) -> str:
    """Words as canonical text: nothing in them separates arguments or looks like a variable."""
    text = _SEPARATORS.sub(lambda found: quote(found[0], safe=""), words)
    return text.replace("$(", "%24(")


def unescaped(text: str) -> str | None:
    """The words of canonical text; None where it is no UTF-8, or has control characters in it."""
    try:
        words = _NEW_LINE.sub("\n", unquote(text, errors="strict"))
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(words) else words


@dataclass(frozen=True)
class Wording:
    """The characters of a text. In a URL, which is decoded once before, `%252C`, `%252F`, `%253D` and `%2525` stand for
    a comma, `/`, `=` and `%`, `%250A` for a new line. `$(name)` is what the variable holds, `%2524(` the characters."""

    def parse(self, text: str) -> str:
        words = unescaped(text)
        if not words or len(words) > LONGEST or words.count("\n") >= MOST_LINES:
            raise bad_argument(
                f"{_shortened(text)!r} is not {self.describe()}", maximum=LONGEST, maximum_lines=MOST_LINES,
                hint="write %252C for a comma, %252F for /, %253D for =, %2525 for %",
            )  # fmt: skip
        return words

    def print(self, value: str) -> str:
        return escaped(value)

    def describe(self) -> str:
        return f"a text of 1 to {LONGEST} characters in up to {MOST_LINES} lines, without control characters"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "text", "minLength": 1, "maxLength": LONGEST}

    def beyond(self) -> tuple[str, ...]:
        return "", "a\x07b", "a%00b", "%FF"


def _shortened(text: str) -> str:
    return text if len(text) <= 120 else text[:120] + "…"


_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd\\%]+")


@dataclass(frozen=True)
class FontName:
    """A family, or a font file in the operator's folder: `:` stands for `/` in its path."""

    longest: int = 100

    def parse(self, text: str) -> str:
        name = unquote(text.replace(":", "/")).strip(" ")
        plain = all(part not in ("", ".", "..") for part in name.split("/"))
        if not plain or len(name) > self.longest or not _PLAIN.fullmatch(name):
            raise bad_argument(f"{_shortened(text)!r} is not {self.describe()}", maximum=self.longest)
        return name

    def print(self, value: str) -> str:
        return re.sub(r"[%,=:()]", lambda found: quote(found[0], safe=""), value).replace("/", ":")

    def describe(self) -> str:
        return f"a font's family, such as Arial, or a font file, of up to {self.longest} characters"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "font", "minLength": 1, "maxLength": self.longest}

    def beyond(self) -> tuple[str, ...]:
        return "", "..:a.ttf", "a::b", "a\\b", "a\nb", "%FF", "a" * (self.longest + 1)


WEIGHTS = {
    "thin": 100, "extralight": 200, "light": 300, "normal": 400, "book": 400, "medium": 500, "demibold": 600,
    "semibold": 600, "bold": 700, "extrabold": 800, "ultrabold": 800, "black": 900, "heavy": 900,
}  # fmt: skip


@dataclass(frozen=True)
class Weight(Int):
    """How bold: 100 to 900, or a word."""

    least: int = 100
    most: int = 900

    def parse(self, text: str) -> int:
        if text in WEIGHTS:
            return WEIGHTS[text]
        try:
            return super().parse(text)
        except Failure:
            close = nearest(text, WEIGHTS)
            raise bad_argument(
                f"{text!r} is not {self.describe()}", hint=f"did you mean {close!r}?" if close else None,
                minimum=self.least, maximum=self.most, choices=list(WEIGHTS),
            ) from None  # fmt: skip

    def describe(self) -> str:
        return f"a whole number from {self.least} to {self.most}, or {', '.join(WEIGHTS)}"


@dataclass(frozen=True)
class TextBox:
    """The room for a text: `300x`, or `300x100` where it may not be higher."""

    def parse(self, text: str) -> tuple[int, int | None]:
        width, cross, height = text.partition("x")
        side = Int(1, MAX_SIDE, "px")
        try:
            if cross:
                return side.parse(width), side.parse(height) if height else None
        except Failure:
            pass
        raise bad_argument(
            f"{text!r} is not {self.describe()}", hint="write 300x100 or 300x", minimum=1, maximum=MAX_SIDE
        )

    def print(self, value: tuple[int, int | None]) -> str:
        return f"{value[0]}x{value[1] or ''}"

    def describe(self) -> str:
        return f"WIDTHxHEIGHT, each from 1 to {MAX_SIDE} px; the height may be left out"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "size", "minimum": 1, "maximum": MAX_SIDE}

    def beyond(self) -> tuple[str, ...]:
        return f"{MAX_SIDE + 1}x1", f"1x{MAX_SIDE + 1}", "0x1", "x", "x10", "10", "-1x1"
