"""What a cache miss costs: admission, the original, a render process, and the entry that is kept of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from cache.entry import Entry, Meta
from cache.key import digest
from cache.open import Cache
from detectors.found import pack, unpack
from detectors.registry import modelled
from transforms import vocabulary
from transforms.failure import Failure
from transforms.image import Found
from transforms.limits import Limits

from . import refusals
from .admission import Admission, weight
from .costly import BANNED_FOR, Costly
from .disposition import disposition
from .findings import Findings
from .fonts import font_files
from .gathering import Brought, Gathered, Gathering
from .keys import of_client
from .layering import Lent
from .metrics import Metrics
from .originals import Version
from .renderer import Job, Rendered
from .renderers import Renderers, too_costly
from .search.feed import Feed
from .search.record import Record
from .sniff import pixels_of
from .sources.source import Fetched
from .tags import MOST, named, tags_of_source
from .wanted import Wanted

RENDERER_VERSION = "6"  # part of every key and ETag: raise it with any change that changes pixels or bytes

KEPT = 7 * 86_400.0  # s; the source's version is in the key, so that an entry never becomes wrong, only unused
LASTING = frozenset({"animation", "text"})  # what no second try would bring back; text where no detector is
DEGRADED_TTL = 60.0  # s; a result that had to do without something heals by itself
FAILED_TTL = 30.0  # s for which what the source made fail is not tried again
META = frozenset({"media_type", "degraded", "timings", "disposition", "headers", "source_bytes", "modified"})
USUAL = frozenset({"faces", "largest-face", "all-faces", "objects"})


@dataclass(frozen=True, slots=True)
class Made:
    """An entry, its key, and the version of the source, and layers, that it was made from.

    `stored`: it is in the cache; `shared`: those who wait for it in other processes find it there.
    """

    key: str
    entry: Entry
    version: Version
    stored: bool
    shared: bool
    purged: bool = False  # meanwhile: nobody may keep it


class Maker:
    """Makes results, 5. to 13. of a request."""

    def __init__(
        self, *, gathering: Gathering, cache: Cache, findings: Findings, renderers: Renderers, admission: Admission,
        limits: Limits, metrics: Metrics, fonts: tuple[Path, ...] = (), feed: Feed | None = None,
    ) -> None:  # fmt: skip
        self._gathering = gathering
        self._cache = cache
        self._store = cache.store
        self._findings = findings
        self._renderers = renderers
        self._admission = admission
        self._limits = limits
        self._metrics = metrics
        self._feed = feed
        self._costly = Costly()
        self._fingerprint = digest(RENDERER_VERSION, repr(limits), *font_files(fonts))

    def key(self, wanted: Wanted, version: Version) -> str:
        """The key of a result: all that it depends on, hashed; remembered, because it is asked for at every request."""
        depends = (version.tag, *self._findings.identities(wanted.models)) if wanted.models else (version.tag,)
        key = wanted.keys.get(depends)
        if key is None:
            wanted.keys.clear()
            key = wanted.keys[depends] = digest(
                "render", self._fingerprint, *wanted.identity, *depends, *of_client(wanted.client)
            )
        return key

    def refuse_if_full(self, client: str) -> None:
        """5. Raises the failures of Admission.refuse_if_full: of one more render, before anything is fetched for it."""
        self._admission.refuse_if_full(client)

    async def make(self, wanted: Wanted, deadline: float, client: str, known: Version | None = None) -> Made:
        """The result of a wanted picture. With `known` origins are only asked whether that version still holds."""
        self.refuse_if_full(client)  # 5.
        began, started = time.time(), time.perf_counter()
        gathered = await self._gathering.fetch(wanted, deadline, known)  # 6.
        fetched = time.perf_counter()
        key = self.key(wanted, gathered.version)
        ready = await self._store.get(key) if not gathered.version.private else None
        if ready is not None:
            return Made(key, ready, gathered.version, stored=False, shared=True)
        if not gathered.complete:  # it still holds, but the render of it is gone
            gathered = await self._gathering.fetch(wanted, deadline)
            key = self.key(wanted, gathered.version)
        version = gathered.version
        self._costly.refuse(wanted, version)
        async with self._admission.admitted(client, _weight(wanted, gathered), deadline):
            admitted = time.perf_counter()
            entry = await self._rendered(wanted, gathered, deadline, began)  # 7. to 12.
        self._metrics.stage("fetch", fetched - started)
        self._metrics.stage("queue", admitted - fetched)
        waits = f"fetch;dur={(fetched - started) * 1000:.1f}, queue;dur={(admitted - fetched) * 1000:.1f}"
        entry = replace(entry, meta={**entry.meta, "timings": f"{waits}, {entry.meta['timings']}"})
        if not version.private:
            await self._store.put(key, entry)  # 13.
        purged = self._cache.purged(entry)
        stored = not (version.private or purged)
        return Made(key, entry, version, stored, stored and self._cache.shareable(entry), purged)

    async def _rendered(self, wanted: Wanted, gathered: Gathered, deadline: float, began: float) -> Entry:
        """The entry of a render, or of the failure that its sources would cause again."""
        try:
            rendered, _ = await self._noticed(wanted, gathered, deadline, began)
        except Failure as failure:
            if failure.kind not in refusals.LASTING:
                raise
            tags = (*gathered.tags(wanted.ref), *gathered.version.tags)
            until = began + (BANNED_FOR if failure.code == "source-too-costly" else FAILED_TTL)
            return Entry(b"", {"failure": refusals.written(failure), "timings": ""}, began, until, until, tags)
        self._count(rendered, gathered)
        return self._entry(wanted, gathered, rendered, began)

    async def _noticed(
        self, wanted: Wanted, gathered: Gathered, deadline: float, began: float, *, always: bool = False
    ) -> tuple[Rendered, Record | None]:
        """A render, and what the search index is told of its source: `always` or where it may not know."""
        source, version, feed = gathered.source.fetched, gathered.source.version, self._feed
        assert source is not None  # noqa: S101 - make fetches what it has not got
        content, known = await self._known(source, wanted.pipeline.needs)
        if feed is None or version.private or not wanted.listed or (content is None and not always):
            return await self._render(wanted, gathered, deadline, content, known), None
        content = content or await self._findings.content(source.path, source.version)
        lacks = always or feed.lacks(wanted.ref, version.tag, wanted.pipeline.needs, known)
        rendered = await self._render(wanted, gathered, deadline, content, known, noticing=lacks)
        told = rendered.notice
        return rendered, feed.notice(wanted.ref, version, content, told, began) if told else None

    async def _render(
        self, wanted: Wanted, gathered: Gathered, deadline: float, content: str | None, known: Found | None, *,
        noticing: bool = False,
    ) -> Rendered:  # fmt: skip
        source = gathered.source.fetched
        assert source is not None  # noqa: S101 - as above
        lent = await self._lent(wanted, gathered)
        until = time.monotonic() + self._renderers.seconds
        job = Job(
            str(source.path), wanted.pipeline.text, wanted.client, self._limits, min(deadline, until), content,
            _packed(known), lent, wanted.mark.text, vocabulary.current(), noticing,
        )  # fmt: skip
        try:
            rendered = await self._renderers.render(job)
        except Failure as failure:
            if failure.code == "deadline-exceeded" and until < deadline:
                failure = too_costly()
            if failure.code == "source-too-costly":
                self._costly.ban(wanted, gathered.version, failure)
            raise _told(failure, gathered) from None
        if content and rendered.found and not gathered.source.version.private:
            tags = (*tags_of_source(wanted.ref), *gathered.source.version.tags)
            await self._findings.remember(content, unpack(rendered.found), tags)
        await self._remember(job.layers, gathered, dict(rendered.found_of))
        return rendered

    async def notice(self, wanted: Wanted, deadline: float, client: str) -> Record | None:
        """What the search index is told of a source, found out now; None where it may not be listed."""
        self.refuse_if_full(client)
        began, gathered = time.time(), await self._gathering.fetch(wanted, deadline)
        self._costly.refuse(wanted, gathered.version)
        async with self._admission.admitted(client, _weight(wanted, gathered), deadline):
            _, record = await self._noticed(wanted, gathered, deadline, began, always=True)
        return record

    async def _known(self, source: Fetched, needs: frozenset[str]) -> tuple[str | None, Found | None]:
        """The hash of a file's content and what is known to be in it, where detectors with models have a say.

        What a step may ask for once it knows more is looked up as well: it costs next to nothing.
        """
        asked = modelled(needs)
        if not asked:
            return None, None
        content = await self._findings.content(source.path, source.version)
        known = await self._findings.known(content, asked | USUAL)
        self._metrics.found["hit" if known.models else "miss"].inc()
        return content, known

    async def _lent(self, wanted: Wanted, gathered: Gathered) -> tuple[Lent, ...]:
        """The pictures of layers as the render process is given them."""
        needs = frozenset[str]().union(*(layer.needs for layer in wanted.pipeline.layers))
        return tuple([await self._lend(brought, needs) for brought in gathered.layers])

    async def _lend(self, brought: Brought, needs: frozenset[str]) -> Lent:
        picture, source = brought.layered.picture, brought.fetched
        if source is None:
            return Lent(picture, None, brought.layered.failure)
        content, known = await self._known(source, needs)
        return Lent(picture, str(source.path), None, content, _packed(known))

    async def _remember(self, lent: tuple[Lent, ...], gathered: Gathered, found: dict[str, bytes]) -> None:
        """Keep what was found in layers."""
        for one, brought in zip(lent, gathered.layers, strict=True):
            if one.content in found and brought.ref is not None and not brought.version.private:
                tags = (*tags_of_source(brought.ref), *brought.version.tags)
                await self._findings.remember(one.content, unpack(found[one.content]), tags)

    def _count(self, rendered: Rendered, gathered: Gathered) -> None:
        for stage, milliseconds in rendered.timings:
            self._metrics.stage(stage, milliseconds / 1000)
        self._metrics.rendered(sum(source.size for source in gathered.fetched), len(rendered.body))
        for what in rendered.degraded:
            self._metrics.degraded.labels(what).inc()

    def _entry(self, wanted: Wanted, gathered: Gathered, rendered: Rendered, began: float) -> Entry:
        lasting = LASTING - {"text"} if self._findings.answers("text") else LASTING
        ttl = DEGRADED_TTL if set(rendered.degraded) - lasting else KEPT
        source = gathered.source.fetched
        assert source is not None  # noqa: S101 - it was rendered from
        meta: Meta = {
            "media_type": rendered.media_type,
            "width": rendered.size.width,
            "height": rendered.size.height,
            "degraded": ", ".join(rendered.degraded),
            "timings": ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in rendered.timings),
            "disposition": disposition(rendered.download, wanted.ref, rendered.media_type),
            "immutable": rendered.immutable,
            "headers": [list(field) for field in rendered.headers],
            "source_bytes": source.size,
            # What detectors have a say in changes with their models, of which no date tells.
            "modified": None if wanted.pipeline.needs else gathered.modified,
        }
        tags = (*gathered.tags(wanted.ref), *named("tag", rendered.labels), *gathered.version.tags)
        until = time.time() + ttl
        return Entry(rendered.body, meta, began, until, until, tags[:MOST])


def _weight(wanted: Wanted, gathered: Gathered) -> int:
    return weight(sum(pixels_of(source.path) for source in gathered.fetched), wanted.pipeline.needs)


def _packed(found: Found | None) -> bytes | None:
    return pack(found) if found and found.models else None


def _told(failure: Failure, gathered: Gathered) -> Failure:
    """A failure of a render as it is told: of the operator's own layers that they cannot be shown."""
    ours = {str(brought.layered.picture): brought.layered for brought in gathered.layers if brought.layered.ours}
    layered = ours.get(failure.details.get("layer", ""))
    return layered.said(failure) if layered is not None else failure


def is_sound(entry: Entry) -> bool:
    """Whether a store's entry is one of ours: another release may have written it, or somebody else."""
    meta = entry.meta
    if "failure" in meta:
        return refusals.read(meta["failure"]) is not None
    text = f"{meta.get('media_type')}{meta.get('degraded')}{meta.get('disposition')}{meta.get('timings')}"
    return meta.keys() >= META and isinstance(meta["headers"], list) and text.isprintable()
