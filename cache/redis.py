"""Entries in Redis (or Valkey), shared by every process that is given the same address."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as SocketTimeoutError

from .breaker import Breaker
from .entry import Entry, pack, unpack
from .store import OnEvent, Outcome, ignore

T = TypeVar("T")

SCHEMES = ("redis", "rediss", "unix")
CAP = 2 * 2**20  # bytes of a packed entry; at 0.2 s for a reply, more would want a faster network than many have
CONNECTIONS = 16  # redis-py's own work, 0.1 ms a call, is the limit long before: 4 do 1000 reads as fast as 32
TIMEOUT = 0.2  # s, for connecting and for each reply; the address may say otherwise (?socket_timeout=1)
LONGEST = 366 * 86400  # s that a key lives at most
JITTER = 0.1  # of the time to live, so that what was made together does not expire together
CHUNK = 500  # keys of one UNLINK: Redis serves nobody else meanwhile

_log = logging.getLogger(__name__)


class Unanswered(Exception):
    """Redis did not do what it was asked to; already counted."""


class RedisStore:
    """One packed string per entry, under `<prefix>:<key>`, expiring by itself. Connects at the first call, and again
    whenever it has to. A call takes at most half a second: a quarter for a connection, a quarter for Redis.

    The address takes what redis-py's does: `redis://user:password@host:6379/2`, `rediss://host`, `unix:///path?db=1`,
    and options (`?socket_timeout=1`, `ssl_ca_certs=…`). Raises ValueError for an address that can never work.
    """

    name = "redis"

    def __init__(
        self,
        address: str,
        *,
        prefix: str = "darkroom",
        cap: int = CAP,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.time,
        on_event: OnEvent | None = None,
    ) -> None:
        pool = _pool(address)
        self._client: Redis = Redis.from_pool(pool)
        self._slots = asyncio.Semaphore(pool.max_connections)
        self._budget = 1.25 * float(pool.connection_kwargs["socket_timeout"])
        self._prefix = prefix
        self._cap = cap
        self._breaker = breaker or Breaker()
        self._clock = clock
        self._on_event = on_event or ignore
        self._error: str | None = None

    async def get(self, key: str) -> Entry | None:
        try:
            packed = await self._call(lambda: self._client.get(self._name(key)))
        except Unanswered:
            return None
        entry = self._read(packed)
        self._report("miss" if entry is None else "hit")
        return entry

    async def put(self, key: str, entry: Entry) -> None:
        left = entry.keep_until - self._clock()
        if left <= 0 or len(entry.body) >= self._cap:
            await self._skip(key)
            return
        try:
            packed = pack(entry)
        except ValueError:
            self._fail("error", "meta that cannot be packed")
            await self.delete(key)
            return
        if len(packed) > self._cap:
            await self._skip(key)
            return
        await self._try(lambda: self._client.set(self._name(key), packed, px=_milliseconds(left)))

    async def delete(self, *keys: str) -> None:
        for start in range(0, len(keys), CHUNK):
            names = [self._name(key) for key in keys[start : start + CHUNK]]
            await self._try(lambda names=names: self._client.unlink(*names))  # type: ignore[misc]

    async def ping(self) -> bool:
        """Whether Redis answers now; asked even while the breaker is open, and closes it."""
        try:
            async with self._slot():
                return bool(await self._ask(self._client.ping))
        except Unanswered:
            return False

    async def close(self) -> None:
        try:
            await self._client.aclose()
        except Exception as error:  # a connection that cannot even be closed
            _log.info("closing Redis: %s", type(error).__name__)

    def describe(self) -> dict[str, Any]:
        state = "down" if self._breaker.open else "up"
        return {"name": self.name, "state": state} | ({"error": self._error} if self._error else {})

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    def _read(self, packed: bytes | str | None) -> Entry | None:
        try:
            entry = unpack(packed) if isinstance(packed, bytes) else None
        except ValueError:  # not ours, or another version's
            return None
        return entry if entry is not None and entry.usable(self._clock()) else None

    async def _skip(self, key: str) -> None:
        self._report("skipped")
        await self.delete(key)

    async def _try(self, command: Callable[[], Awaitable[object]]) -> None:
        try:
            await self._call(command)
        except Unanswered:
            return

    async def _call(self, command: Callable[[], Awaitable[T]]) -> T | None:
        async with self._slot():
            if self._breaker.admit():
                return await self._ask(command)
            self._report("open")
            raise Unanswered

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """One of the connections, awaited for one budget. That all are busy says nothing about Redis, so the breaker
        does not hear of it, as it would from redis-py's blocking pool: a burst must not look like a dead Redis."""
        try:
            async with asyncio.timeout(self._budget):
                await self._slots.acquire()
        except TimeoutError:
            raise self._fail("timeout", "Busy") from None
        try:
            yield
        finally:
            self._slots.release()

    async def _ask(self, command: Callable[[], Awaitable[T]]) -> T | None:
        """The reply, within the budget; None where the key holds another type than a string."""
        try:
            async with asyncio.timeout(self._budget):
                reply = await command()
        except ResponseError as error:  # Redis is alive, but says no: full, read-only, not permitted
            self._answered()
            if str(error).startswith("WRONGTYPE"):
                return None
            raise self._fail("error", type(error).__name__) from error
        except (TimeoutError, SocketTimeoutError) as error:
            self._unanswered(error)
            raise self._fail("timeout", "TimeoutError") from error
        except Exception as error:  # refused, reset, wrong password, not Redis at all
            self._unanswered(error)
            raise self._fail("error", type(error).__name__) from error
        self._answered()
        self._error = None
        return reply

    def _answered(self) -> None:
        if self._breaker.open:
            _log.info("Redis answers again")
        self._breaker.succeed()

    def _unanswered(self, error: Exception) -> None:
        was_open = self._breaker.open
        self._breaker.fail()
        if self._breaker.open and not was_open:
            _log.warning("Redis does not answer and is left alone: %s", str(error) or type(error).__name__)

    def _fail(self, outcome: Outcome, error: str) -> Unanswered:
        self._error = error
        self._report(outcome)
        return Unanswered(error)

    def _report(self, outcome: Outcome) -> None:
        self._on_event(self.name, outcome)


def _pool(address: str) -> ConnectionPool:
    try:
        _check(urlsplit(address))
        pool = ConnectionPool.from_url(
            address,
            decode_responses=False,
            protocol=2,  # strings are the same in RESP3, which costs each connection a HELLO that some proxies refuse
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(
                NoBackoff(), 0
            ),  # with the ten retries of redis-py's own clients a dead Redis costs 3.6 s a call
            max_connections=CONNECTIONS,
        )
        pool.connection_class(**pool.connection_kwargs)  # does not connect, but refuses options that it does not know
    except (TypeError, ValueError):
        # Without the cause: its text may hold a part of the password.
        raise ValueError(
            "not an address of Redis: wanted is redis://[user:password@]host[:port][/database][?option=value], "
            "the same with rediss:, or unix:///path/of/the/socket[?db=number]; characters such as / in a password "
            "are written %2F"
        ) from None
    return pool


def _check(parts: SplitResult) -> None:
    """Raises ValueError for what redis-py would pass over in silence: a database that is no number, half a path."""
    path = parts.path.strip("/")
    good = bool(path) and not parts.hostname if parts.scheme == "unix" else not path or path.isdecimal()
    if parts.scheme not in SCHEMES or not good:
        raise ValueError


def _milliseconds(left: float) -> int:
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (not a secret)
    return max(1, int(1000 * min(left, LONGEST) * spread))
