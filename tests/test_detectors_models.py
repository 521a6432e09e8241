"""The model store: what is found in a folder, what it is called, and what is said where nothing is there."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from detectors import hashes, usable
from detectors import models as module
from detectors.models import ModelStore
from detectors.prefer import check_preferences, read_preferences
from transforms.failure import Failure

from .shared import MODELS, needs

YUNET = "face_detection_yunet_2026may.onnx"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store that looks at its empty folder every time, and takes whatever lies there for what was published."""
    monkeypatch.setattr(module, "RECHECK_S", -1.0)
    monkeypatch.setattr(ModelStore, "_altered", lambda *_: False)
    return ModelStore(tmp_path)


@pytest.fixture
def strict(tmp_path, monkeypatch):
    """A store that looks at its empty folder every time."""
    monkeypatch.setattr(module, "RECHECK_S", -1.0)
    return ModelStore(tmp_path)


def write(path, data=b"weights"):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()[:12]


def openvino(folder, name="yolo11n_int8_openvino_model"):
    write(folder / name / "yolo11n.xml", b"<net/>")
    write(folder / name / "yolo11n.bin", b"numbers")


def test_a_fresh_install_has_faces_and_says_how_to_get_objects(store):
    assert store.identity("faces") == store.identity("all-faces") == "centerface@09189deaaf86"
    assert store.missing("faces") is None
    assert store.identity("objects") is None
    missing = store.missing("objects")
    assert (missing.detector, missing.model) == ("objects", "yolo11n")
    assert "darkroom models pull yolo11n" in missing.how
    assert str(store.folder) not in missing.how


def test_the_default_comes_before_what_came_with_pip(store):
    prefix = write(store.folder / YUNET)
    assert store.identity("faces") == f"yunet-2026may@{prefix}"


def test_without_any_face_model_its_lack_is_named(store, monkeypatch):
    monkeypatch.setattr(module, "_packaged", lambda package, file: [])
    assert store.missing("all-faces").model == "yunet-2026may"
    assert store.missing("all-faces").detector == "all-faces"


@pytest.mark.parametrize(
    ("names", "device", "wanted"),
    [
        (["yolo11n.pt", "yolo11n.onnx"], "cpu", "yolo11n.onnx"),
        (["yolo11n.pt", "yolo11n.onnx"], "cuda", "yolo11n.pt"),
        (["yolo26m.pt", "yolo11n.pt"], "cpu", "yolo11n.pt"),
        (["yolo26m.pt"], "cpu", "yolo26m.pt"),
        (["yolo11n_openvino_model/a.xml", "yolo11n_int8_openvino_model/a.xml"], "cpu", "yolo11n_int8_openvino_model"),
        (["yolo11n_int8_openvino_model/a.xml", "yolo11n.pt"], "cuda", "yolo11n.pt"),
        (["yolo11n_int8_openvino_model/a.xml"], "cuda", "yolo11n_int8_openvino_model"),
        (["yolo11n_int8_openvino_model/notes.txt", "yolo11n.onnx"], "cpu", "yolo11n.onnx"),
    ],
)
def test_which_form_of_a_model_is_used(store, monkeypatch, names, device, wanted):
    monkeypatch.setattr(usable, "installed", lambda package: True)
    store.device = device
    for name in names:
        write(store.folder / name)
    assert store.weights("objects").path == store.folder / wanted


def test_openvino_files_without_openvino_name_the_extra(store, monkeypatch):
    openvino(store.folder)
    monkeypatch.setattr(usable, "installed", lambda package: False)
    assert store.identity("objects") is None
    assert "darkroom[openvino]" in store.missing("objects").how
    (listed,) = [listed for listed in store.listing() if listed.model.name == "yolo11n"]
    assert (listed.status, listed.present) == ("unusable", False)


