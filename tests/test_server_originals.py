"""Originals of other servers: kept, fresh and stale, revalidated, missing; against a real origin."""

from __future__ import annotations

import asyncio
import errno
import gc
import ipaddress
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from cache.memory import MemoryStore
from cache.store import Store
from server import originals as subject
from server.originals import Original, Originals
from server.sources import spool as spools
from server.sources.file import FileSource
from server.sources.http import HttpLimits, HttpSource
from server.sources.kept import Kept
from server.sources.mounts import Folders
from server.sources.netguard import Guard
from server.sources.places import Places
from server.sources.source import SourceRef
from server.sources.spool import Spool
from server.sources.url import AllowedSource
from server.tags import source_tag, tags_of_source
from transforms.failure import Failure

from .origins import Exchange, Origin, Reply, Route, image, silent
from .shared import ROOT

BODY = bytes(range(256)) * 100
GUARD = Guard((ipaddress.ip_network("127.0.0.1/32"),))
PATIENT = HttpLimits(bytes=200_000)
LIMITS = HttpLimits(connect=0.5, first_byte=0.3, total=0.6, bytes=200_000)


@dataclass
class Clock:
    """The time that records are judged by; moved on instead of waited for."""

    ahead: float = 0.0

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time() + self.ahead


@dataclass
class Front:
    """What one front has: originals over a store, and how each fetch came about."""

    originals: Originals
    store: Store
    spool: Spool
    uses: list[str] = field(default_factory=list)

    async def fetch(self, ref: SourceRef, seconds: float = 5.0) -> Original:
        return await self.originals.fetch(ref, time.monotonic() + seconds)

    async def body(self, ref: SourceRef) -> bytes:
        got = await self.fetch(ref)
        assert got.fetched is not None
        return got.fetched.path.read_bytes()

    async def code(self, ref: SourceRef, seconds: float = 5.0) -> str:
        with pytest.raises(Failure) as caught:
            await self.fetch(ref, seconds)
        return caught.value.code


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(subject, "time", moved)
    return moved


@asynccontextmanager
async def front(
    folder: Path,
    clock: Clock | None = None,
    *,
    store: Store | None = None,
    capacity: int = 2**22,
    places: int = 16,
    limits: HttpLimits = LIMITS,
    largest: int = 200_000,
) -> AsyncIterator[Front]:
    os.makedirs(folder, exist_ok=True)
    spool = Spool(folder)
    store = store or MemoryStore(2**22, clock=clock.time if clock else time.time)
    web = HttpSource(
        spool, allowed=(AllowedSource.parse("http://127.0.0.1"),), guard=GUARD, limits=limits, places=Places(places, 4)
    )
    kept = Kept(folder / "kept", capacity, spool, largest) if capacity else None
    uses: list[str] = []
    originals = Originals({"http": web}, store, kept, uses.append)
    try:
        yield Front(originals, store, spool, uses)
    finally:
        await originals.close()


def at(origin: Origin, path: str = "/a") -> SourceRef:
    return SourceRef("http", f"{origin.url}{path}")


def changing(*replies: Route) -> Route:
    """One reply after the other, the last for ever."""
    left = list(replies)

    def script(exchange: Exchange) -> Reply | None:
        route = left.pop(0) if len(left) > 1 else left[0]
        return route(exchange) if callable(route) else route

    return script


def tagged(body: bytes = BODY, **headers: str) -> Route:
    """Answers 304 to whoever has it."""

    def script(exchange: Exchange) -> Reply:
        known = exchange.request.headers.get("if-none-match") == '"v1"'
        return (304, {}, b"") if known else image(body, etag='"v1"', **headers)

    return script


@pytest.mark.parametrize(
    ("route", "fetches", "uses"),
    [
        (image(BODY), 1, ["miss", "hit", "hit"]),
        (image(BODY, cache_control="max-age=0"), 1, ["miss", "hit", "hit"]),  # a minute at least
        (image(BODY, cache_control="no-store"), 3, ["bypass", "bypass", "bypass"]),
        (image(BODY, cache_control="private, max-age=60"), 3, ["bypass", "bypass", "bypass"]),
        (image(BODY, cache_control="no-cache"), 3, ["miss", "miss", "miss"]),
        (tagged(cache_control="no-cache"), 3, ["miss", "hit", "hit"]),  # 304 and the kept bytes
    ],
)
async def test_one_download_for_all_that_is_made_of_it(
    tmp_path: Path, route: Route, fetches: int, uses: list[str]
) -> None:
    with Origin({"/a": route}) as origin:
        async with front(tmp_path) as one:
            for _ in range(3):
                assert await one.body(at(origin)) == BODY
            assert (len(origin.requests), one.uses) == (fetches, uses)
            private = "bypass" in uses
            assert bool(list(tmp_path.glob("kept/original-*"))) is not private  # noqa: ASYNC240
            assert (await one.store.get(subject._key(at(origin))) is None) is private


