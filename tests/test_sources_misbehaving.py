"""Origins that misbehave: each ends in its code, within the limits, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.sources.http import GuardedTransport, HttpLimits, HttpSource
from server.sources.spool import Spool
from server.sources.url import AllowedSource

from .origins import (
    Origin,
    Route,
    chunked,
    claiming,
    compressed,
    dripping,
    endless,
    endless_head,
    image,
    redirect,
    resetting,
    silent,
    slow_head,
)
from .servers import Server
from .test_sources_http import GUARDED, failure_of, fetched, spooled
from .test_sources_mounts import jpeg

LIMIT = 100_000
PICTURE = jpeg(40, 20)
LIMITS = HttpLimits(connect=0.4, first_byte=0.3, total=0.7, bytes=LIMIT)
SLOWEST = 1.5  # s: the limit for all, and what a busy machine adds

FAILED, TIMEOUT = (502, "source-failed"), (504, "source-timeout")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"

ROUTES: dict[str, tuple[Route, tuple[int, str]]] = {
    "silent": (silent(), TIMEOUT),
    "slow-loris": (dripping(PICTURE, 0.1), TIMEOUT),
    "slow-headers": (slow_head(), TIMEOUT),
    "endless-headers": (endless_head(), FAILED),
    "truncated": (claiming(len(PICTURE), PICTURE[:-1]), FAILED),
    "stalls": (lambda exchange: exchange.send(HEAD + b"x") or exchange.wait(9) or None, TIMEOUT),
    "no-length-at-all": (claiming("", PICTURE), FAILED),
    "two-lengths": (claiming("1000, 999", PICTURE), FAILED),
    "negative-length": (claiming("-5", PICTURE), FAILED),
    "length-beyond-the-limit": (claiming(10**12, PICTURE), (413, "too-many-bytes")),
    "garbage-for-chunks": (chunked(b"zz\r\nhello\r\n"), FAILED),
    "a-chunk-of-negative-size": (chunked(b"-5\r\nhello\r\n0\r\n\r\n"), FAILED),
    "a-chunk-cut-short": (chunked(b"ff\r\nhello"), FAILED),
    "no-last-chunk": (chunked(b"5\r\nhello\r\n"), FAILED),
    "gzip-bomb": (compressed(b"\0" * 50_000_000), FAILED),
    "gzip": (compressed(PICTURE), FAILED),
    "unknown-encoding": ((200, {"Content-Encoding": "x-lzma"}, PICTURE), FAILED),
    "endless": (endless(), (413, "too-many-bytes")),
    "endless-chunks": (chunked(b"4000\r\n" + b"x" * 0x4000 + b"\r\n" + b"4000\r\n" * 9), FAILED),
    "no-http": (lambda exchange: exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n"), FAILED),
    "nothing": (lambda exchange: None, FAILED),
    "reset-at-once": (resetting(), FAILED),
    "reset-within-headers": (resetting(b"HTTP/1.1 200 OK\r\nContent-"), FAILED),
    "reset-within-the-body": (resetting(HEAD + b"x" * 999), FAILED),
    "reset-within-chunks": (chunked(b"5\r\nhel", resetting=True), FAILED),
    "switching-protocols": ((101, {"Upgrade": "x"}, b""), FAILED),
    "server-error": ((500, {}, b"oops"), FAILED),
    "unavailable": ((503, {"Retry-After": "1"}, b""), FAILED),
    "missing": ((404, {}, PICTURE), (404, "source-not-found")),
    "gone": ((410, {}, PICTURE), (404, "source-not-found")),
    "forbidden": ((403, {}, PICTURE), (403, "source-refused")),
    "redirect-loop": (redirect("/redirect-loop"), FAILED),
    "redirect-to-metadata": (redirect("http://169.254.169.254/latest/meta-data/"), (403, "source-not-allowed")),
    "redirect-to-a-file": (redirect("file:///etc/passwd"), FAILED),
    "redirect-to-data": (redirect("data:image/png;base64,AAAA"), FAILED),
    "redirect-with-a-password": (redirect("http://me:word@127.0.0.1/"), FAILED),
    "redirect-to-itself-by-name": (redirect("http://localhost:1/"), (403, "source-not-allowed")),
}
NO_PICTURES: dict[str, tuple[Route, tuple[int, str]]] = {
    "html": (image(b"<!doctype html><title>Log in</title>", content_type="image/jpeg"), (415, "not-an-image")),
    "empty": (image(b""), (415, "not-an-image")),
    "script": (image(b"#!/bin/sh\nexit 1\n"), (415, "not-an-image")),
    "half-a-picture": (image(PICTURE[: len(PICTURE) // 2]), (415, "damaged-image")),
    "longer-than-it-says": (claiming(len(PICTURE) // 2, PICTURE), (415, "damaged-image")),
}


@pytest.mark.parametrize("name", ROUTES)
async def test_an_origin_that_misbehaves(tmp_path: Path, name: str) -> None:
    route, (_, code) = ROUTES[name]
    with Origin({f"/{name}": route, "/good": image(PICTURE)}) as origin:
        allowed = (AllowedSource.parse("http://127.0.0.1"),)
        source = HttpSource(Spool(tmp_path), allowed=allowed, limits=LIMITS, guard=GUARDED)
        (await fetched(source, f"{origin.url}/good")).release()
        tasks, files = len(asyncio.all_tasks()), _opened(tmp_path)
        started = time.monotonic()
        failure = await failure_of(source, f"{origin.url}/{name}")
        assert failure.code == code
        assert time.monotonic() - started < SLOWEST
        assert spooled(tmp_path) == []
        assert (len(asyncio.all_tasks()), len(source._places)) == (tasks, 0)
        assert (_opened(tmp_path), _connections(source)) == (files, [])
        assert (await fetched(source, f"{origin.url}/good")).size == len(PICTURE)
        await source.close()


def _opened(folder: Path) -> int:
    """Files below a folder that this process has open."""
    links = (os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd"))
    return sum(link.startswith(str(folder)) for link in links)


def _connections(source: HttpSource) -> list[object]:
    transport = source._client._transport
    assert isinstance(transport, GuardedTransport)
    return [connection for connection in transport._pool.connections if not connection.is_idle()]


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    routes = {f"/{name}": route for name, (route, _) in (ROUTES | NO_PICTURES).items()}
    with Origin({**routes, "/good": image(PICTURE)}) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("misbehaving")
    settings = {
        "allowed_sources": origin.url, "allowed_networks": "loopback", "max_src_file_size": LIMIT,
        "connect_timeout": 0.4, "first_byte_timeout": 0.3, "download_timeout": 0.7,
        "originals_dir": folder / "originals",
    }  # fmt: skip
    with Server(media=folder, models=folder, **settings) as running:
        yield running.wait("/health")


@pytest.mark.parametrize("name", [*ROUTES, *NO_PICTURES])
def test_a_server_before_it(server: Server, origin: Origin, name: str) -> None:
    _, expected = (ROUTES | NO_PICTURES)[name]
    answer = server.get(f"/resize:9x/-/{origin.url}/{name}", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == expected
    assert not [word for word in ("Traceback", "/tmp", "169.254") if word in answer.text]


def _open(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_a_server_keeps_nothing_of_them(server: Server, origin: Origin) -> None:
    good = f"/resize:9x/-/{origin.url}/good"
    assert server.get(good).status_code == 200
    before = _open(server)
    for name in ("stalls", "reset-within-the-body", "endless", "redirect-loop", "gzip-bomb"):
        for n in range(4):  # other sources, so that what is remembered of one does not answer for it
            assert server.get(f"/resize:9x/-/{origin.url}/{name}?{n}").status_code >= 400
    assert server.get(good).status_code == 200
    until = time.monotonic() + 5
    while _open(server) > before and time.monotonic() < until:
        time.sleep(0.05)
    assert _open(server) <= before
    assert [file for folder in server.spools() for file in folder.iterdir()] == []
