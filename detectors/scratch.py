"""Folders in the models folder that nobody looks into: gone at the end, and where a process was killed, later.

Each is held by a lock (flock) for as long as its process runs, so that nobody else takes it for left over.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from transforms.failure import Failure, Kind

FORGOTTEN_S = 86_400.0
"""Age from which a folder is left over where the file system has no locks; an export takes half an hour at most."""

STOPPED_S = 3600.0
"""Age from which a download is: from its last byte on. It gives up after a quarter of that."""

TAKEN = frozenset([errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR])
"""What renaming a folder to a name that is taken fails with."""

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_FOLDER = re.compile(r"\.(add|export|pull)-[a-z0-9_]{8}")
_DOWNLOAD = re.compile(r"\..+\.[0-9a-f]{8}\.part")
_REPLACED = re.compile(r"\.old-([a-z0-9-]+)\.[0-9a-f]{8}")


@contextmanager
def writable() -> Iterator[None]:
    """Raises Failure models-folder-not-writable for an OSError."""
    try:
        yield
    except OSError as error:
        raise Failure(
            Kind.INTERNAL, "models-folder-not-writable", f"cannot write to the models folder: {error.strerror}"
        ) from error


@contextmanager
def scratch(parent: Path, purpose: str) -> Iterator[Path]:
    """A new folder in `parent`, gone at the end; `purpose` is "add", "export" or "pull".

    Raises Failure models-folder-not-writable.
    """
    held: tuple[Path, int] | None = None
    try:
        with _undisturbed(), writable():
            parent.mkdir(parents=True, exist_ok=True)
            held = _held(parent, f".{purpose}-")
        yield held[0]
    finally:
        if held:
            with _undisturbed():
                shutil.rmtree(held[0], ignore_errors=True)
                os.close(held[1])


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals that end the process wait until the end: else one could come before what there is to remove is known."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def sweep(models: Path) -> None:
    """Remove what killed processes left in a models folder and in its models' folders; what runs keeps its own."""
    for folder in (models, *_children(models)):
        for child in _children(folder, hidden=True):
            with suppress(OSError):
                _sweep(child)


def settle(old: Path, target: Path) -> None:
    """End a replacement: the model that was replaced goes, or gets its name back where no other came."""
    try:
        old.rename(target)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in TAKEN:
            raise
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)


def _held(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new folder, and the open file that holds its lock."""
    while True:
        place = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):  # swept before it was locked
            lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
            if _locked(lock) is not False and place.exists():
                return place, lock
            os.close(lock)


def _locked(file: int) -> bool | None:
    """Lock an open folder: whether that went, or None where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _children(folder: Path, *, hidden: bool = False) -> list[Path]:
    """Folders of models, or of what is hidden everything; none where it cannot be read."""
    try:
        names = [child for child in folder.iterdir() if child.name.startswith(".") == hidden]
        return names if hidden else [child for child in names if child.is_dir()]
    except OSError:
        return []


def _sweep(path: Path) -> None:
    if replaced := _REPLACED.fullmatch(path.name):
        settle(path, path.with_name(replaced[1]))
    elif _DOWNLOAD.fullmatch(path.name) and path.is_file():
        if _age(path) > STOPPED_S:
            path.unlink()
    elif _FOLDER.fullmatch(path.name):
        file = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            free = _locked(file)
            if free or (free is None and _age(path) > FORGOTTEN_S):
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(file)


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime
