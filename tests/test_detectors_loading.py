"""Models are loaded a few at a time, in their order; what never ends holds the others back for a while only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from detectors import adding
from detectors import engine as engine_module
from detectors import lane as lane_module
from detectors import loading as module
from detectors import models as models_module
from detectors import own as own_module
from detectors.adding import Wish
from detectors.app import _identities
from detectors.engine import Engine
from detectors.loading import Loading
from detectors.manifest import FACES
from detectors.models import ModelStore
from detectors.registry import Detector, Weights, install
from transforms.failure import Failure

from .fabricated import Answer, own
from .test_detectors_canary import Folder
from .test_detectors_engine import PIXELS, Model, soon, wait_until
from .test_detectors_lane import CROPS


class Loads:
    """Loads that wait for `go`; which have begun, in their order."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.most = self.now = 0
        self.go = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __call__(self, name: str) -> None:
        with self._lock:
            self.begun.append(name)
            self.now += 1
            self.most = max(self.most, self.now)
        self.go.acquire(timeout=20)
        with self._lock:
            self.now -= 1


@pytest.fixture
def loads() -> Iterator[Loads]:
    made = Loads()
    yield made
    made.go.release(100)


def test_few_are_loaded_at_once_and_those_of_darkroom_first(loads: Loads) -> None:
    loading = Loading()
    for name in ("a", "b", "c", "d", "ours"):
        loading.put(name, lambda name=name: loads(name), first=name == "ours")  # type: ignore[misc]
    wait_until(lambda: len(loads.begun) == module.AT_ONCE)
    assert set(loads.begun) == {"a", "b"}
    loads.go.release()
    wait_until(lambda: len(loads.begun) == 3)
    assert loads.begun[2] == "ours"
    loads.go.release(4)
    wait_until(lambda: len(loads.begun) == 5)
    assert (loads.begun[3:], loads.most) == (["c", "d"], module.AT_ONCE)


