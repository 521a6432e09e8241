"""Pixels of a source: upright, sRGB, 8 bits, whole or not at all."""

from __future__ import annotations

import resource
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from pebble import ProcessPool
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


def png(width: int, depth: int, colour_type: int, rows: list[bytes], *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG by hand, one filter byte before each row."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, payload) for kind, payload in ((b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b""))
    )


def chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


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


CLEAR, BLACK, WHITE = [0, 0, 0, 0], [0, 0, 0, 255], [255, 255, 255, 255]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png(2, 1, 0, [b"\x40"]), [[0], [255]]),
        (png(4, 2, 0, [b"\x1b"]), [[0], [85], [170], [255]]),
        (png(2, 1, 0, [b"\x40"], (b"tRNS", b"\0\0")), [CLEAR, WHITE]),
        (png(2, 2, 0, [b"\x10"], (b"tRNS", b"\0\1")), [BLACK, [85, 85, 85, 0]]),
        (png(2, 4, 0, [b"\x0f"], (b"tRNS", b"\0\x0f")), [BLACK, [255, 255, 255, 0]]),
        (png(2, 8, 0, [b"\0\xff"], (b"tRNS", b"\0\xff")), [BLACK, [255, 255, 255, 0]]),
        (png(2, 16, 0, [b"\0\0\0\1"], (b"tRNS", b"\0\1")), [BLACK, CLEAR]),
        (png(2, 8, 2, [b"\1\2\3\1\2\4"], (b"tRNS", b"\0\1\0\2\0\3")), [[3, 2, 1, 0], [4, 2, 1, 255]]),
        (png(1, 16, 2, [b"\1\xff\2\0\3\0"], (b"tRNS", b"\1\xff\2\0\3\0")), [[3, 2, 1, 0]]),
        (png(2, 8, 4, [b"\x07\xff\x09\x80"]), [[7, 7, 7, 255], [9, 9, 9, 128]]),
        (png(1, 16, 6, [b"\1\0\2\0\3\0\x80\0"]), [[3, 2, 1, 128]]),
        (png(2, 8, 3, [b"\0\1"], (b"PLTE", b"\1\2\3\4\5\6")), [[3, 2, 1], [6, 5, 4]]),
        (png(2, 8, 3, [b"\0\1"], (b"PLTE", b"\1\2\3\4\5\6"), (b"tRNS", b"\x40")), [[3, 2, 1, 64], [6, 5, 4, 255]]),
        (png(2, 1, 3, [b"\x40"], (b"PLTE", b"\1\2\3\4\5\6"), (b"tRNS", b"\xff\0")), [[3, 2, 1, 255], [6, 5, 4, 0]]),
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
        picture = ImageCms.profileToProfile(picture, srgb, lab, outputMode="LAB")
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
    text = chunk(b"tEXt", b"Comment\0hello")
    data = png(1, 8, 0, [b"\x05"])
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
    data = png(1, 8, 0, [b"\x05"], bomb)
    tracemalloc.start()
    try:
        assert pixels(data).tolist() == [[[5]]]
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


# --- animations


