"""Fast stores in front of slow ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

from .entry import Entry
from .memory import MemoryStore
from .purges import Purges
from .store import OnEvent, Store, ignore

T = TypeVar("T")

BUDGET = 0.6  # s for a call of a store behind; they keep shorter ones of their own

Announce = Callable[[Collection[str]], Awaitable[None]]


class TieredStore:
    """Reads memory, then the stores behind it in their order, and copies to the front what was found further back;
    writes all. `announce` tells other processes of a purge, `hear` is what they call."""

    name = "tiered"

    def __init__(
        self,
        memory: MemoryStore,
        *backs: Store,
        purges: Purges | None = None,
        announce: Announce | None = None,
        budget: float | None = BUDGET,
        clock: Callable[[], float] = time.time,
        on_event: OnEvent | None = None,
    ) -> None:
        self._memory = memory
        self._backs = backs
        self._purges = purges or Purges(clock=clock)
        self._announce = announce
        self._budget = budget
        self._clock = clock
        self._on_event = on_event or ignore
        self._reading: dict[str, object] = {}
        self.near = memory.near  # without a call in between: it answers most requests

    async def get(self, key: str) -> Entry | None:
        """A stale entry of the front gives way to a newer one further back, which another replica may have made."""
        near = await self._memory.get(key)
        if not self._backs or (near is not None and near.fresh(self._clock())):
            return near
        # Whoever writes the key meanwhile takes the token away, so that what was read before is not copied over it.
        token = self._reading.setdefault(key, object())
        try:
            return await self._newest(key, near, token)
        finally:
            if self._reading.get(key) is token:
                del self._reading[key]

    async def _newest(self, key: str, best: Entry | None, token: object) -> Entry | None:
        """The newest of what the stores behind have; the search ends at a fresh one."""
        for number, back in enumerate(self._backs):
            far = await self._bounded(back.get(key))
            if far is None or self._purges.forbid(far) or (best is not None and far.stored_at <= best.stored_at):
                continue
            best = far
            await self._copy(key, far, (self._memory, *self._backs[:number]), token)
            if far.fresh(self._clock()):
                break
        return best

    async def _copy(self, key: str, entry: Entry, fronts: Sequence[Store], token: object) -> None:
        for front in fronts:
            if self._reading.get(key) is not token:
                return
            await self._bounded(front.put(key, entry))
            if self._reading.get(key) is not token and front is not self._memory:
                await self._bounded(front.delete(key))  # it may have come after what was written meanwhile

    async def put(self, key: str, entry: Entry) -> None:
        self._reading.pop(key, None)
        await self._memory.put(key, entry)
        await asyncio.gather(*(self._bounded(back.put(key, entry)) for back in self._backs))

    async def delete(self, *keys: str) -> None:
        for key in keys:
            self._reading.pop(key, None)
        await self._memory.delete(*keys)
        await asyncio.gather(*(self._bounded(back.delete(*keys)) for back in self._backs))

    async def purge(self, tags: Collection[str]) -> int:
        """The number is that of the tier where most went: an entry is in several."""
        self._purges.add(tags)
        self._reading.clear()
        gone = [await self._memory.purge(tags)]
        if self._announce is not None:
            await self._announce(tags)
        gone += await asyncio.gather(*(back.purge(tags) for back in self._backs))
        return max(gone)

    async def hear(self, tags: Collection[str]) -> None:
        """Another process purged these, in what is common to all: here goes what is ours alone."""
        self._purges.add(tags)
        self._reading.clear()
        await self._memory.purge(tags)
        await asyncio.gather(*(back.purge(tags) for back in self._backs if back.name == "disk"))

    async def close(self) -> None:
        await self._memory.close()
        for back in self._backs:
            await back.close()

    def describe(self) -> dict[str, Any]:
        if not self._backs:
            return self._memory.describe()
        stores = [store.describe() for store in (self._memory, *self._backs)]
        state = "up" if all(store["state"] == "up" for store in stores) else "degraded"
        return {"name": self.name, "state": state, "stores": stores}

    async def _bounded(self, work: Awaitable[T]) -> T | None:
        if self._budget is None:
            return await work
        try:
            async with asyncio.timeout(self._budget):
                return await work
        except TimeoutError:
            self._on_event(self.name, "timeout")
            return None
