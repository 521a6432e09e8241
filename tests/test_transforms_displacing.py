"""Displacement: what moves where."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.displacing import displaced
from transforms.image import PixelArray

from .steps import coordinates, pixels


def plain_map(*colour: int, side: int = 64) -> PixelArray:
    return np.full((side, side, len(colour)), colour, np.uint8)


@pytest.mark.parametrize(
    ("colour", "x", "y", "move"),
    [
        ((128, 128, 255), 10, 10, (10, 0)), ((128, 128, 0), 10, 10, (-10, 0)), ((128, 255, 128), 10, 10, (0, 10)),
        ((128, 128, 255), -10, 10, (-10, 0)), ((0, 128, 128), 10, 10, (0, 0)), ((255,), 4, -6, (4, -6)),
        ((128, 128, 255, 128), 10, 0, (5, 0)), ((128, 128, 255, 0), 10, 0, (0, 0)),
    ],
)  # fmt: skip
def test_red_moves_across_and_green_down(
    colour: tuple[int, ...], x: int, y: int, move: tuple[float, float]
) -> None:  # fmt: skip
    under = pixels(coordinates(64))
    result = displaced(under, plain_map(*colour), x, y)
    inside = (slice(16, 48), slice(16, 48))
    taken = result[inside].astype(float) - under[inside]
    assert np.abs(taken[..., 0] - move[0]).max() <= 1
    assert np.abs(taken[..., 1] - move[1]).max() <= 1


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_gray_of_the_middle_moves_nothing(channels: int) -> None:
    under = np.random.default_rng(1).integers(0, 256, (64, 64, channels), np.uint8)
    assert np.array_equal(displaced(under, plain_map(128), 99, 99), under)
    assert np.array_equal(displaced(under, plain_map(3, 4, 5), 0, 0), under)


def test_edges_are_mirrored_and_hidden_colours_stay_hidden() -> None:
    under = np.full((64, 64, 4), (10, 20, 30, 255), np.uint8)
    under[:, 32:] = (0, 255, 0, 0)
    result = displaced(under, plain_map(255), 5, 5)
    shown = result[..., :3] / 255 * result[..., 3:]  # of colours that hardly show, 8 bits keep little
    assert np.abs(shown - np.array((10, 20, 30)) / 255 * result[..., 3:]).max() <= 1
    assert (displaced(np.full((64, 64, 1), 77, np.uint8), plain_map(0), 40, 40) == 77).all()


def test_maps_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="is not"):
        displaced(np.zeros((64, 64, 3), np.uint8), plain_map(128, side=63), 1, 1)
