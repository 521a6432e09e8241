"""How a source is read: pages, frames, and stored pixels that stay as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import pictures
from tests.shared import SHARED, needs
from transforms.decode import Decode, Decoded, decode
from transforms.failure import Failure, Kind
from transforms.image import Box, Image, PixelArray, Size
from transforms.input import Input, Pages
from transforms.limits import Limits
from transforms.orientation import shown, stored, to_stored, upright
from transforms.output import Output
from transforms.pipeline import Pipeline
from transforms.plan import input_of, output_of, plan
from transforms.probe import Source
from transforms.projection import moved

LEVELS = (10, 60, 120, 180, 240)


def gray(level: int, width: int = 24, height: int = 16) -> PixelArray:
    return np.full((height, width, 3), level, np.uint8)


def pages(*shown: PixelArray) -> bytes:
    first, *rest = (pictures.pillow(pixels) for pixels in shown)
    return pictures.file(first, "TIFF", save_all=True, append_images=rest)


def frames(format: str) -> bytes:  # noqa: A002
    return pictures.animation(pictures.image(*(gray(level) for level in LEVELS)), format)


def read(data: bytes, text: str, *, still: bool = False, limits: Limits = Limits()) -> tuple[Source, Decoded]:  # noqa: B008
    source = Source(data, limits, input_of(Pipeline.parse(text)))
    return source, decode(source, Decode(still=still))


def levels(image: Image) -> list[int]:
    """Which of the levels each frame shows."""
    return [min(LEVELS, key=lambda level: abs(int(frame.pixels[8, 8, 0]) - level)) for frame in image.frames]


# --- pages


@pytest.mark.parametrize(
    ("text", "ranges", "canonical"),
    [
        ("3", ((3, 3),), "3"), ("2-4;6;8", ((2, 4), (6, 6), (8, 8)), "2-4;6;8"), ("9;2-4", ((2, 4), (9, 9)), "2-4;9"),
        ("1;2;3", ((1, 3),), "1-3"), ("2-5;3", ((2, 5),), "2-5"), ("07", ((7, 7),), "7"),
        ("9999", ((9999, 9999),), "9999"),
    ],
)  # fmt: skip
def test_pages_have_one_text(text: str, ranges: Any, canonical: str) -> None:
    assert Pages().parse(text) == ranges
    assert Pages().print(ranges) == canonical
    assert str(Pipeline.parse(f"page:{text}")) == f"page:{canonical}"


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize(
    ("chosen", "expected"), [("1", LEVELS[:1]), ("3", LEVELS[2:3]), ("2-4", LEVELS[1:4]), ("5;1;3", LEVELS[::2])]
)
def test_the_pages_that_are_chosen(format: str, chosen: str, expected: tuple[int, ...]) -> None:  # noqa: A002
    data = pages(*map(gray, LEVELS)) if format == "TIFF" else frames(format)
    source, decoded = read(data, f"page:{chosen}")
    assert levels(decoded.image) == list(expected)
    assert (source.probe.frames, source.probe.animated) == (len(expected), len(expected) > 1)
    assert all((frame.duration_ms > 0) == (len(expected) > 1) for frame in decoded.image.frames)
    _, first = read(data, f"page:{chosen}", still=True)
    assert levels(first.image) == [expected[0]]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_frames_keep_their_time(format: str) -> None:  # noqa: A002
    _, decoded = read(frames(format), "page:2;4")
    assert [frame.duration_ms for frame in decoded.image.frames] == [90, 110]


def test_a_frame_is_drawn_over_those_before_it() -> None:
    moving = pictures.animated(frames=3, channels=4)
    whole = decode(Source(pictures.animation(moving, "GIF"), Limits()), Decode()).image
    _, last = read(pictures.animation(moving, "GIF"), "page:3")
    alone = last.image.frames[0].pixels
    assert np.array_equal(alone, whole.frames[2].pixels[:, :, : alone.shape[2]])


@pytest.mark.parametrize("chosen", ["6", "4-6", "2;9"])
@pytest.mark.parametrize("format", ["GIF", "TIFF", "JPEG"])
def test_a_page_that_is_not_there(format: str, chosen: str) -> None:  # noqa: A002
    data = {"GIF": frames("GIF"), "TIFF": pages(*map(gray, LEVELS)), "JPEG": pictures.file(gray(9), "JPEG")}[format]
    with pytest.raises(Failure) as caught:
        read(data, f"page:{chosen}")
    assert (caught.value.kind, caught.value.code) == (Kind.NOT_FOUND, "page-not-found")
    count = 1 if format == "JPEG" else 5
    assert caught.value.details["pages"] == count
    assert f"it has {count}" in caught.value.message


def test_the_only_page() -> None:
    for format in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "JPEG2000", "ICO"):  # noqa: A001
        assert levels(read(pictures.file(gray(120), format), "page:1")[1].image) == [120]


def test_a_page_has_a_size_of_its_own() -> None:
    data = pages(gray(10), gray(60, 40, 30), gray(120))
    source, decoded = read(data, "page:2")
    assert source.probe.size == decoded.image.size == Size(40, 30)
    assert plan(Pipeline.parse("page:2"), source.probe, Limits(), side_for=lambda _: 1).result == Size(40, 30)


def test_pages_of_different_sizes_make_no_animation() -> None:
    data = pages(gray(10), gray(60, 40, 30))
    with pytest.raises(Failure) as caught:
        read(data, "page:1-2")
    assert (caught.value.kind, caught.value.code) == (Kind.UNPROCESSABLE, "pages-differ")
    assert levels(read(data, "page:1-2", still=True)[1].image) == [10]


def test_pages_of_different_colours_are_each_read_as_they_are() -> None:
    _, decoded = read(pages(pictures.quadrants(), pictures.checks(60, 40)), "page:1-2")
    assert pictures.corners(decoded.image.frames[0].pixels) == ["red", "green", "blue", "yellow"]
    assert set(decoded.image.frames[1].pixels.ravel().tolist()) == {0, 255}


def test_more_pages_than_frames_are_allowed_are_one() -> None:
    _, decoded = read(frames("GIF"), "page:2-5", limits=Limits(frames=3))
    assert (levels(decoded.image), decoded.degraded) == ([60], ("animation",))
    _, decoded = read(frames("GIF"), "page:2-4", limits=Limits(frames=3))
    assert (len(decoded.image.frames), decoded.degraded) == (3, ())


def test_every_page_is_within_the_limits() -> None:
    small, large = gray(10, 10, 10), gray(60, 40, 30)
    for data in (pages(small, large), pages(large, small)):
        with pytest.raises(Failure, match="megapixels"):
            read(data, "page:1-2", limits=Limits(source_pixels=1000))


@pytest.mark.parametrize(
    ("text", "still"),
    [
        ("page:2-4", True), ("page:2-4/format:jpeg", True), ("page:2-4/format:webp", False),
        ("page:2-4/format:auto", False), ("page:2-4/format:webp/still", True), ("page:3/format:webp", True),
        ("page:2-4/format:tiff", True),
    ],
)  # fmt: skip
def test_pages_of_a_tiff_move_where_the_result_can(text: str, still: bool) -> None:
    source = Source(pages(*map(gray, LEVELS)), Limits(), input_of(Pipeline.parse(text)))
    assert plan(Pipeline.parse(text), source.probe, Limits(), side_for=lambda _: 1).decode.still is still


@needs("images", "formats", "heic-3-images.heic")
def test_pictures_of_a_heic() -> None:
    data = (SHARED / "images" / "formats" / "heic-3-images.heic").read_bytes()
    usual = Source(data, Limits())
    shown_first = decode(usual, Decode()).image.frames[0].pixels
    numbers = []
    for page in (1, 2, 3):
        source, decoded = read(data, f"page:{page}")
        assert source.probe.size == decoded.image.size
        numbers.append(source.number(0))
        if source.number(0) == 0:
            assert np.array_equal(decoded.image.frames[0].pixels, shown_first)
    assert sorted(numbers) == [0, 1, 2]


def test_the_number_of_a_frame_is_that_in_the_file() -> None:
    source, _ = read(frames("GIF"), "page:2;5")
    assert [source.number(0), source.number(1)] == [1, 4]
    assert [Source(frames("GIF"), Limits()).number(index) for index in (0, 3)] == [0, 3]


# --- which way up


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stored_pixels_and_back(orientation: int) -> None:
    pixels = pictures.quadrants(40, 24)
    assert np.array_equal(upright(stored(pixels, orientation), orientation), pixels)
    assert Size(*stored(pixels, orientation).shape[1::-1]) == shown(Size(40, 24), orientation)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_place_of_the_upright_picture_is_found_in_the_stored_one(orientation: int) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[4:12, 6:30] = 255
    box = moved(Box(6 / 60, 4 / 40, 24 / 60, 8 / 40), to_stored(orientation))
    turned = stored(pixels, orientation)
    height, width = turned.shape[:2]
    left, top, right, bottom = (
        round(v) for v in (box.x * width, box.y * height, box.right * width, box.bottom * height)
    )
    assert (turned[top:bottom, left:right] == 255).all()
    assert turned[:, :, 0].sum() == (bottom - top) * (right - left) * 255


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_stored_pixels_stay_where_asked(format: str, orientation: int) -> None:  # noqa: A002
    data = pictures.file(pictures.quadrants(60, 40), format, orientation=orientation)
    source, decoded = read(data, "orientation:ignore")
    assert source.probe.size == decoded.image.size == Size(60, 40)
    assert pictures.corners(decoded.image.frames[0].pixels) == ["red", "green", "blue", "yellow"]
    assert np.array_equal(decoded.image.from_source, to_stored(orientation))
    as_usual, turned = read(data, "orientation:ignore/orientation:apply")
    assert as_usual.probe.size == shown(Size(60, 40), orientation)
    assert np.array_equal(turned.image.from_source, to_stored(1))
    back = upright(decoded.image.frames[0].pixels, source.turn)
    assert np.abs(back.astype(int) - turned.image.frames[0].pixels).mean() < 2


def test_a_reduced_jpeg_stays_as_stored() -> None:
    data = pictures.file(pictures.quadrants(130, 70), "JPEG", orientation=6)
    source = Source(data, Limits(), Input(upright=False))
    image = decode(source, Decode(reduce=4)).image
    assert image.size == Size(33, 18)
    assert pictures.corners(image.frames[0].pixels) == ["red", "green", "blue", "yellow"]


# --- what a pipeline says


def test_where_the_step_stands_does_not_matter() -> None:
    assert input_of(Pipeline.parse("resize:10x/page:2/flip/orientation:ignore")) == Input(((2, 2),), upright=False)
    assert input_of(Pipeline.parse("page:2/page:3")).pages == ((3, 3),)
    assert input_of(Pipeline.parse("resize:10x")) == Input()
    assert output_of(Pipeline.parse("page:2/quality:50")) == Output(quality=50)


@pytest.mark.parametrize("text", ["if:w>100/page:2/end", "if:w>100/flip/else/orientation:ignore/end"])
def test_it_cannot_depend_on_the_source(text: str) -> None:
    with pytest.raises(Failure) as caught:
        input_of(Pipeline.parse(text))
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "input-depends")
    outside = text.replace("page:2", "flip").replace("orientation:ignore", "flip")
    assert input_of(Pipeline.parse(f"{outside}/page:1")).pages == ((1, 1),)