def test_what_never_ends_holds_the_others_back_for_a_while_only(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    loading = Loading()
    for name in ("a", "b", "c"):
        loading.put(name, lambda name=name: loads(name), first=False)  # type: ignore[misc]
    loading.go_on()
    assert "c" not in loads.begun
    monkeypatch.setattr(module, "SLOW_S", 0.0)
    loading.go_on()
    wait_until(lambda: "c" in loads.begun)


def test_a_load_that_fails_leaves_its_place(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    loading = Loading()
    for _ in range(5):
        loading.put("bad", lambda: 1 / 0, first=True)  # type: ignore[arg-type, return-value]
    loading.put("good", lambda: loads("good"), first=False)
    wait_until(lambda: loads.begun == ["good"])


class Store:
    """A models folder with weights of the operator for every kind but faces."""

    def __init__(self) -> None:
        self.sha256 = "a"

    def altered(self, kind: str) -> dict[str, str]:
        return {}

    def weights(self, kind: str) -> Weights:
        model = FACES[0] if kind == "faces" else replace(CROPS, name=kind)
        return Weights(model, Path(FACES[0].file), self.sha256 * 64)

    def missing(self, kind: str) -> None:
        return None


def test_a_folder_full_of_models_takes_no_thread_before_they_answer(loads: Loads) -> None:
    names = [f"m{number:02}" for number in range(40)]

    def load(weights: Weights, device: str) -> Model:
        loads(weights.model.name)
        return Model()

    table = [Detector(name, {name: 640}, FACES, load) for name in names]
    table.append(Detector("faces", {"faces": 640}, FACES, lambda *_: Model()))
    before = threading.active_count()
    engine = Engine(Store(), "cpu", table)  # type: ignore[arg-type]
    engine.start()
    try:
        wait_until(lambda: loads.now == module.AT_ONCE)
        assert threading.active_count() - before <= module.AT_ONCE + 1
        assert not engine.ready
        loads.go.release()
        wait_until(lambda: engine.lanes[-1].state == "warm")  # ours is the next, not the fortieth
        assert engine.find({"faces"}, PIXELS, soon()).regions
        loads.go.release(100)
        wait_until(lambda: engine.settled)
        assert (loads.most, {lane.state for lane in engine.lanes}) == (module.AT_ONCE, {"warm"})
    finally:
        engine.close()
    wait_until(lambda: threading.active_count() <= before)


def test_what_changes_while_it_waits_is_loaded_as_it_is_by_then(loads: Loads) -> None:
    def load(weights: Weights, device: str) -> Model:
        loads(weights.identity)
        return Model()

    store = Store()
    engine = Engine(store, "cpu", [Detector(name, {name: 640}, FACES, load) for name in "abc"])  # type: ignore[arg-type]
    engine.start()
    try:
        wait_until(lambda: loads.now == 2)
        store.sha256 = "b"
        loads.go.release(100)
        wait_until(lambda: engine.settled)
        assert loads.begun[2] == "c@bbbbbbbbbbbb"
    finally:
        engine.close()


@pytest.fixture
def arriving(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Engine, Folder]]:
    """A ready engine to whose folder crops came a moment ago: it is being loaded."""
    from detectors import registry

    def load(weights: Weights, device: str) -> Model:
        loads(weights.model.name)
        return Model()

    monkeypatch.setattr(registry, "_load_own", load)
    store = Folder()
    engine = Engine(store, "cpu")  # type: ignore[arg-type]
    engine.start()
    assert engine.ready
    store.put("crops")
    store.models = tuple(replace(model, tags=True) for model in store.models)
    store.present = {model.name: replace(store.present[model.name], model=model) for model in store.models}
    engine.refresh()
    wait_until(lambda: loads.begun == ["crops"])
    yield engine, store
    loads.go.release(100)
    engine.close()
    install(())


def tags(engine: Engine) -> dict[str, bool]:
    """Whether plain auto-tag asks the operator's models, as the service tells."""
    return {row[0]: row[2] for row in _identities(engine)["own"]}  # type: ignore[attr-defined]


def test_a_model_that_arrives_takes_readiness_from_nobody(arriving: tuple[Engine, Folder], loads: Loads) -> None:
    engine, store = arriving
    assert engine.ready
    assert not engine.settled
    assert tags(engine) == {"crops": False}
    asked = engine.ask({"crops"}, PIXELS, soon())  # by its name: whoever does waits
    loads.go.release()
    assert asked.answers["crops"].result(5)
    assert tags(engine) == {"crops": True}
    store.present["crops"] = replace(store.present["crops"], sha256="b" * 64)
    engine.refresh()
    wait_until(lambda: len(loads.begun) == 2)
    assert engine.ready
    assert tags(engine) == {"crops": True}  # the one that was there answers meanwhile
    assert engine.find({"crops"}, PIXELS, soon()).models == (("crops", "crops@aaaaaaaaaaaa"),)


def test_a_model_that_never_ends_to_arrive_is_not_asked_in_plain_auto_tag(
    arriving: tuple[Engine, Folder], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = arriving
    monkeypatch.setattr(lane_module, "LOADED_S", 0.0)
    [lane] = [lane for lane in engine.lanes if lane.detector.task == "crops"]
    wait_until(lambda: bool(lane.problem))
    assert engine.ready
    assert tags(engine) == {"crops": False}
    assert [missing.detector for missing in engine.find({"crops"}, PIXELS, soon()).missing] == ["crops"]


@pytest.mark.parametrize("passed", [False, True])
def test_at_the_start_models_of_the_operator_are_waited_for_but_not_for_long(
    loads: Loads, monkeypatch: pytest.MonkeyPatch, passed: bool
) -> None:
    monkeypatch.setattr(engine_module, "OTHERS_S", 0.0 if passed else 60.0)

    def load(weights: Weights, device: str) -> Model:
        loads(weights.model.name)
        return Model()

    table = [Detector("crops", {"crops": 640}, FACES, load)]
    table.append(Detector("faces", {"faces": 640}, FACES, lambda *_: Model()))
    engine = Engine(Store(), "cpu", table)  # type: ignore[arg-type]
    engine.start()
    try:
        wait_until(lambda: engine.lanes[1].state == "warm")
        assert engine.ready is passed
        loads.go.release()
        wait_until(lambda: engine.ready)
    finally:
        engine.close()


def test_a_model_of_darkroom_holds_readiness_back_whenever_it_is_loaded_first(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "OTHERS_S", 0.0)

    def load(weights: Weights, device: str) -> Model:
        loads(weights.model.name)
        return Model()

    engine = Engine(Store(), "cpu", [Detector("faces", {"faces": 640}, FACES, load)])  # type: ignore[arg-type]
    engine.start()
    try:
        wait_until(lambda: loads.now == 1)
        assert not engine.ready
        loads.go.release()
        wait_until(lambda: engine.ready)
    finally:
        engine.close()


def test_there_is_a_bound_on_models_of_the_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_module, "RECHECK_S", -1.0)
    for name in ("one", "two", "three", "four"):
        own(tmp_path, name, ["wheat"], [Answer("wheat", 0.9)], side=32)
    monkeypatch.setattr(own_module, "MOST", 3)
    monkeypatch.setattr(adding, "MOST", 3)
    store = ModelStore(tmp_path)
    assert [model.name for model in store.own()] == ["four", "one", "three"]
    [refused] = store.refused()
    assert (refused.name, refused.code) == ("two", "too-many-models")
    assert "4 models of your own, and only the first 3" in refused.why
    with pytest.raises(Failure) as caught:
        adding.add(store, tmp_path / "one" / "one.onnx", Wish("five"))
    assert caught.value.code == "too-many-models"
    assert adding.add(store, tmp_path / "one" / "one.onnx", Wish("one", replace=True)).name == "one"
