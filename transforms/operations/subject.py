"""The subject without the rest: background-removal, cut-out and blur-background."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Annotated, Literal

import numpy as np

from ..effects.cutting import before_blur, cut
from ..failure import Failure, Kind
from ..image import Found, Frame, PixelArray, Region
from ..masks import shape
from ..params import Int, Ratio
from ..registry import operation
from ..subjects import MASKS, MATTE, THINGS, kinds_of, main, masks_of, named

By = Literal["objects", "matting"]
Fallback = Literal["keep", "clear", "fail"]

EDGE = 0.006  # of the longer side: how wide the edge may be in which colours of subject and background are mixed
WIDEST_EDGE = 12  # px
BLUR = 0.02  # of the longer side: the standard deviation at strength 1


def _subject_kinds(by: By, **_: object) -> frozenset[str]:
    return frozenset({MATTE} if by == "matting" else {MASKS, "faces"})


def _more_kinds(found: Found, by: By, **_: object) -> frozenset[str]:
    """The other way, where the one that was asked for did not answer, or a matte shows nothing."""
    if by == "matting":
        return frozenset() if found.by(MATTE) else frozenset({MASKS, "faces"})
    return frozenset({MATTE} if any(missing.detector == MASKS for missing in found.missing) else ())


def _subject(found: Found, by: By) -> tuple[Region, ...]:
    matte, objects = found.by(MATTE), main(found)
    return (matte or objects) if by == "matting" else (objects or matte)


@operation(
    "background-removal", example="background-removal", needs=_subject_kinds, then=_more_kinds, scaling="commutes"
)
def background_removal(frame: Frame, by: By = "objects", fallback: Fallback = "keep", *, found: Found) -> Frame:
    """Make everything transparent but what the picture is about.

    With `by=objects` that is the thing that weighs most, by its size, its place and how sure the model is of it, people
    whose face is seen before others; what weighs half as much stays too, and what a person holds. `by=matting` asks a
    model that knows no names, but finer edges; each stands in for the other where that is not installed (see
    docs/subjects.md). Where nothing stands out, `fallback` says what is sent: the picture as it is (`keep`), nothing
    but transparency (`clear`), or an error (`fail`, `no-subject`).
    """
    regions = _subject(found, by)
    return _cut(frame, regions, found, _subject_kinds(by), fallback)


def _kinds(things: tuple[str, ...], **_: object) -> frozenset[str]:
    return kinds_of(things)


@operation("cut-out", example="cut-out:person", needs=_kinds, scaling="commutes")
def cut_out(
    frame: Frame,
    things: Annotated[tuple[str, ...], THINGS],
    index: Annotated[int | None, Int(1, 100)] = None,
    fallback: Fallback = "keep",
    *,
    found: Found,
) -> Frame:
    """Make everything transparent but all things of a label (`dog`), a group (`vehicle`), or several (`person:dog`).

    `index` keeps only one of them, 1 being the largest. The operator's models that draw masks may be named too, and
    their labels. Where there is no such thing, `fallback` says what is sent, as of `background-removal`.
    """
    return _cut(frame, named(found, things, index), found, kinds_of(things), fallback)


@operation("blur-background", example="blur-background", needs=_subject_kinds, then=_more_kinds, scaling="commutes")
def blur_background(
    frame: Frame, strength: Annotated[float, Ratio(0.1, 10)] = 1.0, by: By = "objects", *, found: Found
) -> Frame:
    """Blur everything but what the picture is about, as a lens with a wide opening does.

    What stays sharp is what `background-removal` would leave. At `strength=1` the standard deviation of the blur is
    2 % of the longer side. Colours of the subject do not shine out. Where nothing stands out the picture stays as it
    is: this is for looks, and hides nothing for certain; to hide faces use `blur-faces`.
    """
    regions = _subject(found, by)
    if not regions:
        return frame
    sigma = max(0.3, BLUR * strength * frame.size.long_side)
    return frame.with_pixels(before_blur(frame.pixels, _shape(regions, frame.pixels), sigma, _edge(frame)))


def _cut(frame: Frame, regions: Sequence[Region], found: Found, kinds: frozenset[str], fallback: Fallback) -> Frame:
    if regions:
        return frame.with_pixels(cut(frame.pixels, _shape(regions, frame.pixels), _edge(frame)))
    if fallback == "fail":
        raise _nothing(found, kinds)
    if fallback == "keep":
        return frame
    return frame.with_pixels(cut(frame.pixels, np.zeros(frame.pixels.shape[:2], np.uint8), 1))


def _nothing(found: Found, kinds: frozenset[str]) -> Failure:
    silent = sorted(missing.detector for missing in found.missing if missing.detector in kinds - {"faces"})
    if silent:
        return Failure(
            Kind.UNAVAILABLE, "detector-unavailable", "the model that draws masks did not answer",
            hint="see /models for what is installed", retry_after=5, details={"detectors": silent},
        )  # fmt: skip
    return Failure(
        Kind.UNPROCESSABLE, "no-subject", "nothing that was looked for stands out in the picture",
        hint="leave out fallback=fail to get the picture as it is",
    )  # fmt: skip


def _shape(regions: Sequence[Region], pixels: PixelArray) -> PixelArray:
    """Where the regions are, (h, w). A matte's soft edge is meant so; that of other masks is but coarse."""
    return shape(masks_of(regions), pixels, fine=all(region.by == MATTE for region in regions))


def _edge(frame: Frame) -> int:
    return max(1, min(WIDEST_EDGE, ceil(EDGE * frame.size.long_side)))
