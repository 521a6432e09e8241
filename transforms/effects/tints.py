"""Gradients that a picture's lightness is mapped to, as a parameter type and as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..failure import Failure, bad_argument
from ..hues import BLACK, WHITE, Colour, ColourText
from ..image import PixelArray
from ..numbers import decimal, print_number


@dataclass(frozen=True, slots=True)
class Stop:
    """A colour of a gradient, and where it stands in percent of the way from black to white; None: by its rank."""

    colour: Colour
    at: float | None = None


Stops = tuple[Stop, ...]


@dataclass(frozen=True)
class Gradient:
    """Colours from dark to light with `:` between them, each with or without a position: `red@10:blue@90`."""

    most: ClassVar[int] = 10
    colour: ClassVar[ColourText] = ColourText()

    def parse(self, text: str) -> Stops:
        parts = text.split(":")
        if len(parts) > self.most:
            raise bad_argument(f"{text!r} is not {self.describe()}", maximum=self.most)
        return tuple(self._stop(part, text) for part in parts)

    def _stop(self, part: str, whole: str) -> Stop:
        name, at, position = part.partition("@")
        place = decimal(position) if at else None
        try:
            colour = self.colour.parse(name)
        except Failure as failure:
            raise bad_argument(f"{whole!r} is not {self.describe()}", hint=failure.hint) from None
        if colour.alpha != 255 or (at and (place is None or not 0 <= place <= 100)):
            raise bad_argument(f"{whole!r} is not {self.describe()}", minimum=0, maximum=100)
        return Stop(colour, place)

    def print(self, value: Stops) -> str:
        return ":".join(
            self.colour.print(stop.colour) + ("" if stop.at is None else f"@{print_number(stop.at)}") for stop in value
        )

    def describe(self) -> str:
        return f"up to {self.most} opaque colours with : between them, each with or without a position from @0 to @100"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "gradient", "minimum": 0, "maximum": 100}

    def beyond(self) -> tuple[str, ...]:
        return "red@101", "red@-1", "red@", "red:", "", "nocolour", "ff000080", ":".join(["red"] * (self.most + 1))


def ramp(stops: Stops) -> PixelArray:
    """uint8 (256, 3): the BGR for each level of gray from black to white, straight lines in sRGB between the stops.

    Stops without a position are spread evenly between their neighbours, as in CSS gradients; the order of the others is
    that of their positions. A colour alone stands in the middle between black and white.
    """
    placed = _placed(stops)
    places = [place * 2.55 for place, _ in placed]
    channels = [[colour.bgra[channel] for _, colour in placed] for channel in range(3)]
    table = np.stack([np.interp(np.arange(256), places, levels) for levels in channels], axis=1)
    return table.round().astype(np.uint8)


def shades(colour: Colour) -> PixelArray:
    """uint8 (256, 3): for each level of gray the shade of a colour that is as light, by the luma of ITU-R BT.601."""
    luma = (0.299 * colour.red + 0.587 * colour.green + 0.114 * colour.blue) / 2.55
    return ramp((Stop(BLACK, 0), Stop(colour, luma), Stop(WHITE, 100)))


def _placed(stops: Stops) -> list[tuple[float, Colour]]:
    if len(stops) == 1:
        return [(0.0, BLACK), (50.0 if stops[0].at is None else stops[0].at, stops[0].colour), (100.0, WHITE)]
    places = [stop.at for stop in stops]
    places[0] = 0.0 if places[0] is None else places[0]
    places[-1] = 100.0 if places[-1] is None else places[-1]
    known = [index for index, place in enumerate(places) if place is not None]
    filled = np.interp(range(len(stops)), known, [place for place in places if place is not None])
    return sorted(((float(place), stop.colour) for place, stop in zip(filled, stops, strict=True)), key=lambda s: s[0])
