"""What every store can do."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import Any, Literal, Protocol

from .entry import Entry

Outcome = Literal["hit", "miss", "error", "skipped", "timeout", "open"]
"""hit and miss count reads; the rest are calls that did not do their work: the store failed, did not want the value
(too large, already expired, purged meanwhile), did not answer in time, or is left alone because it failed often."""

OnEvent = Callable[[str, str], None]  # name of the store, outcome

JITTER = 0.1  # of the time to live, so that what was made together does not expire together


class Store(Protocol):
    """Entries by key, for one event loop. A cache that fails costs time, never a request: no method raises."""

    name: str

    def near(self, key: str) -> Entry | None:
        """The entry where this process has it in memory and it is fresh. Without waiting; counts as a hit, or not."""

    async def get(self, key: str) -> Entry | None:
        """The entry, fresh or stale; None where there is none, where it may no longer be used, or on failure."""

    async def put(self, key: str, entry: Entry) -> None:
        """Replaces what is there. Where the new entry cannot be kept, the old one goes all the same."""

    async def delete(self, *keys: str) -> None:
        """Forgets them; unknown keys are fine."""

    async def purge(self, tags: Collection[str]) -> int:
        """Forgets all entries with any of the tags, and gives their number. What was begun before cannot be put
        afterwards."""

    async def close(self) -> None:
        """Gives connections back; the store is not used afterwards."""

    def describe(self) -> dict[str, Any]:
        """For /ready and metrics, without waiting: `name`, `state` (up, degraded or down), and where known `entries`
        and `bytes`. Holds no address and no secret."""


def ignore(name: str, outcome: str) -> None:
    """The event callback of whoever does not count."""


def shortened(left: float, jitter: float = JITTER) -> float:
    """A time to live of `left` seconds, less up to a tenth by chance. Never more: it may not be used for longer."""
    return left * (1 - jitter * random.random())  # noqa: S311 (not a secret)
