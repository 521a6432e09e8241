"""The end of a server: not ready at once, still serving, then no more; and what is left over: nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from .origins import Exchange, Origin
from .servers import Server


def eventually(true: Callable[[], bool], seconds: float = 15) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.05)
    return False


def status(running: Server, path: str) -> int:
    try:
        return running.get(path).status_code
    except httpx2.HTTPError:
        return 0


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_turns_balancers_away_before_it_ends(media: Path, detection: str, workers: int) -> None:
    with Server(media=media, detection=detection, workers=workers, renderers=workers, lame_duck=1.5) as running:
        running.wait()
        running.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: status(running, "/ready") == 503)
        assert running.get("/ready").json() == {"ready": False, "state": "draining"}
        answer = running.get("/resize:33x/photo.jpg")
        assert answer.status_code == 200
        assert running.get("/health").status_code == 200
        assert running.process.wait(20) == 0
        assert status(running, "/health") == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_open_requests_are_finished(media: Path, detection: str, workers: int) -> None:
    picture = (media / "photo.jpg").read_bytes()

    def slow(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": str(len(picture)), "Content-Type": "image/jpeg"})
        exchange.wait(1.5)
        exchange.send(picture)

    with (
        Origin({"/slow.jpg": slow}) as origin,
        Server(media=media, detection=detection, workers=workers, allowed_sources=origin.url,
               allowed_networks="127.0.0.0/8") as running,
    ):  # fmt: skip
        running.wait()
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.append(running.get(f"/resize:20x/{origin.url}/slow.jpg")))
        thread.start()
        assert eventually(lambda: origin.paths() == ["/slow.jpg"])
        running.process.send_signal(signal.SIGTERM)
        thread.join(20)
        assert [answer.status_code for answer in answers] == [200]
        assert running.process.wait(20) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_signal_ends_it_at_once(media: Path, detection: str, workers: int) -> None:
    with Server(media=media, detection=detection, workers=workers, lame_duck=60, graceful_stop_timeout=90) as running:
        running.wait()
        below = psutil.Process(running.process.pid).children(recursive=True)
        running.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: status(running, "/ready") == 503)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(15) == 1
        assert psutil.wait_procs(below, 10)[1] == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_server_leaves_nothing_behind(media: Path, workers: int, models_folder: Path) -> None:
    with Server(media=media, models=models_folder, workers=workers) as running:
        running.wait()
        running.get("/resize:20x/photo.jpg")
        below = psutil.Process(running.process.pid).children(recursive=True)
        assert len(below) > workers
        running.process.kill()
        running.process.wait()
        assert psutil.wait_procs(below, 20)[1] == []


def test_a_front_that_ends_is_replaced(media: Path, detection: str) -> None:
    with Server(media=media, detection=detection, workers=2) as running:
        running.wait()
        first = [child.pid for child in psutil.Process(running.process.pid).children() if is_front(child)]
        os.kill(first[0], signal.SIGKILL)
        assert eventually(
            lambda: (
                len({c.pid for c in psutil.Process(running.process.pid).children() if is_front(c)} - {first[0]}) == 2
            )
        )
        assert running.wait().get("/resize:22x/photo.jpg").status_code == 200


def is_front(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def test_port_zero_says_what_it_came_to(media: Path, detection: str) -> None:
    command = [sys.executable, "-m", "server", "serve", "--port", "0"]
    with Server(media=media, detection=detection, command=command) as running:
        assert eventually(lambda: "Darkroom on http://127.0.0.1:" in running.log())
        port = int(running.log().partition("127.0.0.1:")[2].partition(",")[0])
        assert port > 0
        assert eventually(lambda: _alive(port))


def _alive(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


def test_a_taken_port_is_said_in_words(media: Path, detection: str) -> None:
    with Server(media=media, detection=detection) as running:
        running.wait("/health")
        with Server(media=media, detection=detection, port=running.port) as second:
            assert second.process.wait(30) == 1
            assert f"cannot listen on 127.0.0.1:{running.port}" in second.log()
            assert "Traceback" not in second.log()
