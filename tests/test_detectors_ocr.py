"""Lines of writing: what is told of made-up lines, and, where rapidocr is installed, what is found and read."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detectors.manifest import WRITING
from detectors.models import ModelStore
from detectors.registry import Question, Weights, serving

OCR = pytest.mark.skipif(importlib.util.find_spec("rapidocr") is None, reason="the extra `ocr` is not installed")


def test_what_is_missing_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.models._packaged", lambda package, file: [])
    missing = ModelStore(tmp_path).missing("text:words")
    assert missing is not None
    assert (missing.detector, "pip install 'darkroom[ocr]'" in missing.how) == ("text:words", True)


def test_both_kinds_are_one_task() -> None:
    assert serving("text").task == serving("text:words").task == "text"
    assert serving("text").models == WRITING


@OCR
@pytest.mark.parametrize(
    ("text", "score", "height", "sure"),
    [
        ("", 0.5, 0.25, True),  # found, not read
        ("", 0.9, 0.26, False),
        ("STOP", 0.95, 0.26, True),
        ("STOP", 0.89, 0.26, False),
        ("8", 0.99, 0.9, False),
        ("8", 0.6, 0.1, True),
    ],
)
def test_tall_lines_have_to_be_read(text: str, score: float, height: float, sure: bool) -> None:
    from detectors.lines import region_of

    corners = np.array([(20, 10), (180, 10), (180, 10 + 100 * height), (20, 10 + 100 * height)], np.float32)
    region = region_of(corners, score, text, (200, 100), "text")
    assert (region.sure, region.label, region.by, region.text) == (sure, "text", "text", text)
    assert region.box.x == pytest.approx(0.1)
    assert region.box.height == pytest.approx(height)
    assert [name for name, *_ in region.points] == ["corner_1", "corner_2", "corner_3", "corner_4"]
    assert region.points[2][1:] == pytest.approx((0.9, 0.1 + height))


@OCR
@pytest.mark.parametrize(
    ("shape", "filled"),
    [((1, 1), (320, 320)), ((320, 321), (320, 640)), ((640, 100), (640, 320)), ((640, 640), (640, 640))],
)
def test_inputs_have_few_shapes(shape: tuple[int, int], filled: tuple[int, int]) -> None:
    from detectors.lines import filled as fill

    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    made = fill(pixels)
    assert made.shape[:2] == filled
    assert np.array_equal(made[: shape[0], : shape[1]], pixels)
    assert (made[shape[0] :, shape[1] :] == pixels[-1, -1]).all()


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    weights = ModelStore(tmp_path_factory.mktemp("models")).weights("text")
    if weights is None:
        pytest.skip("the extra `ocr` is not installed")
    assert isinstance(weights, Weights)
    assert weights.sha256 == WRITING[0].sha256
    return serving("text").load(weights, "cpu")


def asked(writing: Any, pixels: Any, kind: str = "text") -> Any:
    return writing.find([Question(kind, pixels)])[0].regions


def lettered(*lines: tuple[str, int, int], size: tuple[int, int] = (640, 400)) -> Any:
    """A white picture with black words at x, y."""
    pixels = np.full((size[1], size[0], 3), 255, np.uint8)
    for text, x, y in lines:
        cv2.putText(pixels, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 3)
    return pixels


def test_lines_are_found_where_they_are(writing: Any) -> None:
    found = asked(writing, lettered(("DARKROOM", 40, 100), ("open daily", 300, 330)))
    assert len(found) == 2
    upper, lower = found
    assert (upper.text, lower.text) == ("", "")
    assert upper.box.x == pytest.approx(40 / 640, abs=0.02)
    assert upper.box.bottom == pytest.approx(104 / 400, abs=0.04)
    assert lower.box.x == pytest.approx(300 / 640, abs=0.02)
    assert all(region.sure and region.score > 0.5 and region.by == "text" for region in found)


def test_lines_are_read(writing: Any) -> None:
    found = asked(writing, lettered(("DARKROOM", 40, 100), ("open daily", 300, 330)), "text:words")
    assert [region.text.lower().replace(" ", "") for region in found] == ["darkroom", "opendaily"]
    assert {region.by for region in found} == {"text:words"}


def test_larger_pictures_are_looked_at_in_small(writing: Any) -> None:
    large = cv2.resize(lettered(("DARKROOM", 40, 100)), (1280, 800))
    (small,), (other,) = asked(writing, lettered(("DARKROOM", 40, 100))), asked(writing, large)
    assert other.box.x == pytest.approx(small.box.x, abs=0.01)
    assert other.box.bottom == pytest.approx(small.box.bottom, abs=0.01)


def test_writing_askew_has_its_corners(writing: Any) -> None:
    turn = cv2.getRotationMatrix2D((320, 200), 12, 1)
    pixels = cv2.warpAffine(lettered(("DARKROOM", 200, 210)), turn, (640, 400), borderValue=(255, 255, 255))
    (found,) = asked(writing, pixels)
    (_, left, high), (_, right, low), *_ = found.points
    assert np.degrees(np.arctan2((high - low) * 400, (right - left) * 640)) == pytest.approx(12, abs=3)


@pytest.mark.parametrize("kind", ["text", "text:words"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 1), (9, 9), (8, 640), (320, 320), (1280, 1280)])
def test_every_shape_gets_an_answer(writing: Any, shape: tuple[int, int], kind: str) -> None:
    assert asked(writing, np.full((*shape, 3), 200, np.uint8), kind) == ()


def test_there_is_no_third_kind(writing: Any) -> None:
    with pytest.raises(ValueError, match="text:words"):
        asked(writing, lettered(), "text:other")


def test_no_more_is_read_than_anybody_waits_for() -> None:
    lines = pytest.importorskip("detectors.lines")

    def line(width: float, height: float) -> Any:
        return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)

    assert lines.affordable([line(100, 20)] * 80) == frozenset(range(80))
    assert lines.affordable([line(20, 10)] * 600) == frozenset(range(80))
    assert lines.affordable([line(20, 10)] * 600 + [line(60, 30)]) == {600, *range(79)}
    assert len(lines.affordable([line(640, 8)] * 40)) < 10
    assert lines.affordable([]) == frozenset()
