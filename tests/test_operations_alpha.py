"""background and opacity."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.image import PixelArray

from .steps import apply, picture, pixels, plain

RED = np.array([0, 0, 255], float)  # BGR


def in_bgra(given: PixelArray) -> np.ndarray:
    """Floats, with full alpha where there was none."""
    if given.shape[2] == 4:
        return given.astype(float)
    colours = np.broadcast_to(given, (*given.shape[:2], 3)).astype(float)
    return np.dstack([colours, np.full(given.shape[:2], 255.0)])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("color", ["red", "ff000080", "transparent"])
def test_a_background_is_nothing_to_a_picture_without_alpha(channels: int, color: str) -> None:
    image = picture(30, 20, channels)
    assert np.array_equal(pixels(apply(f"background:{color}", image)), pixels(image))


def test_a_transparent_background_is_nothing() -> None:
    image = picture(30, 20, 4)
    assert np.array_equal(pixels(apply("background:transparent", image)), pixels(image))


@pytest.mark.parametrize("height", [20, 64, 300])  # in one band, in exactly one, in several
def test_an_opaque_background_leaves_no_alpha(height: int) -> None:
    image = picture(30, height, 4)
    result = pixels(apply("background:red", image))
    share = pixels(image)[:, :, 3:] / 255
    assert result.shape == (height, 30, 3)
    assert np.abs(result - (pixels(image)[:, :, :3] * share + RED * (1 - share))).max() <= 0.51


@pytest.mark.parametrize("height", [20, 64, 300])
def test_a_translucent_background_is_laid_below(height: int) -> None:
    image = picture(30, height, 4)
    result = pixels(apply("background:ff000080", image))
    above = pixels(image)[:, :, 3:] / 255
    below = (1 - above) * 128 / 255
    assert result.shape == (height, 30, 4)
    assert np.abs(result[:, :, 3:] - (above + below) * 255).max() <= 0.51
    expected = (pixels(image)[:, :, :3] * above + RED * below) / (above + below)
    assert np.abs(result[:, :, :3] - expected).max() <= 0.51


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((10, 20, 30, 255), [10, 20, 30, 255]), ((10, 20, 30, 0), [0, 0, 255, 128])],
)
def test_what_is_opaque_hides_it_and_what_is_transparent_shows_it(colour: tuple[int, ...], expected: list[int]) -> None:
    assert pixels(apply("background:ff000080", plain(4, 3, *colour)))[1, 1].tolist() == expected


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("amount", [0, 33, 50, 100])
def test_opacity_scales_alpha_and_nothing_else(channels: int, amount: int) -> None:
    image = picture(60, 300, channels)
    before = pixels(image).copy()
    result = pixels(apply(f"opacity:{amount}", image))
    assert result.shape[2] == (channels if amount == 100 else 4)
    expected = in_bgra(before)
    assert np.array_equal(in_bgra(result)[:, :, :3], expected[:, :, :3])
    assert np.abs(in_bgra(result)[:, :, 3] - expected[:, :, 3] * amount / 100).max() <= 0.5
    assert np.array_equal(pixels(image), before)
