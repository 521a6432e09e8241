"""Corners, arcs and slants: where pixels land, how large the result is, and what its edges look like."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from transforms.effects.warping import projective
from transforms.failure import Failure
from transforms.image import Image, Size
from transforms.pipeline import Step

from .steps import apply, coordinates, frame, picture, pixels, plain, projected

NEARLY = np.array([[0, 0, 0], [0, 0, 0], [1e-7, 0, 0]])  # parallel no more, but not to be seen


def seen(text: str, image: Image) -> tuple[Image, NDArray[np.float64]]:
    result = apply(text, image)
    assert result.size == projected(text, image.size)
    return result, pixels(result).astype(float)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "text", ["distort:0:0:40:0:40:30:0:30", "distort:0.0:0.0:1.0:0.0:1.0:1.0:0.0:1.0", "shear:0,0", "arc:0"]
)
def test_what_moves_nothing_gives_the_very_same_pixels(text: str, channels: int) -> None:
    image = picture(40, 30, channels)
    assert np.array_equal(pixels(apply(text, image)), pixels(image))


def test_only_the_shape_of_the_corners_counts() -> None:
    image = picture(40, 30)
    assert np.array_equal(pixels(apply("distort:-7:90:33:90:33:120:-7:120", image)), pixels(image))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("distort:10:5:60:0:64:48:0:40", (64, 48)), ("distort:-10:-20:30:0:20:40:0:10", (40, 60)),
        ("distort:0:0:100:0:100:100:0:100", (100, 100)), ("distort:0.5:0:1.0:0.5:0.5:1.0:0.0:0.5", (40, 30)),
        ("shear:45", (70, 30)), ("shear:-45", (70, 30)), ("shear:0,45", (40, 70)), ("arc:180", (56, 28)),
        ("arc:360", (43, 43)),
    ],
)  # fmt: skip
def test_sizes(text: str, size: tuple[int, int]) -> None:
    assert projected(text, Size(40, 30)) == Size(*size) == apply(text, picture(40, 30)).size


def test_mirrored_and_turned_corners_move_pixels_as_they_are() -> None:
    image = coordinates(64)
    mirrored = pixels(apply("distort:64:0:0:0:0:64:64:64", image)).astype(int)
    assert np.abs(mirrored - pixels(image)[:, ::-1]).max() <= 1
    turned = pixels(apply("distort:64:0:64:64:0:64:0:0", image)).astype(int)
    assert np.abs(turned - np.rot90(pixels(image), -1)).max() <= 1


def test_perspective_keeps_straight_lines_and_crosses_its_diagonals_in_the_middle() -> None:
    _, pixel = seen("distort:100:0:156:0:256:200:0:200", coordinates(256))
    # The diagonals of the corners, (100,0)-(256,200) and (156,0)-(0,200), meet at (128, 35.9).
    assert np.abs(pixel[35, 127, :2] - 127.5).max() < 3
    assert pixel[150, 30, 3] == pixel[150, 225, 3] == 255
    assert pixel[0, 0, 3] == pixel[0, 255, 3] == 0


@pytest.mark.parametrize(
    "corners",
    [
        "1:2:3:4:5:6:7:8", "0:0:9:0:0:9:9:9", "0:0:0:0:9:9:0:9", "0:0:100:0:100:100:90:10", "0:0:0:0:0:0:0:0",
        "0:0:5:0:9:0:0:9",
    ],
)  # fmt: skip
def test_corners_that_show_no_picture_are_refused_with_a_hint(corners: str) -> None:
    step = Step.parse(f"distort:{corners}")
    with pytest.raises(Failure, match="convex") as caught:
        step.operation.size(Size(40, 30), **step.arguments)
    assert caught.value.code == "bad-argument"
    assert caught.value.hint


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    _, pixel = seen("distort:0:0:50:1:50:33:0:32", Image((frame(stripes),)))
    inside = pixel[4:-4, 4:-4]
    assert np.abs(inside[..., 0] - 127.5).max() < 12


@pytest.mark.parametrize("text", ["shear:30,10", "arc:70", "distort:20:10:200:0:180:150:0:120"])
def test_edges_are_smooth_and_hidden_colours_stay_hidden(text: str) -> None:
    _, pixel = seen(text, plain(200, 120, 90, 60, 30))
    shown = pixel[..., 3] > 0
    assert set(np.unique(pixel[shown][:, :3])) <= {89.0, 90.0, 59.0, 60.0, 61.0, 30.0, 29.0, 31.0, 91.0}
    assert ((pixel[..., 3] > 0) & (pixel[..., 3] < 255)).sum() > 50
    half = np.full((120, 200, 4), (0, 255, 0, 0), np.uint8)
    half[:, :100] = (90, 60, 30, 255)
    _, pixel = seen(text, Image((frame(half),)))
    assert pixel[pixel[..., 3] > 100][:, 1].max() <= 70  # cubic weights overshoot by 7 % of what shows


@pytest.mark.parametrize(("text", "share"), [("shear:35", 1.0), ("shear:20,30", 1.0)])
def test_shearing_keeps_areas(text: str, share: float) -> None:
    _, pixel = seen(text, plain(200, 120, 90))
    assert abs(pixel[..., 3].sum() / 255 / (200 * 120) - share) < 0.01


def test_shearing_moves_the_top_to_the_right_and_the_right_side_down() -> None:
    _, pixel = seen("shear:30", plain(100, 100, 90))
    assert pixel[0, -2, 3] > 0
    assert pixel[0, 0, 3] == pixel[-1, -1, 3] == 0
    _, pixel = seen("shear:0,30", plain(100, 100, 90))
    assert pixel[-2, -1, 3] > 0
    assert pixel[0, -1, 3] == pixel[-1, 0, 3] == 0


@pytest.mark.parametrize("degrees", [60, -60, 0.5, 0.000001])
def test_the_middle_line_of_an_arc_keeps_its_length(degrees: float) -> None:
    image = coordinates(256)
    result, pixel = seen(f"arc:{degrees:f}", image)
    column = pixel[:, result.size.width // 2, :3]
    middle = column[np.abs(column[:, 1] - 128).argmin()]
    assert abs(middle[0] - 128) < 3
    radius = 256 / np.radians(abs(degrees))
    area = pixel[..., 3].sum() / 255 if pixel.shape[2] == 4 else pixel[..., 0].size
    assert abs(area / (np.radians(abs(degrees)) * radius * 256) - 1) < 0.01


def test_positive_arcs_stretch_the_top() -> None:
    _, pixel = seen("arc:60", coordinates(256))
    assert pixel[1, pixel.shape[1] // 2, 1] < 3
    assert pixel[-2, 0, 3] == 0
    _, pixel = seen("arc:-60", coordinates(256))
    assert pixel[-2, pixel.shape[1] // 2, 1] > 252


def test_a_full_circle_is_closed() -> None:
    _, pixel = seen("arc:360", plain(400, 60, 90))
    middle = pixel.shape[1] // 2
    assert pixel[-30, middle - 3 : middle + 3, 3].min() == 255


@pytest.mark.parametrize("text", ["distort:30:0:226:0:256:200:0:200", "shear:30,20", "arc:40"])
def test_points_of_the_source_are_known_in_the_result(text: str) -> None:
    """Exactly for a shear, nearly for the others: the middle of the source lies where its pixel is."""
    result, pixel = seen(text, coordinates(256))
    x, y = result.from_source @ [0.5, 0.6, 1]
    found = pixel[int(y * result.size.height), int(x * result.size.width)]
    assert abs(found[0] - 128) < (3 if text.startswith("shear") else 40)
    assert abs(found[1] - 153) < (3 if text.startswith("shear") else 40)


def test_parallel_corners_go_the_short_way_to_the_same_places() -> None:
    matrix = np.array([[1.2, -0.3, 7], [0.25, 0.8, -4], [0, 0, 1]])
    x, y = np.meshgrid(np.arange(0.5, 300), np.arange(0.5, 200))
    places = [projective(one)(x.astype(np.float32), y.astype(np.float32)) for one in (matrix, matrix + NEARLY)]
    for straight, bent in zip(*places, strict=True):
        assert np.abs(straight - bent).max() < 0.1
