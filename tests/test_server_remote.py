"""A server whose detection service runs elsewhere: its words are known before the first request is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest

from .fabricated import Answer, own
from .servers import Server, free_port
from .test_detectors_service import eventually, running

SECRET = "s3cret"
PATHS = ("/auto-tag:crops/red.png", "/crop:40x40,gravity=wheat/red.png", "/cut-out:crops/red.png")


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Pictures, the models folder of the other machine, and an empty one of the server's own."""
    made = {name: tmp_path / name for name in ("media", "there", "models")}
    for folder in made.values():
        folder.mkdir()
    cv2.imwrite(str(made["media"] / "red.png"), np.full((64, 64, 3), (0, 0, 200), np.uint8))
    own(made["there"], "crops", ["wheat"], [Answer("wheat", 0.9)], form="segment", side=64)
    return made


def statuses(server: Server) -> list[int]:
    return [server.get(path).status_code for path in PATHS]


@pytest.mark.parametrize("workers", [1, 2])
def test_names_of_its_models_are_words_from_the_first_request_on(folders: dict[str, Path], workers: int) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with running(address, folders["there"], secret=SECRET) as process:
        eventually(lambda: process.client.models()["tasks"].get("crops") == "warm")
        given = {"media": folders["media"], "models": folders["models"], "detection": address}
        with Server(**given, detection_secret=SECRET, workers=workers) as server:
            server.wait("/health")
            assert statuses(server) == [200] * 3


def test_without_the_other_machine_it_starts_soon_and_learns_later(folders: dict[str, Path]) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    given = {"media": folders["media"], "models": folders["models"], "detection": address}
    with Server(**given, detection_secret=SECRET) as server:
        server.wait("/health")
        assert statuses(server) == [400] * 3
        assert server.get("/resize:9x/red.png").status_code == 200
        with running(address, folders["there"], secret=SECRET):
            eventually(lambda: statuses(server) == [200] * 3)


@contextmanager
def telling(port: int, *answers: bytes) -> Iterator[list[bytes]]:
    """Another program, which answers the last of these to everything; more may be added."""
    said = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said[-1])))
            self.end_headers()
            self.wfile.write(said[-1])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield said
    finally:
        server.shutdown()
        server.server_close()


STRANGE = [
    b"[1, 2]", b"3", b"null", b"no json", b"[" * 100_000, b'{"ready": true, "tasks": [1]}', b'{"tasks": {"faces": 3}}',
    b'{"models": [{}], "tasks": 1}', b'{"models": [{"model": 1, "task": 2, "waiting": "a"}], "tasks": 1}',
    b'{"problems": "all"}', b'{"device": NaN}', b'{"device": "\\ud800"}', b'{"models": {"faces": [1]}, "tasks": 1}',
]  # fmt: skip


def test_another_program_at_that_address_ends_nothing(folders: dict[str, Path]) -> None:
    port = free_port()
    given = {"media": folders["media"], "models": folders["models"], "detection": f"http://127.0.0.1:{port}"}
    with telling(port, STRANGE[0]) as said, Server(**given, detection_secret=SECRET) as server:
        server.wait("/health")
        for answer in STRANGE:
            said.append(answer)
            ready = server.get("/ready")
            assert (ready.status_code, ready.json()["detection"]["ready"]) == (503, False), answer
            assert "DARKROOM_DETECTION" in ready.json()["detection"]["problem"], answer
            assert [server.get(path).status_code for path in ("/models", "/metrics")] == [200, 200], answer
            assert server.get("/resize:9x/red.png").status_code == 200
        said.append(b'{"models": {"crops": "crops@1"}, "own": [["crops", ["wheat"], true, 64]], "ready": "of course"}')
        eventually(lambda: server.get(PATHS[1]).status_code != 400)
        assert server.get("/ready").json()["detection"]["ready"] is True
        assert server.log().count("does not answer as a detection service") == 1
