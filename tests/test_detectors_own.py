"""The operator's models: folders with a model.toml, what is taken into the models folder, and what is refused."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import pickletools
import zipfile
from pathlib import Path

import pytest

from detectors import copying, names, registry
from detectors.adding import Wish, add, set_up
from detectors.card import CARD, card_of, read_card, write_card
from detectors.engine import Engine
from detectors.inspection import inspect
from detectors.manifest import COCO, PUBLISHED, Model, Preprocess
from detectors.names import check_name
from transforms import labels as words_for_objects
from transforms.failure import Failure
from transforms.gravity import THINGS, Compass

from .fabricated import ANCHORS, LABELS, WHEAT, Answer, fabricated, own
from .shared import MODELS, needs


def code(act, *arguments, **more):
    """The code and hint of the failure that a call ends in."""
    with pytest.raises(Failure) as caught:
        act(*arguments, **more)
    return caught.value.code, f"{caught.value.message} {caught.value.hint}"


def test_a_file_is_looked_at_tried_and_taken(store, file):
    model = add(store, file, Wish("crops", names={"wheat_head": "wheat"}, thresholds={"weed": 0.6}, licence="MIT"))
    assert (model.form, model.side, model.labels, model.shown) == ("detect", 64, tuple(LABELS), ("wheat", "weed"))
    assert (model.least("wheat_head"), model.least("weed"), model.tags, model.own) == (0.4, 0.6, True, True)
    assert model.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert store.own() == (model,)
    registry.install(store.own())
    assert store.weights("crops").path == store.folder / "crops" / "crops.onnx"
    [row] = [row for row in store.listing() if row.model.name == "crops"]
    assert (row.status, row.kinds, row.model.licence) == ("verified", ("crops",), "MIT")
    assert sorted(path.name for path in store.folder.iterdir()) == ["crops"]  # nothing is left over


def test_a_folder_that_is_dropped_in_by_hand_works_too(store):
    own(store.folder, "crops", LABELS, WHEAT, side=64)
    registry.install(store.own())
    assert store.identity("crops").startswith("crops@")
    assert store.missing("crops") is None


def test_identity_changes_with_weights_and_with_what_is_set_up(store):
    folder = own(store.folder, "crops", LABELS, WHEAT, side=64)
    registry.install(store.own())
    first = store.identity("crops")
    set_up(store, Wish("crops", threshold=0.7))
    assert store.own()[0].threshold == 0.7
    second = store.identity("crops")
    set_up(store, Wish("crops", licence="MIT"))
    assert store.identity("crops") == second != first
    own(store.folder, "crops", LABELS, [Answer("weed", 0.8)], side=64)
    assert store.identity("crops").partition(".")[0] != first.partition(".")[0]
    assert (folder / CARD).is_file()


def test_known_models_are_set_up_beside_their_weights(store):
    before = PUBLISHED["yolo11n"]
    set_up(store, Wish("yolo11n", threshold=0.5))
    set_up(store, Wish("yolo11n", thresholds={"dog": 0.9}))
    (store.folder / "yolo11n.onnx").write_bytes(b"weights")
    after = store.weights("objects").model
    assert (after.threshold, after.least("dog")) == (0.5, 0.9)
    assert (after.sha256, after.labels) == (before.sha256, before.labels)
    assert "." in store.identity("objects")
    assert store.own() == () == store.refused()


@pytest.mark.parametrize(
    ("model", "label"),
    [("yolo11n", "car"), ("yolo11n-seg", "dog"), ("nudenet-320n", "female-breast-exposed")],
)
def test_labels_that_darkroom_knows_itself_keep_their_names(store, model, label):
    with pytest.raises(Failure, match="no other name may take away") as caught:
        set_up(store, Wish(model, names={label: "sale"}))
    assert (caught.value.code, caught.value.details["key"]) == ("model-settings-malformed", "names")
    assert not (store.folder / model).exists()


@pytest.mark.parametrize(
    ("wish", "wanted", "says"),
    [
        (Wish("Crops"), "bad-model-name", "a to z"),
        (Wish("9crops"), "bad-model-name", "letter"),
        (Wish("../crops"), "bad-model-name", "a to z"),
        (Wish("objects"), "bad-model-name", "come with Darkroom"),
        (Wish("yolo11n"), "bad-model-name", "published"),
        (Wish("dog"), "bad-model-name", "gravity"),
        (Wish("north"), "bad-model-name", "gravity"),
        (Wish("resize"), "bad-model-name", "operation"),
        (Wish("crops", sha256="0" * 64), "model-checksum-mismatch", "not 0000"),
        (Wish("crops", labels=("a",)), "model-labels-do-not-fit", "1 labels for 2 classes"),
        (Wish("crops", thresholds={"wheat_had": 0.5}), "unknown-label", "'wheat_head'"),
        (Wish("crops", names={"oats": "oat"}), "unknown-label", "oats"),
        (Wish("crops", form="segment"), "model-form-does-not-fit", "detect"),
        (Wish("crops", threshold=1.5), "model-settings-malformed", "threshold"),
        (Wish("crops", backend="timm", arch="resnet18"), "model-format-unknown", ".safetensors"),
    ],
)
def test_what_is_refused_says_what_to_do(store, file, untried, wish, wanted, says):
    found, text = code(add, store, file, wish, {"resize"})
    assert found == wanted
    assert says in text
    assert store.own() == () == store.refused()


def test_a_name_is_not_taken_twice_unasked(store, file, untried):
    add(store, file, Wish("crops"))
    assert code(add, store, file, Wish("crops"))[0] == "model-exists"
    add(store, file, Wish("crops", labels=("a", "b"), replace=True))
    assert store.own()[0].labels == ("a", "b")
    assert sorted(path.name for path in store.folder.iterdir()) == ["crops"]


def test_a_file_that_says_nothing_of_itself_wants_to_be_told(store, tmp_path, untried):
    silent = fabricated(tmp_path / "silent.onnx", LABELS, WHEAT, side=64, metadata=False)
    found, text = code(add, store, silent, Wish("crops"))
    assert found == "model-labels-missing"
    assert "--labels" in text
    assert code(add, store, silent, Wish("crops", labels=("one",)))[0] == "model-labels-do-not-fit"
    assert add(store, silent, Wish("crops", labels=("one", "two"))).labels == ("one", "two")


@pytest.mark.parametrize(("form", "classes"), [("detect", 2), ("segment", 2), ("pose", 2), ("obb", 2), ("classify", 2)])
def test_what_files_say_of_themselves(tmp_path, form, classes):
    seen = inspect(fabricated(tmp_path / "a.onnx", LABELS, WHEAT, form=form, side=64))
    assert (seen.form, seen.side, seen.labels, seen.classes) == (form, 64, tuple(LABELS), classes)


@needs("models", "yolo11n_int8_openvino_model")
def test_what_a_folder_of_openvino_says_of_itself():
    pytest.importorskip("openvino")
    seen = inspect(MODELS / "yolo11n_int8_openvino_model")
    assert (seen.form, seen.side, seen.labels, seen.classes) == ("detect", 640, COCO, 80)


class Evil:
    """Runs a command when it is unpickled, unless somebody looks what it is first."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def checkpoint(path: Path, thing: object, protocol: int) -> Path:
    """A .pt file as torch writes it: a zip with a pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("best/data.pkl", pickle.dumps({"model": thing}, protocol))
        archive.writestr("best/version", "3\n")
        archive.writestr("best/byteorder", "little")
    return path


def half_a_checkpoint() -> bytes:
    """A zip without what torch writes into it; torch says of it that its own words could be improved."""
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("best/data.pkl", pickle.dumps({}, 2))
    return file.getvalue()


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_would_run_something_is_refused_and_does_not(store, tmp_path, protocol):
    mark = tmp_path / "it ran"
    evil = checkpoint(tmp_path / "best.pt", Evil(f"touch '{mark}'"), protocol)
    found, text = code(add, store, evil, Wish("crops"))
    assert found == "model-pickle-refused"
    assert "ONNX" in text
    assert not mark.exists()
    assert not any(store.folder.iterdir())
    with zipfile.ZipFile(evil) as archive:  # it is really evil: whoever just unpickles it runs the command
        assert any("system" in str(argument) for _, argument, _ in pickletools.genops(archive.read("best/data.pkl")))
        pickle.loads(archive.read("best/data.pkl"))  # noqa: S301
    assert mark.exists()


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("best.onnx", b"no model at all", "model-file-broken"),
        ("best.pt", b"no model at all", "model-file-broken"),
        ("best.pt", pickle.dumps(print, 4), "model-pickle-refused"),
        ("best.onnx", b"", "model-file-broken"),
        ("best.pt", half_a_checkpoint(), "model-file-broken"),
        ("best.zip", b"PK", "model-format-unknown"),
        ("best.pickle", pickle.dumps([1]), "model-format-unknown"),
        (None, b"", "model-file-missing"),
    ],
)
def test_files_that_are_no_models(store, tmp_path, name, content, wanted):
    path = tmp_path / (name or "none.onnx")
    if name:
        path.write_bytes(content)
    found, text = code(add, store, path, Wish("crops"))
    assert found == wanted
    assert str(tmp_path) not in text
    assert not any(word in text for word in ("weights_only", "PyTorch", "ValueError"))


@pytest.mark.parametrize("link", ["/dev/zero", None])
def test_what_never_ends_is_not_read(store, tmp_path, link):
    file = tmp_path / "best.onnx"
    os.symlink(link, file) if link else os.mkfifo(file)
    assert code(add, store, file, Wish("crops"))[0] == "model-format-unknown"
    bad = store.folder / "bad"
    bad.mkdir(parents=True)
    (bad / CARD).symlink_to(file)
    [refused] = store.refused()
    assert (refused.name, refused.code) == ("bad", "model-settings-malformed")


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("url", "http://me:secret@triton:8000/crops"),
        ("url", "http://triton:8000/crops?key=secret"),
        ("url", "grpc://me:secret@triton:8001/crops"),
        ("source", "https://me:secret@models.example.org/best.onnx"),
        ("source", "https://secret@models.example.org/best.onnx"),
        ("source", "me:secret@models.example.org:best.onnx"),
    ],
)
def test_an_address_that_everybody_sees_holds_no_password(key, address):
    with pytest.raises(Failure) as caught:
        card_of("crops", {key: address, "form": "detect", "labels": ["a"]})
    assert caught.value.code == "model-settings-malformed"
    assert "secret" not in f"{caught.value}{caught.value.details}"


def test_a_file_that_is_too_large_is_not_even_copied(store, file, monkeypatch):
    monkeypatch.setattr(copying, "LARGEST", 1000)
    assert code(add, store, file, Wish("crops"))[0] == "model-too-large"
    assert not store.folder.exists()


def test_a_model_that_does_not_run_is_not_taken(store, tmp_path):
    odd = fabricated(tmp_path / "best.onnx", LABELS, WHEAT, side=64, channels=4)
    found, text = code(add, store, odd, Wish("crops"))
    assert found == "model-does-not-run"
    assert store.own() == ()
    assert str(store.folder) not in text


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
@pytest.mark.parametrize("form", ["detect", "classify"])
def test_a_model_that_puts_out_no_numbers_is_not_taken(store, tmp_path, form, score):
    numberless = fabricated(tmp_path / "best.onnx", LABELS, [Answer("wheat_head", score)] * ANCHORS, form=form, side=64)
    found, text = code(add, store, numberless, Wish("crops"))
    assert found == "model-puts-out-no-numbers"
    assert "full precision" in text
    assert store.own() == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file = ", "Invalid value"),
        ('file = "a.onnx"', "must say form and labels"),
        ('file = "a.onnx"\nform = "detect"\nlabels = ["a"]', "sha256"),
        ('file = "../a.onnx"', "not the name of a file"),
        ('fiel = "a.onnx"', "fiel"),
        ('url = "file:///etc/passwd"', "not the address"),
        (f'file = "a.onnx"\nsha256 = "{"0" * 64}"\nform = "detect"\nlabels = ["a", "a"]', "twice"),
        (f'file = "a.onnx"\nsha256 = "{"0" * 64}"\nform = "guess"\nlabels = ["a"]', "form"),
        (f'file = "a.onnx"\nsha256 = "{"0" * 64}"\nform = "detect"\nlabels = ["a"]\n[names]\nb = "c"', "'b'"),
        ("x" * 5_000_000, "larger"),
    ],
)
def test_a_malformed_card_costs_only_its_own_model(store, text, says):
    own(store.folder, "good", LABELS, WHEAT, side=64)
    (store.folder / "bad").mkdir()
    (store.folder / "bad" / CARD).write_text(text)
    [refused] = store.refused()
    assert (refused.name, refused.code) == ("bad", "model-settings-malformed")
    assert says in refused.why
    assert [model.name for model in store.own()] == ["good"]
    registry.install(store.own())
    assert store.identity("good")
    [row] = [row for row in store.listing() if row.model.name == "bad"]
    assert (row.status, row.present) == ("refused", False)
    assert "models add" in row.why


def test_weights_without_a_card_say_how_to_get_one(store):
    fabricated(store.folder / "crops" / "best.onnx", LABELS, WHEAT, side=64)
    [refused] = store.refused()
    assert (refused.name, refused.code) == ("crops", "model-settings-missing")
    assert "darkroom models add crops/best.onnx --name" in refused.how


def test_a_folder_of_a_taken_name_is_refused(store):
    own(store.folder, "dog", LABELS, WHEAT, side=64)
    own(store.folder, "yolo11n", LABELS, WHEAT, side=64)
    assert {refused.code for refused in store.refused()} == {"bad-model-name"}
    assert store.own() == ()


@pytest.fixture
def plugged(monkeypatch):
    """A plug-in with a kind, a task, a model and a detector without one."""
    nose = Model("nose-1", "smelling", "1", "nose.bin", None, "MIT", ("rose", "cheese"))
    for table in ("_detectors", "_local", "_local_sides"):
        monkeypatch.setattr(registry, table, dict(getattr(registry, table)))
    registry.detector("smelling", sides={"smells": 320}, models=(nose,))(lambda weights, device: None)
    registry.local_detector("redness")(lambda pixels: None)
    return nose


@pytest.mark.parametrize("name", ["faces", "objects", "saliency", "smells", "smelling", "redness", "nose-1"])
def test_a_folder_called_as_a_detector_costs_only_itself(store, plugged, name):
    own(store.folder, "good", LABELS, WHEAT, side=64)
    own(store.folder, name, LABELS, WHEAT, side=64)
    [refused] = store.refused()
    assert (refused.name, refused.code) == (name, "bad-model-name")
    assert "another name" in refused.how
    registry.install(store.own())
    assert store.identity("good")
    assert {(row.model.name, row.status) for row in store.verify()} >= {(name, "refused"), ("good", "verified")}
    assert store.known()["nose-1"] == plugged


def test_no_model_is_added_under_the_name_of_a_plug_in_s(store, plugged, file):
    for name in ("smells", "redness", "nose-1"):
        assert code(add, store, file, Wish(name))[0] == "bad-model-name"
    assert not store.folder.exists()


def test_models_of_plug_ins_are_set_up_as_those_of_darkroom(store, plugged):
    set_up(store, Wish("nose-1", threshold=0.7, names={"rose": "roses"}))
    (store.folder / "nose.bin").write_bytes(b"weights")
    assert (store.own(), store.refused()) == ((), ())
    assert (store.weights("smells").model.threshold, store.weights("smells").model.shown) == (0.7, ("roses", "cheese"))


def test_a_refused_folder_is_logged_once_until_it_changes(store, plugged, caplog):
    def told():
        return [record.getMessage() for record in caplog.records if "is refused" in record.getMessage()]

    own(store.folder, "smells", LABELS, WHEAT, side=64)
    engine = Engine(store)
    engine.refresh()
    engine.refresh()
    [line] = told()
    assert line.startswith("smells in the models folder is refused (bad-model-name): ")
    assert "take another name" in line
    (store.folder / "smells").rename(store.folder / "scents")
    engine.refresh()
    assert "scents" in engine.kinds
    own(store.folder, "smells", LABELS, WHEAT, side=64)
    engine.refresh()
    assert len(told()) == 2
    engine.close()


CLASSES = {
    "file": "x.pth", "sha256": "0" * 64, "form": "classify", "labels": ["a", "b"], "backend": "timm",
    "arch": "resnet18",
}  # fmt: skip

UNFIT = [
    ({"topk": 0}, "greater than or equal to 1"),
    ({"topk": 1001}, "less than or equal to 1000"),
    ({"scores": "shares"}, "'softmax' or 'sigmoid'"),
    ({"preprocess": {"size": "8"}}, "not from 16 to 2048"),
    ({"preprocess": {"size": "big"}}, "valid integer"),
    ({"preprocess": {"sise": "224"}}, "preprocess.sise"),
    ({"preprocess": {"crop": "1.5"}}, "not from 0.1 to 1"),
    ({"preprocess": {"mean": ["0.5", "0.5"]}}, "preprocess.mean"),
    ({"preprocess": {"mean": ["0.5", "inf", "0.5"]}}, "finite"),
    ({"preprocess": {"std": ["0.5", "0", "0.5"]}}, "greater than 0"),
    ({"preprocess": {"interpolation": "cubic"}}, "'bilinear' or 'bicubic'"),
]  # fmt: skip


@pytest.fixture
def weights(tmp_path):
    """A file that nobody reads."""
    (tmp_path / "x.pth").write_bytes(b"weights")
    return tmp_path / "x.pth"


@pytest.mark.parametrize(("said", "says"), UNFIT)
def test_what_a_classifier_is_asked_with_is_read_alike_in_files_and_wishes(store, weights, untried, said, says):
    usual = {"labels": ("a", "b"), "backend": "timm", "arch": "resnet18"}
    refused = [code(card_of, "x", {**CLASSES, **said}), code(add, store, weights, Wish("x", **usual, **said))]
    add(store, weights, Wish("x", **usual))
    before = (store.folder / "x" / CARD).read_text()
    refused.append(code(set_up, store, Wish("x", **said)))
    assert {found for found, _ in refused} == {"model-settings-malformed"}
    assert all(says in text for _, text in refused)
    (_, in_file), *wished = refused
    assert wished[0] == wished[1]
    assert "mend it, or remove the folder" not in wished[0][1]
    assert in_file.partition(": ")[2].startswith(wished[0][1].partition(": ")[2].partition(" nothing was changed")[0])
    assert (store.folder / "x" / CARD).read_text() == before


def test_what_a_classifier_is_asked_with_stays_until_it_is_said_again(store, weights, untried):
    first = {"topk": 3, "scores": "sigmoid", "preprocess": {"size": "96", "mean": ["0.5", "0.4", "0.3"]}}
    model = add(store, weights, Wish("x", labels=("a", "b"), backend="timm", arch="resnet18", **first))
    assert (model.topk, model.scores, model.preprocess) == (3, "sigmoid", Preprocess(96, mean=(0.5, 0.4, 0.3)))
    changed = set_up(store, Wish("x", topk=1, preprocess={"crop": "0.9", "interpolation": "bicubic"}))
    assert (changed.topk, changed.scores) == (1, "sigmoid")
    assert changed.preprocess == Preprocess(96, 0.9, (0.5, 0.4, 0.3), interpolation="bicubic")
    assert store.own() == (changed,)
    assert changed.revision != model.revision


def test_other_folders_are_nobody_s_models(store):
    for name in ("yolo11n_int8_openvino_model", ".add-1", "notes"):
        (store.folder / name).mkdir(parents=True)
        (store.folder / name / "readme.txt").write_text("x")
    (store.folder / "yolo11n_int8_openvino_model" / "a.xml").write_text("x")
    assert store.own() == () == store.refused()


def test_weights_that_changed_since_are_refused_and_the_others_work(store):
    own(store.folder, "good", LABELS, WHEAT, side=64)
    folder = own(store.folder, "crops", LABELS, WHEAT, side=64)
    registry.install(store.own())
    fabricated(folder / "crops.onnx", LABELS, [Answer("weed", 1.0)], side=64)
    assert store.identity("crops") is None
    assert "has not the checksum" in store.missing("crops").how
    assert "darkroom models add" in store.missing("crops").how
    assert store.identity("good")
    states = {row.model.name: row.status for row in store.verify()}
    assert (states["crops"], states["good"]) == ("altered", "verified")
    assert [model.name for model in store.own()] == ["crops", "good"]  # its URLs still mean what they did


def test_a_look_at_unchanged_folders_reads_no_file(store, monkeypatch):
    for name in ("crops", "birds", "signs"):
        own(store.folder, name, LABELS, WHEAT, side=64)
    assert len(store.own()) == 3
    monkeypatch.setattr("builtins.open", None)
    monkeypatch.setattr(Path, "open", None)
    monkeypatch.setattr(Path, "read_text", None)
    assert len(store.own()) == 3


def test_cards_are_read_as_they_are_written(tmp_path):
    card = card_of("crops", {
        "file": "a.onnx", "sha256": "0" * 64, "form": "classify", "labels": ['a "quoted" one', "b\\c", "дом", "🌾"],
        "thresholds": {"дом": 0.5}, "names": {"🌾": "wheat", "b\\c": "b"}, "tags": False, "licence": "MIT",
        "preprocess": {"size": 224, "mean": [0.5, 0.5, 0.5]}, "backend": "timm", "arch": "resnet18",
    })  # fmt: skip
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card


def test_words_that_mean_something_else_are_no_names():
    spoken = {*THINGS, *Compass, *words_for_objects.GROUPS, *words_for_objects.ALIASES, "auto"}
    for word in (*spoken, *registry.model_kinds(), *registry.local_detectors(), *PUBLISHED):
        with pytest.raises(Failure):
            check_name(word)
    for name in ("crops", "my-crops", "a", "street-signs2"):
        check_name(name)
    assert {word for word in names.GRAVITY if word.replace("-", "_") not in spoken} <= {
        "subject", "none", "classic", "northwest", "northeast", "southwest", "southeast",
    }  # fmt: skip
