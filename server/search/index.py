"""What every index of findings can do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .record import Record

Outcome = Literal["put", "same", "forgotten", "evicted", "gone", "error", "timeout", "open", "dropped", "rebuilt"]
"""What became of a record, or of a call that did not do its work."""

OnEvent = Callable[[str, str], None]  # name of the index, outcome

MOST = 1_000_000  # originals; about 0.6 kB each
CANDIDATES = 20_000  # fingerprints that are compared for one question


@dataclass(frozen=True, slots=True)
class Listed:
    """A record, and the number under which it stands in the order of listings: the later, the greater."""

    number: int
    record: Record


@dataclass(frozen=True, slots=True)
class Alike:
    """A record, and the bits (0 to 64) in which its fingerprint differs."""

    distance: int
    listed: Listed


class Index(Protocol):
    """Records by the tag of their source. Reads and writes raise `cache.breaker.Unanswered` where it is out of reach;
    whoever answers a request with a picture does not wait for it."""

    name: str

    async def put(self, records: Sequence[Record]) -> None:
        """Adds them, each over what is known of the same content; what was known of other content goes."""

    async def get(self, source: str) -> Record | None: ...

    async def tags(self, prefix: str, after: str, limit: int) -> list[tuple[str, int]]:
        """Tags that begin with `prefix` and come after `after`, in their order, with how many originals have each."""

    async def sources(self, names: Sequence[str], before: int | None, limit: int) -> tuple[list[Listed], int | None]:
        """Originals that have all these tags, the latest first, below the number `before`; and the number to go on
        below, None where there are no more. A page may be short, or empty, and still have a next."""

    async def similar(self, fingerprint: int, distance: int, limit: int) -> list[Alike]:
        """The nearest originals whose fingerprints differ in at most `distance` bits (0 to 15)."""

    async def forget(self, marks: Collection[str]) -> int:
        """Drops originals by the tags that purge them: their own, of folders, of origins, and `tag-…` of what was found
        in them. Gives their number."""

    async def close(self) -> None: ...

    def describe(self) -> dict[str, Any]:
        """`name` and `state` (up or down), without waiting."""
