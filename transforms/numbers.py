"""Numbers as parameter types: whole and decimal, with bounds and units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .failure import bad_argument

WHOLE = re.compile(r"-?[0-9]{1,9}", re.ASCII)
DECIMALS = 9  # that count; what is written behind them, as programs do that divide, is rounded
_DECIMAL = re.compile(r"-?([0-9]{1,9}(\.[0-9]{0,30})?|\.[0-9]{1,30})", re.ASCII)


def decimal(text: str) -> float | None:
    """A plain decimal number (no exponent, no nan, no inf, ASCII digits only), or None."""
    return round(float(text), DECIMALS) if _DECIMAL.fullmatch(text) else None


def print_number(value: float) -> str:
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
        if WHOLE.fullmatch(text) and self.least <= int(text) <= self.most:
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
        value = decimal(text)
        if value is not None and self.least <= value <= self.most:
            return value + 0.0  # -0.0 and 0.0 are one value
        raise bad_argument(f"{text!r} is not {self.describe()}", minimum=self.least, maximum=self.most)

    def print(self, value: float) -> str:
        return print_number(value)

    def describe(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"a number from {print_number(self.least)} to {print_number(self.most)}{unit}"

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.least, "maximum": self.most} | _unit(self.unit)

    def beyond(self) -> tuple[str, ...]:
        return print_number(self.least - 0.01), print_number(self.most + 0.01)


def Ratio(least: float, most: float) -> Float:
    """A factor without unit."""
    return Float(least, most)


def Degrees(least: float = -360, most: float = 360) -> Float:
    """An angle, clockwise."""
    return Float(least, most, "degrees")
