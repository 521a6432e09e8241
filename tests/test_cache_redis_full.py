"""A Redis that is full, evicts, or misses a purge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cache.entry import Entry
from tests.test_cache_redis import ENTRY, NOW, Counted

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

    MakeRedis = Callable[..., RedisServer]

pytest_plugins = ["tests.redis_server"]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


async def test_a_full_redis_fails_open(make_redis: MakeRedis) -> None:
    server = make_redis("--maxmemory-policy", "noeviction").start()
    async with Counted(server.patient_url) as redis:
        await redis.store.put("render:a", ENTRY)
        with server.client() as client:
            client.config_set("maxmemory", 1)
        for _ in range(10):
            await redis.store.put("render:b", ENTRY)
        assert redis.took() == {"error": 10}
        assert redis.store.describe() == {"name": "redis", "state": "up", "error": "OutOfMemoryError"}
        assert await redis.store.get("render:a") == ENTRY
        await redis.store.delete("render:a")
        assert await redis.store.get("render:a") is None
        assert redis.took() == {"hit": 1, "miss": 1}


async def test_a_full_redis_is_still_purged(make_redis: MakeRedis) -> None:
    server = make_redis("--maxmemory-policy", "noeviction").start()
    tagged = replace(ENTRY, tags=("red",), stored_at=NOW - 1)
    async with Counted(server.patient_url) as redis:
        await redis.store.put("render:a", tagged)
        with server.client() as client:
            client.config_set("maxmemory", 1)
        assert await redis.store.purge(["red"]) == 1
        assert await redis.store.get("render:a") is None
        assert redis.store.owes  # there was no room to tell the others
        with server.client() as client:
            client.config_set("maxmemory", 0)
        await redis.store.settle()
        assert not redis.store.owes


async def test_an_evicting_redis_loses_entries_and_nothing_else(make_redis: MakeRedis) -> None:
    server = make_redis("--maxmemory-policy", "allkeys-lru", "--maxmemory", "4mb").start()
    async with Counted(server.patient_url) as redis:
        for number in range(200):
            entry = Entry(bytes(50_000), {}, NOW - 1, NOW + 60, NOW + 600, (f"src-{number}", "all"))
            await redis.store.put(f"render:{number}", entry)
        assert redis.took() == {}
        assert await redis.store.get("render:199")
        assert None in [await redis.store.get(f"render:{number}") for number in range(100)]
        assert await redis.store.purge(["src-199"]) in (0, 1)  # the set may have been evicted before the entry
        assert await redis.store.get("render:199") is None


async def test_a_purge_of_a_redis_that_is_down_is_done_when_it_is_back(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    tagged = replace(ENTRY, tags=("red",), stored_at=NOW - 1)
    async with Counted(server.patient_url) as redis:
        await redis.store.put("render:a", tagged)
        server.pause()
        redis.store.link._budget = 0.1
        assert await redis.store.purge(["red"]) == 0
        server.resume()
        redis.store.link._budget = 10
        await redis.store.ping()
        assert await redis.store.get("render:a") is None
        with server.client() as client:
            assert client.exists("darkroom:render:a")
        assert await redis.store.settle() == 1
        assert not redis.store.owes
        with server.client() as client:
            assert not client.exists("darkroom:render:a")
