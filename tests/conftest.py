"""Fixtures that many tests share: one detection process, one server, one Redis for the whole session."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors import adding, models, registry
from detectors.models import ModelStore
from server.machine import sample_pictures

from . import pictures
from .servers import Server
from .shared import MODELS, SHARED

TIMED = (
    "test_cache_", "test_cli", "test_detectors_", "test_edge_", "test_renderers", "test_server_", "test_sources_",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that watch processes, and how long these take, never run at the same time as each other."""
    for item in items:
        if item.path.name.startswith(TIMED):
            item.add_marker(pytest.mark.xdist_group("processes"))


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared weights, or an empty folder: then faces come from the packaged CenterFace, and objects are missing."""
    return MODELS if MODELS.is_dir() else tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def detection(models_folder: Path) -> Iterator[str]:
    """The socket of a detection process that all servers of the session use."""
    with tempfile.TemporaryDirectory(prefix="darkroom-test-") as folder:
        socket = str(Path(folder) / "detect.sock")
        command = [sys.executable, "-m", "detectors.service", "--socket", socket, "--models", str(models_folder)]
        process = subprocess.Popen([*command, "--device", "cpu", "--pull", "never"])
        try:
            _await_ready(socket, process)
            yield socket
        finally:
            process.terminate()
            process.wait(10)


def _await_ready(socket: str, process: subprocess.Popen[bytes]) -> None:
    import httpx2

    until = time.monotonic() + 60
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=socket), base_url="http://detection") as client:
        while time.monotonic() < until:
            assert process.poll() is None, "the detection process ended"
            try:
                if client.get("/ready").status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.05)
    raise AssertionError("the detection process did not get ready")


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A media folder of pictures built in code, and the two samples that come with ultralytics."""
    folder = tmp_path_factory.mktemp("media")
    for name in ("bus.jpg", "zidane.jpg"):
        (folder / name).write_bytes((sample_pictures() / name).read_bytes())
    (folder / "team").mkdir()
    cv2.imwrite(str(folder / "quadrants.png"), pictures.quadrants(120, 80))
    cv2.imwrite(str(folder / "photo.jpg"), pictures.photo(1600, 1200))
    cv2.imwrite(str(folder / "team" / "jane doe.jpg"), pictures.photo(320, 240, seed=2))
    cv2.imwrite(str(folder / "alpha.png"), pictures.gradient(64, 48, 4))
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "empty.png").write_bytes(b"")
    np.save(folder / "array.npy", np.zeros(3))
    return folder


@pytest.fixture(scope="session")
def server(media: Path, detection: str, models_folder: Path) -> Iterator[Server]:
    """A server over `media` with the memory cache."""
    with Server(media=media, detection=detection, models=models_folder) as running:
        yield running.wait()


@pytest.fixture(scope="session")
def shared_server(detection: str, models_folder: Path) -> Iterator[Server]:
    """A server over the shared pictures."""
    folder = SHARED / "images"
    if not folder.is_dir():
        pytest.skip("shared test material is missing: images")
    with Server(media=folder, detection=detection, models=models_folder) as running:
        yield running.wait()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelStore]:
    """A store of models that looks at its empty folder every time."""
    monkeypatch.setattr(models, "RECHECK_S", -1.0)
    yield ModelStore(tmp_path / "models")
    registry.install(())


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are taken without being run, for tests of what is written about them."""
    monkeypatch.setattr(adding, "try_model", lambda folder, name: None)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds a head of wheat, to be added to a store."""
    from .fabricated import LABELS, WHEAT, fabricated

    return fabricated(tmp_path_factory.mktemp("made") / "best.onnx", LABELS, WHEAT, side=64)
