"""How many may ask one origin at a time, and how many may wait for that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from transforms.failure import Failure, Kind

PER_ORIGIN = 16
QUEUED = 8  # waiting for each that is asking


class Place:
    """One of an origin's places, which may be given up for one at another origin (after a redirect)."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.origin: str | None = None

    async def at(self, origin: str) -> None:
        if origin != self.origin:
            self.leave()
            await self._places.enter(origin)
            self.origin = origin

    def leave(self) -> None:
        origin, self.origin = self.origin, None
        if origin is not None:
            self._places.leave(origin)


class Places:
    """At most `limit` at a time per origin, in the order of their coming. Belongs to one event loop."""

    def __init__(self, limit: int = PER_ORIGIN, queued: int | None = None) -> None:
        self._limit = limit
        self._queued = QUEUED * limit if queued is None else queued
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._inside: dict[str, int] = {}  # asking and waiting

    def __len__(self) -> int:
        """Origins that somebody asks or waits for."""
        return len(self._inside)

    @asynccontextmanager
    async def of(self, origin: str, deadline: float) -> AsyncIterator[Place]:
        """A place at an origin. Waiting ends with the deadline, on the clock of time.monotonic().

        Raises Failure `source-busy`.
        """
        place = Place(self)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await place.at(origin)
        except TimeoutError:
            raise _busy() from None
        try:
            yield place
        finally:
            place.leave()

    async def enter(self, origin: str) -> None:
        inside = self._inside.get(origin, 0)
        if inside >= self._limit + self._queued:
            raise _busy()
        gate = self._gates.setdefault(origin, asyncio.Semaphore(self._limit))
        self._inside[origin] = inside + 1
        try:
            await gate.acquire()
        except BaseException:
            self._gone(origin)
            raise

    def leave(self, origin: str) -> None:
        self._gates[origin].release()
        self._gone(origin)

    def _gone(self, origin: str) -> None:
        self._inside[origin] -= 1
        if not self._inside[origin]:
            del self._inside[origin], self._gates[origin]


def _busy() -> Failure:
    return Failure(
        Kind.UNAVAILABLE,
        "source-busy",
        "too many pictures are being fetched from the source's server",
        retry_after=2,
    )
