"""Entries as files: what outlives a process, what a folder may be and do, and how many bytes it takes."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cache.breaker import Breaker
from cache.disk import DiskStore
from cache.disk_files import BLOCK, Files
from cache.disk_index import locked
from cache.entry import Entry

NOW = 1_700_000_000.0
ENTRY = Entry(b"picture", {"type": "image/webp"}, NOW, NOW + 60, NOW + 600, ("red",))


class Counted:
    """A store with its clock and the outcomes of its calls."""

    def __init__(self, folder: Path, capacity: int = 2**20, breaker: Breaker | None = None, **options: float) -> None:
        self.now = NOW
        self.events: Counter[str] = Counter()
        self.store = DiskStore(
            folder, capacity, **{"jitter": 0, **options}, breaker=breaker or Breaker(10**9), clock=lambda: self.now,
            on_event=lambda _, outcome: self.events.update([outcome]),
        )  # fmt: skip

    async def __aenter__(self) -> Counted:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.store._sweeping is not None:
            await self.store._sweeping
        await self.store.close()

    async def swept(self) -> dict[str, object]:
        """The description after everything was counted again."""
        if self.store._sweeping is not None:
            await self.store._sweeping
        await self.store.start()
        assert self.store._sweeping is not None
        await self.store._sweeping
        return self.store.describe()


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


def entries(folder: Path) -> list[Path]:
    return [path for path in (folder / "entries").rglob("*") if path.is_file()]


def taken(folder: Path) -> int:
    """Bytes of all entries, in blocks."""
    return sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in entries(folder))


def sized(size: int, began: float = NOW) -> Entry:
    return Entry(os.urandom(size), {}, began, began + 60, began + 6000)


async def test_entries_and_purges_outlive_the_process(tmp_path: Path) -> None:
    async with Counted(tmp_path) as one:
        await one.store.put("a", ENTRY)
        await one.store.put("b", replace(ENTRY, tags=("blue",)))
    async with Counted(tmp_path) as other:
        assert await other.store.get("a") == ENTRY
        assert (await other.swept())["entries"] == 2
        other.now += 1
        assert await other.store.purge(["red"]) == 1
    async with Counted(tmp_path) as third:
        third.now += 2
        assert await third.store.get("a") is None
        await third.store.put("a", ENTRY)  # begun before the purge, of which this store has not heard
        assert await third.store.get("a") is None
        assert third.events["skipped"] == 1
        assert await third.store.get("b")


async def test_the_bytes_are_bounded_and_the_least_recently_used_leave(tmp_path: Path) -> None:
    capacity = 100 * BLOCK
    async with Counted(tmp_path, capacity) as disk:
        for number in range(60):
            disk.now += 1
            await disk.store.put(str(number), sized(BLOCK - 200, disk.now))
        disk.now += 100
        assert await disk.store.get("0")
        for number in range(60, 130):
            disk.now += 1
            await disk.store.put(str(number), sized(BLOCK - 200, disk.now))
        described = await disk.swept()
        assert taken(tmp_path) <= capacity
        there = [number for number in range(130) if await disk.store.get(str(number))]
        assert described["entries"] == len(there) >= 80
        assert there == [0, *range(130 - len(there) + 1, 130)]


async def test_what_others_wrote_counts_as_well(tmp_path: Path) -> None:
    capacity = 40 * BLOCK
    async with Counted(tmp_path, capacity) as one, Counted(tmp_path, capacity) as other:
        for number in range(100):
            await (one, other)[number % 2].store.put(str(number), sized(BLOCK - 200))
        await one.swept()
        await other.swept()
        assert 20 * BLOCK < taken(tmp_path) <= capacity


async def test_what_has_expired_goes_unasked(tmp_path: Path) -> None:
    async with Counted(tmp_path) as disk:
        await disk.store.put("a", ENTRY)
        disk.now += 601
        described = await disk.swept()
        assert described["entries"] == 0
        assert entries(tmp_path) == []


async def test_what_was_made_together_does_not_expire_together(tmp_path: Path) -> None:
    async with Counted(tmp_path, jitter=0.1) as disk:
        for number in range(40):
            await disk.store.put(str(number), ENTRY)
        disk.now += 570
        left = sum([await disk.store.get(str(number)) is not None for number in range(40)])
        assert 2 < left < 38


@pytest.mark.parametrize("size", [2**17 - 200, 2**17 + 1])
async def test_one_entry_may_take_a_share(tmp_path: Path, size: int) -> None:
    async with Counted(tmp_path, 2**20) as disk:
        await disk.store.put("a", ENTRY)
        await disk.store.put("a", sized(size))
        assert bool(await disk.store.get("a")) is (size < 2**17)


def spoil(path: Path, how: str) -> None:
    raw = path.read_bytes()
    damaged = {"cut": raw[:-1], "empty": b"", "flipped": raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:],
               "magic": b"DRC1" + raw[4:], "junk": os.urandom(200), "longer": raw + b"x"}  # fmt: skip
    state = path.stat()
    path.write_bytes(damaged[how])
    os.utime(path, (state.st_atime, state.st_mtime))


@pytest.mark.parametrize("how", ["cut", "empty", "flipped", "magic", "junk", "longer"])
async def test_damaged_files_are_misses_and_go(tmp_path: Path, how: str) -> None:
    async with Counted(tmp_path) as disk:
        await disk.store.put("a", ENTRY)
        spoil(entries(tmp_path)[0], how)
        assert await disk.store.get("a") is None
        assert entries(tmp_path) == []
        assert disk.events == {"miss": 1}
        await disk.store.put("a", ENTRY)
        assert await disk.store.get("a") == ENTRY


async def test_another_keys_file_is_a_miss(tmp_path: Path) -> None:
    async with Counted(tmp_path) as disk:
        await disk.store.put("a", ENTRY)
        mine = entries(tmp_path)[0]
        await disk.store.put("b", replace(ENTRY, body=b"other"))
        (theirs,) = [path for path in entries(tmp_path) if path != mine]
        spoiled = theirs.read_bytes()
        mine.write_bytes(spoiled)
        os.utime(mine, (NOW, NOW + 600))
        assert await disk.store.get("a") is None


@pytest.mark.parametrize("damage", ["tags", "purged", "bytes", "heard"])
async def test_damage_beside_the_entries_fails_no_call(tmp_path: Path, damage: str) -> None:
    async with Counted(tmp_path) as disk:
        await disk.store.put("a", ENTRY)
        await disk.store.purge(["blue"])
        await disk.store.mark()
        target = tmp_path / damage
        for path in [target] if target.is_file() else list(target.iterdir()):
            path.write_bytes(b"\x01" * 37)
        await disk.store.put("b", ENTRY)
        assert await disk.store.get("b") == ENTRY
        disk.now += 1
        assert await disk.store.purge(["red"]) >= 1
        assert await disk.store.get("b") is None
        await disk.swept()
        assert "error" not in disk.store.describe()


async def test_a_folder_that_cannot_be_costs_hits_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    now = [0.0]
    async with Counted(tmp_path / "file" / "cache", breaker=Breaker(5, 5.0, clock=lambda: now[0])) as disk:
        await disk.store.start()
        for _ in range(10):
            assert await disk.store.get("a") is None
            await disk.store.put("a", ENTRY)
        assert disk.events == {"error": 5, "open": 15}
        assert await disk.store.purge(["red"]) == 0
        assert disk.store.describe()["state"] == "down"
        (tmp_path / "file").unlink()
        now[0] += 5
        assert await disk.store.get("a") is None
        await disk.store.put("a", replace(ENTRY, stored_at=NOW + 1))
        assert await disk.store.get("a")
        assert disk.store.describe()["state"] == "up"
        disk.now += 5
        await disk.swept()  # does the purge that was owed, also of what was begun since: that costs a hit
        assert await disk.store.get("a") is None


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """As a full disk: the kernel writes no file beyond a size, and a part of what crosses it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_costs_hits_alone(tmp_path: Path) -> None:
    async with Counted(tmp_path) as disk:
        await disk.store.put("a", ENTRY)
        await disk.store.put("b", ENTRY)
        await disk.swept()
        with full_disk(1000):
            await disk.store.put("a", sized(20_000))
            await disk.store.put("c", sized(20_000))
        assert disk.events["error"] == 2
        assert await disk.store.get("a") is None  # neither the new one nor the old one
        assert await disk.store.get("b") == ENTRY
        assert len(entries(tmp_path)) == 1


