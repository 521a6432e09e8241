"""What a source is asked for and what it answers; the failures that every kind of source shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from transforms.failure import Failure, Kind

from .grant import UNSAID, Grant


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Which picture: for "file" the path inside its folder, for "http" and "https" the whole canonical URL, for storage
    ("s3", "gs", "az") the key below the mount's bucket and prefix.

    `root` is what the operator grants it by, the folder of a file or the address that a remote one must stay below; ""
    for a remote one that DARKROOM_ALLOWED_SOURCES must allow, and for a file that is not located yet. It is never shown
    to a client.
    """

    scheme: str
    location: str
    root: str = field(default="", repr=False)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What keys are made of: the same picture in another place is another one."""
        return self.scheme, self.root, self.location

    def __str__(self) -> str:
        return self.location


@dataclass(frozen=True, slots=True)
class Validators:
    """What an earlier answer of the origin can be compared by."""

    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source that lies on disk, complete.

    `version` changes when the bytes do: modification time and size of a file, a hash of what was downloaded.
    `grant` is what the origin says about keeping it, `tags` what it says in Cache-Tag and Surrogate-Key. Whoever got
    an `owned` one calls `release()` when it was read.
    """

    path: Path
    version: str
    size: int
    etag: str | None = None
    modified: str | None = None
    grant: Grant = UNSAID
    tags: tuple[str, ...] = ()
    owned: bool = False

    @property
    def validators(self) -> Validators | None:
        return Validators(self.etag, self.modified) if self.etag or self.modified else None

    def release(self) -> None:
        """Remove the spool file; a file of the media folder stays. May be called twice."""
        if self.owned:
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class NotModified:
    """The origin says that what the validators belong to still holds; see Fetched."""

    grant: Grant = UNSAID
    tags: tuple[str, ...] = ()


class Source(Protocol):
    """A kind of place that pictures come from."""

    def current(self, ref: SourceRef) -> str | None:
        """The version that a fetch would give, where it can be told at once; else None.

        Fails with a Failure where the source may not be fetched or is known not to be there. Called for each request.
        """
        ...

    async def fetch(self, ref: SourceRef, known: Validators | None, deadline: float) -> Fetched | NotModified:
        """Bring the picture to disk. `deadline` is on the clock of time.monotonic(). Fails with a Failure."""
        ...

    async def close(self) -> None: ...


def not_found() -> Failure:
    """One answer for all that is not there, must not be seen or cannot be a path: nothing to be learnt from it."""
    return Failure(Kind.NOT_FOUND, "source-not-found", "there is no such source")


def too_many_bytes(limit: int) -> Failure:
    return Failure(
        Kind.TOO_LARGE,
        "too-many-bytes",
        f"the source is larger than {limit} bytes",
        hint="DARKROOM_MAX_SRC_FILE_SIZE sets the limit",
        details={"limit": limit},
    )
