"""Moderation: what is told of made-up answers of the network, and, where nudenet is installed, what it finds."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detectors import moderation, nudity, quiet
from detectors.manifest import MODERATION
from detectors.models import ModelStore
from detectors.registry import Question, Weights, serving
from tests.shared import SHARED
from transforms.image import Box, Region

NUDENET = pytest.mark.skipif(importlib.util.find_spec("nudenet") is None, reason="the extra `moderation` is not there")
(MODEL,) = MODERATION


def output(*things: tuple[str, float, float, float, float, float]) -> Any:
    """What the network puts out for things: class, score, centre and size in pixels of its input."""
    rows = np.zeros((1, 4 + len(nudity.CLASSES), 2100), np.float32)
    for place, (name, score, *box) in enumerate(things):
        rows[0, :4, place * 7] = box
        rows[0, 4 + nudity.CLASSES.index(name), place * 7] = score
    return rows


def test_an_answer_is_read() -> None:
    read = nudity.decoded(
        output(("feet-exposed", 0.3, 80, 40, 40, 20), ("anus-exposed", 0.9, 240, 120, 80, 80)), 640, 480
    )
    assert [(name, round(score, 3)) for name, score, _ in read] == [("anus-exposed", 0.9), ("feet-exposed", 0.3)]
    assert [box for *_, box in read] == [(400.0, 160.0, 160.0, 160.0), (120.0, 60.0, 80.0, 40.0)]


@pytest.mark.parametrize(
    ("things", "left"),
    [
        ([], []),
        ([("belly-exposed", 0.24, 100, 100, 50, 50)], []),
        ([("belly-exposed", 0.26, 100, 100, 50, 50)], ["belly-exposed"]),
        # Whatever it is, of two things in one place only the surer one.
        ([("belly-exposed", 0.5, 100, 100, 50, 50), ("face-male", 0.6, 102, 100, 50, 50)], ["face-male"]),
        ([("belly-exposed", 0.5, 100, 100, 50, 50), ("feet-covered", 0.6, 150, 100, 50, 50)],
         ["feet-covered", "belly-exposed"]),
    ],
)  # fmt: skip
def test_what_stays(things: Any, left: list[str]) -> None:
    assert [name for name, *_ in nudity.decoded(output(*things), 320, 320)] == left


def test_boxes_end_where_the_picture_does() -> None:
    ((_, _, box),) = nudity.decoded(output(("belly-exposed", 0.5, 310, 300, 60, 60)), 640, 320)
    assert box == (560.0, 320.0, 80.0, 0.0)  # below 320 there is only what was filled up
    ((_, _, box),) = nudity.decoded(output(("belly-exposed", 0.5, 5, 5, 40, 40)), 320, 320)
    assert box == (0.0, 0.0, 40.0, 40.0)


def test_the_input_is_red_first_with_black_below() -> None:
    pixels = np.full((100, 200, 3), (0, 51, 255), np.uint8)
    made = nudity.squared(pixels)
    assert made.shape == (1, 3, 320, 320)
    assert made[0, :, 80, 160] == pytest.approx([1.0, 0.2, 0.0])
    assert not made[0, :, 170:].any()


def region(label: str, score: float) -> Region:
    return Region(label, score, Box(0.1, 0.1, 0.2, 0.2), by="moderation")


def test_tags_are_of_what_is_unsafe_and_sure() -> None:
    regions = [
        region("female-breast-exposed", 0.7), region("female-breast-exposed", 0.8), region("anus-exposed", 0.3),
        region("belly-exposed", 0.9), region("buttocks-exposed", 0.9),
    ]  # fmt: skip
    found = moderation.told(regions, MODEL)
    assert [(tag.name, tag.score, tag.by) for tag in found.tags] == [
        ("buttocks-exposed", 0.9, "moderation"), ("female-breast-exposed", 0.8, "moderation"),
    ]  # fmt: skip
    assert [region.sure for region in found.regions] == [True, True, False, True, True]


def test_thresholds_of_the_operator_count() -> None:
    model = replace(MODEL, thresholds={"buttocks-exposed": 0.95}, threshold=0.2)
    found = moderation.told([region("anus-exposed", 0.3), region("buttocks-exposed", 0.9)], model)
    assert [(tag.name, tag.score) for tag in found.tags] == [("anus-exposed", 0.3)]
    assert [(at.label, at.sure) for at in found.regions] == [("anus-exposed", True), ("buttocks-exposed", False)]


def test_all_labels_but_faces_are_in_the_manifest() -> None:
    assert set(MODEL.labels) == set(nudity.CLASSES) - nudity.FACES
    assert set(moderation.UNSAFE) < set(MODEL.labels)
    assert not MODEL.tags


def test_what_is_missing_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.models._packaged", lambda package, file: [])
    missing = ModelStore(tmp_path).missing("moderation")
    assert missing is not None
    assert (missing.detector, "pip install 'darkroom[moderation]'" in missing.how) == ("moderation", True)
    assert "pull" not in missing.how


def _loaded(tmp_path: Path) -> Any:
    weights = ModelStore(tmp_path).weights("moderation")
    assert isinstance(weights, Weights)
    assert weights.sha256 == MODEL.sha256
    return serving("moderation").load(weights, "cpu")


@NUDENET
@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 2), (33, 77), (1280, 1280)])
def test_every_shape_gets_an_answer(shape: tuple[int, int], tmp_path: Path) -> None:
    (found,) = _loaded(tmp_path).find([Question("moderation", np.full((*shape, 3), 200, np.uint8))])
    assert (found.regions, found.tags) == ((), ())


@NUDENET
def test_boxes_are_those_of_nudenet_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet.silence()
    from nudenet import NudeDetector

    monkeypatch.setattr(nudity, "FACES", frozenset())
    theirs, ours, boxes = NudeDetector(), _loaded(tmp_path), 0
    for path in _photographs():
        pixels = _small(path)
        height, width = pixels.shape[:2]
        # Red and blue swapped, because nudenet itself swaps them once more than its network wants.
        expected = [
            (thing["class"].lower().replace("_", "-"), thing["score"], *thing["box"])
            for thing in theirs.detect(np.ascontiguousarray(pixels[:, :, ::-1]))
        ]
        (found,) = ours.find([Question("moderation", pixels)])
        assert [region.label for region in found.regions] == [label for label, *_ in expected]
        for region, (_, score, *box) in zip(found.regions, expected, strict=True):
            at = region.box
            assert region.score == pytest.approx(score, abs=1e-4)
            assert (at.x * width, at.y * height, at.width * width, at.height * height) == pytest.approx(box, abs=1.01)
        boxes += len(expected)
    assert boxes


def _photographs() -> list[Path]:
    """Of the shared folder; where it is missing, nothing can be compared."""
    paths = sorted((SHARED / "images" / "photos").glob("*.jpg"))[::3]
    if not paths:
        pytest.skip("the shared photographs are not there")
    return paths


def _small(path: Path) -> Any:
    pixels = cv2.imread(str(path))
    scale = min(1, 640 / max(pixels.shape[:2]))
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
