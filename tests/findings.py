"""Records of originals for tests of the search index."""

from __future__ import annotations

import random
from typing import Any

from server.search.record import FINGERPRINTED, Named, Record


def record(number: int, *names: str, **changed: Any) -> Record:
    """The record of original `number`, with these tags, all of kind `objects` and ever less sure."""
    tags = tuple(Named(name, round(0.9 - 0.01 * index, 2), "objects") for index, name in enumerate(names))
    values: dict[str, Any] = {
        "source": f"src-{number:016x}", "path": f"/-/p/{number}.jpg", "version": "v1", "content": f"c{number}",
        "found_at": 1000.0 + number, "kinds": frozenset({"objects"}), "tags": tags,
    }  # fmt: skip
    return Record(**(values | changed))


def hashed(number: int, fingerprint: int, *names: str, **changed: Any) -> Record:
    kinds = frozenset({"objects", FINGERPRINTED})
    return record(number, *names, fingerprint=fingerprint, kinds=kinds, **changed)


def flipped(fingerprint: int, bits: int, seed: int = 0) -> int:
    """A fingerprint that differs in so many bits, wherever they are."""
    for bit in random.Random(seed).sample(range(64), bits):  # noqa: S311 - reproducible
        fingerprint ^= 1 << bit
    return fingerprint
