"""What the detection process holds in memory, and what many who ask at once are answered."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from detectors.export import compared, export, fastest
from detectors.found import pack
from detectors.manifest import Model
from detectors.models import ModelStore
from detectors.registry import Weights, install
from transforms.failure import Failure

from .fabricated import Answer, fabricated
from .shared import MODELS, ROOT, SHARED, needs
from .test_detectors_heads import noise
from .test_detectors_runners import MADE, SIDE
from .test_detectors_service import eventually, find, running

HOLDING = """
import sys, time
from pathlib import Path
from detectors.quiet import silence
silence()
import numpy as np
from detectors.engine import Engine
from detectors.models import ModelStore
from detectors.registry import detectors
table = [detectors()[task] for task in ("faces", "objects")]
engine = Engine(ModelStore(Path(sys.argv[1])), "cpu", table)
engine.start()
while not engine.ready:
    time.sleep(0.02)
found = engine.find({"faces", "objects"}, np.zeros((480, 640, 3), np.uint8), time.monotonic() + 30)
heavy = [name for name in ("torch", "ultralytics", "torchvision", "matplotlib", "polars") if name in sys.modules]
resident = next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]
print(sorted(kind for kind, _ in found.models), heavy, int(resident) // 1024)
import os
os._exit(0)
"""


def test_a_network_in_memory_does_not_follow_its_file(tmp_path):
    openvino = pytest.importorskip("openvino")
    from detectors.runners.openvino import OpenVinoRunner

    folder = tmp_path / "made_openvino_model"
    folder.mkdir()
    made = fabricated(tmp_path / "made.onnx", ["wheat"], [Answer("wheat", 0.9, (0.1, 0.2, 0.3, 0.4))], side=64)
    openvino.save_model(openvino.convert_model(made), folder / "made.xml", compress_to_fp16=False)
    model = Model("made", "made", "1", folder.name, None, "-", ("wheat",), side=64)
    runner = OpenVinoRunner(folder, model)
    before = runner.run(np.full((1, 64, 64, 3), 99, np.uint8))
    weights = folder / "made.bin"
    with weights.open("r+b") as file:  # in place, as `cp` does
        file.write(bytes(weights.stat().st_size))
    after = runner.run(np.full((1, 64, 64, 3), 99, np.uint8))
    assert any(output.any() for output in before)
    assert all(map(np.array_equal, before, after))


@needs("models", "yolo11n_int8_openvino_model")
def test_openvino_and_onnx_run_without_torch():
    pytest.importorskip("openvino")
    done = subprocess.run(
        [sys.executable, "-c", HOLDING, str(MODELS)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    kinds, _, rest = done.stdout.partition("] ")
    heavy, _, megabytes = rest.partition("] ")
    assert kinds == "['faces', 'objects'"
    assert heavy == "["
    assert int(megabytes) < 600  # 350 here; 970 with torch and ultralytics


@needs("models", "yolo11n_int8_openvino_model")
@needs("images", "photos")
def test_five_hundred_at_once_are_answered_as_one_by_one(tmp_path):
    """Mixed kinds and pictures from eight threads; equal to the bytes of the packed answer."""
    pytest.importorskip("openvino")
    from .test_detectors_photos import pixels_of

    photos = sorted((SHARED / "images" / "photos").glob("*.jpg"))[:6]
    pictures = [*(pixels_of(path, 320) for path in photos), noise(1, 1), noise(200, 320)]
    kinds = [{"faces"}, {"objects"}, {"largest-face"}, {"faces", "objects"}, {"largest-face", "faces"}]
    mixed = [(frozenset(kinds[n % 5]), n % 8) for n in range(40)]  # every pair of the two once
    asked = [mixed[n] for n in np.random.default_rng(5).permutation(500) % 40]
    with running(str(tmp_path / "detection.sock"), MODELS) as process:
        tasks = lambda: process.client.models()["tasks"]  # noqa: E731
        eventually(lambda: tasks()["faces"] == tasks()["objects"] == "warm", 60)

        def answer(question, key=None):
            which, number = question
            return pack(find(process.client, which, pictures[number], 60, key=key))

        one_by_one = {question: answer(question) for question in mixed}
        # A third without a key, so that it is really asked; the others share flights and answers that are kept.
        keys = [None if n % 3 == 0 else f"picture {number}" for n, (_, number) in enumerate(asked)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(answer, asked, keys))
    wrong = [question for question, given in zip(asked, answers, strict=True) if given != one_by_one[question]]
    assert wrong == []
    assert any(b"person" in given for given in answers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A models folder with yolo11n.pt of random weights."""
    pytest.importorskip("ultralytics")
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, "-c", MADE, str(folder), str(SIDE), "yolo11n"], cwd=ROOT, check=True,
                   capture_output=True)  # fmt: skip
    (folder / "yolo11n.onnx").rename(folder / "made.onnx")
    return folder


@pytest.fixture
def store(folder, monkeypatch):
    """That folder, with the .pt as the operator's own model `weeds`, of small pictures so that this is quick."""
    labels = tuple(map(str, range(80)))
    weeds = Model("weeds", "weeds", "1", "yolo11n.pt", None, "-", labels, side=SIDE, others=("yolo11n.onnx",))
    store = ModelStore(folder)
    monkeypatch.setattr(store, "known", lambda: {"weeds": weeds})
    yield store
    install(())


def test_an_export_is_kept_beside_its_file_if_it_finds_the_same(store, folder):
    made = export(store, "weeds", [noise(60, 90)], wanted="onnx")
    assert made.path == folder / "yolo11n.onnx"
    assert made.path.stat().st_size > 1 << 20
    assert made.likeness.pictures == 2
    assert made.likeness.scores < 0.001
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_an_export_that_finds_something_else_is_told(store, folder):
    weeds = store.known()["weeds"]
    other = folder / "other.onnx"
    import onnx

    network = onnx.load(folder / "made.onnx")
    bias = next(node for node in network.graph.initializer if "cv3.2.2.bias" in node.name)
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(80, 3.0, np.float32), bias.name))
    onnx.save(network, other)
    likeness = compared(
        Weights(weeds, folder / "yolo11n.pt", ""), Weights(weeds, other, ""), [noise(SIDE, SIDE)], "cpu"
    )
    assert likeness.scores > 0.5
    assert likeness.things > likeness.both
    assert not likeness.alike(whole=True)
    assert not likeness.alike(whole=False)


@pytest.mark.parametrize(
    ("name", "wanted", "code"),
    [
        ("wheeds", None, "unknown-model"),
        ("weeds", "engine", "model-not-exportable"),
        ("gone", None, "model-not-exportable"),
    ],
)
def test_what_cannot_be_exported_is_refused(store, monkeypatch, name, wanted, code):
    gone = Model("gone", "gone", "1", "gone.pt", None, "-", ("a",))
    known = {**store.known(), "gone": gone}
    monkeypatch.setattr(store, "known", lambda: known)
    monkeypatch.setattr("detectors.export.find_spec", lambda package: None)
    with pytest.raises(Failure) as refused:
        export(store, name, wanted=wanted)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("device", "installed", "form"),
    [("cpu", {"openvino"}, "openvino"), ("cpu", set(), "onnx"), ("cuda", set(), "engine")],
)
def test_the_fastest_form_is_one_that_runs_here(monkeypatch, device, installed, form):
    monkeypatch.setattr("detectors.export.find_spec", lambda package: package in installed or None)
    assert fastest(device) == form
