"""What is written to Redis and how, who may read it, and which addresses are taken."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import trustme

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
        ("SET", "darkroom:render:a", b"\x00" + pack(ENTRY)[1:]),
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


async def test_a_user_with_few_rights_is_enough(server: RedisServer) -> None:
    password = "p@ss/word:%"
    with server.client() as client:
        client.acl_setuser("cache", enabled=True, passwords=[f"+{password}"], keys=["darkroom:*"],
                           commands=["+get", "+set", "+unlink", "+ping"])  # fmt: skip
    address = server.patient_url.replace("//", f"//cache:{quote(password, safe='')}@")
    async with Counted(address) as redis:
        assert await redis.store.ping()
        await redis.store.put("render:a", ENTRY)
        assert await redis.store.get("render:a") == ENTRY
        await redis.store.delete("render:a")
        assert await redis.store.get("render:a") is None
        assert redis.took() == {"hit": 1, "miss": 1}
    async with Counted(address, prefix="forbidden") as redis:
        assert await redis.store.get("render:a") is None
        await redis.store.put("render:a", ENTRY)
        assert redis.took() == {"error": 2}


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


async def test_tls(make_redis: MakeRedis, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    server = make_redis()
    with_tls = make_redis(
        "--tls-port", str(server.port), "--tls-auth-clients", "no", "--tls-cert-file", str(tmp_path / "cert.pem"),
        "--tls-key-file", str(tmp_path / "key.pem"), "--tls-ca-cert-file", str(tmp_path / "ca.pem"),
    )  # fmt: skip
    with_tls.start()
    address = f"rediss://127.0.0.1:{server.port}"
    async with Counted(
        f"{address}?ssl_ca_certs={tmp_path / 'ca.pem'}&socket_timeout=10&socket_connect_timeout=10"
    ) as redis:
        await redis.store.put("render:a", ENTRY)
        assert await redis.store.get("render:a") == ENTRY
    async with Counted(
        f"{address}?socket_timeout=10&socket_connect_timeout=10"
    ) as redis:  # an authority that nobody knows
        assert not await redis.store.ping()


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
