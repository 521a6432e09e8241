"""Several servers on one Redis: each thing is done once, whoever asks, and by another where the first one dies."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import psutil
import pytest
from PIL import Image

from . import pictures
from .origins import Exchange, Origin, Reply
from .servers import Server

if TYPE_CHECKING:
    from .redis_server import RedisServer

pytest_plugins = ["tests.redis_server"]

PROCESSES = 4
TOGETHER = 200


class Slow:
    """A route that takes its time, so that requests meet; `control` is what it says about keeping."""

    def __init__(self, seconds: float, control: str = "max-age=3600") -> None:
        self.seconds = seconds
        self.control = control
        self.version = 1
        self.body = pictures.file(pictures.photo(400, 300), "JPEG")

    def __call__(self, exchange: Exchange) -> Reply:
        etag = f'"{self.version}"'
        headers = {"Cache-Control": self.control, "Content-Type": "image/jpeg", "ETag": etag}
        exchange.wait(self.seconds)
        if exchange.request.headers.get("if-none-match") == etag:
            return 304, headers, b""
        return 200, headers, self.body


@pytest.fixture
def redis(make_redis: Callable[..., RedisServer]) -> RedisServer:
    return make_redis().start()


@contextmanager
def replicas(count: int, origin: Origin, redis: RedisServer, settings: dict[str, Any]) -> Iterator[list[Server]]:
    web = {"allowed_sources": origin.url, "allowed_networks": "127.0.0.0/8", "renderers": 1}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Server(cache=redis.patient_url, **web, **settings)) for _ in range(count)
        ]  # fmt: skip
        yield [server.wait("/health") for server in servers]


@pytest.fixture
def settings(media: Path, detection: str, models_folder: Path) -> dict[str, Any]:
    return {"media": media, "detection": detection, "models": models_folder}


def renders(servers: list[Server]) -> float:
    return sum(
        server.metric('darkroom_request_span_duration_seconds_count{span="encode"}') for server in servers
    )  # fmt: skip


async def asked_together(servers: list[Server], path: str, count: int) -> list[httpx2.Response]:
    limits = httpx2.Limits(max_connections=count)
    async with httpx2.AsyncClient(timeout=30, trust_env=False, limits=limits) as client:
        return await asyncio.gather(*(client.get(servers[n % len(servers)].url + path) for n in range(count)))


def test_200_requests_over_4_processes_are_one_fetch_and_one_render(
    redis: RedisServer, settings: dict[str, Any]
) -> None:
    with Origin({"/a.jpg": Slow(0.5)}) as origin, replicas(PROCESSES, origin, redis, settings) as servers:
        answers = asyncio.run(asked_together(servers, f"/resize:100x/{origin.url}/a.jpg", TOGETHER))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert len({answer.headers["etag"] for answer in answers}) == 1
        assert origin.paths() == ["/a.jpg"]
        assert renders(servers) == 1


def test_the_death_of_a_leader_costs_its_followers_nothing_but_time(
    redis: RedisServer, settings: dict[str, Any]
) -> None:
    asked = threading.Event()
    quick = Slow(0)

    def route(exchange: Exchange) -> Reply:
        if not asked.is_set():  # whoever comes first is held until it is dead
            asked.set()
            exchange.wait(20)
        return quick(exchange)

    with Origin({"/a.jpg": route}) as origin, replicas(2, origin, redis, settings) as (leader, follower):
        path = f"/resize:100x/{origin.url}/a.jpg"
        with ThreadPoolExecutor(2) as pool:
            lost = pool.submit(leader.get, path)
            assert asked.wait(10)
            followed = pool.submit(follower.get, path)
            time.sleep(0.3)  # it has found the lease taken
            assert not followed.done()
            for process in [psutil.Process(leader.process.pid), *leader.children("")]:
                os.kill(process.pid, signal.SIGKILL)
            assert isinstance(lost.exception(10), httpx2.HTTPError)
            answer = followed.result(10)
        assert answer.status_code == 200
        assert Image.open(io.BytesIO(answer.content)).size == (100, 75)


def test_what_must_not_be_kept_is_made_by_each(redis: RedisServer, settings: dict[str, Any]) -> None:
    slow = Slow(0.3, "private")
    with Origin({"/a.jpg": slow}) as origin, replicas(2, origin, redis, settings) as servers:
        answers = asyncio.run(asked_together(servers, f"/resize:100x/{origin.url}/a.jpg", 4))
        assert {(answer.status_code, answer.headers["cache-control"]) for answer in answers} == {
            (200, "private, no-store")
        }
        assert len(origin.paths()) >= 2
        with redis.client() as client:
            assert not [key for key in client.scan_iter(count=1000) if client.strlen(key) > 2000]


def test_what_is_stale_is_refreshed_once(redis: RedisServer, settings: dict[str, Any]) -> None:
    slow = Slow(0.3, "max-age=1")
    with Origin({"/a.jpg": slow}) as origin, replicas(2, origin, redis, {**settings, "least_ttl": 1}) as servers:
        path = f"/resize:100x/{origin.url}/a.jpg"
        first = servers[0].get(path)
        time.sleep(1.1)
        slow.version, slow.body = 2, pictures.file(pictures.photo(400, 300, seed=9), "JPEG")
        stale = asyncio.run(asked_together(servers, path, 20))
        assert {answer.content for answer in stale} == {first.content}
        until(lambda: servers[1].get(path).content != first.content)
        until(lambda: servers[0].get(path).content != first.content)
        assert len(origin.paths()) == 2


def test_a_purge_reaches_every_replica(redis: RedisServer, settings: dict[str, Any]) -> None:
    slow = Slow(0)
    token = {"admin_token": "a-token-of-the-operator"}
    with Origin({"/a.jpg": slow}) as origin, replicas(2, origin, redis, {**settings, **token}) as servers:
        path = f"/resize:100x/{origin.url}/a.jpg"
        before = {server.get(path).content for server in servers}
        slow.version, slow.body = 2, pictures.file(pictures.photo(400, 300, seed=9), "JPEG")
        assert {server.get(path).content for server in servers} == before
        said = servers[0].client.request(
            "DELETE", "/cache", params={"source": f"{origin.url}/a.jpg"},
            headers={"Authorization": "Bearer a-token-of-the-operator"},
        )  # fmt: skip
        assert said.status_code == 200, said.text
        until(lambda: all(server.get(path).content not in before for server in servers), 5)


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.05)


def test_what_is_asked_after_a_purge_is_new(media: Path, detection: str, models_folder: Path) -> None:
    slow, token = Slow(1.0), "a-token-of-the-operator"
    with Origin({"/a.jpg": slow}) as origin:
        web = {"allowed_sources": origin.url, "allowed_networks": "127.0.0.0/8", "admin_token": token}
        with Server(media=media, detection=detection, models=models_folder, **web) as server:
            path = f"/resize:100x/{origin.url}/a.jpg"
            server.wait("/health")
            with ThreadPoolExecutor(1) as pool:
                before = pool.submit(httpx2.get, server.url + path, timeout=20, trust_env=False)
                until(lambda: origin.paths() == ["/a.jpg"])
                slow.version, slow.body = 2, pictures.file(pictures.photo(400, 300, seed=9), "JPEG")
                headers = {"Authorization": f"Bearer {token}"}
                purged = server.client.delete("/cache", params={"source": f"{origin.url}/a.jpg"}, headers=headers)
                assert purged.status_code == 200
                after = server.get(path)
            assert after.headers["cache-control"].startswith("public, max-age=3")
            assert server.get(path).content == after.content
            assert before.result().headers["cache-control"] == "no-store"  # and no CDN keeps the old one


@pytest.mark.parametrize(
    ("said", "passed_on"),
    [
        ("max-age=3600", "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=86400"),
        ("max-age=3600, must-revalidate", "public, max-age=3600, must-revalidate"),
        ("max-age=3600, stale-if-error=5", "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=5"),
        ("max-age=90, s-maxage=3600",
         "public, max-age=90, s-maxage=3600, stale-while-revalidate=86400, stale-if-error=86400"),
        ("no-cache", "public, no-cache"),
        ("private", "private, no-store"),
    ],
)  # fmt: skip
def test_what_an_origin_says_is_passed_on(media: Path, detection: str, said: str, passed_on: str) -> None:
    with Origin({"/a.jpg": Slow(0, said), "/b.jpg": (200, {"Cache-Control": said}, b"no picture")}) as origin:
        web = {"allowed_sources": origin.url, "allowed_networks": "127.0.0.0/8"}
        with Server(media=media, detection=detection, **web) as server:
            server.wait("/health")
            answer = server.get(f"/resize:100x/{origin.url}/a.jpg")
            assert re.sub(r"\b359\d", "3600", answer.headers["cache-control"]) == passed_on  # a slow machine
            wrong = server.get(f"/resize:100x/{origin.url}/b.jpg")
            assert wrong.status_code == 415
            assert ("private" in wrong.headers["cache-control"]) == (said == "private")
