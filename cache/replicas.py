"""What other replicas purge, as Redis tells; and whether Redis is set up as a cache."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from redis.exceptions import RedisError, ResponseError

from .address import Client, connect
from .disk import DiskStore
from .link import heeding
from .redis import NOTED, SKEW, RedisStore, read_note

BLOCKED = 1.0  # s that a read of the stream waits; what is owed to Redis is tried again as often
MARKED = 10.0  # s between notes on disk that all was heard
LOST = 4.0  # s without an answer after which the connection is one to nobody
PAUSE = (0.1, 2.0)  # s between tries to connect

OnPurge = Callable[[Collection[str]], Awaitable[None]]

_log = logging.getLogger(__name__)


class Replicas:
    """Reads the stream of purges, on a connection of its own. A stream tells those who were away what they missed;
    where it does not reach back so far, or was lost with Redis, `on_gap` is called."""

    def __init__(
        self,
        store: RedisStore,
        on_purge: OnPurge,
        on_gap: Callable[[], None],
        on_warning: Callable[[str], None],
        disk: DiskStore | None = None,
    ) -> None:
        self._store = store
        self._on_purge = on_purge
        self._on_gap = on_gap
        self._on_warning = on_warning
        self._disk = disk
        # What is on disk may have been purged while nobody listened.
        since = (disk.marked() if disk else None) or time.time()
        self._last = b"%d-0" % int(1000 * (since - SKEW))  # note that was read
        self._noted = False
        self._marked = self._settled = 0.0
        self._warned = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        pause, most = PAUSE
        while True:
            client, _ = connect(
                self._store.link.address, max_connections=2, socket_timeout=LOST, socket_connect_timeout=LOST
            )
            try:
                await self._resume(client)
                await self._check(client)
                pause = PAUSE[0]
                while True:
                    await self._read(client)
            except (RedisError, OSError, TimeoutError) as error:
                _log.info("no news of purges: %s", type(error).__name__)
                if isinstance(error, ResponseError):
                    await self._mend(error)
            finally:
                await _close(client)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (not a secret)
            pause = min(most, 2 * pause)

    async def _resume(self, client: Any) -> None:
        """Finds out whether the stream still has everything since the last note that was read."""
        newest = await heeding(client.xrevrange(self._store.stream, count=1))
        oldest = await heeding(client.xrange(self._store.stream, count=1))
        lost = self._noted and (not newest or _order(newest[0][0]) < _order(self._last))
        trimmed = oldest and _order(oldest[0][0]) > _order(self._last)
        if lost or (trimmed and (self._noted or await client.xlen(self._store.stream) >= NOTED)):
            _log.warning("news of purges were missed: memory is dropped")
            self._on_gap()
            self._last, self._noted = newest[0][0] if newest else b"0-0", bool(newest)

    async def _read(self, client: Any) -> None:
        if self._store.owes and time.monotonic() - self._settled > BLOCKED:
            await self._store.settle()
            self._settled = time.monotonic()
        streams = {self._store.stream: self._last}
        for _, notes in await heeding(client.xread(streams, block=int(1000 * BLOCKED), count=100)) or ():
            for number, note in notes:
                tags, _, sender = read_note(note)
                if sender != self._store.sender:
                    await self._on_purge(tags)
                self._last, self._noted = number, True
        if self._disk is not None and time.monotonic() - self._marked > MARKED:
            self._marked = time.monotonic()
            await self._disk.mark()

    async def _mend(self, error: ResponseError) -> None:
        """Something else lies where the stream should be, or Redis does not let us read it."""
        if str(error).startswith("WRONGTYPE"):
            await self._store.drop_stream()
        else:
            self._warn(f"Redis does not tell of purges ({type(error).__name__}): it may forbid XREAD or XRANGE")

    async def _check(self, client: Any) -> None:
        """Warns of a Redis that will refuse to store once it is full, or grow without end."""
        try:
            policy, most = await _policy(client)
        except (RedisError, ValueError, KeyError):
            return  # it does not say, which is its right
        if not most:
            self._warn("Redis has no maxmemory: it grows until the system kills it; set it and allkeys-lru")
        elif policy == "noeviction":
            self._warn("Redis has the policy noeviction: once full it stores nothing; set maxmemory-policy allkeys-lru")

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._on_warning(text)


async def _policy(client: Any) -> tuple[str, int]:
    """The policy of eviction and the bytes that Redis may take, 0 for any number. CONFIG is often forbidden."""
    try:
        told = await client.config_get("maxmemory*")
    except ResponseError:
        info = await client.info("memory")
        told = {"maxmemory": info["maxmemory"], "maxmemory-policy": info["maxmemory_policy"]}
    return str(told["maxmemory-policy"]), int(told["maxmemory"])


def _order(number: bytes) -> tuple[int, int]:
    milliseconds, _, count = number.partition(b"-")
    return int(milliseconds), int(count)


async def _close(client: Client) -> None:
    try:
        await client.aclose()
    except Exception as error:  # a connection that cannot even be closed
        _log.info("closing Redis: %s", type(error).__name__)
