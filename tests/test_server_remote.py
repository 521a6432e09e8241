"""A server whose detection service runs elsewhere: its words are known before the first request is read."""

from __future__ import annotations

from pathlib import Path

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
    own(made["there"], "crops", ["wheat"], [Answer("wheat", 0.9)], side=64)
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
