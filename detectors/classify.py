"""Classifiers of torchvision and timm as a source of tags: `backend = "timm"` and `arch = …` in a model.toml.

Runs in the detection process, or where a model is added; architectures.py knows the libraries.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from .architectures import Built, build
from .found import Found, PixelArray, Tag
from .manifest import Model
from .registry import Loaded, Question, Weights

TOGETHER = 16
"""Pictures in one call on a GPU."""

LONGEST = 8
"""How many times as long as wide a picture is looked at: of a longer one the middle, which is all that is seen of it,
before its shorter side is enlarged to some 256 pixels and its longer one to a million."""


class Classifier:
    """A classifier in memory, for one thread at a time; in half precision on a GPU."""

    def __init__(self, built: Built, model: Model, device: str) -> None:
        self._model, self._prepare = model, built.prepare
        self._device = torch.device("cuda:0" if device == "cuda" else "cpu")
        self._kind = torch.float16 if device == "cuda" else torch.float32
        self._network = built.network.to(self._device, self._kind)
        self.batch = TOGETHER if device == "cuda" else 1

    def find(self, questions: Sequence[Question]) -> list[Found]:
        answers = self._answers([question.pixels for question in questions])
        scores = answers.sigmoid() if self._model.scores == "sigmoid" else answers.softmax(dim=1)
        return [
            Found(tags=tags(row, self._model, question.kind))
            for row, question in zip(scores.cpu().numpy(), questions, strict=True)
        ]

    def pulse(self, pixels: PixelArray) -> list[NDArray[np.float32]]:
        """What the network puts out for uint8 pixels (h, w, 3) BGR, before anything is read into it."""
        return [self._answers([pixels]).cpu().numpy()]

    def _answers(self, pixels: Sequence[PixelArray]) -> torch.Tensor:
        """(n, classes) numbers of any size."""
        pictures = torch.stack([self._prepare(picture(one)) for one in pixels])
        with torch.inference_mode():
            answers: torch.Tensor = self._network(pictures.to(self._device, self._kind))
        return answers.float()


def picture(pixels: PixelArray) -> Image.Image:
    """uint8 pixels (h, w, 3) BGR as the RGB picture that both libraries take."""
    height, width = pixels.shape[:2]
    high, wide = min(height, LONGEST * width), min(width, LONGEST * height)
    top, left = (height - high) // 2, (width - wide) // 2
    return Image.fromarray(np.ascontiguousarray(pixels[top : top + high, left : left + wide, ::-1]))


def tags(scores: NDArray[np.float32], model: Model, kind: str) -> tuple[Tag, ...]:
    """The `topk` best of (classes,) scores that reach what their labels want, best first, each name once."""
    best = np.argsort(-scores, kind="stable")[: model.topk]
    told: dict[str, Tag] = {}
    for index in best:
        label, score = model.labels[index], float(scores[index])
        if score >= model.least(label):
            name = model.names.get(label, label)
            told.setdefault(name, Tag(name, min(score, 1.0), kind))
    return tuple(told.values())


def load(weights: Weights, device: str) -> Loaded:
    """Takes 2 to 4 s, nearly all of it the import of torch. Raises Failure as `architectures.build` does."""
    return Classifier(build(weights.model, weights.path), weights.model, device)
