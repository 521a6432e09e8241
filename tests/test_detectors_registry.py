"""The table of detectors, and that reading it costs a web process nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from detectors import registry
from detectors.manifest import COCO, FACES, OBJECTS, Model
from detectors.registry import detector, detectors, local_detector, local_detectors, models, serving, side_for
from transforms import vocabulary
from transforms.failure import Failure
from transforms.vocabulary import Named, Vocabulary

CROPS = Model("crops", "crops", "1", "crops/x.onnx", None, "-", ("wheat",))
HEAVY = ("torch", "ultralytics", "openvino", "onnxruntime", "onnx", "rapidocr", "nudenet", "timm")


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("client found", (*HEAVY, "cv2", "httpx2", "starlette")),
        ("models registry manifest local client", (*HEAVY, "cv2", "httpx2", "starlette")),
        ("colours saliency", HEAVY),
    ],
)
def test_what_web_and_render_processes_import_stays_light(modules, heavy):
    code = f"""
import importlib, pathlib, sys
for name in {modules.split()!r}: importlib.import_module("detectors." + name)
if "detectors.models" in sys.modules:
    store = sys.modules["detectors.models"].ModelStore(pathlib.Path("/nowhere"))
    store.identity("faces"), store.missing("objects"), store.listing()
print(*[name for name in {heavy!r} if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout.strip()) == (0, ""), ran.stderr


def test_the_table():
    assert {task: set(found.kinds) for task, found in detectors().items()} == {
        "faces": {"faces", "all-faces", "largest-face"},
        "objects": {"objects"},
        "masks": {"masks"},
        "text": {"text"},
        "moderation": {"moderation"},
        "matte": {"matte"},
    }
    assert set(local_detectors()) == {"colors", "saliency", "traits", "codes"}
    assert detectors()["objects"].models[0].name == "yolo11n"
    assert [model.name for model in detectors()["faces"].models] == ["yunet-2026may", "centerface"]


def test_the_table_is_frozen():
    with pytest.raises(TypeError):
        detectors()["mine"] = detectors()["faces"]
    with pytest.raises(TypeError):
        serving("faces").sides["faces"] = 1


@pytest.mark.parametrize("model", [*OBJECTS, *FACES], ids=lambda model: model.name)
def test_the_manifest_is_whole(model):
    assert len(model.sha256) == 64
    assert set(model.sha256) <= set("0123456789abcdef")
    assert model.licence
    assert model.labels
    assert models()[model.name] is model
    assert (model.url or "").endswith(f"/{model.file}") if model.url else model.package
    assert model.url is None or model.url.startswith("https://")


def test_coco_has_eighty_labels():
    assert len(set(COCO)) == 80
    assert (COCO[0], COCO[5], COCO[79]) == ("person", "bus", "toothbrush")


@pytest.mark.parametrize(
    ("kinds", "side"),
    [({"faces"}, 640), ({"objects", "faces"}, 640), ({"all-faces", "objects"}, 1920), ({"largest-face"}, 320)],
)
def test_the_side_that_is_worth_sending(kinds, side):
    assert side_for(kinds) == side


def test_an_unknown_kind_is_a_failure_with_the_nearest():
    with pytest.raises(Failure) as caught:
        serving("face")
    assert caught.value.code == "unknown-detector"
    assert "'faces'" in caught.value.hint


def test_a_kind_is_registered_once():
    with pytest.raises(ValueError, match="'faces'"):
        detector("more-faces", sides={"faces": 100}, models=FACES)(lambda weights, device: None)
    with pytest.raises(ValueError, match="'colors'"):
        local_detector("colors")(lambda pixels: None)
    with pytest.raises(ValueError, match="task 'faces'"):
        detector("faces", sides={"other": 100}, models=FACES)(lambda weights, device: None)


def test_a_plug_in_adds_a_detector(monkeypatch):
    class EntryPoint:
        def load(self):
            detector("smells", sides={"smells": 960}, models=FACES)(lambda weights, device: None)
            local_detector("sharpness")(lambda pixels: None)

    monkeypatch.setattr(registry, "_detectors", dict(detectors()))
    monkeypatch.setattr(registry, "_local", dict(local_detectors()))
    monkeypatch.setattr(registry, "_local_sides", dict(registry._local_sides))
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint()] if group == "darkroom.detectors" else [])
    registry._load_all.__wrapped__()
    assert serving("smells").sides["smells"] == 960
    assert "sharpness" in local_detectors()
    before = vocabulary.current()
    try:
        registry.install((CROPS,))
        assert vocabulary.current().names == ("sharpness", "smells", "crops")
        registry.adopt(Vocabulary((Named("crops", ("oat",)), Named("smells", ("told elsewhere",)), Named("far"))))
        kept = vocabulary.current()
        assert [(named.name, named.labels, named.side) for named in kept.models] == [
            ("sharpness", (), 320), ("smells", ("face",), 960), ("crops", ("oat",), 640), ("far", (), 640),
        ]  # fmt: skip
        registry.adopt(Vocabulary(kept.models[2:]))
        registry.adopt(kept)
        assert vocabulary.current() is kept  # what was asked stays known while nothing changes
        with pytest.raises(ValueError, match="'smells'"):
            registry.install((replace(CROPS, name="smells"),))
    finally:
        registry._own = {}
        vocabulary.install(before)


@pytest.mark.parametrize("kind", ["dog", "center", "a_b"])
def test_what_means_something_else_is_no_word(monkeypatch, kind):
    monkeypatch.setattr(registry, "_detectors", dict(detectors()))
    detector(kind, sides={kind: 100}, models=FACES)(lambda weights, device: None)
    assert serving(kind).kinds == {kind}
    assert [named.name for named in registry._plugged()] == []
