"""Lists of words, and grids, as parameter types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .failure import bad_argument, nearest


@dataclass(frozen=True)
class Words:
    """One or more of a few words, each once, with `:` between them. Values are in the order of `values`."""

    values: tuple[str, ...]

    def parse(self, text: str) -> tuple[str, ...]:
        words = text.split(":")
        stranger = next((word for word in words if word not in self.values), None)
        if stranger is not None or len(set(words)) < len(words):
            close = nearest(stranger, self.values) if stranger else None
            raise bad_argument(
                f"{text!r} is not {self.describe()}", hint=f"did you mean {close!r}?" if close else None,
                choices=list(self.values),
            )  # fmt: skip
        return tuple(word for word in self.values if word in words)

    def print(self, value: tuple[str, ...]) -> str:
        return ":".join(value)

    def describe(self) -> str:
        return f"one or more of {', '.join(self.values)}, each once, with : between them"

    def schema(self) -> dict[str, Any]:
        word = "|".join(map(re.escape, self.values))
        return {"type": "string", "pattern": f"^({word})(:({word}))*$"}

    def beyond(self) -> tuple[str, ...]:
        return "", "no-such-word", f"{self.values[0]}:", f"{self.values[0]}:{self.values[0]}"


@dataclass(frozen=True)
class Grid:
    """Columns and rows, each from 1 to `most`, as `4x3`."""

    most: int

    def parse(self, text: str) -> tuple[int, int]:
        found = re.fullmatch(r"([1-9][0-9]{0,2})x([1-9][0-9]{0,2})", text, re.ASCII)
        if found and int(found[1]) <= self.most and int(found[2]) <= self.most:
            return int(found[1]), int(found[2])
        raise bad_argument(f"{text!r} is not {self.describe()}", minimum=1, maximum=self.most)

    def print(self, value: tuple[int, int]) -> str:
        return f"{value[0]}x{value[1]}"

    def describe(self) -> str:
        return f"columns x rows, each from 1 to {self.most}, such as 4x3"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[1-9][0-9]*x[1-9][0-9]*$"}

    def beyond(self) -> tuple[str, ...]:
        return "0x3", "3x0", f"{self.most + 1}x1", f"1x{self.most + 1}", "4", "4x", "4x3x2", "-1x3"
