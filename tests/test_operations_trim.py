"""Trimming: what counts as the surroundings, and what never goes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from transforms.image import Image, PixelArray

from .steps import apply, frame, pixels, plain


def card(channels: int = 3, background: int = 200, subject: int = 20) -> PixelArray:
    """A rectangle of 30 × 20 at 12, 7 on a plain picture of 60 × 40."""
    array = np.full((40, 60, channels), background, np.uint8)
    array[7:27, 12:42] = subject
    if channels == 4:
        array[..., 3] = 255
    return array


def image_of(*arrays: PixelArray) -> Image:
    return Image(tuple(frame(array.copy(), 40) for array in arrays))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_surrounds_the_subject_goes(channels: int) -> None:
    result = apply("trim", image_of(card(channels)))
    assert np.array_equal(pixels(result), card(channels)[7:27, 12:42])
    x, y = result.from_source @ [12 / 60, 7 / 40, 1]
    assert abs(x) < 1e-9
    assert abs(y) < 1e-9


def test_noise_of_jpeg_does_not_stop_it() -> None:
    encoded = cv2.imencode(".jpg", card(), [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    noisy = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    noisy[0, ::3] += 9
    result = apply("trim", image_of(noisy))
    assert 30 <= result.size.width <= 34
    assert 20 <= result.size.height <= 24


@pytest.mark.parametrize(("tolerance", "trimmed"), [(0, False), (7, False), (8, True), (60, True)])
def test_tolerance_is_percent_of_the_range(tolerance: int, trimmed: bool) -> None:
    array = card()
    array[0, 5] = 180  # 20 levels, 7.8 %, from its surroundings
    assert (apply(f"trim:{tolerance}", image_of(array)).size.height == 20) == trimmed


def test_tolerance_is_monotone() -> None:
    ramp = np.repeat(np.arange(0, 200, 2, np.uint8)[np.newaxis, :, np.newaxis], 30, axis=0)
    widths = [apply(f"trim:{tolerance},color=black", image_of(ramp)).size.width for tolerance in range(0, 77, 6)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[2] > widths[-1]


@pytest.mark.parametrize("text", ["trim", "trim:0", "trim:100", "trim:10,color=red"])
@pytest.mark.parametrize("colour", [(9,), (0, 0, 255), (1, 2, 3, 255), (0, 0, 0, 0)])
def test_a_picture_of_one_colour_stays(text: str, colour: tuple[int, ...]) -> None:
    image = plain(20, 10, *colour)
    assert apply(text, image) is image


def test_a_colour_may_be_named() -> None:
    array = card()
    array[:, :6] = 255
    assert apply("trim:5,color=white", image_of(array)).size.width == 54
    assert apply("trim:5", image_of(array)).size.width == 42


def test_transparent_edges_go_first_and_alone() -> None:
    array = card(4)
    array[:3], array[..., :3][:3] = 0, 99
    result = pixels(apply("trim", image_of(array)))
    assert result.shape[:2] == (37, 60)
    assert apply("trim:10,color=c8c8c8", image_of(array)).size.width == 30


def test_all_frames_are_cut_around_what_they_show_together() -> None:
    moved = np.roll(card(), 9, axis=1)
    result = apply("trim", image_of(card(), moved, card(subject=200)))
    assert [frame.size for frame in result.frames] == [result.size] * 3
    assert (result.size.width, result.size.height) == (39, 20)
