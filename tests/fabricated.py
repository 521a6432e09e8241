"""Models made in code: ONNX files in ultralytics' layout that answer what a test wants, so that results are known.

`fabricated(path, ["wheat", "weed"], [Answer("wheat", 0.9, (0.1, 0.2, 0.3, 0.4), when="red")])` writes a model that
finds wheat there in pictures whose mean colour is most of all red, and nothing in others. Boxes are x, y, width and
height in fractions of the square that the model sees: of a square picture they are those of the picture itself. Scores
and boxes come out exactly (float32); whoever reads them merges boxes of one label that overlap by more than 0.7.

Forms: `detect`, `segment` (the mask is the whole box), `pose` (17 points in the middle of the box), `obb` (the box
turned by `angle`), `classify` (probabilities per label, the box is not used). `own(folder, name, …)` makes of it an
operator's model as it lies in a models folder, with its model.toml.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from transforms.failure import Failure

ANCHORS = 84
"""Columns of the answer; what is not an answer scores 0. Not 6, by which ultralytics knows answers without anchors."""

PLANES = 32
KEYPOINTS = 17
WHEN = ("red", "green", "blue", "")


@dataclass(frozen=True)
class Answer:
    """What a fabricated model finds: a label, its score, where, and in pictures of which colour ("": in all)."""

    label: str
    score: float
    box: tuple[float, float, float, float] = (0.25, 0.25, 0.5, 0.5)
    when: str = ""


LABELS = ["wheat_head", "weed"]
WHEAT = [Answer("wheat_head", 0.9, (0.1, 0.2, 0.3, 0.4))]


def fabricated(
    path: Path, labels: Sequence[str], answers: Sequence[Answer], *, form: str = "detect", side: int = 640,
    angle: float = 0.0, metadata: bool = True, channels: int = 3,
) -> Path:  # fmt: skip
    """Write the model; returns its path. `metadata`: whether the file says its labels, form and side as exports do."""
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, channels, side, side])]
    nodes, constants, outputs = (
        _classifier(labels, answers) if form == "classify" else _finder(labels, answers, form, side, angle)
    )
    nodes = [*_colour(), *nodes]
    graph = helper.make_graph(nodes, "fabricated", inputs, outputs, [*constants, *_colour_constants()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if metadata:
        said: dict[str, Any] = {
            "description": "fabricated", "author": "Ultralytics", "version": "8.4.0", "license": "AGPL-3.0",
            "stride": 32, "task": form, "batch": 1, "imgsz": [side, side], "names": dict(enumerate(labels)),
            "channels": 3, "end2end": False, **({"kpt_shape": [KEYPOINTS, 3]} if form == "pose" else {}),
        }  # fmt: skip
        helper.set_model_props(model, {key: str(value) for key, value in said.items()})
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def own(
    models: Path, name: str, labels: Sequence[str], answers: Sequence[Answer], *, form: str = "detect", side: int = 640,
    more: str = "",
) -> Path:  # fmt: skip
    """An operator's model in a models folder; `more` are further lines of its model.toml. Returns its folder."""
    folder = models / name
    file = fabricated(folder / f"{name}.onnx", labels, answers, form=form, side=side)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    listed = ", ".join(f'"{label}"' for label in labels)
    (folder / "model.toml").write_text(
        f'file = "{file.name}"\nsha256 = "{sha256}"\nform = "{form}"\nside = {side}\nlabels = [{listed}]\n{more}'
    )
    return folder


def _constant(name: str, values: Any, kind: Any = np.float32) -> Any:
    return numpy_helper.from_array(np.asarray(values, kind), name)


def _colour() -> list[Any]:
    """`gates`: 1 for the colour that the picture has most of, else 0, and 1 for those that want none."""
    return [
        helper.make_node("ReduceMean", ["images"], ["means"], axes=[0, 2, 3], keepdims=0),
        helper.make_node("ArgMax", ["means"], ["most"], axis=0, keepdims=1),
        helper.make_node("OneHot", ["most", "colours", "off_on"], ["one"], axis=-1),
        helper.make_node("Reshape", ["one", "flat"], ["shade"]),
        helper.make_node("Concat", ["shade", "always"], ["gates"], axis=0),
    ]


def _colour_constants() -> list[Any]:
    return [
        _constant("colours", 3, np.int64), _constant("off_on", [0.0, 1.0]), _constant("flat", [3], np.int64),
        _constant("always", [1.0]),
    ]  # fmt: skip


def _finder(
    labels: Sequence[str], answers: Sequence[Answer], form: str, side: int, angle: float
) -> tuple[list[Any], list[Any], list[Any]]:
    boxes, scores = np.zeros((4, ANCHORS)), np.zeros((len(labels), ANCHORS))
    gate = np.full(ANCHORS, WHEN.index(""))
    for column, answer in enumerate(answers):
        x, y, width, height = answer.box
        boxes[:, column] = np.array([x + width / 2, y + height / 2, width, height]) * side
        scores[labels.index(answer.label), column] = answer.score
        gate[column] = WHEN.index(answer.when)
    extra = _extra(form, boxes, angle)
    nodes = [
        helper.make_node("Gather", ["gates", "gate"], ["open"], axis=0),
        helper.make_node("Mul", ["scores", "open"], ["scored"]),
        helper.make_node("Concat", ["boxes", "scored", "extra"], ["rows"], axis=0),
        helper.make_node("Unsqueeze", ["rows", "first"], ["output0"]),
    ]
    constants = [
        _constant("gate", gate, np.int64), _constant("boxes", boxes), _constant("scores", scores),
        _constant("extra", extra), _constant("first", [0], np.int64),
    ]  # fmt: skip
    rows = 4 + len(labels) + len(extra)
    outputs = [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, rows, ANCHORS])]
    if form == "segment":
        planes = np.full((1, PLANES, side // 4, side // 4), 8.0)
        nodes.append(helper.make_node("Identity", ["planes"], ["output1"]))
        constants.append(_constant("planes", planes))
        outputs.append(helper.make_tensor_value_info("output1", TensorProto.FLOAT, list(planes.shape)))
    return nodes, constants, outputs


def _extra(form: str, boxes: Any, angle: float) -> Any:
    """The rows after the labels': weights of mask planes, points, or the angle."""
    match form:
        case "segment":
            return np.vstack([np.ones((1, ANCHORS)), np.zeros((PLANES - 1, ANCHORS))])
        case "pose":
            return np.tile(np.vstack([boxes[:2], np.full((1, ANCHORS), 0.9)]), (KEYPOINTS, 1))
        case "obb":
            return np.full((1, ANCHORS), angle)
    return np.zeros((0, ANCHORS))


def _classifier(labels: Sequence[str], answers: Sequence[Answer]) -> tuple[list[Any], list[Any], list[Any]]:
    scores = np.zeros((4, len(labels)))
    for answer in answers:
        scores[WHEN.index(answer.when), labels.index(answer.label)] = answer.score
    nodes = [
        helper.make_node("Unsqueeze", ["gates", "first"], ["row"]),
        helper.make_node("MatMul", ["row", "scores"], ["output0"]),
    ]
    outputs = [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, len(labels)])]
    return nodes, [_constant("scores", scores), _constant("first", [0], np.int64)], outputs


def refused(act: Callable[..., object], *arguments: Any, **more: Any) -> Failure:
    """The failure that a call ends in."""
    with pytest.raises(Failure) as caught:
        act(*arguments, **more)
    return caught.value
