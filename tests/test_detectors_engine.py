"""The engine with models made here: queues, deadlines, sharing, batches, and models that fail."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from detectors import lane as lane_module
from detectors.engine import Engine, pick_device
from detectors.found import Box, Found, Missing, Region
from detectors.manifest import FACES
from detectors.registry import Detector, Weights
from detectors.waiting import Unable

PIXELS = np.zeros((8, 6, 3), np.uint8)


class Store:
    """Says that these weights are there."""

    def __init__(self, **weights):
        self.present = {kind: Weights(FACES[0], Path(kind), sha256 * 64) for kind, sha256 in weights.items()}

    def altered(self, kind):
        return {}

    def weights(self, kind):
        return self.present.get(kind)

    def missing(self, kind):
        return Missing(kind, "yunet-2026may", "pull it")


class Model:
    """A model whose calls wait for `go`, and are written down."""

    def __init__(self, batch=1):
        self.batch, self.calls = batch, []
        self.fail = lambda questions: False
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Semaphore(0)

    def find(self, questions):
        self.entered.release()
        assert self.go.wait(5)
        self.calls.append(questions)
        if self.fail(questions):
            raise RuntimeError("no")
        return [
            Found((Region("thing", 0.5, Box(0, 0, 1, len(self.calls)), by=question.kind),)) for question in questions
        ]  # fmt: skip


@pytest.fixture
def engine_of():
    """Starts engines over models given by kind, each warm before it is handed out."""
    engines = []

    def build(store=None, **models):
        def load(model):
            return lambda weights, device: model() if callable(model) else model

        table = [Detector(kind, {kind: 640}, FACES, load(model)) for kind, model in models.items()]
        engine = Engine(store or Store(**dict.fromkeys(models, "a")), "cpu", table)
        engines.append(engine)
        engine.start()
        wait_until(lambda: engine.ready)
        for model in models.values():
            if isinstance(model, Model):
                model.calls.clear()
                while model.entered.acquire(blocking=False):
                    pass
        return engine

    yield build
    for engine in engines:
        engine.close()


def wait_until(true, seconds=5.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.002)


def soon(seconds=3.0):
    return time.monotonic() + seconds


def test_an_answer_names_its_model(engine_of):
    found = engine_of(faces=Model(), objects=Model()).find({"faces", "objects"}, PIXELS, soon())
    assert [region.by for region in found.regions] == ["faces", "objects"]
    assert dict(found.models) == {"faces": "yunet-2026may@aaaaaaaaaaaa", "objects": "yunet-2026may@aaaaaaaaaaaa"}
    assert found.missing == ()


def test_a_model_is_warm_before_the_first_question(engine_of):
    model = Model(batch=4)
    seen = []
    model.find = lambda questions: seen.append(questions) or [Found() for _ in questions]
    engine_of(faces=model)
    assert (len(seen[0]), seen[0][0].pixels.shape) == (4, (480, 640, 3))


def test_a_lazy_model_is_loaded_by_the_first_question():
    loads = []

    def load(weights, device):
        loads.append(weights)
        return Model()

    engine = Engine(Store(text="a"), "cpu", [Detector("text", {"text": 640}, FACES, load, lazy=True)])
    engine.start()
    try:
        assert engine.ready
        (lane,) = engine.lanes
        assert (lane.state, lane.identity, loads) == ("idle", "yunet-2026may@aaaaaaaaaaaa", [])
        engine.refresh()
        assert loads == []
        asked = [engine.ask({"text"}, PIXELS, soon()) for _ in range(3)]
        assert all(one.answers["text"].result(5).found.regions for one in asked)
        assert (lane.state, len(loads)) == ("warm", 1)
    finally:
        engine.close()


def test_a_lazy_model_that_is_absent_is_missing():
    engine = Engine(Store(), "cpu", [Detector("text", {"text": 640}, FACES, lambda *_: Model(), lazy=True)])
    engine.start()
    try:
        assert engine.ready
        assert engine.find({"text"}, PIXELS, soon()).missing == (Missing("text", "yunet-2026may", "pull it"),)
    finally:
        engine.close()


def test_absent_weights_are_missing_and_hold_nothing_back(engine_of):
    engine = engine_of(store=Store(faces="a"), faces=Model(), objects=Model())
    found = engine.find({"faces", "objects"}, PIXELS, soon())
    assert [region.by for region in found.regions] == ["faces"]
    assert found.missing == (Missing("objects", "yunet-2026may", "pull it"),)
    assert engine.find({"objects"}, PIXELS, soon()).missing == found.missing


def test_a_model_that_does_not_load_leaves_the_others(engine_of, caplog):
    def broken():
        raise OSError("truncated file /secret/place")

    engine = engine_of(faces=broken, objects=Model())
    found = engine.find({"faces", "objects"}, PIXELS, soon())
    assert dict(found.models).keys() == {"objects"}
    (missing,) = found.missing
    assert (missing.detector, missing.model) == ("faces", "yunet-2026may")
    assert "darkroom models" in missing.how
    assert "secret" not in missing.how


def test_weights_that_arrive_are_loaded(engine_of):
    store = Store()
    engine = engine_of(store=store, faces=Model())
    assert engine.find({"faces"}, PIXELS, soon()).missing
    store.present = Store(faces="b").present
    engine.refresh()
    wait_until(lambda: engine.lanes[0].state == "warm")
    assert engine.find({"faces"}, PIXELS, soon()).models == (("faces", "yunet-2026may@bbbbbbbbbbbb"),)


def test_new_weights_that_do_not_load_leave_the_old_ones(engine_of, caplog):
    models = iter([Model()])
    store = Store(faces="a")
    engine = engine_of(store=store, faces=lambda: next(models))
    store.present = Store(faces="b").present
    engine.refresh()
    wait_until(lambda: engine.lanes[0].state == "warm")
    assert engine.find({"faces"}, PIXELS, soon()).models == (("faces", "yunet-2026may@aaaaaaaaaaaa"),)


def test_questions_wait_for_a_model_that_is_loading():
    loading = threading.Event()
    table = [Detector("faces", {"faces": 640}, FACES, lambda weights, device: loading.wait(5) and Model())]
    engine = Engine(Store(faces="a"), "cpu", table)
    engine.start()
    assert not engine.ready
    asked = engine.ask({"faces"}, PIXELS, soon())
    loading.set()
    assert asked.answers["faces"].result(5).found.regions
    assert engine.ready
    engine.close()


def test_equal_questions_in_flight_share_one_inference(engine_of):
    model = Model()
    engine = engine_of(faces=model)
    model.go.clear()
    asked = [engine.ask({"faces"}, PIXELS, soon(), key="k") for _ in range(9)]
    other = engine.ask({"faces"}, PIXELS, soon(), key="other")
    model.go.set()
    assert len({ask.answers["faces"].result(5) for ask in asked}) == 1
    assert other.answers["faces"].result(5)
    assert len(model.calls) == 2


@pytest.mark.parametrize(("key", "calls"), [("k", 1), (None, 3)])
def test_recent_answers_are_kept_by_key(engine_of, key, calls):
    model = Model()
    engine = engine_of(faces=model)
    answers = [engine.find({"faces"}, PIXELS, soon(), key=key) for _ in range(3)]
    assert len(model.calls) == calls
    assert len({answer.regions for answer in answers}) == calls


def test_failures_are_not_kept(engine_of, caplog):
    model = Model()
    engine = engine_of(faces=model)
    model.fail = lambda questions: len(model.calls) == 1
    with pytest.raises(Unable, match="failed on this picture"):
        engine.find({"faces"}, PIXELS, soon(), key="k")
    assert engine.find({"faces"}, PIXELS, soon(), key="k").regions


def test_what_is_late_is_missing_and_what_is_in_time_is_there(engine_of):
    slow = Model()
    engine = engine_of(faces=Model(), objects=slow)
    slow.go.clear()
    found = engine.find({"faces", "objects"}, PIXELS, soon(0.1))
    slow.go.set()
    assert [kind for kind, _ in found.models] == ["faces"]
    assert [(missing.detector, "try again" in missing.how) for missing in found.missing] == [("objects", True)]


def test_nothing_in_time_is_no_answer(engine_of):
    slow = Model()
    engine = engine_of(faces=slow)
    slow.go.clear()
    with pytest.raises(Unable, match="in time"):
        engine.find({"faces"}, PIXELS, soon(0.05))
    slow.go.set()


def test_a_question_that_waited_too_long_is_not_asked(engine_of):
    model = Model()
    engine = engine_of(faces=model)
    model.go.clear()
    first = engine.ask({"faces"}, PIXELS, soon())
    assert model.entered.acquire(timeout=5)
    late = engine.ask({"faces"}, PIXELS, time.monotonic() - 0.001)
    patient = engine.ask({"faces"}, PIXELS, time.monotonic() - 0.001, key="k")
    assert engine.ask({"faces"}, PIXELS, soon(), key="k").answers == patient.answers  # more patience for both
    model.go.set()
    assert isinstance(late.answers["faces"].exception(5), Unable)
    assert first.answers["faces"].result(5)
    assert patient.answers["faces"].result(5)
    assert len(model.calls) == 2


def test_a_full_queue_refuses(engine_of, monkeypatch):
    monkeypatch.setattr(lane_module, "QUEUE", 2)
    model = Model()
    engine = engine_of(faces=model)
    model.go.clear()
    first = engine.ask({"faces"}, PIXELS, soon())
    assert model.entered.acquire(timeout=5)
    waiting = [engine.ask({"faces"}, PIXELS, soon()) for _ in range(2)]
    with pytest.raises(Unable, match="too many"):
        engine.find({"faces"}, PIXELS, soon())
    model.go.set()
    assert all(asked.answers["faces"].result(5).found.regions for asked in [first, *waiting])


def test_a_gpu_answers_in_batches(engine_of):
    model = Model(batch=4)
    engine = engine_of(faces=model)
    model.go.clear()
    first = engine.ask({"faces"}, PIXELS, soon())
    assert model.entered.acquire(timeout=5)
    rest = [engine.ask({"faces"}, PIXELS, soon()) for _ in range(6)]
    model.go.set()
    assert all(asked.answers["faces"].result(5).found.regions for asked in [first, *rest])
    assert [len(questions) for questions in model.calls] == [1, 4, 2]


def test_one_bad_picture_in_a_batch_costs_the_others_nothing(engine_of, caplog):
    bad = np.ones((4, 4, 3), np.uint8)
    model = Model(batch=4)
    engine = engine_of(faces=model)
    model.fail = lambda questions: any(question.pixels.any() for question in questions)
    model.go.clear()
    blocker = engine.ask({"faces"}, PIXELS, soon())
    assert model.entered.acquire(timeout=5)
    asked = [engine.ask({"faces"}, pixels, soon()) for pixels in (PIXELS, bad, PIXELS)]
    model.go.set()
    assert blocker.answers["faces"].result(5)
    assert [ask.answers["faces"].exception(5) is None for ask in asked] == [True, False, True]


def test_a_model_that_fails_on_everything_is_sick(engine_of, caplog):
    model = Model()
    engine = engine_of(faces=model)
    model.fail = lambda questions: True
    for _ in range(lane_module.SICK_AFTER):
        assert not engine.sick
        with pytest.raises(Unable):
            engine.find({"faces"}, PIXELS, soon())
    assert engine.sick
    model.fail = lambda questions: False
    engine.find({"faces"}, PIXELS, soon())
    assert not engine.sick


def test_pictures_that_a_model_fails_on_take_it_from_nobody(engine_of, caplog):
    model = Model()
    engine = engine_of(faces=model)
    model.fail = lambda questions: any(question.pixels.shape == PIXELS.shape for question in questions)
    for _ in range(3 * lane_module.SICK_AFTER):
        with pytest.raises(Unable):
            engine.find({"faces"}, PIXELS, soon())
        assert not engine.sick
    assert engine.lanes[0].counted()["failures"] == 3 * lane_module.SICK_AFTER


def test_what_is_dear_waits_for_all_others(engine_of):
    model = Model(batch=4)
    engine = engine_of(objects=model)
    model.go.clear()
    asked = [engine.ask({"objects"}, PIXELS, soon())]
    assert model.entered.acquire(timeout=5)
    asked += [engine.ask({kind}, PIXELS, soon()) for kind in ("objects:words", "objects:words", "objects")]
    model.go.set()
    for one in asked:
        [answer] = one.answers.values()
        answer.result(5)
    kinds = [[question.kind for question in call] for call in model.calls]
    assert kinds == [["objects"], ["objects"], ["objects:words"], ["objects:words"]]  # none rides with others


def test_a_model_that_is_loaded_for_ever_holds_nobody_back(monkeypatch):
    monkeypatch.setattr(lane_module, "LOADED_S", 0.05)
    go = threading.Event()

    def load(weights, device):
        assert go.wait(5)
        return Model()

    table = [Detector("own", {"own": 640}, FACES, load), Detector("faces", {"faces": 640}, FACES, lambda *_: Model())]
    engine = Engine(Store(own="a", faces="a"), "cpu", table)
    engine.start()
    try:
        wait_until(lambda: engine.ready)
        assert [lane.problem for lane in engine.lanes if lane.problem] == [engine.lanes[0].problem]
        found = engine.find({"own", "faces"}, PIXELS, soon(60))
        assert [missing.detector for missing in found.missing] == ["own"]
        assert [region.by for region in found.regions] == ["faces"]
        go.set()
        wait_until(lambda: engine.lanes[0].state == "warm")
        assert not engine.find({"own"}, PIXELS, soon()).missing
    finally:
        go.set()
        engine.close()


def test_a_model_that_hangs_is_sick(engine_of, monkeypatch):
    monkeypatch.setattr(lane_module, "STUCK_S", 0.05)
    model = Model()
    engine = engine_of(faces=model)
    model.go.clear()
    engine.ask({"faces"}, PIXELS, soon())
    wait_until(lambda: engine.sick)
    model.go.set()
    wait_until(lambda: not engine.sick)


def test_a_closed_engine_refuses(engine_of):
    engine = engine_of(faces=Model())
    engine.close()
    with pytest.raises(Unable, match="stopping"):
        engine.find({"faces"}, PIXELS, soon())


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_models_see_three_channels(engine_of, channels):
    model = Model()
    engine_of(faces=model).find({"faces"}, np.full((8, 6, channels), 7, np.uint8), soon())
    (pixels,) = [question.pixels for (question,) in model.calls]
    assert pixels.shape == (8, 6, 3)
    assert (pixels == 7).all()


def test_a_device_that_is_not_there_is_not_replaced_in_silence(monkeypatch):
    monkeypatch.setattr("detectors.engine._torch_sees_cuda", lambda: False)
    assert pick_device("cpu") == pick_device("auto") == "cpu"
    with pytest.raises(RuntimeError, match="cuda"):
        pick_device("cuda")


def test_a_gpu_is_taken_where_torch_sees_one(monkeypatch):
    monkeypatch.setattr("detectors.engine.Path.exists", lambda self: True)
    monkeypatch.setattr("detectors.engine._torch_sees_cuda", lambda: True)
    assert (pick_device("auto"), pick_device("cuda"), pick_device("cpu")) == ("cuda", "cuda", "cpu")
