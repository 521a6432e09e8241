"""Clients of Redis by its address."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

Client = Redis | RedisCluster

CLUSTER = "+cluster"
SCHEMES = ("redis", "rediss", "unix", f"redis{CLUSTER}", f"rediss{CLUSTER}")
CONNECTIONS = 16  # redis-py's own work, 0.1 ms a call, is the limit long before: 4 do 1000 reads as fast as 32
TIMEOUT = 0.2  # s, for connecting and for each reply; the address may say otherwise (?socket_timeout=1)

WANTED = (
    "not an address of Redis: wanted is redis://[user:password@]host[:port][/database][?option=value], the same with "
    "rediss: (TLS), redis+cluster://[user:password@]host[:port][,host[:port]…][?option=value], the same with "
    "rediss+cluster:, or unix:///path/of/the/socket[?db=number]; characters such as / in a password are written %2F"
)


def connect(address: str, **options: Any) -> tuple[Client, dict[str, Any]]:
    """A client, which connects at its first call, and the options that hold for its connections.

    Raises ValueError for an address that can never work, without repeating any of it. `options` go before those of
    the address.
    """
    try:
        parts = urlsplit(address)
        _check(parts)
        kwargs = _options(parts) | options
        client = _cluster(parts, kwargs) if parts.scheme.endswith(CLUSTER) else _single(kwargs)
    except (TypeError, ValueError, RedisError):
        # Without the cause: its text may hold a part of the password.
        raise ValueError(WANTED) from None
    return client, kwargs


def _options(parts: SplitResult) -> dict[str, Any]:
    """What redis-py reads from the address, and what is otherwise ours."""
    first = parts.netloc.split(",")[0]
    scheme = parts.scheme.removesuffix(CLUSTER)
    ours = {
        "decode_responses": False,
        "protocol": 2,  # strings are the same in RESP3, which costs each connection a HELLO that some proxies refuse
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        # With the ten retries of redis-py's own clients a dead Redis costs 3.6 s a call.
        "retry": Retry(NoBackoff(), 0),
        "max_connections": CONNECTIONS,
    }
    return ours | dict(parse_url(parts._replace(scheme=scheme, netloc=first).geturl()))


def _single(options: dict[str, Any]) -> Redis:
    pool = ConnectionPool(**options)
    pool.connection_class(**pool.connection_kwargs)  # does not connect, but refuses options that it does not know
    return Redis.from_pool(pool)


def _cluster(parts: SplitResult, options: dict[str, Any]) -> RedisCluster:
    """Any node that answers tells of the others."""
    hosts = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
    nodes = [ClusterNode(host.hostname, host.port or 6379) for host in hosts if host.hostname]
    own = {name: value for name, value in options.items() if name not in ("host", "port", "connection_class")}
    ssl = options.get("connection_class") is SSLConnection
    return RedisCluster(startup_nodes=nodes, ssl=ssl, dynamic_startup_nodes=False, **own)


def _check(parts: SplitResult) -> None:
    """Raises ValueError for what redis-py would pass over in silence: a database that is no number, half a path."""
    path = parts.path.strip("/")
    if parts.scheme == "unix":
        good = bool(path) and not parts.hostname
    elif parts.scheme.endswith(CLUSTER):
        good = path in ("", "0") and bool(parts.netloc.rpartition("@")[2])
    else:
        good = not path or path.isdecimal()
    if parts.scheme not in SCHEMES or not good:
        raise ValueError
