"""saturation, hue and vibrance."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from transforms.image import Image

from .steps import apply, frame, picture, pixels, plain

LUMA = np.array([0.114, 0.587, 0.299])
SKIN = (140, 170, 220)  # BGR
SKY = (220, 170, 140)


def chroma(image: Image) -> int:
    colours = pixels(image)[0, 0, :3].astype(int)
    return int(colours.max() - colours.min())


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", ["saturation", "hue", "vibrance"])
def test_nought_is_the_very_same_picture(name: str, channels: int) -> None:
    image = picture(30, 20, channels)
    assert apply(f"{name}:0", image).frames[0] is image.frames[0]


@pytest.mark.parametrize("amount", [-100, 30, 100])
@pytest.mark.parametrize("name", ["saturation", "hue", "vibrance"])
def test_gray_has_no_colour_to_change(name: str, amount: int) -> None:
    image = picture(30, 20, 1)
    assert apply(f"{name}:{amount}", image).frames[0] is image.frames[0]
    gray = Image((frame(np.repeat(pixels(image), 3, axis=2)),))
    assert np.array_equal(pixels(apply(f"{name}:{amount}", gray)), pixels(gray))


@pytest.mark.parametrize("name", ["saturation", "hue", "vibrance"])
def test_alpha_stays(name: str) -> None:
    image = picture(40, 200, 4)
    result = pixels(apply(name, image))
    assert np.array_equal(result[:, :, 3], pixels(image)[:, :, 3])
    bgr = Image((frame(np.ascontiguousarray(pixels(image)[:, :, :3])),))
    assert np.array_equal(result[:, :, :3], pixels(apply(name, bgr)))


def test_no_saturation_is_grayscale() -> None:
    image = picture(50, 40)
    gray = pixels(apply("grayscale", image)).astype(int)
    assert np.abs(pixels(apply("saturation:-100", image)) - gray).max() <= 1


@pytest.mark.parametrize("amount", [-60, 40, 100])
def test_saturation_multiplies_the_distance_to_gray(amount: int) -> None:
    image = picture(50, 40)
    colours = pixels(image).astype(float)
    gray = (colours @ LUMA)[:, :, np.newaxis]
    expected = (gray + (1 + amount / 100) * (colours - gray)).clip(0, 255)
    assert np.abs(pixels(apply(f"saturation:{amount}", image)) - expected).max() <= 0.8  # OpenCV's is fixed-point


@pytest.mark.parametrize("amount", [-100, -33, 1, 80, 100])
def test_hue_turns_and_nothing_else(amount: int) -> None:
    image = picture(20, 150)  # in several bands
    after = pixels(apply(f"hue:{amount}", image)).reshape(-1, 3)
    for old, new in zip(pixels(image).reshape(-1, 3) / 255, after, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*old[::-1])
        wanted = colorsys.hsv_to_rgb((hue + amount / 200) % 1, saturation, value)
        assert np.abs(np.array(wanted[::-1]) * 255 - new).max() <= 0.6


def test_half_a_turn_either_way_is_the_same_and_twice_is_none() -> None:
    image = picture(50, 40)
    there = apply("hue:100", image)
    assert np.array_equal(pixels(there), pixels(apply("hue:-100", image)))
    assert np.abs(pixels(apply("hue:100", there)).astype(int) - pixels(image)).max() <= 1
    assert pixels(apply("hue:100", plain(3, 3, 0, 0, 255)))[0, 0].tolist() == [255, 255, 0]  # red is cyan


def test_vibrance_is_for_what_is_dull() -> None:
    dull, vivid = plain(3, 3, 130, 120, 100), plain(3, 3, 255, 60, 0)
    assert chroma(apply("vibrance:100", dull)) > 1.6 * chroma(dull)
    assert chroma(apply("vibrance:100", vivid)) < 1.15 * chroma(vivid)
    assert chroma(apply("vibrance:-100", dull)) < 0.4 * chroma(dull)


@pytest.mark.parametrize("amount", [-80, 40, 100])
def test_vibrance_spares_skin(amount: int) -> None:
    skin, sky = (chroma(apply(f"vibrance:{amount}", plain(3, 3, *colour))) - 80 for colour in (SKIN, SKY))
    assert 0 < abs(skin) < 0.65 * abs(sky)


def test_vibrance_keeps_luma_and_the_order_of_chroma() -> None:
    image = picture(50, 300)
    before = pixels(image).astype(float)
    middle = (np.abs(before - 128) < 60).all(axis=2)  # far from where a colour is full
    for amount in (-100, 20, 100):
        after = pixels(apply(f"vibrance:{amount}", image)).astype(float)
        assert np.abs((after - before) @ LUMA)[middle].max() <= 1.5
    chromas = [chroma(apply("vibrance:100", plain(2, 2, 60 + c, 60 + c // 2, 60))) for c in range(0, 190, 10)]
    assert (np.diff(chromas) >= -1).all()  # rounded, and with one colour nearly full


@pytest.mark.parametrize("name", ["saturation", "vibrance"])
def test_every_part_of_the_range_tells_apart(name: str) -> None:
    chromas = [chroma(apply(f"{name}:{amount}", plain(2, 2, 150, 130, 90))) for amount in range(-100, 101, 10)]
    assert (np.diff(chromas) > 0).all()
