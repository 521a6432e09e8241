"""Models whose files are altered while the service runs: not used, told, and used again once they are well."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from detectors import models
from detectors.app import _identities, _states
from detectors.engine import Engine
from detectors.lane import Lane
from detectors.manifest import FACES
from detectors.models import ModelStore
from detectors.registry import Detector, Loaded, Weights, install

from .fabricated import Answer, own
from .test_detectors_canary import Pulsed
from .test_detectors_engine import PIXELS, Model, soon, wait_until
from .test_detectors_lane import Store, loaded, started

__all__ = ["started"]

ALTERED = "has not the checksum that it must have: delete it and run `darkroom models add FILE --name crops --replace`"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Over a models folder with `crops`, warm."""
    monkeypatch.setattr(models, "RECHECK_S", -1.0)
    own(tmp_path, "crops", ["wheat"], [Answer("wheat", 0.9)], side=64)
    engine = Engine(ModelStore(tmp_path))
    engine.start()
    wait_until(lambda: lane(engine).state == "warm", 20)
    yield engine
    engine.close()
    install(())


def lane(engine: Engine) -> Lane:
    return next(lane for lane in engine.lanes if lane.detector.task == "crops")


def rewritten(file: Path, data: bytes) -> None:
    """In place, at another time."""
    file.write_bytes(data)
    os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 1_000_000))


def problem(engine: Engine) -> str:
    problems = _states(engine).get("problems", {})
    assert isinstance(problems, dict)
    return str(problems.get("crops", ""))


def test_an_altered_model_answers_no_more_until_it_is_well_again(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "crops" / "crops.onnx"
    good, identity = file.read_bytes(), lane(engine).identity
    assert engine.find({"crops"}, PIXELS, soon(), key="k").models == (("crops", identity),)
    rewritten(file, good[: len(good) // 2])  # as while it is copied
    engine.refresh()
    assert problem(engine) == f"crops/crops.onnx {ALTERED}"
    assert _states(engine)["tasks"]["crops"] == "absent"  # type: ignore[index]
    assert "crops" not in _identities(engine)["models"]  # type: ignore[operator]
    [missing] = engine.find({"crops"}, PIXELS, soon(), key="k").missing
    assert "has not the checksum" in missing.how
    engine.refresh()
    assert sum("answers no more" in record.getMessage() for record in caplog.records) == 1
    rewritten(file, good)
    engine.refresh()
    asked = engine.ask({"crops"}, PIXELS, soon())  # who comes while it is loaded waits for it
    assert asked.answers["crops"].result(20).identity == identity
    assert problem(engine) == ""


def test_another_checksum_in_model_toml_ends_it_too(engine: Engine, tmp_path: Path) -> None:
    card = tmp_path / "crops" / "model.toml"
    text = card.read_text()
    card.write_text(text.replace('sha256 = "', 'sha256 = "' + "0" * 64 + '" # "'))
    engine.refresh()
    assert problem(engine).endswith(ALTERED)
    assert engine.find({"crops"}, PIXELS, soon()).missing
    card.write_text(text)
    engine.refresh()
    wait_until(lambda: lane(engine).state == "warm", 20)


def test_a_file_that_is_gone_stays_in_memory(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "crops" / "crops.onnx").unlink()
    engine.refresh()
    assert (lane(engine).state, problem(engine)) == ("warm", "")
    assert not engine.find({"crops"}, PIXELS, soon()).missing


def test_what_was_altered_before_the_start_is_told_too(engine: Engine, tmp_path: Path) -> None:
    rewritten(tmp_path / "crops" / "crops.onnx", b"another")
    again = Engine(ModelStore(tmp_path))
    again.start()
    try:
        assert problem(again) == f"crops/crops.onnx {ALTERED}"
        assert again.find({"crops"}, PIXELS, soon()).missing
    finally:
        again.close()


class Fallen(Store):
    """A folder whose better model is altered where `bad` says so; another one serves then."""

    bad = False

    def weights(self, kind: str) -> Weights:
        other = replace(FACES[0], name="other")
        return Weights(other, Path(kind), "c" * 64) if self.bad else Weights(FACES[0], Path(kind), "b" * 64)

    def altered(self, kind: str) -> dict[str, str]:
        return {FACES[0].name: "x has not the checksum that it must have"} if self.bad else {}


def test_while_another_model_takes_its_place_the_altered_one_does_not_answer(started) -> None:  # type: ignore[no-untyped-def]
    go, store = threading.Event(), Fallen()

    def load(weights: Weights, device: str) -> Loaded:
        assert weights.model is FACES[0] or go.wait(5)
        return Model()

    engine = started(store, faces=load)
    store.bad = True
    engine.refresh()
    [lane] = engine.lanes
    assert lane.identity == ""
    asked = engine.ask({"faces"}, PIXELS, soon())
    go.set()
    assert asked.answers["faces"].result(5).identity.startswith("other@")
    assert lane.problem == f"x has not the checksum that it must have; other@{'c' * 12} answers instead"


def test_what_the_canary_learnt_of_an_altered_file_is_forgotten(started) -> None:  # type: ignore[no-untyped-def]
    pulses, store = iter([Pulsed(2.0), Pulsed(), Pulsed()]), Fallen()
    engine = started(store, faces=lambda weights, device: next(pulses))
    for store.bad in (True, False):
        engine.refresh()
        wait_until(lambda: engine.lanes[0].state == "warm")
    assert engine.lanes[0].problem == ""


@pytest.mark.parametrize("fails", [True, False])
def test_what_is_written_to_while_it_is_read_is_read_again(tmp_path: Path, fails: bool) -> None:
    file, seen = tmp_path / "faces.onnx", list[bytes]()
    file.write_bytes(b"whole")

    class Here(Store):
        def weights(self, kind: str) -> Weights:
            return Weights(FACES[0], file, "b" * 64)

    def load(weights: Weights, device: str) -> Loaded:
        seen.append(file.read_bytes())
        if len(seen) > 1:
            return Pulsed()  # type: ignore[no-untyped-call]
        rewritten(file, b"half")
        if fails:
            raise ValueError("broken")
        return Pulsed(3.0)  # type: ignore[no-untyped-call]

    engine = Engine(Here(), "cpu", [Detector("faces", {"faces": 640}, FACES, load)])  # type: ignore[no-untyped-call]
    engine.start()
    try:
        wait_until(lambda: len(seen) == 1 and engine.lanes[0].state != "loading")
        assert engine.find({"faces"}, PIXELS, soon()).missing
        engine.refresh()
        wait_until(lambda: engine.lanes[0].state == "warm")
        assert len(seen) == 2
    finally:
        engine.close()


def test_what_could_not_be_loaded_and_was_deleted_is_a_problem_no_more(started, caplog) -> None:  # type: ignore[no-untyped-def]
    caplog.set_level(logging.CRITICAL)

    class Away(Store):
        away = False

        def weights(self, kind: str) -> Weights | None:
            return None if self.away else super().weights(kind)  # type: ignore[no-untyped-call, no-any-return]

    def load(weights: Weights, device: str) -> Loaded:
        raise ValueError("broken")

    store = Away()
    engine = started(store, faces=load)
    assert engine.lanes[0].problem
    store.away = True
    engine.refresh()
    assert (engine.lanes[0].state, engine.lanes[0].problem) == ("absent", "")


def test_a_model_that_is_well_has_no_problem(started) -> None:  # type: ignore[no-untyped-def]
    assert started(Store(), faces=loaded(Model())).lanes[0].problem == ""
