"""rotate and flip; and that every step of geometry says where the source's points went."""

from __future__ import annotations

import numpy as np
import pytest

from transforms import geometry
from transforms.geometry import bounding, cut, placed
from transforms.image import Image, Size
from transforms.params import WHITE

from .steps import FOUND, apply, coordinates, picture, pixels, plain


@pytest.mark.parametrize(
    ("angle", "expected"),
    [
        ("0", "1600x1200"), ("90", "1200x1600"), ("-90", "1200x1600"), ("180", "1600x1200"), ("270", "1200x1600"),
        ("360", "1600x1200"), ("45", "1980x1980"), ("-10", "1785x1460"), ("0.001", "1601x1201"),
    ],
)  # fmt: skip
def test_the_canvas_is_the_bounding_box(angle: str, expected: str) -> None:
    assert str(bounding(Size(1600, 1200), float(angle))) == expected


def test_quarters_move_pixels_as_they_are() -> None:
    image = picture(5, 3)
    for angle, quarters in (("90", -1), ("180", 2), ("270", 1), ("-90", 1), ("360", 0)):
        assert np.array_equal(pixels(apply(f"rotate:{angle}", image)), np.rot90(pixels(image), quarters))


def test_flips() -> None:
    image = picture(5, 3, 4)
    for text, expected in (
        ("flip", pixels(image)[:, ::-1]),
        ("flip:vertical", pixels(image)[::-1]),
        ("flip:both", pixels(image)[::-1, ::-1]),
    ):
        assert np.array_equal(pixels(apply(text, image)), expected)


def test_a_turn_is_clockwise() -> None:
    """The top edge of a quarter-light picture goes to the right."""
    tall = np.zeros((40, 40, 3), np.uint8)
    tall[:10] = 255
    image = Image((plain(1, 1, 0).frames[0].with_pixels(tall),))
    turned = pixels(apply("rotate:80,background=black", image)).mean(axis=(0, 2))
    assert turned[-12:].mean() > 100 > 20 > turned[:12].mean()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_corners_take_the_background_without_a_fringe(channels: int) -> None:
    image = plain(60, 40, *[90, 90, 90, 255][:channels])
    clear = pixels(apply("rotate:30", image))
    assert clear.shape[2] == 4
    assert clear[0, 0].tolist() == [0, 0, 0, 0]
    off = np.abs(clear[:, :, :3].astype(int) - 90) * clear[:, :, 3:] / 255
    assert off.max() <= 1  # of what shows of a colour, at every alpha
    white = pixels(apply("rotate:30,background=white", image))[:, :, :3]
    assert white[0, 0].tolist() == [255] * min(channels, 3)
    assert white.min() >= 89  # cubic weights do not ring against the background


def shown(image: Image) -> np.ndarray:
    """Colours weighted by their alpha, and the alpha: what a transparent pixel hides is no part of a picture."""
    plain = pixels(image).astype(float)
    if plain.shape[2] == 4:
        plain[:, :, :3] *= plain[:, :, 3:] / 255
    return plain


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "text",
    ["rotate:30", "rotate:45,background=white", "rotate:-100.5,background=ff000080", "rotate:0.3,background=red"],
)
def test_a_turn_in_tiles_is_the_turn_as_a_whole(channels: int, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(230, 170, channels)
    monkeypatch.setattr(geometry, "TILE", 1000)
    whole = shown(apply(text, image))
    monkeypatch.setattr(geometry, "TILE", 64)
    off = np.abs(shown(apply(text, image)) - whole)
    # OpenCV counts coordinates in float32: some pixels in a thousand are rounded to the next level, then weighted.
    assert off.max() <= 2
    assert (off > 0.01).mean() < 0.02


def test_a_turn_in_tiles_has_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "TILE", 50)
    assert_points_lie_where_it_says(apply("rotate:33", coordinates()))
    even = pixels(apply("rotate:33,background=5a5a5a", plain(230, 170, 90, 90, 90)))
    assert (even == 90).all()


def test_a_turn_back_and_forth_is_the_same_picture() -> None:
    image = Image((coordinates(64).frames[0],))
    back = apply("crop:64x64", apply("rotate:-20", apply("rotate:20", image)))
    inner = (slice(8, -8), slice(8, -8))
    assert np.abs(pixels(back)[inner][:, :, :2].astype(int) - pixels(image)[inner][:, :, :2]).max() <= 2


GEOMETRY = [
    "resize:100x80", "resize:100x40,fit=cover,gravity=north_east", "resize:100x40,fit=cover,gravity=face",
    "resize:90x40,fit=contain,gravity=west", "resize:90x40,fit=fill", "resize:400x,enlarge",
    "pad:300x280,gravity=south",
    "pad:100x40", "crop:100x60,x=20,y=30", "crop:100x60,gravity=auto", "face-crop:100x100", "face-crop:40x100,zoom=2",
    "smart-crop:60x100", "rotate:90", "rotate:180", "rotate:270", "rotate:33", "rotate:-120.5", "flip", "flip:vertical",
    "flip:both", "border:17", "round:max", "blur:2",
]  # fmt: skip


def assert_points_lie_where_it_says(result: Image) -> None:
    """The colours of `coordinates` say where each pixel came from; `from_source` must lead from there to it."""
    shown = pixels(result)
    rows, columns = np.mgrid[0 : shown.shape[0], 0 : shown.shape[1]]
    sure = shown[:, :, 2] == 99
    sure &= shown[:, :, 3] == 255 if shown.shape[2] == 4 else True
    for corner in (slice(0, 3), slice(-3, None)):  # interpolation is short of neighbours there
        sure[corner] = sure[:, corner] = False
    assert sure.any()
    source = np.stack([(shown[sure][:, 0] + 0.5) / 256, (shown[sure][:, 1] + 0.5) / 256, np.ones(sure.sum())])
    there = result.from_source @ source
    away = there * [[shown.shape[1]], [shown.shape[0]]] - [columns[sure] + 0.5, rows[sure] + 0.5]
    per_level = max(shown.shape[0], shown.shape[1]) / 256 * np.abs(result.from_source).max()
    assert np.median(np.abs(away)) <= 0.6 * max(1.0, per_level)
    assert np.abs(away.mean(axis=1)).max() <= 0.35 * max(1.0, per_level)


@pytest.mark.parametrize("text", GEOMETRY)
def test_points_of_the_source_are_followed(text: str) -> None:
    assert_points_lie_where_it_says(apply(text, coordinates(), FOUND))


@pytest.mark.parametrize(
    "texts",
    [("rotate:20", "crop:150x150", "flip"), ("resize:200x90,fit=cover", "rotate:90", "pad:300x300", "face-crop:90x70")],
)
def test_points_are_followed_through_several_steps(texts: tuple[str, ...]) -> None:
    image = coordinates()
    for text in texts:
        image = apply(text, image, FOUND)
    assert_points_lie_where_it_says(image)


def test_all_frames_are_treated_alike() -> None:
    image = picture(30, 20, frames=3)
    result = apply("crop:10x8,x=3,y=4", image)
    for before, after in zip(image.frames, result.frames, strict=True):
        assert np.array_equal(after.pixels, before.pixels[4:12, 3:13])


def test_regions_outside_are_a_mistake_of_ours() -> None:
    image = picture(10, 10)
    with pytest.raises(ValueError, match="not inside"):
        cut(image, 5, 0, 6, 10)
    with pytest.raises(ValueError, match="not inside"):
        placed(image, Size(12, 12), 3, 0, WHITE)
