"""An output belongs to one run at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from transforms.failure import Failure, Kind

from .rows import Format, journal_of, not_written


@contextmanager
def claimed(path: Path, form: Format, *, resume: bool) -> Iterator[None]:
    """Holds the output, which is there from now on; one that was made for it and has no rows in the end is taken away.

    Raises Failure output-exists, output-in-use, output-not-a-file, output-not-written.
    """
    journal = journal_of(path, form)
    for one in {path, journal}:
        if one.exists() and not stat.S_ISREG(one.stat().st_mode):  # devices never end, pipes wait
            raise Failure(
                Kind.UNPROCESSABLE, "output-not-a-file", f"{one} is a folder or a device",
                hint="say a file, or leave out --output and pass standard output on",
            )  # fmt: skip
    held, made = _held(path, journal)
    try:
        if not resume and (not made or (path != journal and path.exists())):
            raise Failure(
                Kind.UNPROCESSABLE, "output-exists", f"{path} is there",
                hint="go on with it by --resume, or take it away",
            )  # fmt: skip
        yield
    finally:
        with suppress(OSError):
            if made and os.path.samestat(os.fstat(held), journal.stat()) and not journal.stat().st_size:
                journal.unlink()
        os.close(held)


def _held(path: Path, journal: Path) -> tuple[int, bool]:
    """The descriptor that holds it, and whether the file was made for it."""
    while True:
        try:
            held, made = _opened(journal)
        except OSError as error:
            raise not_written(path, error) from None
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(held), journal.stat()):
                return held, made
        except FileNotFoundError:
            pass  # the run that held it is at its end
        except OSError as error:
            os.close(held)
            raise _refused(path, error) from None
        os.close(held)


def _opened(path: Path) -> tuple[int, bool]:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o666), True
    except FileExistsError:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666), False


def _refused(path: Path, error: OSError) -> Failure:
    if isinstance(error, BlockingIOError):
        return Failure(
            Kind.UNPROCESSABLE, "output-in-use", f"another darkroom tag is writing {path}",
            hint="wait for it, or say another --output",
        )  # fmt: skip
    return Failure(Kind.UNPROCESSABLE, "output-not-written", f"{path} cannot be locked: {error.strerror}")
