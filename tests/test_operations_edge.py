"""round and border."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.image import Scale, Size

from .steps import apply, picture, pixels, plain, projected


def alpha(text: str, width: int, height: int, scale: Scale = Scale()) -> np.ndarray:  # noqa: B008 - frozen
    return pixels(apply(text, plain(width, height, 10, 20, 30), scale=scale))[:, :, 3].astype(float) / 255


@pytest.mark.parametrize(
    ("text", "width", "height", "covered"),
    [
        ("round:max", 100, 100, np.pi / 4 * 100 * 100),
        ("round:max", 200, 50, np.pi / 4 * 200 * 50),
        ("round:max", 31, 17, np.pi / 4 * 31 * 17),
        ("round:20", 100, 60, 100 * 60 - (4 - np.pi) * 20**2),
        ("round:0", 100, 60, 100 * 60),
        ("round:20:0", 100, 60, 100 * 60 - (4 - np.pi) / 4 * 2 * 20**2),
        ("round:5:10:15:20", 100, 60, 100 * 60 - (4 - np.pi) / 4 * (5**2 + 10**2 + 15**2 + 20**2)),
        ("round:8192", 100, 60, 100 * 60 - (4 - np.pi) * 30**2),
    ],
)
def test_the_area_that_is_left(text: str, width: int, height: int, covered: float) -> None:
    assert alpha(text, width, height).sum() == pytest.approx(covered, rel=0.004)


@pytest.mark.parametrize(
    ("text", "round_corners"),
    [
        ("round:20", "0123"), ("round:20:0", "02"), ("round:0:20", "13"), ("round:20:0:0", "0"), ("round:0:20:0", "13"),
        ("round:0:0:20", "2"), ("round:0:0:0:20", "3"), ("round:0:20:0:0", "1"), ("round:max", "0123"),
    ],
)  # fmt: skip
def test_which_corners(text: str, round_corners: str) -> None:
    shown = alpha(text, 80, 60)
    corners = [shown[0, 0], shown[0, -1], shown[-1, -1], shown[-1, 0]]  # from the top left, clockwise
    assert corners == [0 if str(at) in round_corners else 1 for at in range(4)]
    assert shown[30, 40] == 1


def test_edges_are_smooth_and_even() -> None:
    shown = alpha("round:max", 101, 101)
    assert np.abs(shown - shown[::-1]).max() < 0.005
    assert np.abs(shown - shown.T).max() < 0.005
    partly = (shown > 0.02) & (shown < 0.98)
    assert 250 < partly.sum() < 500  # about one for each of the 317 pixels around
    y, x = np.mgrid[0:101, 0:101] - 50
    assert np.abs(shown - (50.5 - np.hypot(x, y) + 0.5).clip(0, 1)).max() < 0.06


def test_transparency_stays_and_colours_too() -> None:
    image = picture(40, 30, 4)
    before, after = pixels(image), pixels(apply("round:10", image))
    assert np.array_equal(after[:, :, :3], before[:, :, :3])
    assert (after[:, :, 3] <= before[:, :, 3]).all()
    assert np.array_equal(after[10:20, :, 3], before[10:20, :, 3])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_corners_higher_than_a_band_are_even(channels: int) -> None:
    image = picture(70, 1400, channels)
    before = pixels(image).copy()
    after = pixels(apply("round:max", image))
    shown = pixels(apply("round:max", plain(70, 1400, 9, 9, 9)))[:, :, 3].astype(int)
    assert np.array_equal(shown, shown[::-1])
    assert (np.diff(shown[:700], axis=0) >= 0).all()  # every column only fills towards the middle
    own = before[:, :, 3] if channels == 4 else np.full((1400, 70), 255)
    assert np.abs(after[:, :, 3] - own * (shown / 255)).max() <= 1
    assert np.array_equal(pixels(image), before)


def test_radii_are_nominal() -> None:
    assert np.abs(alpha("round:40", 100, 60, Scale(0.5, 0.5)) - alpha("round:20", 100, 60)).max() < 0.01


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_border_goes_around(channels: int) -> None:
    image = picture(20, 10, channels)
    result = pixels(apply("border:3,color=red", image))
    assert result.shape[:2] == (16, 26)
    assert np.array_equal(result[3:-3, 3:-3, : channels if channels != 1 else 1], pixels(image))
    frame = np.ones((16, 26), bool)
    frame[3:-3, 3:-3] = False
    assert (result[frame][:, :3] == (0, 0, 255)).all()


def test_borders_of_other_kinds() -> None:
    assert pixels(apply("border:2", picture(5, 5, 1))).shape == (9, 9, 1)
    assert pixels(apply("border:2,color=ffffff80", picture(5, 5, 3)))[0, 0].tolist() == [255, 255, 255, 128]
    assert pixels(apply("border:0,color=red", picture(5, 5, 3))).shape == (5, 5, 3)
    assert projected("border:7", Size(10, 20)) == Size(24, 34)


def test_a_thin_border_does_not_vanish_from_a_source_decoded_smaller() -> None:
    result = apply("border:1,color=white", plain(20, 10, 0), scale=Scale(0.125, 0.125))
    assert result.size == Size(22, 12)
