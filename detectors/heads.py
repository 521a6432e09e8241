"""What YOLO networks put out, read: boxes, scores and classes, joints, corners, mask coefficients; and suppression.

Two layouts, told apart by their shape (Ultralytics nn/modules/head.py, utils/nms.py):
- one row per value, one column per place, (4 + classes + more, 8400) for 640 × 640: v8, v11, v12; boxes as centre and
  size; many boxes per thing, of which `suppress` keeps one;
- one row per thing, (300, 6 + more), best first: v10, yolo26, and exports with their own suppression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .manifest import Form, Unlike

Floats = NDArray[np.float32]
Numbers = NDArray[np.intp]

OVERLAP = 0.7
"""Intersection over union from which two boxes of one class mean one thing: what ultralytics predicts with."""

MOST = 300
"""Things in one picture."""

CANDIDATES = 30_000
"""Boxes that suppression looks at; a picture of 640 × 640 has 8400."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a network answers: its form, how many classes, and for poses how many joints of how many numbers each."""

    form: Form
    classes: int
    joints: tuple[int, int] = (17, 3)

    @property
    def more(self) -> int:
        """Numbers per box beyond place, score and class; -1 where the outputs say (mask coefficients)."""
        return {"detect": 0, "obb": 1, "pose": self.joints[0] * self.joints[1]}.get(self.form, -1)


@dataclass(frozen=True, slots=True)
class Things:
    """What one picture holds, best first, in pixels of the network's input (see `letterbox.Fit` for the way back).

    boxes (n, 4): left, top, right, bottom; scores (n,) in [0, 1]; classes (n,).
    points (n, k, 2): the joints of a pose, or the four corners of an oriented box in order; else k = 0.
    seen (n, k): how sure each joint is visible, in [0, 1].
    coefficients (n, c) and prototypes (c, h, w): a mask is the sigmoid of their product, over the whole input.
    """

    boxes: Floats
    scores: Floats
    classes: Numbers
    points: Floats
    seen: Floats
    coefficients: Floats
    prototypes: Floats | None = None

    def __len__(self) -> int:
        return len(self.scores)


def read(outputs: Sequence[Floats], head: Head, floor: float, most: int = MOST) -> list[Things]:
    """One Things per picture of a batch, of a network of any form but "classify", scored above `floor` in [0, 1].

    `outputs` are the network's, each with the pictures as its first axis. Raises Unlike where their shape is none that
    such a head has.
    """
    rows, *others = outputs
    prototypes = next((other for other in others if other.ndim == 4), None) if head.form == "segment" else None
    more = prototypes.shape[1] if prototypes is not None else max(0, head.more)
    one = _read_finished if _finished(rows, head, more) else _read_places
    return [
        replace(one(row, head, floor, most), prototypes=None if prototypes is None else prototypes[index])
        for index, row in enumerate(rows)
    ]


def read_classes(outputs: Sequence[Floats], head: Head) -> list[Floats]:
    """One (classes,) of probabilities per picture of a batch, of a network of the form "classify"; raises Unlike where
    it answers another number of them."""
    shares = np.asarray(outputs[0], np.float32).reshape(len(outputs[0]), -1)
    if shares.shape[1] != head.classes:
        raise Unlike(f"a network of form {head.form} with {head.classes} classes does not put out {shares.shape}")
    return list(shares)


def suppress(boxes: Floats, scores: Floats, classes: Numbers, overlap: float = OVERLAP) -> Numbers:
    """Rows that stay, best first: no box overlaps a better one of its class by more than `overlap`.

    boxes (n, 4) as left, top, right, bottom; for oriented ones (n, 5) as centre, size, angle in radians.
    """
    if not len(scores):
        return np.empty(0, np.intp)
    best = np.argsort(-scores, kind="stable")[:CANDIDATES]
    if boxes.shape[1] == 5:
        return _suppress_oriented(boxes, classes, best, overlap)
    sizes = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)[best]
    kept = cv2.dnn.NMSBoxesBatched(sizes.tolist(), scores[best].tolist(), classes[best].tolist(), -1.0, overlap)
    return np.asarray(best[np.asarray(kept, np.intp).reshape(-1)])


def _finished(rows: Floats, head: Head, more: int) -> bool:
    """Whether it is one row per thing; raises Unlike where it is neither."""
    if rows.ndim == 3 and rows.shape[1] == 4 + head.classes + more:
        return False
    if rows.ndim == 3 and rows.shape[2] == 6 + more:
        return True
    raise Unlike(f"a network of form {head.form} with {head.classes} classes does not put out {rows.shape}")


