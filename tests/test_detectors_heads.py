"""How pictures lie in the input of a network, and how what it puts out is read: layouts, suppression, corners."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.heads import Head, read, read_classes, suppress
from detectors.letterbox import centred, fitted, letterbox
from detectors.manifest import Unlike


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1, 1), (1, 3000), (333, 77), (640, 640), (2000, 1999)])
def test_a_picture_lies_in_its_input_as_ultralytics_lays_it(size):
    width, height = size
    laid, fit = letterbox(noise(height, width), 640, 640)
    assert laid.shape == (640, 640, 3)
    scale = min(640 / width, 640 / height)
    assert fit.inner == (max(1, round(width * scale)), max(1, round(height * scale)))
    assert (laid[: fit.top] == 114).all()
    assert (laid[:, : fit.left] == 114).all()
    assert fit.top + fit.inner[1] <= 640
    assert fit.left + fit.inner[0] <= 640


def test_the_way_back_from_an_input_ends_where_it_began():
    fit = fitted(800, 400, 640, 640)  # 640 × 320, 160 above
    corners = np.array([[0, 160, 640, 480], [320, 320, 640, 480], [-9, 0, 900, 640]], np.float32)
    assert fit.boxes(corners).tolist() == [[0, 0, 1, 1], [0.5, 0.5, 1, 1], [0, 0, 1, 1]]
    assert fit.points(np.array([[0, 0]], np.float32)).tolist() == [[0, -0.5]]
    a, _, c, _, e, f = fit.at
    assert (a * 0.25 + c, e * 0.25 + f) == (0.25, 0)
    assert (a * 1 + c, e * 0.75 + f) == (1, 1)


def test_classifiers_see_the_middle():
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = 255
    assert (centred(pixels, 50, 50) == 255).mean() > 0.95
    assert centred(noise(1, 7), 32, 32).shape == (32, 32, 3)


def places(*rows, classes=3):
    """An output (1, 4 + classes + more, places) of rows x, y, width, height, class, score, more."""
    columns = []
    for x, y, width, height, number, score, *more in rows:
        scores = np.zeros(classes)
        scores[number] = score
        columns.append([x, y, width, height, *scores, *more])
    empty = np.zeros((500, len(columns[0])))
    return np.array([*columns, *empty], np.float32).T[np.newaxis]


def test_places_are_read_and_suppressed_by_class():
    rows = [(50, 50, 20, 10, 0, 0.9), (51, 50, 20, 10, 0, 0.8), (50, 50, 20, 10, 1, 0.7), (9, 9, 4, 4, 2, 0.1)]
    (things,) = read([places(*rows)], Head("detect", 3), 0.25)
    assert things.boxes.tolist() == [[40, 45, 60, 55], [40, 45, 60, 55]]
    assert things.classes.tolist() == [0, 1]
    assert things.scores.tolist() == pytest.approx([0.9, 0.7])


def test_finished_rows_are_read_as_they_are():
    rows = np.zeros((2, 300, 6), np.float32)
    rows[0, :2] = [[1, 2, 3, 4, 0.9, 2], [1, 2, 3, 4, 0.5, 0]]
    first, second = read([rows], Head("detect", 80), 0.4)
    assert (first.boxes.tolist(), first.classes.tolist(), len(second)) == ([[1, 2, 3, 4]] * 2, [2, 0], 0)


def test_joints_masks_and_corners_are_told_apart():
    joints = np.arange(6, dtype=np.float32) / 10
    (pose,) = read([places((5, 5, 2, 2, 0, 0.9, *joints))], Head("pose", 3, (2, 3)), 0.25)
    assert pose.points[0].tolist() == pytest.approx(joints.reshape(2, 3)[:, :2])
    assert pose.seen[0].tolist() == pytest.approx([0.2, 0.5])
    prototypes = np.ones((1, 4, 8, 8), np.float32)
    (mask,) = read([places((5, 5, 2, 2, 0, 0.9, 1, 2, 3, 4)), prototypes], Head("segment", 3), 0.25)
    assert (mask.coefficients.tolist(), mask.prototypes.shape) == ([[1, 2, 3, 4]], (4, 8, 8))
    (turned,) = read([places((50, 40, 20, 10, 1, 0.9, np.pi / 2))], Head("obb", 3), 0.25)
    assert turned.boxes[0].tolist() == pytest.approx([45, 30, 55, 50], abs=1e-4)
    assert turned.points.shape == (1, 4, 2)
    shares = [np.array([[0.2, 0.8]], np.float32)]
    assert read_classes(shares, Head("classify", 2))[0].tolist() == pytest.approx([0.2, 0.8])
    with pytest.raises(Unlike, match="3 classes does not put out"):
        read_classes(shares, Head("classify", 3))


def test_an_output_of_another_network_is_refused():
    with pytest.raises(ValueError, match="80 classes"):
        read([np.zeros((1, 84, 77, 2), np.float32)], Head("detect", 80), 0.25)
    with pytest.raises(ValueError, match="put out"):
        read([np.zeros((1, 9, 100), np.float32)], Head("detect", 80), 0.25)


@pytest.mark.parametrize("seed", range(8))
def test_suppression_keeps_what_one_by_one_would(seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (20, 2))[rng.integers(0, 20, 200)] + rng.normal(0, 3, (200, 2))
    boxes = np.concatenate((corner, corner + rng.uniform(20, 60, (200, 2))), axis=1).astype(np.float32)
    scores, classes = rng.permutation(200).astype(np.float32), rng.integers(0, 3, 200)
    kept: list[int] = []
    for row in np.argsort(-scores):
        if not any(classes[row] == classes[other] and _overlap(boxes[row], boxes[other]) > 0.7 for other in kept):
            kept.append(int(row))
    assert suppress(boxes, scores, classes).tolist() == kept


def _overlap(one, other):
    size = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None).prod()
    return size / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - size)


def test_oriented_boxes_suppress_those_of_their_angle():
    boxes = np.array([[50, 50, 40, 10, 0], [51, 50, 40, 10, 0.02], [50, 50, 40, 10, np.pi / 2]], np.float32)
    assert suppress(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.intp)).tolist() == [0, 2]
