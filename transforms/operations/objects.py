"""Around what is looked for, or around all that matters: object-crop and fill-pad."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from typing import Annotated

from ..attention import ALL, best_window, closeup, eyes_for, eyes_then, room_of, subject_of, things_seen
from ..failure import Failure, bad_argument
from ..geometry import around, largest, nominal, resampled, taken
from ..gravity import search_of
from ..image import Box, Found, Image, Region, Scale, Size
from ..numbered import every, held, nth_seen
from ..paint import on_backdrop
from ..params import TRANSPARENT, Backdrop, BackdropText, Choice, Compass, Dimensions, Gravity, Int, Ratio
from ..registry import operation
from ..sizes import Wanted, WantedRatio, exact_detail, exactly, fitted, magnified


def _window(
    before: Size, after: Size, found: Found, gravity: str, zoom: float, index: int | None, padding: float,
    align: str,
) -> Box:  # fmt: skip
    """The part of the picture to show, in fractions; always of the ratio of `after`."""
    widest, highest = largest(Fraction(after.width, after.height), before)
    search = search_of(every(gravity) if index else gravity)
    shown = (nth_seen(search, index, found),) if search and index else things_seen(search, found)
    if shown:
        zoom /= 1 + 2 * padding
        window = closeup(shown, widest, highest, zoom)
        return window if align == "center" else held(_room(shown, zoom), window.width, window.height, align)
    if search and search.auto:
        return best_window(found, widest, highest, search.auto)
    return around((0.5, 0.5), widest, highest)


def _room(shown: Sequence[Region], zoom: float) -> Box:
    """Things with all that is to be shown around them."""
    return reduce(Box.union, map(room_of, shown)).grown(1 / zoom - 1)


def _cut(
    before: Size, size: Dimensions, gravity: str, index: int | None, ratio: Fraction | None, **_: object
) -> Size:  # fmt: skip
    search = search_of(gravity)
    if index and search and search.auto:
        raise bad_argument(
            "the object of an index needs to be found, auto takes another place where it is not",
            hint="leave auto out, or index", argument="index",
        )  # fmt: skip
    return exactly(before, size, ratio)


def _detail(
    before: Size, found: Found | None, size: Dimensions, gravity: str, zoom: float, ratio: Fraction | None,
    index: int | None, padding: float, align: str,
) -> float | None:  # fmt: skip
    if found is None:
        return None
    after = exactly(before, size, ratio)
    try:
        window = _window(before, after, found, gravity, zoom, index, padding, align)
    except Failure:  # which the step will say itself
        return 0.0
    return magnified(before, after, window.width, window.height)


def _eyes(gravity: str, index: int | None = None, **_: object) -> frozenset[str]:
    return eyes_for(every(gravity) if index else gravity)


def _more_eyes(found: Found, gravity: str, index: int | None, **_: object) -> frozenset[str]:
    return eyes_then(every(gravity) if index else gravity, found)


@operation(
    "object-crop",
    example="object-crop:200x200,gravity=cat:dog",
    needs=_eyes,
    then=_more_eyes,
    size=_cut,
    scaling="absorbs",
    detail=_detail,
)
def object_crop(
    image: Image,
    size: Wanted,
    gravity: Annotated[str, Gravity(places=False, auto=False)],
    zoom: Annotated[float, Ratio(0.1, 10)] = 1.0,
    ratio: WantedRatio = None,
    index: Annotated[int | None, Int(1, 100)] = None,
    padding: Annotated[float, Ratio(0, 10)] = 0.0,
    align: Annotated[str, Choice(tuple(Compass))] = "center",
    *,
    scale: Scale,
    found: Found,
) -> Image:
    """Cut around a thing, in the ratio of the wanted size, then scale to exactly that size.

    `gravity` names what is looked for, each tried until one is found: an object (`cat`), a group (`vehicle`), `body`,
    `face` or `faces`; see `resize`. The window holds the largest of its kind with a margin of a tenth on each side
    (heads have more room, see `face-crop`); `zoom=2` shows half as much, `zoom=0.5` twice as much, and `padding` adds
    so much of that room on each side. It is moved into the picture, and made smaller where the picture is. Where
    nothing is found the window is the largest of that ratio, in the middle, or with `auto` at the end of the chain at
    the best place. Small things are enlarged. Of a person or an animal that does not fit the upper end stays.

    `index` takes the nth by size instead, 1 being the largest; where there are not as many the request fails, 422
    `object-not-found`, with how many there are. `align` says where in the window the thing is put, with its margin:
    `align=south` at the bottom, as far as the picture reaches.
    """
    before = nominal(image.size, scale)
    after = _cut(before, size, gravity, index, ratio)
    return taken(image, _window(before, after, found, gravity, zoom, index, padding, align), after)


@operation(
    "fill-pad", example="fill-pad:300x300,background=auto", needs=_eyes, size=exactly, scaling="absorbs",
    detail=exact_detail,
)  # fmt: skip
def fill_pad(
    image: Image,
    size: Wanted,
    ratio: WantedRatio = None,
    background: Annotated[Backdrop, BackdropText()] = TRANSPARENT,
    gravity: Annotated[str, Gravity(places=False, things=False)] = "auto",
    *,
    scale: Scale,
    found: Found,
) -> Image:
    """Scale to exactly the wanted size; cut as `smart-crop` does where all that matters fits in, else pad.

    What matters are faces and objects, but for those that are small beside the others, or what `gravity` names
    (`auto:cat`), with a margin. If the largest window of the ratio cannot hold all of it, nothing is cut: the whole
    picture stands in the middle of the canvas, and `background`, as of `pad`, fills the rest. Where nothing is found
    there is nothing to lose, and it is cut. A side left out comes from `ratio`, or from the ratio of the picture.
    """
    before = nominal(image.size, scale)
    after = exactly(before, size, ratio)
    search = search_of(gravity)
    wishes = (search and search.auto) or ALL
    width, height = largest(Fraction(after.width, after.height), before)
    subject = subject_of(found, wishes)
    if subject is None or (subject.width <= width + 1e-9 and subject.height <= height + 1e-9):
        return taken(image, best_window(found, width, height, wishes, subject), after)
    inner = resampled(image, fitted(before, Fraction(after.width), Fraction(after.height), enlarge=True))
    left, top = (after.width - inner.size.width) // 2, (after.height - inner.size.height) // 2
    return on_backdrop(inner, after, left, top, background)
