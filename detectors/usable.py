"""Whether weights can be used here: there, readable, and of a kind that something installed runs."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

LET_READ = "let the user that Darkroom runs as read it (`chmod`, `chown`)"


def usable(path: Path) -> bool:
    if unreadable(path):
        return False
    if path.name.endswith("_openvino_model"):
        return installed("openvino") and any(path.glob("*.xml"))
    if path.suffix == ".engine" and not installed("tensorrt"):
        return False
    return path.is_file()


def there(path: Path) -> bool:
    """Whether something is there, usable or not; what may not be looked at counts."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def unreadable(path: Path) -> bool:
    """Whether the user that asks has no permission to read a file, or a folder and what is in it."""
    try:
        path.stat()
        files = [file for file in path.iterdir() if file.name[0] != "."] if path.is_dir() else []
        return not all(os.access(file, os.R_OK) for file in (path, *files) if file.exists())
    except PermissionError:
        return True
    except OSError:
        return False


@cache
def installed(package: str) -> bool:
    return find_spec(package) is not None