def _read_finished(row: Floats, head: Head, floor: float, most: int) -> Things:
    row = row[row[:, 4] > floor][:most].astype(np.float32)
    return _things(head, row[:, :4], row[:, 4], row[:, 5].astype(np.intp), row[:, 6:])


def _read_places(row: Floats, head: Head, floor: float, most: int) -> Things:
    places = row[4 : 4 + head.classes]
    (above,) = np.nonzero(places.max(axis=0) > floor)
    found = row[:, above].T.astype(np.float32)
    scores = found[:, 4 : 4 + head.classes]
    classes = scores.argmax(axis=1)
    boxes, more = found[:, :4], found[:, 4 + head.classes :]
    if head.form == "obb":
        kept = suppress(np.concatenate((boxes, more), axis=1), scores.max(axis=1), classes)[:most]
    else:
        boxes = np.concatenate((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), axis=1)
        kept = suppress(boxes, scores.max(axis=1), classes)[:most]
    return _things(head, boxes[kept], scores.max(axis=1)[kept], classes[kept], more[kept])


def _things(head: Head, boxes: Floats, scores: Floats, classes: Numbers, more: Floats) -> Things:
    """`boxes` are corners, or centre and size for oriented ones, whose angle `more` holds."""
    points, seen = np.empty((len(scores), 0, 2), np.float32), np.empty((len(scores), 0), np.float32)
    coefficients = more if head.form == "segment" else np.empty((len(scores), 0), np.float32)
    if head.form == "pose":
        joints = more.reshape(len(scores), *head.joints)
        points = joints[:, :, :2]
        seen = joints[:, :, 2] if head.joints[1] == 3 else np.ones(points.shape[:2], np.float32)
    elif head.form == "obb":
        points = _corners(boxes, more[:, 0])
        seen = np.ones(points.shape[:2], np.float32)
        boxes = np.concatenate((points.min(axis=1), points.max(axis=1)), axis=1)
    return Things(boxes, scores, classes, points, seen, coefficients)


def _corners(boxes: Floats, angles: Floats) -> Floats:
    """(n, 4, 2) of boxes (n, 4) as centre and size, turned by angles (n,) in radians, as xywhr2xyxyxyxy."""
    cosine, sine = np.cos(angles)[:, np.newaxis], np.sin(angles)[:, np.newaxis]
    along = boxes[:, 2:3] / 2 * np.concatenate((cosine, sine), axis=1)
    across = boxes[:, 3:4] / 2 * np.concatenate((-sine, cosine), axis=1)
    centre = boxes[:, :2]
    corners = (centre + along + across, centre + along - across, centre - along - across, centre - along + across)
    return np.stack(corners, axis=1).astype(np.float32)


def _suppress_oriented(boxes: Floats, classes: Numbers, best: Numbers, overlap: float) -> Numbers:
    """As ultralytics' fast_nms: a box goes that overlaps any better one, also one that goes itself."""
    kept = []
    for rank, row in enumerate(best):
        better = best[:rank][classes[best[:rank]] == classes[row]]
        if not (_alike(boxes[row], boxes[better]) > overlap).any():
            kept.append(row)
    return np.asarray(kept, np.intp)


def _alike(box: Floats, others: Floats) -> Floats:
    """How alike an oriented box (5,) and others (n, 5) are, in [0, 1], each taken as a Gaussian: one minus the
    Hellinger distance (Llerena et al., Gaussian Bounding Boxes, 2021), ultralytics' probiou."""
    a1, b1, c1 = _covariance(box[np.newaxis])
    a2, b2, c2 = _covariance(others)
    x, y = box[0] - others[:, 0], box[1] - others[:, 1]
    whole = (a1 + a2) * (b1 + b2) - (c1 + c2) ** 2
    far = ((a1 + a2) * y**2 + (b1 + b2) * x**2) / (whole + 1e-7) / 4 - (c1 + c2) * x * y / (whole + 1e-7) / 2
    parts = np.sqrt(np.clip(a1 * b1 - c1**2, 0, None) * np.clip(a2 * b2 - c2**2, 0, None))
    unlike = far + np.log(whole / (4 * parts + 1e-7) + 1e-7) / 2
    return np.asarray(1 - np.sqrt(1 - np.exp(-np.clip(unlike, 1e-7, 100)) + 1e-7))


def _covariance(boxes: Floats) -> tuple[Floats, Floats, Floats]:
    wide, high = boxes[:, 2] ** 2 / np.float32(12), boxes[:, 3] ** 2 / np.float32(12)
    cosine, sine = np.cos(boxes[:, 4]), np.sin(boxes[:, 4])
    return wide * cosine**2 + high * sine**2, wide * sine**2 + high * cosine**2, (wide - high) * cosine * sine
