"""Objects: the 80 nouns of COCO, by ultralytics YOLO from a checked local path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .found import Box, Found, Region
from .manifest import OBJECTS
from .quiet import silence
from .registry import Loaded, Question, Weights, detector

SIDE = 640

CONFIDENCE = 0.15
"""The one confidence at which YOLO is asked; who uses the answer filters it. Per-call arguments race across threads:
133 of 200 answers were wrong when they differed."""

MOST = 100  # objects in one picture


class Yolo:
    """A YOLO detection model in memory. `predict` holds a lock inside, so one thread asks it."""

    def __init__(self, weights: Weights, device: str) -> None:
        silence()
        import cv2
        from ultralytics import YOLO  # type: ignore[attr-defined]

        cv2.setNumThreads(1)  # ultralytics sets 0; one thread and several callers are faster than several threads
        on_gpu = device == "cuda" and weights.path.suffix == ".pt"
        self._threshold = weights.model.threshold
        self.batch = 16 if on_gpu else 1  # on a CPU batching gains nothing, and exports are fixed at 1
        self._model = YOLO(str(weights.path.resolve(strict=True)), task="detect")
        self._asked: dict[str, Any] = {
            "conf": CONFIDENCE, "imgsz": SIDE, "max_det": MOST, "verbose": False, "save": False,
            "device": "cuda:0" if on_gpu else "cpu",
        }  # fmt: skip

    def find(self, questions: Sequence[Question]) -> list[Found]:
        results = self._model.predict([question.pixels for question in questions], **self._asked)
        asked = zip(questions, results, strict=True)
        return [Found(_regions(result, question.kind, self._threshold)) for question, result in asked]


def _regions(result: Any, kind: str, threshold: float) -> tuple[Region, ...]:
    """What one ultralytics Results holds."""
    height, width = result.orig_shape
    boxes = result.boxes
    return tuple(
        Region(result.names[int(label)], score, _box(corners, width, height), by=kind, sure=score >= threshold)
        for corners, score, label in zip(boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.tolist(), strict=True)
    )


def _box(corners: list[float], width: int, height: int) -> Box:
    left, top, right, bottom = corners
    return Box.between(left / width, top / height, right / width, bottom / height)


@detector("objects", sides={"objects": SIDE}, models=OBJECTS)
def load(weights: Weights, device: str) -> Loaded:
    """Takes 2 to 4 s, nearly all of it the import of torch."""
    return Yolo(weights, device)