async def test_spool_links_go_with_their_users_and_kept_bytes_stay(tmp_path: Path) -> None:
    with Origin({"/a": image(BODY)}) as origin:
        async with front(tmp_path) as one:
            first, second = await one.fetch(at(origin)), await one.fetch(at(origin))
            assert first.fetched
            assert second.fetched
            assert first.fetched.path != second.fetched.path
            paths = [first.fetched.path, second.fetched.path]
            del first
            gc.collect()
            assert [path.exists() for path in paths] == [False, True]
            del second
            gc.collect()
            assert list(one.spool.folder.iterdir()) == []
            assert await one.body(at(origin)) == BODY
    assert len(origin.requests) == 1


async def test_what_is_used_outlives_its_place_in_the_folder(tmp_path: Path) -> None:
    with Origin({f"/{n}": image(bytes([n]) * 90_000) for n in range(9)}) as origin:
        async with front(tmp_path, capacity=300_000) as one:
            held = await one.fetch(at(origin, "/0"))
            for n in range(1, 9):
                await one.body(at(origin, f"/{n}"))
            kept = list(tmp_path.glob("kept/original-*"))  # noqa: ASYNC240
            assert 1 <= len(kept) <= 3
            assert held.fetched is not None
            assert held.version.tag not in "".join(map(str, kept))
            assert held.fetched.path.read_bytes() == bytes(90_000)
            await one.body(at(origin, "/8"))
            assert one.uses[-1] == "hit"


async def test_an_origin_is_asked_once_however_many_wait(tmp_path: Path) -> None:
    def slow(exchange: Exchange) -> Reply:
        exchange.wait(0.1)
        return image(BODY, cache_control="private")

    with Origin({"/a": slow}) as origin:
        async with front(tmp_path) as one:
            got = await asyncio.gather(*(one.fetch(at(origin)) for _ in range(40)))
    assert len(origin.requests) == 1
    assert len({id(original) for original in got}) == 1


async def test_fronts_of_one_machine_share_a_download(tmp_path: Path) -> None:
    """Each with a store and a spool of its own; POSIX locks are between processes, so that the other is one."""

    def slow(exchange: Exchange) -> Reply:
        exchange.wait(0.4)
        return image(BODY, etag='"v1"')

    with Origin({"/a": slow}) as origin:
        async with front(tmp_path, limits=PATIENT) as one:
            command = _another(tmp_path, at(origin).location)
            with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as other:  # noqa: ASYNC220
                assert other.stdout is not None
                assert await asyncio.to_thread(other.stdout.readline) == b"ready\n"
                assert await one.body(at(origin)) == BODY
                assert int(await asyncio.to_thread(other.stdout.read)) == len(BODY)
    assert len(origin.requests) == 1


def _another(folder: Path, url: str) -> list[str]:
    code = f"""
import asyncio, pathlib
from tests.test_server_originals import PATIENT, SourceRef, front
async def main():
    async with front(pathlib.Path({str(folder)!r}), limits=PATIENT) as one:
        print("ready", flush=True)
        print(len(await one.body(SourceRef("http", {url!r}))))
asyncio.run(main())
"""
    return [sys.executable, "-c", code]


async def test_stale_is_revalidated_and_a_304_renews_it(tmp_path: Path, clock: Clock) -> None:
    with Origin({"/a": tagged(cache_control="max-age=100", cache_tag="News, shop/1")}) as origin:
        async with front(tmp_path, clock) as one:
            ref = at(origin)
            first = await one.fetch(ref)
            assert first.version.tags == ("news", "shop_1")
            clock.ahead = 110
            stale = await one.originals.version(ref)
            assert stale
            assert (stale.fresh, stale.tag, one.originals.near(ref)) == (False, first.version.tag, None)
            asked = await one.originals.fetch(ref, time.monotonic() + 5, stale)
            assert asked.version.fresh
            assert asked.version.fresh_for == pytest.approx(100, abs=2)  # a 304 that says nothing leaves it as it was
            assert one.originals.near(ref) is not None
            assert await one.body(ref) == BODY
            assert origin.requests[-1].headers["if-none-match"] == '"v1"'
    assert len(origin.requests) == 2


