"""What stands around and behind the picture: `r_` corners, `bo_` border, `a_` angle, `b_` background, `o_` opacity."""

from __future__ import annotations

import re
from collections.abc import Callable

from transforms.failure import bad_argument
from transforms.image import nearest_pixel
from transforms.params import MAX_SIDE, Colour, ColourText, Corners, Int, Pixels
from transforms.pipeline import Step

from . import vocabulary
from .component import Component, checked, unknown, unsupported

_BORDER = re.compile(r"([0-9]{1,6})px_solid_(.+)", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)

Radius = tuple[int, ...] | str


def background(component: Component) -> Colour | None:
    return component.read("b", _background)


def colour(component: Component) -> None:
    """`co_` belongs to effects and layers; the ones that use it say so, anywhere else its value is checked only."""
    component.read("co", ColourText().parse)


def _background(text: str) -> Colour:
    if text.partition(":")[0] in ("auto", "blurred", "gen_fill"):
        raise unsupported("background", "backgrounds made from the picture are not supported yet")
    return ColourText().parse(text)


def outline(component: Component, density: float) -> list[Step]:
    """Rounding, then the border, which follows the rounding."""
    radius = component.read("r", lambda text: _radius(text, density)) or (0,)
    width, ink = component.read("bo", lambda text: _border(text, density)) or (0, None)
    rounding = [component.step("r", "round", radius=radius)] if radius != (0,) else []
    if not width or ink is None:
        return rounding
    line = component.step("bo", "border", width=width, color=ink)
    if not rounding:
        return [line]
    # The corners that were cut off take the border's colour, and the whole is cut again, one border further out.
    outer = radius if isinstance(radius, str) else tuple(corner and corner + width for corner in radius)
    filled = [checked("background", color=ink)] if ink.alpha else []
    return [*rounding, *filled, line, component.step("r", "round", radius=outer)]


def _radius(text: str, density: float) -> Radius:
    """Cloudinary's forms for one to four corners are those of CSS; equal ones are written once."""
    value: Radius = Corners(Pixels(0, MAX_SIDE)).parse(text)
    if isinstance(value, str):
        return value
    corners = tuple(nearest_pixel(corner * density) if corner else 0 for corner in value)
    return corners[:1] if len(set(corners)) == 1 else corners


def _border(text: str, density: float) -> tuple[int, Colour]:
    match = _BORDER.fullmatch(text)
    if match is None:
        raise bad_argument("a border is <width>px_solid_<colour>", hint="for example bo_5px_solid_red")
    width = int(match[1])
    return nearest_pixel(width * density) if width else 0, ColourText().parse(match[2])


def turns(component: Component, fill: Colour | None) -> list[Step]:
    """Flips and rotations in the order written; `fill` shows in the corners that a rotation adds."""
    return component.read("a", lambda text: [step for part in _angles(text) for step in _turn(part, fill)]) or []


def _angles(text: str) -> list[str]:
    """The parts of a `.`-joined list; two neighbouring numbers are one with a decimal point."""
    parts: list[str] = []
    for part in text.split("."):
        whole = f"{parts[-1]}.{part}" if parts else ""
        if part[:1].isdecimal() and _NUMBER.fullmatch(whole):
            parts[-1] = whole
        else:
            parts.append(part)
    return parts


def _turn(text: str, fill: Colour | None) -> list[Step]:
    if text in _MODES:
        return _MODES[text]()
    if not _NUMBER.fullmatch(text):
        raise unknown("angle or mode", "a", text, _MODES)
    angle = float(text) % 360
    if not angle:
        return []
    return [checked("rotate", angle=angle, background=None if angle % 90 == 0 else fill)]


def _not_yet() -> list[Step]:
    raise unsupported("angle", "rotating by what the picture or its EXIF data says is not supported yet")


# EXIF orientation is always applied when the picture is read, so that a_exif changes nothing.
_MODES: dict[str, Callable[[], list[Step]]] = {
    "hflip": lambda: [checked("flip", axis="horizontal")],
    "vflip": lambda: [checked("flip", axis="vertical")],
    "exif": list,
    **dict.fromkeys(vocabulary.ANGLES, _not_yet),
}


def opacity(component: Component) -> list[Step]:
    value = component.read("o", Int(0, 100).parse)
    return [] if value in (None, 100) else [component.step("o", "opacity", amount=value)]
