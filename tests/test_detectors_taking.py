"""What is said of models that cannot be loaded: why, and what helps, without paths, and in one line of the log."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from detectors.canary import Canary
from detectors.engine import Engine
from detectors.manifest import FACES, Model, Unlike
from detectors.models import ModelStore
from detectors.registry import Detector, Loaded, Weights, detectors, install
from detectors.rehearsal import rehearse
from detectors.taking import Untaken, advice, take
from detectors.waiting import Unable

from .fabricated import Answer, own
from .test_detectors_canary import Pulsed, canaries
from .test_detectors_engine import PIXELS, engine_of, soon, wait_until
from .test_detectors_engine import Model as Asked
from .test_detectors_lane import CROPS, FAR, Store, started

__all__ = ["canaries", "engine_of", "started"]

PLACE = "/srv/secret/models"
ADD = "run `darkroom models add FILE --name crops --replace`"


def refused(weights: Weights, error: Exception | None, pulse: float = 1.0) -> str:
    def load(weights: Weights, device: str) -> Loaded:
        if error:
            raise error
        return Pulsed(pulse)  # type: ignore[no-untyped-call]

    with pytest.raises(Untaken) as caught:
        take(Detector("crops", {"crops": 640}, FACES, load), weights, "cpu", Canary())
    return str(caught.value)


@pytest.mark.parametrize(
    ("model", "file", "error", "says"),
    [
        (CROPS, "crops/x.onnx", RuntimeError(f"{PLACE}/x.onnx failed"), "its file cannot be read as ONNX"),
        (CROPS, "crops/x_openvino_model", OSError(PLACE), "its file cannot be read as OpenVINO"),
        (CROPS, "crops/x.pt", EOFError(), "its file cannot be read as weights of torch"),
        (CROPS, "crops/x.bin", EOFError(), "its file cannot be read"),
        (CROPS, "crops/x.onnx", PermissionError(13, "Denied", PLACE), "its file cannot be read: permission denied"),
        (CROPS, "crops/x.pt", ModuleNotFoundError("No module", name="torch.nn"), "torch is not installed"),
        (CROPS, "crops/x.pt", MemoryError(), "there is not enough memory for it"),
        (CROPS, "crops/x.pt", RuntimeError("CUDA out of memory"), "there is not enough memory for it"),
        (CROPS, "crops/x.onnx", Unlike("crops has 3 classes"), "crops has 3 classes"),
        (FAR, "crops/model.toml", ConnectionError("refused"), "its server does not answer as it should"),
        (FAR, "crops/model.toml", Unlike("its server says: no"), "its server says: no"),
    ],
)  # fmt: skip
def test_reasons_are_words_without_paths(model: Model, file: str, error: Exception, says: str) -> None:
    assert refused(Weights(model, Path(PLACE, file), "a" * 64), error) == says


def test_a_model_that_is_read_and_fails_then_says_so() -> None:
    weights = Weights(CROPS, Path(PLACE, "x.onnx"), "a" * 64)
    assert "NaN" in refused(weights, None, pulse=float("nan"))
    with pytest.raises(Untaken, match="it fails on a test picture"):
        take(Detector("crops", {"crops": 640}, FACES, lambda *_: failing()), weights, "cpu", Canary())


@pytest.mark.parametrize(
    ("model", "file", "says"),
    [
        (replace(CROPS, sha256="b" * 64), "x.onnx", f"its file is as it was added: export it again and {ADD}"),
        (CROPS, "x.onnx", f"export it again and {ADD}"),
        (CROPS, "x_openvino_model", "delete x_openvino_model and run `darkroom models export crops`"),
        (FACES[0], FACES[0].file, "its file is as it was published: install Darkroom"),
        (replace(FACES[0], sha256=None), FACES[0].file, "delete it and run `darkroom models pull yunet-2026may --"),
    ],
)  # fmt: skip
def test_advice_fits_what_is_wrong(model: Model, file: str, says: str) -> None:
    assert advice(Weights(model, Path(PLACE, file), "a" * 64)).startswith(says)


def test_a_broken_file_is_one_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "darkroom")
    spoilt(tmp_path)
    engine = Engine(ModelStore(tmp_path))
    engine.start()
    try:
        [lane] = [lane for lane in engine.lanes if lane.detector.task == "crops"]
        wait_until(lambda: lane.state == "failed", 20)
        why = "could not be loaded: its file cannot be read as ONNX"
        assert why in lane.problem
        assert ADD in lane.problem
        assert "verify" not in lane.problem
        [line] = [record for record in caplog.records if "crops@" in record.getMessage()]
        assert line.getMessage().endswith(why)
        assert line.exc_info is None
        assert str(tmp_path) not in caplog.text
    finally:
        engine.close()
        install(())


def spoilt(folder: Path) -> None:
    """A model of the operator whose checksum is that of its file, which is no network."""
    import hashlib

    crops = own(folder, "crops", ["wheat"], [Answer("wheat", 0.9)], side=64)
    good = (crops / "crops.onnx").read_bytes()
    (crops / "crops.onnx").write_bytes(b"not a network")
    card = (crops / "model.toml").read_text()
    (crops / "model.toml").write_text(
        card.replace(hashlib.sha256(good).hexdigest(), hashlib.sha256(b"not a network").hexdigest())
    )


def test_where_it_was_raised_is_told_to_who_debugs(started, caplog) -> None:  # type: ignore[no-untyped-def]
    caplog.set_level(logging.DEBUG, "darkroom")

    def load(weights: Weights, device: str) -> Loaded:
        raise ValueError("broken here")

    started(Store(), faces=load)
    assert "broken here" in caplog.text
    assert [record.levelno for record in caplog.records if record.exc_info] == [logging.DEBUG]


def test_a_server_that_stays_away_is_one_line(started, monkeypatch, caplog) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("detectors.lane.RETRY_S", 0.0)
    caplog.set_level(logging.INFO, "darkroom")
    tries = []

    def load(weights: Weights, device: str) -> Loaded:
        tries.append(weights)
        raise ConnectionError("refused")

    engine = started(Store("crops", model=FAR), crops=load)
    wait_until(lambda: engine.refresh() or len(tries) > 3)
    assert sum("could not be loaded" in record.getMessage() for record in caplog.records) == 1
    assert not any(record.exc_info for record in caplog.records)


def test_questions_that_fail_are_one_line_each(engine_of, caplog) -> None:  # type: ignore[no-untyped-def]
    model = Asked()
    engine = engine_of(faces=model)
    for raised in (Unlike("its server says: no"), RuntimeError("a\nb"), RuntimeError("a\nb")):
        model.fail = lambda questions, raised=raised: _raise(raised)
        with pytest.raises(Unable):
            engine.find({"faces"}, PIXELS, soon())
    lines = [(record.getMessage(), bool(record.exc_info)) for record in caplog.records if "question" in record.msg]
    told = "faces: a question failed: "
    assert lines == [
        (f"{told}Unlike: its server says: no", False), (f"{told}RuntimeError: a b", True),
        (f"{told}RuntimeError: a b", False),
    ]  # fmt: skip


def test_a_canary_that_cannot_be_asked_is_one_line(engine_of, canaries, caplog) -> None:  # type: ignore[no-untyped-def]
    engine = engine_of(faces=(model := Pulsed()))
    model.numbers = None
    wait_until(lambda: "canary picture failed" in caplog.text)
    engine.close()
    assert "the canary picture failed: RuntimeError: device lost" in caplog.text
    assert "Traceback" not in caplog.text


def failing() -> Loaded:
    model = Asked()  # type: ignore[no-untyped-call]
    model.fail = lambda questions: True
    return model


def _raise(error: Exception) -> bool:
    raise error


def test_a_rehearsal_finds_what_does_not_load(tmp_path: Path) -> None:
    spoilt(tmp_path)
    own(tmp_path, "well", ["rye"], [Answer("rye", 0.9)], side=64)
    troubles = rehearse(tmp_path)
    assert list(troubles) == ["crops"]
    says, mend = troubles["crops"]
    assert says.startswith("crops@")
    assert says.endswith(" could not be loaded: its file cannot be read as ONNX")
    assert ADD in mend


def test_what_ends_the_process_that_rehearses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    said = b'["faces", []]\n["crops", ["crops@aa ends it", "export it again"]]\n'
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], -11, said, b""))
    assert rehearse(tmp_path) == {"crops": ("crops@aa ends it", "export it again")}


def test_the_detectors_that_come_with_darkroom_can_be_taken(models_folder: Path) -> None:
    store = ModelStore(models_folder)
    weights = store.weights("faces")
    assert weights
    assert take(detectors()["faces"], weights, "cpu", Canary()).batch >= 1
