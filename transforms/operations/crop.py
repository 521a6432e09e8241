"""A part of the picture: crop and smart-crop."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from math import floor
from typing import Annotated, Any, Literal

from ..attention import ALL, best_window, by_gravity, eyes_for, eyes_then, things_seen
from ..failure import bad_argument
from ..geometry import cut, largest, nominal, pixels_in, taken
from ..gravity import Search, search_of
from ..image import Box, Found, Image, Region, Scale, Size, nearest_pixel
from ..numbered import every, held, nth_seen
from ..params import Choice, Compass, Dimensions, Focus, Gravity, Int, Length, Offset, Ratio, WxH, pixels_of
from ..registry import operation
from ..sizes import Wanted, WantedRatio, exact_detail, exactly, side
from ..worth import upper

Offsets = tuple[Length | None, Length | None]


def _extent(before: Size, size: Dimensions | None, ratio: Fraction | None) -> Size:
    """Width and height of the region, before it is clipped; with a ratio it is never larger than the picture."""
    width = side(size.width if size else None, before.width) or before.width
    height = side(size.height if size else None, before.height) or before.height
    if not ratio:
        return Size(width, height)
    width, height = min(width, before.width), min(height, before.height)
    if width > height * ratio:
        return Size(nearest_pixel(float(height * ratio)), height)
    return Size(width, nearest_pixel(float(width / ratio)))


def _begin(whole: int, length: int, offset: Length | None, at: float) -> int:
    """Where the region begins along one axis: the offset goes inwards from the edge, from the middle at 0.5."""
    inwards = -1 if at == 1 else 1
    return floor((whole - length) * at + inwards * pixels_of(offset or 0, whole) + 0.5)


def _begin_at(whole: int, length: int, offset: Length | None, focus: float) -> int:
    inside = min(max(whole * focus - length / 2, 0.0), max(0.0, whole - length))
    return floor(inside + pixels_of(offset or 0, whole) + 0.5)


def _region(before: Size, extent: Size, offsets: Offsets, gravity: str | Focus | None) -> Box:
    """The region in pixels, clipped to the picture."""
    (x, y), axes = offsets, ((before.width, extent.width), (before.height, extent.height))
    if isinstance(gravity, Focus):
        focus = gravity.within(before.width, before.height)
        left, top = _begin_at(*axes[0], x, focus[0]), _begin_at(*axes[1], y, focus[1])
    else:
        at = Compass[gravity or ("center" if x is None and y is None else "north_west")]
        left, top = _begin(*axes[0], x, at[0]), _begin(*axes[1], y, at[1])
    right, bottom = min(left + extent.width, before.width), min(top + extent.height, before.height)
    left, top = max(left, 0), max(top, 0)
    if right <= left or bottom <= top:
        raise bad_argument(
            f"the region {extent} at {left},{top} lies outside the picture, which is {before}",
            reason="outside-the-picture", width=before.width, height=before.height,
        )  # fmt: skip
    return Box.between(left, top, right, bottom)


def knows_its_size(size: Dimensions | None, ratio: Fraction | None, **_: object) -> bool:
    """Whether a crop knows how large it is before anything is found."""
    return bool(size or ratio)


def _cropped(
    before: Size, size: Dimensions | None, x: Length | None, y: Length | None,
    gravity: str | Focus | None, ratio: Fraction | None, zoom: float,
    object: str | None, index: int | None, padding: float, align: str | None,  # noqa: A002 - a word of the grammar
) -> Size:  # fmt: skip
    search = search_of(gravity)
    if object:
        _refuse_beside_object(object, search, gravity=gravity, x=x, y=y, align=align, sized=bool(size or ratio))
    elif index or padding or align:
        name = "index" if index else "padding" if padding else "align"
        raise bad_argument(f"{name} needs an object", hint=f"for example crop:object=dog,{name}=…", argument=name)
    if not (size or ratio or object or (search and search.things)):
        raise bad_argument(
            "crop needs a size, a ratio or something to look for", hint="for example crop:400x300 or crop:gravity=face",
            argument="size",
        )  # fmt: skip
    if zoom != 1 and not (object or (search and search.things)):
        raise bad_argument(
            "zoom needs something to look for", hint="for example crop:400x300,gravity=face,zoom=0.8", argument="zoom"
        )  # fmt: skip
    extent = _extent(before, size, ratio)
    if search or object:
        return Size(min(extent.width, before.width), min(extent.height, before.height))
    region = _region(before, extent, (x, y), gravity)
    return Size(int(region.width), int(region.height))


def _refuse_beside_object(
    object: str, search: Search | None, *, gravity: str | Focus | None, x: Length | None, y: Length | None,  # noqa: A002
    align: str | None, sized: bool,
) -> None:  # fmt: skip
    """Raises Failure bad-argument for what says twice where the region is."""
    wanted, weighs = search_of(object), search is not None and search.auto is not None and not search.things
    around = "a region around an object needs"
    refused = (
        (wanted and wanted.auto, "object", "object needs to be found", "for what else matters write gravity=auto"),
        (x is not None or y is not None, "x", f"{around} no x and y", "use align or padding"),
        (gravity and not weighs, "gravity", f"{around} no other gravity than auto", "use align=north"),
        (gravity and align, "align", "align needs no gravity beside it", "leave one of them out"),
        (gravity and not sized, "gravity", "gravity needs a size beside object", "for example crop:400x300,object=dog"),
        (align and not sized, "align", "align needs a size beside object", "for example crop:400x300,object=dog"),
    )
    for wrong, argument, message, hint in refused:
        if wrong:
            raise bad_argument(message, hint=hint, argument=argument)


def _scaling(zoom: float, **arguments: Any) -> Literal["fixed", "commutes"]:
    """What is enlarged, or will perhaps be, needs every pixel."""
    return "commutes" if zoom <= 1 and knows_its_size(**arguments) else "fixed"


def _sees(gravity: str | Focus | None, object: str | None, **_: object) -> frozenset[str]:  # noqa: A002
    return eyes_for(gravity) | eyes_for(object and every(object))


def _sees_then(found: Found, gravity: str | Focus | None, object: str | None, **_: object) -> frozenset[str]:  # noqa: A002
    return eyes_then(gravity, found) | eyes_then(object and every(object), found)


@operation(
    "crop", example="crop:400x300,gravity=north", needs=_sees, then=_sees_then, size=_cropped,
    exact=knows_its_size, scaling=_scaling,
)  # fmt: skip
def crop(
    image: Image,
    size: Annotated[Dimensions | None, WxH()] = None,
    x: Annotated[Length | None, Offset()] = None,
    y: Annotated[Length | None, Offset()] = None,
    gravity: Annotated[str | Focus | None, Gravity()] = None,
    ratio: WantedRatio = None,
    zoom: Annotated[float, Ratio(0.1, 10)] = 1.0,
    object: Annotated[str | None, Gravity(places=False, auto=False)] = None,  # noqa: A002 - a word of the grammar
    index: Annotated[int | None, Int(1, 100)] = None,
    padding: Annotated[float, Ratio(0, 10)] = 0.0,
    align: Annotated[str | None, Choice(tuple(Compass))] = None,
    *,
    scale: Scale,
    found: Found,
) -> Image:
    """Cut a region out, without scaling it.

    A side left out keeps that axis whole; with `ratio` the region is the largest of that ratio inside `size`, or inside
    the picture.

    With `x` or `y` alone they are the top left corner. With a compass `gravity` they go inwards from the edge that it
    names, and from the middle for `center`; with a point (`120:80` in pixels, `0.5:0.3` in fractions) the region is
    centred there, but moved into the picture first. Things to look for (`face`, `cat:dog`) and `auto` ignore them: the
    region is centred on what was found, `auto` takes the best place for it; see `resize`. Without any of it the middle
    is kept.

    Without a size or ratio the region is what was found, as the detector drew it: the largest face, all `faces`
    together, the largest cat; the whole picture where nothing was. `zoom` is for things to look for: the region is as
    many times smaller, and with a size it is scaled to that. Where nothing was found zoom changes nothing.

    `object` names a thing that must be there (`dog`, `cat:dog` for a cat, or else a dog, `animal`, `face`), and `index`
    which one of several: 1, as without it, is the largest. So each object makes a picture of its own. Where there are
    not as many the request fails, 422 `object-not-found`, with how many there are. Without a size the region is the
    object with `padding` of its sides on each; with one, the region of that size that has the object in its middle, or
    where `align` puts it (`align=south`: at the bottom, with its padding below it). `gravity=auto:cat_20` beside a size
    takes, of the regions that hold the object with its padding, the one where most else is that matters.

    Lengths are pixels of the picture at this step, or fractions of it with a decimal point. What stands out is clipped;
    a region wholly outside is an error.
    """
    before = nominal(image.size, scale)
    after = _cropped(before, size, x, y, gravity, ratio, zoom, object, index, padding, align)
    search = search_of(every(object) if object else gravity)
    if search is None:
        region = _region(before, _extent(before, size, ratio), (x, y), gravity)
        return cut(image, *pixels_in(_fraction(region, before), image.size))
    shown = (nth_seen(search, index or 1, found),) if object else things_seen(search, found)
    if not knows_its_size(size, ratio):
        return cut(image, *pixels_in(_around_all(shown, padding, zoom), image.size))
    factor = _factor(before, after, zoom) if shown else 1.0
    width, height = after.width / before.width * factor, after.height / before.height * factor
    if object:
        window = _around_object(shown[0], padding, width, height, found, gravity, align)
    else:
        window = by_gravity(gravity or "", width, height, found, before)
    if factor == 1:
        return cut(image, *pixels_in(window, image.size))
    return taken(image, window, Size(nearest_pixel(after.width * scale.x), nearest_pixel(after.height * scale.y)))


def _fraction(pixels: Box, size: Size) -> Box:
    return Box(pixels.x / size.width, pixels.y / size.height, pixels.width / size.width, pixels.height / size.height)


def _around_object(
    region: Region, padding: float, width: float, height: float, found: Found, gravity: str | Focus | None,
    align: str | None,
) -> Box:  # fmt: skip
    """The window of that size around one object."""
    box = upper(region, height).grown(2 * padding)
    auto = search_of(gravity)
    if auto and auto.auto:
        return best_window(found, width, height, auto.auto, box.clipped() or box)
    return held(box, width, height, align or "center")


def _factor(before: Size, after: Size, zoom: float) -> float:
    """How much larger the region is than the result, at most as far as the picture reaches."""
    return min(1 / zoom, before.width / after.width, before.height / after.height)


def _around_all(shown: Sequence[Region], padding: float, zoom: float) -> Box:
    """The box around all, padded, its sides divided by zoom, inside the picture; without any, the picture."""
    whole = Box(0, 0, 1, 1)
    if not shown:
        return whole
    box = reduce(Box.union, (region.box.grown(2 * padding) for region in shown))
    return box.grown(1 / zoom - 1).clipped() or whole


def _smart_eyes(gravity: str, **_: object) -> frozenset[str]:
    return eyes_for(gravity)


@operation(
    "smart-crop", example="smart-crop:300x300", needs=_smart_eyes, size=exactly, scaling="absorbs", detail=exact_detail
)
def smart_crop(
    image: Image,
    size: Wanted,
    ratio: WantedRatio = None,
    gravity: Annotated[str, Gravity(places=False, things=False)] = "auto",
    *,
    scale: Scale,
    found: Found,
) -> Image:
    """Scale to exactly the wanted size and cut off what matters least.

    The largest window of that ratio is laid where it keeps most of faces, objects and what catches the eye; the largest
    face stays inside with a margin wherever it fits. Smaller pictures are enlarged. A side left out comes from `ratio`,
    or from the ratio of the picture. Of a named person who does not fit the head stays.

    `gravity` says what matters most: `auto:cat:dog` keeps cats and dogs inside where they fit, `auto:person_80:cat_20`
    gives them weights up to 100 (the largest face stays inside like something of 50), `auto:cat_avoid` keeps cats out
    as far as possible. `no_faces` leaves faces aside, `none` faces and objects, so that what catches the eye decides.
    """
    before = nominal(image.size, scale)
    after = exactly(before, size, ratio)
    search = search_of(gravity)
    width, height = largest(Fraction(after.width, after.height), before)
    return taken(image, best_window(found, width, height, (search and search.auto) or ALL), after)
