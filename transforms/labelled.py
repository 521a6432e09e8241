"""The name of something that models know, as a parameter type: a label, or a group of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import vocabulary
from .failure import bad_argument, nearest
from .labels import ALIASES, GROUPS, LABELS, labels_of


@dataclass(frozen=True)
class Label:
    """A label of COCO or of the operator's models as URLs write it (`cell_phone`), or a group (`vehicle`)."""

    @property
    def words(self) -> tuple[str, ...]:
        return (*GROUPS, *LABELS, *(word for word in vocabulary.current().words if word not in LABELS))

    def parse(self, text: str) -> str:
        word = text.replace(" ", "_")
        word = word if word in self.words else ALIASES.get(word.lower(), word)
        if word in self.words:
            return word
        close = nearest(word, (*self.words, *ALIASES))
        raise bad_argument(
            f"{text!r} is not {self.describe()}", hint=f"did you mean {close!r}?" if close else None, nearest=close
        )

    def print(self, value: str) -> str:
        return value

    def describe(self) -> str:
        return "a label that a model knows (dog, cell_phone), or a group of them (animal)"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "label", "x-words": list(self.words)}

    def beyond(self) -> tuple[str, ...]:
        return ("", "face", "no-such-label", "dog:cat")


def kinds_of(word: str) -> dict[str, frozenset[str]]:
    """The kinds of detections that tell of a Label, each with the labels that it stands for, as they are told."""
    words = vocabulary.current()
    kinds = {"objects": labels_of(word)} if word in LABELS or word in GROUPS else {}
    own = words.words.get(word)
    if own is not None:
        kinds |= {kind: frozenset({own}) for kind in words.kinds_of(own)}
    return kinds
