"""Another size: resize and pad."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Annotated, Literal

from ..attention import by_gravity, eyes_for, eyes_without_faces
from ..failure import bad_argument
from ..geometry import largest, nominal, placed, resampled, taken
from ..image import Found, Image, Scale, Size
from ..params import DETECTED, TRANSPARENT, Colour, ColourText, Compass, Dimensions, Focus, Gravity, WxH
from ..registry import operation
from ..sizes import Wanted, WantedRatio, box, exactly, fitted, rounded, scaled

Fit = Literal["inside", "cover", "contain", "fill", "outside"]


def _resized(
    before: Size, size: Dimensions, fit: Fit, gravity: str | Focus, enlarge: bool, ratio: Fraction | None, **_: object
) -> Size:
    width, height = box(size, before, ratio)
    across, down = width / before.width, height / before.height
    match fit:
        case "inside":
            return fitted(before, width, height, enlarge)
        case "outside":
            return scaled(before, max(across, down), max(across, down), enlarge)
        case "fill":
            return scaled(before, across, down, enlarge)
        case "cover":
            exact = rounded(width, height)
            return exact if enlarge else Size(min(exact.width, before.width), min(exact.height, before.height))
        case "contain":
            if gravity in DETECTED:
                raise bad_argument(
                    f"gravity={gravity} holds on to what a cut keeps, but fit=contain cuts nothing",
                    hint="use fit=cover, or place the picture by a compass word",
                    argument="gravity",
                )
            return rounded(width, height)


def _sees(fit: Fit, gravity: str | Focus, **_: object) -> frozenset[str]:
    return eyes_for(gravity) if fit == "cover" else frozenset()


def _sees_then(found: Found, fit: Fit, gravity: str | Focus, **_: object) -> frozenset[str]:
    return eyes_without_faces(gravity, found) if fit == "cover" else frozenset()


def _resize_detail(before: Size, found: Found | None, fit: Fit, enlarge: bool, **arguments: object) -> float:
    if fit == "contain":  # the canvas may be wider than what it holds
        fit = "inside"
    after = _resized(before, fit=fit, enlarge=enlarge, **arguments)  # type: ignore[arg-type]
    return max(after.width / before.width, after.height / before.height)


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
    background: Annotated[Colour, ColourText()] = TRANSPARENT,
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
    picture's own sides, *cover* cuts the box down to them, and *contain* leaves a wider margin.

    `gravity` matters for *cover* (a compass word, a point `x:y` in fractions, `face`, `faces` or `auto`) and for
    *contain* (a compass word or a point).
    """
    before = nominal(image.size, scale)
    after = _resized(before, size, fit, gravity, enlarge, ratio)
    if fit == "cover":
        width, height = largest(Fraction(after.width, after.height), before)
        return taken(image, by_gravity(gravity, width, height, found), after)
    if fit == "contain":
        inner = fitted(before, *box(size, before, ratio), enlarge)
        return on_canvas(resampled(image, inner), after, gravity, background)
    return resampled(image, after)


def on_canvas(image: Image, canvas: Size, gravity: str | Focus, background: Colour) -> Image:
    """The picture on the canvas, the free room around it shared out as the gravity says."""
    across, down = (gravity.x, gravity.y) if isinstance(gravity, Focus) else Compass[gravity]
    left = floor((canvas.width - image.size.width) * across + 0.5)
    top = floor((canvas.height - image.size.height) * down + 0.5)
    return placed(image, canvas, left, top, background)


def _padded(before: Size, size: Dimensions | None, ratio: Fraction | None, **_: object) -> Size:
    if size:
        return exactly(before, size, ratio)
    if not ratio:
        raise bad_argument(
            "pad needs a size, a ratio or both", hint="for example pad:400x400 or pad:ratio=1:1", argument="size"
        )  # fmt: skip
    wide, high = ratio * before.height, before.width / ratio
    return rounded(max(wide, Fraction(before.width)), max(high, Fraction(before.height)))


def _held(before: Size, canvas: Size, size: Dimensions | None, enlarge: bool) -> Size:
    """The picture that stands on the canvas."""
    return fitted(before, Fraction(canvas.width), Fraction(canvas.height), enlarge) if size else before


def _pad_detail(
    before: Size, found: Found | None, size: Dimensions | None, ratio: Fraction | None, enlarge: bool, **_: object
) -> float:
    held = _held(before, _padded(before, size, ratio), size, enlarge)
    return max(held.width / before.width, held.height / before.height)


@operation("pad", example="pad:400x400,background=white", size=_padded, scaling="absorbs", detail=_pad_detail)
def pad(
    image: Image,
    size: Annotated[Dimensions | None, WxH()] = None,
    ratio: WantedRatio = None,
    gravity: Annotated[str | Focus, Gravity(detected=False)] = "center",
    background: Annotated[Colour, ColourText()] = TRANSPARENT,
    enlarge: bool = False,
    *,
    scale: Scale,
) -> Image:
    """Put the picture on a canvas of exactly the wanted size.

    The picture is made smaller to fit, and larger only with `enlarge`. A side left out comes from `ratio`, or from the
    ratio of the picture. With `ratio` alone the canvas is the smallest of that ratio around the picture, which is not
    scaled. `gravity` (a compass word or a point `x:y` in fractions) says where the picture stands; a transparent
    background becomes white in formats without transparency.
    """
    before = nominal(image.size, scale)
    canvas = _padded(before, size, ratio)
    return on_canvas(resampled(image, _held(before, canvas, size, enlarge)), canvas, gravity, background)