def test_a_folder_s_identity_is_of_names_and_contents(store, monkeypatch):
    monkeypatch.setattr(usable, "installed", lambda package: True)
    openvino(store.folder)
    first = store.identity("objects")
    folder = store.folder / "yolo11n_int8_openvino_model"
    write(folder / "yolo11n.bin", b"NUMBERS")
    second = store.identity("objects")
    (folder / "yolo11n.bin").rename(folder / "other.bin")
    third = store.identity("objects")
    write(folder / "other.bin", b"numbers")
    (folder / "other.bin").rename(folder / "yolo11n.bin")
    write(folder / ".hidden", b"does not count")
    assert len({first, second, third}) == 3
    assert store.identity("objects") == first


def test_an_unchanged_file_is_read_once_and_looked_at_once_a_second(tmp_path, monkeypatch):
    reads, looks = [], []
    hashing, look = hashes.hash_of, ModelStore._look
    monkeypatch.setattr(hashes, "hash_of", lambda *args, **kwargs: reads.append(1) or hashing(*args, **kwargs))
    monkeypatch.setattr(ModelStore, "_altered", lambda *_: False)
    monkeypatch.setattr(ModelStore, "_look", lambda self, found: looks.append(1) or look(self, found))
    write(tmp_path / YUNET)
    store = ModelStore(tmp_path)
    assert len({store.identity("faces") for _ in range(1000)}) == 1
    assert (len(reads), len(looks)) == (1, 1)
    monkeypatch.setattr(module, "RECHECK_S", -1.0)
    store.identity("faces")
    assert (len(reads), len(looks)) == (1, 2)


def test_a_file_of_the_same_size_at_another_time_is_read_again(store):
    write(store.folder / YUNET, b"one")
    first = store.identity("faces")
    write(store.folder / YUNET, b"two")
    os.utime(store.folder / YUNET, ns=(1, 1))
    assert store.identity("faces") != first


