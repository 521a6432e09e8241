"""What can happen to a render process, or to one that writes keywords; run there by name."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def segfault(job: Any) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(job: Any) -> None:
    time.sleep(60)


def hang_in_c(job: Any) -> None:
    """A call that looks at no signal handler for a long time."""
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 10**8)


def killed_once(job: Any) -> Any:
    """SIGKILL the first time, the real thing the second."""
    from server import renderer

    marker = Path(job.path + ".killed")
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return renderer.render(job)


def write(path: Path, words: Sequence[str], copy: Path | None) -> str:
    """Keywords into a file, whose name says what comes of it."""
    if copy is not None:
        copy.touch()
    match path.stem:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            hang_in_c(None)
        case "stumble":
            b"gr\xf6\xdfe".decode()
    if copy is not None:
        copy.unlink()
    return "written"