async def test_a_refresh_needs_no_bytes_and_the_next_gets_them(tmp_path: Path, clock: Clock) -> None:
    with Origin({"/a": tagged()}) as origin:
        async with front(tmp_path, clock, capacity=0) as one:
            known = (await one.fetch(at(origin))).version
            clock.ahead = 90_000
            assert (await one.originals.fetch(at(origin), time.monotonic() + 5, known)).fetched is None
            assert await one.body(at(origin)) == BODY  # nothing is kept: asked for without a condition
    assert ["if-none-match" in seen.headers for seen in origin.requests] == [False, True, False]


FAILURES: list[tuple[Route, str]] = [((500, {}, b""), "source-failed"), (silent(), "source-timeout")]


@pytest.mark.parametrize(("broken", "code"), FAILURES)
@pytest.mark.parametrize(
    ("said", "ahead", "goes_on"),
    [
        ("max-age=100", 110, True),
        ("max-age=100", 100 + 86_000, True),
        ("max-age=100", 100 + 87_000, False),
        ("max-age=100, stale-if-error=50", 130, True),
        ("max-age=100, stale-if-error=50", 160, False),
        ("max-age=100, must-revalidate", 110, False),
        ("max-age=100, proxy-revalidate", 110, False),
        ("no-cache", 1, False),
    ],
)
async def test_an_origin_that_fails(
    tmp_path: Path, clock: Clock, broken: Route, code: str, said: str, ahead: float, goes_on: bool
) -> None:
    with Origin({"/a": changing(image(BODY, cache_control=said), broken)}) as origin:
        async with front(tmp_path, clock) as one:
            ref = at(origin)
            await one.body(ref)
            clock.ahead = ahead
            if not goes_on:
                assert await one.code(ref) == code
                assert await one.code(ref) == code  # and is not asked again for a while
                assert len(origin.requests) == 2
                return
            got = await one.fetch(ref)
            assert got.fetched is not None
            assert got.fetched.path.read_bytes() == BODY
            assert got.version.stale
            assert 15 <= got.version.fresh_for <= 30
            near = one.originals.near(ref)
            assert near is not None
            assert near.stale
            await one.body(ref)
            assert len(origin.requests) == 2
            origin.routes["/a"] = image(BODY[:-1])
            clock.ahead += 31
            assert await one.body(ref) == BODY[:-1]
            assert not (await one.fetch(ref)).version.stale


@pytest.mark.parametrize(
    ("route", "code", "seconds"),
    [
        ((404, {}, b""), "source-not-found", 30),
        ((410, {}, b""), "source-not-found", 30),
        ((403, {}, b""), "source-refused", 30),
        (image(b"x" * 200_001), "too-many-bytes", 30),
        ((503, {}, b""), "source-failed", 6),
        (silent(), "source-timeout", 10),
    ],
)
async def test_failures_are_remembered_for_a_little_and_by_all(
    tmp_path: Path, clock: Clock, route: Route, code: str, seconds: float
) -> None:
    with Origin({"/a": route}) as origin:
        async with front(tmp_path / "one", clock) as one, front(tmp_path / "two", clock, store=one.store) as two:
            ref = at(origin)
            assert await one.code(ref) == code
            assert await two.code(ref) == code
            for look in (one.originals.near, two.originals.near):
                with pytest.raises(Failure) as caught:
                    look(ref)
                assert caught.value.code == code
            assert len(origin.requests) == 1
            origin.routes["/a"] = image(BODY)
            clock.ahead = seconds * 0.7
            assert await one.code(ref) == code
            clock.ahead = seconds + 0.1
            assert one.originals.near(ref) is None
            assert await one.body(ref) == BODY


