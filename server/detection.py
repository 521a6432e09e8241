"""Keeps the detection process alive: spawned on a Unix socket, restarted with backoff when it ends."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

import httpx2

from .log import logger
from .settings import Settings

FIRST_PAUSE = 0.2  # seconds before the first restart; doubles up to LONGEST_PAUSE
LONGEST_PAUSE = 30.0
SAFE = ("-P",)  # nothing is imported from the folder that the command happens to be run in
CHECKED_EVERY = 2.0  # seconds between looks at its health
PATIENCE = 3  # looks in a row that may fail, once it has been well
STARTED = 120.0  # seconds until it must have been well once: imports take 1 to 10, and models are loaded later
STEADY = 60.0  # a process that was well for this long starts the backoff anew


def service_command(settings: Settings, *where: str) -> list[str]:
    """The command line of a detection service of these settings, listening where the last arguments say."""
    mirror = ("--mirror", settings.models_mirror) if settings.models_mirror else ()
    prefer = ("--prefer", settings.prefer) if settings.prefer else ()
    memory = ("--gpu-memory", str(int(settings.gpu_memory))) if settings.gpu_memory else ()
    options = ("--models", str(settings.models), "--device", settings.device, "--pull", settings.pull)
    return [sys.executable, *SAFE, "-m", "detectors.service", *where, *options, *mirror, *prefer, *memory]


class Supervisor:
    """Runs a detection service in a thread's care.

    A thread rather than a task, so that the same code serves one front and the parent of several.
    `only` are the kinds that will be asked, where these are known: no other models are loaded then.
    """

    def __init__(
        self, settings: Settings, on_restart: Callable[[], None] = lambda: None, only: Collection[str] = ()
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="darkroom-")
        self.address = str(Path(self._folder.name) / "detect.sock")
        self._command = service_command(
            settings, "--socket", self.address, *(("--only", ",".join(sorted(only))) if only else ())
        )
        self._on_restart = on_restart
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, name="detection-supervisor", daemon=True)

    def start(self) -> None:
        self._process = self._spawn()
        self._thread.start()

    def stop(self) -> None:
        """End the process and wait for it; kill it where it does not end within 3 seconds."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(5)
        self._folder.cleanup()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def _spawn(self) -> subprocess.Popen[bytes]:
        # In a group of its own: Ctrl-C in a terminal must not take the detectors from requests that still run.
        return subprocess.Popen(  # noqa: S603 - our own module
            self._command, stdin=subprocess.DEVNULL, env=os.environ.copy(), process_group=0
        )

    def _watch(self, process: subprocess.Popen[bytes]) -> tuple[int, float]:
        """Waits for its end; ends it where it hangs or calls itself sick. Returns the exit status, and how many seconds
        ago it was well for the first time."""
        bad, first, until = 0, math.inf, time.monotonic() + STARTED
        while True:
            try:
                return process.wait(CHECKED_EVERY), time.monotonic() - first
            except subprocess.TimeoutExpired:
                well = self._is_well()
            now = time.monotonic()
            first, bad = min(first, now if well else math.inf), 0 if well else bad + 1
            if bad >= PATIENCE if first < math.inf else now > until:
                logger().warning("detection process does not answer and is killed", started=first < math.inf)
                process.kill()

    def _is_well(self) -> bool:
        transport = httpx2.HTTPTransport(uds=self.address, verify=False)
        try:
            with httpx2.Client(transport=transport, timeout=2.0, trust_env=False) as client:
                return client.get("http://detection/health").status_code == 200
        except httpx2.HTTPError:
            return False

    def _supervise(self) -> None:
        pause = FIRST_PAUSE
        while True:
            assert self._process is not None  # noqa: S101 - set by start
            code, well_for = self._watch(self._process)
            if self._stopping.is_set():
                return
            pause = FIRST_PAUSE if well_for > STEADY else min(pause * 2, LONGEST_PAUSE)
            logger().warning("detection process ended", code=code, restart_in=pause)
            if self._stopping.wait(pause):
                return
            self._process = self._spawn()
            self._on_restart()
