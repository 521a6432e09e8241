"""Colour blindness: simulated, and helped."""

from __future__ import annotations

from typing import get_args

import cv2
import numpy as np
import pytest

from transforms.effects.tables import in_linear_light
from transforms.image import Image, PixelArray
from transforms.operations.vision import Condition

from .pictures import noise
from .steps import apply, frame, picture, pixels, plain

CONDITIONS = get_args(Condition)
RED, GREEN = (40, 50, 190), (40, 130, 60)  # BGR; as light as each other for somebody without green cones


def image(array: PixelArray) -> Image:
    return Image((frame(array),))


def apart(one: PixelArray, other: PixelArray) -> float:
    """The CIELAB distance of the mean colours."""
    lab = [
        cv2.cvtColor(array[:, :, :3].astype(np.float32) / 255, cv2.COLOR_BGR2Lab).mean((0, 1)) for array in (one, other)
    ]
    return float(np.linalg.norm(lab[0] - lab[1]))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_grays_look_as_they_are(condition: str) -> None:
    grays = np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis].repeat(3, 2)
    after = pixels(apply(f"simulate-colorblind:{condition}", image(grays)))
    assert np.abs(after.astype(int) - grays).max() <= 1
    gray = picture(9, 5, 1)
    assert pixels(apply(f"simulate-colorblind:{condition}", gray)) is pixels(gray)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_alpha_passes(condition: str) -> None:
    before = noise(channels=4)
    assert (pixels(apply(f"simulate-colorblind:{condition}", image(before)))[:, :, 3] == before[:, :, 3]).all()


def test_linear_light_is_exact_to_half_a_level() -> None:
    before = noise(60, 50)
    matrix = np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    )
    levels = before[:, :, ::-1] / 255.0
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4) @ matrix.T
    light = light.clip(0, 1)
    exact = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(in_linear_light(before, matrix)[:, :, ::-1] - exact).max() <= 0.6
    assert (in_linear_light(before, np.eye(3)) == before).all()


@pytest.mark.parametrize(
    ("condition", "red_green", "blue_yellow"),
    [("deuteranopia", 0.35, 0.9), ("protanopia", 0.5, 0.9), ("deuteranomaly", 0.6, 0.9), ("protanomaly", 0.7, 0.9)],
)
def test_red_and_green_come_closer_and_blue_and_yellow_stay(
    condition: str, red_green: float, blue_yellow: float
) -> None:
    def kept(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
        seen = [pixels(apply(f"simulate-colorblind:{condition}", plain(2, 2, *colour))) for colour in (one, other)]
        return apart(*seen) / apart(pixels(plain(2, 2, *one)), pixels(plain(2, 2, *other)))

    assert kept(RED, GREEN) < red_green
    assert kept((220, 60, 30), (30, 220, 240)) > blue_yellow * 0.8


def test_tritanopia_takes_blue_from_green() -> None:
    blue, green = plain(2, 2, 200, 120, 30), plain(2, 2, 90, 130, 30)
    seen = [pixels(apply("simulate-colorblind:tritanopia", one)) for one in (blue, green)]
    assert apart(*seen) < 0.45 * apart(pixels(blue), pixels(green))


def test_anomalies_are_milder_than_what_is_missing() -> None:
    before = noise()
    for missing, displaced in (
        ("deuteranopia", "deuteranomaly"),
        ("protanopia", "protanomaly"),
        ("tritanopia", "tritanomaly"),
    ):
        changes = [
            np.abs(pixels(apply(f"simulate-colorblind:{condition}", image(before))).astype(int) - before).mean()
            for condition in (displaced, missing)
        ]
        assert 0 < changes[0] < changes[1]


def test_monochromats_see_gray_and_at_night_red_is_nearly_black() -> None:
    red = plain(2, 2, 0, 0, 255)
    by_day, at_night = (pixels(apply(f"simulate-colorblind:{kind}-monochromacy", red)) for kind in ("cone", "rod"))
    assert by_day.shape == at_night.shape == (2, 2, 1)
    assert by_day.max() == 127  # 21.26 % of the light
    assert at_night.max() == 0


def striped(strength: int, array: PixelArray) -> PixelArray:
    return pixels(apply(f"assist-colorblind:{strength}", image(array)))


def test_stripes_are_on_red_only_and_grow_with_strength() -> None:
    before = np.full((60, 90, 3), RED, np.uint8)
    before[:, 30:60], before[:, 60:] = GREEN, (200, 60, 30)
    contrasts = []
    for strength in (1, 10, 30, 60, 100):
        after = striped(strength, before)
        assert (after[:, 30:] == before[:, 30:]).all()
        contrasts.append(float(after[:, :30, 1].std()))
    assert contrasts == sorted(contrasts)
    assert contrasts[0] > 8
    assert set(np.unique(striped(100, before)[10:20, 5:25])) >= {0, 255}


@pytest.mark.parametrize("skin", [(126, 158, 208), (160, 190, 230), (70, 95, 140)])  # BGR
def test_skin_keeps_free_of_stripes(skin: tuple[int, int, int]) -> None:
    before = np.full((30, 30, 3), skin, np.uint8)
    assert (striped(100, before) == before).all()


def test_stripes_keep_their_share_of_the_picture() -> None:
    def changes(side: int) -> int:
        line = striped(100, np.full((side, side, 3), (0, 0, 255), np.uint8))[side // 2, :, 0] > 127
        return int((line[1:] != line[:-1]).sum())

    assert abs(changes(1200) - changes(600)) <= 1
    assert changes(1200) == pytest.approx(120, abs=2)


def test_xray_moves_apart_what_is_confused() -> None:
    def seen(colour: tuple[int, int, int], first: str) -> PixelArray:
        picture = plain(2, 2, *colour)
        return pixels(apply("simulate-colorblind", apply(first, picture) if first else picture))

    assert apart(seen(RED, "assist-colorblind:xray"), seen(GREEN, "assist-colorblind:xray")) > 1.5 * apart(
        seen(RED, ""), seen(GREEN, "")
    )
    grays = np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis].repeat(3, 2)
    assert np.abs(pixels(apply("assist-colorblind:xray", image(grays))).astype(int) - grays).max() <= 1


@pytest.mark.parametrize("text", ["assist-colorblind", "assist-colorblind:xray"])
def test_help_leaves_gray_and_alpha(text: str) -> None:
    before = noise(channels=4)
    assert (pixels(apply(text, image(before)))[:, :, 3] == before[:, :, 3]).all()
    gray = picture(9, 5, 1)
    assert pixels(apply(text, gray)) is pixels(gray)
