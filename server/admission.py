"""A bounded queue before the renderers: who waits too long, or finds it full, is told so at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from transforms.failure import Failure, Kind


class Admission:
    """At most `concurrent` inside, at most `waiting` before the door, none there for longer than `seconds`."""

    def __init__(self, concurrent: int, waiting: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(concurrent)
        self._most_waiting = waiting
        self._seconds = seconds
        self.waiting = 0
        self.inside = 0

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Raises Failure queue-full (429) or queue-timeout (503)."""
        await self._enter()
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
            self._free.release()

    def refuse_if_full(self) -> None:
        """Raises Failure queue-full; asked before a source is fetched, so that load never becomes load on origins."""
        if self._free.locked() and self.waiting >= self._most_waiting:
            raise Failure(Kind.BUSY, "queue-full", "too many pictures are being rendered", retry_after=1)

    async def _enter(self) -> None:
        self.refuse_if_full()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Failure(
                Kind.UNAVAILABLE, "queue-timeout", "the picture waited too long to be rendered", retry_after=2
            ) from None  # fmt: skip
        finally:
            self.waiting -= 1
