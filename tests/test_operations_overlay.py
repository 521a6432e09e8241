"""Layers on pictures: where they go, how large the canvas becomes, how they are mixed."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.failure import Failure
from transforms.image import Found, Frame, Image, PixelArray, Size
from transforms.layers import Layer
from transforms.limits import Limits
from transforms.pipeline import Step

from .steps import apply, face, frame, picture, pixels, plain, thing

WHITE, RED, BLUE = (255, 255, 255), (0, 0, 255), (255, 0, 0)


def mark(width: int, height: int, *colour: int) -> Layer:
    return Layer(lambda region: plain(width, height, *colour), Limits())


def where(result: Image, colour: tuple[int, ...] = RED) -> tuple[int, int, int, int]:
    """Left, top, width and height of what has the colour."""
    rows, columns = np.nonzero((pixels(result)[:, :, : len(colour)] == colour).all(axis=2))
    return int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ("", (40, 35, 20, 10)),
        ("gravity=north_west", (0, 0, 20, 10)),
        ("gravity=north_west,x=5,y=7", (5, 7, 20, 10)),
        ("gravity=south_east,x=5,y=7", (75, 63, 20, 10)),
        ("gravity=east,x=5,y=7", (75, 42, 20, 10)),
        ("gravity=south,x=5,y=7", (45, 63, 20, 10)),
        ("x=-5,y=-7", (35, 28, 20, 10)),
        ("gravity=north_west,x=0.1,y=0.25", (10, 20, 20, 10)),
        ("gravity=30:40", (20, 35, 20, 10)),
        ("gravity=0.5:0.25", (40, 15, 20, 10)),
        ("gravity=south_east,x=-10", (90, 70, 10, 10)),  # cut off at the edge
        ("size=0.5x", (25, 28, 50, 25)),
        ("size=40x40", (30, 30, 40, 20)),
        ("size=x0.5", (10, 20, 80, 40)),
    ],
)
def test_it_is_placed(placement: str, expected: tuple[int, int, int, int]) -> None:
    result = apply(f"overlay:a.png,{placement}".rstrip(","), plain(100, 80, *WHITE), layer=mark(20, 10, *RED))
    assert result.size == Size(100, 80)
    assert pixels(result).shape[2] == 3
    assert where(result) == expected


def test_a_copy_lies_on_each_face() -> None:
    found = Found((face(0.1, 0.1, 0.2, 0.2), face(0.7, 0.5, 0.2, 0.4)))
    sizes: list[Size] = []

    def made(region: Size) -> Image:
        sizes.append(region)
        return plain(region.width, 4, *RED)

    result = apply("overlay:a.png,gravity=faces", plain(100, 100, *WHITE), found, layer=Layer(made, Limits()))
    assert sorted(map(str, sizes)) == ["20x20", "20x40"]
    shown = (pixels(result) == RED).all(axis=2)
    assert shown[18:22, 10:30].all()
    assert shown[68:72, 70:90].all()
    assert shown.sum() == 160


def test_fractions_are_of_the_region() -> None:
    found = Found((face(0.1, 0.1, 0.2, 0.2),))
    result = apply(
        "overlay:a.png,gravity=faces,size=0.5x,y=-0.5", plain(100, 100, *WHITE), found, layer=mark(20, 20, *RED)
    )
    assert where(result) == (15, 5, 10, 10)


@pytest.mark.parametrize("gravity", ["face", "cat", "face:cat"])
def test_where_nothing_is_found_it_lies_in_the_middle(gravity: str) -> None:
    result = apply(f"overlay:a.png,gravity={gravity}", plain(100, 80, *WHITE), Found(), layer=mark(20, 10, *RED))
    assert where(result) == (40, 35, 20, 10)


def test_on_no_face_it_does_not_lie() -> None:
    before = plain(100, 80, *WHITE)
    assert np.array_equal(pixels(apply("overlay:a.png,gravity=faces", before, Found())), pixels(before))


def test_it_lies_on_a_thing() -> None:
    found = Found((thing("cat", 0.6, 0.6, 0.2, 0.2), thing("dog", 0, 0, 0.2, 0.2)))
    result = apply("overlay:a.png,gravity=cat", plain(100, 100, *WHITE), found, layer=mark(4, 4, *RED))
    assert where(result) == (68, 68, 4, 4)


def test_it_is_repeated() -> None:
    result = apply("overlay:a.png,tile,gravity=north_west,x=6,y=10", plain(40, 40, *WHITE), layer=mark(4, 10, *RED))
    shown = (pixels(result) == RED).all(axis=2)
    assert shown[:10, :4].all()
    assert not shown[:10, 4:10].any()
    assert shown[20:30, 10:14].all()
    assert not shown[10:20].any()


@pytest.mark.parametrize(
    ("placement", "left", "top", "across", "down"),
    [
        ("", 14, 10, 3, 2),
        ("gravity=north_east,x=3", 28, 0, 6, 2),
        ("gravity=south_west,x=1,y=2", 0, 20, 4, 4),
        ("gravity=0.3:0.7,x=0.5", 8, 14, 19, 2),
    ],
)
def test_tiles_lie_in_steps_from_where_one_is_put(placement: str, left: int, top: int, across: int, down: int) -> None:
    mark = picture(3, 2, 4)
    text = f"overlay:a.png,tile,{placement}".rstrip(",")
    shown = pixels(apply(text, plain(31, 22, 0, 0, 0, 0), layer=Layer(lambda _: mark, Limits())))
    expected = np.zeros((22, 31, 4), np.uint8)
    for row in range(22):
        for column in range(31):
            at = (row - top) % down, (column - left) % across
            if at[0] < 2 and at[1] < 3:
                expected[row, column] = pixels(mark)[at]
    assert np.array_equal(shown[:, :, 3], expected[:, :, 3])
    seen = expected[:, :, 3] > 60
    assert np.abs(shown[seen].astype(int) - expected[seen]).max() <= 2


def test_there_may_be_millions_of_tiles() -> None:
    result = apply("overlay:a.png,tile", plain(4000, 3000, *WHITE), layer=mark(1, 1, *RED))
    assert (pixels(result) == RED).all()


def test_tiles_are_cut_at_every_edge() -> None:
    result = apply("overlay:a.png,tile", plain(25, 25, *WHITE), layer=mark(10, 10, *RED))
    assert (pixels(result) == RED).all()


@pytest.mark.parametrize(
    ("placement", "size", "left", "top"),
    [
        ("gravity=north_west,x=-10,y=-5", Size(50, 35), 10, 5),
        ("gravity=south_east,x=-10,y=-5", Size(50, 35), 0, 0),
        ("", Size(40, 30), 0, 0),
        ("size=80x80", Size(80, 80), 20, 25),
    ],
)
def test_the_canvas_grows(placement: str, size: Size, left: int, top: int) -> None:
    text = f"overlay:a.png,overflow=grow,{placement}".rstrip(",")
    result = apply(text, plain(40, 30, *BLUE), layer=mark(20, 20, *RED))
    assert result.size == size
    assert result.from_source @ [0, 0, 1] == pytest.approx([left / size.width, top / size.height])
    below = pixels(result)[top : top + 30, left : left + 40]
    assert ((below[:, :, :3] == BLUE) | (below[:, :, :3] == RED)).all()
    if size != Size(40, 30):
        assert pixels(result).shape[2] == 4
        assert set(np.unique(pixels(result)[:, :, 3]).tolist()) <= {0, 255}


def test_nothing_may_pass_the_edge_where_that_is_refused() -> None:
    assert apply("overlay:a.png,overflow=refuse", plain(40, 30, *BLUE), layer=mark(40, 30, *RED)).size == Size(40, 30)
    with pytest.raises(Failure) as caught:
        apply("overlay:a.png,overflow=refuse,x=1", plain(40, 30, *BLUE), layer=mark(40, 30, *RED))
    assert caught.value.code == "layer-overflow"
    assert caught.value.details == {"layer": "40x30", "picture": "40x30"}


@pytest.mark.parametrize("placement", ["overflow=grow,x=-900", "size=200.0x"])
def test_nothing_grows_beyond_the_limits(placement: str) -> None:
    layer = Layer(lambda region: plain(20, 20, *RED), Limits(result_side=500))
    with pytest.raises(Failure) as caught:
        apply(f"overlay:a.png,gravity=west,{placement}", plain(100, 100, *WHITE), layer=layer)
    assert caught.value.code == "layer-too-large"
    assert caught.value.details["maximum_side"] == 500


def test_what_shows_through_is_mixed() -> None:
    result = apply("overlay:a.png,opacity=50", plain(4, 4, 0, 0, 0), layer=mark(4, 4, 200, 100, 50, 128))
    assert pixels(result)[0, 0].tolist() == pytest.approx([50, 25, 12.5], abs=1)


def test_no_opacity_changes_nothing() -> None:
    before = picture(9, 7)
    assert np.array_equal(pixels(apply("overlay:a.png,opacity=0", before)), pixels(before))


def test_transparent_pixels_take_the_colour_of_the_layer_alone() -> None:
    under = Image((frame(np.array([[[9, 200, 9, 0], [0, 0, 0, 255]]], np.uint8)),))
    over = Image((frame(np.array([[[10, 20, 30, 128], [0, 0, 0, 0]]], np.uint8)),))
    result = apply("overlay:a.png", under, layer=Layer(lambda region: over, Limits()))
    assert pixels(result)[0].tolist() == [[10, 20, 30, 128], [0, 0, 0, 255]]


@pytest.mark.parametrize(
    ("blend", "expected"),
    [("multiply", 50), ("screen", 150), ("overlay", 100), ("darken", 100), ("lighten", 100), ("difference", 0)],
)
def test_modes_blend(blend: str, expected: int) -> None:
    gray = {"multiply": 100 * 128 / 255, "screen": 255 - 155 * 127 / 255, "overlay": 2 * 100 * 128 / 255}
    result = apply(f"overlay:a.png,blend={blend}", plain(3, 3, 100), layer=mark(3, 3, 128 if blend in gray else 100))
    assert pixels(result)[1, 1, 0] == pytest.approx(gray.get(blend, expected), abs=1)
    assert pixels(result).shape[2] == 1  # two gray pictures stay gray


def test_a_mask_hides_what_it_does_not_cover() -> None:
    result = apply("overlay:a.png,blend=mask,gravity=west", plain(10, 4, *BLUE), layer=mark(5, 4, *WHITE))
    assert pixels(result)[0, :, 3].tolist() == [255] * 5 + [0] * 5


def test_a_cutter_keeps_its_shape() -> None:
    layer = mark(6, 4, *BLUE, 100)
    result = apply("overlay:a.png,cutter,gravity=west", plain(10, 4, *RED), layer=layer)
    assert pixels(result)[0, :, 3].tolist() == [100] * 6 + [0] * 4
    assert (pixels(result)[0, :6, :3] == RED).all()


def test_a_cut_out_takes_its_shape_away() -> None:
    result = apply("overlay:a.png,blend=cut-out,gravity=west", plain(10, 4, *RED), layer=mark(6, 4, *BLUE))
    assert pixels(result)[0, :, 3].tolist() == [0] * 6 + [255] * 4


def test_a_map_displaces() -> None:
    ramp: PixelArray = np.tile(np.arange(0, 200, 10, dtype=np.uint8)[np.newaxis, :, np.newaxis], (6, 1, 3))
    before = Image((frame(ramp),))
    moved = apply("overlay:a.png,blend=displace,x=3,size=1.0x1.0", before, layer=mark(20, 6, 128, 128, 255))
    assert pixels(moved)[2, 5].tolist() == pytest.approx(pixels(before)[2, 8].tolist(), abs=1)
    still = apply("overlay:a.png,blend=displace,x=3", before, layer=mark(20, 6, 128, 128, 128))
    assert np.array_equal(pixels(still), pixels(before))


def test_what_lies_under_shows_where_the_picture_is_transparent() -> None:
    over = Image((frame(np.array([[[0, 0, 255, 255], [0, 0, 255, 0]]], np.uint8)),))
    result = apply("underlay:a.png", over, layer=mark(2, 1, *BLUE))
    assert pixels(result)[0, :, :3].tolist() == [list(RED), list(BLUE)]


def test_an_underlay_makes_the_canvas_as_large_as_both() -> None:
    result = apply("underlay:a.png,overflow=grow", plain(10, 20, *RED), layer=mark(30, 6, *BLUE))
    assert result.size == Size(30, 20)
    assert pixels(result)[10, 15, :3].tolist() == list(RED)
    assert pixels(result)[10, 2, :3].tolist() == list(BLUE)
    assert pixels(result)[0, 0, 3] == 0


def test_every_frame_is_covered() -> None:
    result = apply("overlay:a.png", picture(8, 6, frames=3), layer=mark(8, 6, *RED))
    assert len(result.frames) == 3
    assert all((one.pixels == RED).all() for one in result.frames)


def test_of_an_animated_layer_the_first_frame_is_shown() -> None:
    moving = Image((Frame(plain(4, 4, *RED).frames[0].pixels, 40), Frame(plain(4, 4, *BLUE).frames[0].pixels, 40)))
    result = apply("overlay:a.png", plain(4, 4, *WHITE), layer=Layer(lambda region: moving, Limits()))
    assert len(result.frames) == 1
    assert (pixels(result) == RED).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("of_layer", [1, 3, 4])
def test_any_channels_go_together(channels: int, of_layer: int) -> None:
    before = picture(12, 9, channels)
    result = apply("overlay:a.png", before, layer=Layer(lambda region: picture(5, 5, of_layer), Limits()))
    expected = max(channels, min(of_layer, 3)) if channels < 4 else 4
    assert pixels(result).shape == (9, 12, expected)
    assert np.array_equal(pixels(result)[0, 0, : min(channels, 3)], pixels(before)[0, 0, : min(channels, 3)])


@pytest.mark.parametrize(
    "text",
    [
        "overlay:a.png,blend=multipli",
        "overlay:a.png,gravity=nort",
        "overlay:a.png,overflow=shrink",
        "overlay:a.png,opacity=101",
    ],
)
def test_mistakes_are_told_with_the_nearest_name(text: str) -> None:
    with pytest.raises(Failure) as caught:
        Step.parse(text)
    assert caught.value.code == "bad-argument"
    if "multipli" in text:
        assert caught.value.hint == "did you mean 'multiply'?"


def test_a_layer_that_varies_does_not_flicker() -> None:
    moving = picture(30, 20, frames=3)
    result = apply("overlay:a.png,blend=anti-removal,strength=100", moving, layer=mark(30, 20, 90, 120, 150))
    first, *others = (one.pixels for one in result.frames)
    assert all(np.array_equal(first, other) for other in others)
    assert not (first == (90, 120, 150)).all()


def test_a_picture_blends_with_what_lies_under_it() -> None:
    result = apply("underlay:a.png,blend=multiply", plain(3, 3, 100), layer=mark(3, 3, 128))
    assert pixels(result)[1, 1, 0] == pytest.approx(100 * 128 / 255, abs=1)
    cut = apply("underlay:a.png,cutter,gravity=west", plain(10, 4, *RED), layer=mark(6, 4, *BLUE))
    assert pixels(cut)[0, :, 3].tolist() == [255] * 6 + [0] * 4
