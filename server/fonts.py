"""The operator's own fonts, as they enter the keys of results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from transforms.letters.faces import SUFFIXES


def font_files(folders: Iterable[Path]) -> Iterator[str]:
    """The files in the operator's own folders as they are now: with others texts look different."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in SUFFIXES:
                facts = path.stat()
                yield f"{path.relative_to(folder)} {facts.st_size} {facts.st_mtime_ns}"
