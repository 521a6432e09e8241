"""What stands behind a picture: colours taken from it, gradients of them, and the picture itself, blurred."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.failure import Failure
from transforms.image import Frame, Image, PixelArray, Size
from transforms.params import BackdropText
from transforms.resample import shrink

from .steps import apply, frame, picture, pixels, plain, scene

RED, GREEN, BLUE, WHITE, BLACK, NAVY = (
    (0, 0, 255), (0, 128, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0), (128, 0, 0)
)  # fmt: skip

TEXT = BackdropText()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("white", "ffffff"),
        ("rgb:f008", "ff000088"),
        ("auto", "auto"),
        ("auto:border", "auto"),
        ("auto:predominant", "auto:predominant"),
        ("auto:border_contrast", "auto:border_contrast"),
        ("auto:palette_red_green", "auto:border:palette_ff0000_008000"),
        ("auto:border:palette_red_00f", "auto:border:palette_ff0000_0000ff"),
        ("auto:border_gradient:2", "auto:border_gradient"),
        ("auto:predominant_gradient:4:diagonal_desc", "auto:predominant_gradient:4:diagonal_desc"),
        ("auto:border_gradient:palette_red_green", "auto:border_gradient:palette_ff0000_008000"),
        ("auto:predominant_gradient_contrast:horizontal", "auto:predominant_gradient_contrast:horizontal"),
        ("blurred", "blurred"),
        ("blurred:100:0", "blurred"),
        ("blurred:400", "blurred:400"),
        ("blurred:100:-300", "blurred:100:-300"),
    ],
)
def test_text_reads_back(text: str, canonical: str) -> None:
    value = TEXT.parse(text)
    assert TEXT.print(value) == canonical
    assert TEXT.parse(canonical) == value


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("auto:predominent", "'predominant'"),
        ("auto:border_gradient:horizontl", "'horizontal'"),
        ("auto:border:horizontal", "auto:border_gradient"),
        ("auto:border_gradient:3", None),
        ("auto:border:palette_red_gren", "'green'"),
        ("blured", "'blurred'"),
        ("blurred:soft", "from 1 to 2000"),
        ("withe", "'white'"),
    ],
)
def test_what_is_refused_and_how(text: str, hint: str | None) -> None:
    with pytest.raises(Failure) as caught:
        TEXT.parse(text)
    assert caught.value.code == "bad-argument"
    assert hint is None or hint in (caught.value.hint or "")


def framed(border: tuple[int, ...], inside: tuple[int, ...], width: int = 60, height: int = 40, by: int = 2) -> Image:
    result = np.full((height, width, len(border)), border, np.uint8)
    result[by:-by, by:-by] = inside
    return Image((frame(result),))


def halves(left: tuple[int, ...], right: tuple[int, ...], width: int = 60, height: int = 40) -> Image:
    result = np.full((height, width, len(left)), left, np.uint8)
    result[:, width // 2 + 4 :] = right  # the left one is the more frequent
    return Image((frame(result),))


def margin(text: str, image: Image) -> PixelArray:
    """What the room above a picture is filled with, on a canvas twice as high."""
    height = image.size.height
    return pixels(apply(f"pad:{image.size.width}x{2 * height},gravity=south,background={text}", image))[:height]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", RED),
        ("auto:border", RED),
        ("auto:predominant", BLUE),
        ("auto:border_contrast", BLACK),
        ("auto:predominant_contrast", RED),
        ("auto:border:palette_navy_maroon", (0, 0, 128)),
        ("auto:predominant:palette_navy_maroon", NAVY),
    ],
)
def test_a_colour_is_taken_from_the_picture(text: str, expected: tuple[int, int, int]) -> None:
    shown = margin(text, framed(RED, BLUE))
    assert (shown == expected).all()


def test_noise_does_not_split_a_colour() -> None:
    """A grainy border of many shades counts as one against a flat colour that covers a third."""
    random = np.random.default_rng(1)
    grainy = (100 + random.integers(-7, 8, (40, 60, 3))).astype(np.uint8)
    grainy[:, :14] = (30, 200, 30)
    shown = margin("auto", Image((frame(grainy),)))[0, 0]
    assert np.abs(shown.astype(int) - 100).max() <= 2


def test_the_contrast_is_that_of_the_main_colours() -> None:
    picture = np.full((40, 90, 3), WHITE, np.uint8)
    picture[:, 50:80], picture[:, 80:] = (220, 220, 220), (60, 20, 20)
    assert tuple(margin("auto:predominant_contrast", Image((frame(picture),)))[0, 0]) == (60, 20, 20)


@pytest.mark.parametrize(("colour", "expected"), [(WHITE, BLACK), (BLACK, WHITE), ((20, 20, 90), WHITE)])
def test_the_contrast_of_one_colour_is_black_or_white(
    colour: tuple[int, ...], expected: tuple[int, ...]
) -> None:  # fmt: skip
    assert (margin("auto:border_contrast", plain(9, 9, *colour)) == expected).all()


@pytest.mark.parametrize(
    ("direction", "corners"),  # top left, top right, bottom left, bottom right: 0 is red, 1 is blue
    [
        ("horizontal", (0, 1, 0, 1)),
        ("vertical", (0, 0, 1, 1)),
        ("diagonal_desc", (0, 0.5, 0.5, 1)),
        ("diagonal_asc", (0.5, 1, 0, 0.5)),
    ],
)
def test_a_gradient_runs_in_its_direction(direction: str, corners: tuple[float, ...]) -> None:
    image = Image((frame(np.zeros((40, 60, 4), np.uint8)),))
    shown = np.zeros((40, 60, 4), np.uint8)
    shown[1:39, 1:25], shown[30:39, 30:59] = (*RED, 255), (*BLUE, 255)
    image = Image((frame(shown),))
    result = pixels(apply(f"background:auto:predominant_gradient:{direction}", image))
    found = [result[y, x, 0] / 255 for y, x in ((0, 0), (0, -1), (-1, 0), (-1, -1))]
    assert found == pytest.approx(corners, abs=0.06)


def test_a_gradient_begins_with_the_colour_that_lies_first() -> None:
    shown = margin("auto:predominant_gradient:horizontal", halves(BLUE, RED))
    assert (shown[0, 0, 0] > 240, shown[0, -1, 2] > 240) == (True, True)
    mirrored = margin("auto:predominant_gradient:horizontal", apply("flip", halves(BLUE, RED)))
    assert (mirrored[0, 0, 2] > 240, mirrored[0, -1, 0] > 240) == (True, True)


def test_a_gradient_runs_the_way_in_which_there_is_room() -> None:
    image = halves(BLUE, RED)
    wide = pixels(apply("pad:200x40,background=auto:predominant_gradient", image))
    high = pixels(apply("pad:60x200,background=auto:predominant_gradient", image))
    assert (wide[0] == wide[-1]).all()
    assert not (wide[0, 0] == wide[0, -1]).all()
    assert (high[:80, 0] == high[:80, -1]).all()
    assert not (high[0, 0] == high[-1, 0]).all()


def test_four_colours_at_even_distances() -> None:
    quarters = np.repeat(np.array([[RED, GREEN, BLUE, WHITE]], np.uint8), 30, axis=1).repeat(40, axis=0)
    shown = margin("auto:predominant_gradient:4:horizontal", Image((frame(quarters),)))[0].astype(int)
    for at, colour in zip((0, 40, 79, 119), (RED, GREEN, BLUE, WHITE), strict=True):
        assert np.abs(shown[at] - colour).max() <= 6


def test_a_gradient_takes_each_colour_of_the_palette_once() -> None:
    shown = margin("auto:border_gradient:horizontal:palette_red_green", halves((20, 20, 250), (30, 30, 200)))[0]
    assert np.abs(shown[0].astype(int) - RED).max() <= 3
    assert np.abs(shown[-1].astype(int) - GREEN).max() <= 3


def test_a_gradient_of_one_colour_is_that_colour() -> None:
    assert (margin("auto:border_gradient", plain(9, 9, *BLUE)) == BLUE).all()
    two = margin("auto:border_gradient_contrast:vertical", plain(9, 9, *BLACK))
    assert np.ptp(two) > 100  # the upper half of black and white


@pytest.mark.parametrize("text", ["auto", "auto:predominant", "auto:border_gradient:4", "blurred", "blurred:2000:50"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (33, 20)])
def test_any_picture_has_a_backdrop(text: str, channels: int, size: tuple[int, int]) -> None:
    result = apply(f"pad:40x30,enlarge,background={text}", picture(*size, channels, frames=2))
    assert len(result.frames) == 2
    for shown in result.frames:
        assert shown.size == Size(40, 30)
        assert shown.channels == channels
    filled = apply(f"background:{text}", picture(*size, channels, frames=2))
    assert {shown.channels for shown in filled.frames} == {1 if channels == 1 else 3}
    assert filled.size == Size(*size)


def test_only_the_margin_is_painted() -> None:
    image = picture(20, 20, 4)
    for text in ("auto:border_gradient", "blurred"):
        result = pixels(apply(f"pad:40x20,background={text}", image))
        assert np.array_equal(result[:, 10:30], pixels(image))
        assert (result[:, :10, 3] == 255).all()


def test_what_cannot_be_seen_is_no_colour() -> None:
    drawing = framed((*GREEN, 0), (*RED, 255))
    assert (margin("auto", drawing) == (*RED, 255)).all()  # nothing is to be seen along the border
    assert (margin("auto:predominant", drawing) == (*RED, 255)).all()
    assert (margin("auto", plain(9, 9, *GREEN, 0)) == 255).all()


def test_the_border_of_a_turned_picture_is_its_own() -> None:
    """The turned picture touches its canvas in one pixel a side, of another colour here than its edges."""
    canvas = np.full((41, 61, 4), (*GREEN, 0), np.uint8)
    for row in range(41):
        reach = min(row, 40 - row)
        canvas[row, 30 - reach : 31 + reach] = (*RED, 255)
    canvas[[0, -1], 30] = canvas[20, [10, 50]] = (*BLUE, 255)
    assert (margin("auto", Image((frame(canvas),))) == (*RED, 255)).all()


def test_an_animation_keeps_its_colour() -> None:
    red, blue = (np.full((10, 10, 3), colour, np.uint8) for colour in (RED, BLUE))
    result = apply("pad:20x10,background=auto", Image((Frame(red, 40), Frame(blue, 40))))
    assert [tuple(shown.pixels[0, 0].tolist()) for shown in result.frames] == [RED, RED]
    moving = apply("pad:20x10,background=blurred", Image((Frame(red, 40), Frame(blue, 40))))
    assert [tuple(shown.pixels[0, 0].tolist()) for shown in moving.frames] == [RED, BLUE]


def test_blurred_is_the_picture_over_all_of_the_canvas() -> None:
    result = pixels(apply("pad:400x100,background=blurred:20", halves(RED, BLUE, 200, 100))).astype(int)
    assert np.abs(result[:, 20] - RED).max() <= 8
    assert np.abs(result[:, -20] - BLUE).max() <= 8


def test_more_intensity_is_more_blur() -> None:
    image = scene(100, 100)
    rough = [
        np.abs(
            np.diff(pixels(apply(f"pad:400x100,background=blurred:{by}", image))[:, :140].astype(int), axis=1)
        ).mean()
        for by in (10, 100, 400, 2000)
    ]
    assert rough == sorted(rough, reverse=True)
    assert rough[0] > 4 * rough[-1]


@pytest.mark.parametrize(("by", "expected"), [(0, 100), (50, 150), (100, 200), (-50, 50), (-100, 0), (-300, 0)])
def test_brightness_is_in_per_cent(by: int, expected: int) -> None:
    result = pixels(apply(f"pad:40x10,background=blurred:100:{by}", plain(10, 10, 100)))
    assert abs(int(result[0, 0, 0]) - expected) <= 1
    assert result[0, 20, 0] == 100


def test_background_fills_what_is_transparent() -> None:
    drawing = framed((*RED, 255), (*GREEN, 0))
    result = pixels(apply("background:auto", drawing))
    assert (result == RED).all()
    half = framed((*RED, 255), (*BLUE, 128))
    assert np.abs(pixels(apply("background:auto", half))[20, 30].astype(int) - (128, 0, 127)).max() <= 1
    opaque = picture(10, 10)
    assert apply("background:blurred", opaque) is opaque


@pytest.mark.parametrize("text", ["auto", "auto:predominant", "auto:border_gradient:4", "blurred:100"])
def test_a_source_that_was_decoded_smaller_gives_nearly_the_same(text: str) -> None:
    image = scene(1024, 768)
    small = Image((image.frames[0].with_pixels(shrink(pixels(image), Size(512, 384))),))
    results = [pixels(apply(f"pad:200x200,background={text}", subject)).astype(int) for subject in (image, small)]
    assert np.abs(results[0] - results[1]).mean() < 3


def test_contain_has_the_same_backdrops() -> None:
    image = framed(RED, BLUE)
    contained = apply("resize:60x80,fit=contain,background=auto,gravity=north", image)
    assert (pixels(contained)[40:] == RED).all()


def test_blurred_takes_what_is_transparent_from_what_is_near() -> None:
    """Blue on the left is the predominant colour, but the clear corners on the right lie beside red."""
    image = halves(BLUE, RED, 200, 100)
    clear = np.dstack([pixels(image), np.full((100, 200), 255, np.uint8)])
    clear[:20, 180:, 3] = 0
    clear[:, 99:110, :3] = clear[0, 0, :3]  # a little more of the blue
    result = pixels(apply("background:blurred:20", Image((Frame(clear),))))
    blue, _, red = result[5, 195].astype(int)
    assert red > 200
    assert blue < 60
