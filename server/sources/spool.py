"""Where downloads lie until they are rendered: a folder of this instance, in memory where there is room for it.

A download for which the file system has no room left goes on: first what is kept gives room back, then it moves.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from transforms.failure import Failure, Kind

from ..log import logger

_PREFIX = "darkroom-spool-"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, readable by nobody else
_SPARE = 8 * 20 * 2**20  # bytes that another folder should have free
_QUIET = 60.0  # s between warnings of a kind


def roomiest(needed: int) -> Path:
    """The folder for spool folders: /dev/shm if it has `needed` bytes free, else the system's temporary folder.

    Docker gives a container 64 MiB of /dev/shm unless told otherwise, which four sources of 20 MiB would fill.
    """
    if os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free >= needed:
        return _IN_MEMORY
    return Path(tempfile.gettempdir())


def is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


class Reminder:
    """A warning in the log, at most once a minute: a full disk would write a line for each request."""

    def __init__(self) -> None:
        self._last = -math.inf

    def __call__(self, event: str, **fields: object) -> None:
        now = time.monotonic()
        if now - self._last >= _QUIET:
            self._last = now
            logger().warning(event, **fields)


class Spool:
    """A folder of one instance, locked while that lives, so that the next one can clear away after a crash.

    `on_full` gives room back on the file system and says whether there was any to give.
    """

    on_full: Callable[[], Awaitable[bool]] | None = None

    def __init__(self, parent: Path) -> None:
        sweep(parent)
        self.folder, self._lock = _claim(parent)
        self._reserved = 0
        self._spare: Spool | None = None
        self.warn = Reminder()

    @asynccontextmanager
    async def draft(self) -> AsyncIterator[Draft]:
        """A new file to write to; it stays only if the block ends without an error. Raises Failure `spool-full`."""
        draft = Draft(self)
        try:
            await draft.start()
            yield draft
        except BaseException:
            draft.discard()
            raise
        draft.finish()

    def spare(self) -> Spool:
        """Another folder, for what this one has no room for. Raises OSError."""
        if self._spare is None:
            self._spare = Spool(roomiest(_SPARE))
        return self._spare

    @contextmanager
    def file(self) -> Iterator[tuple[int, Path]]:
        """A new file as open descriptor and path; it stays only if the block ends without an error."""
        descriptor, name = tempfile.mkstemp(dir=self.folder)
        try:
            yield descriptor, Path(name)
        except BaseException:
            os.unlink(name)
            raise
        finally:
            os.close(descriptor)

    def reserve(self) -> str:
        """A path in the folder that nothing has."""
        self._reserved += 1
        return f"{self.folder}/link-{self._reserved}"

    def close(self) -> None:
        """Remove the folder and what is left in it. May be called twice."""
        shutil.rmtree(self.folder, ignore_errors=True)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.close()


class Draft:
    """A download that is being written. `path` may change until it is finished."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._descriptor = -1
        self.path = spool.folder
        self._remedies = iter((self._make_room, self._move))

    async def start(self) -> None:
        while self._descriptor < 0:
            try:
                self._take(*_new(self._spool.folder))
            except OSError as error:
                await self._mend(error)

    async def write(self, view: memoryview) -> None:
        """All of it. Raises Failure `spool-full` where there is no room for it anywhere."""
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except OSError as error:
                await self._mend(error)

    def finish(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def discard(self) -> None:
        if self._descriptor >= 0:
            self.finish()
            self.path.unlink(missing_ok=True)

    async def _mend(self, error: OSError) -> None:
        """Do the next that may help; raises the error where it is another, Failure where nothing is left to do."""
        if not is_full(error):
            raise error
        self._spool.warn("no room left for downloads", folder=str(self._spool.folder.parent), reason=error.strerror)
        for remedy in self._remedies:
            if await remedy():
                return
        raise Failure(
            Kind.UNAVAILABLE, "spool-full", "there is no room left for another source", retry_after=2
        ) from error

    async def _make_room(self) -> bool:
        return self._spool.on_full is not None and await self._spool.on_full()

    async def _move(self) -> bool:
        """To the spare folder, with what there is; 20 MiB into memory are 10 ms, which no thread is worth."""
        try:
            descriptor, path = _new(self._spool.spare().folder)
        except OSError:
            return False
        try:
            if self._descriptor >= 0:
                _copy(self.path, descriptor)
        except OSError:
            os.close(descriptor)
            path.unlink()
            return False
        self.discard()
        self._take(descriptor, path)
        return True

    def _take(self, descriptor: int, path: Path) -> None:
        self._descriptor, self.path = descriptor, path


def _new(folder: Path) -> tuple[int, Path]:
    descriptor, name = tempfile.mkstemp(dir=folder)
    return descriptor, Path(name)


def _copy(path: Path, descriptor: int) -> None:
    with path.open("rb") as source, open(descriptor, "wb", closefd=False) as target:
        shutil.copyfileobj(source, target, 2**20)


def _claim(parent: Path) -> tuple[Path, int | None]:
    for _ in range(5):  # an instance that starts at the same moment may sweep the folder before it is locked
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = _lock(folder)
        if lock is not None:
            return folder, lock
    raise OSError(f"no folder under {parent} could be locked")


def sweep(parent: Path) -> None:
    """Remove the folders of instances that are gone: those whose lock nobody holds."""
    for folder in parent.glob(f"{_PREFIX}*"):
        lock = _lock(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock the folder itself, until the descriptor is closed or the process ends; None where another holds it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None  # another user's, or just gone
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
