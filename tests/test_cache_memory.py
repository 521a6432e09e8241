from __future__ import annotations

import sys
import tracemalloc
from dataclasses import replace

import pytest

from cache.entry import Entry, Meta
from cache.key import key
from cache.memory import MemoryStore

NOW = 1_700_000_000.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def entry(size: int) -> Entry:
    return Entry(b"x" * size, {"type": "image/webp"}, NOW, NOW + 60, NOW + 600)


def memory(capacity: int, share: float = 1 / 8) -> MemoryStore:
    return MemoryStore(capacity, share=share, jitter=0, clock=lambda: NOW)


async def test_the_least_recently_used_leaves_first() -> None:
    store = memory(40_000, share=1)
    for name in ("a", "b", "c"):
        await store.put(name, entry(10_000))
    await store.get("a")
    await store.put("d", entry(10_000))
    assert [bool(await store.get(name)) for name in ("a", "b", "c", "d")] == [True, False, True, True]


async def test_bytes_stay_within_capacity() -> None:
    store = memory(100_000)
    for number in range(300):
        await store.put(str(number % 50), entry(100 * (number % 97)))
        assert store.describe()["bytes"] <= 100_000
    assert store.describe()["entries"] > 5
    await store.delete(*map(str, range(50)))
    assert (store.describe()["entries"], store.describe()["bytes"]) == (0, 0)


@pytest.mark.parametrize(("size", "kept"), [(90_000, True), (101_000, False)])
async def test_one_entry_may_take_a_share(size: int, kept: bool) -> None:
    store = memory(800_000)
    await store.put("a", entry(1000))
    await store.put("b", entry(size))
    assert bool(await store.get("b")) is kept
    assert await store.get("a")


async def test_an_expired_entry_gives_its_room_back() -> None:
    now = [NOW]
    store = MemoryStore(10_000, jitter=0, clock=lambda: now[0])
    await store.put("a", entry(10))
    now[0] = NOW + 600
    assert await store.get("a") is None
    assert store.describe()["bytes"] == 0


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="counts CPython's bytes")
@pytest.mark.parametrize("tagged", [0, 1, 8])
@pytest.mark.parametrize("size", [0, 2000])
async def test_no_more_is_allocated_than_counted(size: int, tagged: int) -> None:
    store = memory(50_000_000)
    tracemalloc.start()
    try:
        for number in range(5000):
            tags = tuple(f"{kind}-{number // 10 if kind else number:016x}" for kind in range(tagged))
            meta: Meta = {"type": "image/webp", "etag": f"{number:032x}", "tags": [f"t{number}"]}
            await store.put(
                key("render", str(number)), Entry(bytes(size), meta, NOW + number, NOW + 1e6, NOW + 1e6, tags)
            )
        allocated, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.98 < store.describe()["bytes"] / allocated < 1.5


async def test_the_index_of_tags_goes_with_the_entries() -> None:
    store = memory(100_000)
    for number in range(2000):
        await store.put(str(number % 300), replace(entry(100 * (number % 90)), tags=(f"tag-{number % 7}", "all")))
    there = [key for key in map(str, range(300)) if await store.get(key)]
    assert 5 < len(there) < 300
    assert len(there) == store.describe()["entries"]
    assert await store.purge(["all"]) == len(there)
    assert (store.describe()["entries"], store.describe()["bytes"]) == (0, 0)


async def test_what_was_made_together_does_not_expire_together() -> None:
    now = [NOW]
    store = MemoryStore(10**6, clock=lambda: now[0])
    for number in range(100):
        await store.put(str(number), entry(10))
    left = []
    for later in (539.9, 570.0, 600.0):
        now[0] = NOW + later
        left.append(sum([await store.get(str(number)) is not None for number in range(100)]))
    assert left[0] == 100
    assert 10 < left[1] < 90
    assert left[2] == 0


async def test_near_makes_recent_and_counts() -> None:
    events: list[tuple[str, str]] = []
    store = MemoryStore(40_000, share=1, jitter=0, clock=lambda: NOW, on_event=lambda *event: events.append(event))
    for name in ("a", "b", "c"):
        await store.put(name, entry(10_000))
    assert store.near("a") == entry(10_000)
    assert store.near("unknown") is None
    assert events == [("memory", "hit")]
    await store.put("d", entry(10_000))
    assert [bool(store.near(name)) for name in ("a", "b", "c", "d")] == [True, False, True, True]
