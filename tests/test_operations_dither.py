"""ordered-dither: maps by their definition, and what becomes of light."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.effects.thresholds import NAMES, threshold_map
from transforms.image import Image
from transforms.pipeline import Step

from .steps import apply, frame, picture, pixels, plain

SIDES = [1, 2, 2, 3, 4, 8, 4, 6, 8, 4, 6, 8, 16, 5, 5, 6, 6, 7, 7]


@pytest.mark.parametrize(("name", "side"), list(zip(NAMES, SIDES, strict=True)))
def test_a_grey_gives_as_much_white_as_it_is_bright(name: str, side: int) -> None:
    assert threshold_map(name).shape == (side, side)
    steps = len(np.unique(threshold_map(name)))
    for level in range(0, 256, 5):
        white = (pixels(apply(f"ordered-dither:{name}", plain(side * 6, side * 6, level))) == 255).mean()
        assert abs(white - level / 255) <= 0.5 if steps == 1 else abs(white - level / 255) <= 1 / (steps + 1) + 1e-9
        assert level not in (0, 255) or white == level / 255


@pytest.mark.parametrize("number", range(19))
def test_numbers_are_names(number: int) -> None:
    assert str(Step.parse(f"ordered-dither:{number}")) == str(Step.parse(f"ordered-dither:{NAMES[number]}"))


def test_the_maps_of_bayer() -> None:
    """Ulichney 1987, figure 5.2: every rank once, and the first half of them on a chequerboard."""
    ranks = np.argsort(np.argsort(threshold_map("ordered-8").ravel(), kind="stable"), kind="stable").reshape(8, 8)
    y, x = np.mgrid[0:8, 0:8]
    assert set((x + y)[ranks < 32] % 2) == {0}
    assert threshold_map("ordered-2").tolist() == [[51, 153], [204, 102]]
    assert threshold_map("checks").tolist() == [[85, 170], [170, 85]]
    assert threshold_map("threshold").tolist() == [[128]]


def spots(name: str, level: int, tiles: int = 4) -> np.ndarray:
    side = len(threshold_map(name))
    return pixels(apply(f"ordered-dither:{name}", plain(side * tiles, side * tiles, level)))[:, :, 0] == 255


def test_dots_stand_upright_or_at_45_degrees() -> None:
    upright, angled = spots("halftone-8", 25), spots("angled-8", 25)
    assert np.array_equal(upright, np.roll(upright, 8, axis=1))
    assert not np.array_equal(upright, np.roll(upright, 4, axis=(0, 1)))
    assert np.array_equal(angled, np.roll(angled, (4, 4), axis=(0, 1)))
    assert not np.array_equal(angled, np.roll(angled, 4, axis=1))


def test_round_dots_are_black_on_white_or_white_on_black() -> None:
    centre = np.s_[3::7, 3::7]
    assert spots("circles-7-white", 20)[centre].all()
    assert not spots("circles-7-black", 220)[centre].any()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_for_themselves_and_alpha_as_it_was(channels: int) -> None:
    image = picture(70, 300, channels)
    before, after = pixels(image), pixels(apply("ordered-dither:ordered-4", image))
    assert set(np.unique(after[:, :, :3])) == {0, 255}
    assert np.array_equal(before[:, :, 3:], after[:, :, 3:])
    levels = np.tile(threshold_map("ordered-4"), (75, 18))[:300, :70, np.newaxis]
    assert np.array_equal(after[:, :, :3] == 255, before[:, :, :3] >= levels)


def test_threshold_is_at_half() -> None:
    ramp = Image((frame(np.arange(256, dtype=np.uint8).reshape(1, 256, 1)),))
    assert pixels(apply("ordered-dither", ramp))[0, :, 0].tolist() == [0] * 128 + [255] * 128
