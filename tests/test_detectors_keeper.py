"""The thread that keeps models as the folder has them outlives whatever goes wrong in one look."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from detectors import keeper as module
from detectors.engine import Engine
from detectors.keeper import Keeper
from detectors.manifest import FACES
from detectors.registry import Detector

from .test_detectors_engine import Model, Store, wait_until


class Troubled(Store):
    """A models folder at which each look raises what stands in `troubles`, by kind, while something does."""

    def __init__(self, **weights: str) -> None:
        super().__init__(**weights)
        self.troubles: dict[str, Exception] = {}
        self.looks = 0

    def weights(self, kind: str) -> object:
        self.looks += 1
        if kind in self.troubles:
            raise self.troubles[kind]
        return super().weights(kind)


@pytest.fixture
def store() -> Troubled:
    return Troubled(faces="a")


@pytest.fixture
def engine(store: Troubled, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    table = [Detector(kind, {kind: 640}, FACES, lambda *_: Model()) for kind in ("faces", "objects")]
    engine = Engine(store, "cpu", table)  # type: ignore[arg-type]
    keeper = Keeper(engine, pull=False)
    engine.start()
    keeper.start()
    yield engine
    keeper.close()
    engine.close()


def looked(store: Troubled) -> None:
    """Some looks later."""
    before = store.looks
    wait_until(lambda: store.looks > before + 10)


def told(caplog: pytest.LogCaptureFixture) -> int:
    return sum("could not be looked at" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("trouble", [ValueError("no"), KeyError("no"), RuntimeError("no"), PermissionError("no")])
def test_it_goes_on_and_says_once_what_is_wrong(engine, store, caplog, trouble: Exception) -> None:
    caplog.set_level(logging.ERROR)
    store.troubles = {"faces": trouble}
    wait_until(lambda: told(caplog) == 1)
    store.present |= Store(objects="b").present  # what arrives meanwhile is loaded
    wait_until(lambda: engine.lanes[1].state == "warm")
    looked(store)
    assert told(caplog) == 1
    store.troubles = {}
    store.present |= Store(faces="c").present
    wait_until(lambda: engine.lanes[0].identity.endswith("c" * 12))
    looked(store)
    store.troubles = {"objects": trouble}  # which is news again
    wait_until(lambda: told(caplog) == 2)


def test_a_look_that_fails_at_the_start_ends_nothing(store: Troubled, caplog: pytest.LogCaptureFixture) -> None:
    store.troubles = {"objects": ValueError("no")}
    table = [Detector(kind, {kind: 640}, FACES, lambda *_: Model()) for kind in ("objects", "faces")]
    engine = Engine(store, "cpu", table)  # type: ignore[arg-type]
    engine.start()
    try:
        wait_until(lambda: engine.lanes[1].state == "warm")
        assert engine.ready
    finally:
        engine.close()


def test_a_folder_that_arrives_after_the_pins_broke_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole of it: what a download is pinned to is refused in words, and everything else is loaded."""
    from detectors import models
    from detectors.app import _states  # as /ready says it
    from detectors.models import ModelStore
    from detectors.registry import install

    from .fabricated import Answer, own

    monkeypatch.setattr(module, "LOOK_S", 0.02)
    monkeypatch.setattr(models, "RECHECK_S", -1.0)
    (tmp_path / "pins.toml").write_text("[oops")
    (tmp_path / "yolo11n-seg.onnx").write_bytes(b"what somebody pulled")
    engine = Engine(ModelStore(tmp_path))
    keeper = Keeper(engine, pull=False)
    engine.start()
    keeper.start()
    try:
        own(tmp_path, "crops", ["wheat"], [Answer("wheat", 0.9)], side=64)
        lanes = lambda: {lane.detector.task: lane for lane in engine.lanes}  # noqa: E731
        wait_until(lambda: "crops" in lanes() and lanes()["crops"].state == "warm", 20)
        assert "model-pins-malformed: pins.toml" in _states(engine)["refused"]["pins.toml"]  # type: ignore[index]
        (tmp_path / "pins.toml").unlink()
        wait_until(lambda: "refused" not in _states(engine))
    finally:
        keeper.close()
        engine.close()
        install(())
