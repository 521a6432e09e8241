"""Where to look: what was found of what is looked for, and which window of a picture keeps what matters in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from math import sqrt
from typing import Literal

from .geometry import around
from .gravity import Compass, Focus, Search, Wishes, search_of
from .image import Box, Found, Region, Size
from .labelled import is_one, knowing
from .labels import GROUPS
from .windows import Worth, heaviest
from .worth import FACE_SUBJECT, apart, head_of, likely, of_faces, of_named, of_objects, upper

FACE_PRIORITY = 50  # the largest face stays in sight like something named at this weight
MUST_MARGIN = 0.2  # of the sides of what must stay in sight, kept around it
SUBJECT_SHARE = 0.25  # of the heaviest thing's weight; what weighs less is no subject

ALL = Wishes()


# What is asked for


def eyes_for(gravity: str | Focus | None) -> frozenset[str]:
    """The kinds of detections that a gravity asks for at first: those of the first thing that it looks for."""
    search = search_of(gravity)
    if search is None:
        return frozenset()
    if search.things:
        return frozenset({"largest-face"}) if search.things[0] == "face" else _kinds_of(search.things[0])
    return _kinds_for(search.auto or ALL)


def eyes_then(gravity: str | Focus | None, found: Found) -> frozenset[str]:
    """The kinds that a gravity asks for once the first look is known: none where that decides already.

    There is no third look, so that all that may be needed is asked for.
    """
    search, asked = search_of(gravity), eyes_for(gravity)
    if search is None or not search.things:
        return frozenset()
    for at, thing in enumerate(search.things):
        if at and not _kinds_of(thing) <= asked:
            return _kinds_of_rest(search, at)
        if seen(thing, found):
            return frozenset()
        if thing == "face":  # the quick look for the largest face misses some
            return _kinds_of_rest(search, at)
    return _kinds_of_rest(search, len(search.things))


def _kinds_of_rest(search: Search, at: int) -> frozenset[str]:
    auto = _kinds_for(search.auto) if search.auto else frozenset[str]()
    return auto.union(*(_kinds_of(thing) for thing in search.things[at:]))


def _kinds_of(thing: str) -> frozenset[str]:
    if thing in ("face", "faces", "text"):
        return frozenset({"text" if thing == "text" else "faces"})
    return frozenset(knowing(thing))


def _kinds_for(wishes: Wishes) -> frozenset[str]:
    usual = {"all": {"faces", "objects", "saliency"}, "no_faces": {"objects", "saliency"}, "none": {"saliency"}}
    return frozenset(usual[wishes.base]).union(*(_kinds_of(wish.thing) for wish in wishes.things))


# What of it was found


def seen(thing: str, found: Found) -> tuple[Region, ...]:
    """The regions that are such a thing, the largest first; of a face or an object only the largest."""
    if thing == "faces":
        return _by_size(found.faces)
    if thing == "text":
        return _by_size(region for region in found.by("text") if region.sure)
    regions = found.faces if thing == "face" else _objects(found, thing)
    return _by_size(regions)[:1]


def things_seen(search: Search | None, found: Found) -> tuple[Region, ...]:
    """The regions of the first of the things that is there."""
    for thing in search.things if search else ():
        regions = seen(thing, found)
        if regions:
            return regions
    return ()


def _objects(found: Found, thing: str) -> Iterator[Region]:
    """What models are sure is such a thing."""
    known = knowing(thing)
    return (region for region in found.regions if is_one(region, known))


def _by_size(regions: Iterable[Region]) -> tuple[Region, ...]:
    return tuple(sorted(regions, key=lambda region: (-region.box.area, -region.score)))


def largest_of(regions: Iterable[Region]) -> Region:
    """The one that covers most; the surer one of equals."""
    return max(regions, key=lambda region: (region.box.area, region.score))


def room_of(region: Region) -> Box:
    """A thing with what has to be around it."""
    return head_of(region.box) if region.label == "face" else region.box.grown(MUST_MARGIN)


# Where the window is


def by_gravity(gravity: str | Focus, width: float, height: float, found: Found, picture: Size) -> Box:
    """The window of that size (in fractions) that the gravity holds on to; the middle where nothing was found."""
    if isinstance(gravity, Focus):
        return around(gravity.within(picture.width, picture.height), width, height)
    if gravity in Compass:
        across, down = Compass[gravity]
        return Box((1 - width) * across, (1 - height) * down, width, height)
    search = search_of(gravity)
    shown = things_seen(search, found)
    if len(shown) > 1:
        return window_over(shown, width, height)
    if shown:
        return around(upper(shown[0], height).centre, width, height)
    if search and search.auto:
        return best_window(found, width, height, search.auto)
    return around((0.5, 0.5), width, height)


def window_over(shown: Sequence[Region], width: float, height: float) -> Box:
    """The window that keeps most of several things whole, the largest of them with a margin in any case."""
    ordered = _by_size(shown)
    weights = [sqrt(region.box.area) for region in ordered]
    worths = [
        Worth(box, weight / weights[0] * share, how)
        for region, weight in zip(ordered, weights, strict=True)
        for box, share, how in _rooms(region)
    ]
    return heaviest(width, height, worths, must=_must(ordered, width, height))


def _rooms(region: Region) -> Iterator[tuple[Box, float, Literal["share", "whole"]]]:
    """A thing as a whole, and less of its weight for what has to be around it."""
    yield region.box, 1.0, "whole"
    yield room_of(region), 0.5, "share"


def closeup(shown: Sequence[Region], widest: float, highest: float, zoom: float) -> Box:
    """The window around things with their room, of the ratio of the largest one (widest, highest in fractions).

    Moved into the picture, and smaller where the picture is: then as much of several things as possible. Of a body that
    does not fit, into the picture or for its zoom, the upper end.
    """
    room = reduce(Box.union, map(room_of, shown))
    width = max(room.width, room.height * widest / highest) / zoom
    if width >= widest and len(shown) > 1:
        return window_over(shown, widest, highest)
    width, height = min(width, widest), min(width * highest / widest, highest)
    begins = upper(shown[0], height)
    return around(room.centre if begins is shown[0].box or len(shown) > 1 else begins.centre, width, height)


def best_window(found: Found, width: float, height: float, wishes: Wishes = ALL, subject: Box | None = None) -> Box:
    """The window of that size (in fractions) that keeps most of what matters: faces, objects and saliency.

    As many faces as fit stay whole, large ones before small ones; then the heaviest object counts most. What is named
    in the wishes, and then the largest face too, stays inside with a margin where it fits, in the order of the weights,
    whatever the rest weighs; what is to be avoided stays out as far as that leaves room. With a `subject` that stays
    inside instead.
    """
    matter = _matter(found, wishes)
    must = subject or (_must(matter.firmly(), width, height) if wishes.things else None)
    people = [region for region in found.by("objects") if region.label == "person"]
    worths = [
        *of_named(matter.named, height), *of_faces(matter.faces, people), *of_objects(matter.objects, height)
    ]  # fmt: skip
    return heaviest(width, height, worths, found.saliency, must=must, avoided=matter.avoided)


def subject_of(found: Found, wishes: Wishes = ALL) -> Box | None:
    """The box, with its margin, around all that matters: what is named, or else all faces and objects of weight."""
    matter = _matter(found, wishes)
    named = [region for region, _ in matter.named]
    weighed = [(FACE_SUBJECT * sqrt(face.box.area), face) for face in matter.faces]
    weighed += [(sqrt(region.box.area) * region.score, region) for region in likely(matter.objects)]
    least = SUBJECT_SHARE * max((weight for weight, _ in weighed), default=0.0)
    rooms = [room_of(region) for region in named or [region for weight, region in weighed if weight >= least]]
    return reduce(Box.union, rooms).clipped() if rooms else None


@dataclass(frozen=True, slots=True)
class _Matter:
    """What is named, each with its weight; the faces and objects that matter unasked, the largest first; what is not
    to be seen."""

    named: tuple[tuple[Region, int], ...]
    faces: tuple[Region, ...]
    objects: tuple[Region, ...]
    avoided: tuple[Box, ...]

    def firmly(self) -> list[Region]:
        """What stays inside, the first first: what is named, and the largest face as if it were at FACE_PRIORITY."""
        ordered = sorted(
            [(-weight, False, region) for region, weight in self.named]
            + [(-FACE_PRIORITY, True, face) for face in self.faces[:1]],
            key=lambda entry: entry[:2],
        )
        return [region for *_, region in ordered]


def _matter(found: Found, wishes: Wishes) -> _Matter:
    wished = _wished(found, wishes)
    shunned = (region.box.clipped() for region, weight in wished.items() if weight is None)
    avoided = tuple(box for box in shunned if box)

    def unasked(regions: Iterable[Region]) -> tuple[Region, ...]:
        return tuple(region for region in regions if region not in wished and not _lies_in(region, avoided))

    return _Matter(
        tuple((region, weight) for region, weight in wished.items() if weight),
        unasked(_by_size(found.faces if wishes.base == "all" else ())),
        unasked(_by_size(found.by("objects") if wishes.base != "none" else ())),
        avoided,
    )


def _wished(found: Found, wishes: Wishes) -> dict[Region, int | None]:
    """The weight of everything that a wish names, the largest first; a label says more than its group."""
    wished: dict[Region, int | None] = {}
    for wish in sorted(wishes.things, key=lambda wish: wish.thing in GROUPS):
        for region in all_of(wish.thing, found):
            wished.setdefault(region, wish.weight)
    return wished


def all_of(thing: str, found: Found) -> tuple[Region, ...]:
    """All regions that are such a thing, the largest first; of `face` only that."""
    return seen(thing, found) if thing in ("face", "faces", "text") else apart(_by_size(_objects(found, thing)))


def _lies_in(region: Region, boxes: Iterable[Box]) -> bool:
    x, y = region.box.centre
    return any(box.x <= x <= box.right and box.y <= y <= box.bottom for box in boxes)


def _must(regions: Iterable[Region], width: float, height: float) -> Box | None:
    """What has to stay inside: the first thing with a margin, and each further one that fits in with those before it.

    Of a person who does not fit only what begins with the head.
    """
    must: Box | None = None
    for region in regions:
        box = upper(region, height)
        room = (box if box is not region.box else box.grown(2 * MUST_MARGIN)).clipped() or box
        both = must.union(room) if must else room
        if must is None or (both.width <= width and both.height <= height):
            must = both
    return must
