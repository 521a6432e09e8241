"""Single flight over processes: here several flights over one Redis, and processes that are killed or stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest

from cache.entry import Entry
from cache.open import Cache, open_cache
from cache.shared import SharedFlight

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

    MakeRedis = Callable[..., RedisServer]

pytest_plugins = ["tests.redis_server"]


def entry(body: bytes) -> Entry:
    now = time.time()
    return Entry(body, {}, now, now + 60, now + 600)


class Replica:
    """A cache of its own, that renders into the store."""

    def __init__(self, address: str, log: Counter[str], name: str) -> None:
        self.cache: Cache = open_cache(address)
        self.log = log
        self.name = name
        self.took = 0.1
        self.shareable = True
        self.failure: Exception | None = None

    async def make(self) -> bytes:
        self.log[self.name] += 1
        try:
            await asyncio.sleep(self.took)
        except asyncio.CancelledError:
            self.log["cancelled"] += 1
            raise
        if self.failure:
            raise self.failure
        if self.shareable:
            await self.cache.store.put("key", entry(self.name.encode()))
        return self.name.encode()

    async def look(self) -> bytes | None:
        found = await self.cache.store.get("key")
        return found.body if found else None

    async def ask(self) -> tuple[bytes, bool]:
        return await self.cache.flight.run("key", self.make, self.look, lambda _: self.shareable)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def server(shared_redis: RedisServer) -> RedisServer:
    with shared_redis.client() as client:
        client.flushall()
    return shared_redis


@pytest.fixture
def log() -> Counter[str]:
    return Counter()


@pytest.fixture
async def pair(server: RedisServer, log: Counter[str]) -> AsyncIterator[tuple[Replica, Replica]]:
    one, other = (Replica(server.patient_url, log, name) for name in ("one", "other"))
    yield one, other
    await one.cache.close()
    await other.cache.close()


async def test_a_hundred_callers_of_two_replicas_make_one(
    pair: tuple[Replica, Replica], log: Counter[str], server: RedisServer
) -> None:
    found = await asyncio.gather(*(pair[number % 2].ask() for number in range(100)))
    assert log.total() == 1
    assert {body for body, _ in found} == {next(iter(log)).encode()}
    assert sum(made for _, made in found) == 1
    for replica in pair:
        await replica.cache.flight.close()
    with server.client() as client:
        assert client.keys("*lease*") == []


async def test_what_was_made_between_the_look_and_the_lease_is_not_made_again(
    pair: tuple[Replica, Replica], log: Counter[str]
) -> None:
    await pair[0].ask()
    assert await pair[1].ask() == (b"one", False)
    assert log == {"one": 1}


async def test_what_is_not_shared_is_made_by_each_at_once(pair: tuple[Replica, Replica], log: Counter[str]) -> None:
    for replica in pair:
        replica.shareable = False
    started = time.monotonic()
    found = await asyncio.gather(*(replica.ask() for replica in pair))
    assert sorted(found) == [(b"one", True), (b"other", True)]
    assert log == {"one": 1, "other": 1}
    assert time.monotonic() - started < 2.0  # not after the lease's end


async def test_a_failure_makes_the_others_try_for_themselves(pair: tuple[Replica, Replica], log: Counter[str]) -> None:
    pair[0].failure = ValueError("broken")
    failing = asyncio.create_task(pair[0].ask())
    await asyncio.sleep(0.03)
    assert await pair[1].ask() == (b"other", True)
    with pytest.raises(ValueError, match="broken"):
        await failing
    assert log == {"one": 1, "other": 1}


async def test_when_the_last_caller_has_gone_another_replica_takes_over(
    pair: tuple[Replica, Replica], log: Counter[str]
) -> None:
    pair[0].took = 30
    leaders = [asyncio.create_task(pair[0].ask()) for _ in range(2)]
    await asyncio.sleep(0.05)
    follower = asyncio.create_task(pair[1].ask())
    await asyncio.sleep(0.05)
    leaders[0].cancel()
    await asyncio.sleep(0.05)
    assert log == {"one": 1}
    leaders[1].cancel()
    async with asyncio.timeout(2):  # before the lease has run out
        assert await follower == (b"other", True)
    assert log == {"one": 1, "cancelled": 1, "other": 1}


async def test_a_lease_is_renewed_while_work_goes_on(
    server: RedisServer, log: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (Replica(server.patient_url, log, name) for name in ("one", "other"))
    for replica in (one, other):
        assert replica.cache.flight._leases is not None
        replica.cache.flight._leases.ttl = 0.6
    one.took = 1.5
    leader = asyncio.create_task(one.ask())
    await asyncio.sleep(0.05)
    assert await other.ask() == (b"one", False)
    assert await leader == (b"one", True)
    assert log == {"one": 1}
    await one.cache.close()
    await other.cache.close()


LEADER = """
import asyncio, sys, time
from cache.entry import Entry
from cache.open import open_cache