async def test_a_purge_lifts_what_is_remembered(tmp_path: Path) -> None:
    with Origin({"/a": (404, {}, b""), "/b": image(BODY)}) as origin:
        async with front(tmp_path) as one:
            assert await one.code(at(origin)) == "source-not-found"
            await one.body(at(origin, "/b"))
            origin.routes |= {"/a": image(BODY[:7]), "/b": image(BODY[:9])}
            assert await one.store.purge([source_tag(at(origin)), source_tag(at(origin, "/b"))]) == 2
            assert [one.originals.near(at(origin, path)) for path in ("/a", "/b")] == [None, None]
            assert await one.body(at(origin)) == BODY[:7]
            assert await one.body(at(origin, "/b")) == BODY[:9]


async def test_records_have_the_tags_of_source_and_origin(tmp_path: Path) -> None:
    with Origin({"/x/a": image(BODY, surrogate_key="one two")}) as origin:
        async with front(tmp_path) as one:
            ref = at(origin, "/x/a")
            await one.body(ref)
            entry = await one.store.get(subject._key(ref))
            assert entry
            assert entry.tags == (*tags_of_source(ref), "one", "two")


async def test_a_request_out_of_time_says_nothing_about_the_origin(tmp_path: Path) -> None:
    with Origin({"/a": changing(silent(), image(BODY))}) as origin:
        async with front(tmp_path) as one:
            assert await one.code(at(origin), seconds=0.1) == "source-timeout"
            assert await one.body(at(origin)) == BODY


@pytest.mark.parametrize("route", [(404, {}, b""), (410, {}, b""), (401, {}, b""), (403, {}, b"")])
async def test_what_the_origin_takes_back_is_forgotten(tmp_path: Path, clock: Clock, route: Route) -> None:
    with Origin({"/a": changing(tagged(), route)}) as origin:
        async with front(tmp_path, clock) as one:
            known = (await one.fetch(at(origin))).version
            clock.ahead = 90_000
            with pytest.raises(Failure):
                await one.originals.fetch(at(origin), time.monotonic() + 5, known)
            clock.ahead += 31
            assert await one.originals.version(at(origin)) is None


async def test_bytes_outlive_the_process_but_are_asked_about(tmp_path: Path) -> None:
    with Origin({"/a": tagged()}) as origin:
        async with front(tmp_path) as one:
            await one.body(at(origin))
        async with front(tmp_path) as again:
            assert await again.originals.version(at(origin)) is None
            assert await again.body(at(origin)) == BODY
            assert again.uses == ["hit"]
            assert origin.requests[-1].headers["if-none-match"] == '"v1"'
        origin.routes["/a"] = (500, {}, b"")
        async with front(tmp_path) as third:  # nothing says how old it is by now, or that it was not purged
            assert await third.code(at(origin)) == "source-failed"


async def test_no_more_than_so_many_at_an_origin_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0

    def counted(exchange: Exchange) -> Reply:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        exchange.wait(0.1)
        inside -= 1
        return image(exchange.request.path.encode())

    with Origin({f"/{n}": counted for n in range(9)}) as origin:
        async with front(tmp_path, places=2, limits=PATIENT) as one:
            got = await asyncio.gather(*(one.fetch(at(origin, f"/{n}")) for n in range(9)), return_exceptions=True)
            assert not [found for found in got if not isinstance(found, Original | Failure)]
            refused = [found for found in got if isinstance(found, Failure)]
            assert [(failure.code, failure.retry_after) for failure in refused] == [("source-busy", 2)] * 3
            assert most == 2
            assert (await one.fetch(at(origin, "/8"))).version.fresh  # what was busy is not remembered
            assert origin.connections == 2  # kept alive


