"""Downloaded originals that are kept on disk, by content, in a folder that all fronts of an instance share.

Each use is a hard link of its own in the spool, so that nothing that is being read can be removed by another. What is
least recently used leaves first. Beside the bytes lies a note for each source: what is known of it, to revalidate by.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from cache.entry import Entry, pack, unpack

from .source import Fetched
from .spool import Reminder, Spool

_NAME = re.compile(r"(?:original|note)-[0-9a-f]{1,64}")  # what is ours in the folder; nothing else is ever removed
_LOCK = "originals.lock"  # holds the sum of bytes; byte ranges of it are the locks of sources
_BLOCK = 4096
_LEFT = 7 / 8  # of the capacity after clearing, so that not each download clears
_POLL = 0.03  # s between looks at what another front is fetching
_LARGEST = 20 * 2**20  # bytes of a source
_SOURCES = 1 << 32  # offset of the locks of sources in the lock file


class Kept:
    """At most `capacity` bytes of originals in `folder`, counted in blocks, as it really is when it is opened.

    Where the file system has less room than that, at least `largest` bytes are given back each time it is full.
    Raises OSError where the folder cannot be written to, or takes no hard links from the spool.
    """

    def __init__(self, folder: Path, capacity: int, spool: Spool, largest: int = _LARGEST) -> None:
        self._folder = folder
        self._capacity = capacity
        self._spool = spool
        self._largest = largest
        self._warn = Reminder()
        self._within = threading.Lock()  # a file lock belongs to the whole process
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            self._try_link()
            with self._counted() as count:
                count.bytes = self._clear(self._capacity)
        except BaseException:
            os.close(self._lock)
            raise
        spool.on_full = self.make_room

    def open(self, version: str, size: int) -> Fetched | None:
        """A link to the original in the spool, whose owner releases it; None where it is not kept. 25 µs."""
        path = Path(self._spool.reserve())
        try:
            os.link(self._folder / f"original-{version}", path)
            if path.stat().st_size == size:
                os.utime(path)
                return Fetched(path, version, size, owned=True)
        except OSError:
            return None
        path.unlink()  # cut short by a crash of the machine
        self.drop(version)
        return None

    async def keep(self, path: Path, version: str) -> None:
        """Keep what was downloaded to the spool. Where that fails it is told to the log, and not kept."""
        await asyncio.to_thread(self._add, f"original-{version}", path)

    def drop(self, version: str) -> None:
        (self._folder / f"original-{version}").unlink(missing_ok=True)

    def noted(self, key: str) -> tuple[Entry, float] | None:
        """The note about a source, and when it was written; None where there is none."""
        path = self._folder / f"note-{key}"
        try:
            return unpack(path.read_bytes()), path.stat().st_mtime
        except (OSError, ValueError):
            return None

    async def note(self, key: str, entry: Entry) -> None:
        try:
            with self._spool.file() as (descriptor, path):
                os.write(descriptor, pack(entry))
        except OSError as error:
            self._unkept(error)
            return
        try:
            await asyncio.to_thread(self._add, f"note-{key}", path, replacing=True)
        finally:
            path.unlink(missing_ok=True)

    def drop_note(self, key: str) -> None:
        (self._folder / f"note-{key}").unlink(missing_ok=True)

    async def make_room(self) -> bool:
        """Give room back for a source of the greatest size: the file system is full. Whether there was any to give."""
        return await asyncio.to_thread(self._make_room)

    @asynccontextmanager
    async def alone(self, key: str, deadline: float) -> AsyncIterator[bool]:
        """Hold a source among the fronts of this machine; whether another had it meanwhile.

        `deadline` is on the clock of time.monotonic(); TimeoutError after it. One task of a process at a time per key.
        """
        offset = _SOURCES + int(key[:15], 16)
        waited = False
        while not self._locked(offset):
            if time.monotonic() > deadline:
                raise TimeoutError
            waited = True
            await asyncio.sleep(_POLL)
        try:
            yield waited
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN, 1, offset)

    def close(self) -> None:
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def _locked(self, offset: int) -> bool:
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
        except OSError:
            return False
        return True

    def _try_link(self) -> None:
        probe = self._folder / f"original-{os.getpid():x}"
        with self._spool.file() as (_, path):
            pass
        try:
            probe.unlink(missing_ok=True)
            os.link(path, probe)
            probe.unlink()
        finally:
            path.unlink()

    def _add(self, name: str, path: Path, *, replacing: bool = False) -> None:
        target = self._folder / name
        try:
            size = _blocks(path.stat().st_size)
            if size > self._capacity:
                return
            with self._counted() as count:
                count.bytes += size - self._put(path, target, replacing)
                if count.bytes > self._capacity:
                    count.bytes = self._clear(int(self._capacity * _LEFT))
        except OSError as error:
            self._unkept(error)

    def _put(self, path: Path, target: Path, replacing: bool) -> int:
        """Link it in; the bytes that were there under that name."""
        before = _blocks(target.stat().st_size) if target.exists() else 0
        if replacing:
            os.replace(path, target)
        elif before:
            os.utime(target)
        else:
            os.link(path, target)
        return before

    def _make_room(self) -> bool:
        before = after = 0
        try:
            with self._counted() as count:
                before = sum(size for _, size, _ in self._scan())
                count.bytes = after = self._clear(min(before - _blocks(self._largest), int(before * _LEFT)))
        except OSError as error:
            self._unkept(error)
        return after < before

    def _unkept(self, error: OSError) -> None:
        if error.errno != errno.EXDEV:  # moved to another file system for want of room, which is told already
            self._warn("original not kept", reason=error.strerror)

    def _clear(self, most: int) -> int:
        """Remove the least recently used until no more than `most` bytes are left; how many are."""
        found = sorted(self._scan())
        total = sum(size for _, size, _ in found)
        for _, size, path in found:
            if total <= most:
                break
            os.unlink(path)
            total -= size
        return total

    def _scan(self) -> Iterator[tuple[float, int, str]]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if not _NAME.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # dropped meanwhile
                yield status.st_mtime, _blocks(status.st_size), entry.path

    @contextmanager
    def _counted(self) -> Iterator[_Count]:
        """The sum of bytes, alone among all fronts; what it is set to is written down."""
        with self._within:
            fcntl.lockf(self._lock, fcntl.LOCK_EX, 1, 0)
            try:
                written = os.pread(self._lock, 32, 0)
                count = _Count(int(written) if written.isdigit() else 0)
                yield count
                said = str(count.bytes).encode()
                os.pwrite(self._lock, said, 0)  # over what is there, since a full file system has no new block
                os.ftruncate(self._lock, len(said))
            finally:
                fcntl.lockf(self._lock, fcntl.LOCK_UN, 1, 0)


class _Count:
    def __init__(self, total: int) -> None:
        self.bytes = total


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
