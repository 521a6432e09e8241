"""What is written to Redis and how, who may read it, and which addresses are taken."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest

from cache.entry import Entry, pack
from cache.redis import RedisStore
from tests.test_cache_redis import ENTRY, NOW, Counted

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

    MakeRedis = Callable[..., RedisServer]

pytest_plugins = ["tests.redis_server"]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def server(shared_redis: RedisServer) -> RedisServer:
    with shared_redis.client() as client:
        client.flushall()
    return shared_redis


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Counted]:
    async with Counted(server.patient_url) as counted:
        yield counted


async def test_the_key_is_prefix_kind_and_digest(redis: Counted, server: RedisServer) -> None:
    await redis.store.put("render:00ff", ENTRY)
    async with Counted(server.patient_url, prefix="other") as other:
        await other.store.put("render:00ff", ENTRY)
    with server.client() as client:
        assert set(client.keys()) == {b"darkroom:render:00ff", b"other:render:00ff"}
        assert client.get("darkroom:render:00ff") == pack(ENTRY)


@pytest.mark.parametrize(
    "command",
    [
        ("LPUSH", "darkroom:render:a", "x"),
        ("HSET", "darkroom:render:a", "x", "y"),
        ("SADD", "darkroom:render:a", "x"),
        ("ZADD", "darkroom:render:a", "1", "x"),
        ("XADD", "darkroom:render:a", "*", "x", "y"),
        ("SET", "darkroom:render:a", ""),
        ("SET", "darkroom:render:a", b"\x01junk"),
        ("SET", "darkroom:render:a", b"\x01" + pack(ENTRY)[1:]),
        ("SET", "darkroom:render:a", pack(ENTRY)[:-1]),
        ("SET", "darkroom:render:a", b"\x80\x04N."),
    ],
)
async def test_what_is_no_entry_is_a_miss(
    redis: Counted, server: RedisServer, command: tuple[str | bytes, ...]
) -> None:
    with server.client() as client:
        client.execute_command(*command)
    for _ in range(6):
        assert await redis.store.get("render:a") is None
    assert redis.took() == {"miss": 6}
    await redis.store.put("render:a", ENTRY)
    assert await redis.store.get("render:a") == ENTRY
    assert redis.took() == {"hit": 1}


async def test_keys_expire_with_the_entry_give_or_take_a_tenth(redis: Counted, server: RedisServer) -> None:
    random.seed(7)
    for number in range(60):
        await redis.store.put(f"render:{number}", ENTRY)
    with server.client() as client:
        left = [client.pttl(f"darkroom:render:{number}") / 1000 for number in range(60)]
    assert min(left) > 600 * 0.9 - 10  # the tests' own time
    assert max(left) <= 600 * 1.1
    assert max(left) - min(left) > 60


@pytest.mark.parametrize(("keep", "least", "most"), [(0.0001, -0.002, 0.001), (1e300, 300 * 86400, 403 * 86400)])
async def test_keys_expire_however_short_or_long_they_are_kept(
    redis: Counted, server: RedisServer, keep: float, least: float, most: float
) -> None:
    await redis.store.put("render:a", Entry(b"", {}, NOW, NOW, NOW + keep))
    with server.client() as client:
        assert least <= client.pttl("darkroom:render:a") / 1000 <= most  # -0.002: gone already
    assert redis.took() == {}


@pytest.mark.parametrize("meta", [{"tuple": (1,)}, {"int": 2**70}, {"set": {1}}])
async def test_meta_that_cannot_be_packed_is_counted(redis: Counted, server: RedisServer, meta: Any) -> None:
    await redis.store.put("render:a", ENTRY)
    await redis.store.put("render:a", Entry(b"", meta, NOW, NOW + 60, NOW + 600))
    assert redis.took() == {"error": 1}
    with server.client() as client:
        assert client.keys() == []


@pytest.mark.parametrize(("size", "kept"), [(2 * 2**20 - 100, True), (2 * 2**20 + 1, False)])
async def test_values_above_two_mebibytes_are_skipped(redis: Counted, size: int, kept: bool) -> None:
    entry = Entry(bytes(size), {}, NOW, NOW + 60, NOW + 600)
    await redis.store.put("render:a", entry)
    assert (await redis.store.get("render:a") == entry) is kept
    assert redis.took() == ({"hit": 1} if kept else {"skipped": 1, "miss": 1})


@pytest.mark.parametrize("who", ["nobody:secret@", ":secret@", "default:secret@"])
async def test_a_wrong_password_fails_open(make_redis: MakeRedis, who: str) -> None:
    server = make_redis().start()
    with server.client() as client:
        client.config_set("requirepass", "right")
    async with Counted(server.patient_url.replace("//", f"//{who}")) as redis:
        assert not await redis.store.ping()
        assert await redis.store.get("render:a") is None
        await redis.store.put("render:a", ENTRY)
        assert redis.took() == {"error": 3}
        assert "secret" not in str(redis.store.describe())


async def test_databases_and_sockets(server: RedisServer) -> None:
    async with (
        Counted(server.patient_url) as zero,
        Counted(server.patient_url.replace("/0?", "/3?")) as three,
        Counted(f"{server.unix_url}?db=3&socket_timeout=10") as socket,
    ):
        await three.store.put("render:a", ENTRY)
        assert await zero.store.get("render:a") is None
        assert await socket.store.get("render:a") == ENTRY


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost",
        "redis",
        "redis://user:se/cret@localhost",
        "redis://:secret@localhost:port",
        "redis://:secret@localhost:6379/first",
        "redis://:secret@localhost/0?no_such_option=1",
        "redis://:secret@localhost/0?socket_timeout=soon",
        "redis://[::1",
        "unix://",
        "unix://run/redis.sock",
    ],
)
def test_an_address_that_can_never_work_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match="redis://") as refused:
        RedisStore(address)
    assert "secret" not in str(refused.value)
    assert "cret" not in str(refused.value)
    assert refused.value.__suppress_context__


async def test_tags_are_sets_that_live_as_long_as_their_entries(redis: Counted, server: RedisServer) -> None:
    for keep, key in ((600, "a"), (60, "b"), (6000, "c")):
        await redis.store.put(f"render:{key}", Entry(b"", {}, NOW, NOW, NOW + keep, ("red", "dir:é")))
    with server.client() as client:
        for name in ("darkroom:tag:red", "darkroom:tag:dir:é"):
            assert client.smembers(name) == {b"darkroom:render:a", b"darkroom:render:b", b"darkroom:render:c"}
            assert client.pttl(name) >= client.pttl("darkroom:render:c") > 5000_000
    assert await redis.store.purge(["red"]) == 3
    with server.client() as client:
        assert set(client.keys()) == {b"darkroom:tag:dir:\xc3\xa9", b"darkroom:purges"}


async def test_a_purge_unlinks_nothing_that_is_not_ours(redis: Counted, server: RedisServer) -> None:
    with server.client() as client:
        client.set("theirs", "x")
        client.sadd("darkroom:tag:red", "theirs", "darkroom:render:gone")
    assert await redis.store.purge(["red"]) == 0
    with server.client() as client:
        assert client.exists("theirs")


@pytest.mark.parametrize("command", [("SET", "{}", "x"), ("LPUSH", "{}", "x"), ("HSET", "{}", "x", "y")])
async def test_another_type_in_the_place_of_a_set_or_the_stream_gives_way(
    redis: Counted, server: RedisServer, command: tuple[str, ...]
) -> None:
    tagged = Entry(b"picture", {}, NOW - 1, NOW + 60, NOW + 600, ("red", "blue"))
    with server.client() as client:
        for name in ("darkroom:tag:red", "darkroom:purges"):
            client.execute_command(*(part.format(name) for part in command))
    await redis.store.put("render:a", tagged)  # is not kept, because it could not be purged
    assert await redis.store.get("render:a") is None
    assert redis.took() == {"error": 1, "miss": 1}
    await redis.store.put("render:a", tagged)
    assert await redis.store.get("render:a") == tagged
    assert await redis.store.purge(["red"]) == 1
    assert not redis.store.owes
    with server.client() as client:
        assert client.xlen("darkroom:purges") == 1


@pytest.mark.parametrize("command", [("SET", "darkroom:tag:red", "x"), ("LPUSH", "darkroom:tag:red", "x")])
async def test_purging_by_a_set_of_another_type_heals_it(
    redis: Counted, server: RedisServer, command: tuple[str, ...]
) -> None:
    with server.client() as client:
        client.execute_command(*command)
    assert await redis.store.purge(["red"]) == 0
    with server.client() as client:
        assert not client.exists("darkroom:tag:red")


async def test_what_another_replica_purged_meanwhile_cannot_be_put(redis: Counted, server: RedisServer) -> None:
    begun = Entry(b"outdated", {}, NOW - 1, NOW + 60, NOW + 600, ("red", "blue"))
    async with Counted(server.patient_url) as other:
        await other.store.purge(["unknown", "blue"])
    await redis.store.put("render:a", begun)  # it has not heard of it
    assert await redis.store.get("render:a") is None
    assert redis.took() == {"skipped": 1, "miss": 1}
    await redis.store.put("render:b", Entry(b"", {}, NOW - 1, NOW + 60, NOW + 600, ("red",)))
    await redis.store.put("render:c", Entry(b"", {}, NOW + 1, NOW + 60, NOW + 600, ("blue",)))
    assert await redis.store.get("render:b")
    assert await redis.store.get("render:c")
