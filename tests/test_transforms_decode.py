"""Pixels of a source: upright, sRGB, 8 bits, whole or not at all."""

from __future__ import annotations

import tracemalloc
import zlib
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from tests import pictures
from tests.shared import SHARED, manifest, needs
from transforms.decode import Decode, Decoded, decode
from transforms.failure import Failure, Kind
from transforms.image import Image, PixelArray, Size
from transforms.limits import Limits
from transforms.probe import Source, open_source


def decoded(data: bytes, plan: Decode | None = None, **limits: Any) -> Decoded:
    return decode(Source(data, Limits(**limits)), plan or Decode())


def image(data: bytes, plan: Decode | None = None, **limits: Any) -> Image:
    return decoded(data, plan, **limits).image


def pixels(data: bytes, plan: Decode | None = None) -> PixelArray:
    (frame,) = image(data, plan).frames
    return frame.pixels


def damaged(data: bytes) -> bool:
    with pytest.raises(Failure) as raised:
        decoded(data)
    return (raised.value.kind, raised.value.code) == (Kind.UNSUPPORTED_MEDIA, "damaged-image")


# --- the same pixels, whatever the container


@pytest.mark.parametrize(
    ("format", "channels", "options"),
    [
        *product(["PNG", "TIFF", "JPEG2000"], [1, 3, 4], [{}]),
        *product(["WEBP"], [3, 4], [{"lossless": True, "exact": True}]),
        *product(["BMP"], [1, 3], [{}]),
        ("PNG", 3, {"interlace": 1}),
        ("TIFF", 3, {"compression": "tiff_lzw"}),
        ("TIFF", 4, {"compression": "tiff_adobe_deflate"}),
        ("TIFF", 3, {"big_tiff": True}),
    ],
)  # fmt: skip
def test_lossless_formats_give_the_very_pixels(format: str, channels: int, options: dict[str, Any]) -> None:  # noqa: A002
    before = pictures.gradient(61, 37, channels)
    after = pixels(pictures.file(before, format, **options))
    assert after.dtype == np.uint8
    assert after.flags.c_contiguous
    assert np.array_equal(after, before)


@pytest.mark.parametrize(("format", "channels"), [("JPEG", 1), ("JPEG", 3), ("WEBP", 4), ("AVIF", 1), ("AVIF", 4)])
def test_lossy_formats_come_close(format: str, channels: int) -> None:  # noqa: A002
    before = pictures.gradient(61, 37, channels)
    after = pixels(pictures.file(before, format, quality=95))
    assert after.shape == before.shape
    assert np.abs(after.astype(int) - before).mean() < 2.5


def test_alpha_that_is_full_is_dropped() -> None:
    opaque = np.dstack([pictures.gradient(), np.full((48, 64), 255, np.uint8)])
    assert np.array_equal(pixels(pictures.file(opaque, "PNG")), opaque[:, :, :3])


def test_decoding_twice_gives_the_same() -> None:
    for name in ("JPEG", "PNG", "GIF", "WEBP"):
        source = Source(pictures.file(pictures.photo(80, 60), name), Limits())
        first, second = (decode(source, Decode()).image.frames[0].pixels for _ in range(2))
        assert np.array_equal(first, second), name


# --- orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_upright_exactly_once(format: str, orientation: int) -> None:  # noqa: A002
    stored = _stored(pictures.quadrants(60, 40), orientation)
    upright = pixels(pictures.file(stored, format, orientation=orientation))
    assert upright.shape == (40, 60, 3)
    assert pictures.corners(upright) == ["red", "green", "blue", "yellow"]


def _stored(upright: PixelArray, orientation: int) -> PixelArray:
    """How a camera stores an upright picture under that orientation: the inverse of EXIF's table."""
    undo = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90",
            7: "TRANSVERSE", 8: "ROTATE_270"}  # fmt: skip
    if orientation == 1:
        return upright
    return pictures.pixels(pictures.pillow(upright).transpose(Pillow.Transpose[undo[orientation]]))


