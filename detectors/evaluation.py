"""How good a model is on annotated pictures: precision, recall, F1, mAP and confusions, counted by ultralytics' own
functions (utils/metrics.py), so that numbers compare with published ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.failure import Failure, Kind
from transforms.image import Box, Found

from .dataset import Truth, spoken
from .manifest import Model
from .quiet import silence

OVERLAP = 0.5
"""Intersection over union from which a box counts as found, for precision, recall and the confusion matrix."""

FLOOR = 0.001
"""From which score boxes count for mAP, as everybody counts it."""

_SCALE = 1000.0  # ultralytics adds 1e-7 to areas, which is nothing where a picture is 1000 wide


@dataclass(frozen=True, slots=True)
class Guess:
    """What a model found: the number of its class, the score, whether it is sure, and where, if it says where."""

    number: int
    score: float
    sure: bool
    box: Box | None


@dataclass(frozen=True, slots=True)
class Judged:
    """One picture: what a model found and what people say is there, by the numbers of the model's classes."""

    guesses: tuple[Guess, ...]
    truths: tuple[Truth, ...]


@dataclass(frozen=True)
class Match:
    """Classes of a data set and of a model, by name: numbers of the one to those of the other."""

    numbers: dict[int, int]
    labels: tuple[str, ...]
    only_model: tuple[str, ...] = ()
    only_dataset: tuple[str, ...] = ()

    @property
    def both(self) -> frozenset[int]:
        return frozenset(self.numbers.values())


@dataclass(frozen=True, slots=True)
class Score:
    """Counts at the thresholds that are shipped."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return _ratio(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return _ratio(self.right, self.right + self.missed)

    @property
    def f1(self) -> float:
        return _ratio(2 * self.right, 2 * self.right + self.wrong + self.missed)


@dataclass(frozen=True, slots=True)
class Row:
    """One label: its score, threshold, and average precision at IoU 0.5 and over 0.5 to 0.95; None without boxes."""

    label: str
    threshold: float
    score: Score
    ap50: float | None
    ap: float | None


@dataclass(frozen=True)
class Report:
    """What an evaluation comes to. `things` counts boxes, `tags` labels of whole pictures, as auto-tag tells them;
    `best` is the one threshold for all labels that would give the best F1, and that F1."""

    pictures: int
    annotations: int
    things: Score | None
    tags: Score
    map50: float | None
    map: float | None
    best: tuple[float, float] | None
    rows: tuple[Row, ...]
    labels: tuple[str, ...]
    matrix: NDArray[np.float64] = field(repr=False)  # [found as, is]; last row: missed, last column: nothing there


def matched(model: Model, names: dict[int, str]) -> Match:
    """The classes that both know. Without names, the data set's numbers are those of the model."""
    names = names or dict(enumerate(model.labels))
    known = {spoken(label): number for number, label in reversed(list(enumerate(model.labels)))}
    known |= {spoken(label): number for number, label in reversed(list(enumerate(model.shown)))}
    numbers = {number: known[spoken(name)] for number, name in names.items() if spoken(name) in known}
    theirs = tuple(name for number, name in names.items() if number not in numbers)
    ours = tuple(label for number, label in enumerate(model.shown) if number not in numbers.values())
    return Match(numbers, model.shown, ours, theirs)


def judged(found: Found, truths: Iterable[Truth], match: Match) -> Judged:
    """What counts of a picture: of classes that only one side knows nothing does."""
    number_of = {label: number for number, label in reversed(list(enumerate(match.labels)))}
    guesses = [(at.label, Guess(0, at.score, at.sure, at.box)) for at in found.regions]
    guesses += [(tag.name, Guess(0, tag.score, True, None)) for tag in found.tags if not tag.of]
    return Judged(
        tuple(replace(guess, number=number_of[name]) for name, guess in guesses if number_of.get(name) in match.both),
        tuple(Truth(match.numbers[truth.number], truth.box) for truth in truths if truth.number in match.numbers),
    )


def report_of(pictures: Sequence[Judged], model: Model, match: Match) -> Report:
    """The numbers. Takes seconds: torch is imported for them."""
    silence()
    boxed = model.form != "classify" and any(truth.box for one in pictures for truth in one.truths)
    tags = _tag_scores(pictures)
    boxes = _box_scores(pictures) if boxed else {}
    areas, best = _areas(pictures) if boxed else ({}, None)
    numbers = sorted({truth.number for one in pictures for truth in one.truths} | boxes.keys() | tags.keys())
    scores = boxes if boxed else tags
    rows = [
        Row(label, model.least(model.labels[number]), scores.get(number, Score()), *areas.get(number, (None, None)))
        for number, label in ((number, model.shown[number]) for number in numbers)
    ]
    return Report(
        pictures=len(pictures),
        annotations=sum(len(one.truths) for one in pictures),
        things=_total(boxes.values()) if boxed else None,
        tags=_total(tags.values()),
        map50=_mean(area[0] for area in areas.values()) if boxed else None,
        map=_mean(area[1] for area in areas.values()) if boxed else None,
        best=best,
        rows=tuple(rows),
        labels=tuple(model.shown[number] for number in numbers),
        matrix=_confusions(pictures, numbers, boxed).matrix,
    )


def draw(report: Report, path: Path) -> None:
    """Write the confusion matrix of a report as a picture, PNG: shares of what is there.

    Raises Failure matrix-not-drawn, and OSError where it cannot be written.
    """
    import tempfile

    silence()
    from ultralytics.utils.metrics import ConfusionMatrix

    drawn = ConfusionMatrix(dict(enumerate(report.labels)))
    drawn.matrix = report.matrix.copy()
    with tempfile.TemporaryDirectory() as folder:
        drawn.plot(normalize=True, save_dir=folder)
        made = Path(folder) / "confusion_matrix_normalized.png"
        if not made.exists():  # ultralytics swallows every exception there, Ctrl-C among them
            raise Failure(Kind.INTERNAL, "matrix-not-drawn", "the picture of confusions was interrupted, or failed")
        path.write_bytes(made.read_bytes())


