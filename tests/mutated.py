"""Hostile pictures: files of every format that is read, and what a seeded random generator makes of them."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from . import pictures
from .shared import SHARED

EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
LARGE = (0, 1, 255, 4096, 16383, 30000, 65535)
LONGEST = 400_000  # bytes of a file that is mutated


@cache
def seeds() -> tuple[bytes, ...]:
    """Valid files of every format, built in code, and the shared formats and hostile files where they are there."""
    built = [
        pictures.file(pictures.photo(160, 120), "JPEG", orientation=6),
        pictures.file(pictures.photo(160, 120), "JPEG", progressive=True, icc_profile=pictures.profile()),
        pictures.file(pictures.pillow(pictures.photo(90, 70)).convert("CMYK"), "JPEG"),
        pictures.file(pictures.gradient(90, 60, 4), "PNG"),
        pictures.file(pictures.pillow(pictures.quadrants()).quantize(4), "PNG", bits=4),
        pictures.animation(pictures.animated(channels=4, frames=4), "PNG"),
        pictures.animation(pictures.animated(frames=5), "GIF"),
        pictures.file(pictures.photo(120, 90), "WEBP", quality=60),
        pictures.file(pictures.gradient(60, 40, 4), "WEBP", quality=60),
        pictures.file(pictures.gradient(60, 40, 4), "WEBP", lossless=True),
        pictures.animation(pictures.animated(channels=4, frames=4), "WEBP"),
        pictures.file(pictures.photo(120, 90), "AVIF", quality=50, speed=10),
        pictures.animation(pictures.animated(frames=3), "AVIF", speed=10),
        pictures.file(pictures.photo(60, 40), "TIFF", compression="tiff_lzw"),
        pictures.file(pictures.photo(60, 40), "TIFF", compression="jpeg"),
        pictures.animation(pictures.animated(frames=3), "TIFF"),
        pictures.file(pictures.photo(60, 40), "BMP"),
        pictures.file(pictures.gradient(32, 32, 4), "ICO"),
        pictures.file(pictures.photo(60, 40), "JPEG2000"),
    ]
    shared = [path for folder in ("formats", "bad") for path in sorted((SHARED / "images" / folder).glob("*"))]
    return (*built, *(path.read_bytes() for path in shared if path.stat().st_size <= LONGEST))


Mutation = Callable[[random.Random, bytearray], bytearray]


def truncated(chance: random.Random, data: bytearray) -> bytearray:
    return data[: chance.randrange(len(data))]


def flipped(chance: random.Random, data: bytearray) -> bytearray:
    """Bits, few or many, anywhere or near the beginning, where the lengths and sizes are."""
    end = len(data) if chance.random() < 0.5 else min(len(data), 200)
    for _ in range(chance.choice((1, 2, 5, 20, 100))):
        data[chance.randrange(end)] ^= 1 << chance.randrange(8)
    return data


def lied(chance: random.Random, data: bytearray) -> bytearray:
    """A length, count, offset or size that is not true: an extreme number of 2 or 4 bytes, of either order."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        code = chance.choice((">H", "<H", ">I", "<I"))
        number = chance.choice(EXTREMES) & (0xFFFF if code[1] == "H" else 0xFFFFFFFF)
        end = (len(data) if chance.random() < 0.3 else min(len(data), 300)) - 4
        if end > 0:
            struct.pack_into(code, data, chance.randrange(end), number)
    return data


def swapped(chance: random.Random, data: bytearray) -> bytearray:
    """The beginning of another file."""
    other = chance.choice(seeds())
    length = chance.choice((2, 4, 8, 12, 16, 32, 64))
    return bytearray(other[:length]) + data[length:]


def spliced(chance: random.Random, data: bytearray) -> bytearray:
    """A part of another file put in, or in place of what is there."""
    other = chance.choice(seeds())
    at, begin = chance.randrange(len(data)), chance.randrange(max(1, len(other)))
    piece = other[begin : begin + chance.choice((10, 100, 1000, 10_000))]
    return data[:at] + piece + data[at + (len(piece) if chance.random() < 0.5 else 0) :]


def repeated(chance: random.Random, data: bytearray) -> bytearray:
    """A part of the file many times."""
    at, length = chance.randrange(len(data)), chance.choice((8, 32, 128, 1024))
    return data[:at] + data[at : at + length] * chance.choice((2, 10, 200)) + data[at + length :]


def enlarged(chance: random.Random, data: bytearray) -> bytearray:
    """Another size in the header, where the format's header says it."""
    width, height = chance.choice(LARGE), chance.choice(LARGE)
    if data[:4] == b"\x89PNG" and len(data) > 24:
        struct.pack_into(">II", data, 16, width, height)
    elif data[:3] == b"GIF" and len(data) > 10:
        struct.pack_into("<HH", data, 6, width, height)
    elif data[:2] == b"BM" and len(data) > 26:
        struct.pack_into("<ii", data, 18, width, chance.choice((height, -height)))
    elif data[12:16] == b"VP8X" and len(data) > 30:
        data[24:30] = width.to_bytes(3, "little") + height.to_bytes(3, "little")
    elif data[:2] == b"\xff\xd8":
        at = max(data.find(mark) for mark in (b"\xff\xc0", b"\xff\xc2"))
        if 0 <= at < len(data) - 9:
            struct.pack_into(">HH", data, at + 5, height, width)
    else:
        at = data.find(b"ispe")
        if 0 <= at < len(data) - 16:
            struct.pack_into(">II", data, at + 8, width, height)
    return data


MUTATIONS: tuple[Mutation, ...] = (truncated, flipped, lied, swapped, spliced, repeated, enlarged)


def mutant(seed: int) -> bytes:
    """A hostile file, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    data = bytearray(chance.choice(seeds()))
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if data:
            data = chance.choice(MUTATIONS)(chance, data)
    return bytes(mended(data) if chance.random() < 0.7 else data)


def mended(data: bytearray) -> bytearray:
    """With right checksums where it is a PNG: damage behind a wrong one is never looked at."""
    at = 8
    while data[:4] == b"\x89PNG" and at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            break
        struct.pack_into(">I", data, at + 8 + length, zlib.crc32(data[at + 4 : at + 8 + length]))
        at += 12 + length
    return data


def written(folder: Path, seed: int) -> Path:
    path = folder / f"mutant-{seed}"
    path.write_bytes(mutant(seed))
    return path
