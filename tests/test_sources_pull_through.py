"""Pull-through: what a folder lacks comes from the old host, once, and stays."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from server.sources.file import FileSource
from server.sources.http import HttpLimits, HttpSource
from server.sources.mounts import Absent, Base, Mounts, Place, Scope
from server.sources.netguard import Guard
from server.sources.pull import WORKSHOP, PullThrough
from server.sources.source import SourceRef
from server.sources.spool import Spool
from transforms.failure import Failure, Kind

from .origins import Exchange, Origin, Reply, Route, endless, image, redirect, silent
from .servers import Server
from .test_sources_mounts import jpeg, png, served, size

JPEG, PNG = jpeg(16, 8), png(12, 6)
LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)
OLD = "/demo/image/upload"


@asynccontextmanager
async def puller(folder: Path, **limits: Any) -> AsyncIterator[PullThrough]:
    (folder / "spool").mkdir(exist_ok=True)
    web = HttpSource(Spool(folder / "spool"), guard=Guard(LOOPBACK), limits=HttpLimits(5, **limits))
    try:
        yield PullThrough(web)
    finally:
        await web.close()


def absent(folder: Path, base: str, location: str, *, exact: bool = False) -> Absent:
    folder.mkdir(exist_ok=True)
    mounts = Mounts(FileSource(folder), pulls=[(Scope("*"), Base.parse(base))])
    [place] = mounts.places(SourceRef("file" if exact else "id", location), "" if exact else "demo")
    assert place.absent is not None
    return place.absent


def kept(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def brought(folder: Path, origin: Origin, location: str, path: str = "", *, exact: bool = False) -> Place:
    media = folder / "media"
    async with puller(folder) as pull:
        return await pull.bring(absent(media, origin.url + path, location, exact=exact), time.monotonic() + 10)


@pytest.mark.parametrize(
    ("routes", "path", "location", "asked", "name", "output"),
    [
        # Cloudinary gives the original for the id alone; the version keeps folders from being read as transformations.
        ({f"{OLD}/a": PNG}, OLD, "a.jpg", [f"{OLD}/a"], "a.png", "jpeg"),
        ({f"{OLD}/a": JPEG}, OLD, "a", [f"{OLD}/a"], "a.jpg", None),
        ({f"{OLD}/v1/w_9/a": PNG}, OLD, "w_9/a.webp", [f"{OLD}/v1/w_9/a"], "w_9/a.png", "webp"),
        ({f"{OLD}/a.jpg": JPEG}, OLD, "a.jpg", [f"{OLD}/a", f"{OLD}/a.jpg"], "a.jpg", None),
        # What it converts never gets the name of the original.
        ({f"{OLD}/a.gif.png": PNG}, OLD, "a.gif.png", [f"{OLD}/a.gif.png"], "a.gif.png", None),
        # Any other host has files.
        ({"/p/a.jpg": JPEG}, "/p/", "a.jpg", ["/p/a.jpg"], "a.jpg", None),
        ({"/p/a.jpg": PNG}, "/p/", "a.jpg", ["/p/a.jpg"], "a.jpg", None),
        ({"/p/a": PNG}, "/p/", "a.jpg", ["/p/a.jpg", "/p/a"], "a.png", "jpeg"),
        ({"/p/b/a": JPEG}, "/p/", "b/a", ["/p/b/a"], "b/a.jpg", None),
        ({"/p/v1.2": JPEG}, "/p/", "v1.2", ["/p/v1.2"], "v1.2.jpg", None),
        ({"/p/v1.2": PNG}, "/p/", "v1.2.webp", ["/p/v1.2.webp", "/p/v1.2"], "v1.2.png", "webp"),
        ({"/p/%C3%BC%20%3F": JPEG}, "/p/", "ü ?", ["/p/%C3%BC%20%3F"], "ü ?.jpg", None),
    ],
)
async def test_what_is_asked_and_how_it_is_kept(
    tmp_path: Path, routes: dict[str, bytes], path: str, location: str, asked: list[str], name: str, output: Any
) -> None:
    with Origin({route: image(body) for route, body in routes.items()}) as origin:
        place = await brought(tmp_path, origin, location, path)
        assert origin.paths() == asked
    assert place == Place(SourceRef("file", name, str(tmp_path / "media")), output)
    assert kept(tmp_path / "media") == {name}
    assert (tmp_path / "media" / name).read_bytes() in routes.values()
    assert (tmp_path / "media" / name).stat().st_mode & 0o777 == 0o644
    assert Mounts(FileSource(tmp_path / "media")).places(SourceRef("id", location)) == (place,)
    assert kept(tmp_path / "spool") == set()


async def test_a_path_means_one_file(tmp_path: Path) -> None:
    routes = {f"{OLD}/v1/b/a.jpg": image(JPEG), f"{OLD}/v1/b/a": image(PNG), "/b/d.jpeg": image(PNG)}
    with Origin(routes) as origin:
        for location, path in (("b/c.jpg", OLD), ("b/a.jpg", OLD)):  # the second is a PNG: what it has is no JPEG
            with pytest.raises(Failure) as caught:
                await brought(tmp_path, origin, location, path, exact=True)
            assert caught.value.code == "source-not-found"
        assert origin.paths() == [f"{OLD}/v1/b/c", f"{OLD}/v1/b/c.jpg", f"{OLD}/v1/b/a"]
        for location, path in (("b/a.png", OLD), ("b/d.jpeg", "")):
            if location not in kept(tmp_path / "media"):
                place = await brought(tmp_path, origin, location, path, exact=True)
                assert place == Place(SourceRef("file", location, str(tmp_path / "media")))
    assert kept(tmp_path / "media") == {"b/a.png", "b/d.jpeg"}


async def test_a_path_that_has_nothing_keeps_nobody_from_the_id(tmp_path: Path) -> None:
    with Origin({"/b": image(JPEG)}) as origin:
        media = tmp_path / "media"
        async with puller(tmp_path) as pull:
            with pytest.raises(Failure, match="404"):
                await pull.bring(absent(media, origin.url, "b.jpg", exact=True), time.monotonic() + 10)
            place = await pull.bring(absent(media, origin.url, "b.jpg"), time.monotonic() + 10)
    assert place.ref.location == "b.jpg"


@pytest.mark.parametrize("location", ["x.html", "a.php", ".htaccess", ".Darkroom-Pull/a.jpg", "b/.darkroom-pull/a.jpg"])
async def test_no_name_that_a_web_server_hides_or_runs(tmp_path: Path, location: str) -> None:
    with Origin({f"/{location}": image(JPEG)}) as origin:
        with pytest.raises(Failure) as caught:
            await brought(tmp_path, origin, location, exact=True)
        assert origin.paths() == []
    assert (caught.value.code, kept(tmp_path / "media")) == ("source-not-found", set())


async def test_some_room_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.sources.pull.RESERVE", 2**62)
    with Origin({"/a.jpg": image(JPEG)}) as origin:
        with pytest.raises(Failure) as caught:
            await brought(tmp_path, origin, "a.jpg")
        assert origin.paths() == []
    assert (caught.value.code, kept(tmp_path / "media")) == ("originals-full", set())


@pytest.mark.parametrize(
    ("reply", "kind", "failure", "times"),
    [
        ((404, {}, b""), Kind.NOT_FOUND, "source-not-found", 1),
        (image(b"<html>not here</html>"), Kind.UNSUPPORTED_MEDIA, "not-an-image", 1),
        (image(b"<svg />"), Kind.UNSUPPORTED_MEDIA, "unsupported-format", 1),
        (image(b""), Kind.UNSUPPORTED_MEDIA, "not-an-image", 1),
        ((403, {}, b""), Kind.FORBIDDEN, "source-refused", 2),
        ((500, {}, b""), Kind.BAD_GATEWAY, "source-failed", 2),
        (redirect("/elsewhere.jpg"), Kind.FORBIDDEN, "source-not-allowed", 2),
        (endless(), Kind.TOO_LARGE, "too-many-bytes", 2),
        (silent(), Kind.GATEWAY_TIMEOUT, "source-timeout", 2),
    ],
)
async def test_what_is_no_picture_is_not_kept(
    tmp_path: Path, reply: Route, kind: Kind, failure: str, times: int
) -> None:
    """Only what the old host has not got, or what is no picture, is remembered."""
    with Origin({"/p/a": reply, "/elsewhere.jpg": image(JPEG)}) as origin:
        async with puller(tmp_path, first_byte=0.3, bytes=200_000) as pull:
            wanted = absent(tmp_path / "media", f"{origin.url}/p", "a")
            for _ in range(2):
                with pytest.raises(Failure) as caught:
                    await pull.bring(wanted, time.monotonic() + 10)
                assert (caught.value.kind, caught.value.code) == (kind, failure)
                assert origin.host not in str(vars(caught.value))
        assert origin.paths() == ["/p/a"] * times
    assert kept(tmp_path / "media") == kept(tmp_path / "spool") == set()


async def test_many_ask_and_one_fetches(tmp_path: Path) -> None:
    def slowly(exchange: Exchange) -> Reply:
        exchange.wait(0.2)
        return image(JPEG)

    with Origin({"/a.jpg": slowly}) as origin:
        wanted = absent(tmp_path / "media", origin.url, "a.jpg")
        # Two of them stand for two processes: they share nothing but the folder.
        async with puller(tmp_path) as one, puller(tmp_path) as two:
            until = time.monotonic() + 10
            places = await asyncio.gather(*(pull.bring(wanted, until) for pull in (one, two, one, two, one)))
        assert origin.paths() == ["/a.jpg"]
    assert len(set(places)) == 1
    assert kept(tmp_path / "media") == {"a.jpg"}


async def test_nobody_waits_for_ever_for_another_process(tmp_path: Path) -> None:
    arrived = threading.Event()

    def never(exchange: Exchange) -> None:
        arrived.set()
        exchange.wait(30)

    with Origin({"/a.jpg": never}) as origin:
        wanted = absent(tmp_path / "media", origin.url, "a.jpg")
        async with puller(tmp_path) as one, puller(tmp_path) as two:
            first = asyncio.create_task(one.bring(wanted, time.monotonic() + 10))
            await asyncio.to_thread(arrived.wait, 10)
            with pytest.raises(Failure) as caught:
                await two.bring(wanted, time.monotonic() + 0.2)
            assert caught.value.code == "deadline-exceeded"
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        assert len(origin.requests) == 1
    assert kept(tmp_path / "media") == set()


async def test_what_a_crash_left_is_cleared_away(tmp_path: Path) -> None:
    workshop = tmp_path / "media" / WORKSHOP
    workshop.mkdir(parents=True)
    for name in ("old.draft", "old.lock", "new.draft", "old.jpg"):
        (workshop / name).write_bytes(b"x")
        if "old" in name:
            os.utime(workshop / name, (1, 1))
    with Origin({"/a.jpg": image(JPEG)}) as origin:
        await brought(tmp_path, origin, "a.jpg")
    assert kept(workshop) == {"new.draft", "old.jpg"}


async def test_nothing_is_replaced(tmp_path: Path) -> None:
    """Somebody puts a file there while the original is on its way."""
    target = tmp_path / "media" / "a.jpg"

    def late(exchange: Exchange) -> Reply:
        target.write_bytes(b"mine")
        return image(JPEG)

    with Origin({"/a.jpg": late}) as origin:
        place = await brought(tmp_path, origin, "a.jpg")
    assert target.read_bytes() == b"mine"
    assert place.ref.location == "a.jpg"
    assert kept(tmp_path / "media") == {"a.jpg"}


@pytest.mark.parametrize(
    "location", ["link/a.jpg", "file/a.jpg", f"{WORKSHOP}/a.jpg", "x" * 300 + ".jpg", "dangling.jpg"]
)
async def test_names_that_cannot_be_kept(tmp_path: Path, location: str) -> None:
    media, outside = tmp_path / "media", tmp_path / "outside"
    media.mkdir()
    outside.mkdir()
    (media / "link").symlink_to(outside)
    (media / "dangling.jpg").symlink_to(outside / "made.jpg")
    (media / "file").write_bytes(b"x")
    before = kept(media)
    with Origin({f"/{location}": image(JPEG)}) as origin, pytest.raises(Failure) as caught:
        await brought(tmp_path, origin, location)
    assert (caught.value.kind, caught.value.code) == (Kind.NOT_FOUND, "source-not-found")
    assert kept(outside) == set()
    assert kept(media) == before


@pytest.mark.parametrize("location", ["../a.jpg", "a/../../b.jpg", "a//b.jpg", "a\\b.jpg", "a\0.jpg", "..%2fa.jpg"])
async def test_ids_that_lead_out_are_not_even_asked_for(tmp_path: Path, location: str) -> None:
    with Origin() as origin:
        with pytest.raises(Failure) as caught:
            await brought(tmp_path, origin, location, "/p/")
        assert caught.value.code == "source-not-found"
        assert origin.connections == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir(mode=0o555)
    with Origin({"/a.jpg": image(JPEG)}) as origin, pytest.raises(Failure) as caught:
        await brought(tmp_path, origin, "a.jpg")
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "originals-full")


@contextmanager
def moved(folder: Path, origin: Origin, **settings: Any) -> Iterator[Server]:
    with served(folder, f'[pull_through]\n"demo" = "{origin.url}{OLD}/"\n', **settings) as server:
        yield server


def test_change_the_host_and_it_works(tmp_path: Path) -> None:
    routes = {f"{OLD}/a": image(PNG), f"{OLD}/v1/shop/b": image(JPEG), f"{OLD}/page": image(b"<html>")}
    with Origin(routes) as origin, moved(tmp_path, origin) as server:
        with ThreadPoolExecutor(8) as pool:
            paths = [f"/demo/image/upload/w_6/{name}" for name in ("a.jpg", "v1/shop/b") for _ in range(4)]
            answers = list(pool.map(server.get, paths))
        assert [answer.status_code for answer in answers] == [200] * 8
        assert {size(answer.content) for answer in answers} == {(6, 3)}
        assert {answer.headers["Content-Type"] for answer in answers} == {"image/jpeg"}
        again = [server.get(path) for path in paths]
        assert {answer.headers["Cache-Status"] for answer in again} == {"Darkroom;hit"}
        assert sorted(origin.paths()) == [f"{OLD}/a", f"{OLD}/v1/shop/b"]
        assert kept(tmp_path / "media") == {"a.png", "shop/b.jpg"}
        # No cloud, or another, is not the old host's.
        assert server.get("/image/upload/c.jpg").status_code == 404
        assert server.get("/other/image/upload/c.jpg").status_code == 404
        assert len(origin.requests) == 2
        for _ in range(2):
            answer = server.get("/demo/image/upload/w_6/none.jpg")
            assert (answer.status_code, answer.json()["code"]) == (404, "source-not-found")
            assert server.get("/demo/image/upload/page").status_code == 415
        assert origin.paths()[2:] == [f"{OLD}/none", f"{OLD}/none.jpg", f"{OLD}/page"]
        assert str(tmp_path) not in answer.text


def test_the_guard_stands_before_the_old_host(tmp_path: Path) -> None:
    with Origin({f"{OLD}/a": image(PNG)}) as origin, moved(tmp_path, origin, allowed_networks="") as server:
        answer = server.get("/demo/image/upload/a.jpg")
        assert (answer.status_code, answer.json()["code"]) == (403, "address-not-allowed")
        assert "127.0.0.1" not in answer.text
    assert origin.connections == 0
