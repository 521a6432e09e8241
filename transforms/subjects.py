"""Which of the masks that were found are wanted: those of the main subject, or of things by their labels."""

from __future__ import annotations

from collections.abc import Iterable
from math import hypot, sqrt

import numpy as np

from .image import Box, Found, Mask, Region
from .labelled import Thing, is_one, knowing
from .labels import GROUPS
from .several import Several
from .worth import FACE_SUBJECT, apart

MASKS, MATTE = "masks", "matte"
"""Kinds of detections: a mask of each thing, and one of whatever stands out."""

ALIKE = 0.5  # of the main thing's weight: a couple stays together, passers-by go
OFF_CENTRE = 0.5  # what weighs in the middle counts for half in a corner
HELD = GROUPS["accessory"] | GROUPS["sports"] | {"cell_phone"}
REACH = 0.2  # of a person's sides, by which what it holds may stand out
WITHIN = 0.5  # share of a thing's box from which on it is held

THINGS = Several(Thing(), 8)
"""What can be cut out."""


def main(found: Found) -> tuple[Region, ...]:
    """What the picture is about, of what was masked: the heaviest thing, what weighs half as much, and what these hold.

    Weights are those of smart crops: the root of the area times the score, and of a person whose face is seen three
    times the root of the face's besides; what lies off the middle weighs less. Empty where nothing was masked.
    """
    things = [region for region in found.by(MASKS) if region.sure and region.mask]
    weights = {region: _weight(region, found, things) for region in things}
    least = ALIKE * max(weights.values(), default=0.0)
    chosen = [region for region in things if weights[region] >= least]
    people = [region.box.grown(REACH) for region in chosen if region.label == "person"]
    held = (region for region in things if region not in chosen and _is_held(region, people))
    return (*chosen, *held)


def _weight(region: Region, found: Found, things: Iterable[Region]) -> float:
    x, y = region.box.centre
    away = min(1.0, hypot(x - 0.5, y - 0.5) / hypot(0.5, 0.5))
    faces = [face.box for face in found.faces if _owner(face.box, things) is region]
    weight = region.score * sqrt(_area(region)) + FACE_SUBJECT * sum(sqrt(face.area) for face in faces)
    return weight * (1 - OFF_CENTRE * away)


def _area(region: Region) -> float:
    """The share of the picture that a mask covers, what lies outside of it aside."""
    mask = region.mask
    if mask is None:
        return 0.0
    a, b, _, d, e, _ = mask.at
    return min(region.box.area, float(np.frombuffer(mask.data, np.uint8).mean()) / 255 * abs(a * e - b * d))


def _owner(face: Box, things: Iterable[Region]) -> Region | None:
    """The smallest person around a face."""
    x, y = face.centre
    around = [
        region for region in things
        if region.label == "person" and region.box.x <= x <= region.box.right and region.box.y <= y <= region.box.bottom
    ]  # fmt: skip
    return min(around, key=lambda region: region.box.area, default=None)


def _is_held(region: Region, people: Iterable[Box]) -> bool:
    if region.label.replace(" ", "_") not in HELD:
        return False
    return any(region.box.shared(person) >= WITHIN * region.box.area for person in people)


def kinds_of(words: Iterable[str]) -> frozenset[str]:
    """The kinds of detections that mask things of those words: of what the operator's models know, theirs."""
    return frozenset(kind for word in words for kind in knowing(word, MASKS, masks=True))


def named(found: Found, words: Iterable[str], index: int | None = None) -> tuple[Region, ...]:
    """What was masked of things of those words, the largest first; with an `index` from 1 only that one of them."""
    known = [knowing(word, MASKS, masks=True) for word in words]
    regions = [region for region in found.regions if region.mask and any(is_one(region, one) for one in known)]
    largest_first = sorted(regions, key=lambda region: (-region.box.area, -region.score, region.box.x, region.box.y))
    return tuple(largest_first) if index is None else apart(largest_first)[index - 1 : index]


def masks_of(regions: Iterable[Region]) -> tuple[Mask, ...]:
    return tuple(region.mask for region in regions if region.mask)
