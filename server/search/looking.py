"""What the index says, held against what is there now: originals that are gone or changed are dropped when met."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from transforms.failure import Failure, Kind
from transforms.pipeline import Pipeline

from ..admission import late
from ..gathering import Gathering, brought
from ..make import Maker
from ..originals import Originals
from ..render import Delivery
from ..sources.pull import PullThrough
from ..tags import source_tag
from ..urls.request import Request
from ..wanted import SECRET, Wanted
from .feed import Feed
from .index import Alike, Listed
from .paths import refs_at
from .record import FINGERPRINTED, Record

AT_ONCE = 50  # originals that are looked at in a row: one takes 22 µs, on a slow disk more
ROUNDS = 5  # through the index for a page, where what is met is gone
LOOK = Pipeline.parse("info")  # what is asked of a picture of which nothing but the fingerprint is wanted


class Looking:
    """Reads the index for people."""

    def __init__(
        self, feed: Feed, delivery: Delivery, maker: Maker, gathering: Gathering, originals: Originals,
        pull: PullThrough, seconds: float,
    ) -> None:  # fmt: skip
        self.feed = feed
        self._delivery = delivery
        self._maker = maker
        self._gathering = gathering
        self._originals = originals
        self._pull = pull
        self._seconds = seconds

    async def sources(self, names: Sequence[str], before: int | None, limit: int) -> tuple[list[Listed], int | None]:
        """As of Index.sources, of originals that are there."""
        found: list[Listed] = []
        for _ in range(ROUNDS):
            page, before = await self.feed.index.sources(names, before, limit - len(found))
            found += await self._present(page)
            if before is None or len(found) == limit:
                break
        return found, before

    async def similar(self, record: Record, distance: int, limit: int) -> list[Alike]:
        """The originals that look like this one, the nearest first, without itself."""
        if record.fingerprint is None:
            return []
        alike = await self.feed.index.similar(record.fingerprint, distance, 2 * limit + 1)
        others = [one for one in alike if one.listed.record.source != record.source]
        present = {one.number for one in await self._present([other.listed for other in others])}
        return [one for one in others if one.listed.number in present][:limit]

    async def known(self, request: Request, peer: str) -> Record:
        """What is known of a source, with a fingerprint that is made now if need be.

        Raises Failure `not-listed` for one that may not be told of, and those of any request for a picture.
        """
        if request.delivery in SECRET:
            raise not_listed()
        deadline = time.monotonic() + self._seconds
        asked = self._delivery.asked(Request(LOOK, request.source, request.cloud, request.delivery))
        wanted = asked.wanted(asked.negotiation.client({}), self._delivery.mounts)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._first(wanted, deadline, peer)
        except TimeoutError:
            raise late() from None

    async def _first(self, wanted: Wanted, deadline: float, peer: str) -> Record:
        absent: Failure | None = None
        for attempt in wanted.attempts:
            try:
                here = attempt if attempt.is_here else await brought(attempt, self._pull, deadline)
                return await self._known(here, deadline, peer)
            except Failure as failure:
                if failure.code != "source-not-found":
                    raise
                absent = absent or failure
        assert absent is not None  # noqa: S101 - there is an attempt, and each ends in a record or a failure
        raise absent

    async def _known(self, wanted: Wanted, deadline: float, peer: str) -> Record:
        version = await self._gathering.version(wanted)
        record = await self.feed.index.get(source_tag(wanted.ref))
        current = record is not None and version is not None and version.tag == record.version
        if record is not None and current and FINGERPRINTED in record.kinds:
            return record
        fresh = await self._maker.notice(wanted, deadline, peer)
        if fresh is None:
            raise not_listed()
        return fresh

    async def _present(self, page: Sequence[Listed]) -> list[Listed]:
        present: list[Listed] = []
        gone: list[str] = []
        for start in range(0, len(page), AT_ONCE):
            for listed in page[start : start + AT_ONCE]:
                if self._is_there(listed.record):
                    present.append(listed)
                else:
                    gone.append(listed.record.source)
            await asyncio.sleep(0)  # others have their turn
        if gone:
            await self.feed.forget(gone)
        return present

    def _is_there(self, record: Record) -> bool:
        """Whether its path still leads to this version of it, as far as is known without asking an origin."""
        refs = [ref for ref in refs_at(record.path, self._delivery.mounts) if source_tag(ref) == record.source]
        try:
            version = self._originals.near(refs[0]) if refs else None
        except Failure as failure:
            return failure.code != "source-not-found"
        return bool(refs) and (version is None or version.tag == record.version)


def not_listed() -> Failure:
    return Failure(
        Kind.FORBIDDEN, "not-listed", "of this source nothing is told",
        hint="private originals, those that may not be kept, and addresses with a query are not listed",
    )  # fmt: skip
