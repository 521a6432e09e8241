"""face-crop, blur-faces and pixelate-faces."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from transforms.image import Box, Found, Image, Region, Saliency, Size
from transforms.pipeline import Step
from transforms.registry import find

from .shared import MODELS
from .steps import apply, face, frame, outcome, picture, pixels, plain, scene

# face-crop


def window_of(text: str, found: Found, width: int = 2000, height: int = 1000) -> Box:
    """What a step takes, in fractions of the picture before it."""
    inverse = np.linalg.inv(np.vstack([apply(text, plain(width, height, 0), found).from_source, [0, 0, 1]]))
    (left, top, _), (right, bottom, _) = inverse @ [0, 0, 1], inverse @ [1, 1, 1]
    return Box.between(left, top, right, bottom)


ONE = Found(regions=(face(0.5, 0.4, 0.08, 0.2),))  # 160 × 200 px of 2000 × 1000


@pytest.mark.parametrize("zoom", [0.5, 1, 2])
def test_zoom_says_how_high_the_face_is(zoom: float) -> None:
    window = window_of(f"face-crop:200x200,zoom={zoom}", ONE)
    assert 0.2 / window.height == pytest.approx(0.55 * zoom, abs=0.01)
    assert window.width * 2000 == pytest.approx(window.height * 1000, abs=1)


@pytest.mark.parametrize("size", ["200x200", "400x100", "100x300", "1x1", "60x90"])
def test_the_whole_head_is_in(size: str) -> None:
    window = window_of(f"face-crop:{size}", ONE)
    assert window.x <= 0.5 - 0.02
    assert window.right >= 0.58 + 0.02
    assert window.y <= 0.4 - 0.2 * 0.4
    assert window.bottom >= 0.6 + 0.2 * 0.3
    assert str(apply(f"face-crop:{size}", plain(2000, 1000, 0), ONE).size) == size


@pytest.mark.parametrize(("x", "y"), [(0, 0), (0.92, 0), (0.92, 0.8), (0, 0.8), (0.5, 0.9)])
def test_the_window_is_moved_into_the_picture(x: float, y: float) -> None:
    window = window_of("face-crop:200x200", Found(regions=(face(x, y, 0.08, 0.2),)))
    assert 0.2 / window.height == pytest.approx(0.55, abs=0.01)
    assert window.x >= -1e-9
    assert window.bottom <= 1 + 1e-9
    assert window.x <= x
    assert window.right >= x + 0.08 - 1e-9


def test_a_face_larger_than_the_picture_leaves_the_ratio() -> None:
    window = window_of("face-crop:200x100", Found(regions=(face(0.2, 0, 0.5, 1.0),)))
    assert (window.width, window.height) == pytest.approx((1, 1))
    assert window_of("face-crop:100x100", Found(regions=(face(0.2, 0, 0.5, 1.0),))).width == pytest.approx(0.5)


def test_the_largest_face_or_all() -> None:
    found = Found(regions=(face(0.2, 0.4, 0.05, 0.1, 0.99), face(0.5, 0.4, 0.08, 0.2, 0.8), face(0.4, 0.5, 0.03, 0.1)))
    largest, everyone = window_of("face-crop:200x200", found), window_of("face-crop:200x200,which=all", found)
    assert largest.x > 0.4
    assert everyone.x <= 0.2
    assert everyone.right >= 0.58
    assert everyone.bottom >= 0.6


def test_all_faces_where_not_all_fit_keeps_the_largest() -> None:
    found = Found(regions=(face(0.02, 0.4, 0.05, 0.15), face(0.85, 0.3, 0.1, 0.3), face(0.75, 0.4, 0.05, 0.15)))
    window = window_of("face-crop:100x100,which=all", found)
    assert window.height == pytest.approx(1)
    assert window.x <= 0.75
    assert window.right >= 0.95


def test_without_a_face_the_best_place_or_the_middle() -> None:
    saliency = np.zeros((50, 100), np.uint8)
    saliency[20:30, 85:95] = 255
    nobody = Found(saliency=Saliency(saliency))
    assert window_of("face-crop:100x100", nobody).right >= 0.95
    assert window_of("face-crop:100x100,fallback=center", nobody).centre == pytest.approx((0.5, 0.5), abs=0.01)
    assert window_of("face-crop:100x100", Found()).centre == pytest.approx((0.5, 0.5), abs=0.01)


@pytest.mark.parametrize(
    ("text", "first", "then"),
    [
        ("face-crop:9x9", {"largest-face"}, {"faces", "saliency"}),
        ("face-crop:9x9,fallback=center", {"largest-face"}, {"faces"}),
        ("face-crop:9x9,which=all", {"faces"}, {"saliency"}),
        ("face-crop:9x9,which=all,fallback=center", {"faces"}, set()),
        ("resize:9x9,fit=cover,gravity=face", {"largest-face"}, {"faces"}),
        ("resize:9x9,fit=cover,gravity=faces", {"faces"}, set()),
        ("crop:9x9,gravity=face:auto", {"largest-face"}, {"faces", "objects", "saliency"}),
        ("crop:9x9,gravity=faces:auto", {"faces"}, {"faces", "objects", "saliency"}),
    ],
)
def test_more_is_asked_for_only_without_a_face(text: str, first: set[str], then: set[str]) -> None:
    step = Step.parse(text)
    assert step.needs == first
    assert step.operation.then(ONE, **step.arguments) == frozenset()
    assert step.operation.then(Found(), **step.arguments) == then


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        ("face-crop:200x200", None, None),
        ("face-crop:200x200", ONE, 0.55),  # 200 px of a window of 364
        ("face-crop:200x200,zoom=2", ONE, 1.1),
        ("face-crop:200x200", Found(), 0.2),
        ("face-crop:0.5x,ratio=1:1", Found(), 1.0),
    ],
)
def test_the_detail_depends_on_the_face(text: str, found: Found | None, expected: float | None) -> None:
    step = Step.parse(text)
    detail = step.operation.detail(Size(2000, 1000), found, **step.arguments)
    assert detail == (None if expected is None else pytest.approx(expected, rel=0.02))


# Redaction

FACE = Box(0.3, 0.25, 0.3, 0.4)
REDACTIONS = [
    "blur-faces",
    "blur-faces:0.1",
    "blur-faces:10",
    "pixelate-faces",
    "pixelate-faces:2",
    "pixelate-faces:8",
]
every_redaction = pytest.mark.parametrize("text", REDACTIONS)


def all_faces(*boxes: Box) -> Found:
    return Found(regions=tuple(Region("face", 0.5, box, (), "all-faces") for box in boxes))


def inside(box: Box, size: Size) -> tuple[slice, slice]:
    """Rows and columns of the pixels that lie wholly in the box."""
    return (
        slice(max(0, int(np.ceil(box.y * size.height))), int(box.bottom * size.height)),
        slice(max(0, int(np.ceil(box.x * size.width))), int(box.right * size.width)),
    )


@pytest.mark.parametrize(("text", "most"), [("blur-faces", 16), ("blur-faces:0.1", 36), ("pixelate-faces", 64)])
def test_what_is_left_of_a_face_is_a_few_numbers(text: str, most: int) -> None:
    """Over many pictures, the pixels of a face span no more dimensions than there are means."""
    random = np.random.default_rng(5)
    blocks = random.integers(0, 2, (120, 50, 50), np.uint8) * 255  # 2 px wide, so that nothing averages to grey at once
    images = [np.kron(noise, np.ones((2, 2), np.uint8))[:, :, np.newaxis] for noise in blocks]
    rows, columns = inside(FACE, Size(100, 100))
    shown = [pixels(apply(text, Image((frame(image),)), all_faces(FACE)))[rows, columns] for image in images]
    # Rounding to whole levels adds noise of deviation 0.29, whose largest singular value stays under this.
    noise = 0.29 * (np.sqrt(len(shown)) + np.sqrt(shown[0].size)) * 1.3

    def dimensions(faces: list[np.ndarray]) -> int:
        table = np.array([face.ravel() for face in faces], float)
        return int((np.linalg.svd(table - table.mean(axis=0), compute_uv=False) > noise).sum())

    assert dimensions(shown) <= most
    assert dimensions([image[rows, columns] for image in images]) == 119


@every_redaction
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("side", [8, 40, 200])
def test_fine_detail_is_gone_at_every_size(text: str, channels: int, side: int) -> None:
    """A face of single black and white pixels leaves nothing but grey."""
    board = (np.indices((side, side)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = Image((frame(np.repeat(board[:, :, np.newaxis], channels, axis=2)),))
    result = pixels(apply(text, image, all_faces(FACE)))[inside(FACE, image.size)]
    assert result.size
    if channels < 4:
        assert np.abs(result.astype(int) - 128).max() <= 20
    else:  # white and opaque, or black and transparent: white at half alpha
        assert np.abs(result[:, :, 3].astype(int) - 128).max() <= 20
        assert result[:, :, :3].min() >= 250


@every_redaction
def test_what_a_face_hides_under_its_transparency_is_gone_too(text: str) -> None:
    board = np.repeat((np.indices((60, 60)).sum(axis=0) // 2 % 2 * 255)[:, :, np.newaxis], 4, axis=2).astype(np.uint8)
    board[:, :, 3] = 0
    result = pixels(apply(text, Image((frame(board),)), all_faces(FACE)))[inside(FACE, Size(60, 60))]
    assert result.max() == 0


@every_redaction
def test_the_rest_of_the_picture_stays(text: str) -> None:
    image = picture(200, 100)
    before, after = pixels(image), pixels(apply(text, image, all_faces(FACE)))
    touched = (before != after).any(axis=2)
    away = np.ones_like(touched)
    reach = FACE.grown(1.0)
    away[int(reach.y * 100) : int(reach.bottom * 100) + 1, int(reach.x * 200) : int(reach.right * 200) + 1] = False
    assert not touched[away].any()
    assert touched[inside(FACE, image.size)].mean() > 0.99
    assert touched[inside(FACE.grown(0.2), image.size)].mean() > 0.9  # errs on covering


@every_redaction
@pytest.mark.parametrize(
    "box",
    [
        Box(-0.1, -0.2, 0.3, 0.4),
        Box(0.9, 0.9, 0.3, 0.3),
        Box(0, 0, 1, 1),
        Box(0.5, 0.5, 0.06, 0.06),
        Box(2, 2, 0.1, 0.1),
    ],
)
def test_faces_at_the_edge_and_tiny_ones(text: str, box: Box) -> None:
    image = picture(50, 40)
    after = pixels(apply(text, image, all_faces(box)))
    seen = box.clipped()
    if seen is None:
        assert np.array_equal(after, pixels(image))
    else:
        rows, columns = inside(Box(seen.x - 0.01, seen.y - 0.01, seen.width + 0.02, seen.height + 0.02), image.size)
        assert (after[rows, columns] != pixels(image)[rows, columns]).any(axis=2).mean() > 0.8


@every_redaction
def test_two_faces_that_overlap(text: str) -> None:
    boxes = (FACE, Box(0.45, 0.3, 0.3, 0.4))
    image = picture(120, 90, 1)
    result = pixels(apply(text, image, all_faces(*boxes)))
    for box in boxes:
        rough = np.abs(np.diff(result[inside(box, image.size)].astype(int), axis=1)).mean()
        assert rough < np.abs(np.diff(pixels(image)[inside(box, image.size)].astype(int), axis=1)).mean() / 4


def test_only_the_covering_kind_is_used() -> None:
    image = picture(50, 40)
    confident = Found(regions=(face(0.3, 0.25, 0.3, 0.4),))
    assert np.array_equal(pixels(apply("blur-faces", image, confident)), pixels(image))


def test_redaction_fails_closed() -> None:
    for name in ("blur-faces", "pixelate-faces"):
        assert find(name).closed
        assert Step.parse(name).needs == {"all-faces"}


def _samples() -> list[Path]:
    """The photographs that come with an installed dependency, found without importing it."""
    spec = find_spec("ultralytics")
    folders = spec.submodule_search_locations if spec else []
    return [Path(folder) / "assets" / name for folder in folders or [] for name in ("zidane.jpg", "bus.jpg")]


YUNET = MODELS / "face_detection_yunet_2026may.onnx"


def _seen(picture: np.ndarray, threshold: float) -> list[Box]:
    height, width = picture.shape[:2]
    boxes = []
    for side in (320, 640, 1280):
        factor = min(1.0, side / max(width, height))
        small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        detector = cv2.FaceDetectorYN.create(str(YUNET), "", (small.shape[1], small.shape[0]), threshold)
        found = detector.detect(small)[1]
        across, down = small.shape[1], small.shape[0]
        boxes += [
            Box(*(row[:4] / [across, down, across, down]).tolist()) for row in (found if found is not None else [])
        ]
    return boxes


def _overlap(one: Box, other: Box) -> float:
    shared = Box.between(
        max(one.x, other.x), max(one.y, other.y), min(one.right, other.right), min(one.bottom, other.bottom)
    )
    area = max(shared.width, 0) * max(shared.height, 0)
    return area / (one.area + other.area - area)


@pytest.mark.skipif(not YUNET.exists(), reason="the face detector's model is missing")
@pytest.mark.parametrize("path", _samples(), ids=lambda path: path.stem)
def test_a_detector_finds_no_face_again(path: Path) -> None:
    photo = cv2.imread(str(path))
    faces = _seen(photo, 0.6)
    assert len(faces) >= 2
    hidden = pixels(apply("blur-faces", Image((frame(photo),)), all_faces(*faces)))
    again = [box for box in _seen(hidden, 0.6) if max(_overlap(box, face) for face in faces) > 0.25]
    assert again == []


def test_frames_are_hidden_one_by_one() -> None:
    image = Image((scene(60, 40).frames[0], picture(60, 40).frames[0]))
    result = outcome("pixelate-faces", image, all_faces(FACE))
    assert isinstance(result, Image)
    rows, columns = inside(FACE, image.size)
    for before, after in zip(image.frames, result.frames, strict=True):
        assert not np.array_equal(before.pixels[rows, columns], after.pixels[rows, columns])
        assert after.duration_ms == before.duration_ms
