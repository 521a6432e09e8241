"""Colours and saliency, on pictures built here."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.colours import CLUSTERS, NAMED
from detectors.local import find_local

RED, GREEN, BLUE, WHITE, BLACK = (0, 0, 255), (0, 128, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0)


def plain(color, size=(60, 80)):
    return np.full((*size, len(color)), color, np.uint8)


def colors(pixels):
    return [(swatch.name, swatch.share) for swatch in find_local({"colors"}, pixels).colors]


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (37, 41), (400, 300)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_size_and_number_of_channels(size, channels):
    found = find_local({"colors", "saliency"}, np.full((*size, channels), 255, np.uint8))
    assert [(swatch.hex, swatch.name, swatch.share) for swatch in found.colors] == [("#ffffff", "white", 1.0)]
    height, width = found.saliency.map.shape
    assert max(height, width) <= 160
    assert not found.saliency.map.any()


def test_colours_by_share():
    pixels = plain(BLUE, (100, 100))
    pixels[:30] = RED
    pixels[90:] = WHITE
    assert colors(pixels) == [("blue", 0.6), ("red", 0.3), ("white", 0.1)]


def test_a_speck_is_no_main_colour():
    pixels = plain(WHITE, (100, 100))
    pixels[:10, :10] = BLACK
    assert [name for name, _ in colors(pixels)] == ["white"]


def test_what_is_transparent_does_not_count():
    pixels = plain((*RED, 0), (50, 50))
    pixels[:10] = (*GREEN, 255)
    assert colors(pixels) == [("green", 1.0)]
    assert colors(plain((*RED, 0))) == []


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ("4b3525", "brown"), ("8a4636", "brown"), ("d0c6c2", "light gray"), ("7c7776", "gray"), ("102a4d", "dark blue"),
        ("87ceeb", "light blue"), ("cdb9aa", "beige"), ("e6dc14", "yellow"), ("0b0607", "black"), ("db00dc", "pink"),
        ("6e8e50", "green"), ("fd822d", "orange"), ("97d5d3", "light turquoise"), ("5005af", "purple"),
    ],
)  # fmt: skip
def test_names_that_people_would_use(rgb, name):
    assert colors(plain(tuple(bytes.fromhex(rgb))[::-1])) == [(name, 1.0)]


@pytest.mark.parametrize("name", NAMED)
def test_every_sample_bears_its_own_name(name):
    for sample in NAMED[name].split():
        (swatch,) = find_local({"colors"}, plain(tuple(bytes.fromhex(sample[1:]))[::-1])).colors
        assert swatch.name == name
        assert swatch.hex == sample


def test_colours_are_the_same_every_time():
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8)
    first = find_local({"colors"}, noise).colors
    assert all(find_local({"colors"}, noise).colors == first for _ in range(3))
    assert 1 < len(first) <= CLUSTERS


@pytest.mark.parametrize("at", [(40, 60), (150, 240)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_eye_goes_to_what_stands_out(at, channels):
    pixels = np.full((200, 300, channels), 120, np.uint8)
    pixels[at[0] - 15 : at[0] + 15, at[1] - 15 : at[1] + 15] = 250
    pixels[..., 3:] = 255
    map_ = find_local({"saliency"}, pixels).saliency.map
    assert map_.shape == (107, 160)
    row, column = np.unravel_index(map_.argmax(), map_.shape)
    assert abs(row / 107 - at[0] / 200) < 0.1
    assert abs(column / 160 - at[1] / 300) < 0.1
    top, bottom, left, right = (round(edge * 0.533) for edge in (at[0] - 15, at[0] + 15, at[1] - 15, at[1] + 15))
    assert map_[top:bottom, left:right].mean() > 4 * map_.mean()


def test_a_hidden_colour_draws_no_eye():
    pixels = plain((128, 128, 128, 255), (100, 100))
    pixels[20:40, 20:40] = (0, 0, 255, 0)
    assert find_local({"saliency"}, pixels).saliency.map[20:40, 20:40].mean() < 1


def test_only_what_is_asked_is_found():
    pixels = plain(RED)
    assert find_local({"faces", "objects"}, pixels).colors == ()
    assert find_local({"colors"}, pixels).saliency is None
    assert find_local({"saliency"}, pixels).colors == ()
