"""Originals: which version of a source is current, and its bytes while someone renders from them.

Files are asked every time, that costs a stat. For a remote source the last answer is remembered in the cache (never the
bytes): while it is fresh no request goes out; when it is stale the old render may be served while one revalidates.
"""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass, replace

from cachetools import TTLCache

from cache.entry import Entry
from cache.flight import Flight
from cache.key import digest
from cache.store import Store
from transforms.failure import Failure, Kind

from .sources.source import Fetched, NotModified, Source, SourceRef, Validators

DEFAULT_TTL = 86_400.0  # s, where the origin says nothing
LEAST_TTL = 60.0  # s, so that `max-age=0` does not become a request to the origin per request to us
STALE_WINDOW = 86_400.0  # s after freshness in which the old render may be served while one revalidates
FILE_TTL = 86_400.0
MISSING_TTL = 30.0  # s for which an origin is not asked again for what it has not got


@dataclass(frozen=True)
class Version:
    """What is known of a source without its bytes. `fresh_for` is in seconds, negative once stale."""

    tag: str
    fresh_for: float
    private: bool = False
    etag: str | None = None
    modified: str | None = None
    may_be_stale: bool = True  # not where the origin wants to be asked each time (no-cache, max-age=0)

    @property
    def fresh(self) -> bool:
        return self.private is False and self.fresh_for > 0


@dataclass(frozen=True)
class Original:
    """A version and, unless the origin said that the known one still holds, its bytes in a file.

    A spool file lives as long as its Original is referred to: whoever still renders from it keeps it.
    """

    version: Version
    fetched: Fetched | None

    def __post_init__(self) -> None:
        if self.fetched is not None and self.fetched.owned:
            weakref.finalize(self, self.fetched.release)


class Originals:
    """The sources by scheme, one fetch per source at a time."""

    def __init__(self, sources: dict[str, Source], records: Store) -> None:
        self._sources = sources
        self._records = records
        self._flight: Flight[Original] = Flight()
        self._missing: TTLCache[str, Failure] = TTLCache(10_000, MISSING_TTL)

    async def version(self, ref: SourceRef) -> Version | None:
        """The current version as far as it is known without fetching; a stale one where nothing better is."""
        self._refuse_if_missing(ref)
        tag = await self._sources[ref.scheme].version(ref)
        if tag is not None:
            return Version(tag, FILE_TTL)
        entry = await self._records.get(_record_key(ref))
        return _read(entry) if entry else None

    async def fetch(self, ref: SourceRef, deadline: float, known: Version | None = None) -> Original:
        """The original. With `known` the origin is only asked whether that still holds."""
        self._refuse_if_missing(ref)
        key = digest(*ref.identity, known.tag if known else "")
        original, _ = await self._flight.run(key, lambda: self._fetch(ref, deadline, known))
        return original

    async def _fetch(self, ref: SourceRef, deadline: float, known: Version | None) -> Original:
        validators = Validators(known.etag, known.modified) if known else None
        answer = await self._asked(ref, validators, deadline)
        if isinstance(answer, Fetched):
            original = Original(_version(ref, answer), answer)
        else:
            assert known is not None  # noqa: S101 - nothing can be unmodified against nothing
            renewed = replace(
                known, fresh_for=_ttl(answer.fresh_for), private=answer.private, may_be_stale=answer.fresh_for != 0
            )
            original = Original(renewed, None)
        await self._remember(ref, original.version)
        return original

    def _refuse_if_missing(self, ref: SourceRef) -> None:
        missing = self._missing.get(_record_key(ref)) if self._missing else None
        if missing is not None:
            raise missing.with_details()  # anew: a raised one holds on to all that was at hand

    async def _asked(self, ref: SourceRef, known: Validators | None, deadline: float) -> Fetched | NotModified:
        try:
            return await self._sources[ref.scheme].fetch(ref, known, deadline)
        except Failure as failure:
            if failure.kind is Kind.NOT_FOUND and ref.scheme != "file":
                self._missing[_record_key(ref)] = failure.with_details()
            raise

    async def _remember(self, ref: SourceRef, version: Version) -> None:
        if ref.scheme == "file":
            return
        if version.private:
            await self.forget(ref)
            return
        now = time.time()
        fresh_until = now + version.fresh_for
        meta = {"tag": version.tag, "etag": version.etag, "modified": version.modified}
        stale_for = STALE_WINDOW if version.may_be_stale else 0.0
        entry = Entry(b"", meta, now, fresh_until, fresh_until + stale_for)
        await self._records.put(_record_key(ref), entry)

    async def forget(self, ref: SourceRef) -> None:
        """What was known no longer holds: the origin took it back, or forbids to keep it."""
        await self._records.delete(_record_key(ref))

    async def close(self) -> None:
        for source in set(self._sources.values()):
            await source.close()


def _record_key(ref: SourceRef) -> str:
    return digest("original", *ref.identity)


def _ttl(said: float | None) -> float:
    return DEFAULT_TTL if said is None else max(said, LEAST_TTL)


def _version(ref: SourceRef, fetched: Fetched) -> Version:
    ttl = FILE_TTL if ref.scheme == "file" else _ttl(fetched.fresh_for)
    return Version(fetched.version, ttl, fetched.private, fetched.etag, fetched.modified, fetched.fresh_for != 0)


def _read(entry: Entry) -> Version:
    meta = entry.meta
    etag, modified = meta.get("etag"), meta.get("modified")
    return Version(
        str(meta["tag"]),
        entry.fresh_until - time.time(),
        etag=etag if isinstance(etag, str) else None,
        modified=modified if isinstance(modified, str) else None,
    )
