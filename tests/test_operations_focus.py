"""blur and sharpen, and the colours next to them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from transforms.image import Image

from .steps import apply, frame, picture, pixels, plain, scene


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1, 3, 4, 7, 20, 60, 250])
def test_a_blur_is_a_gaussian_of_that_width(sigma: float) -> None:
    image = scene(320, 240)
    floats = pixels(image).astype(np.float32)
    exact = cv2.GaussianBlur(floats, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    off = np.abs(pixels(apply(f"blur:{sigma}", image)) - exact)
    assert off.max() <= 3.5
    assert off.mean() <= 0.6


def test_a_blur_keeps_the_mean_and_the_flat() -> None:
    image = scene(200, 150)
    assert pixels(apply("blur:30", image)).mean() == pytest.approx(pixels(image).mean(), abs=1)
    assert (pixels(apply("blur:30", plain(50, 40, 7, 70, 170))) == (7, 70, 170)).all()


def test_a_blur_spreads_evenly() -> None:
    white = np.zeros((81, 81, 1), np.uint8)
    white[30:51, 30:51] = 255
    soft = pixels(apply("blur:12", Image((frame(white),))))[:, :, 0].astype(int)
    for other in (soft[::-1], soft[:, ::-1], soft.T):
        assert np.abs(soft - other).max() <= 2


def test_sharpening_raises_contrast_at_edges_only() -> None:
    step = np.full((20, 40, 3), 100, np.uint8)
    step[:, 20:] = 150
    sharp = pixels(apply("sharpen:1", Image((frame(step),)))).astype(int)
    assert sharp[10, 19, 0] < 90
    assert sharp[10, 20, 0] > 160
    assert (sharp[:, :12] == 100).all()
    assert (sharp[:, 28:] == 150).all()
    assert np.array_equal(pixels(apply("sharpen:0", Image((frame(step.copy()),)))), step)


@pytest.mark.parametrize("sigma", [2, 6, 20])
def test_sharpening_adds_the_difference_to_a_gaussian(sigma: float) -> None:
    image = scene(320, 240)
    floats = pixels(image).astype(np.float32)
    soft = cv2.GaussianBlur(floats, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    off = np.abs(pixels(apply(f"sharpen:1,sigma={sigma}", image)) - (2 * floats - soft).clip(0, 255))
    assert off.max() <= 3.5
    assert off.mean() <= 0.6


def test_sharpening_leaves_transparency() -> None:
    image = picture(30, 20, 4)
    assert np.array_equal(pixels(apply("sharpen:3", image))[:, :, 3], pixels(image)[:, :, 3])


# Colours


@pytest.mark.parametrize(("colour", "gray"), [((0, 0, 255), 76), ((0, 255, 0), 150), ((255, 0, 0), 29), ((9, 9, 9), 9)])
def test_grayscale_is_luma(colour: tuple[int, ...], gray: int) -> None:
    assert pixels(apply("grayscale", plain(3, 2, *colour))).tolist() == [[[gray]] * 3] * 2
    assert pixels(apply("grayscale", plain(1, 1, *colour, 40))).tolist() == [[[gray, gray, gray, 40]]]
    assert pixels(apply("grayscale", plain(1, 1, 77))).tolist() == [[[77]]]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, [10, 101, 200]), (50, [15, 152, 255]), (-50, [5, 51, 100]), (-100, [0, 0, 0]), (100, [20, 202, 255])],
)
def test_brightness_multiplies(amount: int, expected: list[int]) -> None:
    assert pixels(apply(f"brightness:{amount}", plain(1, 1, 10, 101, 200))).tolist() == [[expected]]
    assert pixels(apply(f"brightness:{amount}", plain(1, 1, 10, 101, 200, 33))).tolist() == [[[*expected, 33]]]
    assert pixels(apply(f"brightness:{amount}", plain(1, 1, 101))).tolist() == [[[expected[1]]]]
