"""Entries as files. Everything here blocks, and raises OSError where the disk does not do what it should."""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from .disk_index import Count, Moments, Tags, locked
from .entry import Entry, unpack
from .purges import REMEMBERED
from .store import JITTER, shortened

MAGIC = b"DRC2"
DIGEST = 16  # bytes, of the key and the packed entry: a file that was damaged, or renamed, is none
BLOCK = 4096  # bytes that a file takes at least
LEFT = 0.9  # of the capacity that eviction leaves, so that it is not due again at once
TOUCHED = 60.0  # s after which reading counts as a use again
ABANDONED = 3600.0  # s after which a temporary file belongs to nobody


def room(size: int) -> int:
    """Bytes that a file takes on disk."""
    return -(-size // BLOCK) * BLOCK


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    room: int
    used: int  # s
    expires: float


class Files:
    """`entries/<2 hex>/<30 hex>`: magic, digest, packed entry. The time of access is that of the last use, the time
    of modification that of expiry, so that sweeping opens nothing. Processes may share a folder."""

    def __init__(
        self,
        folder: Path,
        capacity: int,
        *,
        jitter: float = JITTER,
        remembered: float = REMEMBERED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._entries = folder / "entries"
        self._folder = folder
        self.capacity = capacity
        self._jitter = jitter
        self._clock = clock
        self._tags = Tags(folder / "tags")
        self._moments = Moments(folder / "purged", remembered)
        self._count = Count(folder / "bytes")

    def read(self, key: str) -> Entry | None:
        """The entry, if there is one that may be used; what is damaged or expired is removed."""
        name, now = _name(key), self._clock()
        try:
            with open(self._path(name), "rb", buffering=0) as file:
                state = os.fstat(file.fileno())
                raw = file.read()
                if state.st_mtime > now and now - state.st_atime > TOUCHED:
                    _touch(file.fileno(), now, state.st_mtime)
        except FileNotFoundError:
            return None
        entry = _unwrap(key, raw)
        if entry is None or now >= state.st_mtime or not entry.usable(now):
            self._remove(name)
            return None
        return None if self._moments.forbid(entry.tags, entry.stored_at) else entry

    def write(self, key: str, entry: Entry, packed: bytes) -> tuple[bool, int]:
        """Whether it is there now, and the bytes that all entries take."""
        name, now = _name(key), self._clock()
        keep_until = now + shortened(entry.keep_until - now, self._jitter)
        with self._tags.listing(name, entry.tags):
            change = self._place(self._path(name), _wrap(key, packed), (now, min(keep_until, 2.0**33)))
        total = self._count.add(change)
        # Only now: whoever purges notes it first and looks for entries then, so that one of the two sees the other.
        if self._moments.forbid(entry.tags, entry.stored_at):
            self._remove(name)
            return False, total
        return True, total

    def remove(self, *keys: str) -> None:
        for key in keys:
            self._remove(_name(key))

    def forbid(self, tags: Collection[str], moment: float) -> None:
        """From now on nothing with these tags that was begun before can be read or written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._moments.add(tags, moment)

    def purge(self, tags: Collection[str]) -> int:
        return sum(map(self._remove, self._tags.take(tags)))

    def mark(self) -> None:
        """Notes that until now all purges were heard of."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "heard").touch()

    def marked(self) -> float | None:
        """When that was last so."""
        try:
            return (self._folder / "heard").stat().st_mtime
        except OSError:
            return None

    def sweep(self) -> tuple[int, int]:
        """Counts what is really there, removes what has expired and, above the capacity, what was used longest ago.
        Gives the number of entries and their bytes. Where another process is at it, nothing is done."""
        self._entries.mkdir(parents=True, exist_ok=True)
        with locked(self._folder / "sweep", 0):
            ages: Counter[int] = Counter()
            files = total = 0
            for found in self._found():
                if found.expires <= self._clock():
                    _unlink(found.path)
                    continue
                ages[found.used] += found.room
                files, total = files + 1, total + found.room
            if total + self._tags.size() > self.capacity:
                gone, freed = self._evict(ages, total + self._tags.size() - int(self.capacity * LEFT))
                files, total = files - gone, total - freed
            self._tidy()
            return files, self._count.set(total + self._tags.size())

    def _evict(self, ages: Counter[int], excess: int) -> tuple[int, int]:
        """Removes the entries that were used longest ago, by the second. Gives their number and bytes."""
        cut, covered = 0, 0
        for cut in sorted(ages):
            covered += ages[cut]
            if covered >= excess:
                break
        gone = freed = 0
        for found in self._found():
            if (found.used < cut or (found.used == cut and freed < excess)) and _unlink(found.path):
                gone, freed = gone + 1, freed + found.room
        return gone, freed

    def _tidy(self) -> None:
        """A few lists a time: looking for each entry under each of its tags takes seconds with a million."""
        start = secrets.randbelow(8)
        for number in range(start, 256, 8):
            self._tags.compact(number, lambda name: self._path(name).exists())
        self._moments.trim(self._clock())

    def _found(self) -> Iterator[_Found]:
        """All entries, and temporary files that nobody will finish as expired ones."""
        for shard in sorted(os.listdir(self._entries)):
            time.sleep(0.0005)  # the event loop wants the interpreter as well
            for file in os.scandir(self._entries / shard):
                try:
                    state = file.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                temporary = file.name.startswith(".")
                if not temporary or time.time() - state.st_ctime > ABANDONED:
                    expires = 0.0 if temporary else state.st_mtime
                    yield _Found(file.path, room(state.st_size), int(state.st_atime), expires)

    def _path(self, name: bytes) -> Path:
        text = name.hex()
        return self._entries / text[:2] / text[2:]

    def _place(self, path: Path, data: bytes, times: tuple[float, float]) -> int:
        """Writes beside it and renames; gives the bytes that more are taken."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
        try:
            with open(temporary, "xb", buffering=0) as file:
                if file.write(data) != len(data):
                    raise OSError("a file was written in part")
            os.utime(temporary, times)
            before = _room_of(path)
            temporary.replace(path)
        except OSError:
            _unlink(str(temporary))
            raise
        return room(len(data)) - before

    def _remove(self, name: bytes) -> bool:
        path = self._path(name)
        taken = _room_of(path)
        gone = _unlink(str(path))
        if gone:
            self._count.add(-taken)
        return gone


def _name(key: str) -> bytes:
    return blake3(key.encode("utf-8", "surrogatepass")).digest(16)


def _digest(key: str, packed: bytes) -> bytes:
    hasher = blake3(key.encode("utf-8", "surrogatepass"))
    hasher.update(packed)
    return hasher.digest(DIGEST)


def _wrap(key: str, packed: bytes) -> bytes:
    return MAGIC + _digest(key, packed) + packed


def _unwrap(key: str, raw: bytes) -> Entry | None:
    start = len(MAGIC) + DIGEST
    packed = raw[start:]
    if raw[:start] != MAGIC + _digest(key, packed):
        return None
    try:
        return unpack(packed)
    except ValueError:  # another version's
        return None


def _room_of(path: Path) -> int:
    try:
        return room(path.stat().st_size)
    except FileNotFoundError:
        return 0


def _touch(file: int, used: float, expires: float) -> None:
    try:
        os.utime(file, (used, expires))
    except OSError:  # a folder that can only be read: eviction is another's business
        return


def _unlink(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
