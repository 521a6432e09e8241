"""A store by its address."""

from __future__ import annotations

from .memory import MemoryStore
from .store import OnEvent, Store
from .tiered import TieredStore

MEMORY_BYTES = 128 * 2**20

ACCEPTED = "memory:, redis://host:6379/0, rediss://host:6379/0, unix:///path/of/redis.sock?db=0"


def open_store(
    address: str, *, memory_bytes: int = MEMORY_BYTES, prefix: str = "darkroom", on_event: OnEvent | None = None
) -> Store:
    """`memory:` is this process alone; an address of Redis is memory in front of that Redis, which need not be up.

    Raises ValueError that names the accepted addresses; it never repeats the address, which may hold a password.
    """
    scheme, colon, rest = address.partition(":")
    memory = MemoryStore(memory_bytes, on_event=on_event)
    if (scheme, colon, rest) == ("memory", ":", ""):
        return memory
    if scheme in ("redis", "rediss", "unix") and rest.startswith("//"):
        from .redis import RedisStore  # redis-py takes 0.46 s and 49 MB: only where it is wanted

        return TieredStore(memory, RedisStore(address, prefix=prefix, on_event=on_event), on_event=on_event)
    raise ValueError(f"not the address of a cache (it begins with {scheme[:12]!r}); accepted: {ACCEPTED}")
