"""Checksums that the operator trusted on a first download, because no publisher told them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from transforms.failure import Failure, Kind

from .manifest import Model
from .scratch import writable

PINS = "pins.toml"

UNKNOWN = ""
"""In the place of a checksum that stands in a file that cannot be read: no content has it, so nothing is taken for what
was pinned."""


class Pins:
    """`pins.toml` in the models folder: the sha256 of files by their names. Read again when it changes.

    Where it cannot be read, models that may have a pin are not used, and all others are.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / PINS
        self._known: tuple[int, Mapping[str, str] | Failure] = (0, {})

    def of(self, file: str) -> str | None:
        """The checksum that a file must have, None where none was pinned, UNKNOWN where that cannot be read."""
        pins = self._read()
        return UNKNOWN if isinstance(pins, Failure) else pins.get(file)

    def on(self, model: Model) -> Model:
        """A model with the checksum that was pinned for it, where its publisher has told none."""
        if model.sha256 is not None or model.url is None or model.package or "/" in model.file:
            return model
        return replace(model, sha256=self.of(model.file))

    @property
    def failure(self) -> Failure | None:
        """Why they cannot be read: model-pins-malformed."""
        pins = self._read()
        return pins if isinstance(pins, Failure) else None

    def pin(self, file: str, sha256: str) -> None:
        """From now on the file must have this checksum.

        Raises Failure model-pins-malformed, models-folder-not-writable.
        """
        pins = {**self.all(), file: sha256}
        lines = (f"{json.dumps(name)} = {json.dumps(pins[name])}" for name in sorted(pins))
        text = "\n".join(["# sha256 of what `darkroom models pull --trust` downloaded first.", *lines])
        part = self._path.with_name(f".{PINS}.part")
        with writable():
            try:
                part.write_text(text + "\n", "utf-8")
                part.replace(self._path)
            finally:
                part.unlink(missing_ok=True)

    def all(self) -> Mapping[str, str]:
        """The checksums by file; raises Failure model-pins-malformed."""
        pins = self._read()
        if isinstance(pins, Failure):
            raise pins
        return pins

    def _read(self) -> Mapping[str, str] | Failure:
        try:
            changed = self._path.stat().st_ctime_ns  # which a `chmod` changes too
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            return _malformed(error.strerror or str(error))
        if self._known[0] != changed:
            self._known = changed, _parsed(self._path)
        return self._known[1]


def untrusted(name: str) -> Failure:
    """The failure to download what has no checksum."""
    return Failure(
        Kind.FORBIDDEN, "model-not-trusted", f"no checksum of {name} is known here, so nothing would tell a false one",
        hint=f"`darkroom models pull {name} --trust` takes what its publisher sends now, and nothing else ever after",
        details={"model": name},
    )  # fmt: skip


def _parsed(path: Path) -> Mapping[str, str] | Failure:
    try:
        return {str(name): str(sha256) for name, sha256 in tomllib.loads(path.read_text("utf-8")).items()}
    except OSError as error:
        return _malformed(error.strerror or str(error))
    except ValueError as error:
        return _malformed(str(error))


def _malformed(why: str) -> Failure:
    return Failure(
        Kind.INTERNAL, "model-pins-malformed", f"{PINS} in the models folder cannot be read: {why}",
        hint="mend it; without it, pull the models again with --trust",
    )  # fmt: skip
