"""Purges reach all: other replicas through Redis, also those that were away, and other processes of one machine."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cache.entry import Entry
from cache.open import Cache, open_cache

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

    MakeRedis = Callable[..., RedisServer]

pytest_plugins = ["tests.redis_server"]


def entry(*tags: str) -> Entry:
    now = time.time()
    return Entry(b"picture", {}, now, now + 60, now + 600, tags)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def server(shared_redis: RedisServer) -> RedisServer:
    with shared_redis.client() as client:
        client.flushall()
    return shared_redis


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not happened():  # noqa: ASYNC110 (what is waited for happens elsewhere)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    address: str = "memory:", disk: Path | None = None, local: Path | None = None
) -> AsyncIterator[tuple[Cache, list[str]]]:
    warnings: list[str] = []
    cache = open_cache(address, disk=disk, local=local, on_warning=warnings.append)
    await cache.start()
    try:
        yield cache, warnings
    finally:
        await cache.close()


async def connected(server: RedisServer, count: int) -> None:
    """That many listen."""

    def listening() -> int:
        with server.client() as client:
            return sum(other["cmd"] == "xread" for other in client.client_list())

    await until(lambda: listening() >= count)


async def test_a_purge_reaches_memory_and_disk_of_other_replicas(server: RedisServer, tmp_path: Path) -> None:
    async with (
        running(server.patient_url, tmp_path / "one") as (one, _),
        running(server.patient_url, tmp_path / "other") as (other, _),
    ):
        await connected(server, 2)
        begun = entry("red")
        await one.store.put("a", begun)
        await one.store.put("b", entry("blue"))
        assert await other.store.get("a")
        assert await other.store.get("b")
        assert await one.store.purge(["red"]) == 1
        await until(lambda: other.store.near("a") is None)
        await asyncio.sleep(0.05)
        assert await other.store.get("a") is None
        assert other.store.near("b")
        await other.store.put("a", begun)
        assert await other.store.get("a") is None
        await other.store.put("a", entry("red"))
        assert await other.store.get("a")


async def test_a_replica_that_was_away_hears_what_it_missed_and_keeps_the_rest(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    async with running(server.patient_url) as (one, _):
        await connected(server, 1)
        for key, tag in (("a", "red"), ("b", "blue")):
            await one.store.put(key, entry(tag))
        with server.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        async with running(server.patient_url) as (other, _):
            assert await other.store.purge(["red"]) == 1
        await until(lambda: one.store.near("a") is None)
        assert one.store.near("b")


async def test_memory_is_dropped_where_news_were_lost_with_redis(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    async with running(server.patient_url) as (one, _), running(server.patient_url) as (other, _):
        await connected(server, 2)
        await other.store.purge(["green"])
        await one.store.put("a", entry("red"))
        await asyncio.sleep(0.1)
        assert one.store.near("a")
        await asyncio.to_thread(server.restart)
        await until(lambda: one.store.near("a") is None)


async def test_memory_stays_where_nothing_can_have_been_missed(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    async with running(server.patient_url) as (one, _):
        await connected(server, 1)
        await one.store.put("a", entry("red"))
        await asyncio.to_thread(server.restart)
        await connected(server, 1)
        assert one.store.near("a")


async def test_a_purge_while_redis_is_down_reaches_it_and_the_others_later(make_redis: MakeRedis) -> None:
    server = make_redis("--save", "1 1", "--dbfilename", "kept.rdb").start()
    async with running(server.url) as (one, _), running(server.url) as (other, _):
        await connected(server, 2)
        await one.store.put("a", entry("red"))
        assert await other.store.get("a")
        with server.client() as client:
            client.save()
        await asyncio.to_thread(server.kill)
        assert await one.store.purge(["red"]) == 1
        assert other.store.near("a")
        await asyncio.to_thread(server.start)
        await until(lambda: other.store.near("a") is None)
        with server.client() as client:
            await until(lambda: not client.exists("darkroom:a"))


async def test_a_replica_that_is_started_again_hears_what_was_purged_meanwhile(
    server: RedisServer, tmp_path: Path
) -> None:
    async with running(server.patient_url, tmp_path) as (one, _):
        await connected(server, 1)
        await one.store.put("a", entry("red"))
        await until((tmp_path / "heard").exists)
    async with running(server.patient_url) as (other, _):
        await other.store.purge(["red"])
    async with running(server.patient_url, tmp_path):
        await until(lambda: not [path for path in (tmp_path / "entries").rglob("*") if path.is_file()])


async def test_processes_of_one_machine_tell_each_other(tmp_path: Path) -> None:
    async with running(local=tmp_path / "local") as (one, _), running(local=tmp_path / "local") as (other, _):
        for cache in (one, other):
            await cache.store.put("a", entry("red", "x" * 300))
            await cache.store.put("b", entry("blue"))
        many = [f"tag-{number}" for number in range(1000)]
        assert await one.store.purge([*many, "red"]) == 1
        await until(lambda: other.store.near("a") is None)
        assert other.store.near("b")
        assert len(list((tmp_path / "local").iterdir())) == 2
    assert list((tmp_path / "local").iterdir()) == []


async def test_who_ended_without_tidying_up_is_tidied_up_after(tmp_path: Path) -> None:
    gone = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    gone.bind(str(tmp_path / "1-dead.purges"))
    gone.close()
    async with running(local=tmp_path) as (one, _):
        await one.store.purge(["red"])
        assert not any("dead" in name for name in os.listdir(tmp_path))


async def test_junk_is_no_news(tmp_path: Path) -> None:
    async with running(local=tmp_path) as (one, _):
        await one.store.put("a", entry("red"))
        path = tmp_path / os.listdir(tmp_path)[0]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            for junk in (b"", b"junk", b"\xc1", b"\x01", b"\x91\x01", b"\x92\xa3red\xc1"):
                sender.sendto(junk, str(path))
        await asyncio.sleep(0.05)
        assert one.store.near("a")


async def test_one_that_does_not_read_holds_nobody_up_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cache.news.PATIENCE", 0.05)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "1-deaf.purges"))
        async with running(local=tmp_path) as (one, _):
            work: list[Awaitable[int]] = [one.store.purge([f"tag-{number}"]) for number in range(600)]
            async with asyncio.timeout(10):
                await asyncio.gather(*work)


@pytest.mark.parametrize("folder", ["file/local", "x" * 120])
async def test_a_folder_that_cannot_be_is_a_warning(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("no folder")
    async with running(local=tmp_path / folder) as (one, warnings):
        assert len(warnings) == 1
        await one.store.put("a", entry("red"))
        assert await one.store.purge(["red"]) == 1
