"""Whether Redis is there, lets us do what we do, and throws old entries away when it is full."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .settings import Settings

if TYPE_CHECKING:
    from .doctor import Finding

OLDEST = (6, 0)  # of Redis: with ACLs
SKEW = 1.0  # s between our clock and that of Redis

_NEEDED: dict[str, Callable[[Any, str], object]] = {
    "SET": lambda client, key: client.set(key, b"1", px=5000, nx=True),
    "GET": lambda client, key: client.get(key),
    "PEXPIRE": lambda client, key: client.pexpire(key, 5000),
    "SADD": lambda client, key: client.sadd(f"{key}:s", "1"),
    "SMEMBERS": lambda client, key: client.smembers(f"{key}:s"),
    "EVAL": lambda client, key: client.eval("return redis.call('get', KEYS[1])", 1, key),
    "PUBLISH": lambda client, key: client.publish(key, b"1"),
    "UNLINK": lambda client, key: (client.unlink(key), client.unlink(f"{key}:s")),
}


def cache(settings: Settings) -> Iterator[Finding]:
    from .doctor import Finding

    if settings.cache_text == "memory:":
        yield Finding("cache", "ok", "in the memory of each front; nothing to connect to")
        return
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = redis.Redis.from_url(
        settings.cache_text, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )  # fmt: skip
    with client:
        try:
            began = time.monotonic()
            client.ping()
        except redis.AuthenticationError as error:
            yield Finding(
                "cache", "fail", f"Redis refuses us: {error}", "check the user and password of DARKROOM_CACHE"
            )
            return
        except redis.RedisError as error:
            yield Finding(
                "cache", "fail", f"Redis does not answer: {type(error).__name__}",
                "start it, or check the address and the network; requests are answered without it",
            )  # fmt: skip
            return
        yield Finding("cache", "ok", f"Redis answers in {1000 * (time.monotonic() - began):.1f} ms")
        yield from _allowed(client)
        yield from _version(client)
        yield from _policy(client)
        yield from _skew(client)


def _allowed(client: Any) -> Iterator[Finding]:
    import redis

    from .doctor import Finding

    key = f"darkroom:doctor:{secrets.token_hex(8)}"
    refused = []
    for name, command in _NEEDED.items():
        try:
            command(client, key)
        except redis.RedisError as error:
            refused.append(f"{name} ({str(error).partition(' ')[0]})")
    if refused:
        rights = " ".join(f"+{name.lower()}" for name in _NEEDED)
        mend = f"ACL SETUSER <user> ~darkroom:* &darkroom:* {rights}"
        yield Finding("cache", "fail", f"Redis refuses {', '.join(refused)}", mend)
    else:
        yield Finding("cache", "ok", "Redis lets us do all that we need")


def _version(client: Any) -> Iterator[Finding]:
    import redis

    from .doctor import Finding

    try:
        version = str(client.info("server")["redis_version"])
    except (redis.RedisError, KeyError):
        yield Finding("cache", "warn", "Redis does not say its version", "allow INFO to see it here")
        return
    old = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) < OLDEST
    mend = f"use {OLDEST[0]}.{OLDEST[1]} or later" if old else ""
    yield Finding("cache", "warn" if old else "ok", f"Redis {version}", mend)


def _policy(client: Any) -> Iterator[Finding]:
    import redis

    from .doctor import Finding

    try:
        memory = client.info("memory")
        most, policy = int(memory["maxmemory"]), str(memory["maxmemory_policy"])
    except (redis.RedisError, KeyError, ValueError):
        yield Finding("cache", "warn", "Redis does not say what it does when it is full", "allow INFO to see it here")
        return
    if policy == "noeviction" or not most:
        why = "has no memory limit" if not most else "refuses writes when it is full (noeviction)"
        yield Finding(
            "cache", "warn", f"Redis {why}", "set maxmemory, and maxmemory-policy allkeys-lru, if it is for us alone"
        )  # fmt: skip
    else:
        yield Finding("cache", "ok", f"Redis keeps {most >> 20} MiB, {policy}")


def _skew(client: Any) -> Iterator[Finding]:
    import redis

    from .doctor import Finding

    try:
        seconds, micros = client.time()
    except redis.RedisError:
        return
    away = abs(time.time() - (seconds + micros / 1e6))
    if away > SKEW:
        yield Finding(
            "clock", "warn", f"{away:.1f} s away from the clock of Redis", "run an NTP client on both machines"
        )
