"""face-crop, blur-faces and pixelate-faces."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from transforms.failure import Failure
from transforms.image import Box, Found, Image, Missing, Region, Saliency, Size
from transforms.pipeline import Step
from transforms.registry import find

from .shared import MODELS
from .steps import apply, face, frame, outcome, picture, pixels, plain, projected, scene

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


# Which face, and how much around it

THREE = Found(
    regions=(face(0.2, 0.4, 0.05, 0.1, 0.99), face(0.5, 0.4, 0.08, 0.2, 0.8), face(0.75, 0.5, 0.06, 0.15, 0.85))
)


@pytest.mark.parametrize(("which", "x"), [(1, 0.54), (2, 0.78), (3, 0.225)])
def test_the_nth_face_by_size(which: int, x: float) -> None:
    assert window_of(f"face-crop:100x100,which={which}", THREE).centre[0] == pytest.approx(x, abs=0.01)


def test_a_number_beyond_those_that_there_are() -> None:
    for which, found, count in ((4, THREE, 3), (1, Found(), 0)):
        with pytest.raises(Failure) as caught:
            apply(f"face-crop:100x100,which={which}", plain(2000, 1000, 0), found)
        assert (caught.value.code, caught.value.details["found"]) == ("face-not-found", count)
        step = Step.parse(f"face-crop:100x100,which={which}")
        assert step.operation.detail(Size(2000, 1000), found, **step.arguments) == 0
    silent = Found(missing=(Missing("faces", "", "it did not answer"),))
    with pytest.raises(Failure, match="did not answer") as caught:
        apply("face-crop:100x100,which=1", plain(2000, 1000, 0), silent)
    assert caught.value.code == "detector-unavailable"


@pytest.mark.parametrize("which", ["0", "101", "smallest", "1.5"])
def test_what_is_no_number_of_a_face(which: str) -> None:
    with pytest.raises(Failure):
        Step.parse(f"face-crop:9x9,which={which}")


@pytest.mark.parametrize(
    ("arguments", "factor"),
    [("padding=0.5", 2), ("zoom=0.5", 2), ("zoom=2,padding=0.5", 1), ("zoom=0.5,padding=0.25", 3), ("padding=0", 1)],
)
def test_padding_adds_to_each_side(arguments: str, factor: float) -> None:
    usual, padded = window_of("face-crop:200x200", TINY), window_of(f"face-crop:200x200,{arguments}", TINY)
    assert padded.height / usual.height == pytest.approx(factor, rel=0.02)
    assert padded.centre == pytest.approx(usual.centre, abs=0.002)


TINY = Found(regions=(face(0.49, 0.47, 0.03, 0.06),))


# Level eyes


def leaning(degrees: float, x: float = 0.5, y: float = 0.5, high: float = 0.2) -> Found:
    """A face of so many fractions of the height of 1000 × 800, about a point, whose left eye is lower by an angle."""
    size = Size(1000, 800)
    down, across = high * size.height / 2, high * size.height * 0.4
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

    def at(right: float, below: float) -> tuple[float, float]:
        return (
            x + (cosine * right - sine * below) / size.width, y + (sine * right + cosine * below) / size.height
        )  # fmt: skip

    points = (("right_eye", *at(-across / 2, -down / 3)), ("left_eye", *at(across / 2, -down / 3)))
    wide, tall = (down, across) if abs(cosine) < 0.7 else (across, down)
    box = Box(x - wide / size.width, y - tall / size.height, 2 * wide / size.width, 2 * tall / size.height)
    return Found(regions=(Region("face", 0.9, box, points, "faces"),))


def eyes_after(result: Image, found: Found) -> tuple[np.ndarray, np.ndarray]:
    """Where the eyes are in the result, in its pixels."""
    right, left = (np.array([x, y, 1]) for _, x, y in found.regions[0].points)
    size = [result.size.width, result.size.height]
    return result.from_source @ right * size, result.from_source @ left * size


@pytest.mark.parametrize("degrees", [0, 5, -20, 40, 80, 90, 140, 180, -90, -150])
@pytest.mark.parametrize("size", ["200x200", "300x100", "90x240"])
def test_the_line_between_the_eyes_is_level(degrees: float, size: str) -> None:
    found = leaning(degrees, high=0.15)
    result = apply(f"face-crop:{size},align=eyes", scene(1000, 800), found)
    assert str(result.size) == size
    right, left = eyes_after(result, found)
    assert right[1] == pytest.approx(left[1], abs=0.6)
    assert right[0] < left[0]
    # As large as that of a face that stands upright.
    upright = leaning(0, high=0.15)
    usual = eyes_after(apply(f"face-crop:{size}", scene(1000, 800), upright), upright)
    assert left[0] - right[0] == pytest.approx(usual[1][0] - usual[0][0], rel=0.03)


@pytest.mark.parametrize("degrees", [10, -35, 90])
def test_the_picture_is_where_the_affine_says(degrees: float) -> None:
    """A small black cross on white, seen after the turn where `from_source` leads it."""
    board = np.full((800, 1000, 3), 255, np.uint8)
    board[400 - 6 : 400 + 6, 520 - 6 : 520 + 6] = 0
    result = apply("face-crop:400x400,align=eyes", Image((frame(board),)), leaning(degrees))
    rows, columns = np.nonzero(pixels(result)[:, :, 0] < 100)
    x, y = result.from_source @ [0.52, 0.5, 1] * [400, 400]
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((x, y), abs=0.7)


@pytest.mark.parametrize("degrees", [10, 45, -30])
@pytest.mark.parametrize(("x", "y"), [(0.5, 0.5), (0.75, 0.5), (0.3, 0.75), (0.72, 0.3)])
def test_no_corner_is_empty_where_the_face_has_room(degrees: float, x: float, y: float) -> None:
    found = leaning(degrees, x, y, high=0.15)
    result = apply("face-crop:200x200,align=eyes", plain(1000, 800, 0), found)
    back = np.linalg.inv(np.vstack([result.from_source, [0, 0, 1]]))
    corners = back @ [[0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]]
    assert corners[:2].min() >= -1e-6
    assert corners[:2].max() <= 1 + 1e-6


def test_a_face_at_the_edge_is_not_cut_but_mirrored() -> None:
    found = leaning(40, 0.05, 0.06, high=0.15)
    board = np.full((800, 1000, 4), 255, np.uint8)
    result = apply("face-crop:200x200,align=eyes", Image((frame(board),)), found)
    assert (pixels(result) == 255).all()
    for eye in eyes_after(result, found):
        assert (eye > 0).all()
        assert (eye < 200).all()
    corners = np.linalg.inv(np.vstack([result.from_source, [0, 0, 1]])) @ [[0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]]
    assert corners[:2].min() < 0


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_all_frames_are_turned_alike(channels: int) -> None:
    image = picture(100, 80, channels, frames=3)
    result = apply("face-crop:40x40,align=eyes", image, leaning(25))
    assert len(result.frames) == 3
    assert {frame.pixels.shape for frame in result.frames} == {(40, 40, channels)}
    assert not np.array_equal(result.frames[0].pixels, result.frames[1].pixels)


def test_eyes_that_nobody_found_or_that_are_level_change_nothing() -> None:
    image = scene(1000, 800)
    level, blind = leaning(0), Found(regions=(face(0.4, 0.4, 0.1, 0.2),))
    for found in (level, blind, Found()):
        usual = apply("face-crop:100x100,fallback=center", image, found)
        assert np.array_equal(
            pixels(apply("face-crop:100x100,fallback=center,align=eyes", image, found)), pixels(usual)
        )


def test_level_eyes_need_one_face_and_a_thorough_look() -> None:
    with pytest.raises(Failure, match="needs one face"):
        projected("face-crop:9x9,which=all,align=eyes", Size(40, 30))
    step = Step.parse("face-crop:9x9,align=eyes")
    assert step.needs == {"faces"}
    assert step.operation.then(Found(), **step.arguments) == {"saliency"}


@pytest.mark.parametrize("degrees", [15, 90])
def test_level_eyes_say_how_much_detail_they_want(degrees: float) -> None:
    step = Step.parse("face-crop:200x200,align=eyes")
    found = leaning(degrees)
    detail = step.operation.detail(Size(1000, 800), found, **step.arguments)
    result = apply("face-crop:200x200,align=eyes", plain(1000, 800, 0), found)
    shown = 200 / (np.linalg.norm(np.linalg.inv(result.from_source[:, :2])[:, 0] * [1000, 800]))
    assert detail == pytest.approx(shown, rel=0.01)


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
