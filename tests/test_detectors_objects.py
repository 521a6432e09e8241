"""Which things of a YOLO network are told, under which names, and which of them are sure: models made in the test."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.heads import Head
from detectors.manifest import COCO, COCO_THRESHOLD, MASKS, OBJECTS, OTHERS, ROUND, ROUND_THRESHOLD, TOLD, Model
from detectors.network import JOINTS, Yolo, doubtful, named_points
from detectors.registry import Question, Weights, serving
from detectors.runners import open_runner
from detectors.yolo import load

from .fabricated import Answer, fabricated

LABELS = ("wheat", "weed", "rust")


def opened(path, answers, *, labels=LABELS, form="detect", **more):
    """A fabricated model that is set up so, loaded as the engine loads it."""
    fabricated(path, list(labels), answers, form=form, side=64)
    setup = {"threshold": 0.4, "labels": tuple(labels), **more}
    model = Model("crops", "crops", "1", path.name, None, "MIT", form=form, side=64, **setup)
    return load(Weights(model, path, "0" * 64), "cpu")


def asked(model, kind="crops", size=(64, 64), colour=(0, 0, 255)):
    pixels = np.full((*reversed(size), 3), colour, np.uint8)
    (found,) = model.find([Question(kind, pixels)])
    return found


@pytest.mark.parametrize(
    ("setup", "score", "told"),
    [
        ({}, 0.41, ("wheat", True)),
        ({}, 0.39, ("wheat", False)),
        ({}, 0.16, ("wheat", False)),
        ({}, 0.14, None),  # beneath what is told at all
        ({"thresholds": {"wheat": 0.3}}, 0.31, ("wheat", True)),
        ({"thresholds": {"weed": 0.3}}, 0.31, ("wheat", False)),
        ({"thresholds": {"wheat": 0.8}}, 0.7, ("wheat", False)),
        ({"threshold": 0.05}, 0.06, ("wheat", True)),  # what is sure is told
        ({"names": {"wheat": "corn"}}, 0.5, ("corn", True)),
        ({"names": {"wheat": "corn"}, "thresholds": {"wheat": 0.6}}, 0.5, ("corn", False)),
        ({"labels": ("oats", "weed", "rust")}, 0.5, ("oats", True)),  # over what the file says
        ({"labels": ()}, 0.5, ("wheat", True)),
    ],
)
def test_what_is_told_and_what_is_sure(tmp_path, setup, score, told):
    path = tmp_path / "crops.onnx"
    fabricated(path, list(LABELS), [Answer("wheat", score)], side=64)
    model = Model(
        "crops", "crops", "1", path.name, None, "MIT", side=64, **{"labels": LABELS, "threshold": 0.4, **setup}
    )
    regions = asked(load(Weights(model, path, "0" * 64), "cpu")).regions
    assert [(region.label, region.sure) for region in regions] == ([told] if told else [])
    assert all(region.score == pytest.approx(score) and region.by == "crops" for region in regions)


def test_labels_that_are_not_as_many_as_classes_are_refused(tmp_path):
    fabricated(tmp_path / "crops.onnx", list(LABELS), [], side=64, metadata=False)
    model = Model("crops", "crops", "1", "crops.onnx", None, "MIT", labels=("wheat", "weed"), side=64)
    runner = open_runner(Weights(model, tmp_path / "crops.onnx", "0" * 64), "cpu")
    with pytest.raises(ValueError, match=r"has 2 classes, but 5 labels"):
        Yolo(runner, Model("crops", "crops", "1", "crops.onnx", None, "MIT", labels=tuple("abcde"), side=64))


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((64, 64), (0.25, 0.25, 0.5, 0.5)),
        ((128, 64), (0.25, 0.0, 0.5, 1.0)),  # a wide picture lies in the middle of a square
        ((32, 64), (0.0, 0.25, 1.0, 0.5)),
    ],
)
def test_boxes_are_fractions_of_the_picture(tmp_path, size, box):
    (region,) = asked(opened(tmp_path / "crops.onnx", [Answer("wheat", 0.9)]), size=size).regions
    found = region.box.x, region.box.y, region.box.width, region.box.height
    assert found == pytest.approx(box, abs=1e-4)


def test_a_thing_in_the_gray_around_the_picture_is_none(tmp_path):
    answers = [Answer("wheat", 0.9, (0.1, 0.0, 0.8, 0.2)), Answer("weed", 0.9, (0.1, 0.4, 0.2, 0.2))]
    found = asked(opened(tmp_path / "crops.onnx", answers), size=(128, 32))
    assert [region.label for region in found.regions] == ["weed"]


def test_of_two_labels_for_one_place_the_likelier_is_sure(tmp_path):
    answers = [
        Answer("wheat", 0.7),
        Answer("weed", 0.6, (0.25, 0.25, 0.5, 0.49)),
        Answer("rust", 0.5, (0, 0, 0.5, 0.5)),
    ]
    regions = asked(opened(tmp_path / "crops.onnx", answers)).regions
    assert {region.label: region.sure for region in regions} == {"wheat": True, "weed": False, "rust": True}


@pytest.mark.parametrize(
    ("other", "scores", "classes", "doubted"),
    [
        ((0, 0, 1, 1), (0.9, 0.8), (1, 2), [False, True]),
        ((0, 0, 1, 1), (0.8, 0.9), (1, 2), [True, False]),
        ((0, 0, 1, 1), (0.9, 0.8), (1, 1), [False, False]),  # two of a kind
        ((0, 0, 1, 0.81), (0.9, 0.8), (1, 2), [False, True]),
        ((0, 0, 1, 0.79), (0.9, 0.8), (1, 2), [False, False]),
        ((0, 0, 1, 1), (0.9, 0.9), (1, 2), [False, False]),  # neither is likelier
    ],
)
def test_doubt(other, scores, classes, doubted):
    corners = np.array([(0, 0, 1, 1), other], np.float32)
    assert doubtful(corners, np.array(scores, np.float32), np.array(classes)) == doubted


def test_nothing_is_in_doubt_where_nothing_is():
    assert doubtful(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp)) == []


def test_a_pose_has_named_joints(tmp_path):
    (region,) = asked(opened(tmp_path / "crops.onnx", [Answer("wheat", 0.9)], form="pose")).regions
    assert [name for name, _, _ in region.points] == list(JOINTS)
    assert all((x, y) == pytest.approx((0.5, 0.5), abs=1e-4) for _, x, y in region.points)


def test_joints_that_are_not_seen_are_left_out():
    points, seen = np.zeros((1, 17, 2), np.float32), np.full((1, 17), 0.9, np.float32)
    seen[0, JOINTS.index("left_ear")] = 0.4
    (named,) = named_points(Head("pose", 1), points, seen)
    assert [name for name, _, _ in named] == [name for name in JOINTS if name != "left_ear"]
    (others,) = named_points(Head("pose", 1, (2, 3)), points[:, :2], np.ones((1, 2), np.float32))
    assert [name for name, _, _ in others] == ["point_1", "point_2"]


def test_an_oriented_box_has_corners_and_a_box_around_them(tmp_path):
    path = tmp_path / "crops.onnx"
    fabricated(path, list(LABELS), [Answer("wheat", 0.9, (0.3, 0.4, 0.4, 0.2))], form="obb", side=64, angle=math.pi / 2)
    model = Model("crops", "crops", "1", path.name, None, "MIT", labels=LABELS, form="obb", side=64)
    (region,) = asked(load(Weights(model, path, "0" * 64), "cpu")).regions
    assert [name for name, _, _ in region.points] == ["corner_1", "corner_2", "corner_3", "corner_4"]
    xs, ys = {round(x, 3) for _, x, _ in region.points}, {round(y, 3) for _, _, y in region.points}
    assert (xs, ys) == ({0.4, 0.6}, {0.3, 0.7})
    assert (region.box.x, region.box.y) == pytest.approx((0.4, 0.3), abs=1e-3)
    assert (region.box.width, region.box.height) == pytest.approx((0.2, 0.4), abs=1e-3)


@pytest.mark.parametrize(("kind", "drawn"), [("crops", True), ("masks", True), ("objects", False)])
def test_masks_are_drawn_unless_objects_are_asked_for(tmp_path, kind, drawn):
    (region,) = asked(opened(tmp_path / "crops.onnx", [Answer("wheat", 0.9)], form="segment"), kind).regions
    assert (region.mask is not None) == drawn


@pytest.mark.parametrize(
    ("setup", "told"),
    [
        ({}, [("wheat", 0.5), ("rust", 0.4)]),
        ({"topk": 1}, [("wheat", 0.5)]),
        ({"threshold": 0.05}, [("wheat", 0.5), ("rust", 0.4), ("weed", 0.1)]),
        ({"thresholds": {"wheat": 0.6}}, [("rust", 0.4)]),
        ({"names": {"rust": "blight"}}, [("wheat", 0.5), ("blight", 0.4)]),
    ],
)
def test_words_for_the_whole_picture(tmp_path, setup, told):
    answers = [Answer("weed", 0.1), Answer("rust", 0.4), Answer("wheat", 0.5)]
    found = asked(
        opened(tmp_path / "crops.onnx", answers, form="classify", **{"threshold": 0.3, **setup}), size=(90, 50)
    )
    assert found.regions == ()
    assert [(tag.name, pytest.approx(tag.score), tag.by) for tag in found.tags] == [(*word, "crops") for word in told]


def test_each_question_gets_its_own_answer(tmp_path):
    answers = [Answer("wheat", 0.9, when="red"), Answer("weed", 0.8, when="blue")]
    model = opened(tmp_path / "crops.onnx", answers)
    seen = [asked(model, colour=colour).regions[0].label for colour in ((0, 0, 255), (255, 0, 0))]
    assert seen == ["wheat", "weed"]
    assert asked(model, colour=(0, 255, 0)).regions == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2)])
def test_pictures_of_any_shape(tmp_path, size):
    (region,) = asked(opened(tmp_path / "crops.onnx", [Answer("wheat", 0.9)]), size=size).regions
    assert (region.label, region.sure) == ("wheat", True)
    assert region.box.clipped() == region.box


def test_shipped_thresholds():
    assert set(COCO) >= ROUND
    for model in (*OBJECTS, *MASKS):
        assert model.least("dog") == COCO_THRESHOLD
        assert model.least("umbrella") == ROUND_THRESHOLD
    assert all(not model.thresholds for model in OTHERS)
    assert TOLD < COCO_THRESHOLD < ROUND_THRESHOLD


def test_objects_and_masks_are_served():
    assert serving("objects").models == OBJECTS
    assert serving("masks").models == MASKS
