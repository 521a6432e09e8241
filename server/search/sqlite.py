"""The index in SQLite: a file that the processes of one machine share, or the memory of one process."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from cache.breaker import Breaker, Unanswered

from .index import MOST, Alike, Listed, OnEvent
from .record import Record
from .sqlite_file import File

T = TypeVar("T")

BUDGET = 2.0  # s for a question or a batch of records
FORGOTTEN = 500  # at a time

_log = logging.getLogger(__name__)


class SqliteIndex:
    """At most `most` originals, the oldest going first. `path` None: in memory, for this process alone.

    One thread writes and one reads. A file that is broken is begun anew, because all that was in it is found again.
    """

    name = "sqlite"

    def __init__(self, path: Path | None, most: int = MOST, on_event: OnEvent = lambda name, outcome: None) -> None:
        self._file = File(path, most)
        self._reads = File(path, most) if path is not None else self._file
        self._writer = ThreadPoolExecutor(1, "index-writer")
        self._reader = ThreadPoolExecutor(1, "index-reader") if path is not None else self._writer
        self._breaker = Breaker()
        self._on_event = on_event
        self._error: str | None = None

    async def put(self, records: Sequence[Record]) -> None:
        for outcome in await self._write(lambda file: file.put(records)):
            self._on_event(self.name, outcome)

    async def get(self, source: str) -> Record | None:
        return await self._read(lambda file: file.get(source))

    async def tags(self, prefix: str, after: str, limit: int) -> list[tuple[str, int]]:
        return await self._read(lambda file: file.tags(prefix, after, limit))

    async def sources(self, names: Sequence[str], before: int | None, limit: int) -> tuple[list[Listed], int | None]:
        found = await self._read(lambda file: file.sources(names, before, limit))
        return found, found[-1].number if len(found) == limit else None

    async def similar(self, fingerprint: int, distance: int, limit: int) -> list[Alike]:
        return await self._read(lambda file: file.similar(fingerprint, distance, limit))

    async def forget(self, marks: Collection[str]) -> int:
        """In parts: others write meanwhile."""
        gone, part = 0, FORGOTTEN
        while part == FORGOTTEN:
            part = await self._write(lambda file: file.forget(marks, FORGOTTEN))
            gone += part
        for _ in range(gone):
            self._on_event(self.name, "forgotten")
        return gone

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        for thread, file in {self._reader: self._reads, self._writer: self._file}.items():
            await loop.run_in_executor(thread, file.close)
            thread.shutdown(wait=False)

    def describe(self) -> dict[str, Any]:
        state = "down" if self._breaker.open else "up"
        return {"name": self.name, "state": state} | ({"error": self._error} if self._error else {})

    async def _read(self, work: Callable[[File], T]) -> T:
        return await self._do(self._reader, self._reads, work)

    async def _write(self, work: Callable[[File], T]) -> T:
        return await self._do(self._writer, self._file, work)

    async def _do(self, thread: ThreadPoolExecutor, file: File, work: Callable[[File], T]) -> T:
        if not self._breaker.admit():
            raise self._failed("open", "left alone")
        try:
            async with asyncio.timeout(BUDGET):
                done = await asyncio.get_running_loop().run_in_executor(thread, file.do, work)
        except TimeoutError:
            self._breaker.fail()
            raise self._failed("timeout", "TimeoutError") from None
        except (sqlite3.Error, OSError) as error:
            self._breaker.fail()
            _log.warning("the search index fails: %s", error)
            raise self._failed("error", type(error).__name__) from error
        self._breaker.succeed()
        self._error = None
        return done

    def _failed(self, outcome: str, error: str) -> Unanswered:
        self._error = error
        self._on_event(self.name, outcome)
        return Unanswered(error)
