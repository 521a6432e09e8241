"""The detection process is replaced where it never becomes well, and so often that it does no harm."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from server import detection

from .test_detectors_engine import wait_until

HANGS = "import time; time.sleep(600)"
ENDS = "raise SystemExit(3)"
WELL = """
import socket, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Well(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def address_string(self):
        return "somebody"

    def log_message(self, *_):
        pass

time.sleep(1.0)
class Server(HTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)

Server(sys.argv[1], Well).serve_forever()
"""


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch):
    """Starts a supervisor of this program, looked at every 50 ms; the moments of its restarts come with it."""
    monkeypatch.setattr(detection, "CHECKED_EVERY", 0.05)
    made = []

    def start(program: str) -> tuple[detection.Supervisor, list[float]]:
        monkeypatch.setattr(
            detection, "service_command", lambda settings, *where: [sys.executable, "-c", program, where[1]]
        )
        moments: list[float] = []
        made.append(supervisor := detection.Supervisor(None, lambda: moments.append(time.monotonic())))  # type: ignore[arg-type]
        supervisor.start()
        return supervisor, moments

    yield start
    for supervisor in made:
        supervisor.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "detection-supervisor"]


def test_a_process_that_hangs_while_it_starts_is_replaced(supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "STARTED", 0.3)
    monkeypatch.setattr(detection, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(detection, "STEADY", 0.2)  # it ran for longer, but it was never well
    supervisor, moments = supervised(HANGS)
    first = supervisor.pid
    wait_until(lambda: len(moments) == 3, 20)
    assert supervisor.pid != first
    assert moments[2] - moments[1] > moments[1] - moments[0] + 0.1  # 0.2 s, then 0.4 and 0.8


def test_a_process_that_starts_slowly_is_left_alone(supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "STARTED", 30.0)
    supervisor, moments = supervised(WELL)
    first = supervisor.pid
    wait_until(supervisor._is_well, 20)
    monkeypatch.setattr(detection, "STARTED", 0.0)  # and once it has been well, nobody asks when it was started
    time.sleep(0.3)
    assert (supervisor.pid, moments) == (first, [])


def test_a_process_that_ends_at_once_is_started_less_and_less_often(
    supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "FIRST_PAUSE", 0.05)
    _, moments = supervised(ENDS)
    wait_until(lambda: len(moments) == 4, 20)
    assert moments[3] - moments[2] > 0.8  # 0.1, 0.2, 0.4, 0.8
