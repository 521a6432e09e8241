"""Single flight: whoever asks for what is already being made waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class Interrupted(Exception):
    """The work was cancelled from within or outside, and not because its callers went away."""


@dataclass(slots=True, eq=False)
class _Work(Generic[T]):
    task: asyncio.Task[T]
    waiting: int = 0


class Flight(Generic[T]):
    """At most one piece of work per key at a time, in one event loop.

    The work runs in a task of its own: a caller that is cancelled disturbs nobody, whether it led or followed, and
    when the last one has gone the work is cancelled.
    """

    def __init__(self) -> None:
        self._works: dict[str, _Work[T]] = {}
        self._tasks: set[asyncio.Task[T]] = set()  # the loop holds tasks weakly, and a cancelled one may have to unwind

    def __len__(self) -> int:
        """Keys in the air."""
        return len(self._works)

    def __contains__(self, key: str) -> bool:
        """Whether it is in the air."""
        return key in self._works

    async def run(
        self, key: str, make: Callable[[], Awaitable[T]], shareable: Callable[[T], bool] = lambda _: True
    ) -> tuple[T, bool]:
        """What `make` returned or raised, and whether this caller's own `make` was called.

        Where `shareable` says no to the result, each follower makes its own.
        """
        work = self._works.get(key)
        if work is None:
            return await self._wait(key, self._start(key, make)), True
        result = await self._wait(key, work)
        return (result, False) if shareable(result) else (await make(), True)

    def _start(self, key: str, make: Callable[[], Awaitable[T]]) -> _Work[T]:
        async def call() -> T:
            return await make()

        work = self._works[key] = _Work(asyncio.create_task(call()))
        self._tasks.add(work.task)
        work.task.add_done_callback(lambda task: self._land(key, work))
        return work

    async def _wait(self, key: str, work: _Work[T]) -> T:
        work.waiting += 1
        try:
            await asyncio.wait((work.task,))
        finally:
            work.waiting -= 1
            if not work.waiting and not work.task.done():
                work.task.cancel()
                self._release(key, work)  # now, so that nobody joins what is being cancelled
        try:
            if work.task.cancelled():
                raise Interrupted(key)
            return work.task.result()
        finally:
            del work  # a failure in it holds on to this frame, and all that the callers have at hand

    def _land(self, key: str, work: _Work[T]) -> None:
        self._release(key, work)
        self._tasks.discard(work.task)
        if not work.task.cancelled():
            work.task.exception()  # has now been looked at, so that no loop complains where every waiter had left

    def _release(self, key: str, work: _Work[T]) -> None:
        if self._works.get(key) is work:
            del self._works[key]
