"""Where downloads lie until they are rendered: a folder of this instance, in memory where there is room for it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "darkroom-spool-"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, readable by nobody else


def roomiest(needed: int) -> Path:
    """The folder for spool folders: /dev/shm if it has `needed` bytes free, else the system's temporary folder.

    Docker gives a container 64 MiB of /dev/shm unless told otherwise, which four sources of 20 MiB would fill.
    """
    if os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free >= needed:
        return _IN_MEMORY
    return Path(tempfile.gettempdir())


class Spool:
    """A folder of one instance, locked while that lives, so that the next one can clear away after a crash."""

    def __init__(self, parent: Path) -> None:
        sweep(parent)
        self.folder, self._lock = _claim(parent)
        self._reserved = 0

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
