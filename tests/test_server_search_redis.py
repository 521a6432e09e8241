"""The index of findings: what every implementation does, and what is special about each."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cache.breaker import Unanswered
from server.search.bands import FARTHEST, bands, near
from server.search.index import Index, Listed
from server.search.record import Named, Record, pack, surest, unpack, word
from server.search.redis import RedisIndex
from server.search.sqlite import SqliteIndex
from transforms.vocabulary import folded, word_of

from .findings import flipped, hashed, record
from .redis_server import RedisClusterServers, RedisServer

pytest_plugins = ["tests.redis_server"]

Open = Callable[..., Index]


@pytest.fixture(params=["memory", "file", "redis", "cluster"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same index, as often as it is called (in memory: a new one)."""
    if request.param in ("memory", "file"):
        path = tmp_path / "folder" / "index.sqlite" if request.param == "file" else None
        return lambda **options: SqliteIndex(path, **options)
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("shared_redis")
        with server.client() as client:
            client.flushall()
        return lambda **options: RedisIndex(server.patient_url, **options)
    servers: RedisClusterServers = request.getfixturevalue("redis_cluster")
    for node in servers.nodes:
        with node.client() as client:
            client.flushall()
    return lambda **options: RedisIndex(servers.url, **options)


@asynccontextmanager
async def opened(make: Open, *records: Record, **options: object) -> AsyncIterator[Index]:
    index = make(**options)
    try:
        await index.put(records)
        yield index
    finally:
        await index.close()


async def listed(index: Index, *names: str, limit: int = 100) -> list[str]:
    """The paths that have these tags, page by page."""
    found: list[Listed] = []
    before: int | None = None
    while True:
        page, before = await index.sources(names, before, limit)
        assert len(page) <= limit
        found += page
        if before is None:
            return [one.record.path for one in found]


async def test_what_was_put_is_found_by_its_tags(make: Open) -> None:
    cat, both, dog = record(1, "cat"), record(2, "cat", "dog"), record(3, "dog")
    async with opened(make, cat, both, dog) as index:
        assert await index.get(both.source) == both
        assert await index.get("src-nothing") is None
        assert await listed(index, "cat") == [both.path, cat.path]  # the latest first
        assert await listed(index, "dog") == [dog.path, both.path]
        assert await listed(index, "cat", "dog") == await listed(index, "dog", "cat") == [both.path]
        assert await listed(index, "cow") == await listed(index, "cow", "cat") == []
        assert index.describe()["state"] == "up"


async def test_tags_have_counts_and_an_order(make: Open) -> None:
    async with opened(make, record(1, "cat", "carrot"), record(2, "cat"), record(3, "zebra", "größe")) as index:
        assert await index.tags("", "", 10) == [("carrot", 1), ("cat", 2), ("größe", 1), ("zebra", 1)]
        assert await index.tags("ca", "", 10) == [("carrot", 1), ("cat", 2)]
        assert await index.tags("", "", 2) == [("carrot", 1), ("cat", 2)]
        assert await index.tags("", "cat", 2) == [("größe", 1), ("zebra", 1)]
        assert await index.tags("ca", "carrot", 5) == [("cat", 2)]
        assert await index.tags("x", "", 10) == []


@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_pages_give_all_once_while_more_come(make: Open, limit: int) -> None:
    old = [record(number, "cat") for number in range(15)]
    async with opened(make, *old) as index:
        page, before = await index.sources(["cat"], None, limit)
        await index.put([record(100, "cat")])
        seen = [one.record.path for one in page]
        while before is not None:
            page, before = await index.sources(["cat"], before, limit)
            seen += [one.record.path for one in page]
        assert seen == [one.path for one in reversed(old)]


async def test_what_is_asked_later_is_added(make: Open) -> None:
    faces = record(1, kinds=frozenset({"faces"}), tags=(Named("person", 0.8, "faces"),))
    objects = record(1, "dog", found_at=2000.0)
    async with opened(make, faces, objects) as index:
        merged = await index.get(faces.source)
        assert merged is not None
        assert (merged.names, merged.kinds) == ({"person", "dog"}, {"faces", "objects"})
        assert merged.found_at == faces.found_at
        assert await listed(index, "person", "dog") == [faces.path]
        await index.put([record(1, "cat", found_at=3000.0)])  # another model of objects says otherwise
        assert await listed(index, "dog") == []
        assert await index.tags("", "", 10) == [("cat", 1), ("person", 1)]


