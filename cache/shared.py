"""Single flight over processes: one makes it, the others wait until it is in the store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .flight import Flight
from .lease import Lease, Leases, Refusal

T = TypeVar("T")

POLL = (0.015, 0.15)  # s between looks: the first, and the most that it grows to


@dataclass(frozen=True, slots=True)
class _Landed(Generic[T]):
    """A result, and whether it was made here rather than found."""

    result: T
    made: bool


class SharedFlight:
    """At most one piece of work per key at a time: in this process always, and in all that share a Redis where that
    answers. Where it does not, each process makes its own.

    A caller that is cancelled disturbs nobody; when the last of a process has gone its work is cancelled and its lease
    given back, so that another takes over. One that dies is succeeded when its lease has run out.
    """

    def __init__(self, leases: Leases | None = None) -> None:
        self._flight: Flight[_Landed[Any]] = Flight()
        self._leases = leases

    def __len__(self) -> int:
        """Keys in the air in this process."""
        return len(self._flight)

    def __contains__(self, key: str) -> bool:
        """Whether this process waits for it."""
        return key in self._flight

    async def run(
        self,
        key: str,
        make: Callable[[], Awaitable[T]],
        look: Callable[[], Awaitable[T | None]] | None = None,
        shareable: Callable[[T], bool] = lambda _: True,
    ) -> tuple[T, bool]:
        """What `make` returned or raised, or `look` found, and whether this caller's own `make` was called.

        `make` stores its result before it returns, `look` finds what is stored; without it nothing is shared between
        processes. Where `shareable` says no to a result, each process makes its own. A failure is everybody's in one
        process, and nobody's in others: they try for themselves.
        """
        landed: _Landed[T]
        landed, led = await self._flight.run(key, lambda: self._across(key, make, look, shareable))
        return landed.result, led and landed.made

    async def close(self) -> None:
        if self._leases is not None:
            await self._leases.close()

    async def _across(
        self,
        key: str,
        make: Callable[[], Awaitable[T]],
        look: Callable[[], Awaitable[T | None]] | None,
        shareable: Callable[[T], bool],
    ) -> _Landed[T]:
        if self._leases is None or look is None:
            return _Landed(await make(), True)
        pause, most = POLL
        while True:
            taken = await self._leases.take(key)
            if isinstance(taken, Lease):
                return await _lead(taken, make, look, shareable)
            if taken is not Refusal.HELD:
                return _Landed(await make(), True)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (not a secret)
            pause = min(most, 1.5 * pause)
            found = await look()
            if found is not None:
                return _Landed(found, False)


async def _lead(
    lease: Lease,
    make: Callable[[], Awaitable[T]],
    look: Callable[[], Awaitable[T | None]],
    shareable: Callable[[T], bool],
) -> _Landed[T]:
    apart = False
    try:
        found = await look()  # another may have made it between the caller's look and the lease
        if found is not None:
            return _Landed(found, False)
        result = await make()
        apart = not shareable(result)
        return _Landed(result, True)
    except Exception:
        apart = True  # not by cancellation: whoever waits tries for itself, at once and not one after the other
        raise
    finally:
        lease.give_back(apart)
