"""Other colours by a matrix, and one colour for another."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from transforms.effects.replacing import vivid
from transforms.hues import Colour
from transforms.image import Image

from .pictures import gradient, noise, quadrants
from .steps import apply, frame, picture, pixels, plain

SWAP = "recolor:0:0:1:0:1:0:1:0:0"


def image(array: np.ndarray) -> Image:
    return Image((frame(array),))


def hue(pixel: np.ndarray) -> float:
    return float(cv2.cvtColor(pixel.reshape(1, 1, 3), cv2.COLOR_BGR2HSV_FULL)[0, 0, 0]) / 256 * 360


def test_a_matrix_makes_each_colour_of_all_of_them() -> None:
    rows = np.array([[0.3, 0.7, 0.1], [0.3, 0.6, 0.1], [0.2, 0.5, 0.1]])
    text = "recolor:" + ":".join(str(number) for number in rows.ravel())
    before = noise(40, 30)
    rgb = before[:, :, ::-1].astype(float) @ rows.T
    assert np.abs(pixels(apply(text, image(before)))[:, :, ::-1] - rgb.clip(0, 255)).max() <= 0.75


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_unit_matrix_changes_nothing(channels: int) -> None:
    before = picture(20, 10, channels)
    assert apply("recolor:1:0:0:0:1:0:0:0:1", before) is before or pixels(
        apply("recolor:1:0:0:0:1:0:0:0:1", before)
    ) is pixels(before)


def test_nine_numbers_leave_alpha_and_swap_colours() -> None:
    before = noise(9, 7, 4)
    after = pixels(apply(SWAP, image(before)))
    assert (after[:, :, [2, 1, 0, 3]] == before).all()


def test_sixteen_numbers_make_alpha_of_colours_and_add_constants() -> None:
    half_red_as_alpha = "recolor:1:0:0:0:0:1:0:0:0:0:1:0:0.5:0:0:0"
    assert pixels(apply(half_red_as_alpha, plain(3, 2, 10, 20, 200)))[0, 0].tolist() == [10, 20, 200, 100]
    lifted = "recolor:1:0:0:0.2:0:1:0:0:0:0:1:-0.1:0:0:0:1"
    assert pixels(apply(lifted, plain(3, 2, 100, 20, 30)))[0, 0].tolist() == [74, 20, 81]
    assert pixels(apply(lifted, plain(3, 2, 100, 20, 30, 128)))[0, 0].tolist() == [87, 20, 56, 128]


def test_gray_gets_colour_only_from_rows_that_differ() -> None:
    assert pixels(apply("recolor:0.3:0.6:0.1:0.3:0.6:0.1:0.3:0.6:0.1", plain(3, 2, 90))).shape == (2, 3, 1)
    assert pixels(apply("recolor:1:0:0:0.5:0:0:0:0:0", plain(3, 2, 90)))[0, 0].tolist() == [0, 45, 90]


REPLACEMENTS = [
    ((30, 40, 200), "1e90ff"), ((30, 40, 200), "808080"), ((90, 90, 90), "c02020"), ((0, 0, 0), "ffffff"),
    ((255, 255, 255), "000000"), ((200, 80, 20), "ffff00"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "to"), REPLACEMENTS)
@pytest.mark.parametrize("tolerance", [0, 50, 100])
def test_the_colour_itself_becomes_the_other_one(old: tuple[int, int, int], to: str, tolerance: int) -> None:
    text = f"replace-color:{to},tolerance={tolerance},old={old[2]:02x}{old[1]:02x}{old[0]:02x}"
    after = pixels(apply(text, plain(101, 37, *old))).astype(int)
    assert np.abs(after[:, :, ::-1] - [int(to[at : at + 2], 16) for at in (0, 2, 4)]).max() <= 1


@pytest.mark.parametrize("old", [(30, 40, 200), (0, 0, 0), (255, 255, 255), (250, 10, 10), (128, 128, 128)])
def test_at_tolerance_0_nothing_else_changes(old: tuple[int, int, int]) -> None:
    near = [
        np.clip(np.array(old) + step, 0, 255)
        for axis in np.eye(3, dtype=int)
        for step in (axis, -axis)
        if (np.clip(np.array(old) + step, 0, 255) != old).any()
    ]
    before = np.array([near], np.uint8)
    text = f"replace-color:lime,tolerance=0,old={old[2]:02x}{old[1]:02x}{old[0]:02x}"
    assert (pixels(apply(text, image(before))) == before).all()


def test_shadows_and_highlights_take_the_shades_of_the_new_colour() -> None:
    light = np.linspace(0.15, 1, 40)
    shaded = (np.array([20, 30, 210]) * light[np.newaxis, :, np.newaxis]).round().astype(np.uint8)
    after = pixels(apply("replace-color:0040d0,old=d21e14", image(shaded)))[0]
    brightness = cv2.cvtColor(after[np.newaxis], cv2.COLOR_BGR2Lab)[0, :, 0].astype(int)
    assert (np.diff(brightness) >= -1).all()
    assert brightness[-1] - brightness[8] > 40
    assert all(abs(hue(pixel) - 222) < 25 for pixel in after[12:])


def test_more_tolerance_changes_more_and_never_other_hues() -> None:
    before = gradient(120, 90)
    changed = [
        int(
            (pixels(apply(f"replace-color:red,tolerance={tolerance},old=3060d0", image(before))) != before).any(2).sum()
        )
        for tolerance in range(0, 101, 10)
    ]
    assert changed == sorted(changed)
    assert all(more > less for less, more in pairwise(changed[1:]))
    kept = pixels(apply("replace-color:white,old=dc1414", image(quadrants())))[:, 30:]
    assert (kept == quadrants()[:, 30:]).all()


@pytest.mark.parametrize("neutral", [(0, 0, 0), (255, 255, 255), (128, 128, 128)])
def test_neutral_colours_stay_at_the_default(neutral: tuple[int, int, int]) -> None:
    before = plain(5, 4, *neutral)
    assert (pixels(apply("replace-color:lime,old=c83232", before)) == pixels(before)).all()


def test_without_the_old_colour_it_is_the_vivid_one_that_covers_most() -> None:
    before = np.full((60, 80, 3), 200, np.uint8)
    before[10:40, 10:50], before[45:55, 60:70] = (40, 150, 30), (20, 20, 220)
    after = pixels(apply("replace-color:blue", image(before)))
    assert after[20, 20, 0] > 200
    assert (after[50, 65] == before[50, 65]).all()
    assert (after[0, 0] == 200).all()
    found = vivid(before)
    assert found is not None
    assert np.abs(np.array(found.rgb) - (30, 150, 40)).max() <= 3


def test_what_is_clear_has_no_say_and_a_gray_picture_stays() -> None:
    before = np.full((20, 20, 4), (30, 30, 200, 0), np.uint8)
    before[5:9, 5:9] = (30, 180, 30, 255)
    found = vivid(before)
    assert found is not None
    assert found.green > found.red
    for gray in (plain(6, 6, 90), plain(6, 6, 90, 90, 90)):
        assert apply("replace-color:red", gray) is gray


def test_an_animation_is_measured_once() -> None:
    first, second = np.full((8, 8, 3), (30, 30, 200), np.uint8), np.full((8, 8, 3), (200, 60, 30), np.uint8)
    after = apply("replace-color:lime", Image((frame(first), frame(second))))
    assert after.frames[0].pixels[0, 0].tolist() == [0, 255, 0]
    assert (after.frames[1].pixels == second).all()


def test_alpha_passes_and_that_of_the_new_colour_weakens_it() -> None:
    before = noise(20, 15, 4)
    assert (
        pixels(apply("replace-color:red,tolerance=100,old=808080", image(before)))[:, :, 3] == before[:, :, 3]
    ).all()
    after = pixels(apply("replace-color:transparent,old=d21e14", plain(4, 3, 20, 30, 210)))
    assert after[0, 0].tolist() == [20, 30, 210, 0]
    assert pixels(apply("replace-color:00f8,old=d21e14", plain(4, 3, 20, 30, 210, 100)))[0, 0, 3] == 53


def test_swatches_are_plain_colours() -> None:
    assert vivid(np.full((3, 3, 3), (10, 20, 220), np.uint8)) == Colour(220, 20, 10)
