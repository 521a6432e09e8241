"""THE request, as a short numbered list of steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Literal

from cachetools import LRUCache

from cache.entry import Entry
from cache.key import digest
from cache.open import Cache
from transforms import vocabulary
from transforms.failure import Failure
from transforms.output import Client, OutputFormat
from transforms.pipeline import Pipeline

from . import refusals, urls
from .admission import late
from .delivered import Answer, Status
from .gathering import Gathering, brought
from .keys import of_client, tag_of
from .layered import MISSING
from .log import logger
from .make import Made, Maker, is_sound
from .metrics import Metrics
from .originals import Originals, Version
from .presets import Presets
from .signing import Access
from .sources.mounts import Mounts
from .sources.pull import PullThrough
from .urls.request import Request
from .wanted import Asked, Wanted
from .watermark import UNMARKED

LONGEST_REMEMBERED = 1000  # characters of a path whose request is remembered
REMEMBERED = 16 << 20  # bytes of requests, about


class Delivery:
    """From a path to an answer."""

    def __init__(
        self, *, mounts: Mounts, presets: Presets, pull: PullThrough, originals: Originals, gathering: Gathering,
        cache: Cache, maker: Maker, request_seconds: float, metrics: Metrics, access: Access,
        formats: tuple[OutputFormat, ...], watermark: Pipeline = UNMARKED,
    ) -> None:  # fmt: skip
        self._mounts = mounts
        self._presets = presets
        self._pull = pull
        self._originals = originals
        self._gathering = gathering
        self._cache = cache
        self._store = cache.store
        self._flight = cache.flight
        self._maker = maker
        self._seconds = request_seconds
        self._metrics = metrics
        self.access = access
        self._formats = formats
        self._watermark = watermark
        self._words = vocabulary.current()
        self._asked: LRUCache[tuple[bytes, bytes], Asked] = LRUCache(REMEMBERED, getsizeof=lambda asked: asked.weight)
        self.background: set[asyncio.Task[None]] = set()

    @property
    def mounts(self) -> Mounts:
        return self._mounts

    def reload(
        self, presets: Presets, mounts: Mounts, access: Access, watermark: Pipeline = UNMARKED,
        pull: PullThrough | None = None,
    ) -> None:  # fmt: skip
        """From now on requests are read by these; those that run end as they began."""
        self._mounts.folders.join(mounts.folders)  # the originals read through it
        mounts.folders = self._mounts.folders
        self._presets, self._mounts, self.access, self._pull = presets, mounts, access, pull or self._pull
        self._watermark = watermark
        self._asked.clear()

    def recall(self, raw_path: bytes, raw_query: bytes) -> Asked | None:
        """1. The request, where it was asked for before and its signature still holds."""
        asked: Asked | None = self._asked.get(_name(raw_path, raw_query))
        if asked is None or (asked.request.expires is not None and time.time() >= asked.request.expires):
            return None
        return asked

    def ask(self, raw_path: str, raw_query: str) -> Asked:
        """1. The path as a request, its signature checked; both dialects give the same pipeline."""
        if vocabulary.current() is not self._words:  # the same text may mean something else
            self._words = vocabulary.current()
            self._asked.clear()
        key = _name(raw_path.encode("latin-1"), raw_query.encode("latin-1"))
        asked = self.recall(*key)
        if asked is not None:
            return asked
        self.access.verify(urls.claim(raw_path, raw_query))
        request = urls.parse(raw_path, raw_query)
        self.access.check(request, time.time(), self._presets.expand)
        asked = self.asked(request)
        asked.name = key if len(raw_path) + len(raw_query) <= LONGEST_REMEMBERED else None
        return asked

    def asked(self, request: Request) -> Asked:
        """The request of somebody who may ask for everything."""
        return Asked(request, self._presets, self._formats, self._watermark)

    def near(self, asked: Asked, client: Client, known_etags: frozenset[str]) -> Answer | None:
        """3. An answer without waiting, where memory has a fresh one, or the client has it already."""
        located = asked.near(client)
        if located is None:
            return None
        for wanted in located.attempts:
            if not wanted.is_here:
                return None
            try:
                version = self._gathering.near(wanted)
            except Failure as failure:
                if failure.code != "source-not-found":
                    return None
                continue
            return self._near(wanted, version, known_etags) if version is not None and version.fresh else None
        return None

    def _near(self, wanted: Wanted, version: Version, known_etags: frozenset[str]) -> Answer | None:
        key = self._maker.key(wanted, version)
        if known_etags and tag_of(key) in known_etags:
            return self._answer(wanted, version, key, None, "hit")
        entry = self._store.near(key)
        if entry is None or "failure" in entry.meta:
            return None
        self._metrics.renders["hit"].inc()
        return self._answer(wanted, version, key, entry, "hit")

    async def deliver(self, asked: Asked, client: Client, known_etags: frozenset[str], peer: str = "") -> Answer:
        """2. to 13. The answer, within the deadline that counts from now. `peer` is who asks, by its address."""
        deadline = time.monotonic() + self._seconds
        answer = await self._located(asked, client, known_etags, deadline, peer)
        if asked.name is not None:  # once it was answered: garbage is not remembered
            self._asked[asked.name] = asked
        return answer

    async def _located(
        self, asked: Asked, client: Client, known_etags: frozenset[str], deadline: float, peer: str
    ) -> Answer:
        """2. to 13. from where the source was lately, or else is now."""
        located = asked.near(client)
        if located is not None:
            try:
                return await self._first(located, known_etags, deadline, peer)
            except Failure as failure:
                if failure.code not in MISSING:
                    raise  # else it may be somewhere else now
        wanted = asked.wanted(client, self._mounts)
        if asked.unrendered is not None:
            await self._gathering.check_layers(wanted)
            raise asked.unrendered
        return await self._first(wanted, known_etags, deadline, peer)

    async def _first(self, wanted: Wanted, known_etags: frozenset[str], deadline: float, peer: str) -> Answer:
        """The answer by the first place that the source is in."""
        absent: Failure | None = None
        for attempt in wanted.attempts:
            try:
                return await self._attempt(attempt, known_etags, deadline, peer)
            except Failure as failure:
                if failure.code != "source-not-found":
                    raise
                absent = absent or failure
        assert absent is not None  # noqa: S101 - there is an attempt, and each ends in an answer or a failure
        raise absent

    async def _attempt(self, wanted: Wanted, known_etags: frozenset[str], deadline: float, peer: str) -> Answer:
        """3. to 13. with one of the places that the source may be in."""
        if wanted.is_here:  # what stores are asked for they answer in time, or say that they cannot
            version = await self._gathering.version(wanted)
            answer = await self._remembered(wanted, version, known_etags, peer) if version is not None else None
            if answer is not None:
                return answer
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                if wanted.is_here:
                    return await self._made(wanted, deadline, peer)
                return await self._attempt(await brought(wanted, self._pull, deadline), known_etags, deadline, peer)
        except TimeoutError:
            raise late() from None

    async def _remembered(
        self, wanted: Wanted, version: Version, known_etags: frozenset[str], peer: str
    ) -> Answer | None:
        """3. The cache: fresh is answered, stale is answered and refreshed once behind the scenes."""
        key = self._maker.key(wanted, version)
        if version.fresh and tag_of(key) in known_etags:
            return self._answer(wanted, version, key, None, "hit")
        entry = await self._stored(key)
        if entry is None or version.private:
            self._metrics.renders["bypass" if version.private else "miss"].inc()
            return None
        if not version.fresh:
            self._in_background(self._refresh(wanted, version, peer))
        status: Literal["hit", "stale"] = "hit" if version.fresh else "stale"
        self._metrics.renders[status].inc()
        return self._answer(wanted, version, key, entry, status)

    async def _made(self, wanted: Wanted, deadline: float, peer: str) -> Answer:
        """4. Single flight: one render per wanted picture, in this process and across replicas, however many ask."""
        key = self._flight_of(wanted)
        if key not in self._flight:
            self._maker.refuse_if_full(peer)  # as make does, but at a tenth of what a flight costs
        made, led = await self._flight.run(
            key, lambda: self._maker.make(wanted, deadline, peer),
            lambda: self._found(wanted), lambda made: made.shared,
        )  # fmt: skip
        if not led:
            self._metrics.followers.inc()
        status: Status = "miss" if led else "follower"
        return self._answer(
            wanted, made.version, made.key, made.entry, status, stored=made.stored, purged=made.purged
        )  # fmt: skip

    async def _found(self, wanted: Wanted) -> Made | None:
        """What another process has made meanwhile."""
        version = await self._gathering.version(wanted)
        if version is None or not version.fresh:
            return None
        key = self._maker.key(wanted, version)
        entry = await self._stored(key)
        return Made(key, entry, version, stored=False, shared=True) if entry is not None else None

    async def _refresh(self, wanted: Wanted, stale: Version, peer: str) -> None:
        """Revalidate a stale source, and render anew where it has changed; once across replicas."""
        deadline = time.monotonic() + self._seconds
        try:
            await self._flight.run(
                digest("refresh", self._flight_of(wanted)), lambda: self._maker.make(wanted, deadline, peer, stale),
                lambda: self._found(wanted), lambda made: made.shared,
            )  # fmt: skip
        except Failure as failure:
            logger().info("refresh failed", code=failure.code)

    def _answer(
        self, wanted: Wanted, version: Version, key: str, entry: Entry | None, status: Status, *,
        stored: bool = False, purged: bool = False,
    ) -> Answer:  # fmt: skip
        """Raises the failure that an entry holds."""
        failure = refusals.read(entry.meta.get("failure")) if entry is not None else None
        if failure is not None:
            raise refusals.Private.of(failure) if version.private else failure
        kept_for = version.fresh_for if entry is None else min(version.fresh_for, entry.fresh_until - time.time())
        lasting = kept_for if wanted.lasting is None else min(kept_for, wanted.lasting)
        return Answer(
            tag_of(key, entry), entry, status, max(0.0, lasting), wanted, version.private, stored, purged, version.grant
        )  # fmt: skip

    async def _stored(self, key: str) -> Entry | None:
        """What the cache has, if it is sound."""
        entry = await self._store.get(key)
        if entry is not None and not is_sound(entry):
            await self._store.delete(key)
            return None
        return entry

    def _flight_of(self, wanted: Wanted) -> str:
        """By what those meet who want the same, whatever version of the source there is; after a purge not those of
        before."""
        return digest("flight", str(self._cache.purges), *wanted.identity, *of_client(wanted.client))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    async def close(self) -> None:
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        await self._originals.close()


def _name(raw_path: bytes, raw_query: bytes) -> tuple[bytes, bytes]:
    """What a request is remembered by: the query means something only to a remote source that the path spells out."""
    return raw_path, raw_query if b":/" in raw_path else b""
