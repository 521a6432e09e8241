"""Numbers of bytes as a parameter type."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .failure import bad_argument
from .numbers import Int

_UNITS = {"": 1, "k": 1000, "kB": 1000, "KB": 1000, "KiB": 1024, "M": 10**6, "MB": 10**6, "MiB": 1024**2}
_WRITTEN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([kKM]?i?B?)", re.ASCII)


@dataclass(frozen=True)
class ByteCount(Int):
    """Bytes from `least` to `most`: a whole number, or one with a unit, as 50kB or 1.5MB."""

    unit: str = "bytes"

    def parse(self, text: str) -> int:
        found = _WRITTEN.fullmatch(text)
        if found and found[2] in _UNITS and ("." not in found[1] or found[2]):
            value = round(float(found[1]) * _UNITS[found[2]])
            if self.least <= value <= self.most:
                return value
        raise bad_argument(f"{text!r} is not {self.describe()}", minimum=self.least, maximum=self.most)

    def describe(self) -> str:
        return f"{super().describe()}, or with a unit: 50kB, 1.5MB, 64KiB"
