"""Pictures of the media folder, and which of its files a Cloudinary public id means."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from werkzeug.http import http_date

from transforms.failure import bad_argument, nearest
from transforms.output import OUTPUT_FORMATS, OutputFormat

from .source import Fetched, NotModified, SourceRef, Validators, not_found, too_many_bytes

EXTENSIONS = ("jpg", "jpeg", "png", "webp", "gif", "avif", "heic", "heif", "tif", "tiff", "bmp", "ico", "jp2")
"""Extensions that are tried, in this order, for a public id without one or with another."""

FORMATS: dict[str, OutputFormat] = {
    **{name: name for name in OUTPUT_FORMATS},
    **{alias: name for alias, meant in (("jpg", "jpeg"), ("tif", "tiff")) for name in OUTPUT_FORMATS if name == meant},
}
"""Output formats by the extension that names them."""

_DRIVE = re.compile(r"[A-Za-z]:")
_SCANNED = 1000  # entries of the media folder that are looked at for samples


class FileSource:
    """Source of "file" references: regular files below `root`, symbolic links followed as long as they stay there.

    What has a part that begins with a dot is not there.
    """

    def __init__(self, root: Path, max_bytes: int = 20 * 2**20) -> None:
        self.root = os.path.realpath(root)
        self._inside = self.root.rstrip("/") + "/"
        self._max_bytes = max_bytes

    def current(self, ref: SourceRef) -> str:
        """The version of the file as it is now. Raises Failure `source-not-found`."""
        return _version(self._find(ref.location)[1])

    async def fetch(self, ref: SourceRef, known: Validators | None, deadline: float) -> Fetched | NotModified:
        """The file itself, where it lies. Raises Failure `source-not-found`, `too-many-bytes`."""
        path, status = self._find(ref.location)
        if status.st_size > self._max_bytes:
            raise too_many_bytes(self._max_bytes)
        return Fetched(Path(path), _version(status), status.st_size, modified=http_date(status.st_mtime))

    async def close(self) -> None:
        """Nothing is held open."""

    def locate(self, public_id: str) -> tuple[str, OutputFormat | None]:
        """The file that a public id means, as a path inside the folder, and the output format that its extension names.

        The exact file; else the id without its last extension; else that with a known extension. Only in the last two
        cases the id's extension is an output format, and one that cannot be written is a Failure `bad-argument`. An
        extension that names none may be part of the name: `a.b` also means `a.b.jpg`. Else Failure `source-not-found`.
        """
        if not is_plain(public_id) or is_hidden(public_id):
            raise not_found()
        if self.has(public_id):
            return public_id, None
        stem, extension = split_extension(public_id)
        if extension.lower() not in FORMATS:
            for path in self._with_extension(public_id):
                return path, None
        if extension:
            candidates = [stem] if self.has(stem) else self._with_extension(stem)
            for path in candidates:
                return path, FORMATS.get(extension.lower()) or refuse_extension(extension)
        raise not_found()

    def samples(self, count: int = 3) -> list[str]:
        """A few pictures that lie in the folder itself, by name, as far as names tell."""
        try:
            with os.scandir(self.root) as entries:
                names = [entry.name for entry, _ in zip(entries, range(_SCANNED), strict=False)]
        except OSError:
            return []
        visible = (name for name in sorted(names) if not name.startswith("."))
        pictures = (name for name in visible if split_extension(name)[1].lower() in EXTENSIONS)
        return [name for name, _ in zip(filter(self.has, pictures), range(count), strict=False)]

    def has(self, location: str) -> bool:
        """Whether a path inside the folder means a file that may be handed out."""
        return self._look(location) is not None

    def _with_extension(self, stem: str) -> Iterator[str]:
        candidates = (f"{stem}.{extension}" for extension in EXTENSIONS)
        return filter(self.has, candidates)

    def _find(self, location: str) -> tuple[str, os.stat_result]:
        found = self._look(location)
        if found is None:
            raise not_found()
        return found

    def _look(self, location: str) -> tuple[str, os.stat_result] | None:
        """Real path and status of a regular file inside the folder, else None: 5 µs, 20 µs where links are on the way.

        Every folder on the way is looked at each time: one that is none leads nowhere else than below `root`.
        """
        if not is_plain(location) or is_hidden(location):
            return None
        try:
            path, status = self._straight(location) or self._around(location)
        except OSError:
            return None
        inside = path.startswith(self._inside)
        return (path, status) if inside and stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK) else None

    def _straight(self, location: str) -> tuple[str, os.stat_result] | None:
        """The path as it is written, where none of its parts is a symbolic link."""
        end = location.find("/")
        while end >= 0:
            if stat.S_ISLNK(os.lstat(self._inside + location[:end]).st_mode):
                return None
            end = location.find("/", end + 1)
        path = self._inside + location
        status = os.lstat(path)
        return None if stat.S_ISLNK(status.st_mode) else (path, status)

    def _around(self, location: str) -> tuple[str, os.stat_result]:
        path = os.path.realpath(self._inside + location, strict=True)
        return path, os.stat(path)


@lru_cache(maxsize=8192)
def is_plain(location: str) -> bool:
    """Whether a decoded path can only lead downwards, on every system and in every reading."""
    try:
        location.encode()
    except UnicodeEncodeError:
        return False
    if "\\" in location or (not location.isprintable() and any(ord(c) < 32 or ord(c) == 127 for c in location)):
        return False
    segments = location.split("/")
    return not _DRIVE.match(location) and all(segment not in ("", ".", "..") for segment in segments)


def is_hidden(location: str) -> bool:
    """Whether a part of it begins with a dot: .git and the like are nobody's pictures. What a link leads to may."""
    return location.startswith(".") or "/." in location


def split_extension(name: str) -> tuple[str, str]:
    """Stem and extension of the last segment; neither may be empty, or all of it is the stem."""
    stem, dot, extension = name.rpartition(".")
    if not dot or not extension or "/" in extension or not stem or stem.endswith("/"):
        return name, ""
    return stem, extension


def refuse_extension(extension: str) -> NoReturn:
    close = nearest(extension, FORMATS)
    raise bad_argument(
        f"{extension!r} is not a format that can be written: one of {', '.join(OUTPUT_FORMATS)}",
        hint=f"did you mean {close!r}?" if close else None,
        choices=list(OUTPUT_FORMATS),
    )


def _version(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"
