"""resize and pad: the arithmetic of sizes, what stands where, and the colours."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.failure import Failure
from transforms.image import Found, Scale, Size
from transforms.pipeline import Step

from .shared import jsonl
from .steps import FOUND, apply, face, picture, pixels, plain, projected, scene

SOURCE = Size(1600, 1200)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resize:400x300", "400x300"),
        ("resize:400x", "400x300"),
        ("resize:x300", "400x300"),
        ("resize:800x300", "400x300"),
        ("resize:2000x2000", "1600x1200"),
        ("resize:2000x2000,enlarge", "2000x1500"),
        ("resize:0.5x", "800x600"),
        ("resize:0.5x1.0", "800x600"),
        ("resize:2.0x,enlarge", "3200x2400"),
        ("resize:500x,ratio=16:9", "375x281"),
        ("resize:400x400,fit=outside", "533x400"),
        ("resize:2000x100,fit=outside", "1600x1200"),
        ("resize:2000x100,fit=outside,enlarge", "2000x1500"),
        ("resize:100x100,fit=fill", "100x100"),
        ("resize:2000x100,fit=fill", "1600x100"),
        ("resize:2000x100,fit=fill,enlarge", "2000x100"),
        ("resize:x300,fit=fill,ratio=2:1", "600x300"),
        ("resize:400x400,fit=cover", "400x400"),
        ("resize:400x,fit=cover", "400x300"),
        ("resize:4000x1300,fit=cover", "1600x1200"),
        ("resize:2000x400,fit=cover", "1600x400"),
        ("resize:2000x2000,fit=cover,enlarge", "2000x2000"),
        ("resize:500x,fit=cover,ratio=16:9", "500x281"),
        ("resize:400x400,fit=contain", "400x400"),
        ("resize:2000x100,fit=contain", "2000x100"),
        ("resize:1x1", "1x1"),
        ("resize:8000x1,fit=inside", "1x1"),
        ("pad:400x400", "400x400"),
        ("pad:400x", "400x300"),
        ("pad:2000x", "2000x1500"),
        ("pad:400x,ratio=1:1", "400x400"),
        ("pad:ratio=1:1", "1600x1600"),
        ("pad:ratio=16:9", "2133x1200"),
        ("pad:ratio=4:3", "1600x1200"),
        ("resize:100x100,shrink=false", "1600x1200"),
        ("resize:100x100,shrink=false,enlarge", "1600x1200"),
        ("resize:2000x1800,shrink=false,enlarge", "2000x1500"),
        ("resize:2000x1800,shrink=false", "1600x1200"),
        ("resize:2000x100,fit=fill,shrink=false,enlarge", "2000x1200"),
        ("resize:100x2000,fit=outside,shrink=false,enlarge", "2667x2000"),
        ("resize:400x300,fit=cover,shrink=false", "400x300"),
        ("resize:2000x100,fit=contain,shrink=false", "2000x1200"),
        ("resize:1000.0x0.01,fit=fill", "1600x12"),
        ("pad:20x20,shrink=false", "1600x1200"),
        ("pad:1600x1600,shrink=false", "1600x1600"),
        ("pad:2500x1300,shrink=false", "2500x1300"),
        ("pad:2000x,shrink=false", "2000x1500"),
    ],
)
def test_sizes(text: str, expected: str) -> None:
    assert str(projected(text, SOURCE)) == expected


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ((10_000, 140), "resize:100x", "100x1"),  # a side left out is not rounded before the other is made from it
        ((1601, 1201), "resize:400x", "400x300"),
        ((3, 1000), "resize:2x", "2x667"),
        ((1, 1), "resize:400x300,enlarge", "300x300"),
        ((1000, 3), "resize:x1", "333x1"),
        ((3, 2), "resize:x1", "2x1"),  # 1.5: halves go up
    ],
)
def test_sizes_of_odd_pictures(before: tuple[int, int], text: str, expected: str) -> None:
    assert str(projected(text, Size(*before))) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("resize:400x300,ratio=1:1", "ratio supplies"),
        ("pad:400x300,ratio=1:1", "ratio supplies"),
        ("pad", "needs a size"),
        ("resize:400x300,fit=contain,gravity=face", "cuts nothing"),
    ],
)
def test_arguments_that_contradict_each_other(text: str, says: str) -> None:
    with pytest.raises(Failure, match=says) as caught:
        projected(text, SOURCE)
    assert caught.value.code == "bad-argument"
    assert caught.value.hint


sides = st.integers(1, 3000)


@given(before=st.builds(Size, sides, sides), width=sides, height=sides)
def test_inside_is_the_largest_of_its_ratio(before: Size, width: int, height: int) -> None:
    after = projected(f"resize:{width}x{height},enlarge", before)
    assert after.width <= width
    assert after.height <= height
    assert after.width == width or after.height == height
    exact = min(width / before.width, height / before.height)
    assert abs(after.width - max(1, before.width * exact)) <= 0.5 + 1e-6
    assert abs(after.height - max(1, before.height * exact)) <= 0.5 + 1e-6


@given(before=st.builds(Size, sides, sides), width=sides, height=sides)
def test_nothing_grows_unless_asked(before: Size, width: int, height: int) -> None:
    for fit in ("inside", "outside", "fill", "cover"):
        after = projected(f"resize:{width}x{height},fit={fit}", before)
        assert after.width <= before.width
        assert after.height <= before.height


@given(before=st.builds(Size, sides, sides), width=sides, height=sides)
def test_outside_covers_the_box(before: Size, width: int, height: int) -> None:
    after = projected(f"resize:{width}x{height},fit=outside,enlarge", before)
    assert after.width >= width
    assert after.height >= height


NATIVE = {
    "fill": "resize:{size},fit=cover,enlarge", "fit": "resize:{size},enlarge", "limit": "resize:{size}",
    "lfill": "resize:{size},fit=cover", "pad": "pad:{size},enlarge", "lpad": "pad:{size}",
    "scale": "resize:{size},fit=fill,enlarge", "thumb": "face-crop:{size}", "crop": "crop:{size}",
}  # fmt: skip


def _native(text: str) -> str | None:
    """A transformation of one component in our words, or None where it holds more than sizes."""
    parts = dict(
        part.split("_", 1) for part in text.split(",") if re.fullmatch(r"(c|w|h|ar)_[a-z0-9.:]+|[xy]_[0-9.]+", part)
    )
    if len(parts) != text.count(",") + 1 or not re.fullmatch(r"[0-9.:]*", parts.get("w", "") + parts.get("h", "")):
        return None
    native = NATIVE.get(parts.get("c", "scale"))
    if native is None or not ("w" in parts or "h" in parts):
        return None
    both = "w" in parts and "h" in parts
    more = [f"ratio={parts['ar']}"] if "ar" in parts and not both else []
    more += [f"{key}={parts[key]}" for key in ("x", "y") if key in parts and parts.get("c") == "crop"]
    return ",".join([native.format(size=f"{parts.get('w', '')}x{parts.get('h', '')}"), *more])


ROWS = [(row, native) for row in jsonl("dims.jsonl") if (native := _native(row["t"]))]


@pytest.mark.skipif(not ROWS, reason="shared test material is missing: spec/dims.jsonl")
@pytest.mark.parametrize(("row", "native"), ROWS, ids=lambda value: value if isinstance(value, str) else value["t"])
def test_sizes_that_others_give(row: dict[str, object], native: str) -> None:
    after = projected(native, Size(*row["src"]))  # type: ignore[misc]
    width, height = row["expect"]  # type: ignore[misc]
    tolerance = row.get("tol", 0)
    assert abs(after.width - width) <= tolerance  # type: ignore[operator]
    assert abs(after.height - height) <= tolerance  # type: ignore[operator]


def test_enough_of_those_rows_are_understood() -> None:
    assert not jsonl("dims.jsonl") or len(ROWS) > 100


@pytest.mark.parametrize(
    ("gravity", "left", "top"),
    [
        ("center", 10, 0), ("west", 0, 0), ("east", 20, 0), ("north_west", 0, 0), ("0.25:0.5", 5, 0),
        ("0.0:1.0", 0, 0), ("7:0", 7, 0), ("99:9", 20, 0),
    ],
)  # fmt: skip
def test_contain_and_pad_place_the_picture(gravity: str, left: int, top: int) -> None:
    image = plain(20, 20, 10, 20, 30)
    for text in (
        f"resize:40x20,fit=contain,background=white,gravity={gravity}",
        f"pad:40x20,background=white,gravity={gravity}",
    ):
        result = pixels(apply(text, image))
        expected = np.full((20, 40, 3), 255, np.uint8)
        expected[top : top + 20, left : left + 20] = (10, 20, 30)
        assert np.array_equal(result, expected)


@pytest.mark.parametrize(
    ("channels", "background", "expected"),
    [
        (1, "white", [255]), (1, "808080", [128]), (1, "red", [0, 0, 255]), (1, "transparent", [0, 0, 0, 0]),
        (3, "red", [0, 0, 255]), (3, "ff000080", [0, 0, 255, 128]), (4, "red", [0, 0, 255, 255]),
    ],
)  # fmt: skip
def test_a_canvas_has_the_channels_that_its_colour_needs(channels: int, background: str, expected: list[int]) -> None:
    image = picture(10, 10, channels)
    result = pixels(apply(f"pad:20x10,background={background}", image))
    assert result[0, 0].tolist() == expected
    assert np.array_equal(result[:, 5:15, :1], pixels(image)[:, :, :1])  # blue and gray stay what they are


def test_a_canvas_without_margin_adds_nothing() -> None:
    assert apply("pad:10x10", picture(10, 10, 3)).frames[0].channels == 3


def test_pad_enlarges_only_when_asked() -> None:
    image = plain(10, 10, 200, 200, 200)
    assert (pixels(apply("pad:40x40,background=black", image)) > 100).all(axis=2).sum() == 100
    assert (pixels(apply("pad:40x40,background=black,enlarge", image)) > 100).all()


@pytest.mark.parametrize(("gravity", "kept"), [("west", 0), ("east", 1), ("center", 0.5), ("0.75:0.5", 0.75)])
def test_cover_holds_on_to_a_place(gravity: str, kept: float) -> None:
    ramp = np.repeat(np.arange(200, dtype=np.uint8)[np.newaxis, :, np.newaxis], 50, axis=0)
    image = plain(200, 50, 0)
    image = type(image)((image.frames[0].with_pixels(ramp),))
    result = pixels(apply(f"resize:50x50,fit=cover,gravity={gravity}", image))
    first = {0: 0, 1: 150, 0.5: 75, 0.75: 125}[kept]
    assert result[0, 0, 0] == first
    assert result[0, -1, 0] == first + 49


def test_cover_holds_on_to_the_largest_face() -> None:
    image = scene(400, 100)
    found = Found(regions=(face(0.05, 0.1, 0.02, 0.2), face(0.8, 0.1, 0.1, 0.4)))
    to_source = np.linalg.inv(
        np.vstack([apply("resize:50x50,fit=cover,gravity=face", image, found).from_source, [0, 0, 1]])
    )
    left, right = (to_source @ [x, 0, 1] for x in (0, 1))
    assert left[0] == pytest.approx(0.725, abs=0.01)
    assert right[0] == pytest.approx(0.975, abs=0.01)


def test_cover_goes_to_the_middle_where_no_face_was_found() -> None:
    image = scene(400, 100)
    without = apply("resize:50x50,fit=cover,gravity=face", image, Found())
    assert np.array_equal(pixels(without), pixels(apply("resize:50x50,fit=cover", image)))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("resize:40x40,fit=cover,gravity=face", {"largest-face"}),
        ("resize:40x40,fit=cover,gravity=faces", {"faces"}),
        ("resize:40x40,fit=cover,gravity=auto", {"faces", "objects", "saliency"}),
        ("resize:40x40,fit=cover,gravity=north", set()),
        ("resize:40x40,gravity=auto", set()),
        ("crop:40x40,gravity=auto", {"faces", "objects", "saliency"}),
        ("crop:40x40,gravity=face", {"largest-face"}),
        ("crop:40x40", set()),
    ],
)
def test_detectors_are_asked_only_where_they_matter(text: str, kinds: set[str]) -> None:
    assert Step.parse(text).needs == kinds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resize:400x300", 0.1), ("resize:400x", 0.1), ("resize:400x400,fit=cover", 4 / 30),
        ("resize:4000x10,fit=fill", 1),
        ("resize:400x400,fit=contain", 0.1), ("pad:400x400", 0.1), ("pad:ratio=1:1", 1), ("pad:4000x4000", 1),
        ("smart-crop:300x300", 0.1), ("resize:8000x,enlarge", 2),
    ],
)  # fmt: skip
def test_the_detail_that_is_wanted_of_a_large_source(text: str, expected: float) -> None:
    step = Step.parse(text)
    assert step.operation.detail(Size(4000, 3000), FOUND, **step.arguments) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    "text", ["resize:0.5x", "pad:0.5x0.5", "resize:401x,fit=cover", "pad:ratio=2:1", "resize:900x900"]
)
def test_fractions_are_of_the_nominal_size(text: str) -> None:
    nominal, at_hand = Size(1203, 801), Size(301, 201)  # decoded at a quarter
    scale = Scale(at_hand.width / nominal.width, at_hand.height / nominal.height)
    assert apply(text, scene(301, 201), scale=scale).size == projected(text, nominal)


def test_hidden_colour_never_shows() -> None:
    image = plain(64, 64, 0, 255, 0, 0)
    straight = pixels(image).copy()
    straight[:, 20:40] = (0, 0, 255, 255)
    image = type(image)((image.frames[0].with_pixels(straight),))
    for text in (
        "resize:23x23",
        "resize:150x150,enlarge",
        "resize:23x150,fit=fill,enlarge",
        "blur:3",
        "rotate:30",
        "sharpen:3,sigma=4",
    ):
        result = pixels(apply(text, image)).astype(int)
        visible = result[result[:, :, 3] > 8]
        assert len(visible)
        assert visible[:, 1].max() <= 16  # green is only where nothing shows
        assert visible[:, 2].min() >= 239
