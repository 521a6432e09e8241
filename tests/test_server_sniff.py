"""What the first bytes of a file tell of its pixels; a guess that must never fail."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path

import pytest
from PIL import Image as Pillow

from server.sniff import HEAD, pixels_of, sniffed

from . import pictures
from .shared import SHARED

SIDE = (120, 80)
PIXELS = 120 * 80


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "JPEG2000"])
def test_sizes(form: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(pictures.file(pictures.photo(*SIDE), form))
    assert pixels_of(path) == PIXELS
    assert pixels_of(str(path)) == PIXELS


def test_icons(tmp_path: Path) -> None:
    path = tmp_path / "icon"
    Pillow.new("RGB", (256, 256)).save(path, "ICO", sizes=[(16, 16), (256, 256)])
    assert pixels_of(path) == 256 * 256


@pytest.mark.parametrize(("options", "name"), [({"lossless": True}, "VP8L"), ({"quality": 50}, "VP8 ")])
def test_both_kinds_of_webp(options: dict[str, int], name: str) -> None:
    data = pictures.file(pictures.photo(*SIDE), "WEBP", **options)
    assert data[12:16] == name.encode()
    assert sniffed(data, len(data)) == PIXELS


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_frames_of_animations(form: str) -> None:
    data = pictures.animation(pictures.animated(*SIDE, frames=7), form)
    assert sniffed(data, len(data)) == 7 * PIXELS


def test_frames_beyond_the_head_are_estimated(tmp_path: Path) -> None:
    frames = [Pillow.fromarray(pictures.noise(*SIDE, seed=n)) for n in range(30)]
    path = tmp_path / "long.webp"
    frames[0].save(path, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert path.stat().st_size > 4 * HEAD
    assert 24 <= pixels_of(path) / PIXELS <= 42


def test_the_size_of_a_jpeg_is_not_that_of_its_preview() -> None:
    preview = pictures.file(pictures.photo(16, 16), "JPEG")
    data = pictures.file(pictures.photo(*SIDE), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(preview) + 8) + b"Exif\0\0" + preview
    data = data[:2] + segment + data[2:]
    assert sniffed(data, len(data)) == PIXELS


def test_the_directory_of_a_tiff_may_stand_behind_its_pixels(tmp_path: Path) -> None:
    pixels = pictures.noise(300, 200)
    path = tmp_path / "behind.tif"
    entries = [(256, 4, 300), (257, 3, 200)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, kind, 1, value)
                                                           for tag, kind, value in entries)  # fmt: skip
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + pixels.nbytes) + pixels.tobytes() + directory)
    assert path.stat().st_size > HEAD
    assert pixels_of(path) == 300 * 200


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8 ", b"<html>", b"BM", b"II*\0"])
def test_what_tells_nothing_counts_by_its_length(data: bytes) -> None:
    assert sniffed(data, 1000) == 10_000


def test_a_file_that_is_gone_has_none(tmp_path: Path) -> None:
    assert pixels_of(tmp_path / "gone") == 0


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "JPEG2000", "ICO"])
def test_no_bytes_make_it_fail(form: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Pillow.fromarray(pictures.photo(48, 48)).save(buffer, form)
    data, chance, path = buffer.getvalue(), random.Random(form), tmp_path / "broken"  # noqa: S311 - the same each time
    for _ in range(300):
        broken = bytearray(data[: chance.choice((len(data), chance.randrange(len(data))))])
        for _ in range(chance.randrange(1, 6)):
            if broken:
                broken[chance.randrange(min(len(broken), 64))] = chance.randrange(256)
        assert sniffed(bytes(broken), len(broken)) >= 0
    path.write_bytes(broken)
    assert pixels_of(path) >= 0


def test_hostile_files_are_read_in_no_time_and_never_fail() -> None:
    bad = sorted(SHARED.glob("images/bad/*"))
    if not bad:
        pytest.skip("the shared pictures are not here")
    assert all(pixels_of(path) >= 0 for path in bad)
