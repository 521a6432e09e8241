"""Raw request paths: decoded once, then split, the same way for every dialect."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from transforms.failure import Failure, Kind

from ..sources.source import not_found
from .request import missing_source

LONGEST_PATH = 8192

# An escaped slash separates like a plain one, as it does where a whole path is decoded before it is split.
# One that ends where it ends: a pattern of what stands between them took 6 seconds for 8 KB of slashes.
_SLASHES = re.compile("(?:/|%2[Ff])+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a path: `text` is decoded once, `rest` is the raw path from here to its end."""

    text: str
    rest: str


def split(raw_path: str) -> list[Segment]:
    """The segments of a raw path (ASCII, or one character a byte), without the empty ones.

    Raises Failure uri-too-long or bad-encoding.
    """
    if len(raw_path) > LONGEST_PATH:
        raise Failure(
            Kind.URI_TOO_LONG, "uri-too-long", f"the path is longer than {LONGEST_PATH} bytes",
            details={"maximum": LONGEST_PATH},
        )  # fmt: skip
    return list(_split(raw_path))


@lru_cache(64)
def _split(raw_path: str) -> tuple[Segment, ...]:
    """Remembered, because a path is split for its signature, for its dialect and to be read."""
    return tuple(Segment(decode(raw_path[begin:end]), raw_path[begin:]) for begin, end in _pieces(raw_path))


def _pieces(raw_path: str) -> Iterator[tuple[int, int]]:
    """Where the pieces between slashes begin and end."""
    begin = 0
    for slashes in _SLASHES.finditer(raw_path):
        if slashes.start() > begin:
            yield begin, slashes.start()
        begin = slashes.end()
    if begin < len(raw_path):
        yield begin, len(raw_path)


def without_trailing_slashes(raw: str) -> str:
    """Raw text up to the slashes, escaped or not, that it ends with."""
    end = len(raw)
    while end:
        if raw[end - 1] == "/":
            end -= 1
        elif raw[max(0, end - 3) : end] in ("%2F", "%2f"):
            end -= 3
        else:
            break
    return raw[:end]


def decode(raw: str) -> str:
    """Raw text percent-decoded once. Raises Failure bad-encoding where its bytes are not UTF-8."""
    if "%" not in raw and raw.isascii():
        return raw
    return _utf8(lambda: unquote_to_bytes(raw.encode("latin-1")))


def written(raw: str) -> str:
    """Raw text with its escapes as they are. Raises Failure bad-encoding where its bytes are not UTF-8."""
    return raw if raw.isascii() else _utf8(lambda: raw.encode("latin-1"))


def _utf8(read: Callable[[], bytes]) -> str:
    try:
        return read().decode("utf-8")
    except UnicodeError:
        raise Failure(Kind.BAD_REQUEST, "bad-encoding", "the path is not percent-encoded UTF-8") from None


def location(texts: Iterable[str]) -> str:
    """A relative path out of decoded segments; what could lead out of the folder or into a log is not found."""
    parts = [text for text in texts if text]
    if not parts:
        raise missing_source()
    if any(part in (".", "..") or _CONTROL.search(part) for part in parts):
        raise not_found()
    return "/".join(parts)