def gif(
    size: tuple[int, int], parts: list[tuple[int, int, list[list[int]], int, int | None]], loop: int | None
) -> bytes:
    """A GIF of four colours by hand: x, y, rows of indices, disposal, transparent index of each part."""
    body = b"GIF89a" + struct.pack("<HHBBB", *size, 0x81, 0, 0) + bytes([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    if loop is not None:
        body += b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loop) + b"\0"
    for x, y, rows, disposal, clear in parts:
        body += b"!\xf9\x04" + struct.pack("<BHBB", disposal << 2 | (clear is not None), 5, clear or 0, 0)
        body += b"," + struct.pack("<HHHHB", x, y, len(rows[0]), len(rows), 0) + b"\x02" + blocks(rows)
    return body + b";"


def blocks(rows: list[list[int]]) -> bytes:
    """LZW that clears its table before every pixel, so that all codes have three bits."""
    codes = [code for row in rows for index in row for code in (4, index)] + [5]
    packed = sum(code << 3 * place for place, code in enumerate(codes)).to_bytes(-(-3 * len(codes) // 8), "little")
    return bytes([len(packed)]) + packed + b"\0"


# What a browser shows: R red, G green, B blue, K black, . nothing.
@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ([(0, 0, [[1, 1, 1]], 0, None), (1, 0, [[2]], 0, None)], ["RRR", "RGR"]),
        ([(0, 0, [[1, 1, 1]], 1, None), (1, 0, [[2, 3]], 1, 3)], ["RRR", "RGR"]),
        ([(0, 0, [[1, 1, 1]], 1, None), (1, 0, [[2]], 2, None), (0, 0, [[3]], 1, None)], ["RRR", "RGR", "B.R"]),
        ([(0, 0, [[1, 1, 1]], 1, None), (1, 0, [[2]], 3, None), (0, 0, [[3]], 1, None)], ["RRR", "RGR", "BRR"]),
        ([(0, 0, [[1, 1]], 3, None), (1, 0, [[2]], 1, None)], ["RR.", ".G."]),
        ([(1, 0, [[1]], 1, None)], [".R."]),
        ([(0, 0, [[1, 0, 1]], 1, 0), (0, 0, [[0, 2, 0]], 1, 0)], ["R.R", "RGR"]),
        ([(2, 0, [[1, 2, 3]], 1, None)], ["..R"]),
        ([(9, 9, [[1]], 1, None)], ["..."]),
    ],
)
def test_gif_frames_are_put_together_as_in_browsers(parts: Any, shown: list[str]) -> None:
    assert [_letters(frame.pixels) for frame in image(gif((3, 1), parts, None)).frames] == shown


def _letters(row: PixelArray) -> str:
    names = {(0, 0, 255): "R", (0, 255, 0): "G", (255, 0, 0): "B", (0, 0, 0): "K"}
    return "".join("." if len(p) == 4 and p[3] == 0 else names[tuple(p[:3])] for p in row[0].tolist())


@pytest.mark.parametrize(("repeats", "plays"), [(None, 1), (0, 0), (1, 2), (4, 5)])
def test_how_often_a_gif_plays(repeats: int | None, plays: int) -> None:
    part = (0, 0, [[1]], 0, None)
    assert image(gif((1, 1), [part, part], repeats)).loop == plays
    assert image(gif((1, 1), [part], repeats)).loop == 0


def test_apng_blends_half_transparent_frames_rightly() -> None:
    red, green = (np.full((4, 4, 4), colour, np.uint8) for colour in ((0, 0, 255, 255), (0, 255, 0, 128)))
    data = pictures.animation(pictures.image(red, green), "PNG", blend=1)
    frames = image(data).frames
    assert [frame.pixels[0, 0].tolist() for frame in frames] == [[0, 0, 255], [0, 128, 127]]


def test_apng_default_image_is_not_a_frame() -> None:
    moving = pictures.animated(frames=3)
    data = pictures.animation(moving, "PNG", default_image=True)
    # Pillow takes the first picture as the default image: two remain.
    assert Source(data, Limits()).probe.frames == 3
    shown = image(data)
    assert len(shown.frames) == 2
    assert np.array_equal(shown.frames[0].pixels, moving.frames[1].pixels)


@pytest.mark.parametrize("change", [(b"fcTL", 0, 9), (b"fdAT", 0, 9), (b"acTL", 0, 7), (b"fcTL", 12, 99)])
def test_apng_that_contradicts_itself_is_refused(change: tuple[bytes, int, int]) -> None:
    kind, offset, value = change
    data = pictures.animation(pictures.animated(frames=3), "PNG")
    at = data.rindex(kind)
    (length,) = struct.unpack_from(">I", data, at - 4)
    payload = bytearray(data[at + 4 : at + 4 + length])
    payload[offset : offset + 4] = struct.pack(">I", value)
    assert damaged(data[: at - 4] + chunk(kind, bytes(payload)) + data[at + 8 + length :])


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("channels", [3, 4])
def test_animations_come_whole(format: str, channels: int) -> None:  # noqa: A002
    moving = pictures.animated(48, 32, 4, channels)
    options = {"PNG": {}, "GIF": {"disposal": 2}, "WEBP": {"lossless": True}, "AVIF": {"quality": 90}}[format]
    shown = image(pictures.animation(moving, format, **options))
    assert [frame.duration_ms for frame in shown.frames] == [80, 90, 100, 110]
    assert shown.loop == 0
    for before, after in zip(moving.frames, shown.frames, strict=True):
        assert after.channels == channels
        assert _visible_difference(before.pixels, after.pixels) < (5 if format == "AVIF" else 3)


def _visible_difference(before: PixelArray, after: PixelArray) -> float:
    """Mean difference of colours weighted by alpha, and of alpha."""
    one, other = (array.astype(float) for array in (before, after))
    if before.shape[2] == 4:
        for array in (one, other):
            array[:, :, :3] *= array[:, :, 3:] / 255
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_frames_that_ask_for_no_time_get_a_tenth_of_a_second(format: str) -> None:  # noqa: A002
    moving = pictures.animated(frames=3)
    hasty = replace(moving, frames=tuple(replace(frame, duration_ms=0) for frame in moving.frames))
    assert [frame.duration_ms for frame in image(pictures.animation(hasty, format)).frames] == [100, 100, 100]


def test_still_gives_the_first_frame_alone() -> None:
    data = pictures.animation(pictures.animated(frames=3), "GIF")
    result = decoded(data, Decode(still=True), frames=2)
    assert (len(result.image.frames), result.image.frames[0].duration_ms, result.degraded) == (1, 0, ())


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_too_many_frames_become_one_and_it_says_so(format: str) -> None:  # noqa: A002
    data = pictures.animation(pictures.animated(frames=3), format)
    result = decoded(data, frames=2)
    assert (len(result.image.frames), result.image.loop, result.degraded) == (1, 0, ("animation",))
    assert decoded(data, frames=3).degraded == ()


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


def attempt(path: str) -> tuple[str, str]:
    """In the child: what becomes of a file."""
    try:
        shown = decode(open_source(path, Limits()), Decode()).image
    except Failure as failure:
        return "failure", f"{failure.kind} {failure.code}"
    return "picture", str(shown.size)


def confine(budget: int) -> None:
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + budget, used + budget))


@pytest.fixture(scope="module")
def child() -> Iterator[ProcessPool]:
    """A process as a render process is: 1 GiB more than at rest, killed after 10 s a file."""
    pool = ProcessPool(max_workers=1, context=get_context("spawn"), initializer=confine, initargs=(1 << 30,))
    yield pool
    pool.stop()
    pool.join(10)


@needs("images", "bad")
@pytest.mark.parametrize("entry", [e for e in manifest() if e["path"].startswith("bad/")], ids=lambda e: e["path"][4:])
def test_hostile_files_end_in_a_failure_or_a_picture(entry: dict[str, Any], child: ProcessPool) -> None:
    kind, what = child.schedule(attempt, args=(str(SHARED / "images" / entry["path"]),), timeout=10).result()
    if entry["expected"].startswith("reject"):
        assert kind == "failure", what
    elif not entry["expected"].startswith("ok-or-reject"):
        assert kind == "picture", what
    if "ignore the EXIF" in entry["expected"]:
        assert what == f"{entry['stored_width']}x{entry['stored_height']}"
    if entry["expected"] == "reject: too many pixels" and entry["format"] != "SVG":
        assert what == "unprocessable too-many-pixels"
