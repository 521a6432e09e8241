"""Colour matrices as a parameter type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..failure import bad_argument
from ..numbers import decimal, print_number


@dataclass(frozen=True)
class ColourMatrix:
    """A 3 × 3 or 4 × 4 matrix, row by row, `:` between the numbers."""

    most: ClassVar[float] = 100.0

    def parse(self, text: str) -> tuple[float, ...]:
        numbers = [decimal(part) for part in text.split(":")]
        values = tuple(number + 0.0 for number in numbers if number is not None and abs(number) <= self.most)
        if len(values) == len(numbers) and len(values) in (9, 16):
            return values
        raise bad_argument(f"{text!r} is not {self.describe()}", minimum=-self.most, maximum=self.most)

    def print(self, value: tuple[float, ...]) -> str:
        return ":".join(map(print_number, value))

    def describe(self) -> str:
        most = print_number(self.most)
        return f"9 or 16 numbers from -{most} to {most}, row by row, with : between them"

    def schema(self) -> dict[str, Any]:
        number = r"-?[0-9]*\.?[0-9]*"
        return {"type": "string", "pattern": f"^{number}(:{number}){{8}}((:{number}){{7}})?$"}

    def beyond(self) -> tuple[str, ...]:
        return ":".join(["1"] * 10), ":".join(["101"] * 9), ":".join(["-101"] * 16), "1", "", ":".join(["x"] * 9)
