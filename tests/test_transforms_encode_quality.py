"""Quality, and what makes files small: palettes, passes, chroma, compression."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from tests import pictures
from transforms.image import Image, PixelArray
from transforms.output import TRAITS, OutputFormat
from transforms.palette import indexed

from .encoded import MOVING, STILL, body, difference, opaque, opened, read


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "jp2"])
def test_quality_costs_bytes(format: OutputFormat) -> None:  # noqa: A002
    picture = pictures.image(pictures.photo(160, 120))
    sizes = [len(body(picture, format, quality)) for quality in (1, 40, 85, 100)]
    assert sizes == sorted(set(sizes))
    moving = pictures.image(pictures.photo(96, 64), pictures.photo(96, 64, seed=2))
    if TRAITS[format].animation:
        assert len(body(moving, format, 10)) < len(body(moving, format, 90))


def test_a_large_jpeg_is_progressive_with_full_chroma_only_where_quality_is_high() -> None:
    large = pictures.image(pictures.photo(400, 300))

    def layout(quality: int, image: Image = large) -> tuple[bool, int]:
        picture = Pillow.open(io.BytesIO(body(image, "jpeg", quality)))
        return bool(picture.info.get("progressive")), vars(picture)["layer"][0][1]

    assert (layout(80), layout(89), layout(90)) == ((True, 2), (True, 2), (True, 1))
    assert layout(80, STILL) == (False, 2)


_COLOUR_TYPE = 25  # offset in a PNG


@pytest.mark.parametrize(
    ("pixels", "colour_type"),
    [
        (pictures.quadrants(), 3), (opaque(pictures.quadrants()), 3), (pictures.checks(), 0), (pictures.noise(), 2),
        (pictures.noise(channels=4), 6), (np.zeros((4, 4, 4), np.uint8), 3),
        (np.dstack([pictures.checks()] * 4), 3),
    ],
)  # fmt: skip
def test_png_has_a_palette_where_nothing_is_lost(pixels: PixelArray, colour_type: int) -> None:
    data = body(pictures.image(pixels), "png")
    assert data[_COLOUR_TYPE] == colour_type
    assert difference(pixels, read(data).frames[0].pixels) == 0


def test_256_colours_fit_and_257_do_not() -> None:
    pixels = np.zeros((1, 257, 3), np.uint8)
    pixels[0, :, 0], pixels[0, :, 1] = np.arange(257) % 256, np.arange(257) // 256
    assert indexed(pixels) is None
    picture = indexed(pixels[:, :256])
    assert picture is not None
    assert np.array_equal(pictures.pixels(picture.convert("RGB")), pixels[:, :256])


def test_rare_colours_are_seen_although_only_a_sample_is_counted() -> None:
    pixels = np.zeros((300, 300, 3), np.uint8)
    pixels[7, :] = pictures.noise(300, 1)[0]
    assert indexed(pixels) is None


# --- what steps may ask for


def sampling(data: bytes) -> tuple[int, int]:
    """How many times finer brightness is kept than colour, across and down."""
    _, across, down, _ = vars(opened(data))["layer"][0]
    return across, down


LARGE = pictures.image(pictures.photo(400, 300))


@pytest.mark.parametrize(("chroma", "expected"), [("420", (2, 2)), ("422", (2, 1)), ("444", (1, 1))])
@pytest.mark.parametrize("quality", [30, 95])
def test_chroma_is_as_asked(quality: int, chroma: Any, expected: tuple[int, int]) -> None:
    assert sampling(body(LARGE, "jpeg", quality, chroma=chroma)) == expected


def test_avif_keeps_colours_finer_where_asked() -> None:
    red = np.zeros((64, 64, 3), np.uint8)
    red[:, ::2, 2] = 255  # lines of one pixel, which halved chroma blurs
    errors = [difference(red, read(body(pictures.image(red), "avif", 80, chroma=c)).frames[0].pixels)
              for c in ("444", "422", "420")]  # fmt: skip
    assert errors[0] * 3 < errors[1]
    assert errors[0] * 3 < errors[2]


@pytest.mark.parametrize(("how", "passes"), [(None, True), ("none", False), ("semi", True), ("steep", True)])
def test_passes_of_a_large_jpeg(how: Any, passes: bool) -> None:
    assert bool(opened(body(LARGE, "jpeg", progressive=how)).info.get("progressive")) is passes


def test_passes_of_a_small_jpeg_are_asked_for() -> None:
    assert not opened(body(STILL, "jpeg")).info.get("progressive")
    assert opened(body(STILL, "jpeg", progressive="steep")).info.get("progressive")


@pytest.mark.parametrize(
    ("pixels", "bits", "colour_type"),
    [
        (pictures.photo(60, 40), 8, 3), (opaque(pictures.photo(60, 40)), 8, 3), (pictures.gradient(64, 48, 4), 8, 3),
        (pictures.quadrants(), 24, 2), (pictures.gradient(64, 48, 4), 24, 2), (pictures.checks(), 24, 2),
        (pictures.quadrants(), 32, 6), (pictures.gradient(64, 48, 4), 32, 6), (pictures.checks(), 32, 6),
    ],
)  # fmt: skip
def test_bits_of_a_png(pixels: PixelArray, bits: Any, colour_type: int) -> None:
    data = body(pictures.image(pixels), "png", png=bits)
    assert data[_COLOUR_TYPE] == colour_type
    assert body(pictures.image(pixels), "webp", png=bits) == body(pictures.image(pixels), "webp")
    if bits == 32:
        assert difference(pixels, read(data).frames[0].pixels) == 0


def test_a_png_of_8_bits_is_close_and_keeps_its_alpha() -> None:
    pixels = pictures.gradient(128, 96, 4)
    after = read(body(pictures.image(pixels), "png", png=8)).frames[0].pixels
    assert difference(pixels, after) < 12
    assert np.abs(after[:, :, 3].astype(int) - pixels[:, :, 3]).mean() < 12


def test_24_bits_show_the_background_through() -> None:
    clear = pictures.image(np.zeros((4, 4, 4), np.uint8))
    assert read(body(clear, "png", png=24, background=(10, 20, 30))).frames[0].pixels[0, 0].tolist() == [30, 20, 10]


def test_frames_of_an_8_bit_animation_have_256_colours_each() -> None:
    moving = pictures.image(pictures.photo(90, 60), pictures.photo(90, 60, seed=2))
    after = read(body(moving, "png", png=8))
    assert len(after.frames) == 2
    for one, other in zip(moving.frames, after.frames, strict=True):
        assert len(np.unique(other.pixels.reshape(-1, 3), axis=0)) <= 256
        assert difference(one.pixels, other.pixels) < 15


@pytest.mark.parametrize("format", ["gif", "png"])
@pytest.mark.parametrize("frames", [1, 2])
def test_lossy_saves_bytes(format: OutputFormat, frames: int) -> None:  # noqa: A002
    picture = pictures.image(*(pictures.photo(160, 120, seed=seed) for seed in range(frames)))
    sizes = [len(body(picture, format, quality, lossy=True)) for quality in (10, None, 100)]
    assert sizes == sorted(sizes)
    assert sizes[1] < 0.9 * len(body(picture, format))
    assert difference(picture.frames[0].pixels, read(body(picture, format, lossy=True)).frames[0].pixels) < 20


def test_lossy_loses_nothing_where_there_are_few_colours() -> None:
    for format in ("gif", "png"):  # noqa: A001
        after = read(body(pictures.image(pictures.quadrants()), format, lossy=True)).frames[0].pixels
        assert difference(pictures.quadrants(), after) == 0


def test_lossy_changes_nothing_elsewhere() -> None:
    for format in ("jpeg", "webp"):  # noqa: A001
        assert body(STILL, format, lossy=True) == body(STILL, format)


@pytest.mark.parametrize(("how", "code"), [("lzw", 5), ("deflate", 8), ("none", 1)])
def test_compression_of_a_tiff(how: Any, code: int) -> None:
    data = body(pictures.image(pictures.photo(50, 40)), "tiff", compression=how)
    assert vars(opened(data))["tag_v2"][259] == code
    assert difference(pictures.photo(50, 40), read(data).frames[0].pixels) == 0


# --- animations


@pytest.mark.parametrize("format", ["gif", "png", "webp", "avif"])
def test_every_frame_is_shown_as_long_as_asked(format: OutputFormat) -> None:  # noqa: A002
    assert [frame.duration_ms for frame in read(body(MOVING, format, delay_ms=340)).frames] == [340, 340]


@pytest.mark.parametrize("format", ["gif", "png", "webp", "avif"])
def test_a_still_is_the_first_frame(format: OutputFormat) -> None:  # noqa: A002
    after = read(body(MOVING, format, still=True))
    assert len(after.frames) == 1
    assert difference(MOVING.frames[0].pixels, after.frames[0].pixels) < 4


def test_a_delay_says_nothing_of_a_still() -> None:
    assert body(STILL, "png", delay_ms=100) == body(STILL, "png")
