"""One colour over all: tint, colorize, sepia, blackwhite, negate, and grayscale in a colour."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.effects.tints import Gradient, ramp
from transforms.failure import Failure
from transforms.image import Image

from .pictures import gradient, noise
from .steps import apply, frame, picture, pixels, plain

LEVELS = np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis]
GRADIENT = Gradient()


def image(*arrays: np.ndarray) -> Image:
    return Image(tuple(frame(array) for array in arrays))


@pytest.mark.parametrize(
    ("colours", "level", "rgb"),
    [
        ("red", 0, (0, 0, 0)),
        ("red", 255, (255, 255, 255)),
        ("red@40", 102, (255, 0, 0)),
        ("red:blue", 0, (255, 0, 0)),
        ("red:blue", 255, (0, 0, 255)),
        ("red:lime:blue", 128, (0, 254, 1)),
        ("red@20:blue@80", 40, (255, 0, 0)),
        ("red@20:blue@80", 220, (0, 0, 255)),
        ("red@50:blue@60:yellow@40", 102, (255, 255, 0)),
        ("red@50:blue@60:yellow@40", 153, (0, 0, 255)),
        ("black:red@20:lime:blue@80:white", 128, (0, 254, 1)),
    ],
)
def test_light_and_dark_go_to_the_colours_at_their_places(colours: str, level: int, rgb: tuple[int, int, int]) -> None:
    assert np.abs(ramp(GRADIENT.parse(colours))[level][::-1].astype(int) - rgb).max() <= 2
    after = pixels(apply(f"tint:100,colors={colours}", plain(3, 2, level, level, level)))[0, 0]
    assert (after == ramp(GRADIENT.parse(colours))[level]).all()


def test_amount_blends() -> None:
    before = image(noise())
    steps = [pixels(apply(f"tint:{amount},colors=blue:yellow", before)).astype(int) for amount in (0, 50, 100)]
    assert (steps[0] == pixels(before)).all()
    assert np.abs(steps[1] - (steps[0] + steps[2]) / 2).max() <= 1


def test_tinting_black_darkens_and_white_lightens() -> None:
    before = image(gradient())
    means = [pixels(apply(f"tint:{text}", before)).mean() for text in ("75,colors=black", "0", "50,colors=white")]
    assert means[0] < means[1] * 0.75
    assert means[2] > means[1] * 1.2


def test_equalizing_uses_the_whole_gradient_and_is_one_for_all_frames() -> None:
    dull = (gradient(64, 48, 3) // 4 + 90).astype(np.uint8)
    after = apply("tint:100,colors=black:white,equalize", image(dull, np.full_like(dull, 125)))
    gray = after.frames[0].pixels
    assert (gray.min(), gray.max()) == (0, 255)
    same = np.unique(after.frames[1].pixels)
    assert len(same) == 1
    luma = pixels(apply("grayscale", image(dull)))
    assert set(gray[:, :, 0][luma[:, :, 0] == 125]) == {same[0]}
    clear = np.dstack([dull, np.zeros(dull.shape[:2], np.uint8)])
    assert (pixels(apply("tint:100,colors=red:blue,equalize", image(clear)))[:, :, 3] == 0).all()
    assert pixels(apply("tint:100,colors=black:white,equalize", plain(3, 3, 70)))[0, 0, 0] == 70


@pytest.mark.parametrize("text", ["tint:100,colors=black:white", "colorize:50,color=gray", "grayscale:white",
                                  "blackwhite", "negate"])  # fmt: skip
def test_gray_stays_gray_without_colour(text: str) -> None:
    assert pixels(apply(text, picture(20, 10, 1))).shape == (10, 20, 1)


@pytest.mark.parametrize("text", ["tint", "colorize:50,color=red", "sepia", "grayscale:red"])
@pytest.mark.parametrize("other", [3, 4])
def test_gray_becomes_what_the_same_gray_in_colour_becomes(text: str, other: int) -> None:
    gray = LEVELS.repeat(3, 2) if other == 3 else np.dstack([LEVELS.repeat(3, 2), np.full((1, 256), 77, np.uint8)])
    once, twice = pixels(apply(text, image(LEVELS))), pixels(apply(text, image(gray)))
    assert np.abs(once[:, :, :3].astype(int) - twice[:, :, :3]).max() <= 1


@pytest.mark.parametrize("text", ["tint:80", "tint:80,colors=red:blue,equalize", "colorize:60,color=red", "sepia",
                                  "blackwhite", "negate", "grayscale:red"])  # fmt: skip
def test_alpha_passes(text: str) -> None:
    before = noise(channels=4)
    assert (pixels(apply(text, image(before)))[:, :, 3] == before[:, :, 3]).all()


def test_colorize_blends_with_one_colour() -> None:
    assert pixels(apply("colorize", plain(2, 2, 9, 99, 199)))[0, 0].tolist() == [128, 128, 128]
    assert pixels(apply("colorize:25,color=ff0000", plain(2, 2, 100, 100, 100)))[0, 0].tolist() == [75, 75, 139]
    assert pixels(apply("colorize:100,color=ff000080", plain(2, 2, 0, 0, 0)))[0, 0].tolist() == [0, 0, 128]
    before = picture(5, 5)
    assert pixels(apply("colorize:0,color=red", before)) is pixels(before)


@pytest.mark.parametrize(("amount", "rgb"), [(100, (192, 171, 133)), (50, (196, 136, 92)), (1, (200, 101, 51))])
def test_sepia_is_the_filter_of_css(amount: int, rgb: tuple[int, int, int]) -> None:
    # (200, 100, 50) by the matrix of Filter Effects 1, 9.4: 165, 147, 114 at full strength.
    full = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]]) @ (200, 100, 50)
    expected = full * amount / 100 + np.array([200, 100, 50]) * (1 - amount / 100)
    after = pixels(apply(f"sepia:{amount}", plain(2, 2, 50, 100, 200)))[0, 0][::-1]
    assert np.abs(after - expected).max() <= 0.6


@pytest.mark.parametrize(("threshold", "whites"), [(0, 256), (25, 192), (50, 128), (75, 64), (99, 2), (100, 0)])
def test_blackwhite_divides_at_the_threshold(threshold: int, whites: int) -> None:
    after = pixels(apply(f"blackwhite:{threshold}", image(LEVELS)))
    assert set(np.unique(after)) <= {0, 255}
    assert (after[0, 256 - whites :] == 255).all()
    assert (after == 255).sum() == whites


def test_blackwhite_goes_by_luma() -> None:
    green, red = plain(2, 2, 0, 255, 0), plain(2, 2, 0, 0, 255)
    assert pixels(apply("blackwhite", green)).tolist() == [[[255]] * 2] * 2
    assert pixels(apply("blackwhite", red)).max() == 0


def test_negating_twice_is_nothing() -> None:
    before = image(noise(channels=4))
    once = apply("negate", before)
    assert (pixels(once)[:, :, :3] == 255 - pixels(before)[:, :, :3]).all()
    assert (pixels(apply("negate", once)) == pixels(before)).all()


def test_grayscale_in_a_colour_is_as_light_as_without() -> None:
    before = image(noise())
    gray = pixels(apply("grayscale", before)).astype(int)
    shaded = apply("grayscale:c04080", before)
    assert np.abs(pixels(apply("grayscale", shaded)).astype(int) - gray).max() <= 1
    assert pixels(apply("grayscale:c04080", plain(2, 2, 0, 0, 0))).max() == 0
    assert pixels(apply("grayscale:c04080", plain(2, 2, 255, 255, 255))).min() == 255
    itself = pixels(apply("grayscale:c04080", plain(2, 2, 0x80, 0x40, 0xC0)))[0, 0].astype(int)
    assert np.abs(itself - [0x80, 0x40, 0xC0]).max() <= 1
    assert (pixels(apply("grayscale:gray", before)) == gray).all()


@pytest.mark.parametrize("text", ["red@50.5:0000ff", "red", "f00@0:00f@100", ":".join(["lime"] * 10)])
def test_gradients_read_back(text: str) -> None:
    stops = GRADIENT.parse(text)
    assert GRADIENT.parse(GRADIENT.print(stops)) == stops


def test_a_refused_colour_has_a_hint() -> None:
    with pytest.raises(Failure) as caught:
        GRADIENT.parse("red:bleu")
    assert caught.value.hint == "did you mean 'blue'?"
