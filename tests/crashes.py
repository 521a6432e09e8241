"""What can happen to a render process; run there by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any


def segfault(job: Any) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(job: Any) -> None:
    time.sleep(60)


def exhaust(job: Any) -> None:
    bytearray(1 << 40)


def killed_once(job: Any) -> Any:
    """SIGKILL the first time, the real thing the second."""
    from server import renderer

    marker = Path(job.path + ".killed")
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return renderer.render(job)
