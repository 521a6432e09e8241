"""Real servers for tests: `darkroom serve` in a process of its own, on a free loopback port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2
import psutil

START_SECONDS = 60.0

PATIENT = {"timeout": 25, "queue_age": 20}
"""Settings: a machine that does other work besides refuses nothing that an idle one would have had time for."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A running server. Settings are given without prefix: Server(media=folder, cache="memory:")."""

    def __init__(self, command: list[str] | None = None, port: int | None = None, **settings: Any) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = tempfile.NamedTemporaryFile(mode="w+b", suffix=".log")  # noqa: SIM115 - lives as long as the server
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
        given = {"port": self.port, "pull": "never", "log_format": "json", "lame_duck": 0, **PATIENT, **settings}
        environment |= {f"DARKROOM_{name.upper()}": str(value) for name, value in given.items() if value is not None}
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "server", "serve"],
            env=environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.client = httpx2.Client(base_url=self.url, timeout=30, trust_env=False)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stop()

    def wait(self, path: str = "/ready") -> Server:
        """Waits until `path` answers 200; fails with the log where the server ends or does not get there."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log()
            try:
                if self.client.get(path).status_code == 200:
                    return self
            except httpx2.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{path} did not become 200:\n{self.log()}")

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return self.client.get(path, **options)

    def log(self) -> str:
        return Path(self._log.name).read_text(errors="replace")

    def children(self, containing: str) -> list[psutil.Process]:
        """Processes below the server whose command line contains a text."""
        return [
            child
            for child in psutil.Process(self.process.pid).children(recursive=True)
            if containing in " ".join(child.cmdline())
        ]

    def detection(self) -> psutil.Process:
        [process] = self.children("detectors.service")
        return process

    def metric(self, line: str) -> float:
        """The value of the sample whose line begins with `line` in /metrics, 0 where there is none."""
        for row in self.get("/metrics").text.splitlines():
            if row.startswith(line):
                return float(row.rpartition(" ")[2])
        return 0.0

    def spools(self) -> list[Path]:
        """Folders in which the server keeps what it downloads; it holds them open."""
        held = (os.readlink(descriptor) for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir())
        return [Path(path) for path in held if "darkroom-spool-" in path]

    def stop(self) -> int:
        """Ends the server as an operator would; its exit status."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()
        return self.process.returncode
