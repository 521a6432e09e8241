"""Shadows: where they fall, how dark and soft they are, and how much room they take."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from transforms.image import Image, Size

from .steps import apply, frame, picture, pixels, projected


def block(side: int = 40, room: int = 40) -> Image:
    """An opaque square in the middle of a transparent picture, that hides green."""
    array = np.zeros((side + 2 * room, side + 2 * room, 4), np.uint8)
    array[..., 1] = 255
    array[room : room + side, room : room + side] = (90, 60, 30, 255)
    return Image((frame(array),))


def alone(image: Image) -> NDArray[np.float64]:
    """The alpha of all that is not the square."""
    array = pixels(image)
    square = (array[..., 3] == 255) & (np.abs(array[..., :3].astype(int) - (90, 60, 30)).max(axis=2) <= 1)
    return np.where(square, 0, array[..., 3]).astype(np.float64)


def centre(weights: NDArray[np.float64]) -> tuple[float, float]:
    down, across = np.mgrid[0 : weights.shape[0], 0 : weights.shape[1]]
    return float((across * weights).sum() / weights.sum()), float((down * weights).sum() / weights.sum())


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("shadow", (124, 114)), ("shadow:100,x=0,y=0", (160, 150)), ("shadow:0", (100, 90)),
        ("shadow:10,x=50,y=-50", (153, 143)), ("shadow:10,x=0.5,y=0", (153, 96)),
    ],
)  # fmt: skip
def test_the_canvas_holds_the_shadow(text: str, size: tuple[int, int]) -> None:
    assert projected(text, Size(100, 90)) == Size(*size) == apply(text, picture(100, 90)).size


def test_no_strength_is_no_shadow() -> None:
    image = block()
    assert apply("shadow:0", image) is image


def test_it_lies_where_it_is_moved() -> None:
    for x, y in ((30, 0), (-30, 10), (0, -35)):
        result = apply(f"shadow:100,x={x},y={y},color=black", block())
        original = pixels(result)[..., 3]
        across, down = centre(alone(result))
        left, top = (result.from_source @ [0.5, 0.5, 1]) * [result.size.width, result.size.height]
        assert (across - left) * x >= 0
        assert (down - top) * y >= 0
        assert original.max() == 255


def test_stronger_is_darker_and_softer() -> None:
    results = [alone(apply(f"shadow:{strength},x=45,y=0,color=black", block())) for strength in (1, 20, 40, 70, 100)]
    totals = [result.sum() for result in results]
    assert all(first < second for first, second in pairwise(totals))
    steps = [np.abs(np.diff(result[result.shape[0] // 2, 100:])).max() / result.max() for result in results]
    assert all(first > second for first, second in pairwise(steps))


@pytest.mark.parametrize("text", ["shadow:60,color=red", "dropshadow"])
def test_only_its_own_colour_shows(text: str) -> None:
    array = pixels(apply(text, block()))
    green = array[..., 1].astype(int)[array[..., 3] > 0]
    assert green.max() <= 61


@pytest.mark.parametrize("channels", [1, 3])
def test_an_opaque_picture_stays_as_it_is_within(channels: int) -> None:
    image = picture(50, 40, channels)
    result = pixels(apply("shadow:40,x=0,y=0", image))
    assert result.shape[2] == 4
    assert np.array_equal(result[12:-12, 12:-12, :3], np.repeat(pixels(image), 4 - channels if channels == 1 else 1, 2))


@pytest.mark.parametrize(
    ("azimuth", "right", "down"), [(0, 0, 1), (90, -1, 0), (180, 0, -1), (215, 1, -1), (270, 1, 0), (315, 1, 1)]
)
def test_the_ground_shadow_falls_away_from_the_light(azimuth: int, right: int, down: int) -> None:
    image = block(40, 80)
    across, foot = centre(alone(apply(f"dropshadow:{azimuth}", image)))
    assert apply(f"dropshadow:{azimuth}", image).size == image.size
    assert (across - 99.5) * right > 4 * abs(right) - 1e-9 or not right
    assert abs(across - 99.5) < 2 or right
    # What falls upwards lies behind the square, and shows beside it only.
    assert (foot - 119.5) * down > 0 or not down


def test_a_lower_light_throws_a_longer_shadow_and_a_wider_one_a_softer_shadow() -> None:
    image = block(40, 90)
    reach = [
        np.flatnonzero(alone(apply(f"dropshadow:270,elevation={high},spread=10", image)).max(axis=0) > 30).max()
        for high in (90, 70, 45, 30)
    ]
    assert all(first < second for first, second in pairwise(reach))
    low = apply("dropshadow:270,elevation=0", image)
    assert np.isfinite(low.from_source).all()
    soft = [alone(apply(f"dropshadow:0,spread={spread}", image)) for spread in (0, 50, 100)]
    steps = [np.abs(np.diff(each[135:], axis=0)).max() for each in soft]
    assert all(first > second for first, second in pairwise(steps))


@pytest.mark.parametrize("text", ["dropshadow", "dropshadow:0,elevation=10", "dropshadow:90,elevation=90,spread=100"])
def test_an_opaque_picture_grows_by_its_shadow(text: str) -> None:
    result = apply(text, picture(60, 50))
    bound = projected(text, Size(60, 50))
    assert result.size == bound
    assert result.size.width > 60
    assert alone(result).sum() > 0
    x, y = result.from_source @ [0, 0, 1]
    left, top = round(x * result.size.width), round(y * result.size.height)
    assert np.array_equal(pixels(result)[top : top + 50, left : left + 60, :3], pixels(picture(60, 50)))


def test_nothing_throws_no_shadow() -> None:
    empty = Image((frame(np.zeros((20, 20, 4), np.uint8)),))
    assert not pixels(apply("dropshadow", empty)).any()
    assert not pixels(apply("shadow", empty))[..., 3].any()
