"""Pull-through: an original that a folder lacks is fetched once from the old host, and kept in the folder."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from cachetools import TTLCache

from cache.flight import Flight
from cache.key import digest
from transforms.failure import Failure, Kind
from transforms.magic import sniff

from ..log import logger
from .file import EXTENSIONS, FORMATS, is_plain, split_extension
from .mounts import Absent, Place, located
from .source import Fetched, Source, SourceRef, not_found

REMEMBERED = 30.0  # s for which nobody asks again for what the old host has not got, or what is no picture
WORKSHOP = ".darkroom-pull"  # folder below the originals for half-written ones and locks
_LEFT_OVER = 3600.0  # s after which what lies in the workshop belongs to nobody any more
RESERVE = 2**29  # bytes that stay free where originals are kept: an old host may have a picture for every name
_POLL = 0.05  # s between looks at what another process is fetching

# Behind these, Cloudinary makes pictures of originals, and bills them: an id is only ever sent where it is read as one.
_CLOUDINARY = re.compile(r"/image/(upload|private|authenticated)/")


class PullThrough:
    """Brings absent originals. One download per original at a time, also among processes; files are never replaced."""

    def __init__(self, web: Source) -> None:
        self._web = web
        self._flight: Flight[None] = Flight()
        self._missing: TTLCache[str, Failure] = TTLCache(10_000, REMEMBERED)
        self._cleared: set[str] = set()

    async def bring(self, absent: Absent, deadline: float) -> Place:
        """The place of the original, now in its folder. `deadline` is on the clock of time.monotonic().

        Raises Failure: those of HttpSource.fetch, `not-an-image`, `unsupported-format`, `originals-full`.
        """
        # A path and an id of the same text are asked for by other names: what one has not got, the other may.
        key = digest(absent.folder.root, absent.location, absent.base.url, absent.rest, str(absent.exact))
        if key in self._missing:
            raise self._missing[key].with_details()
        await self._flight.run(key, lambda: self._bring(absent, key, deadline))
        return located(absent.folder, absent.location, exact=absent.exact)

    async def _bring(self, absent: Absent, key: str, deadline: float) -> None:
        if absent.folder.root not in self._cleared:
            self._cleared.add(absent.folder.root)
            clear(Path(absent.folder.root, WORKSHOP))
        try:
            async with _alone(Path(absent.folder.root, WORKSHOP), key, deadline):
                if not _is_here(absent):
                    await self._fetch(absent, deadline)
                    if not _is_here(absent):  # what came is of another format than a path says
                        raise not_found()
        except Failure as failure:
            if failure.kind in (Kind.NOT_FOUND, Kind.UNSUPPORTED_MEDIA):
                self._missing[key] = failure.with_details()
            raise

    async def _fetch(self, absent: Absent, deadline: float) -> None:
        failure = not_found()
        if shutil.disk_usage(absent.folder.root).free < RESERVE:
            raise _unkept(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        for ref, name in _candidates(absent):
            try:
                fetched = await self._web.fetch(ref, None, deadline)
            except Failure as found:
                if found.kind is not Kind.NOT_FOUND:
                    raise
                failure = found
                continue
            assert isinstance(fetched, Fetched)  # noqa: S101 - nothing was said to be known
            try:
                await asyncio.to_thread(_keep, fetched.path, Path(absent.folder.root), name, absent)
            finally:
                fetched.release()
            return
        raise failure


def _is_here(absent: Absent) -> bool:
    try:
        located(absent.folder, absent.location, exact=absent.exact)
    except Failure as failure:
        return failure.kind is not Kind.NOT_FOUND
    return True


def _candidates(absent: Absent) -> Iterator[tuple[SourceRef, str]]:
    """What the old host is asked for, at most twice, and the name that it is kept under.

    Cloudinary gives the original for an id without extension, and a converted picture for one with another: that must
    never get the name of the original, `a.gif` for `a.gif.png` or as a path. Nothing is kept that a web server hides or
    runs, under whatever name the old host has it.
    """
    extension = split_extension(absent.location)[1].lower()
    hidden = any(part.startswith(".") for part in absent.location.split("/"))
    if hidden or (absent.exact and extension not in ("", *EXTENSIONS)):
        return
    cloudinary = _CLOUDINARY.search(absent.base.url) is not None
    rest = f"v1/{absent.rest}" if cloudinary and "/" in absent.rest else absent.rest
    written = absent.base.at(rest), absent.location
    stem = split_extension(rest)[0]
    doubled = split_extension(stem)[1].lower() in EXTENSIONS
    if (doubled or extension not in EXTENSIONS) if cloudinary else (absent.exact or extension not in FORMATS):
        yield written
        return
    bare = absent.base.at(stem), split_extension(absent.location)[0]
    yield from (bare, written) if cloudinary else (written, bare)


def _keep(source: Path, root: Path, name: str, absent: Absent) -> None:
    """Copy a picture into the folder under a name that says its format, all at once, and only if nothing has that name.

    Raises Failure `not-an-image`, `unsupported-format`, `source-not-found` (no file can have the name),
    `originals-full`.
    """
    with source.open("rb") as file:
        kind = sniff(file.read(1024))
    if absent.exact and FORMATS.get(split_extension(absent.location)[1].lower()) == kind:
        name = absent.location
    elif (name != absent.location or not absent.exact) and split_extension(name)[1].lower() not in EXTENSIONS:
        name = f"{name}.{'jpg' if kind == 'jpeg' else kind}"
    target = _target(root, name)
    descriptor, draft = tempfile.mkstemp(suffix=".draft", dir=root / WORKSHOP)
    os.close(descriptor)
    try:
        shutil.copyfile(source, draft)
        os.chmod(draft, 0o644)
        target.parent.mkdir(parents=True, exist_ok=True)
        _publish(draft, target)
    except FileExistsError:
        if not target.is_file():
            raise not_found() from None
    except OSError as error:
        raise _unkept(error) from error
    finally:
        Path(draft).unlink(missing_ok=True)


def _publish(draft: str, target: Path) -> None:
    """Give a finished file its name; fails with FileExistsError where that is taken."""
    try:
        os.link(draft, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        if target.exists():  # a file system without hard links; the lock keeps others of us out meanwhile
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(draft, target)


def _target(root: Path, name: str) -> Path:
    """Where a name lies; nowhere outside the folder, whatever links there are in it."""
    real = os.path.realpath(root / name)
    if not is_plain(name) or name.split("/")[0] == WORKSHOP or os.path.commonpath((root, real)) != str(root):
        raise not_found()
    return Path(real)


def _unkept(error: OSError) -> Failure:
    if error.errno in (errno.ENOTDIR, errno.ENAMETOOLONG, errno.EISDIR, errno.EINVAL, errno.EILSEQ):
        return not_found()
    logger().error("original not kept", reason=error.strerror)
    return Failure(
        Kind.UNAVAILABLE, "originals-full", "an original was found, but cannot be kept", retry_after=30
    )  # fmt: skip


@asynccontextmanager
async def _alone(workshop: Path, key: str, deadline: float) -> AsyncIterator[None]:
    """Hold the lock of an original; waits for another process that has it, no longer than until the deadline."""
    try:
        os.makedirs(workshop, exist_ok=True)
        descriptor = os.open(workshop / f"{key}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise _unkept(error) from error
    try:
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise Failure(Kind.UNAVAILABLE, "deadline-exceeded", "the original is still on its way", retry_after=2)
            await asyncio.sleep(_POLL)
        try:
            yield
        finally:
            # Whoever waits for it has it open, and will hold a lock that newcomers do not see: at worst an original is
            # fetched twice, and the second is dropped because nothing is replaced.
            (workshop / f"{key}.lock").unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def clear(workshop: Path) -> None:
    """Remove what a crash left in a workshop."""
    for path in [*workshop.glob("*.draft"), *workshop.glob("*.lock")]:
        try:
            if time.time() - path.stat().st_mtime > _LEFT_OVER:
                path.unlink()
        except OSError:
            continue
