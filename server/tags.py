"""Tags: what results are purged by, here and at a CDN (`Cache-Tag`, `Surrogate-Key`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cache.key import digest

from .sources.source import SourceRef

LONGEST = 64  # characters of a tag
MOST = 50  # tags of one result; CloudFront reads no more

_UNSAFE = re.compile(r"[^a-z0-9_.:-]+")


def source_tag(ref: SourceRef) -> str:
    """The tag of everything that is made of one source."""
    return f"src-{digest(*ref.identity)[:16]}"


def folder_tag(scheme: str, root: str, folder: str) -> str:
    """The tag of everything that is made of sources below a folder, "" for the whole of a root."""
    return f"dir-{digest(scheme, root, folder)[:16]}"


def folders_of(ref: SourceRef) -> tuple[str, ...]:
    """The folders that a source lies in, the outermost first: of `a/b/c.jpg` "", `a` and `a/b`.

    Of a remote source they begin with its scheme and host; a query is no part of them.
    """
    path = ref.location.partition("?")[0]
    start = path.find("/", path.find("://") + 3) if "://" in path else None
    if start is None:
        parts = path.split("/")[:-1]
        return ("", *("/".join(parts[: count + 1]) for count in range(len(parts))))
    host, parts = path[:start], path[start + 1 :].split("/")[:-1]
    return (host, *("/".join([host, *parts[: count + 1]]) for count in range(len(parts))))


def tags_of_source(ref: SourceRef) -> tuple[str, ...]:
    """The tags of a source and of each folder above it."""
    folders = (folder_tag(ref.scheme, ref.root, folder) for folder in folders_of(ref))
    return (source_tag(ref), *folders)


def named(kind: str, names: Iterable[str]) -> tuple[str, ...]:
    """Tags `<kind>-<name>` that may stand in a header: lower case, other characters as `_`."""
    return tuple(f"{kind}-{_safe(name)}" for name in names)


def from_origin(values: Iterable[str]) -> tuple[str, ...]:
    """What an origin says in Cache-Tag (commas) or Surrogate-Key (spaces), as tags of ours."""
    words = (word for value in values for word in re.split(r"[,\s]+", value) if word)
    return tuple(dict.fromkeys(_safe(word) for word in words))[: MOST // 2]


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name.lower())[:LONGEST]
