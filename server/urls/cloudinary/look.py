"""What stands around and behind the picture: `r_` corners, `bo_` border, `a_` angle, `b_` background, `o_` opacity."""

from __future__ import annotations

import re
from collections.abc import Callable

from transforms.computed import Computed
from transforms.expressions import Arithmetic, Expression, Number
from transforms.failure import Failure, bad_argument
from transforms.image import nearest_pixel
from transforms.params import MAX_SIDE, TRANSPARENT, BackdropText, Colour, ColourText, Corners, Int, Pixels
from transforms.pipeline import Node, Step

from .amounts import Factor, argument, given, plus, reader, times
from .component import Component, checked, unknown
from .expression import expression, is_expression

_BORDER = re.compile(
    r"(?:(?P<plain>[0-9]{1,6})|(?P<worked>\$[A-Za-z][A-Za-z0-9]*?|\$\([A-Za-z][A-Za-z0-9]*\)))px_solid_(?P<ink>.+)"
)
_NUMBER = re.compile(r"-?(?:[0-9]{1,6}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})", re.ASCII)
QUARTERS = {"auto_right": 90.0, "auto_left": 270.0}

Fill = str | Computed
"""What shows through, as the native argument says it."""

Radius = int | Expression
Ink = Colour | Computed


def is_later(component: Component) -> bool:
    """Whether the background is one that is understood, but not made yet."""
    return any(value.partition(":")[0] == "gen_fill" for value in component.values("b"))


def background(component: Component) -> Fill | None:
    return component.read("b", _background)


def _background(text: str) -> Fill:
    if "$" in text:
        return argument(expression(text))
    kind = BackdropText()
    # SDKs write a palette's #00ff00 as they write other colours: `palette_red_rgb:00ff00`.
    head, palette, colours = text.partition(":palette")
    return kind.print(kind.parse(head + palette + colours.replace("_rgb:", "_")))


def shows(fill: Fill | None) -> bool:
    """Whether anything is laid behind the picture."""
    if fill is None or isinstance(fill, Computed):
        return fill is not None
    return bool(BackdropText().parse(fill) != TRANSPARENT)


def colour(component: Component) -> None:
    """`co_` belongs to effects and layers; the ones that use it say so, anywhere else its value is checked only."""
    component.read("co", ink_of)


def printed(colour: Ink) -> str:
    """A colour as an argument."""
    return str(colour) if isinstance(colour, Computed) else ColourText().print(colour)


def ink_of(text: str) -> Ink:
    return argument(expression(text)) if "$" in text else ColourText().parse(text)


def outline(component: Component, density: Factor) -> list[Step]:
    """Rounding, then the border, which follows the rounding."""
    radius = component.read("r", lambda text: _radius(text, density)) or (0,)
    width, ink = component.read("bo", lambda text: border(text, density)) or (0, None)
    rounding = [] if not any(radius) else [component.step("r", "round", radius=_corners(radius))]
    if ink is None or width == 0:
        return rounding
    line = component.step("bo", "border", width=given(width), color=ink)
    if not rounding:
        return [line]
    # The corners that were cut off take the border's colour, and the whole is cut again, one border further out.
    outer = radius if isinstance(radius, str) else tuple(corner and plus(corner, width) for corner in radius)
    filled = [] if ink == TRANSPARENT else [checked("background", color=ink)]
    return [*rounding, *filled, line, component.step("r", "round", radius=_corners(outer))]


def _corners(radius: tuple[Radius, ...] | str) -> object:
    """The argument of `round`; equal corners are written once."""
    if isinstance(radius, str):
        return radius
    if len(set(radius)) == 1:
        radius = radius[:1]
    if all(isinstance(corner, int) for corner in radius):
        return radius
    pieces = [piece for corner in radius for piece in (":", str(corner) if isinstance(corner, int) else corner)]
    return argument(*pieces[1:])


def _radius(text: str, density: Factor) -> tuple[Radius, ...] | str:
    """Cloudinary's forms for one to four corners are those of CSS."""
    plain = Corners(Pixels(0, MAX_SIDE))
    if not is_expression(text):
        value: tuple[int, ...] | str = plain.parse(text)
        return value if isinstance(value, str) else tuple(corner and _times(corner, density) for corner in value)
    parts = text.split(":")
    if len(parts) > 4:
        raise bad_argument("a picture has four corners", minimum=0, maximum=MAX_SIDE)
    corners = [reader(Pixels(0, MAX_SIDE).parse)(part) for part in parts]
    return tuple(corner and _times(corner, density) for corner in corners)


def _times(length: Radius, density: Factor) -> Radius:
    product = times(length, density)
    return product if isinstance(product, Expression) else nearest_pixel(product)


def border(text: str, density: Factor) -> tuple[Radius, Ink]:
    match = _BORDER.fullmatch(text)
    if match is None:
        raise bad_argument("a border is <width>px_solid_<colour>", hint="for example bo_5px_solid_red")
    width: Radius = int(match["plain"]) if match["plain"] else expression(match["worked"])
    return width and _times(width, density), ink_of(match["ink"])


def is_ignored(component: Component) -> bool:
    """Whether the picture is to stay as it is stored, whatever its EXIF data says."""
    return any("ignore" in value.split(".") for value in component.values("a"))


def quarter(component: Component) -> float | None:
    """The turn of `a_auto_right` and `a_auto_left`, in degrees."""
    words = [word for value in component.values("a") for word in value.split(".")]
    return next((QUARTERS[word] for word in words if word in QUARTERS), None)


def turns(component: Component, fill: Fill | None) -> list[Node]:
    """Flips and rotations in the order written; `fill` shows in the corners that a rotation adds."""
    return component.read("a", lambda text: [step for part in _angles(text) for step in _turn(part, fill)]) or []


def _angles(text: str) -> list[str]:
    """The parts of a `.`-joined list; two neighbouring numbers are one with a decimal point."""
    if is_expression(text):
        return [text]
    parts: list[str] = []
    for part in text.split("."):
        whole = f"{parts[-1]}.{part}" if parts else ""
        if part[:1].isdecimal() and _NUMBER.fullmatch(whole):
            parts[-1] = whole
        else:
            parts.append(part)
    return parts


def _turn(text: str, fill: Fill | None) -> list[Step]:
    if text in _MODES:
        return _MODES[text]()
    if is_expression(text):
        # Any number of degrees is an angle.
        turned = Arithmetic("mod", expression(text), Number(360.0))
        return [checked("rotate", angle=argument(turned), background=_behind(fill))]
    if not _NUMBER.fullmatch(text):
        raise unknown("angle or mode", "a", text, _MODES)
    angle = float(text) % 360
    if not angle:
        return []
    return [checked("rotate", angle=angle, background=None if angle % 90 == 0 else _behind(fill))]


def _behind(fill: Fill | None) -> Fill | None:
    """What a rotation can show in its corners: a colour. All else is laid behind the picture afterwards."""
    if fill is None or isinstance(fill, Computed):
        return fill
    try:
        return ColourText().print(ColourText().parse(fill))
    except Failure:
        return None


# EXIF orientation is always applied when the picture is read, so that a_exif and a_auto change nothing.
_MODES: dict[str, Callable[[], list[Step]]] = {
    "hflip": lambda: [checked("flip", axis="horizontal")],
    "vflip": lambda: [checked("flip", axis="vertical")],
    **dict.fromkeys(("auto", "exif", "ignore", *QUARTERS), list),
}


def opacity(component: Component) -> list[Step]:
    value = component.read("o", reader(Int(0, 100).parse))
    return [] if value is None or value == 100 else [component.step("o", "opacity", amount=given(value))]
