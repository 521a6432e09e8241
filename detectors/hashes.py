"""Checksums of weights, read again only where something changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

Fingerprint = tuple[tuple[str, int, int], ...]


class Hashes:
    """sha256 by path, remembered for as long as times and sizes stay the same."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Fingerprint, str]] = {}

    def of(self, path: Path) -> str:
        """Of a file, or over names and contents of a folder's files; raises OSError."""
        files = sorted(_files(path))
        fingerprint = tuple((file.name, (stat := file.stat()).st_mtime_ns, stat.st_size) for file in files)
        known, sha256 = self._known.get(path, ((), ""))
        if known != fingerprint:
            sha256 = hash_of(files, names=path.is_dir())
            self._known[path] = fingerprint, sha256
        return sha256

    def clear(self) -> None:
        self._known.clear()


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]


def hash_of(files: list[Path], *, names: bool) -> str:
    """sha256 of the contents of files one after the other, with their names and sizes if wanted."""
    total = hashlib.sha256()
    for file in files:
        if names:
            total.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()
