"""THE request, as a short numbered list of steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from cachetools import LRUCache, TTLCache

from cache.entry import Entry, Meta
from cache.flight import Flight
from cache.key import digest
from cache.store import Store
from detectors.found import pack, unpack
from detectors.registry import model_kinds
from transforms.failure import Failure, Kind
from transforms.limits import Limits

from . import urls
from .admission import Admission
from .disposition import disposition
from .findings import Findings
from .keys import identity, matches, of_client, tag_of
from .later import missing
from .log import logger
from .metrics import Metrics
from .originals import Original, Originals, Version
from .presets import Presets
from .renderer import Job, Rendered
from .renderers import Renderers
from .signing import Access
from .sources.mounts import Mounts
from .sources.pull import PullThrough
from .urls.request import Request
from .wanted import Wanted, wanted

RENDERER_VERSION = "2"  # part of every key and ETag: raise it with any change that changes pixels or bytes

KEPT = 7 * 86_400.0  # s; the source's version is in the key, so that an entry never becomes wrong, only unused
LASTING = frozenset({"animation", "text"})  # what no second try would bring back
DEGRADED_TTL = 60.0  # s; a result that had to do without something heals by itself
COSTLY_REMEMBERED = 60.0  # s for which what killed its renderer is refused at once
META = frozenset({"media_type", "degraded", "timings", "cache_tag"})  # what every entry says
LONGEST_REMEMBERED = 1000  # characters of a path whose request is remembered
STRIKES = 3  # pipelines that a source may fail with before it is refused altogether


Status = Literal["hit", "stale", "miss", "follower"]
"""How an answer came about: from the cache, from a stale entry, made for it, made for somebody who asked before."""


@dataclass(frozen=True)
class Answer:
    """An entry to respond with; `fresh_for` in seconds."""

    etag: str
    entry: Entry | None  # None: the client has it already (304)
    status: Status
    fresh_for: float
    private: bool = False
    stored: bool = False
    expires: bool = False

    def until(self, moment: int | None) -> Answer:
        """The answer kept by nobody longer than to a moment, in Unix seconds."""
        if moment is None:
            return self
        return replace(self, fresh_for=max(0.0, min(self.fresh_for, moment - time.time())), expires=True)


class Delivery:
    """From a path to an answer."""

    def __init__(
        self, *, mounts: Mounts, presets: Presets, pull: PullThrough, originals: Originals, store: Store,
        findings: Findings, renderers: Renderers, admission: Admission, limits: Limits, request_seconds: float,
        metrics: Metrics, access: Access,
    ) -> None:  # fmt: skip
        self._mounts = mounts
        self._presets = presets
        self._pull = pull
        self._originals = originals
        self._store = store
        self._findings = findings
        self._renderers = renderers
        self._admission = admission
        self._limits = limits
        self._seconds = request_seconds
        self._metrics = metrics
        self._access = access
        self._flight: Flight[tuple[str, Entry, Version, bool]] = Flight()
        self._parsed: LRUCache[tuple[str, str], Request] = LRUCache(2048)
        self._costly: TTLCache[str, Failure] = TTLCache(10_000, COSTLY_REMEMBERED)
        self._strikes: TTLCache[str, int] = TTLCache(10_000, COSTLY_REMEMBERED)
        self.background: set[asyncio.Task[None]] = set()
        self._fingerprint = digest(RENDERER_VERSION, repr(limits))

    def parse(self, raw_path: str, raw_query: str) -> Request:
        """1. The path as a request, its signature checked; both dialects give the same pipeline."""
        request = self._parsed.get((raw_path, raw_query))
        if request is None:
            request = urls.parse(raw_path, raw_query)
            if len(raw_path) + len(raw_query) <= LONGEST_REMEMBERED:
                self._parsed[raw_path, raw_query] = request
        self._access.check(request, time.time(), self._presets.expand)
        return request

    def want(self, request: Request, headers: Mapping[str, str]) -> Wanted:
        """2. The source located, and of the client what the pipeline asks for."""
        return wanted(request, self._mounts, self._presets, headers)

    async def deliver(self, wanted: Wanted, known_etags: frozenset[str]) -> Answer:
        """3. to 13. The answer to a wanted picture, within the deadline that counts from now."""
        deadline = time.monotonic() + self._seconds
        for layer in wanted.layers:
            try:
                await self._originals.version(layer)
            except Failure as failure:
                raise missing(layer, failure) from None
        if wanted.unrendered is not None:
            raise wanted.unrendered
        absent: Failure | None = None
        for attempt in wanted.attempts:
            try:
                answer = await self._attempt(attempt, known_etags, deadline)
            except Failure as failure:
                if failure.code != "source-not-found":
                    raise
                absent = absent or failure
            else:
                lasting = attempt.lasting
                return answer if lasting is None else replace(answer, fresh_for=min(answer.fresh_for, lasting))
        assert absent is not None  # noqa: S101 - there is an attempt, and each ends in an answer or a failure
        raise absent

    async def _attempt(self, wanted: Wanted, known_etags: frozenset[str], deadline: float) -> Answer:
        """3. to 13. with one of the places that the source may be in."""
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                if wanted.absent is not None:
                    wanted = wanted.at(await self._pull.bring(wanted.absent, deadline))
                version = await self._originals.version(wanted.ref)
                answer = await self._remembered(wanted, version, known_etags) if version is not None else None
                if answer is not None:
                    return answer
                self._refuse_if_costly(wanted, version)
                return await self._made(wanted, deadline)
        except TimeoutError:
            raise Failure(
                Kind.UNAVAILABLE, "deadline-exceeded", "the picture took longer than a request may", retry_after=5
            ) from None  # fmt: skip

    async def _remembered(self, wanted: Wanted, version: Version, known_etags: frozenset[str]) -> Answer | None:
        """3. The cache: fresh is answered, stale is answered and refreshed once behind the scenes."""
        key = self._key(wanted, version)
        if version.fresh and matches(tag_of(key), known_etags):
            return Answer(tag_of(key), None, "hit", version.fresh_for)
        entry = await self._store.get(key)
        if entry is None or version.private or not entry.meta.keys() >= META:
            self._metrics.cache.labels("render", "miss").inc()
            return None
        if not version.fresh:
            self._in_background(self._refresh(wanted, version))
        status: Status = "hit" if version.fresh else "stale"
        self._metrics.cache.labels("render", status).inc()
        fresh_for = max(0.0, min(version.fresh_for, entry.fresh_until - time.time()))
        return Answer(tag_of(key, entry), entry, status, fresh_for)

    async def _made(self, wanted: Wanted, deadline: float) -> Answer:
        """4. Single flight: one render per wanted picture in this process, however many ask."""
        flight = digest(str(wanted.pipeline), *wanted.ref.identity, *of_client(wanted.client))
        (key, entry, version, stored), led = await self._flight.run(flight, lambda: self._make(wanted, deadline))
        if not led:
            self._metrics.followers.inc()
        fresh_for = max(0.0, min(version.fresh_for, entry.fresh_until - time.time()))
        return Answer(tag_of(key, entry), entry, "miss" if led else "follower", fresh_for, version.private, stored)

    async def _make(
        self, wanted: Wanted, deadline: float, known: Version | None = None
    ) -> tuple[str, Entry, Version, bool]:
        self._admission.refuse_if_full()  # 5.
        started = time.perf_counter()
        original = await self._originals.fetch(wanted.ref, deadline, known)  # 6.
        fetched = time.perf_counter()
        key = self._key(wanted, original.version)
        ready = await self._store.get(key) if not original.version.private else None
        if ready is not None:
            return key, ready, original.version, False
        if original.fetched is None:  # it still holds, but the render of it is gone
            original = await self._originals.fetch(wanted.ref, deadline)
            key = self._key(wanted, original.version)
        async with self._admission.admitted():
            rendered = await self._render(wanted, original, deadline)  # 7. to 12.
        self._count(rendered)
        entry = self._entry(wanted, rendered, {"fetch": (fetched - started) * 1000})
        if not original.version.private:
            await self._store.put(key, entry)  # 13.
        return key, entry, original.version, not original.version.private

    async def _render(self, wanted: Wanted, original: Original, deadline: float) -> Rendered:
        fetched = original.fetched
        assert fetched is not None  # noqa: S101 - _make fetches what it has not got
        kinds = wanted.pipeline.needs & model_kinds()
        content = await self._findings.content(fetched.path, fetched.version) if kinds else None
        # What a step may ask for once it knows more is looked up as well: it costs next to nothing.
        known = await self._findings.known(content, model_kinds()) if content else None
        if known is not None:
            self._metrics.cache.labels("found", "hit" if known.models else "miss").inc()
        job = Job(
            str(fetched.path), str(wanted.pipeline), wanted.client, self._limits,
            min(deadline, time.monotonic() + self._renderers.seconds), content,
            pack(known) if known and known.models else None,
        )  # fmt: skip
        try:
            rendered = await self._renderers.render(job)
        except Failure as failure:
            if failure.code == "source-too-costly":
                self._ban(wanted, original.version, failure)
            raise
        if content and rendered.found and not original.version.private:
            await self._findings.remember(content, unpack(rendered.found))
        return rendered

    def _count(self, rendered: Rendered) -> None:
        for stage, milliseconds in rendered.timings:
            self._metrics.spans.labels(stage).observe(milliseconds / 1000)
        for what in rendered.degraded:
            self._metrics.degraded.labels(what).inc()

    def _ban(self, wanted: Wanted, version: Version, failure: Failure) -> None:
        """What cost a renderer is refused for a while; the whole source once it did so in several ways."""
        failure = failure.with_details()
        self._costly[identity(wanted.ref, version, str(wanted.pipeline))] = failure
        source = identity(wanted.ref, version)
        self._strikes[source] = self._strikes.get(source, 0) + 1
        if self._strikes[source] >= STRIKES:
            self._costly[source] = failure

    def _refuse_if_costly(self, wanted: Wanted, version: Version | None) -> None:
        if version is None:
            return
        for known in (identity(wanted.ref, version), identity(wanted.ref, version, str(wanted.pipeline))):
            if known in self._costly:
                raise self._costly[known].with_details()  # anew: a raised one holds on to all that was at hand

    async def _refresh(self, wanted: Wanted, stale: Version) -> None:
        """Revalidate a stale source, and render anew where it has changed."""
        deadline = time.monotonic() + self._seconds
        flight = digest("refresh", str(wanted.pipeline), *wanted.ref.identity, *of_client(wanted.client))
        try:
            await self._flight.run(flight, lambda: self._make(wanted, deadline, stale))
        except Failure as failure:
            logger().info("refresh failed", code=failure.code)
            if failure.kind in (Kind.NOT_FOUND, Kind.FORBIDDEN):
                await self._originals.forget(wanted.ref)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    def _key(self, wanted: Wanted, version: Version) -> str:
        return digest(
            "render", self._fingerprint, str(wanted.pipeline), *wanted.ref.identity, version.tag,
            *of_client(wanted.client),
            # All models where one is needed: what a step asks for next depends on what is found first.
            *self._findings.identities(model_kinds() if wanted.pipeline.needs & model_kinds() else frozenset()),
        )  # fmt: skip

    def _entry(self, wanted: Wanted, rendered: Rendered, timings: dict[str, float]) -> Entry:
        now = time.time()
        ttl = DEGRADED_TTL if set(rendered.degraded) - LASTING else KEPT
        meta: Meta = {
            "media_type": rendered.media_type,
            "width": rendered.size.width,
            "height": rendered.size.height,
            "degraded": ", ".join(rendered.degraded),
            "timings": ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in (*timings.items(), *rendered.timings)),
            "cache_tag": digest(*wanted.ref.identity)[:16],
            "disposition": disposition(rendered.download, wanted.ref, rendered.media_type),
            "immutable": rendered.immutable,
        }
        return Entry(rendered.body, meta, now, now + ttl, now + ttl)

    async def close(self) -> None:
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        await self._originals.close()
        await self._store.close()
