"""redeye: red pupils, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from transforms.image import Box, Found, Image, PixelArray, Region

from .steps import apply, frame, picture, pixels

RIGHT, LEFT = (80, 100), (160, 100)
SKIN, DARK, FLASH, WHITE = (130, 160, 215), (40, 50, 60), (45, 40, 205), (235, 238, 240)


def faces(right: tuple[int, int] = RIGHT, left: tuple[int, int] = LEFT, width: int = 240, height: int = 200) -> Found:
    points = tuple((name, x / width, y / height) for name, (x, y) in (("right_eye", right), ("left_eye", left)))
    return Found((Region("face", 0.9, Box(0.15, 0.1, 0.7, 0.85), points, "faces"),))


def portrait(pupil: tuple[int, int, int], places: tuple[tuple[int, int], ...] = (RIGHT, LEFT)) -> PixelArray:
    pixels = np.full((200, 240, 3), SKIN, np.uint8)
    for place in (RIGHT, LEFT):
        cv2.ellipse(pixels, place, (16, 9), 0, 0, 360, WHITE, -1)
        cv2.circle(pixels, place, 8, DARK, -1)
    for place in places:
        cv2.circle(pixels, place, 6, pupil, -1)
        cv2.circle(pixels, (place[0] + 1, place[1] - 2), 1, (255, 255, 255), -1)
    cv2.ellipse(pixels, (120, 170), (30, 8), 0, 0, 360, (70, 60, 190), -1)
    return pixels


def corrected(array: PixelArray, found: Found | None = None) -> PixelArray:
    return pixels(apply("redeye", Image((frame(array.copy()),)), faces() if found is None else found))


@pytest.mark.parametrize("pupil", [FLASH, (20, 20, 140), (90, 80, 250)])
def test_pupils_become_dark_and_the_rest_stays(pupil: tuple[int, int, int]) -> None:
    before = portrait(pupil)
    after = corrected(before)
    for x, y in (RIGHT, LEFT):
        blue, green, red = after[y + 2, x - 2].astype(int)
        assert red <= max(blue, green)
        assert red <= 110
        assert after[y - 2, x + 1].tolist() == [255, 255, 255]
        near = np.hypot(*np.indices((200, 240)) - np.array([y, x])[:, np.newaxis, np.newaxis]) < 10
        before[near] = after[near]
    assert np.array_equal(before, after)


def unaffected() -> Iterator[tuple[str, PixelArray]]:
    yield "dark pupils", portrait(DARK)
    yield "blue eyes", portrait((160, 120, 60))
    yield "brown eyes", portrait((30, 60, 110))
    lit = portrait(DARK).astype(float) * (0.1, 0.1, 1)
    yield "red light", lit.astype(np.uint8)
    rims = portrait(DARK)
    cv2.line(rims, (60, 115), (105, 115), FLASH, 3)
    yield "red rims of glasses", rims


@pytest.mark.parametrize("array", [pytest.param(array, id=name) for name, array in unaffected()])
def test_without_red_pupils_nothing_changes(array: PixelArray) -> None:
    assert np.array_equal(corrected(array), array)


def test_one_eye_alone_and_a_detector_that_is_off() -> None:
    array = portrait(FLASH, (LEFT,))
    after = corrected(array, faces((RIGHT[0] + 10, 100), (LEFT[0] - 8, 108)))
    assert after[102, 158, 2] < 60
    assert np.array_equal(after[:, :120], array[:, :120])


def test_without_faces_or_landmarks_or_colour_nothing_changes() -> None:
    array = portrait(FLASH)
    assert np.array_equal(corrected(array, Found()), array)
    bare = Found((Region("face", 0.9, Box(0.2, 0.2, 0.5, 0.5), (), "faces"),))
    assert np.array_equal(corrected(array, bare), array)
    gray = picture(240, 200, 1)
    assert pixels(apply("redeye", gray, faces())) is pixels(gray)


def test_alpha_stays_and_eyes_may_lie_outside() -> None:
    array = np.dstack([portrait(FLASH), np.arange(200 * 240, dtype=np.uint8).reshape(200, 240)])
    after = corrected(array)
    assert np.array_equal(after[:, :, 3], array[:, :, 3])
    assert np.array_equal(after[:, :, :3], corrected(portrait(FLASH)))
    outside = faces((-80, 100), (300, -50))
    assert np.array_equal(corrected(array, outside), array)
