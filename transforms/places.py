"""Lengths, sizes and places as parameter types: in pixels, or in fractions of the picture with a decimal point."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from .failure import bad_argument
from .numbers import WHOLE, Int, decimal, print_number

MAX_SIDE = 8192  # px of a result's side; the limits of plan.py apply to the whole picture as well

Length = int | float  # int: pixels, float: a fraction of the incoming picture


def pixels_of(length: Length, whole: int) -> float:
    """A length in pixels: fractions are of `whole`."""
    return length * whole if isinstance(length, float) else float(length)


@dataclass(frozen=True)
class Offset:
    """A place or distance along an axis: whole pixels, or with a decimal point a fraction of the picture."""

    least: int = -MAX_SIDE * 8
    most: int = MAX_SIDE * 8

    def parse(self, text: str) -> Length:
        if WHOLE.fullmatch(text) and self.least <= int(text) <= self.most:
            return int(text)
        value = decimal(text) if "." in text else None
        if value is not None and -8.0 <= value <= 8.0:
            return value + 0.0
        raise bad_argument(f"{text!r} is not {self.describe()}", minimum=self.least, maximum=self.most)

    def print(self, value: Length) -> str:
        return print_length(value)

    def describe(self) -> str:
        return (
            f"pixels from {self.least} to {self.most}, or with a decimal point a fraction of the picture, -8.0 to 8.0"
        )

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.least, "maximum": self.most, "x-unit": "px"}

    def beyond(self) -> tuple[str, ...]:
        return str(self.least - 1), str(self.most + 1), "8.01"


def print_length(value: Length) -> str:
    """A length with a decimal point where it is a fraction."""
    if isinstance(value, int):
        return str(value)
    text = print_number(value)
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
    most_fraction: ClassVar[float] = 1000.0

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
        if WHOLE.fullmatch(text) and self.least <= int(text) <= self.most:
            return int(text)
        value = decimal(text) if "." in text and not self.both else None
        if value is not None and 0.0 < value <= self.most_fraction:
            return value
        raise bad_argument(f"{whole!r} is not {self.describe()}", minimum=self.least, maximum=self.most)

    def print(self, value: Dimensions) -> str:
        sides = (value.width, value.height)
        return "x".join("" if side is None else print_length(side) for side in sides)

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
        width, height = decimal(first), decimal(second) if colon else 1.0
        if width and height and width > 0 and height > 0:
            # Small enough to be printed and read back as two plain numbers.
            ratio = (Fraction(first) / Fraction(second or 1)).limit_denominator(100_000)
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
