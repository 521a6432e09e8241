"""What the operator's own models, and plug-ins, add to the grammar: their names, and the labels that they know.

One vocabulary per process, because a URL means the same to everybody in it; it is installed before URLs are read, and
again when models come or go.
"""

from __future__ import annotations

import pickle
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from .accepted import Listed

_BETWEEN = re.compile(r"[\s_/:,]+")
"""What stands between words: spaces, however they are written, and what separates parts of a URL."""

_MARKS = re.compile("[^a-z0-9 -]")


def folded(text: str) -> str:
    """A word as it is compared, however it is written: `Wheat_Head` and `wheat head` are one, and so are `a/b` and
    `a_b`."""
    return _BETWEEN.sub(" ", unicodedata.normalize("NFC", text.lower())).strip()


def word_of(label: str) -> str:
    """A label as a URL names it: `cell phone` is cell_phone. What a URL could not hold is left out, so that labels of
    punctuation alone have no word: conditions ask for these in apostrophes."""
    plain = folded(label)
    if plain.isascii():
        kept = _MARKS.sub("", plain)  # the same in a quarter of the time
    else:
        kept = "".join(letter for letter in plain if letter in " -" or unicodedata.category(letter)[0] in "LMN")
    return "_".join(kept.strip(" -").split())


@dataclass(frozen=True, slots=True)
class Named:
    """A model: its name, which is a kind of detection, its labels as they are told, whether plain auto-tag asks it, the
    longest side in pixels of what it looks at, and the form of its answers: "" of what nobody knows."""

    name: str
    labels: tuple[str, ...] = ()
    tags: bool = True
    side: int = 640
    form: str = ""

    @property
    def masks(self) -> bool:
        """Whether it draws masks, as far as anybody knows."""
        return self.form in ("", "segment")


@dataclass(frozen=True)
class Vocabulary:
    """The kinds of detections of plug-ins, then the operator's models, by name."""

    models: tuple[Named, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (self._packed,)  # it goes with every render: not what was worked out from it

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _packed(self) -> bytes:
        return pickle.dumps(self.models)

    @cached_property
    def _hash(self) -> int:
        return hash(self.models)  # of 100,000 labels 1 ms

    @staticmethod
    def read(rows: Any) -> Vocabulary:
        """What `rows` of another process said, which may be of an older version, or of a newer one that says more.

        Raises ValueError for anything else.
        """
        try:
            named = [
                Named(str(name), tuple(map(str, labels)), bool(tags), int(side), str(more[0]) if more else "")
                for name, labels, tags, side, *more in rows
            ]
        except TypeError as error:
            raise ValueError("not a vocabulary") from error
        return Vocabulary(tuple(named))

    @property
    def rows(self) -> list[tuple[str, tuple[str, ...], bool, int, str]]:
        """The same as plain data."""
        return [(named.name, named.labels, named.tags, named.side, named.form) for named in self.models]

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(named.name for named in self.models)

    @cached_property
    def words(self) -> dict[str, tuple[str, ...]]:
        """Labels by the word that URLs name them by: all that are written alike are meant together."""
        listed: dict[str, dict[str, None]] = {}
        for label in self._labels:
            listed.setdefault(word_of(label), {})[label] = None
        return {word: tuple(labels) for word, labels in listed.items() if word}

    @cached_property
    def named(self) -> Listed:
        """The words that URLs name labels by."""
        return Listed(self.words)

    @cached_property
    def spelt(self) -> Listed:
        """The labels in their folded form."""
        return Listed(self.spellings)

    @cached_property
    def spellings(self) -> dict[str, str]:
        """How the first model that knows a word spells it, by its folded form."""
        return {folded(label): label for label in reversed(self._labels)}

    @property
    def _labels(self) -> list[str]:
        return [label for named in self.models for label in named.labels]

    @cached_property
    def tagging(self) -> frozenset[str]:
        """The kinds that plain auto-tag, and conditions on tags, ask."""
        return frozenset(named.name for named in self.models if named.tags)

    @cached_property
    def masking(self) -> Vocabulary:
        """Those alone that draw masks."""
        models = tuple(named for named in self.models if named.masks)
        return self if models == self.models else Vocabulary(models)

    @cached_property
    def strangers(self) -> frozenset[str]:
        """The kinds of plug-ins that do not say what they know: it may be any word."""
        return frozenset(named.name for named in self.models if not named.labels)

    def kinds_of(self, words: Collection[str]) -> frozenset[str]:
        """The kinds whose models know one of these words, which are folded."""
        return frozenset().union(*(self._kinds.get(word, ()) for word in words))

    def knowing(self, labels: Iterable[str]) -> dict[str, frozenset[str]]:
        """The models that know any of these labels, each with those that it knows."""
        known: dict[str, list[str]] = {}
        for label in labels:
            for name in self._holders.get(label, ()):
                known.setdefault(name, []).append(label)
        return {name: frozenset(labels) for name, labels in known.items()}

    @cached_property
    def _holders(self) -> dict[str, set[str]]:
        holders: dict[str, set[str]] = {}
        for named in self.models:
            for label in named.labels:
                holders.setdefault(label, set()).add(named.name)
        return holders

    @cached_property
    def _kinds(self) -> dict[str, set[str]]:
        kinds: dict[str, set[str]] = {}
        for named in self.models:
            for label in named.labels:
                kinds.setdefault(folded(label), set()).add(named.name)
        return kinds


@lru_cache(2)
def _unpacked(packed: bytes) -> Vocabulary:
    """The same as long as another process sends the same: what is worked out from it is worked out once."""
    return Vocabulary(pickle.loads(packed))  # noqa: S301 - pickled into what is unpickled here anyway


NOTHING = Vocabulary()


def written_alike(labels: Iterable[str]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Labels that URLs cannot tell apart, together, and those that they have no word for."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(word_of(label), []).append(label)
    nameless = groups.pop("", [])
    return [tuple(group) for group in groups.values() if len(group) > 1], nameless


_installed = [NOTHING]


def install(vocabulary: Vocabulary) -> None:
    """From now on URLs are read with these words."""
    _installed[0] = vocabulary


def current() -> Vocabulary:
    return _installed[0]
