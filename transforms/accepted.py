"""Words that are taken somewhere, and which of them another word is most like: also of the thousands of a model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from difflib import SequenceMatcher
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

LETTERS = 128  # that are told apart: others share a place with one of these, so that words are never taken for unlike
TRIED = 100  # words that are compared letter by letter, 3 ms: of up to 218, as Darkroom knows itself, enough for all

Like = tuple[float, str]
"""A word after how much it is like another one, 0 to 1."""


class Listed(Collection[str]):
    """Words that are looked up at once."""

    def __init__(self, words: Iterable[str]) -> None:
        self._places = dict.fromkeys(words)

    def __contains__(self, word: object) -> bool:
        return word in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    @cached_property
    def by_part(self) -> dict[str, list[str]]:
        """The words by what stands between their hyphens and underscores."""
        listed: dict[str, list[str]] = {}
        for word in self._places:
            for part in dict.fromkeys(word.replace("-", "_").split("_")):
                listed.setdefault(part, []).append(word)
        return listed

    def nearest(self, word: str, best: Like) -> Like:
        """What looks more like a word than the best known so far."""
        return self._letters.nearest(word, best) if self._places else best

    @cached_property
    def _letters(self) -> _Letters:
        return _Letters(list(self._places))


class Accepted(Collection[str]):
    """All words of some lists, each once; `also` are others that a misspelt one may be meant for."""

    def __init__(self, *lists: Iterable[str], also: Iterable[str] = ()) -> None:
        self._lists = tuple(words if isinstance(words, Listed) else Listed(words) for words in lists)
        self._also = Listed(also)

    def __contains__(self, word: object) -> bool:
        return any(word in words for words in self._lists)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(chain.from_iterable(self._lists)))

    def with_part(self, part: str) -> Iterator[str]:
        """Words that have this between their hyphens and underscores."""
        for words in self._lists:
            yield from words.by_part.get(part, ())

    def nearest(self, word: str, cutoff: float = 0.5) -> str | None:
        """The word that looks most like another one, as `failure.nearest` finds it, or None where none comes near.

        Of many thousand only those are compared that have most letters in common with it.
        """
        best = (cutoff, "")
        for words in (*self._lists, self._also):
            best = words.nearest(word.lower(), best)
        return best[1] or None


class _Letters:
    """How often each letter is in each of some words."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._lengths = np.array([len(word) for word in words], np.int32)
        codes = _codes("".join(words))
        self._rows = {code: row for row, code in enumerate(np.unique(codes).tolist())}
        rows = np.zeros(LETTERS, np.int64)
        rows[list(self._rows)] = list(self._rows.values())
        places = rows[codes] * len(words) + np.repeat(np.arange(len(words)), self._lengths)
        counts = np.bincount(places, minlength=len(self._rows) * len(words))
        self._counts = np.minimum(counts, 255).astype(np.uint8).reshape(len(self._rows), len(words))

    def nearest(self, word: str, best: Like) -> Like:
        bounds = self._bounds(word)
        close = np.flatnonzero(bounds >= best[0])
        close = close[np.argsort(-bounds[close], kind="stable")][:TRIED]
        matcher = SequenceMatcher(b=word)
        for place, bound in zip(close.tolist(), bounds[close].tolist(), strict=True):
            if bound < best[0]:
                break  # nor is any of the others as much alike
            matcher.set_seq1(self._words[place])
            best = max(best, (matcher.ratio(), self._words[place]))
        return best

    def _bounds(self, word: str) -> NDArray[np.float64]:
        """How much each of the words can be like that one at most: by the letters that they share, in any order."""
        shared = np.zeros(len(self._words), np.int32)
        letters, counts = np.unique(_codes(word), return_counts=True)
        for letter, count in zip(letters.tolist(), counts.tolist(), strict=True):
            if letter in self._rows:
                shared += np.minimum(self._counts[self._rows[letter]], np.uint8(min(count, 255)))
        return 2.0 * shared / np.maximum(self._lengths + len(word), 1)


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32) % LETTERS
