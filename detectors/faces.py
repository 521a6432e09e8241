"""Faces: at which sizes and scores to look, and how the passes are joined; the models are yunet.py and centerface.py.

Bigger input is worse for close-ups: YuNet at 0.7 finds every face that fills a picture of 160 to 640 px, 43 % at 960 px
and none at 1920. Small faces want the opposite: half are found at 16 px of height, nearly all from 32.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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

QUARTERS = (90, 180, 270)

DIAGONALS = (45, 135, 225, 315)
"""A face is found up to 30° askew, so that with these and the quarters none is too much so. Of 37 faces at 12 angles
(444) redaction then covers 444, without them 431."""

ENLARGED = 2
"""How many times larger than it is a picture is looked at for redaction, up to 1280 px: of 44 faces down to 7 px 42 are
covered, 38 where nothing is enlarged."""

ENOUGH = 0.9
"""Score from which a face stands upright beyond doubt. On its head it still gets up to 0.89, and its landmarks lie."""

LARGEST = 1920
"""Longest side in pixels that is looked at for redaction: of faces of 16 px in pictures of 2560 px 0.99 are covered,
at 1280 px 0.67. Not more, because half of a picture of 12 megapixels still holds it, and 16 MiB hold its pixels."""

PADDING = 0.2
"""How much longer each side of a box gets for redaction: detectors box eyes to mouth, without ears, hair and chin."""


LARGE = 0.25
"""Share of a picture's side from which on a face is large."""


@dataclass(frozen=True, slots=True)
class Passes:
    """(side, threshold) pairs: `until_found` are tried in order until one finds a face, so are `quick`, which is enough
    where the largest face will do. For redaction all of `joined` are made, `quarters` on the picture turned by quarters
    and `diagonals` by half of that more. `lying` are made in order, as long as each finds a face, on a picture turned
    by quarters that shows no face upright. `large` is what one that is large must score for redaction."""

    until_found: tuple[tuple[int, float], ...]
    joined: tuple[tuple[int, float], ...]
    quick: tuple[tuple[int, float], ...]
    quarters: tuple[tuple[int, float], ...] = ()
    diagonals: tuple[tuple[int, float], ...] = ()
    lying: tuple[tuple[int, float], ...] = ()
    large: float = 0.0

    @property
    def lowest(self) -> float:
        every = (self.until_found, self.joined, self.quick, self.quarters, self.diagonals, self.lying)
        return min(threshold for steps in every for _, threshold in steps)


