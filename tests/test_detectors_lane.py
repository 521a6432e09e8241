"""Models that are not Darkroom's own and go wrong: they fail by themselves, and what can come back comes back."""

from __future__ import annotations

import asyncio
import sys
import threading
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from detectors import lane as lane_module
from detectors.app import create_app
from detectors.engine import Engine
from detectors.found import Missing
from detectors.manifest import FACES
from detectors.manifest import Model as Listed
from detectors.registry import Detector, Weights
from server import detection

from .shared import ROOT
from .test_detectors_canary import Pulsed, canaries
from .test_detectors_engine import PIXELS, Model, soon, wait_until

__all__ = ["canaries"]

CROPS = Listed("crops", "crops", "1", "crops/x.onnx", None, "-", ("wheat",))
FAR = replace(CROPS, backend="triton", url="http://far:8000/crops")


class Store:
    """A models folder with YuNet and one model of somebody else, for the kinds named."""

    def __init__(self, *kinds, model=CROPS, sha256="b"):
        self.models = dict.fromkeys(kinds, model)
        self.sha256 = sha256

    def altered(self, kind):
        return {}

    def weights(self, kind):
        return Weights(self.models.get(kind, FACES[0]), Path(kind), self.sha256 * 64)

    def missing(self, kind):
        return None


@pytest.fixture
def started():
    """Starts an engine with these loads by kind, each tried once before it is handed out; ends it."""
    engines, models = [], []

    def build(store, **loads):
        engine = Engine(store, "cpu", [Detector(kind, {kind: 640}, FACES, load) for kind, load in loads.items()])
        engines.append(engine)
        engine.start()
        wait_until(lambda: engine.ready)
        return engine

    build.hung = models.append
    yield build
    for model in models:
        model.go.set()
    for engine in engines:
        engine.close()


def loaded(model):
    return lambda weights, device: model


def asked_of(engine, path):
    """Status and body of a GET of the detection service."""

    async def ask():
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(create_app(engine)), base_url="http://detection"
        ) as client:
            answer = await client.get(path)
            return answer.status_code, answer.json()

    return asyncio.run(ask())


@pytest.mark.parametrize("kind", ["crops", "objects"])  # under its own name, or preferred for a kind of Darkroom's
def test_a_model_of_the_operator_that_hangs_takes_nothing_from_the_others(started, monkeypatch, kind):
    model = Model()
    engine = started(Store(kind), **{kind: loaded(model), "faces": loaded(Model())})
    started.hung(model)
    monkeypatch.setattr(lane_module, "STUCK_S", 0.05)
    model.go.clear()
    stuck = engine.ask({kind}, PIXELS, soon(), key="k")
    wait_until(lambda: engine.lanes[0].state == "failed")
    assert not engine.sick
    found = engine.find({kind, "faces"}, PIXELS, soon(60), key="k")
    assert [region.by for region in found.regions] == ["faces"]
    [missing] = found.missing
    assert (missing.detector, missing.model) == (kind, "crops")
    assert missing.how.startswith("it hangs: ")
    for path in ("/ready", "/models"):
        status, body = asked_of(engine, path)
        assert (status, body["tasks"][kind], body["problems"]) == (200, "failed", {kind: missing.how})
    assert asked_of(engine, "/health") == (200, {"status": "ok"})
    model.go.set()  # it was only slow
    assert stuck.answers[kind].result(5)
    wait_until(lambda: engine.lanes[0].state == "warm")
    assert engine.find({kind}, PIXELS, soon()).regions


def test_other_weights_take_the_place_of_those_that_hang(started, monkeypatch):
    models = iter([first := Model(), Model()])
    store = Store("crops")
    engine = started(store, crops=lambda weights, device: next(models))
    started.hung(first)
    monkeypatch.setattr(lane_module, "STUCK_S", 0.05)
    first.go.clear()
    stuck = engine.ask({"crops"}, PIXELS, soon(), key="k")
    wait_until(lambda: engine.lanes[0].state == "failed")
    engine.refresh()
    assert engine.find({"crops"}, PIXELS, soon()).missing
    store.sha256 = "c"
    engine.refresh()
    wait_until(lambda: engine.lanes[0].state == "warm")
    assert str(stuck.answers["crops"].exception(3)) == "its model hangs"  # nobody waits for it any more
    assert dict(engine.find({"crops"}, PIXELS, soon(), key="k").models) == {"crops": "crops@cccccccccccc"}
    first.go.set()  # its late answer disturbs nobody
    assert engine.find({"crops"}, PIXELS, soon()).regions


