"""One of several things that were found, by its number; and where in a window it is put."""

from __future__ import annotations

from collections.abc import Sequence

from .attention import all_of
from .failure import Failure, Kind
from .gravity import Compass, Search
from .image import Box, Found, Region


def every(things: str) -> str:
    """The same things to look for, but all faces for the largest one: `face:cat` is faces:cat."""
    return ":".join(dict.fromkeys("faces" if thing == "face" else thing for thing in things.split(":")))


def nth_seen(search: Search, number: int, found: Found) -> Region:
    """Of the first of the things that is there the nth by size; raises Failure object-not-found."""
    for thing in search.things:
        regions = all_of(thing, found)
        if regions:
            return nth(regions, number, "object", found)
    return nth((), number, "object", found)


def nth(regions: Sequence[Region], number: int, what: str, found: Found) -> Region:
    """The nth of regions, from 1; raises Failure object-not-found (or face-not-found) where there are not as many.

    Where a detector did not answer, nobody knows: detector-unavailable.
    """
    if number <= len(regions):
        return regions[number - 1]
    if found.missing:
        raise Failure(
            Kind.UNAVAILABLE, "detector-unavailable", "a detector that is needed did not answer", retry_after=5,
            details={"detectors": [missing.detector for missing in found.missing]},
        )  # fmt: skip
    there = f"{len(regions)} of them" if regions else "none"
    raise Failure(
        Kind.UNPROCESSABLE, f"{what}-not-found", f"{what} number {number} is wanted, but the picture shows {there}",
        details={"wanted": number, "found": len(regions)},
    )  # fmt: skip


def held(box: Box, width: float, height: float, align: str) -> Box:
    """The window of that size, in fractions, that has the box in its middle, or at the side or in the corner that a
    compass word names. It may reach out of the picture, into which `pixels_in` moves it."""
    across, down = Compass[align]
    x, y = box.x - (width - box.width) * across, box.y - (height - box.height) * down
    return Box(x, y, width, height)