def test_gray_is_turned_and_stays_gray() -> None:
    turned = pixels(pictures.file(pictures.gradient(30, 20, 1), "JPEG", orientation=6))
    assert turned.shape == (30, 20, 1)
    assert turned[0, 10] < 20
    assert turned[-1, 10] > 235


# --- smaller JPEGs


@pytest.mark.parametrize("reduce", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(60, 40), (61, 37), (640, 481), (7, 5), (1, 1)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_reduced(mode: str, size: tuple[int, int], reduce: Any) -> None:
    data = pictures.file(pictures.pillow(pictures.quadrants(*size)).convert(mode), "JPEG", quality=95, orientation=6)
    upright = Size(-(-size[1] // reduce), -(-size[0] // reduce))
    smaller = image(data, Decode(reduce=reduce))
    assert smaller.size == upright
    assert smaller.frames[0].channels == (1 if mode == "L" else 3)
    if mode == "RGB" and min(size) // reduce >= 10:
        assert pictures.corners(smaller.frames[0].pixels) == ["blue", "red", "yellow", "green"]


def test_only_jpeg_comes_smaller() -> None:
    assert image(pictures.file(pictures.gradient(), "PNG"), Decode(reduce=8)).size == Size(64, 48)


# --- depth, palettes, transparency


SIXTEEN = np.array([[0, 1, 127, 128, 257 * 10, 257 * 200 + 100, 65535]], np.uint16)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(format: str) -> None:  # noqa: A002
    data = pictures.file(Pillow.fromarray(SIXTEEN), format)
    assert pixels(data)[0, :, 0].tolist() == [0, 0, 0, 0, 10, 200, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0, np.nan]], np.float32), [0, 128, 255, 0]),
        (np.array([[0.0, 51.0, 255.0, -3.0]], np.float32), [0, 51, 255, 0]),
        (np.array([[0, 257 * 7, 65535]], np.int32), [0, 7, 255]),
    ],
)
def test_thirty_two_bits(values: Any, expected: list[int]) -> None:
    assert pixels(pictures.file(Pillow.fromarray(values), "TIFF"))[0, :, 0].tolist() == expected


PALETTE = (b"PLTE", b"\1\2\3\4\5\6")
CLEAR, BLACK, WHITE = [0, 0, 0, 0], [0, 0, 0, 255], [255, 255, 255, 255]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pictures.png(2, 1, 0, [b"\x40"]), [[0], [255]]),
        (pictures.png(4, 2, 0, [b"\x1b"]), [[0], [85], [170], [255]]),
        (pictures.png(2, 1, 0, [b"\x40"], (b"tRNS", b"\0\0")), [CLEAR, WHITE]),
        (pictures.png(2, 2, 0, [b"\x10"], (b"tRNS", b"\0\1")), [BLACK, [85, 85, 85, 0]]),
        (pictures.png(2, 4, 0, [b"\x0f"], (b"tRNS", b"\0\x0f")), [BLACK, [255, 255, 255, 0]]),
        (pictures.png(2, 8, 0, [b"\0\xff"], (b"tRNS", b"\0\xff")), [BLACK, [255, 255, 255, 0]]),
        (pictures.png(2, 16, 0, [b"\0\0\0\1"], (b"tRNS", b"\0\1")), [BLACK, CLEAR]),
        (pictures.png(2, 8, 2, [b"\1\2\3\1\2\4"], (b"tRNS", b"\0\1\0\2\0\3")), [[3, 2, 1, 0], [4, 2, 1, 255]]),
        (pictures.png(1, 16, 2, [b"\1\xff\2\0\3\0"], (b"tRNS", b"\1\xff\2\0\3\0")), [[3, 2, 1, 0]]),
        (pictures.png(2, 8, 4, [b"\x07\xff\x09\x80"]), [[7, 7, 7, 255], [9, 9, 9, 128]]),
        (pictures.png(1, 16, 6, [b"\1\0\2\0\3\0\x80\0"]), [[3, 2, 1, 128]]),
        (pictures.png(2, 8, 3, [b"\0\1"], PALETTE), [[3, 2, 1], [6, 5, 4]]),
        (pictures.png(2, 8, 3, [b"\0\1"], PALETTE, (b"tRNS", b"\x40")), [[3, 2, 1, 64], [6, 5, 4, 255]]),
        (pictures.png(2, 1, 3, [b"\x40"], PALETTE, (b"tRNS", b"\xff\0")), [[3, 2, 1, 255], [6, 5, 4, 0]]),
    ],
)  # fmt: skip
def test_every_kind_of_png(data: bytes, expected: list[list[int]]) -> None:
    assert pixels(data)[0].tolist() == expected


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "YCbCr"])
def test_every_mode_of_tiff(mode: str) -> None:
    picture = pictures.pillow(pictures.quadrants())
    if mode == "LAB":
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, srgb, lab, outputMode="LAB")
        assert converted
        picture = converted
    shown = pixels(pictures.file(picture if mode == "LAB" else picture.convert(mode), "TIFF"))
    assert shown.shape == (40, 60, 1 if mode in ("1", "L") else 3)
    if shown.shape[2] == 3 and mode != "LA":
        assert pictures.corners(shown) == ["red", "green", "blue", "yellow"]