@dataclass(frozen=True)
class Candidates:
    """Faces in pixels of the width × height that was looked at: boxes (n, 4) as x, y, width, height, scores (n,),
    points (n, 5, 2) in the order of POINTS."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    points: NDArray[np.float32]
    width: int
    height: int

    def regions(self, threshold: float) -> tuple[Region, ...]:
        size = np.array((self.width, self.height), np.float32)
        boxes = (self.boxes.reshape(-1, 2, 2) / size).reshape(-1, 4).tolist()
        points = (self.points / size).tolist()
        return tuple(
            Region(
                "face",
                score,
                Box(*box),
                tuple((name, x, y) for name, (x, y) in zip(POINTS, marks, strict=True)),
                "faces",
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

    def pulse(self, pixels: PixelArray) -> list[NDArray[np.float32]]:
        """What the network puts out, before thresholds."""
        ...


class Faces:
    """Kinds "faces" (few false ones, for crops and tags), "all-faces" (errs on covering, for redaction) and
    "largest-face" (a look that costs a quarter; where it finds nothing, "faces" may still)."""

    batch = 1  # on a CPU batching gains nothing

    def __init__(self, model: FaceModel) -> None:
        self.model = model

    def pulse(self, pixels: PixelArray) -> list[NDArray[np.float32]]:
        return self.model.pulse(pixels)

    def find(self, questions: Sequence[Question]) -> list[Found]:
        return [Found(self._answer(question)) for question in questions]

    def _answer(self, question: Question) -> tuple[Region, ...]:
        passes, pixels = self.model.passes, question.pixels
        if question.kind == "all-faces":
            found = [*self._look(_larger(pixels), passes.joined)]
            for degrees in QUARTERS:
                found += self._turned(pixels, degrees, passes.quarters)
            for degrees in DIAGONALS:
                found += self._turned(pixels, degrees, passes.diagonals)
            return _told(_join(face for face in found if _is_likely(face, passes.large)), question.kind)
        if question.kind == "largest-face":
            return _told(self._first(pixels, passes.quick), question.kind)
        upright = self._first(pixels, passes.until_found)
        best = max((face.score for face in upright), default=0.0)
        lying = self._lying(pixels, passes.lying) if best < ENOUGH else ()
        return _told(lying if any(face.score > best for face in lying) else upright, question.kind)

    def _first(self, pixels: PixelArray, steps: Sequence[tuple[int, float]]) -> tuple[Region, ...]:
        return next(filter(None, ((*self._look(pixels, (step,)),) for step in steps)), ())

    def _look(self, pixels: PixelArray, steps: Sequence[tuple[int, float]]) -> Iterator[Region]:
        """What each of these passes sees; no size is looked at twice."""
        longest = max(pixels.shape[:2])
        detect = cache(partial(self.model.detect, pixels))
        for side, threshold in steps:
            yield from detect(min(side, longest)).regions(threshold)

    def _lying(self, pixels: PixelArray, steps: Sequence[tuple[int, float]]) -> tuple[Region, ...]:
        """The faces of a picture that lies on its side or stands on its head, at the quarter that shows them best."""
        best: tuple[Region, ...] = ()
        for degrees in QUARTERS if steps else ():
            faces: tuple[Region, ...] = ()
            for step in steps:  # a look that costs little, and one that makes sure
                faces = (*self._turned(pixels, degrees, (step,)),)
                if not faces:
                    break
            best = max(best, faces, key=lambda faces: sum(face.score for face in faces))
        return best

    def _turned(self, pixels: PixelArray, degrees: int, steps: Sequence[tuple[int, float]]) -> Iterator[Region]:
        """What the passes see in the picture turned by so many degrees, which makes it larger where they are none of
        90, where it lies in the picture itself."""
        from .turning import turned, turned_back  # OpenCV, which processes without models do not load

        for side, threshold in steps:
            small = _smaller(pixels, side)
            canvas, way = turned(small, degrees)
            for face in self.model.detect(canvas, max(canvas.shape[:2])).regions(threshold):
                yield turned_back(face, way, small.shape[1::-1], canvas.shape[1::-1])


def _smaller(pixels: PixelArray, side: int) -> PixelArray:
    from .sizes import shrink

    return shrink(pixels, side)


def _larger(pixels: PixelArray) -> PixelArray:
    from .sizes import enlarge

    return enlarge(pixels, min(ENLARGED * max(pixels.shape[:2]), 1280))


def _told(faces: Iterable[Region], kind: str) -> tuple[Region, ...]:
    return tuple(replace(face, by=kind) for face in faces)


def _is_likely(face: Region, large: float) -> bool:
    """Whether it may be a face: large ones are the easy ones, so that a doubtful one is an arm, a plate or a horse."""
    return face.score >= large or max(face.box.width, face.box.height) < LARGE


def _join(faces: Iterable[Region]) -> tuple[Region, ...]:
    """One region per face, around all boxes that the passes gave it, padded and cut to the picture.

    Boxes are compared with the surest one of a face, not with what they make together, which would grow from one to the
    next over what is beside it.
    """
    joined: list[tuple[Region, Box]] = []
    for face in sorted(faces, key=lambda face: -face.score):
        same = next((i for i, (known, _) in enumerate(joined) if known.box.overlap(face.box) > SAME_FACE), None)
        if same is None:
            joined.append((face, face.box))
        else:
            surest, box = joined[same]
            joined[same] = surest, box.union(face.box)
    padded = ((face, box.grown(PADDING).clipped()) for face, box in joined)
    return tuple(replace(face, box=box) for face, box in padded if box)


@detector(
    "faces", sides={"faces": 640, "all-faces": LARGEST, "largest-face": 320}, models=FACES, threads=min(cores(), 4)
)
def load(weights: Weights, device: str) -> Loaded:
    """YuNet or CenterFace, through onnxruntime on the CPU whatever the device: 6 ms a picture."""
    silence()
    if weights.model.name == "centerface":
        from .centerface import CenterFace

        return Faces(CenterFace(weights.path))
    from .yunet import YuNet

    return Faces(YuNet(weights.path))
