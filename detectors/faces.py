"""Faces: at which sizes and scores to look, and how the passes are joined; the models are yunet.py and centerface.py.

Bigger input is worse for close-ups: YuNet at 0.7 finds every face that fills a picture of 160 to 640 px, 43 % at 960 px
and none at 1920. Small faces want the opposite: half are found at 16 px of height, nearly all from 32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .found import Box, Found, PixelArray, Region
from .manifest import FACES
from .quiet import cores, silence
from .registry import Loaded, Question, Weights, detector

POINTS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")

SAME_FACE = 0.3
"""Intersection over union from which two boxes mean one face."""

TURNED_PASSES = 2
"""How many of the joined passes look at the turned picture as well: the two small ones, 24 ms together."""

PADDING = 0.2
"""How much longer each side of a box gets for redaction: detectors box eyes to mouth, without ears, hair and chin."""


@dataclass(frozen=True, slots=True)
class Passes:
    """(side, threshold) pairs: `until_found` are tried in order until one finds a face, so are `quick`, which is enough
    where the largest face will do, and `joined` are all made."""

    until_found: tuple[tuple[int, float], ...]
    joined: tuple[tuple[int, float], ...]
    quick: tuple[tuple[int, float], ...]

    @property
    def lowest(self) -> float:
        return min(threshold for _, threshold in (*self.until_found, *self.joined, *self.quick))


@dataclass(frozen=True)
class Candidates:
    """Faces in pixels of the width × height that was looked at: boxes (n, 4) as x, y, width, height, scores (n,),
    points (n, 5, 2) in the order of POINTS."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    points: NDArray[np.float32]
    width: int
    height: int

    def regions(self, threshold: float, kind: str) -> tuple[Region, ...]:
        size = np.array((self.width, self.height), np.float32)
        boxes = (self.boxes.reshape(-1, 2, 2) / size).reshape(-1, 4).tolist()
        points = (self.points / size).tolist()
        return tuple(
            Region(
                "face", score, Box(*box), tuple((name, x, y) for name, (x, y) in zip(POINTS, marks, strict=True)), kind
            )
            for box, score, marks in zip(boxes, self.scores.tolist(), points, strict=True)
            if score >= threshold
        )


class FaceModel(Protocol):
    """A face model in memory: safe to call from several threads at once."""

    @property
    def passes(self) -> Passes: ...

    def detect(self, pixels: PixelArray, side: int) -> Candidates:
        """Faces that score at least `passes.lowest`, with the longest side shrunk to `side` pixels, never enlarged."""
        ...


class Faces:
    """Kinds "faces" (few false ones, for crops and tags), "all-faces" (errs on covering, for redaction) and
    "largest-face" (a look that costs a quarter; where it finds nothing, "faces" may still)."""

    batch = 1  # on a CPU batching gains nothing

    def __init__(self, model: FaceModel) -> None:
        self.model = model

    def find(self, questions: Sequence[Question]) -> list[Found]:
        return [Found(self._answer(question)) for question in questions]

    def _answer(self, question: Question) -> tuple[Region, ...]:
        passes = self.model.passes
        if question.kind == "all-faces":
            return _join([*self._look(question, passes.joined), *self._turned(question)])
        steps = passes.quick if question.kind == "largest-face" else passes.until_found
        return next(filter(None, ((*self._look(question, (step,)),) for step in steps)), ())

    def _look(self, question: Question, steps: Sequence[tuple[int, float]]) -> Iterator[Region]:
        """What each of these passes sees; no size is looked at twice, and nothing is enlarged."""
        longest = max(question.pixels.shape[:2])
        detect = cache(partial(self.model.detect, question.pixels))
        for side, threshold in steps:
            yield from detect(min(side, longest)).regions(threshold, question.kind)

    def _turned(self, question: Question) -> Iterator[Region]:
        """Faces of a picture that lies on its side or stands on its head: upright passes miss two of three."""
        for quarters in (1, 2, 3):
            turned = replace(question, pixels=np.ascontiguousarray(np.rot90(question.pixels, quarters)))
            for face in self._look(turned, self.model.passes.joined[:TURNED_PASSES]):
                yield replace(face, box=_turned_back(face.box, quarters), points=())


def _turned_back(box: Box, quarters: int) -> Box:
    """Where a box of the picture that np.rot90 turned by so many quarters lies in the picture itself."""
    for _ in range(quarters):
        box = Box(1 - box.bottom, box.x, box.height, box.width)
    return box


def _join(faces: list[Region]) -> tuple[Region, ...]:
    """One region per face, around all boxes that the passes gave it, padded and cut to the picture."""
    joined: list[Region] = []
    for face in sorted(faces, key=lambda face: -face.score):
        same = next((i for i, known in enumerate(joined) if overlap(known.box, face.box) > SAME_FACE), None)
        if same is None:
            joined.append(face)
        else:
            known = joined[same]
            joined[same] = Region(face.label, known.score, known.box.union(face.box), known.points, face.by)
    padded = ((face, face.box.grown(PADDING).clipped()) for face in joined)
    return tuple(Region(face.label, face.score, box, face.points, face.by) for face, box in padded if box)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, in [0, 1]."""
    width = min(one.right, other.right) - max(one.x, other.x)
    height = min(one.bottom, other.bottom) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (one.area + other.area - width * height)


@detector("faces", sides={"faces": 640, "all-faces": 1280, "largest-face": 320}, models=FACES, threads=min(cores(), 4))
def load(weights: Weights, device: str) -> Loaded:
    """YuNet or CenterFace, through onnxruntime on the CPU whatever the device: 6 ms a picture."""
    silence()
    if weights.model.name == "centerface":
        from .centerface import CenterFace

        return Faces(CenterFace(weights.path))
    from .yunet import YuNet

    return Faces(YuNet(weights.path))
