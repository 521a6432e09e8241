"""What of a model's set-up stays, what its model.toml may say, and what is told where something cannot be done."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from detectors import models as module
from detectors import registry
from detectors.adding import Wish, add, set_up
from detectors.card import CARD, card_of, model_of, read_card, write_card
from detectors.manifest import PUBLISHED, Preprocess
from detectors.runners import open_runner
from server.health import described

from .fabricated import LABELS, WHEAT, fabricated, refused
from .test_detectors_adding import elsewhere

CARDS = {"file": "a.onnx", "sha256": "0" * 64, "form": "detect", "labels": ["a", "b"]}


# Replacing


def test_what_was_set_up_stays_when_a_model_is_trained_again(store, file, untried):
    add(store, file, Wish("crops", version="1"))
    set_up(store, Wish("crops", threshold=0.6, thresholds={"weed": 0.7}, names={"weed": "thistle"}, tags=False,
                       licence="MIT"))  # fmt: skip
    told = list[str]()
    model = add(store, file, Wish("crops", thresholds={"wheat_head": 0.3}, replace=True), tell=told.append)
    assert (model.threshold, model.thresholds) == (0.6, {"weed": 0.7, "wheat_head": 0.3})
    assert (model.names, model.tags, model.licence) == ({"weed": "thistle"}, False, "MIT")
    assert (model.version, told) == ("", [])  # of other weights
    again = add(store, file, Wish("crops", threshold=0.2, names={"weed": "dock"}, licence="X", replace=True))
    assert (again.threshold, again.names, again.licence) == (0.2, {"weed": "dock"}, "X")


def test_what_cannot_stay_is_told(store, file, untried, tmp_path):
    plants = fabricated(tmp_path / "plants.onnx", LABELS, WHEAT, form="classify", side=64)
    wish = Wish("crops", topk=3, thresholds={"weed": 0.7, "wheat_head": 0.5}, names={"weed": "thistle"})
    add(store, plants, wish)
    other = fabricated(tmp_path / "other.onnx", ["wheat_head", "oats"], WHEAT, side=96)
    told = list[str]()
    model = add(store, other, Wish("crops", replace=True), tell=told.append)
    assert (model.thresholds, model.names, model.side) == ({"wheat_head": 0.5}, {}, 96)
    assert [line.partition(" did not stay")[0] for line in told[:3]] == [
        "topk was set up before, and", "the threshold 0.7 of weed", "the name 'thistle' of weed",
    ]  # fmt: skip
    assert "side is 96, as the new weights say; it was 64" in told[3]
    assert len(told) == 4


def test_what_a_classifier_is_asked_with_stays_too(store, untried, tmp_path):
    (tmp_path / "x.pth").write_bytes(b"weights")
    usual = {"labels": ("a", "b"), "backend": "timm", "arch": "resnet18"}
    said = {"topk": 3, "scores": "sigmoid", "preprocess": {"size": 96, "crop": 0.9}}
    add(store, tmp_path / "x.pth", Wish("x", **usual, **said))
    model = add(store, tmp_path / "x.pth", Wish("x", **usual, preprocess={"crop": 0.8}, replace=True))
    assert (model.topk, model.scores, model.preprocess) == (3, "sigmoid", Preprocess(96, 0.8))


def test_a_model_whose_settings_nobody_can_read_is_replaced_and_that_is_told(store, file, untried):
    add(store, file, Wish("crops", threshold=0.6))
    (store.folder / "crops" / CARD).write_text("[oops")
    told = list[str]()
    assert add(store, file, Wish("crops", replace=True), tell=told.append).threshold != 0.6
    assert [line.startswith("nothing that was set up before stays: crops/model.toml") for line in told] == [True]


# What a model.toml may say


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("", "it must say file (or url, of a model on a Triton server)"),
        ('backend = "triton"\n', "it must say file"),
        ('url = "http://triton:8000/crops"\n', "its backend is yolo"),
    ],
)
def test_a_card_without_weights_is_no_model(store, said, says):
    (store.folder / "crops").mkdir(parents=True)
    (store.folder / "crops" / CARD).write_text(f'{said}form = "detect"\nlabels = ["a"]\n')
    [problem] = store.refused()
    assert (problem.name, problem.code, store.own()) == ("crops", "model-settings-malformed", ())
    assert says in problem.why


@pytest.mark.parametrize("url", ["grpc://triton:8001/crops", "http://triton:8000", "http:///crops", "triton/crops"])
def test_addresses_that_triton_is_not_asked_at_are_refused_with_those_that_are(url):
    failure = refused(card_of, "crops", {"url": url, "backend": "triton", "form": "detect", "labels": ["a"]})
    assert failure.code == "model-settings-malformed"
    assert "http://host:8000/name (Triton's port for http or https; gRPC is not spoken here)" in failure.message


def test_a_source_is_shown_without_its_query():
    card = card_of("crops", {**CARDS, "source": "https://models.example.org/best.onnx?token=secret#secret"})
    listed = module.Listed(model_of("crops", card), "verified")
    assert described(listed)["source"] == "https://models.example.org/best.onnx"


def test_weights_in_other_files_are_refused_where_they_are_loaded_too(store, file, untried):
    folder = store.folder / "crops"
    folder.mkdir(parents=True)
    odd = elsewhere(file, folder / "best.onnx", "best.onnx.data")
    sha256 = module.Hashes().of(odd)
    write_card(folder, card_of("crops", {**CARDS, "file": odd.name, "sha256": sha256, "labels": LABELS, "side": 64}))
    registry.install(store.own())
    failure = refused(open_runner, store.weights("crops"), "cpu")
    assert failure.code == "model-weights-elsewhere"
    assert "best.onnx.data" in failure.message


# What can be set of which


IDLE = [
    ("yunet-2026may", {"threshold": 1.0}), ("yunet-2026may", {"side": 64}), ("yunet-2026may", {"tags": False}),
    ("centerface", {"thresholds": {"face": 0.9}}),
    ("u2netp", {"side": 64}), ("isnet-general-use", {"threshold": 0.9}), ("pp-ocrv6-small", {"threshold": 0.9}),
    ("nudenet-320n", {"side": 640}), ("yolo11n", {"tags": False}), ("yolo11n-seg", {"tags": True}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "said"), IDLE)
def test_what_changes_nothing_is_refused(store, name, said):
    failure = refused(set_up, store, Wish(name, **said))
    [key] = said
    assert (failure.code, failure.details) == ("model-settings-malformed", {"model": name, "key": key})
    assert f"{key} changes nothing of {PUBLISHED[name].task}" in failure.message
    assert "licence can be set" in failure.message
    assert not (store.folder / name).exists()
    (store.folder / name).mkdir(parents=True)
    write_card(store.folder / name, card_of(name, said))
    [problem] = store.refused()
    assert f"{key} changes nothing of" in problem.why
    assert store.known()[name] == PUBLISHED[name]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("yunet-2026may", {"licence": "MIT-0"}),
        ("nudenet-320n", {"threshold": 0.5, "thresholds": {"feet-exposed": 0.9}}),
        ("yolo11n", {"threshold": 0.5, "thresholds": {"dog": 0.1}, "side": 320}),
        ("yolo11n-seg", {"threshold": 0.5}),
        ("yolo11n-cls", {"tags": False, "threshold": 0.5}),
    ],
)
def test_what_is_made_use_of_can_be_set(store, name, said):
    model = set_up(store, Wish(name, **said))
    assert {key: getattr(model, key) for key in said} == said
    assert store.known()[name] == model


# What is told where something cannot be done


def test_options_are_not_told_to_be_mended_in_a_file(store, file, untried):
    for act in (lambda: add(store, file, Wish("crops", topk=3)), lambda: set_up(store, Wish("yolo11n", tags=True))):
        failure = refused(act)
        assert failure.code == "model-settings-malformed"
        assert "cannot be set up so: " in failure.message
        assert failure.hint == "nothing was changed: say another value, or leave it out"
    add(store, file, Wish("crops"))
    (store.folder / "crops" / CARD).write_text("[oops")
    assert store.refused()[0].how.startswith("mend it, or remove the folder")


def test_a_file_that_breaks_while_it_is_read_is_not_taken_for_a_folder_that_cannot_be_written(
    store, file, monkeypatch
):  # fmt: skip
    class Torn:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.stream.close()

        def read(self, size):
            raise OSError(errno.EIO, "Input/output error")

    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, *how, **more: (Torn if path == file else lambda s: s)(real(path, *how, **more))
    )
    failure = refused(add, store, file, Wish("crops"))
    assert (failure.code, failure.message) == ("model-file-unreadable", "best.onnx cannot be read: input/output error")
    assert "copy it to another place" in failure.hint


@pytest.mark.parametrize("what", ["crops.onnx", f".{CARD}.part"])
def test_a_folder_that_cannot_be_written_is_said_to_be_so(store, file, untried, monkeypatch, what):
    real = Path.open

    def full(path, mode="r", *how, **more):
        if path.name == what and "r" not in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, mode, *how, **more)

    monkeypatch.setattr(Path, "open", full)
    failure = refused(add, store, file, Wish("crops"))
    assert (failure.code, failure.message) == (
        "models-folder-not-writable", "cannot write to the models folder: No space left on device",
    )  # fmt: skip


def test_a_server_that_does_not_answer_is_told_and_its_model_is_added(store):
    told = list[str]()
    wish = Wish("crops", url="http://127.0.0.1:1/crops", form="detect", labels=("a",))
    add(store, None, wish, tell=told.append)
    assert read_card(store.folder / "crops").url == wish.url
    [line] = told
    assert line.startswith("http://127.0.0.1:1/crops was asked and did not answer as it should: crops does not run: ")
    assert "refused" in line
    assert "the model is added all the same" in line
