"""Another colour scheme for graphics."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.effects.theming import ground_of
from transforms.hues import Colour
from transforms.image import Image, PixelArray

from .steps import apply, frame, pixels, plain, scene

PHOTO = slice(80, 200), slice(40, 200)


def page(ground: int = 255, ink: int = 0) -> PixelArray:
    """A screenshot: lines of writing, a red button, and a photograph."""
    drawn = np.full((300, 240, 3), ground, np.uint8)
    drawn[10:70:6, 20:220:3] = ink
    drawn[220:250, 20:90] = (30, 30, 200)
    grain = np.random.default_rng(1).integers(-12, 13, (120, 160, 1))
    drawn[PHOTO] = (pixels(scene(640, 480))[200:320, 300:460] + grain).clip(0, 255)
    return drawn


def image(array: PixelArray) -> Image:
    return Image((frame(array),))


@pytest.mark.parametrize(
    ("ground", "ink", "to", "after"),
    [
        (255, 0, "black", (0, 255)),
        (0, 255, "white", (255, 0)),
        (255, 0, "c0c0c0", (192, 0)),
        (20, 230, "404040", (64, 233)),
        (255, 60, "101010", (16, 187)),
    ],
)
def test_the_ground_becomes_the_colour_and_ink_keeps_its_contrast(
    ground: int, ink: int, to: str, after: tuple[int, int]
) -> None:
    result = pixels(apply(f"theme:{to}", image(page(ground, ink)))).astype(int)
    assert np.abs(result[280, 120] - after[0]).max() <= 1
    assert np.abs(result[10, 20] - after[1]).max() <= 3


def test_photographs_stay_to_the_pixel_and_nothing_around_them_does() -> None:
    before = page()
    after = pixels(apply("theme:black", image(before)))
    assert (after[PHOTO] == before[PHOTO]).all()
    assert after[79, 40:200].max() == after[80:200, 39].max() == after[200, 40:200].max() == 0


def test_colours_keep_their_hue() -> None:
    blue, green, red = pixels(apply("theme:black", image(page())))[235, 50].astype(int)
    assert red > 150
    assert max(blue, green) < red * 0.65


def test_sensitivity_says_what_a_photograph_is() -> None:
    before = page()
    kept = [
        int((pixels(apply(f"theme:black,{sensitivity}", image(before)))[PHOTO] == before[PHOTO]).all(axis=2).sum())
        for sensitivity in (0, 100, 200)
    ]
    assert kept[0] < 0.2 * kept[1]
    assert kept[1] == kept[2]
    whole = image(before)
    assert apply("theme:black,200", whole) is whole


def test_the_ground_is_what_covers_most_of_what_is_seen() -> None:
    assert ground_of(page(250, 9)) == Colour(250, 250, 250)
    clear = np.full((20, 20, 4), (10, 20, 30, 0), np.uint8)
    assert ground_of(clear) is None
    clear[3:6, 3:6] = (200, 100, 50, 255)
    assert ground_of(clear) == Colour(50, 100, 200)


def test_alpha_passes_gray_takes_colour_and_that_of_the_colour_weakens() -> None:
    before = np.dstack([page(), np.full(page().shape[:2], 90, np.uint8)])
    assert (pixels(apply("theme:black", image(before)))[:, :, 3] == 90).all()
    assert np.abs(pixels(apply("theme:203050", plain(40, 30, 255)))[5, 5].astype(int) - (0x50, 0x30, 0x20)).max() <= 1
    assert np.abs(pixels(apply("theme:00000080", plain(40, 30, 255)))[5, 5].astype(int) - 127).max() <= 1


def test_an_animation_is_measured_once() -> None:
    first, second = np.full((40, 40, 3), 255, np.uint8), np.full((40, 40, 3), 0, np.uint8)
    after = apply("theme:black", Image((frame(first), frame(second))))
    assert after.frames[0].pixels.max() == 0
    assert after.frames[1].pixels.min() == 255


def test_what_is_out_of_focus_is_no_ground() -> None:
    """Neighbouring pixels are alike there, as in a drawing; a tenth of the picture further they are not."""
    soft = apply("blur:12", scene(400, 300))
    assert np.array_equal(pixels(apply("theme:black", soft)), pixels(soft))
    assert (pixels(apply("theme:black,photosensitivity=0", soft)) != pixels(soft)).any()
