"""vignette and gradient-fade."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.image import Image

from .steps import apply, frame, picture, pixels, plain


@pytest.mark.parametrize("text", ["vignette:0", "gradient-fade:0", "gradient-fade:50,x=0,y=0"])
def test_nothing_at_nought(text: str) -> None:
    image = picture(30, 20, 4)
    assert pixels(apply(text, image)) is pixels(image)


@pytest.mark.parametrize(("strength", "corner"), [(20, 0.64), (50, 0.25), (100, 0.0), (1, 0.9801)])
def test_a_vignette_is_exact_in_the_middle_and_the_corners(strength: int, corner: float) -> None:
    result = pixels(apply(f"vignette:{strength}", plain(101, 61, 200))).astype(float)[:, :, 0]
    assert result[30, 50] == 200
    assert result[[0, 0, -1, -1], [0, -1, 0, -1]] == pytest.approx(200 * corner, abs=1)
    assert result[30, 0] == pytest.approx(200 * (1 - (1 - corner) * 0.75), abs=1)
    assert np.array_equal(result, result[::-1, ::-1])
    assert (np.diff(result[30, :51]) >= 0).all()


def test_a_vignette_grows_with_its_strength_and_keeps_alpha() -> None:
    image = picture(40, 30, 4)
    looks = [pixels(apply(f"vignette:{strength}", image)) for strength in range(0, 101, 5)]
    assert all(np.array_equal(look[:, :, 3], pixels(image)[:, :, 3]) for look in looks)
    sums = [int(look[:, :, :3].sum()) for look in looks]
    assert sums == sorted(sums, reverse=True)
    assert len(set(sums)) == len(sums)


def alpha(text: str, width: int = 200, height: int = 100) -> np.ndarray:
    return pixels(apply(text, plain(width, height, 10, 20, 30)))[:, :, 3].astype(float) / 255


@pytest.mark.parametrize(
    ("text", "axis", "long", "far"),
    [
        ("gradient-fade", 0, 50, False), ("gradient-fade:20,y=0.25", 0, 25, False),
        ("gradient-fade:20,y=-40", 0, 40, True),
        ("gradient-fade:20,x=0.5", 1, 100, False), ("gradient-fade:20,x=-0.1", 1, 20, True),
    ],
)  # fmt: skip
def test_which_edge_fades_and_how_far(text: str, axis: int, long: int, far: bool) -> None:
    shown = alpha(text) if axis == 0 else alpha(text).T
    shown = shown[::-1] if far else shown
    assert np.abs(shown[:long, 0] - (np.arange(long) + 0.5) / long).max() < 0.005
    assert (shown[long:] == 1).all()
    assert (shown == shown[:, :1]).all()


@pytest.mark.parametrize(("strength", "power"), [(5, 0.25), (20, 1), (60, 3), (100, 5)])
def test_strength_is_a_power(strength: int, power: float) -> None:
    place = (np.arange(50) + 0.5) / 50
    assert np.abs(alpha(f"gradient-fade:{strength}")[:50, 0] - place**power).max() < 0.005


def test_both_edges() -> None:
    shown = alpha("gradient-fade:20,symmetric,x=0.5")
    assert np.array_equal(shown, shown[:, ::-1])
    assert shown[0, 99] > 0.99
    assert shown[0, 0] < 0.01
    corner = alpha("gradient-fade:20,symmetric,x=0.2,y=-0.2")
    assert corner[4, 8] == pytest.approx(corner[4, 100] * corner[50, 8], abs=0.01)
    assert corner[50, 100] == 1


def test_alpha_is_multiplied_and_colours_stay() -> None:
    image = picture(30, 40, 4)
    before, after = pixels(image), pixels(apply("gradient-fade:20,y=20", image))
    assert np.array_equal(before[:, :, :3], after[:, :, :3])
    assert np.array_equal(before[20:], after[20:])
    assert (after[:, :, 3] <= before[:, :, 3]).all()


def test_into_the_margin() -> None:
    padded = apply("pad:300x100,background=ff0000", plain(100, 100, 0, 200, 0))
    assert np.array_equal(pixels(padded)[0, 99], (0, 0, 255))
    result = pixels(apply("gradient-fade:20,symmetric-pad,x=0.4", padded)).astype(float)
    assert result.shape[2] == 3
    assert (result[:, :100] == (0, 0, 255)).all()
    assert (result[:, 200:] == (0, 0, 255)).all()
    place = (np.arange(40) + 0.5) / 40
    assert np.abs(result[50, 100:140, 1] - 200 * place).max() <= 1
    assert np.abs(result[50, 160:200, 1] - 200 * place[::-1]).max() <= 1
    assert (result[:, 140:160] == (0, 200, 0)).all()


def test_without_a_margin_it_becomes_transparent() -> None:
    image = plain(80, 60, 1, 2, 3)
    one, other = (pixels(apply(f"gradient-fade:30,{kind},x=0.3", image)) for kind in ("symmetric", "symmetric-pad"))
    assert np.array_equal(one, other)


def test_a_gray_picture_gets_alpha_and_a_vignette_leaves_it_gray() -> None:
    assert pixels(apply("gradient-fade", picture(10, 10, 1))).shape[2] == 4
    assert pixels(apply("vignette", picture(10, 10, 1))).shape[2] == 1
    for size in ((1, 1), (1, 9), (9, 1)):
        assert (
            apply("vignette:100", Image((frame(np.full((*size, 1), 90, np.uint8)),))).size.pixels == size[0] * size[1]
        )
