"""What a command was told to look at: files, folders, globs, addresses, and lists of these."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from transforms.failure import Failure, Kind

from ..redact import MASK
from ..sources.file import EXTENSIONS, split_extension
from ..sources.source import SourceRef
from ..sources.url import canonical_url, parse_url

REMOTE = ("http://", "https://")
FORMULAS = ("=", "+", "-", "@")  # with which a spreadsheet takes a cell of a table for something to compute

_USER = re.compile(r"(https?:/+)(?=[^/?#]*(?:@|:[^/?#]*[^/?#0-9])).*@", re.IGNORECASE | re.DOTALL)
"""User and password of an address, though there may be slashes in them: what stands after a colon is no port."""


@dataclass(frozen=True, slots=True)
class Item:
    """A picture as it was named: a file, by its path, or an address; or a folder, and why it cannot be read; or what
    names no picture at all (`empty`)."""

    name: str
    unread: str | None = None
    empty: bool = False

    @property
    def is_remote(self) -> bool:
        return self.name.lower().startswith(REMOTE)

    @property
    def may_be_there(self) -> bool:
        return self.is_remote or self.state() is not None

    @property
    def path(self) -> Path:
        """Of a file, with links followed."""
        return Path(self.name).resolve()

    def ref(self) -> SourceRef:
        """The source; files are below /. Raises Failure bad-source, folder-not-readable, name-not-utf-8,
        nothing-matches."""
        if self.empty:
            raise Failure(Kind.NOT_FOUND, "nothing-matches", f"nothing matches {told(self.name)}: no picture is there")
        if self.unread is not None:
            raise Failure(Kind.FORBIDDEN, "folder-not-readable", f"the folder cannot be read: {self.unread}")
        if self.is_remote:
            url = canonical_url(self.name)
            return SourceRef(url.partition(":")[0], url)
        if told(path := str(self.path)) != path:
            raise Failure(Kind.UNPROCESSABLE, "name-not-utf-8", "a name in its path is not UTF-8: rename it")
        return SourceRef("file", path.lstrip("/"))

    def state(self) -> tuple[int, int] | None:
        """Modification time in nanoseconds, and bytes, of a file that is there."""
        try:
            facts = os.stat(self.name)
        except OSError:
            return None
        return None if self.is_remote or self.unread or self.empty else (facts.st_mtime_ns, facts.st_size)


def told(text: str) -> str:
    r"""As text that can be written: bytes of a file's name that are not UTF-8 are `\udce9`."""
    return text.encode("utf-8", "backslashreplace").decode()


def listed(given: Sequence[str], standard_input: Iterable[str]) -> list[str]:
    """What was given, with the lines of standard input in the place of `-`."""
    lines = (text for one in given for text in (standard_input if one == "-" else (one,)))
    return [text for text in (line.strip("\r\n") for line in lines) if text]


def items(names: Iterable[str]) -> Iterator[Item]:
    """One after the other, as they are found: pictures of a folder, and of those in it, in the order of their names.

    Files that are named are taken whatever they are called; in folders, those with the extension of a picture, and
    nothing whose name begins with a dot. A folder that cannot be read is an item as well, and so is a folder or glob
    in which there is nothing.
    """
    for name in names:
        found = _named(name)
        yield next(found, None) or replace(_file(name), empty=True)
        yield from found


def _named(name: str) -> Iterator[Item]:
    if name.lower().startswith(REMOTE):
        yield Item(_unsigned(name))
    elif os.path.isdir(name):
        yield from _below(name)
    elif glob.has_magic(name) and not os.path.exists(name):
        yield from _matching(name)
    else:
        yield _file(name)


def _unsigned(url: str) -> str:
    """Without user and password, which rows must not tell; that they were there can still be seen, and is refused."""
    try:
        parse_url(url)
    except Failure:
        return _USER.sub(rf"\1{MASK}@", url, count=1)
    return url


def hosts(names: Iterable[str]) -> list[str]:
    """`scheme://host[:port]` of the addresses, each once."""
    found: dict[str, None] = {}
    for name in names:
        if name.lower().startswith(REMOTE):
            with suppress(Failure):  # each of these will be a failed row
                url = parse_url(name)
                found[f"{url.scheme}://{url.authority}"] = None
    return list(found)


def _matching(pattern: str) -> Iterator[Item]:
    """Each once, though `a/**` is a folder and what is in it; glob itself is silent about folders it cannot read."""
    seen: set[str] = set()
    found = (_below(name) if os.path.isdir(name) else (_file(name),) for name in sorted(_glob(pattern)))
    unread = (Item(folder, why) for folder in _asked(pattern) if (why := _unread(folder)))
    for item in chain(chain.from_iterable(found), unread):
        if (name := os.path.normpath(item.name)) not in seen:
            seen.add(name)
            yield item


def _asked(pattern: str) -> Iterator[str]:
    """The folders that are looked into for a glob, some of them twice."""
    parent, name = os.path.split(pattern)
    if glob.has_magic(parent):
        yield from _asked(parent)
    folders = os.path.join(parent, "**" if name == "**" else "", "")
    if glob.has_magic(pattern):
        yield from _glob(folders) if folders else (os.curdir,)


def _glob(pattern: str) -> Iterator[str]:
    return glob.iglob(pattern, recursive=True)


def _unread(folder: str) -> str | None:
    """Why a folder cannot be read."""
    try:
        with os.scandir(folder):
            return None
    except OSError as error:
        return error.strerror or "unknown"


def _below(folder: str) -> Iterator[Item]:
    unread: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=unread.append):
        yield from _failed(unread)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and split_extension(name)[1].lower() in EXTENSIONS:
                yield _file(os.path.join(parent, name))
    yield from _failed(unread)


def _failed(errors: list[OSError]) -> Iterator[Item]:
    """A folder each; none is left in the list."""
    while errors:
        error = errors.pop(0)
        yield Item(str(error.filename), error.strerror or "unknown")


def _file(name: str) -> Item:
    """By a name that is one in any table, too."""
    return Item(f"./{name}" if name.startswith(FORMULAS) else name)
