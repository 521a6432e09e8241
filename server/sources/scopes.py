"""Which public ids an entry of the settings file is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from .file import is_plain

DELIVERIES = ("upload", "private", "authenticated")
ANY = "*"

T = TypeVar("T")
K = TypeVar("K")

_SCOPE = re.compile(r"(\*|[A-Za-z0-9_-]*)(?::([a-z]+))?(?:/(.+))?", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Scope:
    """The public ids that an entry of the settings file is about: `<cloud>[:<delivery type>][/<prefix>]`.

    The cloud is a name, nothing (URLs that name none) or `*` (any, and none); the prefix is compared by whole folders.
    """

    cloud: str
    delivery: str = "upload"
    prefix: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Read a scope. Raises ValueError that says what is wrong with it."""
        match = _SCOPE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not of the form <cloud>[:<delivery type>][/<prefix>]")
        cloud, delivery, prefix = match.groups()
        if delivery not in (None, *DELIVERIES):
            raise ValueError(f"{delivery!r} is no delivery type with originals of its own: {', '.join(DELIVERIES)}")
        prefix = (prefix or "").removesuffix("/")
        if prefix and not is_plain(prefix):
            raise ValueError(f"{prefix!r} cannot be the beginning of a public id")
        return cls(cloud, delivery or "upload", tuple(prefix.split("/")) if prefix else ())

    def holds(self, cloud: str) -> bool:
        return self.cloud in (ANY, cloud)

    def rest(self, cloud: str, delivery: str, location: str) -> str | None:
        """What of a public id comes after the prefix; None where the scope is not about it."""
        parts = location.split("/")
        count = len(self.prefix)
        fits = self.holds(cloud) and delivery == self.delivery and tuple(parts[:count]) == self.prefix
        return "/".join(parts[count:]) or None if fits else None

    def __str__(self) -> str:
        delivery = "" if self.delivery == "upload" else f":{self.delivery}"
        return "/".join((self.cloud + delivery, *self.prefix))


class Scoped(Generic[T]):
    """Things by scope: an entry for the cloud comes before one for any cloud, a longer prefix before a shorter one."""

    def __init__(self, entries: Iterable[tuple[Scope, T]]) -> None:
        self._entries = sorted(entries, key=lambda entry: (entry[0].cloud == ANY, -len(entry[0].prefix)))

    def find(self, cloud: str, delivery: str, location: str) -> tuple[T, str] | None:
        """What is said about a public id, and the id below the prefix that it is said for."""
        for scope, value in self._entries:
            rest = scope.rest(cloud, delivery, location)
            if rest is not None:
                return value, rest
        return None

    def below(self, cloud: str, delivery: str, folder: str) -> Iterator[str]:
        """The prefixes of scopes that lie inside a folder of public ids."""
        start = tuple(folder.split("/")) if folder else ()
        for scope, _ in self._entries:
            inside = len(scope.prefix) > len(start) and scope.prefix[: len(start)] == start
            if inside and scope.holds(cloud) and scope.delivery == delivery:
                yield "/".join(scope.prefix)

    @property
    def entries(self) -> tuple[tuple[Scope, T], ...]:
        return tuple(self._entries)

    def all(self, kind: type[K]) -> Iterator[K]:
        """The things of one type."""
        return (value for _, value in self._entries if isinstance(value, kind))

    def clouds(self) -> frozenset[str]:
        return frozenset(scope.cloud for scope, _ in self._entries)
