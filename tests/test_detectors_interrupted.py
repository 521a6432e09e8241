"""What interrupted commands leave in the models folder, and who removes it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from detectors import export, scratch
from detectors.adding import Wish, add
from detectors.evaluation import Report, Score, draw
from transforms.failure import Failure

CARD = 'file = "crops.pt"\nsha256 = "{sha256}"\nform = "detect"\nlabels = ["a"]\n'


def left(store):
    return sorted(path.name for path in store.folder.iterdir())


def leave(folder: Path, name: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "weights.onnx").write_bytes(b"x" * 1000)
    return folder / name


def test_what_killed_processes_left_goes_and_what_runs_stays(store):
    gone = [leave(store.folder, ".add-0a1b2c3d"), leave(store.folder / "crops", ".export-0a1b2c3d"),
            leave(store.folder, ".pull-0a1b2c3d")]  # fmt: skip
    others = [leave(store.folder, name) for name in (".add-ons", ".git", "crops2")]
    (store.folder / ".add-link0000").symlink_to(others[0])
    with scratch.scratch(store.folder, "add") as held, scratch.scratch(store.folder / "crops", "export") as too:
        scratch.sweep(store.folder)
        assert held.is_dir()
        assert too.is_dir()
    assert not any(path.exists() for path in (*gone, held, too))
    assert all((path / "weights.onnx").exists() for path in others)


def test_without_locks_age_tells_what_was_left(store, monkeypatch):
    def none(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", none)
    new, old = leave(store.folder, ".add-0a1b2c3d"), leave(store.folder, ".add-4e5f6a7b")
    os.utime(old, (1e9, 1e9))
    with scratch.scratch(store.folder, "add") as place:
        scratch.sweep(store.folder)
        assert place.is_dir()
    assert (new.exists(), old.exists()) == (True, False)


def test_downloads_that_stopped_long_ago_go(store):
    store.folder.mkdir()
    parts = [store.folder / f".yolo11n.pt.0a1b2c3{digit}.part" for digit in "de"]
    for part in parts:
        part.write_bytes(b"half")
    os.utime(parts[0], (1e9, 1e9))
    scratch.sweep(store.folder)
    assert [part.exists() for part in parts] == [False, True]


def test_adding_sweeps(store, file, untried):
    leave(store.folder, ".add-0a1b2c3d")
    add(store, file, Wish("crops"))
    assert left(store) == ["crops"]


def test_a_signal_waits_until_it_is_known_what_is_to_be_removed(store, monkeypatch):
    real = scratch._held

    def held(*arguments):
        made = real(*arguments)
        signal.raise_signal(signal.SIGINT)  # at the worst moment
        return made

    monkeypatch.setattr(scratch, "_held", held)
    with pytest.raises(KeyboardInterrupt), scratch.scratch(store.folder, "add"):
        pytest.fail("it came too late")
    assert left(store) == []


@pytest.fixture
def exported(store, monkeypatch):
    """Exports a .pt file as `_made` would have it."""
    folder = store.folder / "crops"
    folder.mkdir(parents=True)
    (folder / "crops.pt").write_bytes(b"weights")
    sha256 = "9b0e8a1f" * 8
    (folder / "model.toml").write_text(CARD.format(sha256=sha256))
    monkeypatch.setattr(store._hashes, "of", lambda path: sha256)
    leave(folder, ".export-0a1b2c3d")
    return lambda: export.export(store, "crops", wanted="onnx")


def test_exporting_sweeps_and_leaves_nothing(store, exported, monkeypatch):
    def interrupted(source, form, data, folder):
        assert sorted(path.name for path in folder.parent.iterdir()) == sorted(["crops.pt", folder.name, "model.toml"])
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "_made", interrupted)
    with pytest.raises(KeyboardInterrupt):
        exported()
    assert sorted(path.name for path in (store.folder / "crops").iterdir()) == ["crops.pt", "model.toml"]


def test_a_file_that_may_be_read_and_not_linked_is_exported_from_a_copy(store, exported, monkeypatch):
    def run(command, **_):
        assert Path(command[4]).read_bytes() == b"weights"
        return subprocess.CompletedProcess(command, 1, "", "ran")

    def link(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(Failure, match="could not be exported: ran"):
        exported()


def test_weights_that_may_not_be_read_are_not_exported(store, exported, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).suffix != ".pt")
    with pytest.raises(Failure, match=r"crops/crops\.pt cannot be read: permission denied") as caught:
        exported()
    assert "let the user" in caught.value.hint


def test_a_picture_whose_drawing_was_interrupted_is_not_blamed_on_its_folder(tmp_path, monkeypatch):
    from ultralytics.utils.metrics import ConfusionMatrix

    report = Report(1, 0, None, Score(0, 0, 0), None, None, None, (), ("a",), np.zeros((2, 2)))
    monkeypatch.setattr(ConfusionMatrix, "plot", lambda *_, **__: None)  # as after an exception that it swallows
    with pytest.raises(Failure) as caught:
        draw(report, tmp_path / "matrix.png")
    assert caught.value.code == "matrix-not-drawn"
    assert not (tmp_path / "matrix.png").exists()
