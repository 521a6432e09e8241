"""The form of a model that this machine runs fastest, made from its .pt file, and whether it finds the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from transforms.failure import Failure, Kind

from .canary import picture
from .found import Found, PixelArray
from .letterbox import letterbox
from .manifest import Model
from .models import ModelStore, unknown_model
from .network import Yolo
from .registry import Question, Weights
from .runners import Floats, Runner, open_runner
from .scratch import scratch, sweep, writable
from .usable import LET_READ, unreadable

Format = Literal["openvino", "onnx", "engine"]

PATIENCE_S = 1800.0
"""A TensorRT engine takes minutes to build."""

SAME_PLACE = 0.8
"""Intersection over union from which a thing that both find is at the same place."""

SCORES = 0.05
"""How far a score may move. In float32 it is 0.0001, in half precision 0.01; int8 is judged by what it finds alone."""

AGREE = 0.9
"""Share of the things that are sure in one of the two which both find."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two forms of a model are: the largest difference of a score at any place, and of the things that are
    sure in either how many both find, on so many pictures."""

    pictures: int
    scores: float
    both: int
    things: int

    def alike(self, *, whole: bool) -> bool:
        """Whether one may stand for the other; `whole`: its numbers are not rounded to eight bits."""
        return (self.scores <= SCORES or not whole) and self.both >= AGREE * self.things


@dataclass(frozen=True, slots=True)
class Exported:
    path: Path
    format: Format
    likeness: Likeness


class _InputsOf:
    """A network that is shown its pictures in the sizes that another one takes: a .pt file takes any."""

    def __init__(self, runner: Runner, other: Runner) -> None:
        self.head, self.names, self.batch = runner.head, runner.names, 1
        self.size, self.run = other.size, runner.run


def fastest(device: str) -> Format:
    """What runs fastest here of what is installed: of one picture on two cores OpenVINO takes 8 ms, ONNX Runtime 21."""
    if device == "cuda":
        return "engine"
    return "openvino" if find_spec("openvino") else "onnx"


def export(
    store: ModelStore, name: str, pictures: Sequence[PixelArray] = (), *, wanted: Format | None = None, data: str = ""
) -> Exported:
    """Make the faster form of a model and put it beside its .pt file, if it finds the same. Blocks for seconds.

    `pictures` are uint8 (h, w, 3) BGR to compare on, beside one that is drawn. `data` is a data set by whose pictures
    int8 is calibrated (OpenVINO only). Raises Failure: unknown-model, model-not-exportable, model-export-failed,
    model-export-differs, models-folder-not-writable.
    """
    source = _source(store, name)
    form = wanted or fastest(store.device)
    if form == "engine" and not find_spec("tensorrt"):
        hint = "until then its .pt file, in half precision, is what runs fastest on a GPU"
        raise _unfit(name, "an engine is built with TensorRT: `pip install tensorrt`", hint)
    sweep(store.folder)
    with scratch(source.path.parent, "export") as folder:
        made = _made(source, form, data, folder)
        likeness = compared(source, replace(source, path=made), [picture(), *pictures], store.device)
        if not likeness.alike(whole=not data):
            raise _differs(name, form, likeness)
        target = source.path.parent / made.name
        with writable():
            _put(made, target)
    store.forget()
    return Exported(target, form, likeness)


def compared(one: Weights, other: Weights, pictures: Sequence[PixelArray], device: str) -> Likeness:
    """How alike two forms of a model are on some pictures, uint8 (h, w, 3) BGR."""
    second = open_runner(other, device)
    first = _InputsOf(open_runner(one, device), second)
    scores = max(_difference(first, second, pixels) for pixels in pictures)
    both = things = 0
    for pixels in pictures:
        shared, either = _shared(_found(first, one.model, pixels), _found(second, other.model, pixels))
        both, things = both + shared, things + either
    return Likeness(len(pictures), scores, both, things)


def _source(store: ModelStore, name: str) -> Weights:
    model = store.known().get(name)
    if model is None:
        raise unknown_model(name, store.known())
    path = store.folder / model.file
    if path.suffix != ".pt" or model.backend != "yolo":
        raise _unfit(name, "only YOLO models in .pt files are exported")
    if unreadable(path):
        raise _unfit(name, f"{model.file} cannot be read: permission denied", LET_READ)
    listed = next((row for row in store.listing() if row.model.name == name), None)
    if not path.is_file() or listed is None or listed.status == "altered":
        raise _unfit(name, f"{model.file} is not here as it should be", f"run `darkroom models pull {name}`")
    return Weights(model, path, "")


def _made(source: Weights, form: Format, data: str, folder: Path) -> Path:
    """Run ultralytics' export in a folder of its own; the path of what it made."""
    copy = folder / source.path.name
    try:
        os.link(source.path, copy)
    except OSError:  # somebody else's file, which may be read and not linked, or a file system without links
        with writable():
            shutil.copyfile(source.path, copy)
    command = [sys.executable, "-P", "-m", "detectors.exporter", str(copy), form, str(source.model.side), data]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            list(filter(None, command)), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
            env={**os.environ, "PYTHONPATH": _import_path()},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _failed(source.model, f"it took longer than {PATIENCE_S:.0f} s") from None
    made = Path(done.stdout.strip().rpartition("\n")[2].rstrip("/"))
    if done.returncode or not made.is_relative_to(folder) or not made.exists():
        raise _failed(source.model, done.stderr.strip().rpartition("\n")[2] or "it made no file")
    return made


