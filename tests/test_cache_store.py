"""What holds for every store, run on each of them, on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cache.entry import Entry
from cache.memory import MemoryStore
from cache.redis import RedisStore
from cache.store import Store
from cache.tiered import TieredStore

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

pytest_plugins = ["tests.redis_server"]

LARGEST = 64 * 2**10  # bytes that the stores under test take at most, or a little less
NOW = 1_700_000_000.0


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def entry(body: bytes = b"picture", **meta: Any) -> Entry:
    return Entry(body, meta, NOW, NOW + 60, NOW + 600)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events() -> list[tuple[str, str]]:
    return []


@pytest.fixture(params=["memory", "redis", "tiered"])
async def store(request: pytest.FixtureRequest, clock: Clock, events: list[tuple[str, str]]) -> AsyncIterator[Store]:
    def on_event(name: str, outcome: str) -> None:
        events.append((name, outcome))

    def memory() -> Store:
        return MemoryStore(LARGEST * 8, clock=clock, on_event=on_event)

    def redis() -> Store:
        server: RedisServer = request.getfixturevalue("shared_redis")
        with server.client() as client:
            client.flushall()
        return RedisStore(server.patient_url, cap=LARGEST, clock=clock, on_event=on_event)

    def tiered() -> Store:
        return TieredStore(memory(), redis(), budget=30, clock=clock, on_event=on_event)

    kinds: dict[str, Callable[[], Store]] = {"memory": memory, "redis": redis, "tiered": tiered}
    made = kinds[request.param]()
    yield made
    await made.close()


async def test_an_unknown_key_is_none(store: Store) -> None:
    assert await store.get("render:none") is None


@pytest.mark.parametrize(
    "kept",
    [
        entry(),
        entry(b""),
        entry(bytes(range(256)) * 100),
        entry(b"\r\n$-1\r\n"),
        entry(
            type="image/webp", size=[3, 4], ratio=1.5, found={"faces": [{"x": 0.25}]}, ok=True, none=None, text="é\0"
        ),
        replace(entry(), stored_at=NOW - 0.1, fresh_until=NOW + 1 / 3),
    ],
    ids=range(6),
)
async def test_what_was_put_comes_back(store: Store, kept: Entry) -> None:
    await store.put("render:a", kept)
    assert await store.get("render:a") == kept


async def test_put_replaces(store: Store) -> None:
    await store.put("render:a", entry(b"old"))
    await store.put("render:a", entry(b"new"))
    assert await store.get("render:a") == entry(b"new")


@pytest.mark.parametrize("key", ["render:a", "a", "", "with space:and:colons", "é\r\n\0*?[", "x" * 2000])
async def test_any_text_is_a_key(store: Store, key: str) -> None:
    await store.put(key, entry())
    assert await store.get(key) == entry()
    assert await store.get(key + "x") is None
    await store.delete(key)
    assert await store.get(key) is None


async def test_delete_takes_any_number_of_keys(store: Store) -> None:
    keys = [f"render:{number}" for number in range(1200)]
    for key in keys:
        await store.put(key, entry())
    await store.delete()
    assert await store.get(keys[-1]) == entry()
    await store.delete("render:unknown", *keys[:-1])
    assert [await store.get(key) for key in (keys[0], keys[-2], keys[-1])] == [None, None, entry()]


@pytest.mark.parametrize(("later", "usable"), [(59, True), (61, True), (599, True), (600, False), (10_000, False)])
async def test_an_entry_is_a_miss_once_it_may_not_be_used(
    store: Store, clock: Clock, later: float, usable: bool
) -> None:
    await store.put("render:a", entry())
    clock.now = NOW + later
    assert await store.get("render:a") == (entry() if usable else None)


@pytest.mark.parametrize(
    "unwanted",
    [entry(bytes(LARGEST + 1)), entry(text="x" * LARGEST), replace(entry(), keep_until=NOW)],
    ids=["large body", "large meta", "expired"],
)
async def test_what_cannot_be_kept_still_ends_what_was_there(
    store: Store, unwanted: Entry, events: list[tuple[str, str]]
) -> None:
    await store.put("render:a", entry())
    await store.put("render:a", unwanted)
    assert await store.get("render:a") is None
    assert "skipped" in {outcome for _, outcome in events}


async def test_reads_are_counted(store: Store, events: list[tuple[str, str]]) -> None:
    await store.get("render:a")
    assert {outcome for _, outcome in events} == {"miss"}
    await store.put("render:a", entry())
    events.clear()
    await store.get("render:a")
    assert [outcome for _, outcome in events] == ["hit"]


async def test_many_calls_at_once(store: Store) -> None:
    async def work(number: int) -> Entry | None:
        await store.put(f"render:{number % 7}", entry(b"%d" % (number % 7)))
        return await store.get(f"render:{number % 7}")

    found = await asyncio.gather(*map(work, range(200)))
    assert [kept.body if kept else None for kept in found] == [b"%d" % (number % 7) for number in range(200)]


async def test_description_is_plain(store: Store) -> None:
    await store.put("render:a", entry())
    described = json.loads(json.dumps(store.describe()))
    assert described["state"] == "up"
    assert described["name"]
    assert "127.0.0.1" not in json.dumps(described)
