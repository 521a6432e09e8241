"""Redis on bad days: away, killed, stopped, full, or not Redis at all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cache.breaker import Breaker
from cache.entry import Entry
from cache.link import FAILURES
from cache.redis import RedisStore

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

    MakeRedis = Callable[..., RedisServer]

pytest_plugins = ["tests.redis_server"]

NOW = 1_700_000_000.0
ENTRY = Entry(b"picture", {"type": "image/webp"}, NOW, NOW + 60, NOW + 600)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Counted:
    """A store with the outcomes of its calls, and a breaker whose clock the test turns."""

    def __init__(self, address: str, *, breaker: Breaker | None = None, prefix: str = "darkroom") -> None:
        self.events: Counter[str] = Counter()
        self.clock = Clock()
        self.store = RedisStore(
            address,
            prefix=prefix,
            breaker=breaker or Breaker(FAILURES, clock=self.clock),
            clock=lambda: NOW,
            on_event=lambda _, outcome: self.events.update([outcome]),
        )

    async def __aenter__(self) -> Counted:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.store.close()

    async def up(self) -> None:
        """Waits until the look behind the scenes has found Redis."""
        async with asyncio.timeout(10):
            while self.store.describe()["state"] != "up":  # noqa: ASYNC110 (the store has no event to wait for)
                await asyncio.sleep(0.005)

    def took(self) -> dict[str, int]:
        """The outcomes since this was last asked."""
        events, self.events = self.events, Counter()
        return dict(events)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def server(shared_redis: RedisServer) -> RedisServer:
    with shared_redis.client() as client:
        client.flushall()
    return shared_redis


async def test_down_at_start_and_back(make_redis: MakeRedis) -> None:
    server = make_redis()
    async with Counted(server.patient_url) as redis:
        assert not await redis.store.ping()
        redis.took()
        for _ in range(10):
            assert await redis.store.get("render:a") is None
            await redis.store.put("render:a", ENTRY)
        assert redis.took() == {"error": 2, "open": 18}  # and the ping
        assert redis.store.describe() == {"name": "redis", "state": "down", "error": "ConnectionError"}
        server.start()
        assert await redis.store.get("render:a") is None
        assert redis.took() == {"open": 1}
        redis.clock.now += 1
        assert await redis.store.get("render:a") is None  # is not made to wait, but has it looked at
        await redis.up()
        assert redis.took() == {"open": 1}
        await redis.store.put("render:a", ENTRY)
        assert await redis.store.get("render:a") == ENTRY
        assert redis.took() == {"hit": 1}
        assert redis.store.describe() == {"name": "redis", "state": "up"}


async def test_ping_closes_the_breaker(make_redis: MakeRedis) -> None:
    server = make_redis()
    async with Counted(server.patient_url) as redis:
        for _ in range(5):
            await redis.store.get("render:a")
        server.start()
        assert await redis.store.ping()
        assert redis.store.describe()["state"] == "up"


async def test_killed_and_brought_back_under_traffic(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    stop = asyncio.Event()

    async def traffic(store: RedisStore, number: int) -> None:
        while not stop.is_set():
            await store.put(f"render:{number}", ENTRY)
            assert await store.get(f"render:{number}") in (None, ENTRY)
            await store.delete(f"render:{number}")
            await asyncio.sleep(0)  # while it is left alone nothing else lets the loop turn

    async def until(redis: Counted, outcome: str, more: int = 20) -> None:
        wanted = redis.events[outcome] + more
        async with asyncio.timeout(20):
            while redis.events[outcome] < wanted:  # noqa: ASYNC110 (the store has no event to wait for)
                await asyncio.sleep(0.005)

    async with Counted(server.patient_url, breaker=Breaker(pause=0.02)) as redis, asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(traffic(redis.store, number))
        await until(redis, "hit")
        await asyncio.to_thread(server.kill)
        await until(redis, "open")
        await asyncio.to_thread(server.start)
        await until(redis, "hit")
        await asyncio.to_thread(server.restart)
        await until(redis, "hit")
        stop.set()


async def test_idle_connections_survive_a_restart(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    async with Counted(server.patient_url) as redis:
        await asyncio.gather(*(redis.store.get("render:a") for _ in range(20)))
        redis.took()
        await asyncio.to_thread(server.restart)
        await asyncio.gather(*(redis.store.put(f"render:{number}", ENTRY) for number in range(20)))
        assert redis.took() == {}


async def test_a_stopped_redis_costs_no_more_than_the_budget(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    async with Counted(f"{server.url}?max_connections=10") as redis:
        server.pause()
        async with asyncio.timeout(5):
            found = await asyncio.gather(*(redis.store.get("render:a") for _ in range(100)))
        assert set(found) == {None}
        outcomes = redis.took()
        assert outcomes["timeout"] + outcomes.get("open", 0) == 100  # those that wait may give up before it is known
        assert outcomes["timeout"] >= 10
        redis.clock.now += 1
        async with asyncio.timeout(5):
            await redis.store.put("render:a", ENTRY)
            assert not await redis.store.ping()
        outcomes = redis.took()
        assert outcomes.pop("timeout") in (1, 2)  # the ping, and the look behind the scenes
        assert outcomes == {"open": 1}
        server.resume()
        async with asyncio.timeout(20):
            while not await redis.store.ping():
                redis.took()
        assert redis.store.describe() == {"name": "redis", "state": "up"}


async def test_waiting_for_a_connection_does_not_open_the_breaker(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    async with Counted(f"{server.url}?socket_timeout=0.1&max_connections=1") as redis:
        server.pause()
        found = await asyncio.gather(*(redis.store.get("render:a") for _ in range(50)))
        assert set(found) == {None}
        assert redis.took() == {"timeout": 50}
        assert redis.store.describe()["state"] == "up"


async def test_a_burst_is_served_by_few_connections(server: RedisServer) -> None:
    async with Counted(f"{server.patient_url}&max_connections=3") as redis:
        await redis.store.put("render:a", ENTRY)
        found = await asyncio.gather(*(redis.store.get("render:a") for _ in range(300)))
        assert found == [ENTRY] * 300
        with server.client() as client:
            assert len(client.client_list()) <= 4  # and this one


async def test_callers_that_leave_lose_no_connection(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    async with Counted(f"{server.patient_url}&max_connections=2") as redis:
        await redis.store.put("render:a", ENTRY)
        for number in range(100):
            callers = [asyncio.create_task(redis.store.get("render:a")) for _ in range(4)]
            for _ in range(number % 10):
                await asyncio.sleep(0)
            for caller in callers:
                caller.cancel()
            await asyncio.gather(*callers, return_exceptions=True)
        redis.took()
        assert await asyncio.gather(*(redis.store.get("render:a") for _ in range(10))) == [ENTRY] * 10
        assert redis.took() == {"hit": 10}


async def test_a_service_that_is_not_redis_fails_open() -> None:
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as other:
        port = other.sockets[0].getsockname()[1]
        async with Counted(f"redis://127.0.0.1:{port}") as redis:
            assert await redis.store.get("render:a") is None
            await redis.store.put("render:a", ENTRY)
            assert redis.took() == {"error": 2}
    assert connections == 2  # no call was tried again


async def test_a_value_that_redis_does_not_read_costs_no_more_than_the_budget(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    async with Counted(server.url) as redis:
        await redis.store.ping()
        server.pause()
        async with asyncio.timeout(5):  # more than a socket buffers
            await redis.store.put("render:large", Entry(bytes(2**20 * 3 // 2), {}, NOW, NOW + 60, NOW + 600, ("red",)))
        assert redis.took() == {"timeout": 1}
        server.resume()


async def test_while_it_is_left_alone_there_is_no_input_or_output(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    async with Counted(server.url) as redis:
        server.pause()
        for _ in range(FAILURES):
            assert await redis.store.get("render:a") is None
        assert redis.took() == {"timeout": FAILURES}

        def forbidden(*_: object) -> None:
            raise AssertionError("asked Redis")

        redis.store.link.client.connection_pool.get_connection = forbidden  # type: ignore[union-attr, method-assign]
        for _ in range(100):
            assert await redis.store.get("render:a") is None
            await redis.store.put("render:a", ENTRY)
        assert redis.took() == {"open": 200}
        server.resume()


async def test_a_caller_that_leaves_is_let_go_at_every_step(server: RedisServer) -> None:
    async with Counted(server.patient_url) as redis:
        await redis.store.put("render:a", ENTRY)
        for steps in range(1, 25):
            caller = asyncio.create_task(redis.store.get("render:a"))
            for _ in range(steps):
                await asyncio.sleep(0)
            if caller.cancel():
                await asyncio.gather(caller, return_exceptions=True)
                assert caller.cancelled()
