"""Entries in this process, the least recently used leave first."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from .entry import Entry
from .purges import Purges
from .store import JITTER, OnEvent, Outcome, ignore, shortened

OVERHEAD = 460  # bytes beside body and meta, by tracemalloc: the key, the Entry, its times, slots of three dictionaries
TAGGED = 140  # bytes for each tag: a slot in a tuple and in the index


@dataclass(frozen=True, slots=True)
class _Kept:
    entry: Entry
    weight: int
    fresh_until: float
    keep_until: float


class _Kepts(LRUCache):  # type: ignore[type-arg]
    """The cache, and which of its keys have a tag. Whatever leaves (evicted, replaced, deleted) leaves both."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity, getsizeof=lambda kept: kept.weight)
        self.by_tag: dict[str, set[str]] = {}

    def __setitem__(self, key: str, kept: _Kept) -> None:
        self.pop(key, None)
        super().__setitem__(key, kept)
        for tag in kept.entry.tags:
            self.by_tag.setdefault(tag, set()).add(key)

    def __delitem__(self, key: str) -> None:
        tags = self[key].entry.tags
        super().__delitem__(key)
        for tag in tags:
            keys = self.by_tag.get(tag, set())
            keys.discard(key)
            if not keys:
                self.by_tag.pop(tag, None)

    def clear(self) -> None:
        super().clear()
        self.by_tag.clear()


class MemoryStore:
    """At most `capacity` bytes, and no single entry above `share` of it: one panorama must not empty the cache."""

    name = "memory"

    def __init__(
        self,
        capacity: int,
        *,
        share: float = 1 / 8,
        jitter: float = JITTER,
        purges: Purges | None = None,
        clock: Callable[[], float] = time.time,
        on_event: OnEvent | None = None,
    ) -> None:
        self._kepts = _Kepts(capacity)
        self._most = int(capacity * share)
        self._jitter = jitter
        self._purges = purges or Purges(clock=clock)
        self._clock = clock
        self._on_event = on_event or ignore

    def near(self, key: str) -> Entry | None:
        """0.7 µs and the callback."""
        kept: _Kept | None = self._kepts.get(key)
        if kept is None or self._clock() >= kept.fresh_until:
            return None
        self._on_event("memory", "hit")
        return kept.entry

    async def get(self, key: str) -> Entry | None:
        kept: _Kept | None = self._kepts.get(key)
        if kept is not None and self._clock() >= kept.keep_until:
            del self._kepts[key]
            kept = None
        self._report("miss" if kept is None else "hit")
        return kept.entry if kept else None

    async def put(self, key: str, entry: Entry) -> None:
        weight, now = _weigh(entry), self._clock()
        if weight > self._most or not entry.usable(now) or self._purges.forbid(entry):
            self._kepts.pop(key, None)
            self._report("skipped")
            return
        keep_until = now + shortened(entry.keep_until - now, self._jitter)
        self._kepts[key] = _Kept(entry, weight, min(entry.fresh_until, keep_until), keep_until)

    async def delete(self, *keys: str) -> None:
        for key in keys:
            self._kepts.pop(key, None)

    async def purge(self, tags: Collection[str]) -> int:
        self._purges.add(tags)
        keys = set().union(*(self._kepts.by_tag.get(tag, ()) for tag in tags))
        for key in keys:
            del self._kepts[key]
        return len(keys)

    def clear(self) -> None:
        self._kepts.clear()

    async def close(self) -> None:
        self.clear()

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": "up",
            "entries": len(self._kepts),
            "bytes": int(self._kepts.currsize),
            "capacity": int(self._kepts.maxsize),
        }

    def _report(self, outcome: Outcome) -> None:
        self._on_event(self.name, outcome)


def _weigh(entry: Entry) -> int:
    return entry.size + OVERHEAD + TAGGED * len(entry.tags)
