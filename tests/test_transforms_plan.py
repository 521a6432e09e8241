"""The planner: sizes, limits, and how small a source may be decoded."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from transforms.failure import Failure
from transforms.image import Box, Found, Probe, Region, Size
from transforms.limits import Limits
from transforms.pipeline import Pipeline
from transforms.plan import Plan, plan

FACE = Found(
    regions=(Region("face", 0.9, Box(0.4, 0.4, 0.02, 0.03), by="faces"),), models=(("faces", "yunet@0123456789ab"),)
)


def side_for(kinds: Collection[str]) -> int:
    return max({"faces": 640, "objects": 640, "all-faces": 1280, "largest-face": 320}.get(kind, 320) for kind in kinds)


def probed(width: int = 4000, height: int = 3000, form: str = "jpeg", frames: int = 1) -> Probe:
    return Probe(form, Size(width, height), frames, frames > 1, False, None, 1, 1_000_000)  # type: ignore[arg-type]


def planned(text: str, probe: Probe | None = None, found: Found | None = None, limits: Limits | None = None) -> Plan:
    return plan(Pipeline.parse(text), probe or probed(), limits or Limits(), found, side_for=side_for)


@pytest.mark.parametrize(
    ("text", "reduce"),
    [
        ("resize:300x", 8),  # 500 px are more than 1.5 times 300
        ("resize:334x", 4),
        ("resize:1333x", 2),
        ("resize:1334x", 1),
        ("grayscale/flip/resize:200x", 8),  # each commutes with scaling
        ("rotate:90/resize:251x", 4),
        ("crop:400x400/resize:200x", 1),  # the crop is what must keep its detail
        ("crop:2000x2000/resize:200x", 4),
        ("crop:2000x2000/resize:160x", 8),
        ("sharpen/resize:200x", 1),  # it works on the finest detail there is
        ("resize:200x/sharpen", 8),
        ("resize:200x/resize:400x,enlarge", 8),
        ("grayscale", 1),
        ("", 1),
        ("resize:9x/blur-faces", 2),  # its detector wants to see 1280 px
        ("blur-faces/resize:9x", 2),
        ("resize:100x100,fit=cover,gravity=faces", 4),  # 640 px for faces
        ("resize:100x100,fit=cover,gravity=face", 8),  # 320 px for the largest
        ("info", 8),
        ("auto-tag", 4),
        ("format:webp/quality:50/resize:200x", 8),
    ],
)
def test_a_jpeg_is_decoded_as_small_as_every_step_allows(text: str, reduce: int) -> None:
    assert planned(text).decode.reduce == reduce


def test_other_formats_gain_nothing_by_reduction() -> None:
    assert planned("resize:200x", probed(form="png")).decode.reduce == 1


def test_the_scale_for_a_face_crop_waits_for_the_face() -> None:
    unknown, known = planned("face-crop:200x200"), planned("face-crop:200x200", found=FACE)
    assert unknown.provisional
    assert unknown.decode.reduce == 8
    assert not known.provisional
    assert known.decode.reduce == 1  # 2 % of the picture's width: every pixel counts


def test_after_geometry_a_face_crop_keeps_all_detail() -> None:
    result = planned("crop:0.5x0.5/face-crop:200x200", found=FACE)
    assert (result.provisional, result.decode.reduce) == (False, 1)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("resize:400x300", Size(400, 300)),
        ("resize:x300", Size(400, 300)),
        ("rotate:90", Size(3000, 4000)),
        ("crop:100x50/border:5", Size(110, 60)),
        ("resize:400x/format:png", Size(400, 300)),
        ("", Size(4000, 3000)),
    ],
)
def test_sizes_are_known_before_decoding(text: str, size: Size) -> None:
    assert planned(text).result == size


@pytest.mark.parametrize(
    "text", ["resize:8192x8192,fit=fill,enlarge", "resize:4.0x,enlarge", "resize:8000x8000,fit=outside,enlarge"]
)
def test_a_result_beyond_the_limits_is_refused(text: str) -> None:
    with pytest.raises(Failure) as caught:
        planned(text)
    assert caught.value.code == "result-too-large"
    assert caught.value.details["maximum_side"] == 8192


@pytest.mark.parametrize("text", ["info", "auto-tag", "rotate:90/auto-tag:codes"])
def test_words_about_a_picture_are_no_large_result(text: str) -> None:
    panorama = probed(20_000, 400)
    if text.startswith("rotate"):
        with pytest.raises(Failure, match="8192"):
            planned(text, panorama)
    else:
        assert planned(text, panorama).needs == Pipeline.parse(text).needs


def test_a_size_in_between_counts_too() -> None:
    with pytest.raises(Failure, match="resize"):
        planned("resize:3.0x,enlarge/resize:100x")


def test_an_animation_counts_all_its_frames() -> None:
    gif = probed(400, 400, "gif", frames=50)
    assert planned("resize:1000x,enlarge", gif).result == Size(1000, 1000)
    with pytest.raises(Failure, match="50 frames"):
        planned("resize:2000x,enlarge", gif)
    assert planned("resize:2000x,enlarge/format:jpeg", gif).result == Size(2000, 2000)  # only the first is rendered


@pytest.mark.parametrize(
    ("text", "still"),
    [("resize:10x", False), ("format:jpeg", True), ("format:webp", False), ("format:auto", False), ("info", True)],
)
def test_frames_that_cannot_be_shown_are_not_decoded(text: str, still: bool) -> None:
    assert planned(text, probed(100, 100, "gif", frames=3)).decode.still is still


def test_nothing_after_a_report_runs() -> None:
    result = planned("resize:10x/info/blur:5")
    assert [str(step.step) for step in result.steps] == ["resize:10x", "info"]


def test_needs_are_of_all_steps() -> None:
    assert planned("face-crop:10x10/blur-faces").needs == {"largest-face", "all-faces"}


@pytest.mark.parametrize(
    ("text", "reduce", "still"),
    [
        ("resize:10x/info", 8, True),
        ("resize:10x/getinfo", 8, True),
        ("getinfo", 1, True),
        ("crop:10x10/getinfo", 1, True),
    ],
)
def test_a_report_of_the_encoded_picture_needs_its_pixels(text: str, reduce: int, still: bool) -> None:
    assert (planned(text).decode.reduce, planned(text).decode.still) == (reduce, still)
    moving = planned(text, probed(100, 100, "gif", frames=3))
    assert moving.decode.still is (text == "resize:10x/info")


@pytest.mark.parametrize(
    ("text", "still"),
    [("still", True), ("still/format:webp", True), ("still/animated", False), ("format:auto/still", True),
     ("format:tiff", True), ("format:ico", True), ("animated/format:jpeg", True)],
)  # fmt: skip
def test_a_still_is_decoded_as_one(text: str, still: bool) -> None:
    assert planned(text, probed(100, 100, "gif", frames=3)).decode.still is still


def test_stored_pixels_are_not_cut_by_what_was_found_upright() -> None:
    assert planned("orientation:ignore/face-crop:200x200", found=FACE).decode.reduce == 1
    unknown = planned("orientation:ignore/face-crop:200x200")
    assert (unknown.provisional, unknown.decode.reduce) == (False, 1)
