"""What leaves: the chosen format, the picture as that format can hold it, and nothing else."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from tests import pictures
from tests.shared import SHARED, manifest, needs
from transforms.decode import Decode, decode
from transforms.encode import MAX_AVIF_PIXELS, choose, encode, flatten
from transforms.failure import Failure, Kind
from transforms.image import FormatName, Image, PixelArray, Probe, Size
from transforms.limits import Limits
from transforms.output import OUTPUT_FORMATS, Client, Output, OutputFormat
from transforms.palette import indexed
from transforms.probe import Source, open_source

ANY = Client()
KINDS = {
    **pictures.kinds(),
    "gray-animated": pictures.animated(channels=1),
    "five": pictures.animated(frames=5, channels=4),
    "gray-1x1": pictures.image(np.full((1, 1, 1), 90, np.uint8)),
    "clear-1x1": pictures.image(np.zeros((1, 1, 4), np.uint8)),
}
STILL, CLEAR, MOVING = KINDS["bgr"], KINDS["bgra"], KINDS["animated"]


def body(image: Image, format: OutputFormat, quality: int | None = None, **more: Any) -> bytes:  # noqa: A002
    return encode(image, Output(format, quality, **more), None, ANY).body


def read(data: bytes) -> Image:
    return decode(Source(data, Limits()), Decode()).image


def difference(before: PixelArray, after: PixelArray) -> float:
    """Mean difference over channels of what is seen: colours weighted by alpha, and alpha."""
    return float(np.abs(_seen(before) - _seen(after)).mean())


def _seen(pixels: PixelArray) -> Any:
    code = {1: cv2.COLOR_GRAY2BGRA, 3: cv2.COLOR_BGR2BGRA}.get(pixels.shape[2])
    seen = (pixels if code is None else cv2.cvtColor(pixels, code)).astype(float)
    seen[:, :, :3] *= seen[:, :, 3:] / 255
    return seen


# --- round trips

_CLOSE: dict[OutputFormat, float] = {"jpeg": 3, "png": 0, "webp": 3, "gif": 4, "avif": 3}


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind: str, format: OutputFormat) -> None:  # noqa: A002
    before = KINDS[kind]
    if format == "gif" and kind == "bgra":
        before = pictures.image(_clear_or_not(before.frames[0].pixels))
    result = encode(before, Output(format), None, ANY)
    after = read(result.body)
    assert (result.format, result.media_type, result.size) == (format, f"image/{format}", before.size)
    moves = before.animated and format != "jpeg"
    assert len(after.frames) == (len(before.frames) if moves else 1)
    if moves:
        assert [frame.duration_ms for frame in after.frames] == [frame.duration_ms for frame in before.frames]
    for one, other in zip(before.frames, after.frames, strict=False):
        wanted = flatten(one.pixels, (255, 255, 255)) if format == "jpeg" else one.pixels
        assert difference(wanted, other.pixels) <= _CLOSE[format]


def _clear_or_not(pixels: PixelArray) -> PixelArray:
    """Alpha as GIF has it."""
    return np.dstack([pixels[:, :, :3], np.where(pixels[:, :, 3] < 128, 0, 255).astype(np.uint8)])


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_photographs_come_close(format: OutputFormat) -> None:  # noqa: A002
    before = pictures.photo(320, 240)
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


@pytest.mark.parametrize("format", ["png", "webp", "avif", "gif"])
@pytest.mark.parametrize("frames", [1, 2])
def test_alpha_that_is_full_is_left_out(format: OutputFormat, frames: int) -> None:  # noqa: A002
    plain = pictures.animated(frames=frames) if frames > 1 else STILL
    with_alpha = replace(plain, frames=tuple(f.with_pixels(_opaque(f.pixels)) for f in plain.frames))
    assert body(with_alpha, format) == body(plain, format)


def _opaque(pixels: PixelArray) -> PixelArray:
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


def test_clear_parts_of_an_animation_stay_clear_for_other_readers() -> None:
    for format in set(OUTPUT_FORMATS) - {"jpeg"}:  # noqa: A001
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


# --- quality, and what makes files small


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_quality_costs_bytes(format: OutputFormat) -> None:  # noqa: A002
    picture = pictures.image(pictures.photo(160, 120))
    sizes = [len(body(picture, format, quality)) for quality in (1, 40, 85, 100)]
    assert sizes == sorted(set(sizes))
    moving = pictures.image(pictures.photo(96, 64), pictures.photo(96, 64, seed=2))
    if format != "jpeg":
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
        (pictures.quadrants(), 3), (_opaque(pictures.quadrants()), 3), (pictures.checks(), 0), (pictures.noise(), 2),
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


# --- which format

WEB = frozenset[OutputFormat]({"webp", "avif"})
WEBP = frozenset[OutputFormat]({"webp"})
LARGE = pictures.image(np.zeros((1500, 1400, 3), np.uint8))


@pytest.mark.parametrize("source", [None, *get_args(FormatName)])
@pytest.mark.parametrize("image", [STILL, CLEAR, MOVING], ids=["still", "clear", "moving"])
def test_the_source_s_format_is_kept_or_jpeg_or_png(source: FormatName | None, image: Image) -> None:
    other = "png" if image is CLEAR else "jpeg"
    assert choose(Output(), _probe(source), image, Client(WEB)) == (source if source in OUTPUT_FORMATS else other)


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_what_is_asked_for_wins(format: OutputFormat) -> None:  # noqa: A002
    assert choose(Output(format), _probe("gif"), CLEAR, Client(WEB)) == format


@pytest.mark.parametrize(
    ("source", "image", "formats", "chosen"),
    [
        ("jpeg", STILL, WEB, "avif"), ("jpeg", LARGE, WEB, "webp"), ("jpeg", MOVING, WEB, "webp"),
        ("jpeg", STILL, frozenset({"avif"}), "avif"), ("jpeg", LARGE, frozenset({"avif"}), "jpeg"),
        ("png", STILL, WEBP, "webp"), ("gif", MOVING, WEBP, "webp"),
        ("jpeg", STILL, frozenset(), "jpeg"), ("jpeg", CLEAR, frozenset(), "png"), ("png", STILL, frozenset(), "png"),
        ("gif", STILL, frozenset(), "gif"), ("gif", MOVING, frozenset(), "gif"), ("png", MOVING, frozenset(), "png"),
        ("webp", STILL, frozenset(), "jpeg"), ("webp", CLEAR, frozenset(), "png"), ("webp", MOVING, frozenset(), "gif"),
        ("avif", MOVING, frozenset({"avif"}), "gif"), ("heic", STILL, frozenset(), "jpeg"),
        (None, CLEAR, frozenset(), "png"), (None, STILL, WEBP, "webp"),
    ],
)  # fmt: skip
def test_automatic(
    source: FormatName | None, image: Image, formats: frozenset[OutputFormat], chosen: OutputFormat
) -> None:
    assert choose(Output("auto"), _probe(source), image, Client(formats)) == chosen


def _probe(source: FormatName | None) -> Probe | None:
    return source and Probe(source, Size(64, 48), 1, False, False, None, 1, 1000)


# --- nothing else gets in


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_nothing_of_the_source_but_its_pixels(container: str, format: OutputFormat) -> None:  # noqa: A002
    options: dict[str, Any] = {
        "exif": pictures.exif(6).tobytes(),
        "icc_profile": pictures.profile(name="SECRET-PROFILE"),
    }
    if container in ("JPEG", "WEBP", "AVIF"):
        options["xmp"] = b"<x:xmpmeta>SECRET-XMP</x:xmpmeta>"
    if container == "JPEG":
        options["comment"] = b"SECRET-COMMENT"
    data = pictures.file(pictures.quadrants(), container, **options) + b"SECRET-TAIL"
    assert data.count(b"SECRET") >= 2
    _check_clean(encode(read(data), Output(format), None, ANY).body, b"SECRET")


def _check_clean(data: bytes, *secrets: bytes) -> None:
    assert not any(secret in data for secret in (b"Exif", b"ICC_PROFILE", b"xmpmeta", b"iCCP", *secrets))
    assert not {"exif", "icc_profile", "xmp", "comment", "photoshop"} & set(Pillow.open(io.BytesIO(data)).info)


_TELLING = {
    "formats/jpeg-exif-gps-camera.jpg": b"Exif",
    "formats/jpeg-comment-latin1.jpg": b"not UTF-8",
    "formats/jpeg-iptc.jpg": b"Photoshop",
    "formats/jpeg-icc-big.jpg": b"ICC_PROFILE",
    "bad/polyglot-jpeg-html.jpg": b"<script",
    "bad/polyglot-jpeg-zip.jpg": b"PK\x03\x04",
}


@needs("images", "manifest.json")
@pytest.mark.parametrize("path", [e["path"] for e in manifest() if e["path"] in _TELLING])
@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_secrets_of_the_collection(path: str, format: OutputFormat) -> None:  # noqa: A002
    shown = decode(open_source(SHARED / "images" / path, Limits()), Decode(reduce=4)).image
    assert _TELLING[path] in (SHARED / "images" / path).read_bytes()
    _check_clean(encode(shown, Output(format), None, ANY).body, _TELLING[path])


# --- what cannot be written


def _refuse(error: Exception | None) -> Any:
    def save(*_: Any, **__: Any) -> tuple[bool, None]:
        if error is not None:
            raise error
        return False, None

    return save


_BY_OPENCV: tuple[OutputFormat, ...] = ("jpeg", "png")
_BY_PILLOW: tuple[OutputFormat, ...] = ("webp", "avif", "gif")
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
    assert encode(most, Output(asked), _probe("avif"), ANY).format == "avif"
    with pytest.raises(Failure, match=str(MAX_AVIF_PIXELS)) as caught:
        encode(pictures.image(np.zeros((4001, 4000, 1), np.uint8)), Output(asked), _probe("avif"), ANY)
    assert (caught.value.kind, caught.value.code) == (Kind.UNPROCESSABLE, "result-too-large")
    assert caught.value.details["maximum_pixels"] == MAX_AVIF_PIXELS
