"""What the operator's own models, and plug-ins, add to the grammar: their names, and the labels that they know.

One vocabulary per process, because a URL means the same to everybody in it; it is installed before URLs are read, and
again when models come or go.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class Named:
    """A model: its name, which is a kind of detection, its labels as they are told, whether plain auto-tag asks it, and
    the longest side in pixels of what it looks at."""

    name: str
    labels: tuple[str, ...] = ()
    tags: bool = True
    side: int = 640


@dataclass(frozen=True)
class Vocabulary:
    """The kinds of detections of plug-ins, then the operator's models, by name."""

    models: tuple[Named, ...] = ()

    @staticmethod
    def read(rows: Any) -> Vocabulary:
        """What `rows` of another process said; raises ValueError for anything else."""
        try:
            named = [
                Named(str(name), tuple(map(str, labels)), bool(tags), int(side)) for name, labels, tags, side in rows
            ]
        except TypeError as error:
            raise ValueError("not a vocabulary") from error
        return Vocabulary(tuple(named))

    @property
    def rows(self) -> list[tuple[str, tuple[str, ...], bool, int]]:
        """The same as plain data."""
        return [(named.name, named.labels, named.tags, named.side) for named in self.models]

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(named.name for named in self.models)

    @cached_property
    def words(self) -> dict[str, str]:
        """Labels by how they are written in URLs."""
        return {word_of(label): label for named in self.models for label in named.labels}

    @cached_property
    def tagging(self) -> frozenset[str]:
        """The kinds that plain auto-tag, and conditions on tags, ask."""
        return frozenset(named.name for named in self.models if named.tags)

    def kinds_of(self, label: str) -> frozenset[str]:
        """The kinds whose models know a label."""
        return frozenset(named.name for named in self.models if label in named.labels)


NOTHING = Vocabulary()


def word_of(label: str) -> str:
    """A label as a URL names it: `cell phone` is cell_phone. What a URL could not hold is left out."""
    kept = (letter if letter.isalnum() or letter == "-" else "_" if letter in " _" else "" for letter in label)
    return "".join(kept).strip("_-")


_installed = [NOTHING]


def install(vocabulary: Vocabulary) -> None:
    """From now on URLs are read with these words."""
    _installed[0] = vocabulary


def current() -> Vocabulary:
    return _installed[0]
