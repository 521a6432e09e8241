"""What is not taken on trust: entries of a shared cache, headers of any length, queries that mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cache.entry import pack, unpack

from .servers import Server

if TYPE_CHECKING:
    from .redis_server import RedisServer

pytest_plugins = ["tests.redis_server"]

PATH = "/resize:60x/photo.jpg"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    from .redis_server import BINARY, MISSING, RedisServer

    if BINARY is None:
        pytest.skip(MISSING)
    server = RedisServer().start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def server(media: Path, detection: str, redis: RedisServer) -> Iterator[Server]:
    """A server whose only cache is Redis."""
    with Server(media=media, detection=detection, cache=redis.patient_url, cache_bytes=0) as running:
        yield running.wait("/health")


def forged(redis: RedisServer, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """The one render in Redis, with another meta."""
    with redis.client() as client:
        for key in client.scan_iter():
            if client.type(key) == b"string" and len(client.get(key) or b"") > 500:
                entry = unpack(client.get(key))
                changed = replace(entry, meta=change(dict(entry.meta)))
                client.set(key, pack(changed), keepttl=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: {},
        lambda meta: {**meta, "media_type": "image/jpeg\r\nSet-Cookie: a=b"},
        lambda meta: {**meta, "disposition": "inline\r\n\r\n<html>"},
        lambda meta: {**meta, "headers": "X-Blurhash"},
        lambda meta: {**meta, "failure": 5},
    ],
)
def test_an_entry_that_is_none_of_ours_is_a_miss(
    server: Server, redis: RedisServer, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    with redis.client() as client:
        client.flushall()
    first = server.get(PATH)
    forged(redis, change)
    again = server.get(PATH)
    assert (again.status_code, again.content, again.headers["cache-status"]) == (
        200, first.content, "Darkroom;fwd=miss;stored"
    )  # fmt: skip
    assert "set-cookie" not in again.headers


def test_only_headers_of_steps_come_out_of_an_entry(server: Server, redis: RedisServer) -> None:
    with redis.client() as client:
        client.flushall()
    first = server.get(PATH)
    more = [["Set-Cookie", "a=b"], ["Content-Length", "1"], ["Transfer-Encoding", "chunked"], ["X-Palette", "#000000"]]
    forged(redis, lambda meta: {**meta, "headers": more})
    again = server.get(PATH)
    assert (again.content, again.headers["x-palette"]) == (first.content, "#000000")
    assert not {"set-cookie", "transfer-encoding"} & again.headers.keys()


def test_a_query_that_means_nothing_is_no_other_request(server: Server) -> None:
    tags = {server.get(f"{PATH}?{query}").headers["etag"] for query in ("", "x=1", "x=2")}
    assert len(tags) == 1


def test_no_header_is_read_to_its_end(server: Server) -> None:
    path = "/resize:60x/format:auto/photo.jpg"
    long = "image/webp," + ",".join(f"image/x{n}" for n in range(3000))
    assert server.get(path, headers={"Accept": long}).headers["content-type"] == "image/webp"
    late = ",".join(f"image/x{n}" for n in range(3000)) + ",image/webp"
    assert server.get(path, headers={"Accept": late}).headers["content-type"] == "image/jpeg"


def test_a_date_is_no_validator(server: Server) -> None:
    """Two variants, or two presets of one name, may be as old as each other."""
    modified = server.get(PATH).headers["last-modified"]
    assert server.get(PATH, headers={"If-Modified-Since": modified}).status_code == 200


def test_a_preflight_is_answered(server: Server) -> None:
    headers = {"Origin": "https://a.example", "Access-Control-Request-Headers": "x-request-id"}
    answer = server.client.options(PATH, headers=headers)
    assert answer.status_code == 204
    assert (answer.headers["access-control-allow-origin"], answer.headers["access-control-allow-headers"]) == ("*", "*")


def test_only_some_origins_may_read(media: Path, detection: str) -> None:
    with Server(media=media, detection=detection, cors_origins="https://a.example") as running:
        running.wait("/health")
        for method in ("GET", "OPTIONS"):
            for origin, allowed in (("https://a.example", "https://a.example"), ("https://b.example", None)):
                answer = running.client.request(method, PATH, headers={"Origin": origin})
                assert answer.headers.get("access-control-allow-origin") == allowed
                assert "Origin" in answer.headers["vary"]


def test_a_stand_in_carries_the_tag_of_what_is_missing(server: Server) -> None:
    missing = server.get("/resize:60x/fallback:photo.jpg/nothing.jpg")
    there = server.get(PATH)
    assert missing.status_code == 200
    tags = set(missing.headers["cache-tag"].split(","))
    assert set(there.headers["cache-tag"].split(",")) < tags
    assert len([tag for tag in tags if tag.startswith("src-")]) == 2
