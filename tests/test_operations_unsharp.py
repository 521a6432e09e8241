"""unsharp-mask."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.image import Image, PixelArray, Scale

from .steps import apply, frame, picture, pixels, plain


def step(left: tuple[int, ...], right: tuple[int, ...]) -> Image:
    """Two halves, 40 px wide each."""
    halves = [np.full((30, 40, len(colour)), colour, np.uint8) for colour in (left, right)]
    return Image((frame(np.concatenate(halves, axis=1)),))


def row(image: Image) -> PixelArray:
    return pixels(image)[15].astype(int)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_is_even_stays(channels: int) -> None:
    image = plain(40, 30, *[90, 120, 200, 130][:channels])
    assert np.array_equal(pixels(apply("unsharp-mask:2000", image)), pixels(image))


def test_an_edge_is_steeper_and_far_from_it_nothing_changes() -> None:
    image = step((80, 80, 80), (160, 160, 160))
    result = row(apply("unsharp-mask", image))
    # Half the step (0.5 - the blurred edge's 0.4 a pixel away) times 1: 80 * 0.4 less the threshold of 2.
    assert result[39].tolist() == pytest.approx([80 - 30] * 3, abs=2)
    assert result[40].tolist() == pytest.approx([160 + 30] * 3, abs=2)
    assert np.array_equal(result[:28], row(image)[:28])
    assert np.array_equal(result[52:], row(image)[52:])


def test_it_is_stronger_all_the_way() -> None:
    image = step((120, 120, 120), (128, 128, 128))
    at_edge = [int(row(apply(f"unsharp-mask:{strength}", image))[40, 0]) for strength in (1, 100, 300, 800, 1400, 2000)]
    assert at_edge[0] == 128
    assert (np.diff(at_edge) > 0).all()


def test_noise_below_the_threshold_stays() -> None:
    random = np.random.default_rng(1)
    image = Image((frame((128 + random.integers(0, 3, (40, 40, 1))).astype(np.uint8)),))
    assert np.array_equal(pixels(apply("unsharp-mask:2000", image)), pixels(image))


@pytest.mark.parametrize("strength", [100, 2000])
def test_colours_of_a_pixel_move_together(strength: int) -> None:
    """No fringe: the differences between the colours stay, also where one of them is full."""
    image = step((40, 60, 250), (200, 90, 30))
    before, after = row(image), row(apply(f"unsharp-mask:{strength}", image))
    assert np.array_equal(after[:, 1:] - after[:, :1], before[:, 1:] - before[:, :1])
    noisy = picture(60, 300)
    moved = pixels(apply(f"unsharp-mask:{strength}", noisy)).astype(int) - pixels(noisy)
    assert (moved == moved[:, :, :1]).all()


def test_what_is_transparent_has_no_say() -> None:
    image = step((0, 0, 0, 0), (150, 150, 150, 255))
    assert np.array_equal(pixels(apply("unsharp-mask:2000", image)), pixels(image))


def test_borders_are_mirrored() -> None:
    columns = np.linspace(100, 140, 60).astype(np.uint8)
    image = Image((frame(np.repeat(columns[np.newaxis, :, np.newaxis], 20, axis=0)),))
    result = pixels(apply("unsharp-mask:100", image)).astype(int)
    assert np.abs(result - pixels(image)).max() <= 2
    assert (result == result[:1]).all()


def test_the_blur_is_as_wide_on_a_source_decoded_smaller() -> None:
    image = step((80,), (160,))
    wide, narrow = (row(apply("unsharp-mask", image, scale=Scale(f, f)))[:, 0] for f in (1.0, 0.25))
    assert (narrow != row(image)[:, 0]).sum() < (wide != row(image)[:, 0]).sum() / 2
