"""YOLO of any form: which boxes, poses and words of a network are told, under which names, and which of them are sure.

The networks themselves are runners, their numbers are read by heads.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .found import Box, Found, Mask, PixelArray, Region, Tag
from .heads import Head, Things, read, read_classes
from .letterbox import Fit, centred, letterbox
from .manifest import Model, Unlike
from .registry import Question, base_of
from .runners import Runner

Floats = NDArray[np.float32]

MOST = 100  # things in one picture

SAME_PLACE = 0.8
"""Intersection over union from which two boxes are one thing under two labels, of which the likelier is sure: a bear
where there is a cat, a car that is a truck. On 85 photographs with 203 tags it takes five wrong ones and two right
ones, for 0.1 ms; 0.6 to 0.9 do the same."""

VISIBLE = 0.5
"""How sure a joint must be to be told."""

JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""COCO's, in its order; left and right are the person's own. Joints of other models are point_1, point_2 …"""


class Yolo:
    """A YOLO network in memory, to be asked by one thread at a time; `labels` are its classes, as they are spelt."""

    def __init__(self, runner: Runner, model: Model) -> None:
        """Raises Unlike where the network has not as many classes as the model has labels."""
        self.batch = runner.batch
        self.runner = runner
        self.model = model
        self.labels = labels_of(runner, model)
        self._floor = min(model.floor, model.threshold, *model.thresholds.values())

    def find(self, questions: Sequence[Question]) -> list[Found]:
        pictures = [question.pixels for question in questions]
        if self.runner.head.form == "classify":
            return [
                Found(tags=tuple(self._tags(shares, question.kind)))
                for shares, question in zip(self.classify(pictures), questions, strict=True)
            ]
        return [
            Found(tuple(self._regions(things, fit, question.kind)))
            for (things, fit), question in zip(self.look(pictures), questions, strict=True)
        ]

    def look(self, pictures: Sequence[PixelArray]) -> list[tuple[Things, Fit]]:
        """What the network sees in uint8 pictures (h, w, 3) BGR, and how each of them lay in its input.

        Where the runner takes several at once, all get inputs of one size.
        """
        laid = [letterbox(picture, *self._size(picture)) for picture in pictures]
        outputs = self.runner.run(np.stack([picture for picture, _ in laid]))
        seen = read(outputs, self.runner.head, self._floor, MOST)
        return [(things, fit) for things, (_, fit) in zip(seen, laid, strict=True)]

    def classify(self, pictures: Sequence[PixelArray]) -> list[Floats]:
        """The share of each class, (classes,) in [0, 1], of uint8 pictures (h, w, 3) BGR."""
        laid = [centred(picture, *self._size(picture)) for picture in pictures]
        return read_classes(self.runner.run(np.stack(laid)), self.runner.head)

    def pulse(self, pixels: PixelArray) -> list[Floats]:
        """What the network puts out for uint8 pixels (h, w, 3) BGR, before anything is read into it."""
        return self.runner.run(letterbox(pixels, *self._size(pixels))[0][np.newaxis])

    def _size(self, picture: PixelArray) -> tuple[int, int]:
        return self.runner.size(picture.shape[1], picture.shape[0])

    def _tags(self, shares: Floats, kind: str) -> Iterator[Tag]:
        """The likeliest labels, as many as the model tells at most, of those that reach their threshold."""
        for number in np.argsort(-shares)[: self.model.topk].tolist():
            label, score = self.labels[number], float(shares[number])
            if score >= self.model.least(label):
                yield Tag(self._shown(label), score, kind)

    def _regions(self, things: Things, fit: Fit, kind: str) -> Iterator[Region]:
        corners = fit.boxes(things.boxes)
        doubted = doubtful(corners, things.scores, things.classes)
        masks = self._masks(things, fit, kind)
        named = named_points(self.runner.head, fit.points(things.points), things.seen)
        rows = zip(
            corners.tolist(), things.scores.tolist(), things.classes.tolist(), doubted, masks, named, strict=True
        )
        for (left, top, right, bottom), score, number, doubt, mask, points in rows:
            if right > left and bottom > top:
                label = self.labels[number]
                sure = score >= self.model.least(label) and not doubt
                box = Box.between(left, top, right, bottom)
                yield Region(self._shown(label), score, box, points, kind, sure, mask=mask)

    def _masks(self, things: Things, fit: Fit, kind: str) -> Iterable[Mask | None]:
        """Those that a network draws, unless objects are asked for, which need none."""
        if things.prototypes is None or base_of(kind) == "objects":
            return [None] * len(things)
        from .segment import masks

        return masks(things, fit)

    def _shown(self, label: str) -> str:
        return self.model.names.get(label, label)


def labels_of(runner: Runner, model: Model) -> tuple[str, ...]:
    """The labels of the network's classes: as the model was set up with, else as the file names them."""
    for labels in (model.labels, runner.names):
        if len(labels) == runner.head.classes:
            return labels
    raise Unlike(f"{model.name} has {runner.head.classes} classes, but {len(model.labels)} labels are set up for it")


def doubtful(corners: Floats, scores: Floats, classes: NDArray[np.intp]) -> list[bool]:
    """For each box (n, 4) whether one that scores better has another label in the same place."""
    if not len(scores):
        return []
    sizes = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    begin = np.maximum(corners[:, np.newaxis, :2], corners[:, :2])
    end = np.minimum(corners[:, np.newaxis, 2:], corners[:, 2:])
    shared = (end - begin).clip(0).prod(axis=2)
    same = shared > SAME_PLACE * (sizes[:, np.newaxis] + sizes - shared)
    better = scores[np.newaxis, :] > scores[:, np.newaxis]
    other = classes[np.newaxis, :] != classes[:, np.newaxis]
    return [bool(doubt) for doubt in (same & better & other).any(axis=1)]


def named_points(head: Head, points: Floats, seen: Floats) -> list[tuple[tuple[str, float, float], ...]]:
    """Per thing its joints that are visible, or its four corners, (n, k, 2) in fractions, with their names."""
    number = points.shape[1]
    if head.form == "obb":
        names: Sequence[str] = [f"corner_{at + 1}" for at in range(number)]
    else:
        names = JOINTS if number == len(JOINTS) else [f"point_{at + 1}" for at in range(number)]
    return [
        tuple((name, x, y) for name, (x, y), sure in zip(names, places, visible, strict=True) if sure >= VISIBLE)
        for places, visible in zip(points.tolist(), seen.tolist(), strict=True)
    ]
