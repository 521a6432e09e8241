"""auto-brightness, auto-color, auto-contrast, improve and fill-light."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from transforms.image import Image, PixelArray, Scale

from .steps import apply, frame, picture, pixels, plain

AUTOMATIC = ["auto-brightness", "auto-color", "auto-contrast", "improve:outdoor", "improve:indoor"]
ALL = [*AUTOMATIC, "fill-light"]
LUMA = np.array([0.114, 0.587, 0.299])


def grays(least: float, most: float, *cast: float, seed: int = 3) -> Image:
    """Soft blotches of gray between two levels, under a light of that colour (factors of BGR)."""
    random = np.random.default_rng(seed)
    blotches = cv2.GaussianBlur(random.random((120, 160), np.float32), (0, 0), 6)
    blotches = (blotches - blotches.min()) / (blotches.max() - blotches.min())
    levels = (least + (most - least) * blotches)[:, :, np.newaxis] * np.array(cast or (1.0, 1.0, 1.0))
    return Image((frame(levels.round().clip(0, 255).astype(np.uint8)),))


def noise(level: int, deviation: float) -> Image:
    random = np.random.default_rng(5)
    return Image((frame((level + random.normal(0, deviation, (120, 160, 3))).clip(0, 255).astype(np.uint8)),))


def middle(image: Image) -> float:
    return float((pixels(image)[:, :, :3].astype(float) @ LUMA).mean())


def cast(image: Image) -> float:
    means = pixels(image)[:, :, :3].reshape(-1, 3).mean(axis=0)
    return float(means.max() / means.min())


def blended_text(name: str, blend: int) -> str:
    return f"{name}{',' if ':' in name else ':'}blend={blend}"


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", ALL)
def test_a_blend_of_nought_is_the_very_same_picture(name: str, channels: int) -> None:
    image = picture(30, 20, channels)
    assert apply(blended_text(name, 0), image).frames[0] is image.frames[0]


@pytest.mark.parametrize("name", ALL)
def test_gray_stays_gray_and_alpha_alpha(name: str) -> None:
    gray = Image((frame(pixels(grays(60, 120))[:, :, :1].copy()),))
    assert apply(name, gray).frames[0].channels == 1
    image = picture(60, 200, 4)
    assert np.array_equal(pixels(apply(name, image))[:, :, 3], pixels(image)[:, :, 3])


@pytest.mark.parametrize("name", ALL)
def test_half_of_it_lies_in_between(name: str) -> None:
    image = grays(20, 110, 0.8, 1.0, 1.05)
    none, half, whole = (pixels(apply(blended_text(name, blend), image)).astype(float) for blend in (0, 50, 100))
    assert np.abs(whole - none).mean() > 2
    share = ((half - none) * (whole - none)).sum() / ((whole - none) ** 2).sum()
    assert share == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("level", [3, 40, 128, 250])
@pytest.mark.parametrize("name", AUTOMATIC)
def test_the_noise_of_a_flat_picture_is_not_blown_up(name: str, level: int) -> None:
    image = noise(level, 2.0)
    result = apply(name, image)
    assert pixels(result).std() <= 1.5 * pixels(image).std() + 0.3


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
@pytest.mark.parametrize("name", ["auto-brightness", "auto-color", "auto-contrast"])
def test_one_colour_stays(name: str, colour: tuple[int, ...]) -> None:
    image = plain(20, 10, *colour)
    assert np.array_equal(pixels(apply(name, image)), pixels(image))


@pytest.mark.parametrize("name", AUTOMATIC)
def test_what_is_well_exposed_hardly_changes(name: str) -> None:
    image = grays(0, 255)
    assert np.abs(pixels(apply(name, image)).astype(int) - pixels(image)).mean() < 12


@pytest.mark.parametrize("name", AUTOMATIC)
def test_frames_do_not_flicker(name: str) -> None:
    """The same pixel becomes the same in every frame, whatever else is in it."""
    dark, light = (
        pixels(grays(*span, 0.85, 1.0, 1.05, seed=seed)).copy() for seed, *span in ((3, 10, 90), (4, 60, 200))
    )
    light[:, :40] = dark[:, :40]
    result = apply(name, Image((frame(dark), frame(light))))
    first, second = (one.pixels[:, :30].astype(int) for one in result.frames)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, dark[:, :30])


@pytest.mark.parametrize("name", AUTOMATIC)
def test_what_is_transparent_has_no_say(name: str) -> None:
    seen = pixels(grays(20, 110))
    opaque = np.dstack([seen, np.full(seen.shape[:2], 255, np.uint8)])
    hidden = np.zeros_like(opaque)
    hidden[:, :, :3] = (0, 255, 90)
    results = [
        pixels(apply(name, Image((frame(np.concatenate([opaque, beside], axis=1)),))))[:, :100]
        for beside in (hidden, np.zeros_like(opaque))
    ]
    assert np.array_equal(results[0], results[1])
    assert np.abs(results[0].astype(int) - pixels(apply(name, Image((frame(opaque),))))[:, :100]).mean() < 2


@pytest.mark.parametrize("name", ALL)
def test_nothing_seen_is_nothing_to_correct(name: str) -> None:
    image = plain(20, 10, 10, 200, 30, 0)
    assert np.array_equal(pixels(apply(name, image))[:, :, 3], pixels(image)[:, :, 3])


def test_brightness_goes_to_the_middle() -> None:
    dark, light = grays(5, 90), grays(130, 250)
    assert middle(dark) + 20 < middle(apply("auto-brightness", dark)) < 110
    assert 140 < middle(apply("auto-brightness", light)) < middle(light) - 10
    page = pixels(grays(230, 246)).copy()
    page[::4] = 20
    assert np.array_equal(pixels(apply("auto-brightness", Image((frame(page),)))), page)  # it has its blacks


def test_contrast_is_stretched_and_bounded() -> None:
    dull = grays(60, 190)
    stretched = pixels(apply("auto-contrast", dull))
    assert stretched.min() <= 2
    assert stretched.max() >= 253
    duller = pixels(apply("auto-contrast", grays(100, 150))).astype(int)
    assert 60 < duller.max() - duller.min() <= 50 * 2.2 + 1


def test_contrast_keeps_the_balance_of_colours() -> None:
    image = grays(60, 190, 0.9, 1.0, 1.0)
    curves = pixels(apply("auto-contrast", image))
    table = dict(zip(pixels(image)[:, :, 1].ravel().tolist(), curves[:, :, 1].ravel().tolist(), strict=True))
    blue = zip(pixels(image)[:, :, 0].ravel().tolist(), curves[:, :, 0].ravel().tolist(), strict=True)
    assert all(table[old] == new for old, new in blue if old in table)


@pytest.mark.parametrize("light", [(0.85, 1.0, 1.08), (1.1, 1.0, 0.88), (0.95, 1.04, 1.0), (0.6, 0.8, 1.0)])
def test_a_cast_goes_and_luma_stays(light: tuple[float, ...]) -> None:
    image = grays(30, 220, *light)
    result = apply("auto-color", image)
    assert cast(result) - 1 < 0.35 * (cast(image) - 1)
    assert middle(result) == pytest.approx(middle(image), abs=2)


@pytest.mark.parametrize("paint", [(0.1, 0.5, 0.2), (0.2, 0.3, 1.0), (0.6, 1.0, 0.7)])
def test_paint_is_no_cast(paint: tuple[float, ...]) -> None:
    image = grays(60, 220, *paint)
    assert np.abs(pixels(apply("auto-color", image)).astype(int) - pixels(image)).mean() < 2


def test_clipped_white_gets_no_colour() -> None:
    seen = pixels(grays(30, 220, 0.85, 1.0, 1.08)).copy()
    seen[:10, :10] = 255
    assert (pixels(apply("auto-color", Image((frame(seen),))))[:10, :10] >= 254).all()


def test_indoors_more_of_a_cast_goes() -> None:
    image = grays(0, 235, 0.85, 1.0, 1.08)
    outdoor, indoor = (cast(apply(f"improve:{mode}", image)) for mode in ("outdoor", "indoor"))
    assert indoor < outdoor < cast(image)


def shaded(channels: int = 3) -> PixelArray:
    """A dark half with detail of ±10 levels, and a light one."""
    random = np.random.default_rng(9)
    levels = np.full((100, 200, channels), 45, np.uint8)
    levels[:, 100:] = 220
    levels[:, :100] += random.integers(-10, 11, (100, 100, 1)).astype(np.int8).view(np.uint8)
    return levels


@pytest.mark.parametrize("channels", [1, 3])
def test_fill_light_lifts_shadows_and_keeps_lights(channels: int) -> None:
    before = shaded(channels)
    after = pixels(apply("fill-light", Image((frame(before),))))
    assert after[:, :80].mean() > 1.4 * before[:, :80].mean()
    assert np.array_equal(after[:, 130:], before[:, 130:])
    # What lies in the shadow keeps its contrast: one gain for all of it, which a curve would make smaller.
    assert after[:, :80].std() / before[:, :80].std() > 0.8 * after[:, :80].mean() / before[:, :80].mean()


def test_fill_light_is_stronger_all_the_way() -> None:
    image = Image((frame(shaded()),))
    blends = [pixels(apply(f"fill-light:{blend}", image))[:, :80].mean() for blend in range(0, 101, 20)]
    biases = [pixels(apply(f"fill-light:100,bias={bias}", image))[:, :80].mean() for bias in range(-100, 101, 25)]
    assert (np.diff(blends) > 1).all()
    assert (np.diff(biases) > 1).all()
    assert biases[0] > blends[0] + 0.5


def test_fill_light_keeps_hue_and_never_turns_tones_around() -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis], 60, axis=0)
    colours = (levels * np.array([0.3, 0.6, 1.0])).astype(np.uint8)
    after = pixels(apply("fill-light:100,bias=100", Image((frame(colours),)))).astype(float)
    assert (np.diff(after[30, :, 2]) >= -1).all()
    assert np.abs(after[30, 60:, 1] / after[30, 60:, 2] - 0.6).max() < 0.02


def test_fill_light_sees_no_hidden_colours() -> None:
    before = np.dstack([shaded(), np.full((100, 200), 255, np.uint8)])
    results = []
    for hidden in (0, 255):
        before[:, 60:] = (hidden, hidden, hidden, 0)
        results.append(pixels(apply("fill-light", Image((frame(before.copy()),))))[:, :60])
    assert np.array_equal(results[0], results[1])


@pytest.mark.parametrize("name", ALL)
def test_from_source_stays(name: str) -> None:
    image = replace(picture(30, 20), from_source=np.array([[2.0, 0, -0.5], [0, 2, 0]]))
    assert np.array_equal(apply(name, image, scale=Scale(0.5, 0.5)).from_source, image.from_source)
