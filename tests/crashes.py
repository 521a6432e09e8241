"""What can happen to a render process; run there by name."""

from __future__ import annotations

import hashlib
import os
import signal
import time
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