def test_verify_reads_again_whatever_time_and_size_say(store):
    write(store.folder / YUNET, b"one")
    stat = (store.folder / YUNET).stat()
    before = {listed.model.name: listed.sha256 for listed in store.listing()}
    write(store.folder / YUNET, b"two")
    os.utime(store.folder / YUNET, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert {listed.model.name: listed.sha256 for listed in store.listing()} == before
    assert {listed.model.name: listed.sha256 for listed in store.verify()} != before


def test_the_listing_names_every_model_its_state_and_what_it_serves(strict):
    write(strict.folder / YUNET)
    write(strict.folder / "yolo26s.onnx")
    state = {listed.model.name: (listed.status, listed.kinds) for listed in strict.listing()}
    assert state["yunet-2026may"] == ("altered", ())
    assert state["centerface"] == ("verified", ("faces", "all-faces", "largest-face"))
    assert state["yolo26s"] == ("own", ("objects",))
    assert state["yolo11n"] == state["yolo11n-seg"] == state["yolo11n-cls"] == ("absent", ())


def test_a_file_that_is_not_what_was_published_is_refused_and_the_next_one_serves(strict):
    write(strict.folder / "yolo11n.pt")
    assert strict.identity("objects") is None
    assert "yolo11n.pt has not the checksum" in strict.missing("objects").how
    assert "darkroom models pull yolo11n" in strict.missing("objects").how
    write(strict.folder / "yolo11m.onnx")
    assert strict.identity("objects").startswith("yolo11m@")
    assert strict.wanted("objects") is None  # somebody's work, perhaps: nothing is written over it unasked


@pytest.mark.parametrize(
    ("prefer", "names", "wanted"),
    [
        ("objects=yolo11m", ["yolo11n.onnx", "yolo11m.onnx"], "yolo11m"),
        ("objects=yolo11m", ["yolo11n.onnx"], "yolo11n"),
        ("objects=yolo11l,objects=yolo26s", ["yolo11n.onnx", "yolo26s.onnx"], "yolo26s"),
        ("masks=yolo26n-seg, objects=yolo11s-seg", ["yolo11n.onnx", "yolo11s-seg.onnx"], "yolo11s-seg"),
        ("", ["yolo26s.onnx", "yolo11s.onnx"], "yolo11s"),
    ],
)
def test_preferred_models_come_first(store, prefer, names, wanted):
    for name in names:
        write(store.folder / name)
    store.prefer = read_preferences(prefer)
    check_preferences(store)
    assert store.identity("objects").startswith(f"{wanted}@")


@pytest.mark.parametrize(
    ("prefer", "code", "hint"),
    [
        ("objects=yolo11q", "unknown-model", "yolo11"),
        ("object=yolo11m", "unknown-detector", "'objects'"),
        ("masks=yolo11m", "model-does-not-fit", "segment"),
        ("objects=yunet-2026may", "model-does-not-fit", "detect"),
        ("objects=yolo11n-cls", "model-does-not-fit", "detect"),
        ("faces=yolo11n", "model-does-not-fit", "own form"),
    ],
)
def test_preferences_that_nothing_could_come_of(store, prefer, code, hint):
    store.prefer = read_preferences(prefer)
    with pytest.raises(Failure) as caught:
        check_preferences(store)
    assert caught.value.code == code
    assert hint in caught.value.hint


@pytest.mark.parametrize("text", ["objects", "objects=", "=yolo11m", "objects yolo11m"])
def test_preferences_of_another_form(text):
    with pytest.raises(ValueError, match="kind=model"):
        read_preferences(text)


@pytest.mark.parametrize(
    ("files", "faces", "objects"),
    [([], "yunet-2026may", "yolo11n"), ([YUNET], None, "yolo11n"), (["yolo26m.pt"], "yunet-2026may", None)],
)
def test_what_a_background_download_is_for(store, files, faces, objects):
    for name in files:
        write(store.folder / name)
    wanted = {kind: store.wanted(kind) for kind in ("faces", "objects")}
    assert {kind: model and model.name for kind, model in wanted.items()} == {"faces": faces, "objects": objects}


def test_a_folder_that_is_not_there_is_an_empty_one(tmp_path):
    store = ModelStore(tmp_path / "none")
    assert store.identity("objects") is None
    assert store.identity("faces").startswith("centerface@")


def test_an_unknown_kind_is_a_failure(store):
    with pytest.raises(Failure, match="no detector"):
        store.identity("smells")


@needs("models", "yolo11n_int8_openvino_model")
def test_the_shared_models_are_present():
    pytest.importorskip("openvino")
    listed = {listed.model.name: listed for listed in ModelStore(MODELS).listing()}
    assert (listed["yunet-2026may"].status, listed["yunet-2026may"].used) == ("verified", True)
    assert (listed["yolo11n"].status, listed["yolo11n"].used) == ("own", True)


@needs("models", YUNET)
def test_a_copy_has_the_same_identity(store):
    shutil.copy(MODELS / YUNET, store.folder)
    assert store.identity("faces") == ModelStore(MODELS).identity("faces")


@pytest.mark.parametrize("name", [YUNET, "yolo11n_int8_openvino_model/yolo11n.bin"])
def test_weights_that_may_not_be_read_say_so(store, monkeypatch, name):
    monkeypatch.setattr(usable, "installed", lambda package: True)
    monkeypatch.setattr(module, "_packaged", lambda package, file: [])
    write(store.folder / YUNET)
    openvino(store.folder)
    closed = store.folder / name
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != closed)  # root may read whatever its mode
    kind, file = ("faces", YUNET) if name == YUNET else ("objects", closed.parent.name)
    assert store.identity(kind) is None
    assert store.missing(kind).how.startswith(f"{file} cannot be read: permission denied; let the user ")
    [row] = [row for row in store.listing() if row.model.name == store.missing(kind).model]
    assert (row.status, row.why) == ("unusable", store.missing(kind).how)


def test_a_folder_that_may_not_be_looked_into_ends_nothing(store, monkeypatch):
    real = Path.stat

    def stat(path, **more):
        if path.is_relative_to(store.folder) and path != store.folder:
            raise PermissionError(13, "Permission denied")
        return real(path, **more)

    monkeypatch.setattr(Path, "stat", stat)
    assert "permission denied" in store.missing("objects").how
    assert store.wanted("objects") is None
