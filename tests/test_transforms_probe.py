"""The header of a source: what it says, what is refused for it, before any pixel is decoded."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from tests import pictures
from tests.shared import SHARED, manifest, needs
from transforms.failure import Failure, Kind
from transforms.image import Probe, Size
from transforms.limits import Limits
from transforms.probe import Source, exif_orientation, open_source

LIMITS = Limits()


def probe(data: bytes, **limits: Any) -> Probe:
    return Source(data, Limits(**limits)).probe


def refusal(data: bytes, **limits: Any) -> Failure:
    with pytest.raises(Failure) as raised:
        probe(data, **limits)
    return raised.value


PNG = pictures.file(pictures.gradient(), "PNG")


@pytest.mark.parametrize(
    ("format", "name", "channels"),
    [
        ("JPEG", "jpeg", 3), ("PNG", "png", 4), ("GIF", "gif", 3), ("WEBP", "webp", 4), ("AVIF", "avif", 4),
        ("TIFF", "tiff", 4), ("BMP", "bmp", 3), ("JPEG2000", "jp2", 4), ("ICO", "ico", 4),
    ],
)  # fmt: skip
def test_says_what_the_header_says(format: str, name: str, channels: int) -> None:  # noqa: A002
    options: dict[str, Any] = {"sizes": [(48, 32)]} if format == "ICO" else {}
    data = pictures.file(pictures.gradient(48, 32, channels), format, **options)
    assert probe(data) == Probe(name, Size(48, 32), 1, False, channels == 4, None, 1, len(data))  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_counts_frames(format: str, frames: int) -> None:  # noqa: A002
    read = probe(pictures.animation(pictures.animated(frames=frames), format))
    assert (read.frames, read.animated) == (frames, frames > 1)


def test_pages_are_not_an_animation() -> None:
    page = pictures.pillow(pictures.gradient())
    data = pictures.file(page, "TIFF", save_all=True, append_images=[page, page])
    read = probe(data, total_pixels=64 * 48)
    assert (read.frames, read.animated) == (3, False)


def test_a_damaged_second_page_does_not_matter() -> None:
    page = pictures.pillow(pictures.gradient())
    whole = pictures.file(page, "TIFF", save_all=True, append_images=[page])
    (first,) = struct.unpack_from("<I", whole, 4)
    (entries,) = struct.unpack_from("<H", whole, first)
    at = first + 2 + 12 * entries
    assert probe(whole[:at] + struct.pack("<I", len(whole) + 999) + whole[at + 4 :]).size == Size(64, 48)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_size_is_as_shown(format: str, orientation: int) -> None:  # noqa: A002
    read = probe(pictures.file(pictures.quadrants(60, 40), format, orientation=orientation))
    assert read.orientation == orientation
    assert read.size == (Size(60, 40) if orientation < 5 else Size(40, 60))


def exif(entries: bytes, count: int | None = None, order: str = "<") -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(f"{order}IH", 8, len(entries) // 12 if count is None else count) + entries


SIX = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)


@pytest.mark.parametrize(
    ("data", "orientation"),
    [
        (exif(SIX), 6),
        (b"Exif\0\0" + exif(SIX), 6),
        (exif(struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0), order=">"), 6),
        (exif(struct.pack(">HHII", 0x0112, 4, 1, 6), order=">"), 6),
        (exif(struct.pack("<HHII", 0x0100, 4, 1, 640) + SIX), 6),
        (exif(SIX, count=65535), 1),
        (exif(struct.pack("<HHIHH", 0x0112, 3, 1, 99, 0)), 1),
        (exif(struct.pack("<HHIHH", 0x0112, 3, 1, 0, 0)), 1),
        (exif(struct.pack("<HHIHH", 0x0112, 2, 1, 6, 0)), 1),
        (exif(b""), 1),
        (b"II*\0\xff\xff\xff\xff", 1),
        (b"nonsense", 1),
        (b"", 1),
        (None, 1),
    ],
)
def test_orientation_of_exif(data: bytes | None, orientation: int) -> None:
    assert exif_orientation(data) == orientation


def test_names_the_profile() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    data = pictures.file(pictures.gradient(), "PNG", icc_profile=profile.tobytes())
    assert probe(data).icc == "sRGB built-in"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-an-image"),
        (b"\0", "not-an-image"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "not-an-image"),
        (b"#EXTM3U\nhttp://127.0.0.1/\n", "not-an-image"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "not-an-image"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported-format"),
        ('﻿<svg xmlns="http://www.w3.org/2000/svg"/>'.encode("utf-16"), "unsupported-format"),
        (b"<s:svg xmlns:s='http://www.w3.org/2000/svg'/>", "unsupported-format"),
        (b"8BPS\0\1", "unsupported-format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "unsupported-format"),
        (b"%PDF-1.7", "unsupported-format"),
        (b"\xff\x0a\xfa\x7f", "unsupported-format"),
        (b"P6\n1 1\n255\n\0\0\0", "unsupported-format"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "unsupported-format"),
        (b"\xff\xd8\xff\xd9", "damaged-image"),
        (b"\x89PNG\r\n\x1a\n", "damaged-image"),
        (b"GIF89a", "damaged-image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "damaged-image"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf", "damaged-image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "damaged-image"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "damaged-image"),
        (b"II*\0\x08\0\0\0", "damaged-image"),
        (b"BM", "damaged-image"),
        (b"\0\0\1\0\1\0", "damaged-image"),
    ],
)
def test_refuses(data: bytes, code: str) -> None:
    failure = refusal(data)
    assert (failure.kind, failure.code) == (Kind.UNSUPPORTED_MEDIA, code)


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(PNG)
    with open_source(path, LIMITS) as source:
        assert source.probe.format == "png"


def test_too_many_bytes(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(PNG)
    with pytest.raises(Failure, match="bytes allowed") as raised:
        open_source(path, Limits(source_bytes=len(PNG) - 1))
    failure = raised.value
    assert (failure.kind, failure.code, failure.details) == (
        Kind.TOO_LARGE,
        "too-many-bytes",
        {"maximum": len(PNG) - 1},
    )
    assert open_source(path, Limits(source_bytes=len(PNG))).probe.size == Size(64, 48)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "JPEG2000", "ICO"])
def test_too_many_pixels(format: str) -> None:  # noqa: A002
    options: dict[str, Any] = {"sizes": [(64, 64)]} if format == "ICO" else {}
    data = pictures.file(pictures.gradient(64, 64), format, **options)
    failure = refusal(data, source_pixels=64 * 64 - 1)
    assert (failure.kind, failure.code, failure.details["maximum"]) == (Kind.UNPROCESSABLE, "too-many-pixels", 4095)
    assert probe(data, source_pixels=64 * 64).size == Size(64, 64)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_too_many_pixels_over_all_frames(format: str) -> None:  # noqa: A002
    data = pictures.animation(pictures.animated(frames=3), format)
    failure = refusal(data, total_pixels=3 * 48 * 32 - 1)
    assert (failure.code, failure.details) == ("too-many-pixels", {"maximum": 3 * 48 * 32 - 1, "frames": 3})
    assert probe(data, total_pixels=3 * 48 * 32).frames == 3


def test_a_gif_frame_larger_than_its_canvas_counts_as_large() -> None:
    data = bytearray(pictures.file(pictures.gradient(64, 64), "GIF"))
    data[6:10] = struct.pack("<HH", 4, 4)
    assert refusal(bytes(data), source_pixels=64 * 64 - 1).code == "too-many-pixels"
    assert probe(bytes(data)).size == Size(4, 4)


def test_an_icon_that_lies_about_its_size() -> None:
    inner = pictures.file(pictures.gradient(300, 200), "PNG")
    data = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(inner), 22) + inner
    assert probe(data).size == Size(300, 200)
    assert refusal(data, source_pixels=1000).code == "too-many-pixels"


def test_failures_tell_nothing_internal() -> None:
    failure = refusal(b"\x89PNG\r\n\x1a\n" + bytes(20))
    told = f"{failure.message} {failure.hint} {failure.details}"
    assert not any(word in told for word in ("PIL", "cv2", "object at", "/", "Error"))


def test_pillow_keeps_its_own_ways() -> None:
    # Other code in the process may open pictures above our limit.
    refusal(PNG, source_pixels=10)
    Source(PNG, LIMITS)
    assert Pillow.open(io.BytesIO(PNG)).size == (64, 48)


@needs("images", "manifest.json")
@pytest.mark.parametrize("entry", [e for e in manifest() if e["expected"] == "ok"], ids=lambda e: e["path"])
def test_manifest(entry: dict[str, Any]) -> None:
    read = open_source(SHARED / "images" / entry["path"], LIMITS).probe
    found = {
        "width": read.size.width, "height": read.size.height, "frames": read.frames, "has_alpha": read.has_alpha,
        "exif_orientation": read.orientation, "icc": read.icc, "bytes": read.bytes,
    }  # fmt: skip
    assert found == {name: entry[name] for name in found}
