"""Parameter types: how an argument is parsed, printed, bounded and described, in one object each.

An operation names one in the annotation of each parameter (`Annotated[int, Pixels(2, 200)]`); grammar, error
messages, canonical text, JSON schema and the playground's control all come from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Protocol

from PIL import ImageColor

from .failure import Failure, bad_argument, nearest

MAX_SIDE = 8192  # px of a result's side; the limits of plan.py apply to the whole picture as well

Length = int | float  # int: pixels, float: a fraction of the incoming picture

_INTEGER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_DECIMAL = re.compile(r"-?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})", re.ASCII)


class Parameter(Protocol):
    """What every parameter type can do. `T` differs by type, so values are Any here and exact in the types below."""

    def parse(self, text: str) -> Any:
        """The value of `text`; raises Failure bad-argument that states the bounds."""

    def print(self, value: Any) -> str:
        """The canonical text of a value: parse(print(v)) == v."""

    def describe(self) -> str:
        """The accepted values in words, as error messages and the reference say them."""

    def schema(self) -> dict[str, Any]:
        """JSON schema, with what the playground needs."""

    def beyond(self) -> tuple[str, ...]:
        """Texts just outside the bounds, each of which must be refused."""


def _decimal(text: str) -> float | None:
    """A plain decimal number (no exponent, no nan, no inf, ASCII digits only), or None."""
    return float(text) if _DECIMAL.fullmatch(text) else None


def _print_number(value: float) -> str:
    """The shortest text without exponent that reads back as the same number."""
    if float(value).is_integer() and abs(value) < 1e9:
        return str(int(value))
    return f"{value:.9f}".rstrip("0")


@dataclass(frozen=True)
class Int:
    """A whole number from `least` to `most`."""

    least: int
    most: int
    unit: str = ""

    def parse(self, text: str) -> int:
        if _INTEGER.fullmatch(text) and self.least <= int(text) <= self.most:
            return int(text)
        raise bad_argument(f"{text!r} is not {self.describe()}", minimum=self.least, maximum=self.most)

    def print(self, value: int) -> str:
        return str(value)

    def describe(self) -> str:
        return f"a whole number from {self.least} to {self.most}{' ' + self.unit if self.unit else ''}"

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most} | _unit(self.unit)

    def beyond(self) -> tuple[str, ...]:
        return str(self.least - 1), str(self.most + 1)


def _unit(unit: str) -> dict[str, str]:
    return {"x-unit": unit} if unit else {}


def Pixels(least: int, most: int) -> Int:
    """A length in pixels of the picture at that step."""
    return Int(least, most, "px")


def Percent(least: int = 0, most: int = 100) -> Int:
    return Int(least, most, "%")


@dataclass(frozen=True)
class Float:
    """A decimal number from `least` to `most`; up to nine decimals."""

    least: float
    most: float
    unit: str = ""

    def parse(self, text: str) -> float:
        value = _decimal(text)
        if value is not None and self.least <= value <= self.most:
            return value + 0.0  # -0.0 and 0.0 are one value
        raise bad_argument(f"{text!r} is not {self.describe()}", minimum=self.least, maximum=self.most)

    def print(self, value: float) -> str:
        return _print_number(value)

    def describe(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"a number from {_print_number(self.least)} to {_print_number(self.most)}{unit}"

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.least, "maximum": self.most} | _unit(self.unit)

    def beyond(self) -> tuple[str, ...]:
        return _print_number(self.least - 0.01), _print_number(self.most + 0.01)


def Ratio(least: float, most: float) -> Float:
    """A factor without unit."""
    return Float(least, most)


def Degrees(least: float = -360, most: float = 360) -> Float:
    """An angle, clockwise."""
    return Float(least, most, "degrees")


@dataclass(frozen=True)
class Choice:
    """One of a few words; made from Literal[...] annotations. `aliases` are other spellings of them."""

    values: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...] = ()

    def parse(self, text: str) -> str:
        value = dict(self.aliases).get(text, text)
        if value in self.values:
            return value
        close = nearest(text, self.values)
        raise bad_argument(
            f"{text!r} is not {self.describe()}",
            hint=f"did you mean {close!r}?" if close else None,
            choices=list(self.values),
        )

    def print(self, value: str) -> str:
        return value

    def describe(self) -> str:
        return "one of " + ", ".join(self.values)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}

    def beyond(self) -> tuple[str, ...]:
        return ("no-such-choice",)


@dataclass(frozen=True)
class Flag:
    """Yes or no; made from bool annotations. The bare name of the parameter means yes."""

    def parse(self, text: str) -> bool:
        if text in ("true", "1", "false", "0"):
            return text in ("true", "1")
        raise bad_argument(f"{text!r} is not {self.describe()}", choices=["true", "false"])

    def print(self, value: bool) -> str:
        return "true" if value else "false"

    def describe(self) -> str:
        return "true or false"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def beyond(self) -> tuple[str, ...]:
        return ("2", "maybe")


@dataclass(frozen=True)
class Offset:
    """A place or distance along an axis: whole pixels, or with a decimal point a fraction of the picture."""

    least: int = -MAX_SIDE * 8
    most: int = MAX_SIDE * 8

    def parse(self, text: str) -> Length:
        if _INTEGER.fullmatch(text) and self.least <= int(text) <= self.most:
            return int(text)
        value = _decimal(text) if "." in text else None
        if value is not None and -8.0 <= value <= 8.0:
            return value + 0.0
        raise bad_argument(f"{text!r} is not {self.describe()}", minimum=self.least, maximum=self.most)

    def print(self, value: Length) -> str:
        return _print_length(value)

    def describe(self) -> str:
        return f"pixels from {self.least} to {self.most}, or a fraction of the picture written with a decimal point"

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.least, "maximum": self.most, "x-unit": "px"}

    def beyond(self) -> tuple[str, ...]:
        return str(self.least - 1), str(self.most + 1), "8.01"


def _print_length(value: Length) -> str:
    if isinstance(value, int):
        return str(value)
    text = _print_number(value)
    return text if "." in text else text + ".0"


@dataclass(frozen=True, slots=True)
class Dimensions:
    """A wanted size, each side pixels (int), a fraction of the incoming picture (float) or left out (None)."""

    width: Length | None
    height: Length | None


@dataclass(frozen=True)
class WxH:
    """A size: `400x300`, `400x`, `x300`, or fractions of the incoming picture with a decimal point (`0.5x`)."""

    both: bool = False  # both sides are wanted, in pixels
    least: ClassVar[int] = 1
    most: ClassVar[int] = MAX_SIDE
    most_fraction: ClassVar[float] = 100.0

    def parse(self, text: str) -> Dimensions:
        width, cross, height = text.partition("x")
        if cross and (width or height) and not (self.both and not (width and height)):
            return Dimensions(self._side(width, text), self._side(height, text))
        raise bad_argument(
            f"{text!r} is not {self.describe()}",
            hint="write 400x300" + ("" if self.both else ", 400x or x300"),
            minimum=self.least,
            maximum=self.most,
        )

    def _side(self, text: str, whole: str) -> Length | None:
        if not text:
            return None
        if _INTEGER.fullmatch(text) and self.least <= int(text) <= self.most:
            return int(text)
        value = _decimal(text) if "." in text and not self.both else None
        if value is not None and 0.0 < value <= self.most_fraction:
            return value
        raise bad_argument(f"{whole!r} is not {self.describe()}", minimum=self.least, maximum=self.most)

    def print(self, value: Dimensions) -> str:
        sides = (value.width, value.height)
        return "x".join("" if side is None else _print_length(side) for side in sides)

    def describe(self) -> str:
        sides = f"WIDTHxHEIGHT, each from {self.least} to {self.most} px"
        return sides if self.both else sides + " or a fraction of the picture with a decimal point; one may be left out"

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string", "format": "size", "minimum": self.least, "maximum": self.most, "x-both": self.both,
        }  # fmt: skip

    def beyond(self) -> tuple[str, ...]:
        return f"{self.most + 1}x1", f"1x{self.most + 1}", "0x1", "x", "-1x1"


@dataclass(frozen=True)
class Aspect:
    """Width to height, as `16:9` or a decimal."""

    least: ClassVar[Fraction] = Fraction(1, 100)
    most: ClassVar[Fraction] = Fraction(100)

    def parse(self, text: str) -> Fraction:
        first, colon, second = text.partition(":")
        width, height = _decimal(first), _decimal(second) if colon else 1.0
        if width and height and width > 0 and height > 0:
            ratio = Fraction(first) / Fraction(second or 1)
            if self.least <= ratio <= self.most:
                return ratio
        raise bad_argument(f"{text!r} is not {self.describe()}", minimum=str(self.least), maximum=str(self.most))

    def print(self, value: Fraction) -> str:
        return f"{value.numerator}:{value.denominator}"

    def describe(self) -> str:
        return "a ratio such as 16:9 or 1.5, from 1:100 to 100:1"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "aspect"}

    def beyond(self) -> tuple[str, ...]:
        return "1:101", "101:1", "0", "0:1", "1:0", "1:2:3"


@dataclass(frozen=True, slots=True)
class Colour:
    """Red, green, blue and alpha, each 0 to 255; alpha is straight."""

    red: int
    green: int
    blue: int
    alpha: int = 255

    @property
    def bgra(self) -> tuple[int, int, int, int]:
        return self.blue, self.green, self.red, self.alpha

    @property
    def rgb(self) -> tuple[int, int, int]:
        return self.red, self.green, self.blue


WHITE = Colour(255, 255, 255)
BLACK = Colour(0, 0, 0)
TRANSPARENT = Colour(0, 0, 0, 0)


@dataclass(frozen=True)
class ColourText:
    """A CSS colour name, `transparent`, or hexadecimal digits (rgb, rgba, rrggbb, rrggbbaa), with or without `rgb:`."""

    def parse(self, text: str) -> Colour:
        name = text.lower().removeprefix("rgb:").removeprefix("#")
        if name == "transparent":
            return TRANSPARENT
        if re.fullmatch(r"[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8}", name, re.ASCII):
            return Colour(*ImageColor.getcolor("#" + name, "RGBA"))  # type: ignore[misc]
        if name in ImageColor.colormap and not text.lower().startswith(("rgb:", "#")):
            return Colour(*ImageColor.getrgb(name))
        close = nearest(text, ImageColor.colormap)
        raise bad_argument(
            f"{text!r} is not {self.describe()}", hint=f"did you mean {close!r}?" if close else None
        )  # fmt: skip

    def print(self, value: Colour) -> str:
        digits = f"{value.red:02x}{value.green:02x}{value.blue:02x}"
        return digits if value.alpha == 255 else f"{digits}{value.alpha:02x}"

    def describe(self) -> str:
        return "a CSS colour name, or hexadecimal digits such as ff8800 or ff880080"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "color"}

    def beyond(self) -> tuple[str, ...]:
        return "12345", "gggggg", "nocolour", ""


@dataclass(frozen=True, slots=True)
class Focus:
    """A point of the picture to keep, in fractions."""

    x: float
    y: float


Compass = {
    "north_west": (0.0, 0.0), "north": (0.5, 0.0), "north_east": (1.0, 0.0),
    "west": (0.0, 0.5), "center": (0.5, 0.5), "east": (1.0, 0.5),
    "south_west": (0.0, 1.0), "south": (0.5, 1.0), "south_east": (1.0, 1.0),
}  # fmt: skip
"""Where each compass word lies: fractions of the free room, from the top left corner."""

DETECTED = ("face", "faces", "auto", "face:auto", "faces:auto")
"""What detectors find: the largest face, all of them, what matters; with `:auto`, what matters where no face is."""


@dataclass(frozen=True)
class Gravity:
    """What a cut or a placement holds on to: a compass word, `x:y` in fractions, or what a detector finds."""

    detected: bool = True  # whether face, faces and auto may be named

    @property
    def words(self) -> tuple[str, ...]:
        return (*Compass, *(DETECTED if self.detected else ()))

    def parse(self, text: str) -> str | Focus:
        if text in self.words:
            return text
        first, colon, second = text.partition(":")
        x, y = (_decimal(first), _decimal(second)) if colon else (None, None)
        if x is not None and y is not None and 0 <= x <= 1 and 0 <= y <= 1:
            return Focus(x + 0.0, y + 0.0)
        close = nearest(text, self.words)
        raise bad_argument(
            f"{text!r} is not {self.describe()}",
            hint=f"did you mean {close!r}?" if close else None,
            choices=list(self.words),
        )

    def print(self, value: str | Focus) -> str:
        return value if isinstance(value, str) else f"{_print_number(value.x)}:{_print_number(value.y)}"

    def describe(self) -> str:
        return "one of " + ", ".join(self.words) + ", or x:y in fractions from 0 to 1"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "gravity", "x-words": list(self.words)}

    def beyond(self) -> tuple[str, ...]:
        return "1.01:0", "0:1.01", "nowhere", *(() if self.detected else ("face",))


def pixels_of(length: Length, whole: int) -> float:
    """A length in pixels: fractions are of `whole`."""
    return length * whole if isinstance(length, float) else float(length)


@dataclass(frozen=True)
class IntOr:
    """A whole number in bounds, or one of a few words (`auto`, `max`)."""

    number: Int
    words: tuple[str, ...]

    def parse(self, text: str) -> int | str:
        if text in self.words:
            return text
        try:
            return self.number.parse(text)
        except Failure as failure:
            raise bad_argument(f"{text!r} is not {self.describe()}", **failure.details) from None

    def print(self, value: int | str) -> str:
        return str(value)

    def describe(self) -> str:
        return f"{self.number.describe()}, or {' or '.join(self.words)}"

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.number.schema(), {"type": "string", "enum": list(self.words)}]}

    def beyond(self) -> tuple[str, ...]:
        return (*self.number.beyond(), "no-such-word")


@dataclass(frozen=True)
class Corners:
    """Radii in pixels: one for all corners, or up to four from the top left, clockwise, `:` between; or `max`."""

    radius: Int

    def parse(self, text: str) -> tuple[int, ...] | str:
        if text == "max":
            return text
        parts = text.split(":")
        if len(parts) > 4:
            raise bad_argument(
                f"{text!r} is not {self.describe()}", minimum=self.radius.least, maximum=self.radius.most
            )
        return tuple(self.radius.parse(part) for part in parts)

    def print(self, value: tuple[int, ...] | str) -> str:
        return value if isinstance(value, str) else ":".join(map(str, value))

    def describe(self) -> str:
        return f"{self.radius.describe()}, up to four of them with `:` between, or max"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "corners", "minimum": self.radius.least, "maximum": self.radius.most}

    def beyond(self) -> tuple[str, ...]:
        return (*self.radius.beyond(), "1:2:3:4:5", "min")
