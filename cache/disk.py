"""Entries in a folder: they outlive the process, and may be larger than what Redis takes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from .breaker import Breaker
from .disk_files import Files
from .entry import Entry, pack
from .purges import Purges
from .store import JITTER, OnEvent, Outcome, ignore

T = TypeVar("T")

CAP = 64 * 2**20  # bytes of a body
SHARE = 1 / 8  # of the capacity that one entry may take
THREADS = 4  # of its own: a disk that hangs must not hold up what else is done in threads
BUDGET = 0.5  # s for a read or a write
PATIENCE = 30.0  # s for a purge
SWEPT = 600.0  # s after which it is counted again and what has expired goes
AGAIN = 10.0  # s until the next try where another process was at it

_log = logging.getLogger(__name__)


class _Failed(Exception):
    """The disk did not do what it was asked to; already counted."""


class DiskStore:
    """At most `capacity` bytes in a folder of its own, which processes of one machine may share.

    All work is done in threads. A folder that is full, read-only or gone costs hits, and after a few failures nothing
    is tried for five seconds.
    """

    name = "disk"

    def __init__(
        self,
        folder: Path,
        capacity: int,
        *,
        cap: int = CAP,
        budget: float = BUDGET,
        jitter: float = JITTER,
        purges: Purges | None = None,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.time,
        on_event: OnEvent | None = None,
    ) -> None:
        self._files = Files(folder, capacity, jitter=jitter, clock=clock)
        self._budget = budget
        self._cap = min(cap, int(capacity * SHARE))
        self._purges = purges or Purges(clock=clock)
        self._breaker = breaker or Breaker(pause=5.0)
        self._clock = clock
        self._on_event = on_event or ignore
        self._threads = ThreadPoolExecutor(THREADS, "cache-disk")
        self._sweeping: asyncio.Task[None] | None = None
        self._swept = float("-inf")
        self._owed: set[str] = set()
        self._entries = self._bytes = 0
        self._error: str | None = None

    async def start(self) -> None:
        """Counts what is there, behind the scenes: that takes seconds where there are a million files."""
        self._sweep_soon()

    async def mark(self) -> None:
        """Notes that until now all purges were heard of, for when this process is started again."""
        try:
            await self._do(self._files.mark)
        except _Failed:
            return

    def marked(self) -> float | None:
        """When that was noted last."""
        return self._files.marked()

    def near(self, key: str) -> Entry | None:
        return None

    async def get(self, key: str) -> Entry | None:
        try:
            entry = await self._do(lambda: self._files.read(key))
        except _Failed:
            return None
        if entry is not None and self._purges.forbid(entry):
            entry = None
        self._report("miss" if entry is None else "hit")
        return entry

    async def put(self, key: str, entry: Entry) -> None:
        if len(entry.body) > self._cap or not entry.usable(self._clock()) or self._purges.forbid(entry):
            await self._skip(key)
            return
        try:
            kept, self._bytes = await self._do(lambda: self._write(key, entry))
        except _Failed:
            return
        if not kept:
            self._report("skipped")
        if self._bytes > self._files.capacity or time.monotonic() - self._swept > SWEPT:
            self._sweep_soon()

    def _write(self, key: str, entry: Entry) -> tuple[bool, int]:
        """In a thread; the old entry goes where the new one cannot be kept."""
        try:
            packed = pack(entry)
            if len(packed) <= self._cap:
                return self._files.write(key, entry, packed)
        except OSError:
            self._files.remove(key)
            raise
        except ValueError as error:
            self._files.remove(key)
            raise OSError("meta that cannot be packed") from error
        self._files.remove(key)
        return False, self._bytes

    async def delete(self, *keys: str) -> None:
        try:
            await self._do(lambda: self._files.remove(*keys))
        except _Failed:
            return

    async def purge(self, tags: Collection[str]) -> int:
        self._purges.add(tags)
        return await self._settle(frozenset(tags))

    async def _settle(self, more: frozenset[str] = frozenset()) -> int:
        """Purges these and what is owed; what the disk does not do now is owed until the next sweep."""
        tags = more | self._owed
        if not tags:
            return 0
        self._owed.clear()  # now, so that a sweep at the same time does not count what goes here
        moment = self._clock()

        def work() -> int:
            self._files.forbid(tags, moment)
            return self._files.purge(tags)

        try:
            return await self._do(work, PATIENCE)
        except _Failed:
            self._owed |= tags
            return 0
        except BaseException:
            self._owed |= tags
            raise

    async def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": "down" if self._breaker.open else "up",
            "entries": self._entries,
            "bytes": self._bytes,
            "capacity": self._files.capacity,
        } | ({"error": self._error} if self._error else {})

    async def _skip(self, key: str) -> None:
        self._report("skipped")
        await self.delete(key)

    def _sweep_soon(self) -> None:
        if self._sweeping is None or self._sweeping.done():
            self._swept = time.monotonic()
            self._sweeping = asyncio.create_task(self._sweep())

    async def _sweep(self) -> None:
        """Not by way of the breaker, and however long it takes: nobody waits for it."""
        await self._settle()
        try:
            work = asyncio.get_running_loop().run_in_executor(self._threads, self._files.sweep)
            self._entries, self._bytes = await work
        except TimeoutError:  # another process is at it
            self._swept = time.monotonic() - SWEPT + AGAIN
        except OSError as error:
            self._error = type(error).__name__
            _log.warning("the disk cache cannot be swept: %s", error.strerror)

    async def _do(self, work: Callable[[], T], budget: float | None = None) -> T:
        if not self._breaker.admit():
            self._report("open")
            raise _Failed
        try:
            async with asyncio.timeout(budget or self._budget):
                done = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise self._fail("timeout", "TimeoutError") from None
        except OSError as error:
            raise self._fail("error", type(error).__name__, error.strerror) from error
        self._breaker.succeed()
        self._error = None
        return done

    def _fail(self, outcome: Outcome, name: str, why: str | None = None) -> _Failed:
        was_open = self._breaker.open
        self._breaker.fail()
        if self._breaker.open and not was_open:
            _log.warning("the disk cache fails and is left alone for a while: %s", why or name)
        self._error = name
        self._report(outcome)
        return _Failed(name)

    def _report(self, outcome: Outcome) -> None:
        self._on_event(self.name, outcome)
