"""Colours as a parameter type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from PIL import ImageColor

from .failure import bad_argument, nearest


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
