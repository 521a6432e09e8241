"""What goes wrong while an operator's model is taken: files in parts, permissions, two at once, interruptions."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from detectors import adding, inspection, scratch
from detectors.adding import Wish, add
from detectors.card import CARD, read_card
from detectors.models import ModelStore
from transforms.failure import Failure

from .fabricated import LABELS, WHEAT, own, refused


def left(store):
    return sorted(path.name for path in store.folder.iterdir())


# Files in several parts


def elsewhere(file: Path, target: Path, location: str) -> Path:
    """The same model, whole but for one of its tensors, which lies in a file beside or elsewhere, and is there."""
    model = onnx.load(file)
    [tensor] = [tensor for tensor in model.graph.initializer if tensor.name == "scores"]
    (target.parent / location).write_bytes(numpy_helper.to_array(tensor).tobytes())
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    target.write_bytes(model.SerializeToString())
    return target


@pytest.mark.parametrize("where", ["best.onnx.data", "../outside.data", "absolute"])
def test_weights_in_other_files_are_refused_with_what_to_do(store, file, tmp_path, untried, where):
    (tmp_path / "in").mkdir()
    location = str(tmp_path / "outside.data") if where == "absolute" else where
    odd = elsewhere(file, tmp_path / "in" / "best.onnx", location)
    if where == "best.onnx.data":  # it is otherwise fine
        assert onnx.load(odd).graph.name == "fabricated"
    failure = refused(add, store, odd, Wish("crops"))
    assert failure.code == "model-weights-elsewhere"
    assert location in failure.message
    assert "save_as_external_data=False" in failure.hint
    assert left(store) == []


def test_one_file_is_made_of_several_as_the_refusal_says(store, file, tmp_path):
    odd = elsewhere(file, tmp_path / "in.onnx", "in.onnx.data")
    onnx.save_model(onnx.load(odd), tmp_path / "out.onnx", save_as_external_data=False)
    assert add(store, tmp_path / "out.onnx", Wish("crops")).labels == tuple(LABELS)


def test_weights_elsewhere_are_seen_in_parts_of_the_graph_too(file, tmp_path):
    model = onnx.load(file)
    tensor = numpy_helper.from_array(np.zeros(3, np.float32), "inner")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../inner.data"
    output = helper.make_tensor_value_info("inner", onnx.TensorProto.FLOAT, [3])
    branch = helper.make_graph([], "branch", [], [output], [tensor])
    model.graph.node.append(helper.make_node("If", ["yes"], ["either"], then_branch=branch, else_branch=branch))
    (tmp_path / "best.onnx").write_bytes(model.SerializeToString())
    assert "../inner.data" in refused(inspection.inspect, tmp_path / "best.onnx").message


# Memory


@pytest.mark.parametrize("given", [14_000_000_000, None])
def test_a_file_is_looked_at_where_memory_is_limited_already(file, given):
    def limit():
        if given:
            resource.setrlimit(resource.RLIMIT_AS, (given, given))

    done = subprocess.run(
        [sys.executable, "-m", "detectors.inspection", str(file)], capture_output=True, text=True, preexec_fn=limit
    )
    assert done.returncode == 0, done.stderr
    assert '"form": "detect"' in done.stdout


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((10, 20), (10, 20)),
        ((10, resource.RLIM_INFINITY), (10, 100)),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (100, 100)),
        ((500, 500), (100, 100)),
    ],
)
def test_the_smaller_of_two_limits_holds(monkeypatch, given, wanted):
    monkeypatch.setattr(resource, "getrlimit", lambda which: given)
    set_to = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: set_to.append(limits))
    inspection._limit(100)
    assert set_to == [wanted]


# Permissions: root may read everything, whatever its mode


def closed(monkeypatch, method, path):
    real = getattr(Path, method)

    def act(self, *arguments, **more):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return real(self, *arguments, **more)

    monkeypatch.setattr(Path, method, act)


@pytest.mark.parametrize(("method", "file"), [("read_text", CARD), ("stat", CARD), ("iterdir", "")])
def test_a_folder_that_may_not_be_read_says_so_until_it_may(store, monkeypatch, method, file):
    folder = own(store.folder, "crops", LABELS, WHEAT, side=64)
    if not file:
        (folder / CARD).rename(folder / "other.toml")
    with monkeypatch.context() as within:
        closed(within, method, folder / file)
        [problem] = store.refused()
        assert (problem.name, problem.code) == ("crops", "model-settings-unreadable")
        assert problem.why == f"{Path('crops') / file} cannot be read: permission denied"
        assert "let the user" in problem.how
    if file:
        assert store.refused() == ()
        assert [model.name for model in store.own()] == ["crops"]


def test_a_folder_that_is_no_model_s_may_be_closed(store, monkeypatch):
    (store.folder / "lost+found").mkdir(parents=True)
    closed(monkeypatch, "iterdir", store.folder / "lost+found")
    assert store.refused() == ()


@pytest.mark.parametrize("method", ["open", "exists"])
def test_a_file_that_may_not_be_read_is_not_taken_for_a_folder_that_cannot_be_written(
    store, file, monkeypatch, method
):  # fmt: skip
    closed(monkeypatch, method, file)
    failure = refused(add, store, file, Wish("crops"))
    assert (failure.code, failure.message) == (
        "model-file-unreadable", "best.onnx cannot be read: permission denied",
    )  # fmt: skip
    assert "let the user" in failure.hint


# Two at once, and interruptions


def test_of_two_that_take_one_name_at_once_one_is_refused(store, file, monkeypatch):
    together, outcomes = threading.Barrier(2), []
    monkeypatch.setattr(adding, "try_model", lambda folder, name: together.wait(30))

    def take(labels):
        try:
            outcomes.append(add(ModelStore(store.folder), file, Wish("crops", labels=labels)).labels)
        except Failure as failure:
            outcomes.append(failure.code)

    threads = [threading.Thread(target=take, args=[labels]) for labels in (("a", "b"), ("c", "d"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes.count("model-exists") == 1
    [labels] = [outcome for outcome in outcomes if outcome != "model-exists"]
    assert read_card(store.folder / "crops").labels == labels
    assert left(store) == ["crops"]


def test_what_replaces_lets_another_one_that_replaced_be_replaced(store, file, untried, monkeypatch):
    add(store, file, Wish("crops", labels=("a", "b")))
    real, ours = adding._renamed, []

    def renamed(folder, target):
        ours.append(folder)
        if len(ours) == 2:  # another has come, just after the first was taken away
            (target / "sub").mkdir(parents=True)
        return real(folder, target)

    monkeypatch.setattr(adding, "_renamed", renamed)
    add(store, file, Wish("crops", labels=("c", "d"), replace=True))
    assert read_card(store.folder / "crops").labels == ("c", "d")
    assert left(store) == ["crops"]


def test_a_model_that_was_being_replaced_is_not_lost(store, file, untried, monkeypatch):
    add(store, file, Wish("crops", labels=("a", "b")))
    with monkeypatch.context() as within:
        tries = iter([False])
        within.setattr(adding, "_renamed", lambda folder, target: next(tries))  # the second ends it
        with pytest.raises(StopIteration):
            add(store, file, Wish("crops", labels=("c", "d"), replace=True))
    assert read_card(store.folder / "crops").labels == ("a", "b")
    (store.folder / "crops").rename(store.folder / ".old-crops.0123abcd")  # as a kill at that moment leaves it
    scratch.sweep(store.folder)
    assert left(store) == ["crops"]
    (store.folder / ".old-crops.0123abcd").mkdir()
    scratch.sweep(store.folder)
    assert left(store) == ["crops"]
