"""Entries in Redis (or Valkey), shared by every process that is given the same address."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from typing import Any

import msgpack
from redis.exceptions import ResponseError

from .breaker import Breaker, Unanswered
from .entry import Entry, pack, unpack
from .link import Link, Refused
from .purges import Purges
from .store import JITTER, OnEvent, ignore

CAP = 2 * 2**20  # bytes of a packed entry; at 0.2 s for a reply, more would want a faster network than many have
LONGEST = 366 * 86400  # s that a key lives at most
CHUNK = 200  # keys that are unlinked at a time: Redis serves nobody else meanwhile
NOTED = 10_000  # purges that are kept for replicas that were away
SKEW = 5.0  # s by which the clock of Redis may differ from ours

# A set lives at least as long as each entry in it. One key, so that it runs on a cluster; EXPIRE … GT is younger than
# many servers.
TAG = """
redis.call('SADD', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""


class RedisStore:
    """One packed string per entry, under `<prefix>:<key>`, expiring by itself; the keys with a tag as a set under
    `<prefix>:tag:<tag>`; what was purged, for replicas and writers to read, as a stream under `<prefix>:purges`.

    The address takes what redis-py's does: `redis://user:password@host:6379/2`, `rediss://host`, `unix:///path?db=1`,
    and options (`?socket_timeout=1`, `ssl_ca_certs=…`). Raises ValueError for an address that can never work.
    """

    name = "redis"

    def __init__(
        self,
        address: str,
        *,
        prefix: str = "darkroom",
        cap: int = CAP,
        sender: str = "",
        purges: Purges | None = None,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.time,
        on_event: OnEvent | None = None,
    ) -> None:
        self.link = Link(address, breaker=breaker, on_event=on_event or ignore)
        self.prefix = prefix
        self._own = f"{prefix}:".encode()
        self.sender = sender
        self._cap = cap
        self._purges = purges or Purges(clock=clock)
        self._clock = clock
        self._owed: dict[str, float] = {}
        self._told: set[float] = set()  # moments of purges that are owed and that the others know of

    @property
    def stream(self) -> str:
        return f"{self.prefix}:purges"

    @property
    def owes(self) -> bool:
        """Whether there are purges that Redis has not done yet."""
        return bool(self._owed)

    def near(self, key: str) -> Entry | None:
        return None

    def shares(self, entry: Entry) -> bool:
        """Whether other replicas can get this entry from here."""
        return len(entry.body) < self._cap

    async def get(self, key: str) -> Entry | None:
        name = self._name(key)
        try:
            packed = await self.link.call(lambda client: client.get(name))
        except Refused as refused:
            if not refused.wrong_type:
                return None
            packed = None
        except Unanswered:
            return None
        entry = self._read(packed)
        self.link.report("miss" if entry is None else "hit")
        return entry

    async def put(self, key: str, entry: Entry) -> None:
        left = entry.keep_until - self._clock()
        if left <= 0 or len(entry.body) >= self._cap or self._purges.forbid(entry):
            await self._skip(key)
            return
        try:
            packed = pack(entry)
        except ValueError:
            self.link.fail("error", "meta that cannot be packed")
            await self.delete(key)
            return
        if len(packed) > self._cap:
            await self._skip(key)
            return
        try:
            await self._write(self._name(key), entry, packed, _milliseconds(left))
        except Unanswered:
            return

    async def delete(self, *keys: str) -> None:
        try:
            for start in range(0, len(keys), CHUNK):
                await self._unlink([self._name(key) for key in keys[start : start + CHUNK]])
        except Unanswered:
            return

    async def purge(self, tags: Collection[str]) -> int:
        moment = self._purges.add(tags)
        for tag in tags:
            self._owed[tag] = moment
        return await self.settle()

    async def settle(self) -> int:
        """Does the purges that are owed, and gives the number of entries that went. What fails now stays owed."""
        owed, gone = dict(self._owed), 0
        try:
            told = await self._tell(owed)
            for tag in owed:
                gone += await self._purge(tag)
            if not told:  # it was full, and now has room
                told = await self._tell(owed)
        except Unanswered:
            return gone
        if told:
            self._owed = {tag: at for tag, at in self._owed.items() if owed.get(tag) != at}
            self._told &= set(self._owed.values())
        return gone

    async def drop_stream(self) -> None:
        """For when something else lies in its place."""
        try:
            await self._unlink([self.stream])
        except Unanswered:
            return

    async def ping(self) -> bool:
        """Whether Redis answers now; asked even while it is left alone."""
        return await self.link.ping()

    async def close(self) -> None:
        await self.link.close()

    def describe(self) -> dict[str, Any]:
        return self.link.describe()

    def _name(self, key: str) -> str:
        return f"{self.prefix}:{key}"

    def _set(self, tag: str) -> str:
        return f"{self.prefix}:tag:{tag}"

    def _read(self, packed: bytes | str | None) -> Entry | None:
        try:
            entry = unpack(packed) if isinstance(packed, bytes) else None
        except ValueError:  # not ours, or another version's
            return None
        if entry is None or not entry.usable(self._clock()) or self._purges.forbid(entry):
            return None
        return entry

    async def _skip(self, key: str) -> None:
        self.link.report("skipped")
        await self.delete(key)

    async def _write(self, name: str, entry: Entry, packed: bytes, ttl: int) -> None:
        """The entry and its tags. One that is not under all its tags, or was purged meanwhile, goes again."""
        if not entry.tags:
            await self.link.call(lambda client: client.set(name, packed, px=ttl))
            return
        tagging = [("EVAL", TAG, 1, self._set(tag), name, ttl + 1000) for tag in entry.tags]
        replies = await self._pipeline(*tagging, ("SET", name, packed, "PX", ttl))
        errors = {index: reply for index, reply in enumerate(replies) if isinstance(reply, Exception)}
        if errors:
            strange = [index for index, error in errors.items() if "WRONGTYPE" in str(error)]
            self.link.fail("error", type(next(iter(errors.values()))).__name__)
            await self._unlink([name, *(self._set(entry.tags[index]) for index in strange)])
        # Only now: whoever purges notes it first and looks for entries then, so that one of the two sees the other.
        elif self._purges.forbid(entry) or await self._purged_since(entry):
            self.link.report("skipped")
            await self._unlink([name])

    async def _purged_since(self, entry: Entry) -> bool:
        since = max(0, int(1000 * (entry.stored_at - SKEW)))
        try:
            notes = await self.link.call(lambda client: client.xrange(self.stream, min=since))
        except Refused:  # a stream that is none
            return False
        read = (read_note(note) for _, note in notes or ())
        return any(entry.stored_at <= moment and tag in entry.tags for tags, moment, _ in read for tag in tags)

    async def _tell(self, owed: dict[str, float]) -> bool:
        """Notes the purges in the stream, which tells the replicas. False where there is no room for that."""
        by_moment: dict[float, list[str]] = {}
        for tag, moment in owed.items():
            by_moment.setdefault(moment, []).append(tag)
        for moment, tags in by_moment.items():
            if moment in self._told:
                continue
            note = {"v": msgpack.packb([tags, moment, self.sender])}
            try:
                await self.link.call(
                    lambda client, note=note: client.xadd(self.stream, note, maxlen=NOTED, approximate=True)  # type: ignore[misc]
                )
            except Refused as refused:
                if refused.wrong_type:
                    await self.drop_stream()
                return False
            self._told.add(moment)
        return True

    async def _purge(self, tag: str) -> int:
        """Unlinks what is in the set of a tag, page by page: it may have a million members."""
        name, cursor, gone = self._set(tag), 0, 0
        while True:
            try:
                page = await self.link.call(
                    lambda client, cursor=cursor: client.sscan(name, cursor=cursor, count=CHUNK)  # type: ignore[misc]
                )
            except Refused as refused:
                if refused.wrong_type:
                    await self._unlink([name])
                    return gone
                raise
            cursor, members = int(page[0]), [member for member in page[1] if member.startswith(self._own)]
            if members:
                gone += await self._unlink(members)
                await self.link.call(lambda client, members=members: client.srem(name, *members))  # type: ignore[misc]
            if not cursor:
                return gone

    async def _unlink(self, names: Collection[str | bytes]) -> int:
        """One by one in a pipeline: a cluster takes no command for keys of several slots."""
        if not names:
            return 0
        replies = await self._pipeline(*(("UNLINK", name) for name in names))
        return sum(reply for reply in replies if isinstance(reply, int))

    async def _pipeline(self, *commands: tuple[Any, ...]) -> list[Any]:
        """The replies, errors of single commands among them."""

        async def run(client: Any) -> list[Any]:
            pipeline = client.pipeline() if self.link.cluster else client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            replies: list[Any] = await pipeline.execute(raise_on_error=False)
            for reply in replies:
                if isinstance(reply, Exception) and not isinstance(reply, ResponseError):
                    raise reply  # of a cluster's node that does not answer
            return replies

        return await self.link.call(run)


def read_note(note: Any) -> tuple[list[str], float, str]:
    """Tags, moment and sender of a purge; nothing where it is none."""
    try:
        tags, moment, sender = msgpack.unpackb(note[b"v"])
        return [tag for tag in tags if isinstance(tag, str)], float(moment), str(sender)
    except (ValueError, TypeError, KeyError):
        return [], 0.0, ""


def _milliseconds(left: float) -> int:
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (not a secret)
    return max(1, int(1000 * min(left, LONGEST) * spread))
