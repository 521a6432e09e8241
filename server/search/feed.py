"""What is found while requests are answered goes into the index behind the scenes; nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

from cachetools import LRUCache

from cache.breaker import Unanswered
from cache.entry import Entry
from cache.open import Cache
from detectors.found import unpack
from transforms.image import Found

from ..log import logger
from ..noticing import LEFT_OUT, Notice
from ..originals import Version
from ..sources.mounts import Mounts
from ..sources.source import SourceRef
from ..tags import source_tag, tags_of_source
from .index import Index, OnEvent
from .noticed import kinds_of, named_of
from .paths import path_of
from .record import FINGERPRINTED, Record

WAITING = 2_000  # records; more than that are dropped, and come again with a later request
TOGETHER = 100  # that are written at a time
PATIENCE = 5.0  # s that a purge waits
REMEMBERED = 50_000  # originals that are known to be in the index as they are


class Feed:
    """Takes what renders notice, and writes it to the index. `mounts` is set once there are any."""

    def __init__(self, index: Index, cache: Cache | None, on_event: OnEvent = lambda name, outcome: None) -> None:
        self.index = index
        self.mounts: Callable[[], Mounts] | None = None
        self.served: Callable[[SourceRef], SourceRef | None] = lambda ref: ref
        """As which source a server has it whose index this is."""
        self._cache = cache
        self._on_event = on_event
        self._waiting: asyncio.Queue[Record] = asyncio.Queue(WAITING)
        self._known: LRUCache[str, tuple[str, frozenset[str]]] = LRUCache(REMEMBERED)
        self._purges = 0
        self._forgetting: set[asyncio.Task[int]] = set()

    def lacks(self, ref: SourceRef, version: str, needs: frozenset[str], known: Found | None) -> bool:
        """Whether the index may not know this version of a source, or not all that is asked or known of it."""
        self._heed_purges()
        there = self._known.get(source_tag(ref))
        if there is None or there[0] != version:
            return True
        asked = Found(models=tuple((kind, "") for kind in needs - LEFT_OUT))
        return not there[1] >= kinds_of(asked) | kinds_of(known or Found())

    def notice(self, ref: SourceRef, version: Version, content: str, told: Notice, began: float) -> Record | None:
        """Takes what a render tells of its source, to be written soon: begun then, of a file with this content.

        None where the source is not to be listed.
        """
        record = self.record_of(ref, version, content, told, began)
        if record is None:
            return None
        self._heed_purges()
        try:
            self._waiting.put_nowait(record)
        except asyncio.QueueFull:
            self._on_event(self.index.name, "dropped")
            return record
        known, kinds = self._known.get(record.source, ("", frozenset[str]()))
        self._known[record.source] = record.version, record.kinds | (kinds if known == record.version else set())
        return record

    def record_of(self, ref: SourceRef, version: Version, content: str, told: Notice, began: float) -> Record | None:
        there = self.served(ref)
        path = path_of(there, self.mounts()) if there is not None and self.mounts is not None else None
        if there is None or path is None:
            return None
        found, (source, *folders) = unpack(told.found), tags_of_source(there)
        kinds = kinds_of(found) | ({FINGERPRINTED} if told.fingerprinted else frozenset())
        return Record(
            source, path, version.tag, content, began, kinds, named_of(found), told.fingerprint,
            (*folders, *version.tags),
        )  # fmt: skip

    async def run(self) -> None:
        """Writes what comes, for as long as the server runs."""
        while True:
            await self._write([await self._waiting.get()])

    async def flush(self) -> None:
        """Writes what waits."""
        while not self._waiting.empty():
            await self._write([])

    async def _write(self, records: list[Record]) -> None:
        while len(records) < TOGETHER and not self._waiting.empty():
            records.append(self._waiting.get_nowait())
        wanted = [record for record in records if not self._is_purged(record)]
        try:
            await self.index.put(wanted)
            # Only now, as a purge tells everybody first and forgets then: one of the two sees the other.
            late = [record.source for record in wanted if self._is_purged(record)]
            if late:
                await self.index.forget(late)
        except Unanswered:
            for record in records:  # it is tried again with the next request
                self._known.pop(record.source, None)

    async def forget(self, marks: Collection[str]) -> int:
        """As of Index.forget. What was known to be in the index is looked at anew."""
        try:
            return await self.index.forget(marks)
        finally:
            self._known.clear()

    async def forget_soon(self, marks: Collection[str]) -> int | None:
        """As `forget`, going on behind the scenes after some seconds: a hundred thousand take half a minute. None
        where the index does not answer, or is still at it."""
        work = asyncio.create_task(self.forget(marks))
        self._forgetting.add(work)
        work.add_done_callback(self._forgotten)
        try:
            return await asyncio.wait_for(asyncio.shield(work), PATIENCE)
        except (Unanswered, TimeoutError):
            return None

    def _forgotten(self, work: asyncio.Task[int]) -> None:
        self._forgetting.discard(work)
        if not work.cancelled() and work.exception() is not None:
            logger().warning("purged sources stay in the search index until they are met", why=str(work.exception()))

    async def close(self) -> None:
        for work in self._forgetting:
            work.cancel()
        with contextlib.suppress(Unanswered, TimeoutError):
            async with asyncio.timeout(2):
                await self.flush()
        await self.index.close()

    def _heed_purges(self) -> None:
        if self._cache is not None and self._cache.purges != self._purges:
            self._purges = self._cache.purges
            self._known.clear()

    def _is_purged(self, record: Record) -> bool:
        if self._cache is None:
            return False
        began = record.found_at
        return self._cache.purged(Entry(b"", {}, began, began, began, (record.source, *record.marks)))