async def test_a_folder_that_is_removed_is_made_again(tmp_path: Path) -> None:
    async with Counted(tmp_path / "cache") as disk:
        await disk.store.put("a", ENTRY)
        await disk.swept()
        await asyncio.to_thread(shutil.rmtree, tmp_path / "cache")
        assert await disk.store.get("a") is None
        await disk.store.put("a", ENTRY)
        assert await disk.store.get("a") == ENTRY


async def test_a_disk_that_hangs_is_left_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(Files, "read", lambda self, key: gate.wait(10))
    async with Counted(tmp_path, breaker=Breaker(5, 60), budget=0.05) as disk:
        found = await asyncio.gather(*(disk.store.get("a") for _ in range(20)))
        assert set(found) == {None}
        assert disk.events["timeout"] >= 5
        assert await disk.store.get("a") is None
        assert disk.events["open"] >= 1
        gate.set()


async def test_a_purge_that_finds_the_folder_locked_is_done_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locked.__wrapped__, "__defaults__", (0.05,))
    async with Counted(tmp_path) as disk:
        await disk.store.put("a", ENTRY)
        await disk.swept()
        disk.now += 1
        with locked(tmp_path / "tags.lock"):
            assert await disk.store.purge(["red"]) == 0
            assert await disk.store.get("a") is None  # though the file is still there
            assert len(entries(tmp_path)) == 1
        await disk.swept()
        assert entries(tmp_path) == []
