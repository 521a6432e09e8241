"""The way to Redis: few connections, a budget for each call, and none at all while it does not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import AuthenticationError, ClusterDownError, ResponseError
from redis.exceptions import TimeoutError as SocketTimeoutError

from .address import CONNECTIONS, Client, connect
from .breaker import Breaker, Unanswered
from .store import OnEvent, Outcome, ignore

T = TypeVar("T")

FAILURES = 3  # in a row, after which Redis is left alone; each may cost a request its budget
SLACK = 1.25  # times the timeout of the socket is the budget of a call: scheduling takes its time as well

_log = logging.getLogger(__name__)


async def heeding(work: Awaitable[T]) -> T:
    """Awaits a call of redis-py, which loses a cancellation that comes while it looks at a pooled connection (8.1)."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in one
    before = task.cancelling()
    try:
        return await work
    finally:
        if task.cancelling() > before:
            raise asyncio.CancelledError


class Refused(Unanswered):
    """Redis is alive, but says no: full, read-only, not permitted, another type."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.wrong_type = text.startswith("WRONGTYPE")


class Link:
    """Connects at the first call, and again whenever it has to.

    A call takes at most half a second: a quarter for a connection, a quarter for Redis. While the breaker is open none
    is made: a ping behind the scenes finds out, once a second, whether Redis is back, so that no request pays for it.
    """

    name = "redis"

    def __init__(self, address: str, *, breaker: Breaker | None = None, on_event: OnEvent | None = None) -> None:
        self.client, options = connect(address)
        self.address = address
        self.cluster = isinstance(self.client, RedisCluster)
        self.error: str | None = None
        self._slots = asyncio.Semaphore(int(options.get("max_connections", CONNECTIONS)))
        self._budget = SLACK * float(options["socket_timeout"])
        self._breaker = breaker or Breaker(FAILURES)
        self._on_event = on_event or ignore
        self._probe: asyncio.Task[bool] | None = None

    @property
    def open(self) -> bool:
        return self._breaker.open

    async def call(self, command: Callable[[Client], Awaitable[T]]) -> T:
        """The reply. Raises Unanswered, and Refused where Redis is alive."""
        self._refuse_if_open()
        async with self._slot():
            self._refuse_if_open()
            return await self._ask(command)

    async def ping(self) -> bool:
        """Whether Redis answers now; asked even while the breaker is open, and closes it."""
        try:
            async with self._slot():
                await self._ask(lambda client: client.ping())
        except Unanswered:
            return False
        return True

    async def close(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        try:
            await self.client.aclose()
        except Exception as error:  # a connection that cannot even be closed
            _log.info("closing Redis: %s", type(error).__name__)

    def report(self, outcome: Outcome) -> None:
        self._on_event(self.name, outcome)

    def fail(self, outcome: Outcome, error: str) -> None:
        self.error = error
        self.report(outcome)

    def describe(self) -> dict[str, Any]:
        state = "down" if self.open else "up"
        return {"name": self.name, "state": state} | ({"error": self.error} if self.error else {})

    def _refuse_if_open(self) -> None:
        if not self._breaker.open:
            return
        if self._breaker.admit() and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self.ping())
        self.report("open")
        raise Unanswered("left alone")

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """One of the connections, awaited for one budget. That all are busy says nothing about Redis, so the breaker
        does not hear of it, as it would from redis-py's blocking pool: a burst must not look like a dead Redis."""
        if self._slots.locked():
            await self._wait_for_slot()
        else:
            await self._slots.acquire()  # at once, and without a timeout, which costs 15 µs
        try:
            yield
        finally:
            self._slots.release()

    async def _wait_for_slot(self) -> None:
        try:
            async with asyncio.timeout(self._budget):
                await self._slots.acquire()
        except TimeoutError:
            self.fail("timeout", "Busy")
            raise Unanswered("busy") from None

    async def _ask(self, command: Callable[[Client], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._budget):
                reply = await heeding(command(self.client))
        except (ClusterDownError, AuthenticationError) as error:
            raise self._unanswered("error", error) from error
        except ResponseError as error:
            self._answered()
            if not str(error).startswith("WRONGTYPE"):
                self.fail("error", type(error).__name__)
            raise Refused(str(error)) from error
        except (TimeoutError, SocketTimeoutError) as error:
            raise self._unanswered("timeout", error) from error
        except Exception as error:  # refused, reset, wrong password, not Redis at all
            raise self._unanswered("error", error) from error
        self._answered()
        self.error = None
        return reply

    def _answered(self) -> None:
        if self._breaker.open:
            _log.info("Redis answers again")
        self._breaker.succeed()

    def _unanswered(self, outcome: Outcome, error: Exception) -> Unanswered:
        was_open = self._breaker.open
        self._breaker.fail()
        if self._breaker.open and not was_open:
            _log.warning("Redis does not answer and is left alone: %s", str(error) or type(error).__name__)
        self.fail(outcome, "TimeoutError" if outcome == "timeout" else type(error).__name__)
        return Unanswered(type(error).__name__)
