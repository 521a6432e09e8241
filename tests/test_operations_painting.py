"""oil-paint and cartoonify."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.effects.bands import in_bands
from transforms.effects.painting import brushed, lines_of, toned
from transforms.image import Image, PixelArray

from .steps import apply, frame, picture, pixels, plain, scene


def noisy_edge(width: int = 200, height: int = 80, noise: int = 12) -> PixelArray:
    random = np.random.default_rng(5)
    array = np.where(np.arange(width)[np.newaxis, :, np.newaxis] < width // 2, 60, 190) + random.integers(
        -noise, noise + 1, (height, width, 3)
    )
    return array.astype(np.uint8)


def edge(width: int = 200, height: int = 80) -> Image:
    return Image((frame(np.ascontiguousarray(noisy_edge(width, height))),))


@pytest.mark.parametrize("text", ["oil-paint:0", "cartoonify:0", "cartoonify:0,reduction=0"])
def test_nothing_at_nought(text: str) -> None:
    image = picture(30, 20, 4)
    assert pixels(apply(text, image)) is pixels(image)


@pytest.mark.parametrize("radius", [1, 3, 6])
def test_a_brush_makes_flat_and_keeps_edges(radius: int) -> None:
    before = noisy_edge()
    after = brushed(before, radius).astype(float)
    for half, level in ((np.s_[:, 10:80], 60), (np.s_[:, 120:190], 190)):
        assert after[half].std() < 0.7 * before[half].std()
        assert after[half].mean() == pytest.approx(level, abs=1.5)
    assert after[:, 98].mean() < 70  # a blur of that radius would be half way
    assert after[:, 101].mean() > 180


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bands_do_not_show(channels: int) -> None:
    array = pixels(picture(37, 500, channels))
    whole = brushed(array[:250], 4)
    banded = brushed(array, 4)
    assert np.array_equal(banded[:240], whole[:240])
    assert np.array_equal(in_bands(array, 0, lambda band: band), array)


def test_more_strength_leaves_less_detail() -> None:
    image = edge(400, 300)
    detail = [np.abs(np.diff(pixels(apply(f"oil-paint:{strength}", image))[:, :150].astype(int), axis=0)).mean()
              for strength in (0, 5, 10, 20, 30, 50, 75, 100)]  # fmt: skip
    assert detail == sorted(detail, reverse=True)
    assert len(set(detail)) == len(detail)


@pytest.mark.parametrize("text", ["oil-paint", "oil-paint:100", "cartoonify:0,reduction=100"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_black_and_white_stay_and_no_border_is_drawn(text: str, channels: int) -> None:
    for level in (0, 255):
        image = plain(60, 40, *(level, level, level, 255)[:channels])
        assert np.array_equal(pixels(apply(text, image)), pixels(image))


@pytest.mark.parametrize("text", ["oil-paint:60", "cartoonify:50"])
def test_what_transparency_hides_does_not_show(text: str) -> None:
    array = np.zeros((80, 80, 4), np.uint8)
    array[:, :40, 3] = 255
    array[:, 40:, :3] = (0, 255, 0)
    result = pixels(apply(text, Image((frame(array),))))
    assert result[result[:, :, 3] > 0][:, 1].max() <= 1


def test_tones() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 256, 1)
    levels = toned(ramp, 3, 1)[0, :, 0].astype(int)
    assert (levels[0], levels[255]) == (0, 255)
    assert (np.diff(levels) >= 0).all()
    flat = np.bincount(levels, minlength=256)
    assert flat[[*range(8), *range(120, 136), *range(248, 256)]].sum() > 0.75 * 256
    assert np.abs(toned(ramp, 43, 1)[0, :, 0].astype(int) - np.arange(256)).max() <= 6


def test_colours_get_stronger_and_grays_stay_gray() -> None:
    colour = np.full((4, 4, 3), (100, 120, 160), np.uint8)
    less, more = (toned(colour, 255, factor).astype(int)[0, 0] for factor in (1.0, 1.5))
    assert np.ptp(more) > 1.3 * np.ptp(less)
    assert np.ptp(toned(np.full((4, 4, 3), 90, np.uint8), 4, 1.6)[0, 0].astype(int)) <= 1


def test_lines_are_on_the_dark_side_of_edges() -> None:
    light = np.ascontiguousarray(
        np.where(np.arange(60)[np.newaxis, :] < 30, 60, 190).repeat(30, axis=0).astype(np.uint8)
    )
    ink = lines_of(light, 1.5, 1, 10)
    assert ink[:, 24:30].max(axis=1).min() > 120
    assert ink[:, 30:].max() == 0
    assert ink[:, :15].max() == 0


def test_lines_grow_with_their_strength() -> None:
    image = edge(400, 300)
    dark = [float(pixels(apply(f"cartoonify:{line},reduction=0", image)).mean()) for line in (0, 1, 20, 50, 80, 100)]
    assert dark == sorted(dark, reverse=True)
    assert dark[1] > dark[2] > dark[3] > dark[5]


def test_fewer_colours_with_more_reduction() -> None:
    def tones(reduction: int) -> int:
        gray = pixels(apply(f"cartoonify:0,reduction={reduction}", image))
        return int((np.bincount(gray.ravel(), minlength=256) > 150).sum())

    image = Image((frame(np.ascontiguousarray(pixels(scene(300, 200))[:, :, :1])),))
    counts = [tones(reduction) for reduction in (0, 40, 70, 100)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0] / 2


def test_reduction_is_as_much_as_the_lines_unless_it_is_said() -> None:
    image = scene(200, 150)
    assert np.array_equal(pixels(apply("cartoonify:30", image)), pixels(apply("cartoonify:30,reduction=30", image)))


@pytest.mark.parametrize(("channels", "after"), [(1, 1), (3, 1), (4, 4)])
def test_a_drawing_is_black_and_white(channels: int, after: int) -> None:
    array = np.repeat(pixels(scene(300, 200))[:, :, :1], channels, axis=2)
    result = pixels(apply("cartoonify:50,reduction=bw", Image((frame(array),))))
    assert result.shape[2] == after
    gray = result[:, :, 0]
    assert np.isin(gray, (0, 255)).mean() > 0.9
    assert 0.05 < (gray == 0).mean() < 0.7
    if channels == 4:
        assert np.array_equal(result[:, :, 3], array[:, :, 3])