async def main():
    cache = open_cache(sys.argv[1])
    async def make():
        print("made", flush=True)
        if sys.argv[2] == "long":
            await asyncio.sleep(60)
        time.sleep(0.4)  # as where the process is stopped: nothing is renewed
        now = time.time()
        await cache.store.put("key", Entry(b"leader", {}, now, now + 60, now + 600))
        return b"leader"
    async def look():
        found = await cache.store.get("key")
        return found.body if found else None
    print(await cache.flight.run("key", make, look), flush=True)
    await cache.close()

asyncio.run(main())
"""


async def leader(address: str, how: str) -> asyncio.subprocess.Process:
    """Another process, which leads now."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LEADER, address, how, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"made\n"
    return process


async def test_a_leader_that_is_killed_is_succeeded_when_its_lease_has_run_out(
    pair: tuple[Replica, Replica], log: Counter[str], server: RedisServer
) -> None:
    process = await leader(server.patient_url, "long")
    follower = asyncio.create_task(pair[0].ask())
    await asyncio.sleep(0.1)
    process.kill()
    await process.wait()
    assert not follower.done()
    async with asyncio.timeout(8):
        assert await follower == (b"one", True)
    assert log == {"one": 1}


async def test_a_leader_that_slept_longer_than_its_lease_does_not_give_back_anothers(
    pair: tuple[Replica, Replica], log: Counter[str], server: RedisServer
) -> None:
    process = await leader(server.patient_url, "short")
    assert process.stdout is not None
    os.kill(process.pid, signal.SIGSTOP)
    pair[0].took = 2.0
    follower = asyncio.create_task(pair[0].ask())
    async with asyncio.timeout(8):
        while not log["one"]:  # noqa: ASYNC110 (what is waited for happens in Redis)
            await asyncio.sleep(0.01)
    with server.client() as client:
        token = client.get("darkroom:lease:key")
    os.kill(process.pid, signal.SIGCONT)
    assert (await process.stdout.readline()).startswith(b"(b'leader', True)")
    await process.wait()
    with server.client() as client:
        assert client.get("darkroom:lease:key") == token
    assert await follower == (b"one", True)


@pytest.mark.parametrize("fault", ["down", "full", "wrong type", "stopped"])
async def test_without_a_lease_each_replica_makes_its_own(make_redis: MakeRedis, log: Counter[str], fault: str) -> None:
    server = make_redis("--maxmemory-policy", "noeviction")
    if fault != "down":
        server.start()
        with server.client() as client:
            if fault == "full":
                client.config_set("maxmemory", 1)
            if fault == "wrong type":
                client.lpush("darkroom:lease:key", "x")
    one, other = (Replica(server.url, log, name) for name in ("one", "other"))
    if fault == "stopped":
        server.pause()
    async with asyncio.timeout(15):
        found = await asyncio.gather(*(replica.ask() for replica in (one, other) for _ in range(10)))
    assert log == {"one": 1, "other": 1} if fault != "wrong type" else log.total() in (1, 2)
    assert len(found) == 20
    if fault == "stopped":
        server.resume()
    await one.cache.close()
    await other.cache.close()


async def test_without_redis_it_is_a_flight_in_one_process() -> None:
    flight, calls = SharedFlight(), Counter[str]()

    async def make() -> str:
        calls["made"] += 1
        await asyncio.sleep(0.01)
        return "done"

    async def look() -> str | None:
        calls["looked"] += 1
        return None

    found = await asyncio.gather(*(flight.run("key", make, look) for _ in range(5)))
    assert found == [("done", True), *[("done", False)] * 4]
    assert calls == {"made": 1}
    found = await asyncio.gather(*(flight.run("key", make, look, lambda _: False) for _ in range(3)))
    assert found == [("done", True), *[("done", False)] * 2]  # it is at hand, however little others may see of it
    assert len(flight) == 0
