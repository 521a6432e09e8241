"""What fills free room, as a parameter type: a colour, colours taken from the picture, or the picture, blurred."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from PIL import ImageColor

from .failure import Failure, bad_argument, nearest
from .hues import Colour, ColourText
from .numbers import WHOLE

Direction = Literal["horizontal", "vertical", "diagonal_desc", "diagonal_asc"]

_COLOUR = ColourText()
_SHADES = (2, 4)


@dataclass(frozen=True, slots=True)
class Taken:
    """Colours taken from the picture: from its `border` or from all of it (`predominant`).

    `shades` is 1 for one colour and otherwise how many a gradient runs through; `contrast` takes those that differ
    most instead of the most frequent ones; `palette` are the only colours that may come out, if any.
    """

    of: Literal["border", "predominant"] = "border"
    shades: int = 1
    contrast: bool = False
    direction: Direction | None = None
    palette: tuple[Colour, ...] = ()

    @property
    def mode(self) -> str:
        return self.of + ("_gradient" if self.shades > 1 else "") + ("_contrast" if self.contrast else "")

    def __str__(self) -> str:
        parts = [self.mode] if self != Taken() else []
        parts += [str(self.shades)] if self.shades > 2 else []
        parts += [self.direction] if self.direction else []
        parts += ["_".join(["palette", *map(_COLOUR.print, self.palette)])] if self.palette else []
        return ":".join(["auto", *parts])


@dataclass(frozen=True, slots=True)
class Blurred:
    """The picture itself: blurred by `intensity`, brighter by `brightness` per cent."""

    intensity: int = 100
    brightness: int = 0

    def __str__(self) -> str:
        brightness = [str(self.brightness)] if self.brightness else []
        intensity = [str(self.intensity)] if self.intensity != 100 or brightness else []
        return ":".join(["blurred", *intensity, *brightness])


Backdrop = Colour | Taken | Blurred

_MODES = {
    taken.mode: taken
    for of in ("border", "predominant")
    for shades in (1, 2)
    for taken in (Taken(of, shades), Taken(of, shades, contrast=True))
}


@dataclass(frozen=True)
class BackdropText:
    """A colour as everywhere, `auto[:mode[:n][:direction][:palette_c1_c2…]]` or `blurred[:intensity[:brightness]]`."""

    def parse(self, text: str) -> Backdrop:
        word, colon, rest = text.partition(":")
        if word == "auto":
            return self._taken(text, rest.split(":") if colon else [])
        if word == "blurred":
            return self._blurred(text, rest.split(":") if colon else [])
        try:
            return _COLOUR.parse(text)
        except Failure:
            close = nearest(word, ("auto", "blurred", *ImageColor.colormap))
            raise self._refusal(text, f"did you mean {close!r}?" if close else None) from None

    def _taken(self, text: str, parts: list[str]) -> Taken:
        mode = parts.pop(0) if parts and parts[0] in _MODES else "border"
        shades = int(parts.pop(0)) if parts and parts[0] in map(str, _SHADES) else None
        direction = parts.pop(0) if parts and parts[0] in get_args(Direction) else None
        palette = parts.pop(0) if parts and parts[0].startswith("palette_") else None
        if parts:
            close = nearest(parts[0], (*_MODES, *get_args(Direction), "palette"))
            raise self._refusal(text, f"did you mean {close!r}?" if close else None)
        plain = _MODES[mode]
        if plain.shades == 1 and (shades or direction):
            raise self._refusal(text, f"how many colours and which way are for gradients: auto:{plain.of}_gradient")
        colours = self._palette(text, palette.split("_")[1:]) if palette else ()
        return Taken(plain.of, shades or plain.shades, plain.contrast, direction, colours)  # type: ignore[arg-type]

    def _blurred(self, text: str, parts: list[str]) -> Blurred:
        bounds = [(1, 2000), (-300, 1000)]
        if len(parts) <= 2 and all(
            WHOLE.fullmatch(part) and least <= int(part) <= most
            for part, (least, most) in zip(parts, bounds, strict=False)
        ):
            return Blurred(*map(int, parts))
        raise self._refusal(text, "blurred:INTENSITY:BRIGHTNESS, from 1 to 2000 and from -300 to 1000")

    def _palette(self, text: str, colours: list[str]) -> tuple[Colour, ...]:
        try:
            return tuple(_COLOUR.parse(colour) for colour in colours)
        except Failure as failure:
            raise self._refusal(text, failure.hint or f"{failure.message}") from None

    def _refusal(self, text: str, hint: str | None) -> Failure:
        return bad_argument(f"{text!r} is not {self.describe()}", hint=hint)

    def print(self, value: Backdrop) -> str:
        return _COLOUR.print(value) if isinstance(value, Colour) else str(value)

    def describe(self) -> str:
        return (
            f"{_COLOUR.describe()}, auto[:mode[:2|4][:direction][:palette_c1_c2]] (mode one of {', '.join(_MODES)}; "
            f"direction one of {', '.join(get_args(Direction))}), or blurred[:1 to 2000[:-300 to 1000]]"
        )

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string", "format": "backdrop", "x-modes": list(_MODES), "x-directions": list(get_args(Direction)),
        }  # fmt: skip

    def beyond(self) -> tuple[str, ...]:
        return (
            *_COLOUR.beyond(), "auto:middle", "auto:border:2", "auto:border_gradient:3", "auto:palette_nocolour",
            "auto:border:", "blurred:0", "blurred:2001", "blurred:100:-301", "blurred:100:1001", "blurred:1:1:1",
        )  # fmt: skip
