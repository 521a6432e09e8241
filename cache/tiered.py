"""A fast store in front of a slow one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .entry import Entry
from .store import OnEvent, Store, ignore

T = TypeVar("T")

BUDGET = 0.6  # s for a call of the back; Redis keeps shorter ones of its own


class TieredStore:
    """Reads the front, then the back, and copies to the front what the back had; writes both."""

    name = "tiered"

    def __init__(
        self,
        front: Store,
        back: Store,
        *,
        budget: float = BUDGET,
        clock: Callable[[], float] = time.time,
        on_event: OnEvent | None = None,
    ) -> None:
        self._front = front
        self._back = back
        self._budget = budget
        self._clock = clock
        self._on_event = on_event or ignore
        self._reading: dict[str, object] = {}

    async def get(self, key: str) -> Entry | None:
        """A stale entry of the front gives way to a newer one of the back, which another replica may have made."""
        near = await self._front.get(key)
        if near is not None and near.fresh(self._clock()):
            return near
        return await self._newer(key, near) or near

    async def _newer(self, key: str, near: Entry | None) -> Entry | None:
        """What the back has, if it is newer than `near`; the front gets a copy."""
        # Whoever writes the key meanwhile takes the token away, so that what was read before is not copied over it.
        token = self._reading.setdefault(key, object())
        try:
            far = await self._bounded(self._back.get(key))
            if far is None or (near is not None and far.stored_at <= near.stored_at):
                return None
            if self._reading.get(key) is token:
                await self._front.put(key, far)
            return far
        finally:
            if self._reading.get(key) is token:
                del self._reading[key]

    async def put(self, key: str, entry: Entry) -> None:
        self._reading.pop(key, None)
        await self._front.put(key, entry)
        await self._bounded(self._back.put(key, entry))

    async def delete(self, *keys: str) -> None:
        for key in keys:
            self._reading.pop(key, None)
        await self._front.delete(*keys)
        await self._bounded(self._back.delete(*keys))

    async def close(self) -> None:
        await self._front.close()
        await self._back.close()

    def describe(self) -> dict[str, Any]:
        stores = [self._front.describe(), self._back.describe()]
        state = "up" if all(store["state"] == "up" for store in stores) else "degraded"
        return {"name": self.name, "state": state, "stores": stores}

    async def _bounded(self, work: Awaitable[T]) -> T | None:
        try:
            async with asyncio.timeout(self._budget):
                return await work
        except TimeoutError:
            self._on_event(self.name, "timeout")
            return None
