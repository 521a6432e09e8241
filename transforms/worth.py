"""How much a window is worth for what it shows: faces, objects, and what is named, in the units of the heaviest object.

Measured on 37 photographs with 37 plain faces and 48 of COCO, to 1:1, 16:9 and 9:16 (before: one weight by the square
root of its area for everything): faces that stay whole 96 of the 96 that the best windows hold (91), the largest
annotated object's centre in 0.94 (0.86), 60 % of its area in 0.85 (0.77; no window can in 0.11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from .image import Box, Region
from .labels import GROUPS
from .windows import Worth

FACE_WEIGHT = 16.0  # of the largest face: more than all objects together
ROOM_WEIGHT = 0.1  # of a face's weight, for the rest of the head
FACE_MARGIN = 0.08  # of the sides of a face, on each; less where the window has no room for it
LONE_WEIGHT = 0.25  # of a face that no person has
LONE_SCORE = 0.8  # 4 of 5 false faces lie in no person and score less; all 48 true ones that were checked lie in one
WISH_WEIGHT = 32.0  # of the largest thing that is named at weight 100
OTHERS_WEIGHT = 0.5  # beside the heaviest object: several smaller ones do not outweigh it soon
CENTRE_WEIGHT = 0.4  # of an object's weight, for its centre in the middle of the window
HEAD_WEIGHT = 0.3  # of a body's weight, for its head
HEAD = 0.25  # of a body's height
SAME_PLACE = 0.6  # intersection over union from which two boxes are one thing that goes by two names
FACE_SUBJECT = 3.0  # how much more a face weighs than an object as large, among what a picture is about
LIKELY = 0.4  # score from which a thing counts, together with the other names that it goes by

HEADED = frozenset({"person", *GROUPS["animal"]})
"""Labels of bodies, whose upper end is their head unless they lie."""


def head_of(face: Box) -> Box:
    """The room of a head. Detectors draw a face from brow or hairline to chin; it is 55 % as high as this."""
    return Box.between(
        face.x - 0.34 * face.width, face.y - 0.46 * face.height,
        face.right + 0.34 * face.width, face.bottom + 0.36 * face.height,
    )  # fmt: skip


def upper(region: Region, height: float) -> Box:
    """The box of a thing; of a body that does not fit, what begins with the head and leaves some room above it."""
    box, most = region.box, height * 0.8
    return Box(box.x, box.y, box.width, most) if region.label in HEADED and box.height > height else box


def of_faces(faces: Sequence[Region], people: Sequence[Region]) -> Iterator[Worth]:
    """Each face as a whole, and softly its head. Two that are a little smaller are worth more than the largest one."""
    largest = max((face.box.area for face in faces), default=0.0)
    for face in faces:
        weight = FACE_WEIGHT * (face.box.area / largest) ** 0.5
        if face.score < LONE_SCORE and not any(_holds(person.box, face.box) for person in people):
            weight *= LONE_WEIGHT
        yield Worth(face.box, weight, "whole", FACE_MARGIN)
        yield Worth(head_of(face.box), ROOM_WEIGHT * weight, "share")


def of_objects(objects: Iterable[Region], height: float) -> Iterator[Worth]:
    """Each object by its area and score, to a window of that height; all but the heaviest count less."""
    weighed = [(region.box.area * region.score, region) for region in likely(objects)]
    heaviest = max((weight for weight, _ in weighed), default=0.0)
    for weight, region in weighed:
        yield from _of_object(region, weight / heaviest * (1.0 if weight == heaviest else OTHERS_WEIGHT), height)


def of_named(named: Sequence[tuple[Region, int]], height: float) -> Iterator[Worth]:
    """What is named, each with its weight up to 100, to a window of that height; more than anything that is not."""
    largest = max((region.box.area for region, _ in named), default=0.0)
    for region, weight in named:
        yield from _of_object(region, WISH_WEIGHT * weight / 100 * (region.box.area / largest) ** 0.5, height)


def _of_object(region: Region, weight: float, height: float) -> Iterator[Worth]:
    box = upper(region, height).clipped()
    if box is None:
        return
    yield Worth(box, weight, "share")
    yield Worth(box, CENTRE_WEIGHT * weight, "centre")
    if region.label == "face":
        yield Worth(head_of(box), HEAD_WEIGHT * weight, "share")
    elif region.label in HEADED:
        yield Worth(replace(box, height=HEAD * box.height), HEAD_WEIGHT * weight, "share")


def likely(objects: Iterable[Region]) -> list[Region]:
    """The objects that are sure, or that several names for the same place make likely: a truck is a car to some degree.

    Each place stands there once, under its best name, with the score of all of them.
    """
    places: list[Region] = []
    for region in sorted(objects, key=lambda region: -region.score):
        at = next((at for at, place in enumerate(places) if place.box.overlap(region.box) > SAME_PLACE), None)
        if at is None:
            places.append(region)
        else:
            known = places[at]
            score = 1 - (1 - known.score) * (1 - region.score)
            places[at] = replace(known, score=score, sure=known.sure or region.sure)
    return [place for place in places if place.sure or place.score >= LIKELY]


def apart(regions: Iterable[Region]) -> tuple[Region, ...]:
    """Things of one name, each once: without what lies where another model saw one that comes before it."""
    kept: list[Region] = []
    for region in regions:
        if not any(other.by != region.by and other.box.overlap(region.box) > SAME_PLACE for other in kept):
            kept.append(region)
    return tuple(kept)


def _holds(box: Box, other: Box) -> bool:
    x, y = other.centre
    return box.x <= x <= box.right and box.y <= y <= box.bottom
