"""What the words of conditions mean, and who may say them: nothing is decided without asking who knows the word."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from . import vocabulary
from .accepted import Accepted
from .failure import Failure, Kind, nearest
from .labels import ALIASES
from .tagging import CALLED, COLOURS, FACE, PERSON, SOURCES, TEXT, THINGS, TRAITS, UNSAFE, UNTOLD, WORDS, spelled
from .vocabulary import Vocabulary, folded, word_of

MODERATION = "moderation"

SLIP = 0.85
"""Likeness from which on a word is taken for a misspelt one: `femal-breast-exposed`, but not `beach` for `bench`."""

_SAID_BY = {"traits": frozenset(TRAITS), "colors": frozenset(COLOURS), TEXT: frozenset({TEXT}),
            MODERATION: frozenset(UNSAFE)}  # fmt: skip
"""Kinds of detections, each with the words that it alone says."""


def sources(word: str) -> frozenset[str]:
    """The labels that a word (folded) is, or follows from; none of what Darkroom does not know."""
    return SOURCES.get(word, frozenset())


def asked_for_all() -> frozenset[str]:
    """The kinds of detections that auto-tag asks where none are named."""
    return frozenset({"faces", "objects", "colors", "traits", "codes"}) | vocabulary.current().tagging


def asked_for_any() -> frozenset[str]:
    """The kinds that any tag at all may come from."""
    return asked_for_all() | _SAID_BY.keys() | set(vocabulary.current().names)


def asked_for(words: Collection[str]) -> frozenset[str]:
    """The kinds of detections that may give one of these tags: `blurry` needs no model."""
    return frozenset[str]().union(*(_asked_for(folded(word)) for word in words))


def _asked_for(word: str) -> frozenset[str]:
    labels = sources(word)
    kinds = set(_own_kinds(labels | {word}))
    kinds |= {"objects"} if labels & THINGS else set()
    kinds |= {"codes"} if labels - THINGS else set()
    kinds |= {"faces"} if word == FACE or PERSON in labels else set()
    kinds |= {kind for kind, known in _SAID_BY.items() if word in known}
    return frozenset(kinds) or asked_for_all() | vocabulary.current().strangers


def _own_kinds(labels: frozenset[str]) -> frozenset[str]:
    """The operator's models that know one of the labels: those that tag, or others if nobody else knows it."""
    words = vocabulary.current()
    kinds = words.kinds_of(labels)
    return kinds & words.tagging or (kinds if not any(label in SOURCES for label in labels) else frozenset())


def meant(word: str) -> str:
    """The tag that a word of a condition means, folded.

    Raises Failure unknown-tag with the nearest word, where no model and no rule could ever give such a tag.
    """
    found = _meant(word)
    if found is None:
        raise _unknown(word, _known(vocabulary.current()).nearest(folded(word)))
    return found


def looked_for(word: str) -> str:
    """The same of a word in a list, where URLs from elsewhere have words that were put to pictures by hand (`sale`):
    these no picture here has. Raises Failure unknown-tag for what may be a slip of the pen, and for what is found but
    is no tag."""
    found = _meant(word)
    if found is not None:
        return found
    plain = folded(word)
    close = _known(vocabulary.current()).nearest(plain, SLIP)
    if close or plain in UNTOLD:
        raise _unknown(word, close or nearest(plain, UNSAFE))
    return plain


def _meant(word: str) -> str | None:
    plain, own = folded(word), vocabulary.current()
    if plain in WORDS or plain in own.spellings:
        return plain
    if plain in CALLED:
        return CALLED[plain]
    for label in own.words.get(word_of(word), ()):
        return folded(label)
    alias = ALIASES.get(plain.replace(" ", ""))
    if alias:
        return alias.replace("_", " ")
    return plain if own.strangers else None


@lru_cache(4)
def _known(own: Vocabulary) -> Accepted:
    return Accepted(WORDS, own.spelt)


def _unknown(word: str, close: str | None) -> Failure:
    return Failure(
        Kind.BAD_REQUEST, "unknown-tag", f"nothing here can find {word!r}",
        hint=f"did you mean {spelled(close)!r}?" if close else "docs/tags.md says what there is to be found",
        details={"tag": word, "nearest": close and spelled(close)},
    )  # fmt: skip