@pytest.mark.parametrize("stays_broken", [True, False])
def test_a_model_of_the_operator_that_no_longer_sings_has_failed(started, canaries, caplog, stays_broken):
    models = [Pulsed(), Pulsed()]
    source = iter([*models, *(Pulsed(float("nan")) for _ in range(9))])
    engine = started(Store("crops"), crops=lambda weights, device: next(source), faces=loaded(Pulsed()))
    models[0].numbers = float("nan")
    wait_until(lambda: engine.lanes[0].counted()["reloads"] == 1)
    if stays_broken:
        models[1].numbers = None
        wait_until(lambda: engine.lanes[0].state == "failed")
        assert "no longer says" in engine.lanes[0].problem
        assert [missing.detector for missing in engine.find({"crops", "faces"}, PIXELS, soon()).missing] == ["crops"]
    else:
        wait_until(lambda: engine.lanes[0].state == "warm")
        assert not engine.find({"crops", "faces"}, PIXELS, soon()).missing
    assert not engine.sick


def test_a_model_that_lies_elsewhere_is_tried_again(started, monkeypatch, caplog):
    monkeypatch.setattr(lane_module, "RETRY_S", 0.05)
    there = threading.Event()
    tries = []

    def load(weights, device):
        tries.append(weights)
        if not there.is_set():
            raise ConnectionError("refused")
        return Model()

    engine = started(Store("crops", model=FAR), crops=load, faces=loaded(Model()))
    [lane, _] = engine.lanes

    def refreshed():
        engine.refresh()
        assert engine.ready
        assert not engine.sick
        return lane.state

    wait_until(lambda: refreshed() == "failed" and len(tries) > 2)
    assert "tried again every" in lane.problem
    assert [missing.model for missing in engine.find({"crops", "faces"}, PIXELS, soon()).missing] == ["crops"]
    there.set()
    wait_until(lambda: refreshed() == "warm")
    tried = len(tries)
    assert engine.find({"crops"}, PIXELS, soon()).regions
    engine.refresh()
    assert len(tries) == tried


def test_it_is_not_tried_again_before_its_time(started, monkeypatch, caplog):
    tries = []

    def load(weights, device):
        tries.append(weights)
        raise ConnectionError("refused")

    engine = started(Store("crops", model=FAR), crops=load)
    for _ in range(5):
        engine.refresh()
        assert not engine.lanes[0]._again
    assert len(tries) == 1
    monkeypatch.setattr(lane_module, "RETRY_S", 0.0)
    engine.refresh()
    wait_until(lambda: len(tries) == 2)


def test_whoever_waits_for_a_model_that_hangs_is_told_when_the_service_ends(started, monkeypatch):
    model = Model()
    engine = started(Store(), faces=loaded(model))
    started.hung(model)
    monkeypatch.setattr(lane_module, "STUCK_S", 0.05)
    model.go.clear()
    stuck = engine.ask({"faces"}, PIXELS, soon())
    wait_until(lambda: engine.sick)
    engine.close()
    assert str(stuck.answers["faces"].exception(3)) == "its model hangs"


def test_a_file_that_cannot_be_loaded_is_not_tried_again(started, monkeypatch, caplog):
    monkeypatch.setattr(lane_module, "RETRY_S", 0.0)
    tries = []

    def load(weights, device):
        tries.append(weights)
        raise ValueError("broken")

    engine = started(Store("crops"), crops=load)
    for _ in range(5):
        engine.refresh()
    assert (len(tries), engine.lanes[0].state, engine.sick) == (1, "failed", False)


def test_a_model_of_ours_that_no_longer_sings_makes_the_service_sick(started, canaries, caplog):
    models = iter([first := Pulsed(), Pulsed(0.0)])
    engine = started(Store(), faces=lambda weights, device: next(models))
    assert asked_of(engine, "/health") == (200, {"status": "ok"})
    first.numbers = 0.0
    wait_until(lambda: engine.sick)
    assert asked_of(engine, "/health") == (503, {"status": "sick"})
    assert isinstance(engine.lanes[0].missing("faces"), Missing)


SERVICE = """
import sys, uvicorn
from threading import Timer
from detectors import canary
from detectors.app import create_app
from detectors.engine import Engine
from detectors.manifest import FACES
from detectors.registry import Detector
from tests.test_detectors_canary import Pulsed
from tests.test_detectors_lane import Store

canary.EVERY_S = 0.05
first = Pulsed()
models = iter([first, Pulsed(0.0)])
engine = Engine(Store(), "cpu", [Detector("faces", {"faces": 640}, FACES, lambda weights, device: next(models))])
engine.start()
Timer(1.0, setattr, (first, "numbers", 0.0)).start()
uvicorn.run(create_app(engine), uds=sys.argv[1], log_level="critical")
"""


def test_a_sick_service_is_restarted(monkeypatch):
    monkeypatch.setattr(detection, "CHECKED_EVERY", 0.1)
    monkeypatch.setattr(
        detection, "service_command", lambda settings, *where: [sys.executable, "-c", SERVICE, where[1]]
    )
    monkeypatch.chdir(ROOT)
    restarted = threading.Event()
    supervisor = detection.Supervisor(None, restarted.set)
    supervisor.start()
    try:
        first = supervisor.pid
        assert restarted.wait(30)
        assert supervisor.pid != first
        wait_until(supervisor._is_well, 20)
    finally:
        supervisor.stop()
