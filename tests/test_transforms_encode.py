"""What leaves: the chosen format, and the picture as that format can hold it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from tests import pictures
from transforms.choose import candidates
from transforms.encode import MAX_AVIF_PIXELS, encode
from transforms.failure import Failure, Kind
from transforms.image import FormatName, Image, PixelArray, Size
from transforms.modes import flatten
from transforms.output import OUTPUT_FORMATS, TRAITS, WEB_FORMATS, Client, Output, OutputFormat

from .encoded import ANY, CLEAR, KINDS, MOVING, STILL, body, difference, opaque, opened, probed, read

# --- round trips

_CLOSE: dict[OutputFormat, float] = {
    "jpeg": 3, "png": 0, "webp": 3, "gif": 4, "avif": 3, "bmp": 0, "tiff": 0, "ico": 0, "jp2": 3,
}  # fmt: skip


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind: str, format: OutputFormat) -> None:  # noqa: A002
    before = KINDS[kind]
    if format == "gif" and kind == "bgra":
        before = pictures.image(_clear_or_not(before.frames[0].pixels))
    result = encode(before, Output(format), None, ANY)
    after = read(result.body)
    assert (result.format, result.media_type, result.size) == (format, TRAITS[format].media_type, before.size)
    moves = before.animated and TRAITS[format].animation
    assert len(after.frames) == (len(before.frames) if moves else 1)
    if moves:
        assert [frame.duration_ms for frame in after.frames] == [frame.duration_ms for frame in before.frames]
    for one, other in zip(before.frames, after.frames, strict=False):
        wanted = flatten(one.pixels, (255, 255, 255)) if not TRAITS[format].alpha else one.pixels
        assert difference(wanted, other.pixels) <= _CLOSE[format]


def _clear_or_not(pixels: PixelArray) -> PixelArray:
    """Alpha as GIF has it."""
    return np.dstack([pixels[:, :, :3], np.where(pixels[:, :, 3] < 128, 0, 255).astype(np.uint8)])


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_photographs_come_close(format: OutputFormat) -> None:  # noqa: A002
    before = pictures.photo(240, 180)
    assert difference(before, read(body(pictures.image(before), format)).frames[0].pixels) < 9


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_the_same_picture_gives_the_same_bytes(format: OutputFormat) -> None:  # noqa: A002
    assert body(CLEAR, format) == body(CLEAR, format)


@pytest.mark.parametrize("format", ["gif", "png", "webp"])
@pytest.mark.parametrize("loop", [0, 1, 2, 7])
def test_how_often_it_plays(format: OutputFormat, loop: int) -> None:  # noqa: A002
    assert read(body(replace(MOVING, loop=loop), format)).loop == loop


def test_a_loop_beyond_what_gif_can_count() -> None:
    assert read(body(replace(MOVING, loop=10**6), "gif")).loop == 65536


# --- alpha


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (200, 30, 90)])
def test_flatten(background: tuple[int, int, int]) -> None:
    pixels = pictures.noise(channels=4)
    alpha = pixels[:, :, 3:] / 255
    exact = pixels[:, :, :3] * alpha + np.array(background[::-1]) * (1 - alpha)
    flat = flatten(pixels, background)
    assert flat.dtype == np.uint8
    assert np.abs(flat - exact).max() <= 0.51
    assert flatten(flat, background) is flat


def test_jpeg_shows_the_background_through() -> None:
    shown = read(body(KINDS["clear-1x1"], "jpeg", background=(10, 200, 100))).frames[0].pixels
    assert np.abs(shown[0, 0].astype(int) - (100, 200, 10)).max() <= 3


@pytest.mark.parametrize("format", ["png", "webp", "avif", "gif", "tiff", "ico", "jp2"])
@pytest.mark.parametrize("frames", [1, 2])
def test_alpha_that_is_full_is_left_out(format: OutputFormat, frames: int) -> None:  # noqa: A002
    plain = pictures.animated(frames=frames) if frames > 1 else STILL
    with_alpha = replace(plain, frames=tuple(f.with_pixels(opaque(f.pixels)) for f in plain.frames))
    assert body(with_alpha, format) == body(plain, format)


def test_clear_parts_of_an_animation_stay_clear_for_other_readers() -> None:
    for format in (name for name, traits in TRAITS.items() if traits.animation):  # noqa: A001
        moving = Pillow.open(io.BytesIO(body(KINDS["animated-alpha"], format)))
        for index, (left, right) in enumerate([(255, 0), (0, 255)]):
            moving.seek(index)
            alpha = np.asarray(moving.convert("RGBA"))[:, :, 3].astype(int)
            assert abs(alpha[16, 10] - left) < 8, format
            assert abs(alpha[16, 38] - right) < 8, format


def test_frames_of_different_kinds_go_together() -> None:
    mixed = pictures.image(pictures.gradient(32, 24, 1), pictures.gradient(32, 24, 3), pictures.gradient(32, 24, 4))
    for format in OUTPUT_FORMATS:  # noqa: A001
        assert read(body(mixed, format)).size == Size(32, 24)


# --- which format

WEB = frozenset[OutputFormat]({"webp", "avif"})
WEBP = frozenset[OutputFormat]({"webp"})
LARGE = pictures.image(np.zeros((1500, 1400, 3), np.uint8))


@pytest.mark.parametrize("source", [None, *get_args(FormatName)])
@pytest.mark.parametrize("image", [STILL, CLEAR, MOVING], ids=["still", "clear", "moving"])
def test_the_source_s_format_is_kept_or_jpeg_or_png(source: FormatName | None, image: Image) -> None:
    other = "png" if image is CLEAR else "jpeg"
    assert candidates(Output(), probed(source), image, Client(WEB))[0].format == (
        source if source in WEB_FORMATS else other
    )


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_what_is_asked_for_wins(format: OutputFormat) -> None:  # noqa: A002
    assert candidates(Output(format), probed("gif"), CLEAR, Client(WEB))[0].format == format


@pytest.mark.parametrize(
    ("source", "image", "formats", "chosen"),
    [
        ("jpeg", STILL, WEB, "avif"), ("jpeg", LARGE, WEB, "webp"), ("jpeg", MOVING, WEB, "webp"),
        ("jpeg", STILL, frozenset({"avif"}), "avif"), ("jpeg", LARGE, frozenset({"avif"}), "jpeg"),
        ("png", STILL, WEBP, "webp"), ("gif", MOVING, WEBP, "webp"),
        ("jpeg", STILL, frozenset(), "jpeg"), ("jpeg", CLEAR, frozenset(), "png"), ("png", STILL, frozenset(), "jpeg"),
        ("gif", STILL, frozenset(), "jpeg"), ("gif", MOVING, frozenset(), "gif"), ("png", MOVING, frozenset(), "png"),
        ("webp", STILL, frozenset(), "jpeg"), ("webp", CLEAR, frozenset(), "png"), ("webp", MOVING, frozenset(), "gif"),
        ("avif", MOVING, frozenset({"avif"}), "gif"), ("heic", STILL, frozenset(), "jpeg"),
        (None, CLEAR, frozenset(), "png"), (None, STILL, WEBP, "webp"),
    ],
)  # fmt: skip
def test_automatic(
    source: FormatName | None, image: Image, formats: frozenset[OutputFormat], chosen: OutputFormat
) -> None:
    assert candidates(Output("auto"), probed(source), image, Client(formats))[0].format == chosen


# --- what cannot be written


def _refuse(error: Exception | None) -> Any:
    def save(*_: Any, **__: Any) -> tuple[bool, None]:
        if error is not None:
            raise error
        return False, None

    return save


_BY_OPENCV: tuple[OutputFormat, ...] = ("jpeg", "png")
_BY_PILLOW: tuple[OutputFormat, ...] = ("webp", "avif", "gif", "bmp", "tiff", "ico", "jp2")
_PILLOW_ERRORS = RuntimeError("no memory"), ValueError("encoding error 1"), OSError("encoder error -2")


@pytest.mark.parametrize(
    ("format", "error"),
    [(name, error) for name in _BY_OPENCV for error in (cv2.error("no memory"), None)]
    + [(name, error) for name in _BY_PILLOW for error in _PILLOW_ERRORS],
)
def test_an_encoder_that_refuses(
    format: OutputFormat,  # noqa: A002
    error: Exception | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cv2, "imencode", _refuse(error))
    monkeypatch.setattr(Pillow.Image, "save", _refuse(error))
    with pytest.raises(Failure) as caught:
        body(pictures.image(pictures.noise(30, 20)), format)
    failure = caught.value
    assert (failure.kind, failure.code) == (Kind.UNPROCESSABLE, "encoding-failed")
    assert failure.message == f"the result of 30x20 cannot be written as {format.upper()}"
    assert failure.hint
    assert failure.details == {"format": format, "width": 30, "height": 20}


def test_a_real_encoder_refuses() -> None:
    with pytest.raises(Failure, match="16384x1 cannot be written as WEBP"):
        body(pictures.image(np.zeros((1, 16384, 3), np.uint8)), "webp")


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_too_little_memory_is_told_to_the_caller(
    format: OutputFormat,  # noqa: A002
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cv2, "imencode", _refuse(MemoryError()))
    monkeypatch.setattr(Pillow.Image, "save", _refuse(MemoryError()))
    with pytest.raises(MemoryError):
        body(STILL, format)


@pytest.mark.parametrize("asked", ["avif", None])
def test_avif_has_a_largest_size(asked: OutputFormat | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pillow.Image, "save", lambda *_, **__: None)
    most = pictures.image(np.zeros((4000, 4000, 1), np.uint8))
    assert most.size.pixels == MAX_AVIF_PIXELS
    assert encode(most, Output(asked), probed("avif"), ANY).format == "avif"
    with pytest.raises(Failure, match=str(MAX_AVIF_PIXELS)) as caught:
        encode(pictures.image(np.zeros((4001, 4000, 1), np.uint8)), Output(asked), probed("avif"), ANY)
    assert (caught.value.kind, caught.value.code) == (Kind.UNPROCESSABLE, "result-too-large")
    assert caught.value.details["maximum_pixels"] == MAX_AVIF_PIXELS


def test_an_icon_has_a_largest_side() -> None:
    assert opened(body(pictures.image(np.zeros((256, 31, 3), np.uint8)), "ico")).size == (31, 256)
    with pytest.raises(Failure, match="256 px") as caught:
        body(pictures.image(np.zeros((257, 31, 3), np.uint8)), "ico")
    assert (caught.value.kind, caught.value.code) == (Kind.UNPROCESSABLE, "result-too-large")
    assert caught.value.details["maximum_side"] == 256