def _import_path() -> str:
    """Where this package lies, first; what else is imported is found as it is here."""
    return os.pathsep.join((str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", ""))).rstrip(":")


def _put(made: Path, target: Path) -> None:
    """Move a file or folder to its place; what was there goes."""
    if target.is_dir():
        shutil.rmtree(target)
    made.replace(target)


def _difference(one: Runner, other: Runner, pixels: PixelArray) -> float:
    """The largest difference of a class's score at any place; 1 where the two do not put out the same layout."""
    laid = letterbox(pixels, *one.size(pixels.shape[1], pixels.shape[0]))[0][np.newaxis]
    before, after = (_scores(runner, runner.run(laid)[0]) for runner in (one, other))
    return float(np.abs(before - after).max()) if before.shape == after.shape else 1.0


def _scores(runner: Runner, output: Floats) -> Floats:
    """Sorted, because only the best places leave a GPU, in their order."""
    if runner.head.form == "classify":
        return output
    finished = output.shape[1] > output.shape[2]
    best = output[:, :, 4] if finished else output[:, 4 : 4 + runner.head.classes].max(axis=1)
    return np.sort(best, axis=1)[:, -300:]


def _found(runner: Runner, model: Model, pixels: PixelArray) -> Found:
    return Yolo(runner, model).find([Question(model.task, pixels)])[0]


def _shared(one: Found, other: Found) -> tuple[int, int]:
    """How many things both find, of those that are sure in either."""
    words = {tag.name for tag in one.tags}, {tag.name for tag in other.tags}
    pairs = [(one, other), (other, one)]
    sure = [(region, theirs.regions) for ours, theirs in pairs for region in ours.regions if region.sure]
    both = sum(
        any(region.label == peer.label and region.box.overlap(peer.box) >= SAME_PLACE for peer in peers)
        for region, peers in sure
    )
    return both + 2 * len(words[0] & words[1]), len(sure) + len(words[0]) + len(words[1])


def _unfit(name: str, why: str, hint: str | None = None) -> Failure:
    return Failure(Kind.UNPROCESSABLE, "model-not-exportable", f"{name}: {why}", hint=hint, details={"model": name})


def _failed(model: Model, why: str) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "model-export-failed", f"{model.name} could not be exported: {why[:300]}",
        hint="ultralytics' own `yolo export` says more", details={"model": model.name},
    )  # fmt: skip


def _differs(name: str, form: Format, likeness: Likeness) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "model-export-differs",
        f"as {form}, {name} finds something else: {likeness.both} of {likeness.things} things are found by both, and "
        f"scores differ by up to {likeness.scores:.3f}", hint="it was not kept", details={"model": name},
    )  # fmt: skip
