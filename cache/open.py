"""A cache by its address."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .disk import DiskStore
from .entry import Entry
from .memory import MemoryStore
from .news import LocalNews
from .purges import Purges
from .shared import SharedFlight
from .store import OnEvent, Store
from .tiered import TieredStore

if TYPE_CHECKING:
    from .redis import RedisStore
    from .replicas import Replicas

MEMORY_BYTES = 128 * 2**20
DISK_BYTES = 2 * 2**30

ACCEPTED = (
    "memory:, redis://host:6379/0, rediss://host:6379/0, redis+cluster://host:6379, rediss+cluster://host:6379, "
    "unix:///path/of/redis.sock?db=0"
)
REDIS = ("redis", "rediss", "redis+cluster", "rediss+cluster", "unix")

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Cache:
    """A store, and the flight that goes with it. Usable at once; `start` begins what runs behind the scenes."""

    store: Store
    flight: SharedFlight
    _purges: Purges
    _redis: RedisStore | None = None
    _disk: DiskStore | None = None
    _local: LocalNews | None = None
    _replicas: Replicas | None = None
    _on_warning: Callable[[str], None] = field(default=_log.warning)

    def shareable(self, entry: Entry) -> bool:
        """Whether those who wait for an entry in other processes will find it in the store."""
        return self._redis is None or self._redis.shares(entry)

    @property
    def purges(self) -> int:
        """How many purges this process knows of: it changes with each."""
        return self._purges.count

    def purged(self, entry: Entry) -> bool:
        """Whether an entry was begun before a purge of it: nobody may keep it."""
        return self._purges.forbid(entry)

    async def start(self) -> None:
        """Waits for nothing that may be slow or away."""
        if self._disk is not None:
            await self._disk.start()
        if self._local is not None:
            try:
                await self._local.start()
            except OSError as error:
                self._on_warning(f"purges do not reach the other processes of this machine: {error.strerror or error}")
        if self._replicas is not None:
            self._replicas.start()

    async def close(self) -> None:
        for part in (self.flight, self._replicas, self._local, self.store):
            if part is not None:
                await part.close()


def open_cache(
    address: str = "memory:",
    *,
    memory_bytes: int = MEMORY_BYTES,
    disk: Path | None = None,
    disk_bytes: int = DISK_BYTES,
    prefix: str = "darkroom",
    local: Path | None = None,
    on_event: OnEvent | None = None,
    on_warning: Callable[[str], None] = _log.warning,
) -> Cache:
    """`memory:` is this process alone; an address of Redis is memory in front of that Redis, which need not be up. A
    folder `disk` comes between the two. In the folder `local` the processes of one machine tell each other of purges.

    Raises ValueError that names the accepted addresses; it never repeats the address, which may hold a password.
    """
    purges, sender = Purges(), secrets.token_hex(8)
    memory = MemoryStore(memory_bytes, purges=purges, on_event=on_event)
    files = DiskStore(disk, disk_bytes, purges=purges, on_event=on_event) if disk is not None else None
    redis = _redis(address, prefix, sender, purges, on_event)
    news: list[LocalNews] = []

    async def announce(tags: Collection[str]) -> None:
        await asyncio.gather(*(one.tell(tags) for one in news))

    backs: list[Store] = [back for back in (files, redis) if back is not None]
    # Disk and Redis keep times of their own; another one around them costs 15 µs a call.
    store = TieredStore(memory, *backs, budget=None, purges=purges, announce=announce, on_event=on_event)
    if local is not None:
        news.append(LocalNews(local, store.hear))
    cache = Cache(store, _flight(redis, prefix), purges, redis, files, news[0] if news else None, None, on_warning)
    if redis is not None:
        from .replicas import Replicas

        cache._replicas = Replicas(redis, store.hear, memory.clear, on_warning, files)
    return cache


def _redis(address: str, prefix: str, sender: str, purges: Purges, on_event: OnEvent | None) -> RedisStore | None:
    scheme, colon, rest = address.partition(":")
    if (scheme, colon, rest) == ("memory", ":", ""):
        return None
    if scheme not in REDIS or not rest.startswith("//"):
        raise ValueError(f"not the address of a cache (it begins with {scheme[:12]!r}); accepted: {ACCEPTED}")
    from .redis import RedisStore  # redis-py takes 0.46 s and 49 MB: only where it is wanted

    return RedisStore(address, prefix=prefix, sender=sender, purges=purges, on_event=on_event)


def _flight(redis: RedisStore | None, prefix: str) -> SharedFlight:
    if redis is None:
        return SharedFlight()
    from .lease import Leases

    return SharedFlight(Leases(redis.link, prefix))
