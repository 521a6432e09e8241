"""What was found in originals, by content and model, apart from renders: ten crops of a picture cost one inference."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from blake3 import blake3
from cachetools import LRUCache

from cache.entry import Entry
from cache.key import digest
from cache.store import Store
from detectors.found import pack, unpack
from transforms.image import Found

from .identities import Identities

KEPT = 30 * 86_400.0  # s; a finding is as old as the content and the model, which are in the key
LARGEST_READ_AT_ONCE = 1 << 20
FINDINGS_VERSION = "3"  # raise it with any change of how a model is asked: sizes, thresholds, padding


class Findings:
    """The cache of detections."""

    def __init__(self, store: Store, models: Identities) -> None:
        self._store = store
        self._models = models
        self._contents: LRUCache[tuple[Path, str], str] = LRUCache(10_000)

    async def content(self, path: Path, version: str) -> str:
        """The hash of a file's content; remembered per path and version."""
        key = (path, version)
        if key not in self._contents:
            self._contents[key] = await asyncio.to_thread(_hashed, path)
        return self._contents[key]

    async def known(self, content: str, kinds: frozenset[str]) -> Found:
        """What is known already; the kinds that it answers stand in `models`."""
        found = Found()
        for kind in sorted(kinds):
            key = self._key(content, kind)
            entry = await self._store.get(key) if key else None
            found = found.merged(_read(entry)) if entry else found
        return found

    async def remember(self, content: str, found: Found, named: tuple[str, ...] = ()) -> None:
        """Keep what was found; `named` are the tags of the source that it was found in."""
        now = time.time()
        for kind, model in found.models:
            key = self._key(content, kind)
            if key and model == self._models.of(kind):
                tags = tuple(tag for tag in found.tags if tag.by == kind)
                part = replace(found, regions=found.by(kind), tags=tags, models=((kind, model),), missing=())
                await self._store.put(key, Entry(pack(part), {}, now, now + KEPT, now + KEPT, named))

    def answers(self, kind: str) -> bool:
        """Whether some model is there for a kind."""
        return self._models.of(kind) is not None

    def identities(self, kinds: frozenset[str]) -> tuple[str, ...]:
        """The models that stand behind kinds, as they enter a render's key."""
        return tuple(f"{kind}={self._models.of(kind)}" for kind in sorted(kinds))

    def _key(self, content: str, kind: str) -> str | None:
        identity = self._models.of(kind)
        return digest("found", FINDINGS_VERSION, content, kind, identity) if identity else None


def _read(entry: Entry) -> Found:
    try:
        return unpack(entry.body)
    except ValueError:
        return Found()


def _hashed(path: Path) -> str:
    hasher = blake3()
    if path.stat().st_size > LARGEST_READ_AT_ONCE:
        hasher.update_mmap(path)
    else:
        hasher.update(path.read_bytes())
    return hasher.hexdigest()
