"""What a store holds under a key, and how it is written down."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import msgpack

VERSION = 2  # of the packed form; what another version wrote is not read
MAX_DEPTH = 32  # of lists and maps in `meta`

Meta = Mapping[str, str | int | float | bool | list[Any] | dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A body with a little about it. Times are wall-clock seconds since the epoch, because replicas share them.

    `stored_at` is the moment at which making it began: a purge of one of its tags after that makes it worthless. Until
    `fresh_until` it may be served as it is; until `keep_until` it may be served while a new one is made.
    """

    body: bytes
    meta: Meta
    stored_at: float
    fresh_until: float
    keep_until: float
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(isfinite(time) for time in (self.stored_at, self.fresh_until, self.keep_until)):
            raise ValueError("the times of an entry are finite")

    @property
    def size(self) -> int:
        """Bytes of memory that the body, the meta and the tags take."""
        return sys.getsizeof(self.body) + _weigh(self.meta) + sum(map(sys.getsizeof, self.tags))

    def fresh(self, now: float) -> bool:
        return now < self.fresh_until and self.usable(now)

    def usable(self, now: float) -> bool:
        return now < self.keep_until


def _weigh(value: object) -> int:
    if isinstance(value, Mapping):
        return sys.getsizeof(value) + sum(_weigh(name) + _weigh(item) for name, item in value.items())
    if isinstance(value, list):
        return sys.getsizeof(value) + sum(map(_weigh, value))
    return sys.getsizeof(value)


def pack(entry: Entry) -> bytes:
    """The version byte, then msgpack. Raises ValueError where `meta` holds what JSON could not, or whole numbers
    beyond 64 bits."""
    times = (entry.stored_at, entry.fresh_until, entry.keep_until)
    try:
        packed: bytes = msgpack.packb([entry.body, _plain(dict(entry.meta)), list(entry.tags), *times])
    except OverflowError as error:
        raise ValueError(str(error)) from error
    return bytes([VERSION]) + packed


def unpack(packed: bytes) -> Entry:
    """The entry that was packed. Raises ValueError for everything else: junk, another version, wrong types."""
    if packed[:1] != bytes([VERSION]):
        raise ValueError("not an entry of this version")
    match msgpack.unpackb(memoryview(packed)[1:]):
        case [bytes(body), dict(meta), list(tags), *times] if len(times) == 3 and _right(tags, times):
            stored_at, fresh_until, keep_until = _seconds(times)
            return Entry(body, _plain(meta), stored_at, fresh_until, keep_until, tuple(tags))
    raise ValueError("not an entry")


def _right(tags: list[Any], times: list[Any]) -> bool:
    return all(type(tag) is str for tag in tags) and all(type(time) in (float, int) for time in times)


def _seconds(times: list[float]) -> list[float]:
    try:
        return [float(time) for time in times]
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _plain(value: Any, depth: int = 0) -> Any:
    """The value itself, when it holds nothing but what JSON has."""
    if depth > MAX_DEPTH:
        raise ValueError("meta is nested too deeply")
    for inner in _inside(value):
        _plain(inner, depth + 1)
    return value


def _inside(value: Any) -> Iterable[Any]:
    if type(value) is list:
        return value
    if type(value) is dict and all(type(name) is str for name in value):
        return value.values()
    if value is None or type(value) in (str, int, float, bool):
        return ()
    raise ValueError(f"meta cannot hold {type(value).__name__}")
