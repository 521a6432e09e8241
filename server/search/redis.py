"""The index in Redis, which all replicas share.

All keys have the same hash tag, so that they lie on one node of a cluster: an index of a million originals is less than
a gigabyte, and what belongs together is asked for together. Redis may drop any of them when it is full, and two
replicas may write one original at the same time. So lists only say where to look: what counts is the record, and what
a list says beside it is dropped when it is met.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Iterable, Sequence
from typing import Any

from redis.exceptions import ResponseError

from cache.address import Client
from cache.breaker import Unanswered
from cache.link import Link

from ..tags import named
from .bands import bands, near
from .index import CANDIDATES, MOST, Alike, Listed, OnEvent
from .record import Record, pack, unpack
from .scripts import GATHER, MEET

KEPT = 90 * 86_400  # s that a key lives after it was written last
CHUNK = 200  # records that are read, or looked through, at a time
SCANNED = 5_000  # of a list for one page, where few of them have the other tags too
CROWD = 2_000  # of one list of fingerprints that are looked at
EVICTED = 100

Command = tuple[Any, ...]


class RedisIndex:
    """At most `most` originals, the oldest going first. Raises ValueError for an address that can never work."""

    name = "redis"

    def __init__(
        self,
        address: str,
        *,
        prefix: str = "darkroom",
        most: int = MOST,
        on_event: OnEvent = lambda name, outcome: None,
    ) -> None:
        self.link = Link(address, on_event=lambda name, outcome: on_event(self.name, outcome))
        self._space = f"{{{prefix}:search}}"
        self._most = most
        self._on_event = on_event

    async def put(self, records: Sequence[Record]) -> None:
        for start in range(0, len(records), CHUNK):
            await self._put(records[start : start + CHUNK])

    async def _put(self, records: Sequence[Record]) -> None:
        known = await self._read([record.source for record in records])
        commands: list[Command] = []
        for record in records:
            old = known.get(record.source)
            whole = record.over(old.record if old else None)
            if old is not None and whole == old.record:
                self._on_event(self.name, "same")
                continue
            same = old is not None and old.record.content == whole.content
            number = old.number if old is not None and same else await self._next()
            listed = Listed(number, whole)
            gone = set(self._lists(old)) - set(self._lists(listed)) if old is not None else set()
            commands += [*(self._removal(*one) for one in gone), *self._additions(listed)]
            known[record.source] = listed
            self._on_event(self.name, "put")
        await self._pipeline(commands)
        if commands:
            await self._evict()

    async def get(self, source: str) -> Record | None:
        found = (await self._read([source])).get(source)
        return found.record if found else None

    async def tags(self, prefix: str, after: str, limit: int) -> list[tuple[str, int]]:
        start, found = max(after, prefix), list[tuple[str, int]]()
        inclusive = after < prefix
        while len(found) < limit:
            names = await self._names(start, prefix, limit, inclusive=inclusive)
            counts = await self._pipeline([("ZCARD", self._tagged(name)) for name in names])
            found += [(name, int(count)) for name, count in zip(names, counts, strict=True) if count]
            empty = [("ZREM", self._key("names"), name) for name, count in zip(names, counts, strict=True) if not count]
            await self._pipeline(empty)
            if len(names) < limit:
                break
            start, inclusive = names[-1], False
        return found[:limit]

    async def _names(self, start: str, prefix: str, limit: int, *, inclusive: bool) -> list[str]:
        low, high = ("[" if inclusive else "(") + start, f"({prefix}\U0010ffff"
        names = await self._execute(("ZRANGEBYLEX", self._key("names"), low, high, "LIMIT", 0, limit))
        return [_text(name) for name in names]

    async def sources(self, names: Sequence[str], before: int | None, limit: int) -> tuple[list[Listed], int | None]:
        """Along the rarest of the tags."""
        wanted, found, scanned = frozenset(names), list[Listed](), 0
        counts = await self._pipeline([("ZCARD", self._tagged(name)) for name in names])
        rarest, *others = (name for _, name in sorted(set(zip(counts, names, strict=True))))
        while scanned < SCANNED:
            looked, last, met = await self._met([rarest, *others], before, CHUNK if not others else SCANNED)
            records = await self._read([source for source, _ in met[:limit]])
            stale = [source for source, number in met[:limit] if not _holds(records.get(source), number, rarest)]
            await self._pipeline([("ZREM", self._tagged(rarest), source) for source in stale])
            for source, number in met[:limit]:
                listed = records.get(source)
                if listed is not None and listed.number == number and wanted <= listed.record.names:
                    found.append(listed)
                    if len(found) == limit:
                        return found, number
            rest = met[limit : limit + 1]
            if rest:
                before = met[limit - 1][1]
                continue
            if looked < (CHUNK if not others else SCANNED):
                return found, None
            before, scanned = last, scanned + looked
        return found, before

    async def _met(
        self, names: Sequence[str], before: int | None, count: int
    ) -> tuple[int, int | None, list[tuple[str, int]]]:
        most = "+inf" if before is None else f"({before}"
        keys = [self._tagged(name) for name in names]
        looked, last, flat = await self._execute(("EVAL", MEET, len(keys), *keys, most, count))
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return int(looked), int(last) if last else None, [(_text(source), int(number)) for source, number in pairs]

    async def similar(self, fingerprint: int, distance: int, limit: int) -> list[Alike]:
        keys = [self._band(band) for band in near(fingerprint, distance)]
        rows = await self._execute(("EVAL", GATHER, len(keys), *keys, CROWD, CANDIDATES))
        far = {source: bits for source, bits in _differing(rows, fingerprint) if bits <= distance}
        order = sorted(far, key=lambda source: (far[source], source))[: 4 * limit]  # some may be gone
        records = await self._read(order)
        alike = (
            Alike(far[source], listed)
            for source in order
            if (listed := records.get(source)) and listed.record.fingerprint is not None
            and (listed.record.fingerprint ^ fingerprint).bit_count() == far[source]
        )  # fmt: skip
        return sorted(alike, key=lambda one: (one.distance, -one.listed.number))[:limit]

    async def forget(self, marks: Collection[str]) -> int:
        sources = {mark for mark in marks if mark.startswith("src-")}
        for members in await self._pipeline([("SMEMBERS", self._marked(mark)) for mark in marks]):
            sources |= {_text(member) for member in members}
        for name in await self._names_marked(frozenset(marks)):
            sources |= {_text(source) for source in await self._execute(("ZRANGE", self._tagged(name), 0, -1))}
        gone = 0
        for start in range(0, len(ordered := sorted(sources)), CHUNK):
            gone += await self._drop(ordered[start : start + CHUNK])
        await self._pipeline([("UNLINK", self._marked(mark)) for mark in marks])
        for _ in range(gone):
            self._on_event(self.name, "forgotten")
        return gone

    async def close(self) -> None:
        await self.link.close()

    def describe(self) -> dict[str, Any]:
        return {**self.link.describe(), "name": self.name}

    async def _names_marked(self, marks: frozenset[str]) -> list[str]:
        if not any(mark.startswith("tag-") for mark in marks):
            return []
        names = await self._execute(("ZRANGE", self._key("names"), 0, -1))
        return [name for name in (_text(raw) for raw in names) if named("tag", [name])[0] in marks]

    async def _drop(self, sources: Sequence[str]) -> int:
        records = await self._read(sources)
        removals = [self._removal(*one) for listed in records.values() for one in self._lists(listed)]
        await self._pipeline([
            *removals, *(("UNLINK", self._record(source)) for source in sources),
            *(("ZREM", self._key("all"), source) for source in sources),
        ])  # fmt: skip
        return len(records)

    async def _evict(self) -> None:
        over = await self._execute(("ZCARD", self._key("all"))) - self._most
        if over <= 0:
            return
        count = max(over, min(EVICTED, self._most // 10))
        oldest = await self._execute(("ZRANGE", self._key("all"), 0, count - 1))
        for start in range(0, len(oldest), CHUNK):
            await self._drop([_text(source) for source in oldest[start : start + CHUNK]])
        for _ in oldest:
            self._on_event(self.name, "evicted")

    async def _next(self) -> int:
        return int(await self._execute(("INCR", self._key("last"))))

    async def _read(self, sources: Sequence[str]) -> dict[str, Listed]:
        if not sources:
            return {}
        rows = await self._execute(("MGET", *(self._record(source) for source in sources)))
        read = ((source, _unpacked(row)) for source, row in zip(sources, rows, strict=True))
        return {source: listed for source, listed in read if listed is not None and listed.record.source == source}

    def _additions(self, listed: Listed) -> Iterable[Command]:
        """The lists first: an entry without a record is dropped when it is met, a record without entries is not met."""
        record, number = listed.record, listed.number
        for kind, key, member in self._lists(listed):
            yield ("ZADD", key, number, member) if kind == "z" else ("SADD", key, member)
            yield "EXPIRE", key, KEPT
        for name in record.names:
            yield "ZADD", self._key("names"), 0, name
        yield "ZADD", self._key("all"), number, record.source
        yield "SET", self._record(record.source), number.to_bytes(8, "big") + pack(record), "EX", KEPT

    def _lists(self, listed: Listed) -> Iterable[tuple[str, str, str]]:
        """The lists that a record is in: of which type, under which key, as which member."""
        record = listed.record
        yield from (("z", self._tagged(name), record.source) for name in record.names)
        yield from (("s", self._marked(mark), record.source) for mark in record.marks)
        if record.fingerprint is not None:
            member = f"{record.fingerprint:016x}{record.source}"
            yield from (("s", self._band(band), member) for band in bands(record.fingerprint))

    def _removal(self, kind: str, key: str, member: str) -> Command:
        return ("ZREM" if kind == "z" else "SREM"), key, member

    async def _execute(self, command: Command) -> Any:
        def run(client: Client) -> Awaitable[Any]:
            # A cluster's client asks by the key that a command begins with; EVAL and MGET are of one slot here.
            return client.execute_command(*command)

        return await self.link.call(run)

    async def _pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """The replies. Raises Unanswered where one of them is an error."""
        if not commands:
            return []

        def run(client: Client) -> Awaitable[list[Any]]:
            pipeline: Any = client.pipeline(transaction=False) if not self.link.cluster else client.pipeline()
            for command in commands:
                pipeline.execute_command(*command)
            replies: Awaitable[list[Any]] = pipeline.execute(raise_on_error=False)
            return replies

        replies: list[Any] = await self.link.call(run)
        error = next((reply for reply in replies if isinstance(reply, Exception)), None)
        if error is not None:
            self.link.fail("error", type(error).__name__)
            raise Unanswered(str(error) if isinstance(error, ResponseError) else type(error).__name__)
        return replies

    def _key(self, name: str) -> str:
        return f"{self._space}:{name}"

    def _record(self, source: str) -> str:
        return f"{self._space}:s:{source}"

    def _tagged(self, name: str) -> str:
        return f"{self._space}:n:{name}"

    def _marked(self, mark: str) -> str:
        return f"{self._space}:m:{mark}"

    def _band(self, band: int) -> str:
        return f"{self._space}:b:{band:x}"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _holds(listed: Listed | None, number: int, name: str) -> bool:
    return listed is not None and listed.number == number and name in listed.record.names


def _unpacked(row: Any) -> Listed | None:
    record = unpack(row[8:]) if isinstance(row, bytes) else None
    return Listed(int.from_bytes(row[:8], "big"), record) if record is not None else None


def _differing(rows: Iterable[bytes], fingerprint: int) -> Iterable[tuple[str, int]]:
    for row in rows:
        try:
            yield row[16:].decode("ascii"), (int(row[:16], 16) ^ fingerprint).bit_count()
        except ValueError:
            continue
