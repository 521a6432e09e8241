"""Checksums that the operator trusted on a first download, because no publisher told them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from transforms.failure import Failure, Kind

PINS = "pins.toml"


class Pins:
    """`pins.toml` in the models folder: the sha256 of files by their names. Read again when it changes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / PINS
        self._known: tuple[int, Mapping[str, str]] = (0, {})

    def of(self, file: str) -> str | None:
        """The checksum that a file must have, None where none was pinned; raises Failure model-pins-malformed."""
        return self._read().get(file)

    def pin(self, file: str, sha256: str) -> None:
        """From now on the file must have this checksum."""
        pins = {**self._read(), file: sha256}
        lines = (f"{json.dumps(name)} = {json.dumps(pins[name])}" for name in sorted(pins))
        text = "\n".join(["# sha256 of what `darkroom models pull --trust` downloaded first.", *lines])
        part = self._path.with_name(f".{PINS}.part")
        part.write_text(text + "\n", "utf-8")
        part.replace(self._path)

    def _read(self) -> Mapping[str, str]:
        try:
            changed = self._path.stat().st_mtime_ns
        except OSError:
            return {}
        if self._known[0] != changed:
            self._known = changed, _parsed(self._path)
        return self._known[1]


def _parsed(path: Path) -> Mapping[str, str]:
    try:
        return {str(name): str(sha256) for name, sha256 in tomllib.loads(path.read_text("utf-8")).items()}
    except ValueError as error:
        raise Failure(
            Kind.INTERNAL, "model-pins-malformed", f"{PINS} in the models folder cannot be read: {error}",
            hint="mend it; without it, pull the models again with --trust",
        ) from None  # fmt: skip
