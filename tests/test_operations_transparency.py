"""Making a colour transparent, with smooth edges."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from transforms.image import Image, PixelArray
from transforms.operations import transparency

from .steps import apply, frame, picture, pixels, plain


def disc(background: tuple[int, ...] = (200, 120, 40), subject: tuple[int, ...] = (30, 30, 220)) -> PixelArray:
    """A disc of 60 px radius, its edge as smooth as area means make it."""
    large = np.full((1280, 1280, len(background)), background, np.uint8)
    cv2.circle(large, (640, 640), 480, subject, cv2.FILLED)
    small = np.asarray(cv2.resize(large, (160, 160), interpolation=cv2.INTER_AREA), np.uint8)
    return small if small.ndim == 3 else small[..., np.newaxis]


def of(array: PixelArray) -> Image:
    return Image((frame(array.copy()),))


@pytest.mark.parametrize(("background", "subject"), [((200, 120, 40), (30, 30, 220)), ((255,), (10,))])
def test_the_colour_of_the_edges_goes_and_leaves_a_smooth_subject(
    background: tuple[int, ...], subject: tuple[int, ...]
) -> None:
    result = pixels(apply("make-transparent", of(disc(background, subject))))
    assert result.shape == (160, 160, 4)
    assert result[0, 0, 3] == 0
    assert result[80, 80].tolist() == [*(subject * 3)[:3], 255]
    # As opaque as the disc covers: its area is known, and nothing of the background is left in its rim.
    assert abs(result[..., 3].sum() / 255 - np.pi * 60**2) < 60
    rim = (result[..., 3] > 0) & (result[..., 3] < 255)
    assert rim.sum() > 100
    assert np.abs(result[rim][:, :3].astype(int) - (subject * 3)[:3]).max() <= 8


def test_tolerance_zero_takes_the_very_colour_only() -> None:
    array = disc()
    array[0, 0] += 1
    result = pixels(apply("make-transparent:0,color=2878c8", of(array)))
    assert result[0, 0, 3] == 255
    assert (result[..., 3] == 0).sum() == (array == (200, 120, 40)).all(axis=2).sum()
    assert set(np.unique(result[..., 3])) == {0, 255}


def test_tolerance_is_monotone() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis], 20, axis=0)
    shown = [pixels(apply(f"make-transparent:{part},color=black", of(ramp)))[..., 3].sum() for part in range(0, 101, 5)]
    assert all(first > second for first, second in pairwise(shown))
    assert shown[-1] == 0


def test_all_frames_lose_the_same_colour() -> None:
    first, second = disc(), np.full_like(disc(), 77)
    result = apply("make-transparent", Image((frame(first), frame(second))))
    assert result.frames[1].pixels[..., 3].min() == 255


def test_transparency_stays_and_does_not_count_as_edge() -> None:
    array = np.dstack([disc(), np.full((160, 160), 100, np.uint8)])
    array[:2] = (1, 2, 3, 0)
    result = pixels(apply("make-transparent", of(array)))
    assert result[80, 80].tolist() == [30, 30, 220, 100]
    assert result[10, 10, 3] == result[0, 0, 3] == 0


def test_without_visible_edges_white_goes() -> None:
    array = np.zeros((20, 20, 4), np.uint8)
    array[5:15, 5:15] = (255, 255, 255, 255)
    array[8:12, 8:12] = (0, 0, 200, 255)
    result = pixels(apply("make-transparent", of(array)))
    assert result[6, 6, 3] == 0
    assert result[10, 10, 3] == 255
    assert pixels(apply("make-transparent", plain(9, 9, 5)))[..., 3].max() == 0


def test_it_is_the_same_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(40, 300)
    bands = pixels(apply("make-transparent:40,color=808080", image))
    monkeypatch.setattr(transparency, "_BAND", 1000)
    assert np.array_equal(bands, pixels(apply("make-transparent:40,color=808080", image)))
    assert 1000 < (bands[:, :, 3] == 0).sum() < 11_000
