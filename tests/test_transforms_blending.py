"""Blending against the formulas of W3C Compositing and Blending Level 1, worked out in floating point."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from transforms.blending import BLENDS, Blend, blended, cut_by, seed_of, varied
from transforms.image import PixelArray

FORMULAS = [mode for mode in BLENDS if mode not in ("normal", "mask", "cut-out", "anti-removal")]


def noise(channels: int, seed: int = 1, height: int = 33, width: int = 47) -> PixelArray:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    pixels.flags.writeable = False
    return pixels


def one(*colour: int) -> PixelArray:
    return np.array(colour, np.uint8).reshape(1, 1, -1)


def by_definition(under: PixelArray, over: PixelArray, mode: str) -> NDArray[np.float64]:
    """co = αs (1 - αb) Cs + αs αb B(Cb, Cs) + (1 - αs) αb Cb, straight, with its alpha; in [0, 255]."""
    b, s = under[..., :3] / 255, over[..., :3] / 255
    ab, as_ = under[..., 3:] / 255, over[..., 3:] / 255
    d = np.where(b <= 0.25, ((16 * b - 12) * b + 4) * b, np.sqrt(b))
    with np.errstate(divide="ignore", invalid="ignore"):
        mixed = {
            "normal": s, "multiply": b * s, "screen": b + s - b * s,
            "overlay": np.where(b <= 0.5, 2 * b * s, 1 - 2 * (1 - b) * (1 - s)),
            "hard-light": np.where(s <= 0.5, 2 * b * s, 1 - 2 * (1 - b) * (1 - s)),
            "darken": np.minimum(b, s), "lighten": np.maximum(b, s),
            "color-dodge": np.where(b == 0, 0, np.where(s == 1, 1, np.minimum(1, b / (1 - s)))),
            "color-burn": np.where(b == 1, 1, np.where(s == 0, 0, 1 - np.minimum(1, (1 - b) / s))),
            "soft-light": np.where(s <= 0.5, b - (1 - 2 * s) * b * (1 - b), b + (2 * s - 1) * (d - b)),
            "difference": abs(b - s), "exclusion": b + s - 2 * b * s,
        }[mode]  # fmt: skip
    alpha = as_ + ab * (1 - as_)
    colour = as_ * (1 - ab) * s + as_ * ab * mixed + (1 - as_) * ab * b
    return np.concatenate([np.where(alpha > 0, colour / np.maximum(alpha, 1e-9), 0), alpha], axis=2) * 255


@pytest.mark.parametrize("mode", ["normal", *FORMULAS])
def test_it_is_the_formula_on_straight_alpha(mode: Blend) -> None:
    under, over = noise(4, 1), noise(4, 2)
    result, expected = blended(under, over, mode), by_definition(under, over, mode)
    seen = expected[..., 3] > 0
    assert np.abs(result[..., 3] - expected[..., 3]).max() <= 0.51
    assert np.abs(result - expected)[seen].max() <= 1.51  # half a level each for the table and two mixes
    assert abs((result - expected)[seen].mean()) < 0.02


@pytest.mark.parametrize(
    ("mode", "below", "above", "expected"),
    [
        ("multiply", 128, 128, 64), ("multiply", 200, 255, 200), ("screen", 128, 128, 192), ("screen", 77, 0, 77),
        ("overlay", 64, 128, 64), ("overlay", 255, 10, 255), ("hard-light", 128, 64, 64), ("darken", 9, 8, 8),
        ("lighten", 9, 8, 9), ("color-dodge", 0, 255, 0), ("color-dodge", 1, 255, 255), ("color-burn", 255, 0, 255),
        ("color-burn", 254, 0, 0), ("soft-light", 100, 128, 100), ("difference", 200, 50, 150),
        ("exclusion", 255, 255, 0),
    ],
)  # fmt: skip
def test_known_levels(mode: Blend, below: int, above: int, expected: int) -> None:
    assert abs(int(blended(one(below), one(above), mode)[0, 0, 0]) - expected) <= 1


@pytest.mark.parametrize("mode", BLENDS)
@pytest.mark.parametrize("below", [1, 3, 4])
@pytest.mark.parametrize("above", [1, 3, 4])
def test_the_result_has_the_channels_that_it_needs(mode: Blend, below: int, above: int) -> None:
    under, over = noise(below), noise(above, 2)
    copies = under.copy(), over.copy()
    result = blended(under, over, mode)
    colours = 1 if below == above == 1 else 3
    assert result.shape[2] == (4 if below == 4 or mode in ("mask", "cut-out") else colours)
    assert result.dtype == np.uint8
    assert np.array_equal(under, copies[0])
    assert np.array_equal(over, copies[1])


@pytest.mark.parametrize("mode", [mode for mode in BLENDS if mode not in ("mask", "cut-out")])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_transparent_layer_changes_no_pixel(mode: Blend, channels: int) -> None:
    under, over = noise(channels), noise(4, 2).copy()
    over[..., 3] = 0
    result = blended(under, over, mode)
    assert np.array_equal(result, np.repeat(under, 3, axis=2) if channels == 1 else under)


def test_hidden_colours_do_not_bleed() -> None:
    green = one(0, 255, 0, 0)
    assert blended(one(10, 20, 30), green)[0, 0].tolist() == [10, 20, 30]
    assert blended(green, one(10, 20, 30, 3))[0, 0].tolist() == [10, 20, 30, 3]
    assert blended(green, one(10, 20, 30, 3), "multiply")[0, 0].tolist() == [10, 20, 30, 3]


@pytest.mark.parametrize(
    ("layer", "alpha"),
    [((255, 255, 255, 255), 255), ((0, 0, 0, 255), 0), ((255, 255, 255, 0), 0), ((255, 255, 255, 100), 100),
     ((128, 128, 128, 255), 128), ((255,), 255), ((0, 0, 255), 76)],
)  # fmt: skip
def test_a_mask_shows_what_is_below_where_it_is_bright_and_opaque(layer: tuple[int, ...], alpha: int) -> None:
    assert blended(one(1, 2, 3), one(*layer), "mask")[0, 0].tolist() == [1, 2, 3, alpha]
    half = blended(one(1, 2, 3, 51), one(*layer), "mask")[0, 0, 3]
    assert abs(int(half) - alpha * 51 / 255) <= 1


@pytest.mark.parametrize("alpha", [0, 1, 100, 255])
def test_cutting_out_and_cutting_by_are_opposites(alpha: int) -> None:
    layer = one(9, 9, 9, alpha)
    assert blended(one(5), layer, "cut-out")[0, 0].tolist() == [5, 5, 5, 255 - alpha]
    assert cut_by(one(5), layer)[0, 0].tolist() == [5, 5, 5, alpha]
    assert cut_by(one(5, 6, 7, 128), layer)[0, 0, 3] == round(128 * alpha / 255)
    assert cut_by(one(5, 6, 7), one(1, 2, 3))[0, 0].tolist() == [5, 6, 7, 255]


def mark() -> PixelArray:
    over = np.zeros((60, 80, 4), np.uint8)
    over[15:45, 20:60] = (200, 180, 160, 255)
    return over


def test_anti_removal_varies_the_layer_alike_each_time_and_more_with_strength() -> None:
    first, second = noise(3, 1, 60, 80), noise(3, 2, 60, 80)
    assert np.array_equal(blended(first, mark(), "anti-removal"), blended(first, mark(), "anti-removal"))
    assert seed_of(first) != seed_of(second)
    inside = (slice(20, 40), slice(25, 55))
    changes = [np.abs(varied(mark(), strength, 7).astype(int) - mark())[inside].mean() for strength in (1, 25, 50, 100)]
    assert 0 < changes[1] < changes[2] < changes[3] < 20
    other = np.abs(varied(mark(), 50, 7).astype(int) - varied(mark(), 50, 8))[inside]
    assert other.max() > 4
    far = np.ones((60, 80), bool)
    far[12:48, 17:63] = False
    assert np.array_equal(blended(first, mark(), "anti-removal")[far], first[far])


def test_layers_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="is not"):
        blended(noise(3), noise(3, height=32))


def test_every_mode_is_listed() -> None:
    assert get_args(Blend) == BLENDS
