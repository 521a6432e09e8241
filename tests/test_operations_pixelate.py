"""pixelate, pixelate-region and blur-region: true means, in the place that is asked for and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from transforms.image import Found, Image, PixelArray, Scale
from transforms.pipeline import Step

from .steps import apply, face, frame, picture, pixels, plain, scene


def means(array: PixelArray, block: int) -> np.ndarray:
    """By the definition, block by block."""
    result = np.empty(array.shape)
    for top in range(0, array.shape[0], block):
        for left in range(0, array.shape[1], block):
            part = np.s_[top : top + block, left : left + block]
            result[part] = array[part].mean(axis=(0, 1))
    return result


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("width", "height"), [(60, 40), (61, 47), (7, 5), (13, 1), (1, 13)])
@pytest.mark.parametrize("block", [2, 5, 12, 200])
def test_every_block_is_its_mean_the_last_ones_too(width: int, height: int, channels: int, block: int) -> None:
    image = picture(width, height, channels)
    result = pixels(apply(f"pixelate:{block}", image))
    assert np.abs(result - means(pixels(image), block)).max() <= 0.5


def test_a_block_of_one_pixel_changes_nothing() -> None:
    image = picture(40, 30, 4)
    assert np.array_equal(pixels(apply("pixelate:1", image)), pixels(image))


@pytest.mark.parametrize("text", ["pixelate:8", "pixelate-region:8", "blur-region:3"])
def test_what_transparency_hides_does_not_show(text: str) -> None:
    array = np.zeros((40, 40, 4), np.uint8)
    array[:, :, 3] = np.where(np.arange(40) < 20, 255, 0)
    array[:, 20:, :3] = (0, 255, 0)  # hidden green beside black
    result = pixels(apply(text, Image((frame(array),))))
    assert result[result[:, :, 3] > 0][:, 1].max() <= 1


def test_a_block_is_weighted_by_alpha() -> None:
    array = np.array([[[200, 100, 50, 255], [0, 0, 0, 0]]], np.uint8)
    result = pixels(apply("pixelate:2", Image((frame(array),))))
    assert result[0, 0].tolist() == pytest.approx([200, 100, 50, 128], abs=1)
    assert np.array_equal(result[0, 0], result[0, 1])


@pytest.mark.parametrize(("width", "height", "most"), [(500, 300, 50 * 30), (100, 400, 13 * 50), (10, 10, 25)])
def test_the_automatic_size_grows_with_the_picture(width: int, height: int, most: int) -> None:
    result = pixels(apply("pixelate", picture(width, height)))
    assert most / 4 < len(np.unique(result.reshape(-1, 3), axis=0)) <= most


def changed(before: PixelArray, after: PixelArray) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of what differs."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None


@pytest.mark.parametrize(
    ("arguments", "area"),
    [
        ("", (0, 0, 100, 60)),
        ("x=10,y=20", (10, 20, 100, 60)),
        ("x=10,y=20,width=30,height=25", (10, 20, 40, 45)),
        ("x=0.25,y=0.5,width=0.5,height=0.25", (25, 30, 75, 45)),
        ("y=0.75", (0, 45, 100, 60)),
        ("x=-10,y=-10,width=30,height=30", (0, 0, 20, 20)),
        ("x=90,y=50,width=500,height=8.0", (90, 50, 100, 60)),
        ("width=20,height=10,gravity=center", (40, 25, 60, 35)),
        ("width=20,height=10,x=5,y=3,gravity=center", (45, 28, 65, 38)),
        ("width=20,height=10,gravity=south_east", (80, 50, 100, 60)),
        ("x=5,y=3,width=20,height=10,gravity=south_east", (75, 47, 95, 57)),
        ("x=5,gravity=east", (0, 0, 95, 60)),
        ("x=100", None),
        ("x=-30,width=30", None),
        ("y=500,height=10", None),
    ],
)
@pytest.mark.parametrize("name", ["pixelate-region:4", "blur-region:3"])
def test_where_the_region_is(name: str, arguments: str, area: tuple[int, int, int, int] | None) -> None:
    image = picture(100, 60)
    text = f"{name},{arguments}".rstrip(",")
    assert changed(pixels(image), pixels(apply(text, image))) == area


def test_edges_are_hard_and_nothing_gets_in_or_out() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    image[20:40, 20:40] = 200
    inside = pixels(apply("blur-region:6,x=20,y=20,width=20,height=20", Image((frame(image.copy()),))))
    assert np.array_equal(inside, image)


def test_lengths_are_nominal() -> None:
    image, small = scene(400, 300), scene(200, 150)
    text = "pixelate-region:40,x=80,y=40,width=160,height=120"
    full, half = pixels(apply(text, image)), pixels(apply(text, small, scale=Scale(0.5, 0.5)))
    assert changed(pixels(small), half) == (40, 20, 120, 80)
    assert np.abs(full[::2, ::2].astype(int) - half)[20:80, 40:120].mean() < 1.5


TWO = Found(
    (face(0.1, 0.1, 0.1, 0.2, by="all-faces"), face(0.6, 0.4, 0.2, 0.4, by="all-faces"), face(0.3, 0, 0.1, 0.1))
)


@pytest.mark.parametrize(
    ("gravity", "areas"), [("face", [(56, 32, 84, 88)]), ("faces", [(8, 6, 22, 34), (56, 32, 84, 88)])]
)
@pytest.mark.parametrize("name", ["pixelate-region", "blur-region"])
def test_faces_with_their_margin(name: str, gravity: str, areas: list[tuple[int, int, int, int]]) -> None:
    image = picture(100, 100)
    before, after = pixels(image), pixels(apply(f"{name}:gravity={gravity}", image, TWO))
    expected = before.copy()
    for left, top, right, bottom in areas:
        assert changed(before[top:bottom, left:right], after[top:bottom, left:right])
        expected[top:bottom, left:right] = after[top:bottom, left:right]
    assert np.array_equal(after, expected)


def test_a_face_in_pixels_has_few_colours() -> None:
    face_only = Found((face(0.2, 0.2, 0.5, 0.5, by="all-faces"),))
    result = pixels(apply("pixelate-region:gravity=faces", picture(200, 200), face_only))
    patch = result[20:160, 20:160].reshape(-1, 3)
    assert len(np.unique(patch, axis=0)) <= 25


@pytest.mark.parametrize("name", ["pixelate-region", "blur-region"])
def test_faces_stay_hidden_where_the_detector_is_silent(name: str) -> None:
    closed = Step.parse(f"{name}:gravity=faces")
    assert closed.needs == {"all-faces"}
    assert closed.operation.hides(**closed.arguments)
    rectangle = Step.parse(f"{name}:x=5")
    assert not rectangle.needs
    assert not rectangle.operation.hides(**rectangle.arguments)


def test_writing_is_hidden_where_it_surely_is() -> None:
    step = Step.parse("blur-region:gravity=text")
    assert step.needs == {"text"}
    assert step.operation.hides(**step.arguments)
    unsure = replace(face(0.0, 0.0, 0.3, 0.9, by="text"), sure=False)
    words = Found((face(0.4, 0.4, 0.2, 0.2, by="text"), unsure))
    image = picture(100, 100)
    assert changed(pixels(image), pixels(apply("blur-region:gravity=text", image, words))) == (39, 39, 61, 61)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_even_picture_stays_as_it_is_wherever_it_is_hidden(channels: int) -> None:
    image = plain(50, 40, *(90, 120, 30, 255)[:channels])
    for text in ("pixelate:7", "blur-region:30,x=5,width=9", "pixelate-region:3,y=11", "blur-region:250"):
        assert np.array_equal(pixels(apply(text, image)), pixels(image))
