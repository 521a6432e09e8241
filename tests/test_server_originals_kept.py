"""Running servers before an origin: what they download, how often, and what they do when it fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .origins import Exchange, Origin, Reply, image
from .servers import Server
from .test_sources_mounts import jpeg, size

PICTURE = jpeg(64, 32)


def slow(exchange: Exchange) -> Reply:
    exchange.wait(0.3)
    if exchange.request.headers.get("if-none-match") == '"v1"':
        return 304, {}, b""
    return image(PICTURE, etag='"v1"')


@pytest.fixture
def origin() -> Iterator[Origin]:
    routes = {
        "/slow.jpg": slow,
        "/a.jpg": image(PICTURE),
        "/private.jpg": image(PICTURE, cache_control="no-store"),
        "/asked.jpg": image(PICTURE, cache_control="no-cache"),
    }
    with Origin(routes) as running:
        yield running


def serving(origin: Origin, folder: Path, **more: object) -> Server:
    return Server(media=folder, models=folder, allowed_sources=origin.url, allowed_networks="loopback", **more)


def test_fronts_share_downloads_and_leave_nothing(origin: Origin, tmp_path: Path) -> None:
    with serving(origin, tmp_path, workers=2, renderers=2) as server:
        server.wait("/health")
        gate = threading.Barrier(12)

        def ask(width: int) -> tuple[int, int]:
            gate.wait()
            answer = server.get(f"/resize:{width}x/-/{origin.url}/slow.jpg", headers={"Connection": "close"})
            assert answer.status_code == 200, answer.text
            return size(answer.content)

        with ThreadPoolExecutor(12) as pool:
            assert {width for width, _ in pool.map(ask, range(8, 20))} == set(range(8, 20))
        assert origin.paths() == ["/slow.jpg"]
        folders = [Path(path) for path in server.spools()]
        assert folders
    assert not [path for path in folders if path.exists()]


def test_a_server_uses_what_an_earlier_one_kept(origin: Origin, tmp_path: Path) -> None:
    kept = tmp_path / "originals"
    for n in range(2):
        with serving(origin, tmp_path, originals_dir=kept) as server:
            server.wait("/health")
            for width in (8, 9):
                assert server.get(f"/resize:{width}x/-/{origin.url}/slow.jpg").status_code == 200
            assert len(origin.requests) == n + 1
            assert server.metric('darkroom_cache_requests_total{kind="source",result="hit"}') == 1 + n
    assert origin.requests[-1].headers["if-none-match"] == '"v1"'
    names = sorted(path.name.partition("-")[0] for path in kept.iterdir())
    assert names == ["note", "original", "originals.lock"]


@pytest.mark.parametrize(("name", "fetches"), [("a.jpg", 1), ("private.jpg", 3), ("asked.jpg", 3)])
def test_what_the_origin_forbids_is_not_kept(origin: Origin, tmp_path: Path, name: str, fetches: int) -> None:
    kept = tmp_path / "originals"
    with serving(origin, tmp_path, originals_dir=kept) as server:
        server.wait("/health")
        for _ in range(3):
            answer = server.get(f"/resize:8x/-/{origin.url}/{name}")
            assert answer.status_code == 200
        assert len(origin.requests) == fetches
        assert any(path.name.startswith("original-") for path in kept.iterdir()) is (name != "private.jpg")


def test_an_origin_that_goes_and_comes_back(origin: Origin, tmp_path: Path) -> None:
    with serving(origin, tmp_path) as server:
        server.wait("/health")
        source = f"{origin.url}/a.jpg"
        origin.routes["/a.jpg"] = (503, {}, b"")
        answers = [server.get(f"/resize:{width}x/-/{source}").status_code for width in (8, 9, 10)]
        assert answers == [502, 502, 502]
        assert len(origin.requests) == 1  # the failure is remembered
        origin.routes["/a.jpg"] = image(PICTURE)
        until = time.monotonic() + 12
        while server.get(f"/resize:8x/-/{source}").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.3)
