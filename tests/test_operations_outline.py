"""Outlines: how wide, on which side, and what they leave alone."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from transforms.image import Image, Size
from transforms.resample import shrink

from .steps import apply, frame, picture, pixels, plain, projected


def ring() -> Image:
    """A ring of radius 40 to 60 px on a transparent picture of 160 × 160, its edges smooth."""
    large = np.zeros((1280, 1280, 4), np.uint8)
    cv2.circle(large, (640, 640), 400, (30, 30, 220, 255), 160)
    return Image((frame(shrink(large, Size(160, 160))),))


def amount(image: Image, colour: tuple[int, int, int]) -> float:
    """How many pixels show the colour."""
    array = pixels(image)
    near = np.abs(array[..., :3].astype(int) - colour).max(axis=2) < 60
    return float(array[..., 3][near].sum() / 255)


@pytest.mark.parametrize(
    ("text", "grows"),
    [
        ("outline", 5), ("outline:outer,width=20", 20), ("outline:fill,width=7,blur=100", 10), ("outline:inner", 0),
        ("outline:inner-fill,width=9", 0), ("outline:outer,width=1,blur=2000", 61),
    ],
)  # fmt: skip
def test_the_canvas_grows_by_what_lies_outside(text: str, grows: int) -> None:
    expected = Size(160 + 2 * grows, 160 + 2 * grows)
    assert projected(text, Size(160, 160)) == expected == apply(text, ring()).size


@pytest.mark.parametrize("width", [1, 5, 12])
def test_outer_lines_have_their_width_on_every_outside(width: int) -> None:
    result = apply(f"outline:outer,width={width},color=lime", ring())
    outside, inside = np.pi * ((60 + width) ** 2 - 60**2), np.pi * (40**2 - (40 - width) ** 2)
    assert amount(result, (0, 255, 0)) == pytest.approx(outside + inside, rel=0.2 if width == 1 else 0.06)
    assert amount(result, (30, 30, 220)) == pytest.approx(np.pi * (60**2 - 40**2), rel=0.06)


@pytest.mark.parametrize("width", [2, 5])
def test_inner_lines_take_from_the_picture_and_keep_its_alpha(width: int) -> None:
    image = ring()
    result = apply(f"outline:inner,width={width},color=lime", image)
    assert np.array_equal(pixels(result)[..., 3], pixels(image)[..., 3])
    lines = np.pi * (60**2 - (60 - width) ** 2 + (40 + width) ** 2 - 40**2)
    assert amount(result, (0, 255, 0)) == pytest.approx(lines, rel=0.1)


def test_filling() -> None:
    whole, hole = np.pi * 65**2, np.pi * 40**2
    assert pixels(apply("outline:fill,color=lime", ring()))[..., 3].sum() / 255 == pytest.approx(whole, rel=0.03)
    result = apply("outline:inner-fill,color=lime", ring())
    assert amount(result, (0, 255, 0)) == pytest.approx(hole, rel=0.03)
    assert pixels(result)[80, 80].tolist() == [0, 255, 0, 255]
    assert pixels(result)[80, 5, 3] == 0


@pytest.mark.parametrize(("gap", "filled"), [(6, True), (14, False)])
def test_narrow_gaps_are_bridged(gap: int, filled: bool) -> None:
    array = pixels(ring()).copy()
    array[80 - gap // 2 : 80 + gap // 2, 80:] = 0
    result = pixels(apply("outline:inner-fill,width=5", Image((frame(array),))))
    assert (result[80, 80, 3] == 255) == filled


def test_an_opaque_picture_is_one_rectangle() -> None:
    result = pixels(apply("outline:outer,width=4,color=red", picture(30, 20)))
    assert result[10, 1].tolist() == [0, 0, 255, 255]
    assert np.array_equal(result[4:-4, 4:-4, :3], pixels(picture(30, 20)))
    inner = pixels(apply("outline:inner,width=4,color=red", plain(30, 20, 7, 7, 7)))
    assert inner[3, 15].tolist() == [0, 0, 255]
    assert inner[5, 15].tolist() == [7, 7, 7]
    assert pixels(apply("outline:inner,width=2", plain(30, 20, 90))).shape[2] == 3


@pytest.mark.parametrize("mode", ["outer", "inner"])
def test_width_and_blur_are_monotone(mode: str) -> None:
    def dark(text: str) -> float:
        array = pixels(apply(text, plain(300, 300, 255, 255, 255, 255)))
        return float(((255 - array[..., :3].astype(float)).sum(axis=2) * array[..., 3]).sum())

    widths = [dark(f"outline:{mode},width={width}") for width in (1, 2, 10, 50, 100)]
    assert all(first < second for first, second in pairwise(widths))
    soft = []
    for blur in (0, 100, 500, 2000):
        array = pixels(apply(f"outline:{mode},width=10,blur={blur},color=white", plain(300, 300, 0, 0, 0, 255)))
        shown = array[150, :, 0].astype(int) * array[150, :, 3]
        soft.append(((shown > 0) & (shown < 255 * 255)).sum())
    assert all(first < second for first, second in pairwise(soft))


def test_faint_colours_and_hidden_ones() -> None:
    array = np.zeros((40, 40, 4), np.uint8)
    array[..., 1] = 255
    array[10:30, 10:30] = (50, 50, 50, 255)
    result = pixels(apply("outline:outer,width=3,color=0000ff80", Image((frame(array),))))
    assert result[11, 20].tolist() == [255, 0, 0, 128]
    assert result[23, 23].tolist() == [50, 50, 50, 255]


@pytest.mark.parametrize("width", [8, 40, 100])
def test_wide_lines_have_round_corners(width: int) -> None:
    shape = pixels(apply(f"outline:width={width}", plain(20, 20, 9, 9, 9)))[:, :, 3] / 255
    area = 20 * 20 + 4 * 20 * width + np.pi * width**2
    assert shape.sum() == pytest.approx(area, rel=0.015)
    y, x = np.nonzero(shape > 0.5)
    corner = np.hypot(np.maximum(width - x, 0), np.maximum(width - y, 0))
    assert corner.max() < width + 1.5