def _tag_scores(pictures: Sequence[Judged]) -> dict[int, Score]:
    """Of labels as such: whether a picture has them, wherever."""
    counts: dict[int, list[int]] = {}
    for one in pictures:
        told = {guess.number for guess in one.guesses if guess.sure}
        there = {truth.number for truth in one.truths}
        for place, numbers in enumerate((told & there, told - there, there - told)):
            for number in numbers:
                counts.setdefault(number, [0, 0, 0])[place] += 1
    return {number: Score(*count) for number, count in counts.items()}


def _box_scores(pictures: Sequence[Judged]) -> dict[int, Score]:
    """Of sure boxes: each right one covers a thing of its class that no better one has."""
    counts: dict[int, list[int]] = {}
    for one in pictures:
        sure = [guess for guess in one.guesses if guess.sure]
        right = _correct(sure, one.truths)[:, 0]
        for guess, is_right in zip(_ordered(sure), right.tolist(), strict=True):
            counts.setdefault(guess.number, [0, 0, 0])[0 if is_right else 1] += 1
        for truth in one.truths:
            counts.setdefault(truth.number, [0, 0, 0])[2] += 1
    return {number: Score(right, wrong, all_ - right) for number, (right, wrong, all_) in counts.items()}


def _areas(
    pictures: Sequence[Judged],
) -> tuple[dict[int, tuple[float | None, float | None]], tuple[float, float] | None]:
    """Average precision at 0.5 and over 0.5 to 0.95 per class that is annotated; the best threshold and its F1."""
    from ultralytics.utils.metrics import ap_per_class

    truths = np.array([truth.number for one in pictures for truth in one.truths], np.int64)
    guesses = [guess for one in pictures for guess in _ordered(one.guesses)]
    if not guesses or not len(truths):
        return dict.fromkeys(map(int, np.unique(truths)), (0.0, 0.0)), None
    correct = np.concatenate([_correct(one.guesses, one.truths) for one in pictures])
    scores = np.array([guess.score for guess in guesses])
    numbers = np.array([guess.number for guess in guesses], np.int64)
    *_, ap, classes, _, _, f1, at, _ = ap_per_class(correct, scores, numbers, truths)
    best = int(f1.mean(0).argmax())
    return (
        {int(number): (float(area[0]), float(area.mean())) for number, area in zip(classes, ap, strict=True)},
        (float(at[best]), float(f1.mean(0)[best])),
    )


def _ordered(guesses: Iterable[Guess]) -> list[Guess]:
    return sorted(guesses, key=lambda guess: -guess.score)


def _correct(guesses: Iterable[Guess], truths: Sequence[Truth]) -> NDArray[np.bool_]:
    """For each guess, best first, whether it is right at IoU 0.5, 0.55 … 0.95: (n, 10)."""
    import torch
    from ultralytics.engine.validator import BaseValidator
    from ultralytics.utils.metrics import box_iou

    guesses = _ordered(guesses)
    if not guesses or not truths:
        return np.zeros((len(guesses), 10), bool)
    at: Any = SimpleNamespace(iouv=torch.linspace(0.5, 0.95, 10))  # all of a validator that is looked at
    found, there = (torch.tensor([one.number for one in some]) for some in (guesses, truths))
    correct: Any = BaseValidator.match_predictions(at, found, there, box_iou(_tensor(truths), _tensor(guesses)))
    return np.asarray(correct.numpy(), bool)


def _tensor(things: Sequence[Guess | Truth]) -> Any:
    import torch

    boxes = [(box.x, box.y, box.right, box.bottom) for box in (thing.box or Box(0, 0, 0, 0) for thing in things)]
    return torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4) * _SCALE


def _confusions(pictures: Sequence[Judged], numbers: Sequence[int], boxed: bool) -> Any:
    """Ultralytics' matrix of what was found as what; without boxes, of pictures that show one thing."""
    import torch
    from ultralytics.utils.metrics import ConfusionMatrix

    index = {number: place for place, number in enumerate(numbers)}
    matrix = ConfusionMatrix(dict.fromkeys(range(len(numbers)), ""))
    for one in pictures:
        sure = [guess for guess in one.guesses if guess.sure]
        if not boxed:
            _count_whole(matrix.matrix, sure, one.truths, index)
            continue
        scores = torch.tensor([guess.score for guess in sure])
        classes = torch.tensor([index[guess.number] for guess in sure])
        there = torch.tensor([index[truth.number] for truth in one.truths])
        matrix.process_batch(
            {"cls": classes, "conf": scores, "bboxes": _tensor(sure)},
            {"cls": there, "bboxes": _tensor(one.truths)}, conf=-1.0, iou_thres=OVERLAP,
        )  # fmt: skip
    return matrix


def _count_whole(matrix: Any, sure: Sequence[Guess], truths: Sequence[Truth], index: dict[int, int]) -> None:
    there = {truth.number for truth in truths}
    if len(there) == 1:
        found = index[_ordered(sure)[0].number] if sure else len(index)
        matrix[found, index[there.pop()]] += 1


def _total(scores: Iterable[Score]) -> Score:
    scores = list(scores)
    return Score(*(sum(getattr(score, name) for score in scores) for name in ("right", "wrong", "missed")))


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else 0.0


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
