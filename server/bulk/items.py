"""What a command was told to look at: files, folders, globs, addresses, and lists of these."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..sources.file import EXTENSIONS, split_extension
from ..sources.source import SourceRef
from ..sources.url import canonical_url

REMOTE = ("http://", "https://")
FORMULAS = ("=", "+", "-", "@")  # with which a spreadsheet takes a cell of a table for something to compute


@dataclass(frozen=True, slots=True)
class Item:
    """A picture as it was named: a file, by its path, or an address."""

    name: str

    @property
    def is_remote(self) -> bool:
        return self.name.lower().startswith(REMOTE)

    @property
    def path(self) -> Path:
        """Of a file, with links followed."""
        return Path(self.name).resolve()

    def ref(self) -> SourceRef:
        """The source; files are below /. Raises Failure bad-source."""
        if self.is_remote:
            url = canonical_url(self.name)
            return SourceRef(url.partition(":")[0], url)
        return SourceRef("file", str(self.path).lstrip("/"))

    def state(self) -> tuple[int, int] | None:
        """Modification time in nanoseconds, and bytes, of a file that is there."""
        try:
            facts = os.stat(self.name)
        except OSError:
            return None
        return None if self.is_remote else (facts.st_mtime_ns, facts.st_size)


def listed(given: Sequence[str], standard_input: Iterable[str]) -> list[str]:
    """What was given, with the lines of standard input in the place of `-`."""
    lines = (text for one in given for text in (standard_input if one == "-" else (one,)))
    return [text for text in (line.strip("\r\n") for line in lines) if text]


def items(names: Iterable[str]) -> Iterator[Item]:
    """One after the other, as they are found: pictures of a folder, and of those in it, in the order of their names.

    Files that are named are taken whatever they are called; in folders, those with the extension of a picture, and
    nothing whose name begins with a dot.
    """
    for name in names:
        if name.lower().startswith(REMOTE):
            yield Item(name)
        elif os.path.isdir(name):
            yield from _below(name)
        elif glob.has_magic(name) and not os.path.exists(name):
            for found in sorted(glob.iglob(name, recursive=True)):
                yield from _below(found) if os.path.isdir(found) else (_file(found),)
        else:
            yield _file(name)


def hosts(names: Iterable[str]) -> list[str]:
    """`scheme://host[:port]` of the addresses, each once."""
    remote = (name for name in names if name.lower().startswith(REMOTE))
    return list(dict.fromkeys("/".join(name.split("/", 3)[:3]).lower().rpartition("@")[2] for name in remote))


def _below(folder: str) -> Iterator[Item]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and split_extension(name)[1].lower() in EXTENSIONS:
                yield _file(os.path.join(parent, name))


def _file(name: str) -> Item:
    """By a name that is one in any table, too."""
    return Item(f"./{name}" if name.startswith(FORMULAS) else name)
