"""What in a picture made a tag: patches of it are covered with gray, and what the tag loses by each is its heat.

Occlusion (Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014), with patches as large as the
thing asks for, around each of its boxes, and the box's own score for the evidence (Petsiuk et al., D-RISE, 2021).
`python -m bench.heat`, YOLO11n on annotated photographs of COCO: the hottest place lies on an annotated object of that
label in 89 % of 94 cases; by EigenCAM (Muhammad and Yeasin, 2020) on any layer in 7 to 29 %, since it tells no label
from another; in the middle of the picture in 27 %. Patches of one size over the whole picture: 46 to 63 % of a sample.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from transforms.image import BETWEEN, HEAT

from .canary import Pulsed
from .found import Box, Found, Mask, PixelArray, Region
from .registry import Loaded, Question, base_of

Heat = NDArray[np.float32]

PLACES, PATCH = 5, 3 / 8  # patches along each side of a box, and their share of that side
PLACES_OF_ALL, PATCH_OF_ALL = 7, 0.22  # the same of the whole picture
MARGIN = 0.5  # longer sides of a box: what is around a thing makes it known, too
THINGS = 2  # boxes that are looked into, the surest: 25 pictures each, half a second of YOLO11n on two cores
SAME = 0.3  # intersection over union with the box, from which what is still found there is the same thing
SIDE = 80  # longest side of the map
HOT = 0.5  # of the greatest heat: where the box of it ends
GRAY = 114  # as what YOLO pads pictures with
LONGEST_S = 4.0  # as long as a render waits for detectors; whoever else asks the model waits behind it


class Explaining:
    """A model in memory that also says what in a picture made one of its labels."""

    def __init__(self, inner: Loaded) -> None:
        self.inner = inner
        self.batch = inner.batch
        if isinstance(inner, Pulsed):
            self.pulse = inner.pulse

    def find(self, questions: Sequence[Question]) -> list[Found]:
        plain = [question for question in questions if not question.argument.startswith(HEAT)]
        answers = iter(self.inner.find(plain) if plain else ())
        return [
            self._explained(question) if question.argument.startswith(HEAT) else next(answers)
            for question in questions
        ]  # fmt: skip

    def _explained(self, question: Question) -> Found:
        labels = frozenset(question.argument.removeprefix(HEAT).split(BETWEEN))
        asked = _Asked(self.inner, base_of(question.kind), question.pixels, labels)
        region = asked.explained()
        return Found((replace(region, by=question.kind),) if region else ())


@dataclass(frozen=True)
class _Evidence:
    """A thing with one of the labels: its box, None for the whole picture, and its score."""

    label: str
    score: float
    box: Box | None


@dataclass(frozen=True)
class _Asked:
    """One question to a model. `labels` are all the same to it."""

    model: Loaded
    kind: str
    pixels: PixelArray
    labels: frozenset[str]
    until: float = field(default_factory=lambda: time.monotonic() + LONGEST_S)

    def explained(self) -> Region | None:
        """The heat of the surest things together, its score that of the surest; None where there is none of them."""
        things = sorted(self._evidence(self._look([self.pixels])[0]), key=lambda thing: -thing.score)
        if not things:
            return None
        height, width = self.pixels.shape[:2]
        scale = SIDE / max(height, width)
        heat = np.zeros((max(1, round(height * scale)), max(1, round(width * scale))), np.float32)
        for number, thing in enumerate(things[:THINGS]):
            if number and time.monotonic() > self.until - LONGEST_S / 2:
                break  # a slow model: rather one thing than none
            heat = np.maximum(heat, self._heat_of(thing, heat.shape[1], heat.shape[0]))
        return _region(things[0].label, things[0].score, heat)

    def _heat_of(self, thing: _Evidence, width: int, height: int) -> Heat:
        """What the thing loses by each patch, spread over the patch; the mean where patches overlap."""
        lost, times = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
        patches = list(_patches(thing.box))
        for patch, left in zip(patches, self._left(thing, patches), strict=True):
            rows, columns = _slices(patch, width, height)
            lost[rows, columns] += max(0.0, thing.score - left)
            times[rows, columns] += 1
        mean = lost / np.maximum(times, 1)
        return np.asarray(cv2.GaussianBlur(mean, (0, 0), 1.5), np.float32)

    def _left(self, thing: _Evidence, patches: Sequence[Box]) -> Iterator[float]:
        """The score that the thing keeps behind each patch."""
        height, width = self.pixels.shape[:2]
        for begin in range(0, len(patches), self.model.batch):
            if time.monotonic() > self.until:
                raise TimeoutError("to look at all of it takes this model too long")
            covered = []
            for patch in patches[begin : begin + self.model.batch]:
                picture = self.pixels.copy()
                picture[_slices(patch, width, height)] = GRAY
                covered.append(picture)
            for found in self._look(covered):
                yield max((one.score for one in self._evidence(found) if _is_same(one, thing)), default=0.0)

    def _look(self, pictures: Sequence[PixelArray]) -> list[Found]:
        return self.model.find([Question(self.kind, picture) for picture in pictures])

    def _evidence(self, found: Found) -> Iterator[_Evidence]:
        for region in found.regions:
            if region.label in self.labels:
                yield _Evidence(region.label, region.score, region.box)
        for tag in found.tags:
            if tag.name in self.labels:
                yield _Evidence(tag.name, tag.score, None)


def _patches(box: Box | None) -> Iterator[Box]:
    """Patches all over a box and around it, or over the picture; what of them lies outside of it is left out."""
    area = box.grown(MARGIN) if box else Box(0, 0, 1, 1)
    places, patch = (PLACES, PATCH) if box else (PLACES_OF_ALL, PATCH_OF_ALL)
    width, height = area.width * patch, area.height * patch
    for y in np.linspace(area.y, area.bottom, places).tolist():
        for x in np.linspace(area.x, area.right, places).tolist():
            inside = Box(x - width / 2, y - height / 2, width, height).clipped()
            if inside:
                yield inside


def _slices(box: Box, width: int, height: int) -> tuple[slice, slice]:
    """Rows and columns of a box inside a picture of that many pixels, at least one of each."""
    left, top = min(int(box.x * width), width - 1), min(int(box.y * height), height - 1)
    return slice(top, max(top + 1, round(box.bottom * height))), slice(left, max(left + 1, round(box.right * width)))


def _is_same(one: _Evidence, thing: _Evidence) -> bool:
    return one.label == thing.label and (
        one.box is None or thing.box is None or one.box.overlap(thing.box) > SAME
    )  # fmt: skip


def _region(label: str, score: float, heat: Heat) -> Region:
    """The map as a mask over the whole picture, 255 where it is hottest, with the box around what is hot."""
    height, width = heat.shape
    hottest = float(heat.max())
    levels = np.rint(heat / (hottest or 1.0) * 255).astype(np.uint8)
    rows, columns = np.nonzero(levels >= HOT * 255) if hottest else (np.arange(height), np.arange(width))
    left, top, right, bottom = map(int, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    box = Box.between(left / width, top / height, right / width, bottom / height)
    return Region(label, score, box, mask=Mask(width, height, levels.tobytes()))
