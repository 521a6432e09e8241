"""The kinds of Redis: a cluster, TLS, and users who may do little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

import pytest

from cache.entry import Entry
from cache.lease import Lease, Leases, Refusal
from cache.open import Cache, open_cache
from tests.test_cache_redis import ENTRY, Counted

if TYPE_CHECKING:
    from tests.redis_server import Certificates, RedisClusterServers, RedisServer

    MakeRedis = Callable[..., RedisServer]

pytest_plugins = ["tests.redis_server"]

COMMANDS = (
    "get", "set", "unlink", "ping", "eval", "sadd", "pttl", "pexpire", "del", "sscan", "srem", "xadd", "xrange",
    "xrevrange", "xread", "xlen",
)  # fmt: skip
CLUSTER_COMMANDS = (*COMMANDS, "cluster|slots", "command")
PASSWORD = "p@ss/word:%"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


def tagged(*tags: str) -> Entry:
    now = time.time()
    return Entry(b"picture", {}, now, now + 60, now + 600, tags)


async def does_everything(address: str) -> None:
    """Each thing that a cache asks of Redis, by two replicas."""
    events, warnings = set[tuple[str, str]](), list[str]()
    one, other = (
        open_cache(address, on_event=lambda *event: events.add(event), on_warning=warnings.append) for _ in range(2)
    )
    try:
        await use(one, other)
    finally:
        for cache in (one, other):
            await cache.close()
    assert {outcome for _, outcome in events} <= {"hit", "miss"}
    assert [text for text in warnings if "maxmemory" not in text] == []


async def use(one: Cache, other: Cache) -> None:
    for cache in (one, other):
        await cache.start()
    # Tags of this test alone: a purge holds for a while, in case that clocks differ.
    own = uuid4().hex
    for number in range(30):
        await one.store.put(f"render:{number}", tagged(f"src-{number}-{own}", f"dir-{own}"))
    await one.store.put("found:1", tagged())
    assert await other.store.get("render:7")
    await one.store.delete("render:1", "render:2", "found:1")
    assert await other.store.get("render:1") is None
    assert await one.store.purge([f"src-7-{own}", f"src-8-{own}"]) == 2
    async with asyncio.timeout(10):
        while other.store.near("render:7") is not None:  # noqa: ASYNC110 (what is waited for happens elsewhere)
            await asyncio.sleep(0.01)
    assert await other.store.purge([f"dir-{own}"]) == 26
    leases = one.flight._leases
    assert isinstance(leases, Leases)
    lease = await leases.take("key")
    assert isinstance(lease, Lease)
    assert await leases.take("key") is Refusal.HELD
    assert await leases.run('return redis.call("PEXPIRE", KEYS[1], ARGV[2])', lease, 2.0) == 1
    lease.give_back(apart=True)
    await leases.close()
    assert await leases.take("key") is Refusal.APART


async def test_a_cluster(redis_cluster: RedisClusterServers) -> None:
    await does_everything(redis_cluster.url)


async def test_a_cluster_is_found_by_any_node_that_answers(redis_cluster: RedisClusterServers) -> None:
    port = redis_cluster.nodes[1].port
    async with Counted(f"redis+cluster://127.0.0.1:1,127.0.0.1:{port}?socket_timeout=10") as redis:
        for number in range(20):
            await redis.store.put(f"render:{number}", ENTRY)
        assert [await redis.store.get(f"render:{number}") for number in range(20)] == [ENTRY] * 20
        assert redis.took() == {"hit": 20}


async def test_a_cluster_that_is_down_fails_open() -> None:
    async with Counted("redis+cluster://127.0.0.1:1") as redis:
        for _ in range(10):
            assert await redis.store.get("render:a") is None
            await redis.store.put("render:a", replace(ENTRY, tags=("red",)))
        assert redis.took() == {"error": 3, "open": 17}


async def test_tls(make_redis: MakeRedis, certificates: Certificates) -> None:
    server = make_redis()
    make_redis("--tls-port", str(server.port), *certificates.options).start()
    address = f"rediss://127.0.0.1:{server.port}?socket_timeout=10&socket_connect_timeout=10"
    await does_everything(f"{address}&ssl_ca_certs={certificates.authority}")
    async with Counted(address) as redis:  # an authority that nobody knows
        assert not await redis.store.ping()


async def test_a_cluster_with_tls(make_redis: MakeRedis, certificates: Certificates) -> None:
    ports = make_redis(), make_redis()
    where = ("--tls-port", str(ports[0].port), "--cluster-port", str(ports[1].port))
    server = make_redis("--cluster-enabled", "yes", "--tls-cluster", "yes", *where, *certificates.options).start()
    with server.client() as client:
        client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    await until_up(server)
    address = f"rediss+cluster://127.0.0.1:{ports[0].port}?socket_timeout=10&socket_connect_timeout=10"
    await does_everything(f"{address}&ssl_ca_certs={certificates.authority}")


async def until_up(server: RedisServer) -> None:
    async with asyncio.timeout(10):
        with server.client() as client:
            while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def allow(server: RedisServer, commands: tuple[str, ...]) -> None:
    with server.client() as client:
        client.execute_command(
            "ACL", "SETUSER", "cache", "reset", "on", f">{PASSWORD}", "~darkroom:*", *(f"+{name}" for name in commands)
        )


async def test_a_user_with_few_rights_is_enough(make_redis: MakeRedis) -> None:
    server = make_redis().start()
    allow(server, COMMANDS)
    user = f"cache:{quote(PASSWORD, safe='')}@"
    await does_everything(server.address.format(user))
    async with Counted(server.address.format(user), prefix="forbidden") as redis:
        assert await redis.store.get("render:a") is None
        await redis.store.put("render:a", replace(ENTRY, tags=("red",)))
        assert redis.took() == {"error": 2}


@pytest.mark.parametrize("missing", sorted({*COMMANDS} - {"ping", "del", "xlen"}))
async def test_each_of_the_rights_is_needed(make_redis: MakeRedis, missing: str) -> None:
    """All but those that only bad days ask for: PING and XLEN after an outage, DEL where a lease ends well."""
    server = make_redis().start()
    allow(server, tuple(name for name in COMMANDS if name != missing))
    address = server.address.format(f"cache:{quote(PASSWORD, safe='')}@")
    with pytest.raises((AssertionError, TimeoutError)):
        async with asyncio.timeout(3):
            await does_everything(address)


async def test_a_user_of_a_cluster(redis_cluster: RedisClusterServers) -> None:
    for node in redis_cluster.nodes:
        allow(node, CLUSTER_COMMANDS)
    user = f"cache:{quote(PASSWORD, safe='')}@"
    await does_everything(redis_cluster.url.replace("//", f"//{user}"))


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ((), "maxmemory"),
        (("--maxmemory", "100mb", "--maxmemory-policy", "noeviction"), "noeviction"),
        (("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"), None),
    ],
)
@pytest.mark.parametrize("rights", [("config|get",), ("info",), ()])
async def test_a_redis_that_is_no_cache_is_warned_of(
    make_redis: MakeRedis, options: tuple[str, ...], warned: str | None, rights: tuple[str, ...]
) -> None:
    server = make_redis(*options).start()
    allow(server, (*COMMANDS, *rights))
    warnings: list[str] = []
    cache = open_cache(server.address.format(f"cache:{quote(PASSWORD, safe='')}@"), on_warning=warnings.append)
    await cache.start()
    try:
        async with asyncio.timeout(0.3 if not (warned and rights) else 10):
            while not warnings:  # noqa: ASYNC110 (what is waited for happens in Redis)
                await asyncio.sleep(0.01)
    except TimeoutError:
        pass
    await cache.close()
    assert [warned in text for text in warnings if warned] == ([True] if warned and rights else [])
