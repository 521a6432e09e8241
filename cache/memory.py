"""Entries in this process, the least recently used leave first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cachetools import LRUCache

from .entry import Entry
from .store import OnEvent, Outcome, ignore

OVERHEAD = 370  # bytes beside body and meta, by tracemalloc: the key, the Entry, its times, slots of three dictionaries


class MemoryStore:
    """At most `capacity` bytes, and no single entry above `share` of it: one panorama must not empty the cache."""

    name = "memory"

    def __init__(
        self,
        capacity: int,
        *,
        share: float = 1 / 8,
        clock: Callable[[], float] = time.time,
        on_event: OnEvent | None = None,
    ) -> None:
        self._entries: LRUCache[str, Entry] = LRUCache(capacity, getsizeof=_weigh)
        self._most = int(capacity * share)
        self._clock = clock
        self._on_event = on_event or ignore

    async def get(self, key: str) -> Entry | None:
        entry: Entry | None = self._entries.get(key)
        if entry is not None and not entry.usable(self._clock()):
            del self._entries[key]
            entry = None
        self._report("miss" if entry is None else "hit")
        return entry

    async def put(self, key: str, entry: Entry) -> None:
        if _weigh(entry) <= self._most and entry.usable(self._clock()):
            self._entries[key] = entry
            return
        self._entries.pop(key, None)
        self._report("skipped")

    async def delete(self, *keys: str) -> None:
        for key in keys:
            self._entries.pop(key, None)

    async def close(self) -> None:
        self._entries.clear()

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": "up",
            "entries": len(self._entries),
            "bytes": int(self._entries.currsize),
            "capacity": int(self._entries.maxsize),
        }

    def _report(self, outcome: Outcome) -> None:
        self._on_event(self.name, outcome)


def _weigh(entry: Entry) -> int:
    return entry.size + OVERHEAD
