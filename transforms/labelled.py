"""The name of something that models know, as a parameter type: a label, or a group of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from . import vocabulary
from .failure import Failure, bad_argument, nearest
from .image import Region
from .labels import ALIASES, COMMON, GROUPS, LABELS, labels_of
from .otherwise import Otherwise, otherwise


@dataclass(frozen=True)
class Label:
    """A label of COCO or of the operator's models as URLs write it (`cell_phone`), or a group (`vehicle`)."""

    lacks: ClassVar[str] = ""  # why what something else here finds is none

    @property
    def words(self) -> tuple[str, ...]:
        return (*GROUPS, *LABELS, *(word for word in vocabulary.current().words if word not in LABELS))

    def parse(self, text: str) -> str:
        word = text.replace(" ", "_")
        word = word if word in self.words else ALIASES.get(word.lower(), word)
        if word in self.words:
            return word
        if instead := otherwise(text, self.words):
            raise self._refused(text, instead)
        close = nearest(word, (*self.words, *ALIASES))
        raise bad_argument(
            f"{text!r} is not {self.describe()}", hint=f"did you mean {close!r}?" if close else None, word=text,
            nearest=close,
        )  # fmt: skip

    def _refused(self, text: str, instead: Otherwise) -> Failure:
        """Of what something here finds, or what is called otherwise here."""
        why = f"; {self.lacks}" if instead.way and self.lacks else ""
        return bad_argument(
            f"{text!r} is not {self.describe()}{why}", hint=instead.hint, word=text,
            nearest=next(iter(instead.nearest), None),
        )  # fmt: skip

    def print(self, value: str) -> str:
        return value

    def describe(self) -> str:
        return "a label that a model knows (dog, cell_phone), or a group of them (animal)"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "label", "x-words": list(self.words)}

    def beyond(self) -> tuple[str, ...]:
        return ("", "face", "no-such-label", "dog:cat")


@dataclass(frozen=True)
class Thing(Label):
    """The same, or `body` for a person, or the name of one of the operator's models for whatever that finds."""

    lacks: ClassVar[str] = "there are masks of things only"

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("body", *super().words, *vocabulary.current().names)))

    def describe(self) -> str:
        return (
            "a label that a model knows (dog, cell_phone), a group of them (animal), or the name of a model of your own"
        )


Known = Mapping[str, frozenset[str]]
"""Kinds of detections, each with labels as it tells them; without any it is all that is found."""


def knowing(word: str, built_in: str = "objects", *, names: bool = True) -> Known:
    """Who can tell of a Label or Thing: the kinds of detections, each with the labels that the word stands for there.

    Of the labels of COCO, and groups of them, that is the kind `built_in`; of others the operator's models. With
    `names` a word that is the name of one of these stands for all that it finds, even if a label is called the same.
    """
    kinds = {built_in: labels_of(word)} if word in COMMON else {}
    own = vocabulary.current()
    label = own.words.get(word)
    for model in own.models:
        if names and model.name == word:
            kinds[word] = frozenset()
        elif label in model.labels:
            kinds[model.name] = frozenset([label])
    return kinds


def is_one(region: Region, known: Known) -> bool:
    """Whether a model is sure that a region is what somebody knows."""
    labels = known.get(region.by)
    return region.sure and labels is not None and (not labels or region.label in labels)
