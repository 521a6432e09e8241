"""Copying weights into the models folder, telling what cannot be read from what cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from transforms.failure import Failure, Kind

from .scratch import writable

LARGEST = 2 << 30
"""Bytes; the largest published YOLO has 0.2 billion."""


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raises Failure model-file-unreadable for an OSError."""
    try:
        yield
    except OSError as error:
        denied = isinstance(error, PermissionError)
        why = (error.strerror or type(error).__name__).lower()
        raise Failure(
            Kind.FORBIDDEN if denied else Kind.UNPROCESSABLE, "model-file-unreadable",
            f"{path.name} cannot be read: {'permission denied' if denied else why}",
            hint="let the user that runs this command read it (`chmod`, `chown`)" if denied
            else "copy it to another place first, and say that path",
        ) from None  # fmt: skip


def check_file(path: Path) -> None:
    """Raises Failure for what there is not, may not be read, is no file or folder, or is too large."""
    with readable(path):
        if not path.exists():
            raise _refused("model-file-missing", f"there is no file {path.name}", Kind.NOT_FOUND)
        if not (path.is_file() or path.is_dir()):
            raise _refused("model-format-unknown", f"{path.name} is no file", Kind.UNSUPPORTED_MEDIA)
        size = sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]) if file.is_file())
    if size > LARGEST:
        raise Failure(
            Kind.TOO_LARGE, "model-too-large", f"{path.name} has {size} bytes, more than {LARGEST}",
            hint="export a smaller one, in half precision or with fewer layers",
        )  # fmt: skip


def _refused(code: str, message: str, kind: Kind) -> Failure:
    return Failure(kind, code, message, hint="say the path of a file of weights")


def copy(path: Path, folder: Path, name: str) -> Path:
    """Copy weights into a folder, named after the model; returns where they lie.

    Raises Failure model-file-unreadable, models-folder-not-writable.
    """
    if not path.is_dir():
        return _copied(path, folder / f"{name}{path.suffix.lower()}")
    target = folder / f"{name}{'_int8' if 'int8' in path.name else ''}_openvino_model"
    with writable():
        target.mkdir()
    with readable(path):
        files = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
    for file in files:
        _copied(file, target / file.name)
    return target


def _copied(file: Path, target: Path) -> Path:
    with readable(file):
        source = file.open("rb")
    with source, writable(), target.open("xb") as made:  # to close a file is to write what is left of it
        for chunk in _chunks(file, source):
            made.write(chunk)
    return target


def _chunks(file: Path, source: BinaryIO) -> Iterator[bytes]:
    with readable(file):
        while chunk := source.read(1 << 20):
            yield chunk