async def test_other_content_replaces_all(make: Open) -> None:
    events: list[str] = []
    async with opened(
        make, hashed(1, 77, "cat"), record(2, "cat"), on_event=lambda _, what: events.append(what)
    ) as index:
        await index.put([record(1, "dog", content="other", version="v2")])
        assert await listed(index, "cat") == ["/-/p/2.jpg"]
        assert await listed(index, "dog") == ["/-/p/1.jpg"]
        assert await index.similar(77, 0, 10) == []
        await index.put([record(2, "cat")])
    assert events.count("put") == 3
    assert events.count("same") == 1


async def test_forgotten_by_source_folder_and_tag(make: Open) -> None:
    inside = [record(number, "cat", marks=("dir-a", "dir-b")) for number in range(3)]
    other = record(9, "traffic light", "cat", marks=("dir-a", "own"))
    async with opened(make, *inside, other) as index:
        assert await index.forget([inside[0].source, "src-nothing"]) == 1
        assert len(await listed(index, "cat")) == 3
        assert await index.forget(["dir-b"]) == 2
        assert await listed(index, "cat") == [other.path]
        assert await index.forget(["tag-traffic_light"]) == 1
        assert await index.tags("", "", 10) == []
        assert await index.get(other.source) is None
        await index.put([other])
        assert await index.forget(["own"]) == 1
        assert await index.forget(["own", "tag-cat"]) == 0


async def test_the_oldest_go_when_there_are_too_many(make: Open) -> None:
    async with opened(make, *(hashed(number, number, "cat") for number in range(10)), most=10) as index:
        await index.put([hashed(10, 10, "dog"), hashed(11, 11, "cat")])
        paths = await listed(index, "cat")
        assert paths == [f"/-/p/{number}.jpg" for number in (11, 9, 8, 7, 6, 5, 4, 3, 2)]
        assert [one.listed.record.path for one in await index.similar(0, 0, 5)] == []


@pytest.mark.parametrize("distance", [0, 3, 4, 7, 10, 11, 15])
async def test_near_fingerprints_are_all_found(make: Open, distance: int) -> None:
    rng = random.Random(5)  # noqa: S311 - reproducible
    centre = rng.getrandbits(64)
    records = [hashed(number, flipped(centre, number, seed=number)) for number in range(25)]
    strangers = [hashed(100 + number, rng.getrandbits(64)) for number in range(100)]
    async with opened(make, *records, *strangers) as index:
        found = await index.similar(centre, distance, 100)
        assert [one.distance for one in found] == list(range(distance + 1))
        assert [one.listed.record.path for one in found] == [one.path for one in records[: distance + 1]]
        assert len(await index.similar(centre, distance, 2)) == min(2, distance + 1)


async def test_the_same_index_is_found_again(make: Open) -> None:
    async with opened(make, record(1, "cat")):
        pass
    async with opened(make) as again:
        if not (isinstance(again, SqliteIndex) and again.describe() and again._file._path is None):
            assert await listed(again, "cat") == ["/-/p/1.jpg"]


async def test_odd_names_are_names(make: Open) -> None:
    names = ["a'b", 'say "x"', "%_%", "{x}", "日本", "a:b", "*", "["]
    async with opened(make, record(1, *names)) as index:
        assert {name for name, _ in await index.tags("", "", 20)} == set(names)
        for name in names:
            assert await listed(index, name) == ["/-/p/1.jpg"]
        await index.forget(["src-" + "0" * 15 + "1"])
        assert await index.tags("", "", 20) == []


def test_bands_meet_whatever_differs_little() -> None:
    rng = random.Random(1)  # noqa: S311 - reproducible
    for distance in range(FARTHEST + 1):
        one = rng.getrandbits(64)
        for seed in range(20):
            assert set(bands(flipped(one, distance, seed))) & set(near(one, distance))
    assert (len(near(0, 3)), len(near(0, 10)), len(near(0, 15))) == (4, 548, 2788)


@pytest.mark.parametrize("junk", [b"", b"\x00", b"\xc1", b"\x93\x01\x02\x03", pack(record(1))[:-2], "text", None])
def test_junk_is_no_record(junk: object) -> None:
    assert unpack(junk) is None


