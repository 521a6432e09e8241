from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cache.entry import Entry
from cache.open import open_cache

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

pytest_plugins = ["tests.redis_server"]

ENTRY = Entry(b"picture", {"type": "image/webp"}, 1.0, 4e9, 4e9)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


def names(described: dict[str, object]) -> list[object]:
    stores = described.get("stores", [described])
    assert isinstance(stores, list)
    return [store["name"] for store in stores]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("memory:", ["memory"]),
        ("redis://localhost", ["memory", "redis"]),
        ("redis://user:password@localhost:6380/3?socket_timeout=1", ["memory", "redis"]),
        ("rediss://[::1]:6380", ["memory", "redis"]),
        ("unix:///run/redis.sock?db=1", ["memory", "redis"]),
        ("unix://user:password@/run/redis.sock", ["memory", "redis"]),
        ("redis+cluster://user:password@one:6379,two:6380,[::1]:6381", ["memory", "redis"]),
        ("rediss+cluster://one?socket_timeout=1", ["memory", "redis"]),
    ],
)
def test_the_scheme_chooses_the_store(address: str, expected: list[str]) -> None:
    assert names(open_cache(address).store.describe()) == expected


@pytest.mark.parametrize(
    "address",
    ["", ":", "memory", "memory:64", "memory://", "disk:/tmp", "redis:", "redis:localhost", "localhost:6379", "REDIS",
     "http://:hunter2@localhost", "redis:hunter2@localhost", "redis://localhost/zero",
     "redis+cluster:one", "redis+cluster://", "redis+cluster://one/1",
     "unix+cluster:///run/redis.sock", "redis+cluster://:hunter2@one:port"],
)  # fmt: skip
def test_another_address_is_refused_with_those_accepted(address: str) -> None:
    with pytest.raises(ValueError, match=r"redis://.*rediss:.*unix://") as refused:
        open_cache(address)
    assert "hunter2" not in str(refused.value)


async def test_capacity_is_that_of_the_memory() -> None:
    events: list[tuple[str, str]] = []
    store = open_cache("memory:", memory_bytes=10_000, on_event=lambda *event: events.append(event)).store
    await store.put("a", Entry(bytes(5000), {}, 1.0, 4e9, 4e9))
    assert events == [("memory", "skipped")]


async def test_two_stores_with_one_redis_share_what_they_keep(shared_redis: RedisServer) -> None:
    events: list[tuple[str, str]] = []
    one = open_cache(shared_redis.patient_url, prefix="shared").store
    other = open_cache(shared_redis.patient_url, prefix="shared", on_event=lambda *event: events.append(event)).store
    apart = open_cache(shared_redis.patient_url, prefix="apart").store
    await one.put("render:a", ENTRY)
    assert await other.get("render:a") == ENTRY
    assert await other.get("render:a") == ENTRY
    assert await apart.get("render:a") is None
    assert events == [("memory", "miss"), ("redis", "hit"), ("memory", "hit")]
    for store in (one, other, apart):
        await store.close()


def test_memory_alone_does_not_import_redis() -> None:
    code = "import sys; from cache.open import open_cache; open_cache('memory:'); sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
