"""Another size: resize and pad."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Annotated, Literal

from ..attention import by_gravity, eyes_for, eyes_then
from ..failure import bad_argument
from ..geometry import largest, nominal, resampled, taken
from ..gravity import search_of
from ..image import Found, Image, Scale, Size
from ..paint import on_backdrop
from ..params import TRANSPARENT, Backdrop, BackdropText, Compass, Dimensions, Focus, Gravity, WxH
from ..places import pixels_of
from ..registry import operation
from ..sizes import Wanted, WantedRatio, bounded, box, exactly, fitted, over, rounded, scaled

Fit = Literal["inside", "cover", "contain", "fill", "outside"]


def _resized(
    before: Size, size: Dimensions, fit: Fit, gravity: str | Focus, enlarge: bool, shrink: bool,
    ratio: Fraction | None, **_: object,
) -> Size:  # fmt: skip
    width, height = box(size, before, ratio)
    across, down = width / before.width, height / before.height
    match fit:
        case "inside":
            return fitted(before, width, height, enlarge, shrink)
        case "outside":
            return scaled(before, max(across, down), max(across, down), enlarge, shrink)
        case "fill":
            return scaled(before, across, down, enlarge, shrink)
        case "cover":
            whole = rounded(width, height)
            return whole if enlarge else Size(min(whole.width, before.width), min(whole.height, before.height))
        case "contain":
            _refuse_to_look(gravity)
            return rounded(width, height) if shrink else over(rounded(width, height), before)


def _refuse_to_look(gravity: str | Focus) -> None:
    if search_of(gravity):
        raise bad_argument(
            f"gravity={gravity} holds on to what a cut keeps, but fit=contain cuts nothing",
            hint="use fit=cover, or place the picture by a compass word",
            argument="gravity",
        )


def _sees(fit: Fit, gravity: str | Focus, **_: object) -> frozenset[str]:
    return eyes_for(gravity) if fit == "cover" else frozenset()


def _sees_then(found: Found, fit: Fit, gravity: str | Focus, **_: object) -> frozenset[str]:
    return eyes_then(gravity, found) if fit == "cover" else frozenset()


def _resize_detail(
    before: Size, found: Found | None, size: Dimensions, fit: Fit, enlarge: bool, shrink: bool,
    ratio: Fraction | None, **_: object,
) -> float:  # fmt: skip
    width, height = box(size, before, ratio)
    across, down = width / before.width, height / before.height
    factor = min(across, down) if fit in ("inside", "contain") else max(across, down)
    return float(bounded(factor, enlarge, shrink))


@operation(
    "resize",
    example="resize:400x300,fit=cover",
    needs=_sees,
    then=_sees_then,
    size=_resized,
    scaling="absorbs",
    detail=_resize_detail,
)
def resize(
    image: Image,
    size: Wanted,
    fit: Fit = "inside",
    gravity: Annotated[str | Focus, Gravity()] = "center",
    enlarge: bool = False,
    shrink: bool = True,
    background: Annotated[Backdrop, BackdropText()] = TRANSPARENT,
    ratio: WantedRatio = None,
    *,
    scale: Scale,
    found: Found,
) -> Image:
    """Scale the picture to fit a box.

    `fit` says how: *inside* is the largest picture within the box, *outside* the smallest that covers it, *fill*
    stretches to the box, *cover* fills it and cuts what stands out, holding on to `gravity`, and *contain* fits inside
    and adds `background` up to exactly the box.

    A side left out comes from the ratio of the picture, or from `ratio`. Sides with a decimal point are fractions of
    the incoming picture. Nothing is scaled up without `enlarge`: then *inside*, *outside* and *fill* stop at the
    picture's own sides, *cover* cuts the box down to them, and *contain* leaves a wider margin. Nothing is scaled down
    with `shrink=false`: *inside*, *outside* and *fill* keep a picture that is larger, *cover* cuts the box out of it,
    and the canvas of *contain* grows.

    `gravity` matters for *cover*, and in places for *contain*, where a point in pixels is the top left corner of the
    picture. It is a compass word; a point `x:y`, in pixels of the incoming picture or in fractions of it with decimal
    points; what is to be looked for, each tried until one is found: `face` (the largest), `faces` (all), `body`,
    `text`, an object (`cat`, `dining_table`) or a group of them (`vehicle`, `animal`, `furniture`, `appliance`,
    `electronic`, `accessory`, `kitchen`, `food`, `sports`, `indoor`, `outdoor`), at the end perhaps `auto`, else the
    middle is kept; or `auto`, what matters most, see `smart-crop`.
    """
    before = nominal(image.size, scale)
    after = _resized(before, size, fit, gravity, enlarge, shrink, ratio)
    if fit == "cover":
        window = _window(before, after, shrink)
        return taken(image, by_gravity(gravity, *window, found, before), after)
    if fit == "contain":
        inner = fitted(before, *box(size, before, ratio), enlarge, shrink)
        return _on_canvas(resampled(image, inner), after, gravity, background)
    return resampled(image, after)


def _window(before: Size, after: Size, shrink: bool) -> tuple[float, float]:
    """Width and height of what *cover* shows, in fractions."""
    width, height = after.width / before.width, after.height / before.height
    return (width, height) if not shrink and max(width, height) < 1 else largest(Fraction(*_sides(after)), before)


def _sides(size: Size) -> tuple[int, int]:
    return size.width, size.height


def _on_canvas(image: Image, canvas: Size, gravity: str | Focus, background: Backdrop) -> Image:
    """The picture on the canvas, the free room around it shared out as the gravity says."""
    free = Size(canvas.width - image.size.width, canvas.height - image.size.height)
    if isinstance(gravity, Focus):
        x, y = pixels_of(gravity.x, free.width), pixels_of(gravity.y, free.height)
    else:
        x, y = (side * share for side, share in zip(_sides(free), Compass[gravity], strict=True))
    left, top = min(floor(x + 0.5), free.width), min(floor(y + 0.5), free.height)
    return on_backdrop(image, canvas, left, top, background)


def _padded(before: Size, size: Dimensions | None, ratio: Fraction | None, shrink: bool, **_: object) -> Size:
    if size:
        canvas = exactly(before, size, ratio)
        return canvas if shrink else over(canvas, before)
    if not ratio:
        raise bad_argument(
            "pad needs a size, a ratio or both", hint="for example pad:400x400 or pad:ratio=1:1", argument="size"
        )  # fmt: skip
    wide, high = ratio * before.height, before.width / ratio
    return rounded(max(wide, Fraction(before.width)), max(high, Fraction(before.height)))


def held(before: Size, canvas: Size, enlarge: bool) -> Size:
    """The picture that stands on the canvas."""
    return fitted(before, Fraction(canvas.width), Fraction(canvas.height), enlarge)


def _pad_detail(
    before: Size, found: Found | None, size: Dimensions | None, ratio: Fraction | None, enlarge: bool, shrink: bool,
    **_: object,
) -> float:  # fmt: skip
    inner = held(before, _padded(before, size, ratio, shrink), enlarge) if size else before
    return max(inner.width / before.width, inner.height / before.height)


@operation("pad", example="pad:400x400,background=white", size=_padded, scaling="absorbs", detail=_pad_detail)
def pad(
    image: Image,
    size: Annotated[Dimensions | None, WxH()] = None,
    ratio: WantedRatio = None,
    gravity: Annotated[str | Focus, Gravity(things=False, auto=False)] = "center",
    background: Annotated[Backdrop, BackdropText()] = TRANSPARENT,
    enlarge: bool = False,
    shrink: bool = True,
    *,
    scale: Scale,
) -> Image:
    """Put the picture on a canvas of exactly the wanted size.

    The picture is made smaller to fit, and larger only with `enlarge`; with `shrink=false` it keeps its size where it
    is larger, and the canvas grows. A side left out comes from `ratio`, or from the ratio of the picture. With `ratio`
    alone the canvas is the smallest of that ratio around the picture, which is not scaled. `gravity` says where the
    picture stands: a compass word, or a point `x:y` that shares out the free room in fractions, or is where the top
    left corner of the picture is, in pixels.

    `background` is a colour (a transparent one becomes white in formats without transparency), or comes from the
    picture:

    * `auto` or `auto:border` is the most frequent colour along its edges, `auto:predominant` that of all of it;
      `auto:border_contrast` and `auto:predominant_contrast` are, of the three main ones, that which differs most from
      the first, or black or white where there is only one.
    * `auto:border_gradient`, `auto:predominant_gradient` and each with `_contrast` after it run through two main
      colours, or four with `:4`, in the order in which they lie in the picture: `:horizontal`, `:vertical`,
      `:diagonal_desc` or `:diagonal_asc`, else along the side where more room is.
    * `:palette_red_00ff00` at the end allows the named colours only, the nearest of them.
    * `blurred:100:0` is the middle of the picture over all of the canvas, blurred (1 to 2000; at 100 the standard
      deviation is 5 % of the canvas's shorter side) and brighter by per cent (-300 to 1000; black from -100 down).
    """
    before = nominal(image.size, scale)
    canvas = _padded(before, size, ratio, shrink)
    inner = held(before, canvas, enlarge) if size else before
    return _on_canvas(resampled(image, inner), canvas, gravity, background)