# --- damage


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "JPEG2000"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
def test_a_file_that_ends_too_early_is_refused(format: str, kept: float) -> None:  # noqa: A002
    data = pictures.file(pictures.photo(120, 90), format)
    assert damaged(data[: int(len(data) * kept)])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2, 3, 20, 200])
def test_a_jpeg_that_lacks_its_last_bytes_is_refused(progressive: bool, missing: int) -> None:
    data = pictures.file(pictures.photo(120, 90), "JPEG", progressive=progressive)
    assert damaged(data[:-missing])


def test_a_changed_byte_in_a_png_is_noticed() -> None:
    data = bytearray(pictures.file(pictures.photo(120, 90), "PNG"))
    data[len(data) // 2] ^= 0x10
    assert damaged(bytes(data))


def test_a_changed_byte_in_text_is_not() -> None:
    text = pictures.chunk(b"tEXt", b"Comment\0hello")
    data = pictures.png(1, 8, 0, [b"\x05"])
    assert pixels(data[:33] + text[:-1] + b"\0" + data[33:]).tolist() == [[[5]]]


@pytest.mark.parametrize(
    "bomb",
    [
        (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(60_000_000))),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(60_000_000))),
        (b"iCCP", b"icc\0\0" + zlib.compress(bytes(60_000_000))),
    ],
    ids=["zTXt", "iTXt", "iCCP"],
)
def test_metadata_bombs_are_not_inflated(bomb: tuple[bytes, bytes]) -> None:
    data = pictures.png(1, 8, 0, [b"\x05"], bomb)
    tracemalloc.start()
    try:
        assert pixels(data).tolist() == [[[5]]]
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


# --- the shared collection


@needs("images", "manifest.json")
@pytest.mark.parametrize(
    "entry",
    [e for e in manifest() if e["expected"] == "ok" and e["path"].startswith("formats/")],
    ids=lambda e: e["path"],
)
def test_manifest(entry: dict[str, Any]) -> None:
    result = decode(open_source(SHARED / "images" / entry["path"], Limits()), Decode())
    shown = result.image
    assert (shown.size, result.degraded) == (Size(entry["width"], entry["height"]), ())
    if "corners" in entry:
        assert ",".join(pictures.corners(shown.frames[0].pixels)) == entry["corners"]
    if entry["mode"] in ("1", "L", "I;16"):
        assert shown.frames[0].channels == 1
    if entry["path"] not in _ALPHA_DIFFERS:
        assert shown.has_alpha == entry["alpha_used"]
    if entry["durations_ms"] and len(shown.frames) > 1:
        assert [frame.duration_ms for frame in shown.frames] == [int(ms) or 100 for ms in entry["durations_ms"]]


# The manifest has what Pillow composed; browsers clear to nothing where it fills with the background colour, and do
# not show the default image of this APNG, the only one of its pictures with alpha.
_ALPHA_DIFFERS = {"formats/gif-dispose-background.gif", "formats/gif-partial-disposal.gif", "formats/apng-16bit.png"}
