"""brightness-hsb, contrast, gamma, red, green, blue, and opacity-threshold: what their tables say."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from transforms.effects.tones import LEVELS, about_middle, power, sigmoid, then
from transforms.image import Image, PixelArray

from .steps import apply, frame, picture, pixels, plain


def ramp(channels: int = 3) -> Image:
    levels = np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis]
    return Image((frame(np.repeat(levels, channels, axis=2)),))


def opaque(image: Image) -> PixelArray:
    return pixels(image)[:, :, :3]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "text", ["brightness-hsb:0", "contrast", "contrast:0,curve=sigmoidal", "gamma", "red", "green", "blue"]
)
def test_nought_is_the_very_same_picture(text: str, channels: int) -> None:
    image = picture(30, 20, channels)
    assert apply(text, image).frames[0] is image.frames[0]


@pytest.mark.parametrize("text", ["brightness-hsb:60", "contrast:60", "contrast:-60,curve=sigmoidal", "gamma:100",
                                  "red:50", "green:-50", "blue:100"])  # fmt: skip
def test_alpha_stays(text: str) -> None:
    image = picture(40, 30, 4)
    result = pixels(apply(text, image))
    assert np.array_equal(result[:, :, 3], pixels(image)[:, :, 3])
    bgr = Image((frame(np.ascontiguousarray(pixels(image)[:, :, :3])),))
    assert np.array_equal(result[:, :, :3], pixels(apply(text, bgr)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contrast:-100", {0: 128, 100: 128, 255: 128}),
        ("contrast:100", {0: 0, 50: 0, 100: 72, 127: 126, 128: 128, 200: 255}),  # 127.5 + 2 (v - 127.5)
        ("contrast:-50", {0: 64, 255: 191, 100: 114}),
        ("contrast:100,curve=sigmoidal", {0: 0, 64: 18, 128: 129, 191: 237, 255: 255}),  # ImageMagick 10x50%
        ("contrast:-100,curve=sigmoidal", {0: 0, 18: 64, 237: 191, 255: 255}),
        ("gamma:-50", {0: 0, 128: 64, 255: 255}),  # squares
        ("gamma:100", {0: 0, 64: 128, 255: 255}),  # roots
        ("gamma:150", {0: 0, 255: 255, 26: 102}),
        ("brightness-hsb:-99", {0: 0, 255: 3}),
        ("brightness-hsb:50", {0: 0, 100: 150, 200: 255}),
        ("brightness-hsb", {100: 180}),
        ("brightness:80", {100: 180, 200: 255}),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_what_becomes_of_levels_of_gray(text: str, expected: dict[int, int], channels: int) -> None:
    result = pixels(apply(text, ramp(channels)))
    assert result.shape == (1, 256, channels)
    assert {level: int(result[0, level, 0]) for level in expected} == expected
    assert (result == result[:, :, :1]).all()


def test_brightness_alone_is_as_cloudinary_has_it() -> None:
    assert np.array_equal(pixels(apply("brightness", ramp())), pixels(apply("brightness:80", ramp())))


@pytest.mark.parametrize("text", ["contrast:{}", "contrast:{},curve=sigmoidal", "gamma:{}", "brightness-hsb:{}"])
def test_every_part_of_the_range_tells_apart(text: str) -> None:
    least, most = {"gamma:{}": (-50, 150), "brightness-hsb:{}": (-99, 100)}.get(text, (-100, 100))
    dark = [float(pixels(apply(text.format(amount), ramp())).astype(int)[0, 40:90].mean())
            for amount in range(least, most + 1, 10)]  # fmt: skip
    steps = np.diff(dark) * (-1 if text.startswith("contrast") else 1)
    assert (steps > 0.3).all()


def test_negative_sigmoids_undo_positive_ones() -> None:
    assert np.allclose(then(sigmoid(7), sigmoid(-7)), LEVELS, atol=0.6)  # between levels it is interpolated
    assert np.allclose(sigmoid(0), LEVELS)
    assert np.allclose(sigmoid(1e-5), LEVELS, atol=0.001)


def test_curves_one_after_the_other_are_not_rounded_in_between() -> None:
    dark, back = power(0.5), power(2.0)
    exact = then(dark, back)
    rounded = back[np.rint(dark).astype(int)]
    assert np.abs(exact - LEVELS)[20:].max() < 0.3 < 1 < np.abs(rounded - LEVELS)[20:].max()
    assert np.allclose(then(about_middle(0.5), about_middle(2)), LEVELS, atol=0.4)


@pytest.mark.parametrize("amount", [-99, -50, -10, 10, 80, 100])
def test_brightness_in_hsb_keeps_hue_and_saturation(amount: int) -> None:
    image = picture(20, 20)
    before, after = opaque(image).reshape(-1, 3) / 255, opaque(apply(f"brightness-hsb:{amount}", image)).reshape(-1, 3)
    for old, new in zip(before, after, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*old[::-1])
        wanted = colorsys.hsv_to_rgb(hue, saturation, min(1.0, value * (1 + amount / 100)))
        assert np.abs(np.array(wanted[::-1]) * 255 - new).max() <= 0.51


@pytest.mark.parametrize(("name", "index"), [("blue", 0), ("green", 1), ("red", 2)])
def test_the_level_of_one_colour(name: str, index: int) -> None:
    others = [other for other in range(3) if other != index]
    for amount, level in [(-100, 0), (-50, 50), (40, 140), (100, 200)]:
        result = pixels(apply(f"{name}:{amount}", plain(3, 2, 100, 100, 100)))[0, 0]
        assert result[index] == level
        assert (result[others] == 100).all()


def test_gray_gets_a_colour_by_the_level_of_one() -> None:
    assert pixels(apply("red:50", plain(3, 2, 100)))[0, 0].tolist() == [100, 100, 150]
    assert pixels(apply("blue:-100", plain(3, 2, 100)))[0, 0].tolist() == [0, 100, 100]


def test_all_three_levels_are_brightness() -> None:
    image = picture(30, 20)
    result = image
    for name in ("red", "green", "blue"):
        result = apply(f"{name}:30", result)
    assert np.abs(pixels(result).astype(int) - pixels(apply("brightness:30", image))).max() <= 1


@pytest.mark.parametrize(("level", "least"), [(1, 3), (50, 128), (100, 255)])
def test_opacity_is_all_or_nothing(level: int, least: int) -> None:
    image = ramp(4)
    result = pixels(apply(f"opacity-threshold:{level}", image))
    assert np.array_equal(result[0, :, 3], np.where(np.arange(256) >= least, 255, 0))
    assert np.array_equal(result[:, :, :3], pixels(image)[:, :, :3])


@pytest.mark.parametrize("channels", [1, 3])
def test_without_alpha_there_is_no_threshold(channels: int) -> None:
    image = picture(9, 7, channels)
    assert apply("opacity-threshold", image).frames[0] is image.frames[0]
