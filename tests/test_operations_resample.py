"""Resampling: no aliases, no bleeding, small errors."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.image import Size
from transforms.resample import enlarge, mix, mosaic, premultiplied, resize, shrink

from .steps import picture, pixels, scene


def test_shrinking_is_the_mean_of_areas() -> None:
    array = pixels(picture(60, 40))
    means = array.reshape(10, 4, 12, 5, 3).mean(axis=(1, 3))
    assert np.abs(shrink(array, Size(12, 10)) - means).max() <= 1


@pytest.mark.parametrize("size", [Size(50, 50), Size(99, 7), Size(3, 200), Size(1, 1)])
def test_fine_stripes_become_grey(size: Size) -> None:
    """What no longer fits between the pixels must go away, on each axis for itself."""
    stripes = np.zeros((200, 200, 1), np.uint8)
    stripes[::2] = 255
    result = resize(stripes, size).astype(int)
    assert result.shape == (size.height, size.width, 1)
    if size.height <= 100:
        assert abs(result.mean() - 127.5) <= 1.5
        assert np.abs(result - 127.5).max() <= 20


def test_a_zone_plate_does_not_alias() -> None:
    y, x = np.mgrid[-256:256, -256:256]
    rings = np.rint(127.5 + 127.5 * np.cos(np.pi * (x**2 + y**2) / 512)).astype(np.uint8)[:, :, np.newaxis]
    small = resize(rings, Size(128, 128)).astype(float)[:, :, 0]
    v, u = np.mgrid[-64:64, -64:64] + 0.5
    fine = np.hypot(u, v) > 48  # rings that 128 pixels cannot hold
    assert small[fine].std() < 30  # nearest neighbours or LINEAR give 90
    assert small[np.hypot(u, v) < 16].std() > 60  # rings that they can


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_there_and_back(channels: int) -> None:
    array = pixels(scene(64, 48))
    array = np.dstack([array, np.full(array.shape[:2], 255, np.uint8)])[:, :, :channels]
    again = shrink(enlarge(array, Size(192, 144)), Size(64, 48))
    assert np.abs(again.astype(int) - array).max() <= 6


def test_only_the_way_that_is_said() -> None:
    array = pixels(picture(10, 10))
    with pytest.raises(ValueError, match="larger"):
        shrink(array, Size(11, 5))
    with pytest.raises(ValueError, match="smaller"):
        enlarge(array, Size(11, 9))


def test_weighing_by_alpha_moves_what_shows_by_a_level_at_most() -> None:
    array = pixels(picture(256, 256, 4))
    again = premultiplied(array, lambda weighted: weighted)
    assert np.array_equal(again[:, :, 3], array[:, :, 3])
    shows = np.abs(again[:, :, :3].astype(int) - array[:, :, :3]) * array[:, :, 3:] / 255
    assert shows.max() <= 1
    opaque = array[:, :, 3] == 255
    assert np.array_equal(again[opaque], array[opaque])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_mosaic_holds_so_many_colours(channels: int) -> None:
    array = pixels(picture(50, 40, channels))
    result = mosaic(array, 5, 4)
    assert result.shape == array.shape
    assert len(np.unique(result.reshape(-1, channels), axis=0)) <= 20
    assert np.abs(result[:10, :10] - array[:10, :10].mean(axis=(0, 1))).max() <= 1 or channels == 4
    assert mosaic(array, 500, 1).shape == array.shape


def test_mixing() -> None:
    above, below = np.full((1, 3, 4), 200, np.uint8), np.full((1, 3, 4), (0, 0, 0, 255), np.uint8)
    above[:, :, 3] = 255
    share = np.array([[0, 0.5, 1]], np.float32)
    assert mix(above, below, share)[0, :, 0].tolist() == [0, 100, 200]
    hidden = np.full((1, 3, 4), (255, 255, 255, 0), np.uint8)
    mixed = mix(above, hidden, share)[0].tolist()
    assert (mixed[0], mixed[2]) == ([0, 0, 0, 0], [200, 200, 200, 255])
    assert mixed[1] == pytest.approx([200, 200, 200, 127.5], abs=1)  # nothing of the white
