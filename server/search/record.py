"""What the index knows of one original, and the words that it is found by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import msgpack

VERSION = 1  # of the packed form; what another version wrote is not there
MOST_TAGS = 100  # of one original; those that are surest
LONGEST = 64  # characters of a tag
FINGERPRINTED = "fingerprint"
"""The kind that says that a fingerprint was made, also where the picture is too plain to have one."""


@dataclass(frozen=True, slots=True)
class Named:
    """A tag: how sure its detector is (0 to 1), which kind of detection gave it, and the tag that it follows from."""

    name: str
    score: float
    by: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """An original as the index has it.

    `source` is its tag in the cache (`src-…`), `path` the path that it is asked for by, without steps. It was found
    to be so when its `version` and `content` (a hash) were these; `kinds` are the detections that were made.
    `marks` are the tags that purge it beside its own: of its folders, and those that its origin says.
    """

    source: str
    path: str
    version: str
    content: str
    found_at: float
    kinds: frozenset[str] = frozenset()
    tags: tuple[Named, ...] = ()
    fingerprint: int | None = None
    marks: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(tag.name for tag in self.tags)

    def over(self, old: Record | None) -> Record:
        """With what was known of the same content and was not asked anew; `old` itself where nothing is new."""
        if old is None or old.content != self.content:
            return self
        kept = (tag for tag in old.tags if tag.by not in self.kinds)
        known = FINGERPRINTED in self.kinds
        whole = replace(
            self, kinds=self.kinds | old.kinds, tags=surest((*self.tags, *kept)), found_at=old.found_at,
            fingerprint=self.fingerprint if known else old.fingerprint,
        )  # fmt: skip
        return old if whole == old else whole


def word(text: str) -> str:
    """A tag as it is indexed and asked for: lower case, `_` as a space, at most 64 characters. The word of a word is
    itself."""
    return " ".join(text.lower().replace("_", " ").split())[:LONGEST].rstrip()


def surest(tags: Iterable[Named]) -> tuple[Named, ...]:
    """Each name of a kind once, with its best score; the surest first, and no more than a record holds."""
    best: dict[tuple[str, str], Named] = {}
    for tag in tags:
        known = best.get((tag.name, tag.by))
        if tag.name and (known is None or tag.score > known.score):
            best[tag.name, tag.by] = tag
    ordered = sorted(best.values(), key=lambda tag: (-tag.score, tag.name, tag.by))
    return tuple(ordered[:MOST_TAGS])


def pack(record: Record) -> bytes:
    tags = [[tag.name, tag.score, tag.by, tag.of] for tag in record.tags]
    packed: bytes = msgpack.packb([
        VERSION, record.source, record.path, record.version, record.content, record.found_at, sorted(record.kinds),
        tags, record.fingerprint, list(record.marks),
    ])  # fmt: skip
    return packed


def unpack(packed: Any) -> Record | None:
    """The record; None where these are not bytes that this version wrote."""
    try:
        version, source, path, tag, content, found_at, kinds, tags, fingerprint, marks = msgpack.unpackb(packed)
        named = tuple(Named(name, float(score), by, of) for name, score, by, of in tags)
        record = Record(
            source, path, tag, content, float(found_at), frozenset(kinds), named, fingerprint, tuple(marks)
        )  # fmt: skip
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    return record if version == VERSION and _is_sound(record) else None


def _is_sound(record: Record) -> bool:
    texts = (record.source, record.path, record.version, record.content, *record.kinds, *record.marks)
    named = (text for tag in record.tags for text in (tag.name, tag.by, tag.of))
    right = all(type(text) is str for text in (*texts, *named)) and isfinite(record.found_at)
    bits = record.fingerprint
    return right and (bits is None or (type(bits) is int and 0 <= bits < 1 << 64))
