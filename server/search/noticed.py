"""What of a finding is indexed: tags that a detector is sure of, with what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from detectors.registry import base_of
from transforms import vocabulary
from transforms.image import Found, Region
from transforms.labels import ALIASES
from transforms.tagging import FACE, PERSON, spelled, tags_of
from transforms.vocabulary import Vocabulary, word_of

from .record import FINGERPRINTED, Named, surest, word

SECRET = frozenset({"moderation", "text"})
"""Kinds that say of people what nobody asked to have listed, or what is written there."""

LENIENT = "all-faces"  # errs on covering: it says that something may be a face
QUICK = "largest-face"


def kinds_of(found: Found) -> frozenset[str]:
    """The kinds that were asked and answered, as far as they are indexed."""
    return frozenset(kind for kind, _ in found.models if _is_told(kind))


def named_of(found: Found) -> tuple[Named, ...]:
    """Tags with parents; synonyms are resolved when somebody asks."""
    plain = Found(
        tuple(region for region in found.regions if _is_told(region.by)),
        tuple(tag for tag in found.tags if _is_told(tag.by)), found.colors,
    )  # fmt: skip
    said = (one.tag for one in tags_of(plain) if one.how != "synonym")
    tags = (Named(word(tag.name), round(tag.score, 4), tag.by, word(tag.of)) for tag in said)
    return surest((*tags, *_quick(found.regions)))


def _is_told(kind: str) -> bool:
    """An argument after a colon asks for something else than what is in the picture."""
    return kind == base_of(kind) and kind not in SECRET | {LENIENT, FINGERPRINTED}


def _quick(regions: Iterable[Region]) -> Iterator[Named]:
    """The face that was found by a look for the largest one alone."""
    for region in regions:
        if region.by == QUICK and region.sure:
            yield from (Named(name, round(region.score, 4), QUICK) for name in (FACE, PERSON))


def label_of(name: str) -> str | None:
    """The label that a word is a synonym, or another spelling, of."""
    alias = ALIASES.get(word_of(name)) or ALIASES.get(name.replace(" ", ""))
    return word(alias or meant_by(name)) or None


def meant_by(name: str) -> str:
    """The label that is asked for by a word: `a_b` is a/b where a model of the operator's calls something so."""
    return next(iter(vocabulary.current().words.get(word_of(name), ())), "")


def told(names: Iterable[str]) -> dict[str, str]:
    """How words of the index are told: as `auto-tag` tells them. Those of models that are gone stay as they are."""
    spelt = _spelt(vocabulary.current())
    return {name: spelt.get(name, name) for name in names}


@lru_cache(2)
def _spelt(words: Vocabulary) -> dict[str, str]:
    labels = (label for named in reversed(words.models) for label in reversed(named.labels))
    return {word(label): spelled(label) for label in labels}
