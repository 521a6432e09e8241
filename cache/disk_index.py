"""Beside the entries on disk: which of them have a tag, which tags were purged lately, how many bytes there are.

Several processes share these files. Lists are appended to (one write, so that records of others do not mix) and
shortened by renaming them away first, under a lock; whoever appended to a list that went meanwhile does it again.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from blake3 import blake3

PATIENCE = 2.0  # s to wait for the lock: a stopped process may hold it

_TAGGED = struct.Struct("8s16s")  # tag, name of the entry
_PURGED = struct.Struct("<8sd")  # tag, moment
_COUNT = struct.Struct("<q")


def short(tag: str) -> bytes:
    """A tag in 8 bytes. Two tags that share them are purged together, which costs an entry, not the truth."""
    return blake3(tag.encode("utf-8", "surrogatepass")).digest(8)


@contextmanager
def locked(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """The lock that a file stands for; TimeoutError, which is an OSError, where another keeps it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + patience
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise TimeoutError from None
                time.sleep(0.005)
        yield
    finally:
        os.close(file)


def append(path: Path, records: bytes, size: int) -> None:
    """Adds records of a size to a list."""
    os.close(_appended(path, records, size))


def _appended(path: Path, records: bytes, size: int) -> int:
    """The list, open, to which the records were added; it may be renamed away meanwhile, and is then begun anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            torn = bytes(-os.fstat(file).st_size % size)  # where a full disk took a part of a record
            if os.write(file, torn + records) != len(torn + records):
                raise OSError("a list was written in part")
            if _is(path, file):
                return file
        except OSError:
            os.close(file)
            raise
        os.close(file)


def _is(path: Path, file: int) -> bool:
    """Whether an open file is still the one of that name. It is open, so that no other can have its number."""
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _whole(records: bytes, size: int) -> memoryview:
    """Without what a full disk left of a last record."""
    return memoryview(records)[: len(records) // size * size]


class Tags:
    """Names of entries by tag, in 256 lists: a file for each tag would take a block for each source."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def listing(self, name: bytes, tags: Iterable[str]) -> Iterator[None]:
        """Lists an entry that is put there meanwhile: first, so that one that is there is listed even if this process
        dies; and again where a list was shortened before there was an entry to keep the record for."""
        records = [_TAGGED.pack(tag, name) for tag in map(short, tags)]
        with ExitStack() as stack:
            files = []
            for record in records:
                files.append(_appended(self._list(record[0]), record, _TAGGED.size))
                stack.callback(os.close, files[-1])
            yield
            for record, file in zip(records, files, strict=True):
                if not _is(self._list(record[0]), file):
                    append(self._list(record[0]), record, _TAGGED.size)

    def take(self, tags: Collection[str]) -> set[bytes]:
        """The names with any of the tags, which are then no longer listed under them."""
        wanted, taken = set(map(short, tags)), set()
        for number in {tag[0] for tag in wanted}:
            for tag, name in self._rewrite(number, lambda tag, _: tag not in wanted):
                if tag in wanted:
                    taken.add(name)
        return taken

    def compact(self, number: int, there: Callable[[bytes], bool]) -> None:
        """Shortens one of the lists to entries that are there."""
        self._rewrite(number, lambda _, name: there(name))

    def size(self) -> int:
        """Bytes of all lists."""
        return sum(file.stat().st_size for file in os.scandir(self._folder)) if self._folder.is_dir() else 0

    def _list(self, number: int) -> Path:
        return self._folder / f"{number:02x}"

    def _rewrite(self, number: int, keep: Callable[[bytes, bytes], bool]) -> list[tuple[bytes, bytes]]:
        """Keeps some records of a list, without doubles; gives all that were in it."""
        path = self._list(number)
        away = path.with_suffix(".old")
        with locked(self._folder.with_suffix(".lock")):
            if left := _read(away):  # somebody was killed at this point
                append(path, left, _TAGGED.size)
            try:
                path.replace(away)
            except FileNotFoundError:
                return []
            records = list(dict.fromkeys(_TAGGED.iter_unpack(_whole(_read(away), _TAGGED.size))))
            if kept := b"".join(_TAGGED.pack(*record) for record in records if keep(*record)):
                append(path, kept, _TAGGED.size)
            away.unlink()
        return records


class Moments:
    """When tags were purged, for the processes that share the folder."""

    def __init__(self, path: Path, remembered: float) -> None:
        self._path = path
        self._remembered = remembered
        self._seen: tuple[int, int] = (0, 0)
        self._moments: dict[bytes, float] = {}

    def add(self, tags: Collection[str], moment: float) -> None:
        append(self._path, b"".join(_PURGED.pack(short(tag), moment) for tag in tags), _PURGED.size)

    def forbid(self, tags: Collection[str], began: float) -> bool:
        """Whether something with these tags that was begun then is out of date. 2 µs where nobody purged since."""
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return False
        if (state.st_ino, state.st_size) != self._seen:
            self._seen = (state.st_ino, state.st_size)
            self._moments = self._load()
        return bool(self._moments) and any(began <= self._moments.get(short(tag), -1.0) for tag in tags)

    def trim(self, now: float) -> None:
        """Forgets what is older than any request."""
        with locked(self._path.with_suffix(".lock")):
            kept = {tag: at for tag, at in self._load().items() if now - at < self._remembered}
            fresh = self._path.with_suffix(".new")
            fresh.write_bytes(b"".join(_PURGED.pack(*item) for item in kept.items()))
            fresh.replace(self._path)

    def _load(self) -> dict[bytes, float]:
        moments: dict[bytes, float] = {}
        for tag, moment in _PURGED.iter_unpack(_whole(_read(self._path), _PURGED.size)):
            moments[tag] = max(moment, moments.get(tag, moment))
        return moments


class Count:
    """A number of bytes that processes share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread_lock = threading.Lock()  # a lock on a file holds between processes

    def add(self, change: int) -> int:
        return self._update(lambda total: max(0, total + change))

    def set(self, total: int) -> int:
        return self._update(lambda _: total)

    def _update(self, new: Callable[[int], int]) -> int:
        with self._thread_lock:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                raw = os.pread(file, _COUNT.size, 0)
                total = new(_COUNT.unpack(raw)[0] if len(raw) == _COUNT.size else 0)
                os.pwrite(file, _COUNT.pack(total), 0)
                return total
            finally:
                os.close(file)
