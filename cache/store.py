"""What every store can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from .entry import Entry

Outcome = Literal["hit", "miss", "error", "skipped", "timeout", "open"]
"""hit and miss count reads; the rest are calls that did not do their work: the store failed, did not want the value
(too large, already expired), did not answer in time, or is left alone because it failed often."""

OnEvent = Callable[[str, str], None]  # name of the store, outcome


class Store(Protocol):
    """Entries by key, for one event loop. A cache that fails costs time, never a request: no method raises."""

    async def get(self, key: str) -> Entry | None:
        """The entry, fresh or stale; None where there is none, where it may no longer be used, or on failure."""

    async def put(self, key: str, entry: Entry) -> None:
        """Replaces what is there. Where the new entry cannot be kept, the old one goes all the same."""

    async def delete(self, *keys: str) -> None:
        """Forgets them; unknown keys are fine."""

    async def close(self) -> None:
        """Gives connections back; the store is not used afterwards."""

    def describe(self) -> dict[str, Any]:
        """For /ready and metrics, without waiting: `name`, `state` (up, degraded or down), and where known `entries`
        and `bytes`. Holds no address and no secret."""


def ignore(name: str, outcome: str) -> None:
    """The event callback of whoever does not count."""
