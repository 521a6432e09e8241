"""crop and smart-crop: which part of the picture is taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.attention import best_window, by_gravity
from transforms.failure import Failure
from transforms.geometry import around, largest, pixels_in
from transforms.image import Box, Found, Image, Saliency, Scale, Size
from transforms.params import Focus

from .steps import apply, coordinates, face, pixels, projected, scene, thing

SOURCE = Size(1600, 1200)


def taken(text: str, found: Found = Found()) -> tuple[int, int, int, int]:  # noqa: B008 - frozen
    """Left, top, right and bottom of what a step that does not scale takes of 256 × 256 pixels."""
    result = pixels(apply(text, coordinates(), found))
    return int(result[0, 0, 0]), int(result[0, 0, 1]), int(result[-1, -1, 0]) + 1, int(result[-1, -1, 1]) + 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("100x50", (78, 103, 178, 153)),
        ("100x", (78, 0, 178, 256)),
        ("x50", (0, 103, 256, 153)),
        ("0.5x0.25", (64, 96, 192, 160)),
        ("100x50,x=10,y=20", (10, 20, 110, 70)),
        ("100x50,x=10", (10, 0, 110, 50)),
        ("100x50,x=0.5,y=0.25", (128, 64, 228, 114)),
        ("100x50,gravity=north", (78, 0, 178, 50)),
        ("100x50,gravity=south_east", (156, 206, 256, 256)),
        ("100x50,x=10,y=20,gravity=north_west", (10, 20, 110, 70)),
        ("100x50,x=10,y=20,gravity=south_east", (146, 186, 246, 236)),
        ("100x50,x=10,y=20,gravity=center", (88, 123, 188, 173)),
        ("100x50,x=10,gravity=north", (88, 0, 188, 50)),
        ("100x50,gravity=0.5:0.5", (78, 103, 178, 153)),
        ("100x50,gravity=0:0", (0, 0, 100, 50)),
        ("100x50,gravity=1.0:0.75", (156, 167, 256, 217)),
        ("100x50,gravity=120:80", (70, 55, 170, 105)),  # pixels
        ("100x50,gravity=1:1", (0, 0, 100, 50)),
        ("100x50,gravity=1.0:1.0", (156, 206, 256, 256)),
        ("100x50,gravity=9999:200", (156, 175, 256, 225)),  # moved into the picture
        ("ratio=2:1", (0, 64, 256, 192)),
        ("ratio=2:1,gravity=north", (0, 0, 256, 128)),
        ("100x50,x=200,y=230", (200, 230, 256, 256)),  # clipped
        ("100x50,x=-20,y=-30", (0, 0, 80, 20)),
        ("1000x50", (0, 103, 256, 153)),
        ("1.0x1.0,ratio=2:1", (0, 64, 256, 192)),
        ("200x100,ratio=1:1", (78, 78, 178, 178)),
        ("x100,ratio=1:1", (78, 78, 178, 178)),
        ("8000x8000,ratio=2:1", (0, 64, 256, 192)),
        ("1x1,x=255,y=255", (255, 255, 256, 256)),
    ],
)
def test_the_region(arguments: str, expected: tuple[int, int, int, int]) -> None:
    text = f"crop:{arguments}"
    assert taken(text) == expected
    size = projected(text, Size(256, 256))
    assert (size.width, size.height) == (expected[2] - expected[0], expected[3] - expected[1])


@pytest.mark.parametrize(
    "arguments", ["100x50,x=256", "100x50,x=0,y=256", "100x50,x=-100", "10x10,y=1.0", "10x10,x=300,gravity=center"]
)
def test_a_region_outside_is_refused(arguments: str) -> None:
    with pytest.raises(Failure) as caught:
        projected(f"crop:{arguments}", Size(256, 256))
    assert (caught.value.code, caught.value.details["reason"]) == ("bad-argument", "outside-the-picture")
    with pytest.raises(Failure):
        apply(f"crop:{arguments}", coordinates())


def test_lengths_are_nominal() -> None:
    """A source decoded at half its size gives half as many pixels of the same part."""
    result = pixels(apply("crop:100x50,x=20,y=40", coordinates(), scale=Scale(0.5, 0.5)))
    assert result.shape[:2] == (25, 50)
    assert result[0, 0, :2].tolist() == [10, 20]


def test_a_region_is_shared_not_copied() -> None:
    image = coordinates()
    assert np.shares_memory(pixels(apply("crop:100x50", image)), pixels(image))


@pytest.mark.parametrize(("gravity", "expected"), [("face", (200, 50)), ("faces", (150, 75)), ("auto", None)])
def test_gravity_centres_on_what_was_found(gravity: str, expected: tuple[int, int] | None) -> None:
    found = Found(
        regions=(face(180 / 256, 20 / 256, 40 / 256, 60 / 256), face(100 / 256, 90 / 256, 20 / 256, 20 / 256))
    )
    left, top, right, bottom = taken(f"crop:60x80,x=3,y=3,gravity={gravity}", found)
    assert (right - left, bottom - top) == (60, 80)
    assert left <= 180
    assert right >= 220  # the largest face is inside, offsets or not
    if gravity == "face":
        assert ((left + right) / 2, (top + bottom) / 2) == expected


def test_all_faces_are_kept_where_they_fit() -> None:
    found = Found(regions=(face(0.1, 0.4, 0.1, 0.1), face(0.4, 0.5, 0.2, 0.2)))
    left, top, right, bottom = taken("crop:160x160,gravity=faces", found)
    assert left / 256 <= 0.1
    assert right / 256 >= 0.6
    assert top / 256 <= 0.4
    assert bottom / 256 >= 0.7


# smart-crop


def window_of(image: Image, text: str, found: Found) -> Box:
    """What a step takes, in fractions of the picture before it."""
    inverse = np.linalg.inv(np.vstack([apply(text, image, found).from_source, [0, 0, 1]]))
    (left, top, _), (right, bottom, _) = inverse @ [0, 0, 1], inverse @ [1, 1, 1]
    return Box.between(left, top, right, bottom)


@pytest.mark.parametrize("side", [0.1, 0.5, 0.85])
def test_smart_crop_keeps_what_catches_the_eye(side: float) -> None:
    saliency = np.full((40, 160), 10, np.uint8)
    saliency[10:30, int(side * 160) - 8 : int(side * 160) + 8] = 255
    window = window_of(scene(800, 200), "smart-crop:100x100", Found(saliency=Saliency(saliency)))
    assert window.x <= side - 0.05
    assert window.right >= side + 0.05


def test_smart_crop_keeps_objects_before_patterns() -> None:
    saliency = np.zeros((40, 160), np.uint8)
    saliency[:, :30] = 255
    found = Found(regions=(thing("dog", 0.7, 0.2, 0.2, 0.7),), saliency=Saliency(saliency))
    window = window_of(scene(800, 200), "smart-crop:100x100", found)
    assert window.x <= 0.7
    assert window.right >= 0.9


def test_smart_crop_never_halves_the_largest_face() -> None:
    crowd = tuple(thing("person", 0.02 + 0.05 * at, 0.1, 0.1, 0.9) for at in range(8))
    found = Found(regions=(*crowd, face(0.8, 0.3, 0.1, 0.4), face(0.1, 0.3, 0.02, 0.05)))
    window = window_of(scene(800, 200), "smart-crop:100x100", found)
    assert window.x <= 0.8 - 0.02 + 0.001  # with 20 % of the face beside it
    assert window.right >= 0.9 + 0.02 - 0.001


def test_smart_crop_with_nothing_found_takes_the_middle() -> None:
    window = window_of(scene(800, 200), "smart-crop:100x100", Found())
    assert window.centre == pytest.approx((0.5, 0.5), abs=0.01)


def test_unsure_objects_do_not_count() -> None:
    found = Found(regions=(thing("dog", 0.8, 0.2, 0.2, 0.7, score=0.3),))
    assert window_of(scene(800, 200), "smart-crop:100x100", found).centre[0] == pytest.approx(0.5, abs=0.01)


# Windows


fractions = st.floats(0.01, 1.0)
places = st.floats(-0.5, 1.5)
pictures = st.builds(Size, st.integers(1, 4000), st.integers(1, 4000))


@given(picture=pictures, ratio=st.fractions(min_value="1/100", max_value=100))
def test_the_largest_window_fills_one_axis(picture: Size, ratio: float) -> None:
    width, height = largest(ratio, picture)
    assert max(width, height) == 1.0
    assert min(width, height) > 0
    assert width * picture.width / (height * picture.height) == pytest.approx(float(ratio), rel=1e-9)


@given(x=places, y=places, width=fractions, height=fractions)
def test_a_window_is_moved_into_the_picture(x: float, y: float, width: float, height: float) -> None:
    window = around((x, y), width, height)
    assert (window.width, window.height) == (width, height)
    assert window.x >= 0
    assert window.y >= 0
    assert window.right <= 1 + 1e-9
    assert window.bottom <= 1 + 1e-9
    if width / 2 <= x <= 1 - width / 2:
        assert window.centre[0] == pytest.approx(x)


@given(picture=pictures, x=places, y=places, width=fractions, height=fractions)
def test_pixels_of_a_window_lie_inside(picture: Size, x: float, y: float, width: float, height: float) -> None:
    left, top, across, down = pixels_in(around((x, y), width, height), picture)
    assert 0 <= left < left + across <= picture.width
    assert 0 <= top < top + down <= picture.height
    assert abs(across - width * picture.width) <= max(0.5, 1 - width * picture.width) + 1e-6


@given(width=fractions, height=fractions, x=st.floats(0, 0.9), y=st.floats(0, 0.9), side=st.floats(0.01, 0.1))
def test_the_best_window_lies_inside_and_holds_the_face(
    width: float, height: float, x: float, y: float, side: float
) -> None:
    window = best_window(Found(regions=(face(x, y, side, side),)), width, height)
    assert (window.width, window.height) == (width, height)
    assert window.x >= 0
    assert window.right <= 1 + 1e-9
    if width >= 1.4 * side:
        assert window.x <= x + 1e-9
        assert window.right >= x + side - 1e-9
    if height >= 1.4 * side:
        assert window.y <= y + 1e-9
        assert window.bottom >= y + side - 1e-9


@pytest.mark.parametrize(
    ("gravity", "expected"),
    [
        ("north_west", (0, 0)),
        ("south_east", (0.75, 0.5)),
        ("center", (0.375, 0.25)),
        (Focus(0.5, 1.0), (0.375, 0.5)),
        (Focus(2, 1), (0.375, 0.5)),
        ("face", (0.375, 0.25)),
    ],
)
def test_where_a_gravity_puts_the_window(gravity: str | Focus, expected: tuple[float, float]) -> None:
    window = by_gravity(gravity, 0.25, 0.5, Found(), Size(4, 1))
    assert (window.x, window.y) == pytest.approx(expected)


def test_objects_out_of_sight_do_not_pull() -> None:
    found = Found(regions=(thing("dog", 1.2, 0.2, 0.2, 0.2), thing("cat", 0.1, 0.2, 0.1, 0.2)))
    assert best_window(found, 0.2, 1.0).x <= 0.1
