"""What a detection service says of itself: read with care, because any program may answer at its address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from transforms.vocabulary import Vocabulary

OTHER = "what answers there does not answer as a detection service of this version: look at DARKROOM_DETECTION"

_NAMES = ("tasks", "problems", "refused")


@dataclass(frozen=True, slots=True)
class Told:
    """Of GET /models: identities by kind, problems by task, whether a model is being loaded, and words as they came."""

    models: dict[str, str]
    problems: dict[str, str]
    arriving: bool
    words: Any

    @staticmethod
    def read(answer: Any) -> Told:
        """Raises ValueError for anything else."""
        said = _mapping(answer)
        arriving = "loading" in _texts(said, "tasks").values()
        return Told(_texts(said, "models"), _texts(said, "problems"), arriving, said.get("own", []))

    def vocabulary(self) -> Vocabulary:
        """The words; raises ValueError for what are none."""
        if not (isinstance(self.words, list) and all(map(_is_row, self.words))):
            raise ValueError("not a vocabulary")
        return Vocabulary.read(self.words)


def readiness(answer: Any) -> dict[str, Any]:
    """What GET /ready said, as it can be told on; raises ValueError or RecursionError for anything else."""
    said = _mapping(answer)
    for name in _NAMES:
        _texts(said, name)
    json.dumps(said, ensure_ascii=False, allow_nan=False).encode()  # as our own answer will be
    return said


def _is_row(row: Any) -> bool:
    """Whether it is a name, its labels, a flag, a number of pixels, and perhaps more texts."""
    if not isinstance(row, list) or len(row) < 4 or not isinstance(row[1], list):
        return False
    name, labels, tags, side, *more = row
    texts = all(isinstance(text, str) and _can_be_told(text) for text in (name, *labels, *more))
    return texts and bool(name) and isinstance(tags, bool) and isinstance(side, int) and side > 0


def _can_be_told(text: str) -> bool:
    return not any(0xD800 <= ord(letter) < 0xE000 for letter in text)  # halves of letters


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} in the place of an object")
    return value


def _texts(said: dict[str, Any], name: str) -> dict[str, str]:
    """Texts by name; none where there is no such thing."""
    texts = _mapping(said.get(name, {}))
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError(f"{name} holds something else than texts")
    return texts