class SmallDisk:
    """A file system with room for `capacity` bytes, shared with `others`: what is written below `folder` must fit."""

    def __init__(self, folder: Path, capacity: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.capacity, self.others = folder, capacity, 0
        self._write = os.write
        monkeypatch.setattr("server.sources.spool.os.write", self.write)

    def used(self) -> int:
        found = [path.stat() for path in self.folder.rglob("*") if path.is_file()]
        return self.others + sum({status.st_ino: status.st_size for status in found}.values())

    def write(self, descriptor: int, data: memoryview) -> int:
        status = os.fstat(descriptor)
        here = any(path.stat().st_ino == status.st_ino for path in self.folder.rglob("*"))
        room = self.capacity - self.used()
        if not here or len(data) <= room:
            return self._write(descriptor, data)
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._write(descriptor, data[:room])


def body(n: int) -> bytes:
    return bytes([n]) + BODY


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallDisk:
    (tmp_path / "small").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(spools, "roomiest", lambda _: tmp_path / "elsewhere")
    return SmallDisk(tmp_path / "small", 100_000, monkeypatch)


def originals_in(disk: SmallDisk) -> list[int]:
    return sorted(path.read_bytes()[0] for path in disk.folder.glob("kept/original-*"))


async def test_a_full_disk_gives_back_what_was_used_least(small: SmallDisk) -> None:
    """Smaller than it is said to be: it goes on with what fits, and the origin is asked once for each."""
    with Origin({f"/{n}": image(body(n)) for n in range(8)}) as origin:
        async with front(small.folder, largest=30_000) as one:
            for n in range(8):
                assert await one.body(at(origin, f"/{n}")) == body(n)
                gc.collect()
            assert origin.paths() == [f"/{n}" for n in range(8)]
            kept = originals_in(small)
            assert 1 < len(kept) < 4
            assert kept[-1] == 7
            assert not list((small.folder.parent / "elsewhere").iterdir())


async def test_a_disk_that_others_fill_is_left_for_another(small: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(spools, "logger", lambda: SimpleNamespace(warning=lambda event, **_: warnings.append(event)))
    elsewhere = small.folder.parent / "elsewhere"
    with Origin({f"/{n}": image(body(n)) for n in range(4)}) as origin:
        async with front(small.folder) as one:
            await one.body(at(origin, "/0"))
            small.others = small.capacity - 10_000
            for n in (1, 2, 3):
                got = await one.fetch(at(origin, f"/{n}"))
                assert got.fetched is not None
                assert got.fetched.path.is_relative_to(elsewhere)
                assert got.fetched.path.read_bytes() == body(n)
                assert got.fetched.size == len(body(n))
            del got
            gc.collect()
            assert not [path for path in elsewhere.rglob("*") if path.is_file()]
            assert warnings.count("no room left for downloads") == 1
            small.others = 0
            assert await one.body(at(origin, "/1")) == body(1)
        assert not list(elsewhere.iterdir())


async def test_no_room_anywhere(small: SmallDisk) -> None:
    small.folder, small.others = small.folder.parent, small.capacity
    with Origin({"/1": image(body(1))}) as origin:
        async with front(small.folder / "small") as one:
            assert await one.code(at(origin, "/1")) == "spool-full"
            assert not [path for path in small.folder.glob("*/darkroom-spool-*/*") if path.is_file()]
            small.others = 0
            assert await one.body(at(origin, "/1")) == body(1)


def test_the_folder_is_counted_as_it_is(tmp_path: Path) -> None:
    folder, spool = tmp_path / "kept", Spool(tmp_path)
    folder.mkdir()
    (folder / "holiday.jpg").write_bytes(b"x" * 50_000)  # not ours
    for n in range(10):
        path = folder / f"original-{n}"
        path.write_bytes(b"x" * 10_000)
        os.utime(path, (n, n))
    kept = Kept(folder, 3 * 12_288, spool)
    assert sorted(path.name for path in folder.glob("original-*")) == ["original-7", "original-8", "original-9"]
    assert (folder / "originals.lock").read_text() == str(3 * 12_288)
    assert (folder / "holiday.jpg").exists()
    for size, found in ((10_000, True), (9_999, False), (10_000, False)):  # of another size it was cut short
        got = kept.open("9", size)
        assert (got is not None) is found
    kept.close()
    spool.close()


def test_a_file_is_told_by_its_status(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(BODY)
    folder = FileSource(tmp_path)
    originals = Originals({"file": Folders([folder])}, MemoryStore(2**20))
    ref = SourceRef("file", "a.jpg", folder.root)
    first = originals.near(ref)
    os.utime(tmp_path / "a.jpg", (1, 1))
    second = originals.near(ref)
    assert first
    assert second
    assert first.tag != second.tag
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(Failure, match="no such source"):
        originals.near(ref)


async def test_what_may_not_be_fetched_is_refused_although_it_is_kept(tmp_path: Path) -> None:
    with Origin({"/a": image(BODY)}) as origin:
        async with front(tmp_path) as one:
            await one.body(at(origin))
            elsewhere = HttpSource(Spool(tmp_path), allowed=(), guard=GUARD)
            strict = Originals({"http": elsewhere}, one.store)
            for look in (strict.near, elsewhere.current):
                with pytest.raises(Failure) as caught:
                    look(at(origin))
                assert caught.value.code == "source-not-allowed"
            await strict.close()
