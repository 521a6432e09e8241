"""Models that stop saying what they said, and lanes that come and go with the operator's models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors import canary as canary_module
from detectors import registry
from detectors.engine import Engine
from detectors.found import Box, Found, Region
from detectors.manifest import Model as Listed
from detectors.registry import Weights

from .test_detectors_engine import PIXELS, Model, Store, engine_of, soon, wait_until

__all__ = ["engine_of"]


class Pulsed(Model):
    """A model that shows its numbers, as long as they are right."""

    def __init__(self, numbers=1.0):
        super().__init__()
        self.numbers = numbers

    def find(self, questions):
        return [Found((Region("thing", 0.5, Box(0, 0, 1, 1), by=question.kind),)) for question in questions]

    def pulse(self, pixels):
        assert pixels.shape == (480, 640, 3)
        if self.numbers is None:
            raise RuntimeError("device lost")
        return [np.arange(1, 1000, dtype=np.float32) * np.float32(self.numbers)]


@pytest.fixture
def canaries(monkeypatch):
    monkeypatch.setattr(canary_module, "EVERY_S", 0.02)


def test_a_model_that_says_something_else_is_loaded_again(engine_of, canaries, caplog):
    models = iter([first := Pulsed(), Pulsed()])
    engine = engine_of(faces=lambda: next(models))
    [lane] = engine.lanes
    wait_until(lambda: lane.counted()["reloads"] == lane.counted()["canaries"] == 0 and lane.state == "warm")
    first.numbers = 1.1
    wait_until(lambda: lane.counted()["reloads"] == 1 and lane.state == "warm")
    assert lane.counted()["canaries"] == 1
    assert engine.find({"faces"}, PIXELS, soon()).regions
    assert not engine.sick
    assert engine.ready


@pytest.mark.parametrize("broken", [float("nan"), None, 0.0, 2.0])
def test_a_model_that_stays_broken_is_sick(engine_of, canaries, caplog, broken):
    models = iter([first := Pulsed(), Pulsed(broken)])
    engine = engine_of(faces=lambda: next(models))
    first.numbers = broken
    wait_until(lambda: engine.sick)
    assert engine.lanes[0].state == "failed"
    assert engine.lanes[0].problem
    assert engine.find({"faces"}, PIXELS, soon()).missing


def test_a_model_that_says_something_else_in_places_does_not_sing(engine_of, canaries, caplog):
    """Some of its numbers are as they were, the first, the last and the middle among them."""
    models = iter([first := Pulsed(), Pulsed()])
    engine = engine_of(faces=lambda: next(models))
    numbers = np.ones(999, np.float32)
    numbers[600:700] = 1.5
    first.numbers = numbers
    wait_until(lambda: engine.lanes[0].counted()["reloads"] == 1)


def test_a_model_that_rounds_otherwise_sings(engine_of, canaries):
    engine = engine_of(faces=(model := Pulsed()))
    model.numbers = 1.001
    canary = engine.lanes[0]._canary
    before = canary._next
    wait_until(lambda: canary._next > before + 0.1)
    assert engine.lanes[0].counted()["canaries"] == 0


def test_a_model_that_puts_out_no_numbers_is_not_loaded(engine_of, caplog):
    engine = engine_of(faces=lambda: Pulsed(float("inf")), objects=Model())
    assert [lane.state for lane in engine.lanes] == ["failed", "warm"]


class Folder(Store):
    """A models folder whose own models come and go."""

    def __init__(self, *names):
        super().__init__()
        self.put(*names)

    def put(self, *names):
        self.models = tuple(Listed(name, name, "1", f"{name}/x.onnx", None, "-", (f"{name} label",)) for name in names)
        self.present = {model.name: Weights(model, Path(model.name), "a" * 64) for model in self.models}

    def own(self):
        return self.models

    def refused(self):
        return ()


def test_lanes_come_and_go_with_the_models_of_the_folder(monkeypatch):
    monkeypatch.setattr(registry, "_load_own", lambda weights, device: Model())
    store = Folder()
    engine = Engine(store, "cpu")
    try:
        engine.start()
        assert "crops" not in engine.kinds
        store.put("crops")
        engine.refresh()
        wait_until(lambda: engine.ready)
        found = engine.find({"crops:heat:thing"}, PIXELS, soon())
        assert [(region.by, kind) for region in found.regions for kind, _ in found.models] == [
            ("crops:heat:thing",) * 2
        ]
        store.put()
        engine.refresh()
        assert "crops" not in engine.kinds
        assert [missing.detector for missing in engine.find({"crops"}, PIXELS, soon()).missing] == ["crops"]
    finally:
        engine.close()
        registry.install(())
