from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from cache.entry import Entry
from cache.memory import MemoryStore
from cache.tiered import TieredStore

NOW = 1_700_000_000.0
OLD = Entry(b"old", {}, NOW - 10, NOW + 60, NOW + 600)
NEW = Entry(b"new", {}, NOW, NOW + 60, NOW + 600)


def stale(entry: Entry) -> Entry:
    return replace(entry, fresh_until=NOW - 1)


class SlowStore(MemoryStore):
    """A memory whose calls wait for a gate and are noted; a get gives what was there when it began."""

    name = "slow"

    def __init__(self) -> None:
        super().__init__(10**6, clock=lambda: NOW)
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls: list[str] = []

    async def get(self, key: str) -> Entry | None:
        self.calls.append("get")
        entry = await super().get(key)
        await self.gate.wait()
        return entry

    async def put(self, key: str, entry: Entry) -> None:
        self.calls.append("put")
        await self.gate.wait()
        await super().put(key, entry)

    async def delete(self, *keys: str) -> None:
        self.calls.append("delete")
        await self.gate.wait()
        await super().delete(*keys)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def front() -> MemoryStore:
    return MemoryStore(10**6, clock=lambda: NOW)


@pytest.fixture
async def back() -> SlowStore:
    return SlowStore()


@pytest.fixture
def events() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def tiered(front: MemoryStore, back: SlowStore, events: list[tuple[str, str]]) -> TieredStore:
    def on_event(name: str, outcome: str) -> None:
        events.append((name, outcome))

    return TieredStore(front, back, budget=10, clock=lambda: NOW, on_event=on_event)


async def test_what_the_back_had_is_in_front_afterwards(
    tiered: TieredStore, front: MemoryStore, back: SlowStore
) -> None:
    await back.put("a", NEW)
    back.calls.clear()
    assert [await tiered.get("a") for _ in range(3)] == [NEW] * 3
    assert back.calls == ["get"]
    assert await front.get("a") == NEW


async def test_put_and_delete_reach_both(tiered: TieredStore, front: MemoryStore, back: SlowStore) -> None:
    await tiered.put("a", NEW)
    assert (await front.get("a"), await back.get("a")) == (NEW, NEW)
    await tiered.delete("a", "b")
    assert (await front.get("a"), await back.get("a")) == (None, None)


@pytest.mark.parametrize(
    ("near", "far", "found", "asked"),
    [
        (None, None, None, True),
        (None, stale(OLD), stale(OLD), True),
        (OLD, NEW, OLD, False),
        (stale(OLD), NEW, NEW, True),
        (stale(OLD), stale(NEW), stale(NEW), True),
        (stale(NEW), OLD, stale(NEW), True),
        (stale(OLD), None, stale(OLD), True),
    ],
)
async def test_a_stale_entry_gives_way_to_a_newer_one(
    tiered: TieredStore,
    front: MemoryStore,
    back: SlowStore,
    near: Entry | None,
    far: Entry | None,
    found: Entry | None,
    asked: bool,
) -> None:
    for store, entry in ((front, near), (back, far)):
        if entry is not None:
            await store.put("a", entry)
    back.calls.clear()
    assert await tiered.get("a") == found
    assert back.calls == (["get"] if asked else [])


async def test_an_older_entry_of_the_back_does_not_replace_a_stale_one(tiered: TieredStore, back: SlowStore) -> None:
    await tiered.put("a", stale(NEW))
    await back.put("a", stale(OLD))
    assert [await tiered.get("a") for _ in range(2)] == [stale(NEW)] * 2


async def test_put_shows_at_once(tiered: TieredStore, back: SlowStore) -> None:
    back.gate.clear()
    putting = asyncio.create_task(tiered.put("a", NEW))
    await asyncio.sleep(0)
    assert await tiered.get("a") == NEW
    back.gate.set()
    await putting
    assert await back.get("a") == NEW


@pytest.mark.parametrize(("write", "left"), [("put", NEW), ("delete", None)])
async def test_a_slow_read_does_not_undo_a_write(
    tiered: TieredStore, front: MemoryStore, back: SlowStore, write: str, left: Entry | None
) -> None:
    await back.put("a", OLD)
    back.gate.clear()
    readers = [asyncio.create_task(tiered.get("a")) for _ in range(3)]
    await asyncio.sleep(0)
    writer = asyncio.create_task(tiered.put("a", NEW) if write == "put" else tiered.delete("a"))
    await asyncio.sleep(0)
    back.gate.set()
    await asyncio.gather(*readers, writer)
    assert await front.get("a") == left


@pytest.mark.parametrize("call", ["get", "put", "delete"])
async def test_a_back_that_hangs_is_left_waiting(
    front: MemoryStore, back: SlowStore, events: list[tuple[str, str]], call: str
) -> None:
    tiered = TieredStore(front, back, budget=0.02, on_event=lambda *event: events.append(event))
    back.gate.clear()
    calls: dict[str, Any] = {"get": (tiered.get, "b"), "put": (tiered.put, "b", NEW), "delete": (tiered.delete, "b")}
    do, *arguments = calls[call]
    async with asyncio.timeout(5):
        assert await do(*arguments) is None
    assert events == [("tiered", "timeout")]
    assert await front.get("b") == (NEW if call == "put" else None)


async def test_description_holds_both(tiered: TieredStore, back: SlowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await tiered.put("a", NEW)
    described = tiered.describe()
    assert (described["name"], described["state"]) == ("tiered", "up")
    assert [store["entries"] for store in described["stores"]] == [1, 1]
    monkeypatch.setattr(back, "describe", lambda: {"name": "slow", "state": "down"})
    assert tiered.describe()["state"] == "degraded"