def test_records_survive_packing() -> None:
    whole = hashed(3, (1 << 64) - 1, "größe", "dog", marks=("dir-a",))
    assert unpack(pack(whole)) == whole
    assert unpack(pack(replace(whole, fingerprint=1 << 63))) is not None


@given(st.text(st.one_of(st.sampled_from("aB _-/:,İΣßŉ\u0301\u0345\xa0\u2028"), st.characters()), max_size=80))
@example("x" * 63 + " tail")
@example("x" * 63 + "__tail")
def test_the_word_of_a_word_is_itself(text: str) -> None:
    """What is listed can be asked for."""
    for spelt in (word, folded, word_of):
        assert spelt(spelt(text)) == spelt(text)
    assert folded(word_of(folded(text))) == folded(word_of(text))


def test_words_have_one_spelling() -> None:
    assert word("  Traffic_Light ") == word("traffic light") == "traffic light"
    assert len(word("x" * 100)) == 64
    twice = surest(
        [Named("cat", 0.2, "objects"), Named("cat", 0.7, "objects"), Named("cat", 0.5, "crops"), Named("", 1, "x")]
    )
    assert [(tag.score, tag.by) for tag in twice] == [(0.7, "objects"), (0.5, "crops")]


async def test_several_processes_share_a_file(tmp_path: Path) -> None:
    one, other = SqliteIndex(tmp_path / "index"), SqliteIndex(tmp_path / "index")
    try:
        for number in range(20):
            await (one, other)[number % 2].put([record(number, "cat")])
        assert await listed(one, "cat") == await listed(other, "cat")
        assert len(await listed(one, "cat")) == 20
    finally:
        await one.close()
        await other.close()


@pytest.mark.parametrize(
    "content", [b"this is no database, but long enough to be one" * 100, b"SQLite format 3\0" + b"\xff" * 8000]
)
async def test_a_broken_file_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index"
    path.write_bytes(content)
    async with opened(lambda: SqliteIndex(path), record(1, "cat")) as index:
        assert await listed(index, "cat") == ["/-/p/1.jpg"]


async def test_a_file_that_breaks_meanwhile_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "index"
    async with opened(lambda: SqliteIndex(path), record(1, "cat")) as index:
        await listed(index, "cat")
        with sqlite3.connect(path) as connection:
            connection.executescript("DROP TABLE sources;")
        await index.put([record(2, "cat")])
        assert await listed(index, "cat") == ["/-/p/2.jpg"]
        path.unlink()  # somebody tidied up
        await index.put([record(3, "cat")])
        assert await listed(index, "cat") == ["/-/p/3.jpg"]


async def test_a_place_that_cannot_be_written_is_unanswered(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    index = SqliteIndex(tmp_path / "file" / "index")
    try:
        for _ in range(7):
            with pytest.raises(Unanswered):
                await index.put([record(1, "cat")])
        assert index.describe()["state"] == "down"
    finally:
        await index.close()


async def test_a_dead_redis_is_unanswered(make_redis: Callable[..., RedisServer]) -> None:
    server = make_redis().start()
    async with opened(lambda: RedisIndex(server.url), record(1, "cat")) as index:
        server.kill()
        for work in (lambda: index.put([record(2)]), lambda: index.tags("", "", 5), lambda: index.forget(["dir-a"])):
            with pytest.raises(Unanswered):
                await work()


async def test_redis_may_lose_any_key(shared_redis: RedisServer) -> None:
    with shared_redis.client() as client:
        client.flushall()
        async with opened(
            lambda: RedisIndex(shared_redis.patient_url), *(hashed(n, n, "cat") for n in range(4))
        ) as index:
            client.delete("{darkroom:search}:s:" + record(1).source)
            client.set("{darkroom:search}:s:" + record(2).source, b"junk", ex=60)
            assert await listed(index, "cat") == ["/-/p/3.jpg", "/-/p/0.jpg"]
            assert await index.tags("", "", 5) == [("cat", 2)]
            assert [one.listed.record.path for one in await index.similar(0, 2, 5)] == ["/-/p/0.jpg", "/-/p/3.jpg"]
            assert all(client.ttl(key) > 0 for key in client.keys("{darkroom:search}:[snmb]:*"))
            assert all(key.startswith(b"{darkroom:search}:") for key in client.scan_iter())
