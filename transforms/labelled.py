"""The name of something that models know, as a parameter type: a label, or a group of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from . import vocabulary
from .accepted import Accepted
from .failure import Failure, bad_argument
from .image import Region
from .labels import ALIASES, COMMON, GROUPS, LABELS, labels_of
from .otherwise import Otherwise, otherwise, unmasked
from .vocabulary import Vocabulary, word_of


@dataclass(frozen=True)
class Label:
    """A label of COCO or of the operator's models as URLs write it (`cell_phone`), or a group (`vehicle`)."""

    lacks: ClassVar[str] = ""  # why what something else here finds is none

    @property
    def words(self) -> tuple[str, ...]:
        return self.accepted.words

    @property
    def accepted(self) -> Accepted:
        return _labels(self.own)

    @property
    def own(self) -> Vocabulary:
        """The models of the operator whose labels are meant."""
        return vocabulary.current()

    def parse(self, text: str) -> str:
        words, word = self.accepted, word_of(text)
        for known in (text, word, ALIASES.get(word)):
            if known and known in words:
                return known
        if instead := otherwise(text, words):
            raise self._refused(text, instead)
        close = words.nearest(word)
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
    """The same of models that draw masks, or `body` for a person, or the name of one of the operator's models for
    whatever that finds."""

    lacks: ClassVar[str] = "there are masks of things only"

    @property
    def accepted(self) -> Accepted:
        return _things(self.own)

    @property
    def own(self) -> Vocabulary:
        return vocabulary.current().masking

    def parse(self, text: str) -> str:
        try:
            return super().parse(text)
        except Failure as failure:
            instead = unmasked(text)
            if instead is None:
                raise
            raise bad_argument(
                f"{text!r} has no masks: {instead.why}",
                hint=instead.way,
                **{**failure.details, "models": instead.models},
            ) from None

    def describe(self) -> str:
        return (
            "a label that a model knows which draws masks (dog, cell_phone), a group of them (animal), or the name of"
            " such a model of your own"
        )


@lru_cache(4)
def _labels(own: Vocabulary) -> Accepted:
    return Accepted(GROUPS, LABELS, own.named, also=ALIASES)


@lru_cache(4)
def _things(own: Vocabulary) -> Accepted:
    return Accepted(("body", *GROUPS, *LABELS), own.named, own.names, also=ALIASES)


Known = Mapping[str, frozenset[str]]
"""Kinds of detections, each with labels as it tells them; without any it is all that is found."""


def knowing(word: str, built_in: str = "objects", *, names: bool = True, masks: bool = False) -> Known:
    """Who can tell of a Label or Thing: the kinds of detections, each with the labels that the word stands for there.

    Of the labels of COCO, and groups of them, that is the kind `built_in`; of others the operator's models, with
    `masks` those alone that draw some. With `names` a word that is the name of one of these stands for all that it
    finds, even if a label is called the same.
    """
    common = ALIASES.get(word, word)
    kinds = {built_in: labels_of(common)} if common in COMMON else {}
    own = vocabulary.current().masking if masks else vocabulary.current()
    knowing = own.knowing(own.words.get(word, ()))
    for model in own.models:
        if names and model.name == word:
            kinds[word] = frozenset()
        elif model.name in knowing:
            kinds[model.name] = knowing[model.name]
    return kinds


def is_one(region: Region, known: Known) -> bool:
    """Whether a model is sure that a region is what somebody knows."""
    labels = known.get(region.by)
    return region.sure and labels is not None and (not labels or region.label in labels)
