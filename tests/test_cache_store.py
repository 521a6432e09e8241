"""What holds for every store, run on each of them, on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cache.breaker import Breaker
from cache.disk import DiskStore
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


def entry(body: bytes = b"picture", *tags: str, **meta: Any) -> Entry:
    return Entry(body, meta, NOW, NOW + 60, NOW + 600, tags)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events() -> list[tuple[str, str]]:
    return []


@pytest.fixture(params=["memory", "disk", "redis", "tiered", "three tiers"])
async def store(
    request: pytest.FixtureRequest, clock: Clock, events: list[tuple[str, str]], tmp_path: Path
) -> AsyncIterator[Store]:
    def on_event(name: str, outcome: str) -> None:
        events.append((name, outcome))

    def memory() -> Store:
        return MemoryStore(LARGEST * 8, jitter=0, clock=clock, on_event=on_event)

    def disk() -> Store:
        folder, patient = tmp_path / "disk", Breaker(10**9)
        return DiskStore(folder, LARGEST * 1000, cap=LARGEST, jitter=0, breaker=patient, clock=clock, on_event=on_event)

    def redis() -> Store:
        server: RedisServer = request.getfixturevalue("shared_redis")
        with server.client() as client:
            client.flushall()
        return RedisStore(server.patient_url, cap=LARGEST, clock=clock, on_event=on_event)

    def tiered() -> Store:
        return TieredStore(memory(), redis(), budget=30, clock=clock, on_event=on_event)

    def three() -> Store:
        return TieredStore(memory(), disk(), redis(), budget=30, clock=clock, on_event=on_event)

    kinds: dict[str, Callable[[], Store]] = {
        "memory": memory,
        "disk": disk,
        "redis": redis,
        "tiered": tiered,
        "three tiers": three,
    }
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


@pytest.mark.parametrize("tags", [(), ("src-00ff",), ("src-00ff", "dir-é\0 *", "", "x" * 300)])
async def test_tags_come_back(store: Store, tags: tuple[str, ...]) -> None:
    await store.put("render:a", entry(b"picture", *tags))
    assert await store.get("render:a") == entry(b"picture", *tags)


async def test_a_purge_takes_what_has_any_of_the_tags(store: Store) -> None:
    tagged = {"a": ("red", "round"), "b": ("red",), "c": ("round", "blue"), "d": ("redder",), "e": ()}
    for key, tags in tagged.items():
        await store.put(key, entry(b"picture", *tags))
    assert await store.purge(["red", "blue", "unknown"]) == 3
    assert [key for key in tagged if await store.get(key)] == ["d", "e"]
    assert await store.purge(["red", "blue"]) == 0
    assert await store.purge([]) == 0


async def test_a_purge_takes_very_many(store: Store) -> None:
    for number in range(450):
        await store.put(str(number), entry(b"", "all", f"tag-{number % 2}"))
    assert await store.purge(["tag-0"]) == 225
    assert await store.purge(["all"]) == 225


async def test_what_was_replaced_has_its_new_tags_alone(store: Store, clock: Clock) -> None:
    await store.put("a", entry(b"old", "old"))
    await store.put("a", entry(b"new", "new"))
    assert await store.purge(["new"]) == 1
    assert await store.get("a") is None


async def test_what_was_begun_before_a_purge_cannot_be_put_afterwards(
    store: Store, clock: Clock, events: list[tuple[str, str]]
) -> None:
    begun = entry(b"outdated", "red", "round")
    clock.now = NOW + 1
    await store.put("a", replace(begun, stored_at=NOW + 0.5))
    clock.now = NOW + 2
    assert await store.purge(["red"]) == 1
    clock.now = NOW + 3
    events.clear()
    await store.put("a", begun)
    assert await store.get("a") is None
    assert "skipped" in {outcome for _, outcome in events}
    later = replace(begun, stored_at=NOW + 2.5)
    await store.put("a", later)
    assert await store.get("a") == later


async def test_near_is_what_is_fresh_in_memory(store: Store, clock: Clock) -> None:
    await store.put("a", entry(b"picture", "red"))
    in_memory = not isinstance(store, DiskStore | RedisStore)
    assert store.near("a") == (entry(b"picture", "red") if in_memory else None)
    assert store.near("b") is None
    clock.now = NOW + 60
    assert store.near("a") is None
    clock.now = NOW
    await store.purge(["red"])
    assert store.near("a") is None


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
    keys = [f"render:{number}" for number in range(300)]
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
