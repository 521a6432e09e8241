"""Reads PNG and APNG containers; the pixels of each frame are left to Pillow, as a small PNG of its own.

Walking the chunks here means that text and other metadata, compressed bombs included, are never inflated, and that the
header is known without decoding (Pillow decodes the whole picture to find an orientation that is not there).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from struct import pack, unpack, unpack_from

import numpy as np

from .animation import Placement
from .codecs import open_picture
from .image import PixelArray, Size
from .modes import to_bgra, to_pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _COLOUR = 0, 2  # colour types whose transparency is one colour
_XMP = b"XML:com.adobe.xmp" + bytes(5)  # not compressed, in no language, under no other name: as it is to be written
_MAX_ICC = 4 * 1024 * 1024

Chunk = tuple[bytes, memoryview, int]  # kind, payload, CRC as written


@dataclass
class Png:
    """What the chunks say. `default` is the picture for those who cannot animate; it may be the first frame too."""

    size: Size
    depth: int
    colour_type: int
    rest: bytes  # of IHDR: depth, colour type, compression, filter, interlace
    announced: int = 0  # frames, 0 where it is no animation
    plays: int = 0
    palette: Chunk | None = None
    transparency: bytes | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    default: list[Chunk] = field(default_factory=list)
    frames: list[tuple[Placement, list[Chunk]]] = field(default_factory=list)

    @property
    def has_alpha(self) -> bool:
        return self.colour_type in (4, 6) or self.transparency is not None

    @property
    def pictures(self) -> int:
        """Frames, and the default picture where it is not one of them."""
        return len(self.frames) + (not self.frames or self.frames[0][1] is not self.default)


def read(data: bytes) -> Png:
    """The container; raises ValueError, struct.error or zlib.error where it is damaged."""
    walk = chunks(data)
    kind, payload, crc = next(walk)
    check(kind, payload, crc)
    width, height, rest = unpack(">II5s", payload)
    if kind != b"IHDR" or not width or not height:
        raise ValueError("no header")
    png = Png(Size(width, height), rest[0], rest[1], rest)
    _collect(png, walk)
    if not png.default or len(png.frames) != png.announced or not all(chunks for _, chunks in png.frames):
        raise ValueError("picture or frames missing")
    return png


def chunks(data: bytes) -> Iterator[Chunk]:
    """All of them up to the last, unchecked; raises struct.error where the file ends before it."""
    view, at, kind = memoryview(data), len(SIGNATURE), b""
    while kind != b"IEND":
        length, kind = unpack_from(">I4s", data, at)
        (crc,) = unpack_from(">I", data, at + 8 + length)
        yield kind, view[at + 8 : at + 8 + length], crc
        at += 12 + length


def check(kind: bytes, payload: memoryview, crc: int) -> None:
    """Raises ValueError where the checksum is wrong."""
    if zlib.crc32(payload, zlib.crc32(kind)) != crc:
        raise ValueError("checksum")


def _collect(png: Png, chunks: Iterator[Chunk]) -> None:
    sequence = 0
    for chunk in chunks:
        kind, payload, crc = chunk
        if kind == b"IDAT":
            png.default.append(chunk)
        elif kind == b"fdAT" and png.announced:
            sequence = _numbered(payload, sequence)
            png.frames[-1][1].append(chunk)
        elif kind == b"fcTL" and png.announced:
            check(kind, payload, crc)
            sequence = _numbered(payload, sequence)
            png.frames.append((_placement(payload, png.size), [] if png.default else png.default))
        elif kind == b"acTL" and not png.default:
            check(kind, payload, crc)
            png.announced, png.plays = unpack(">II", payload)
        elif kind in (b"PLTE", b"tRNS"):
            check(kind, payload, crc)
            _colours(png, chunk)
        elif kind == b"iCCP":
            png.icc = _profile(payload)
        elif kind == b"eXIf":
            png.exif = bytes(payload)
        elif kind == b"iTXt" and bytes(payload[: len(_XMP)]) == _XMP:
            png.xmp = bytes(payload[len(_XMP) :])


def _numbered(payload: memoryview, expected: int) -> int:
    if unpack_from(">I", payload) != (expected,):
        raise ValueError("frames out of order")
    return expected + 1


def _colours(png: Png, chunk: Chunk) -> None:
    if chunk[0] == b"PLTE":
        png.palette = chunk
    elif png.colour_type in (_GRAY, _COLOUR, 3):
        png.transparency = bytes(chunk[1])


def _placement(payload: memoryview, canvas: Size) -> Placement:
    width, height, x, y, numerator, denominator, dispose, blend = unpack(">IIIIHHBB", payload[4:])
    if not width or not height or x + width > canvas.width or y + height > canvas.height:
        raise ValueError("frame outside the picture")
    after = (("keep", "clear", "restore") if dispose < 3 else ("keep",) * 256)[dispose]
    return Placement(x, y, Size(width, height), round(1000 * numerator / (denominator or 100)), after, blend == 1)  # type: ignore[arg-type]


def _profile(payload: memoryview) -> bytes | None:
    """The ICC profile of an iCCP chunk, or None where it cannot be inflated to a sane size."""
    _, _, packed = bytes(payload).partition(b"\0")
    inflate = zlib.decompressobj()
    try:
        profile = inflate.decompress(packed[1:], _MAX_ICC)
    except zlib.error:
        return None
    return profile if inflate.eof else None


def default_pixels(png: Png) -> PixelArray:
    """The picture that is not animated: gray, BGR or BGRA."""
    return _pixels(png, png.size, png.default)


def parts(png: Png) -> Iterator[tuple[Placement, PixelArray]]:
    """The parts of the animation, BGRA each."""
    for place, chunks in png.frames:
        yield place, to_bgra(_pixels(png, place.size, chunks))


def _pixels(png: Png, size: Size, chunks: list[Chunk]) -> PixelArray:
    picture = open_picture(assembled(png, size, chunks), "png")
    if png.transparency is None or png.colour_type == 3:
        return to_pixels(picture)
    raw = np.atleast_3d(np.asarray(picture))
    clear = (raw == np.array(_key(png), raw.dtype)).all(axis=2)
    pixels = to_bgra(to_pixels(picture))
    pixels[clear, 3] = 0
    return pixels


def _key(png: Png) -> list[int]:
    """The transparent colour in the values that Pillow gives: 8 bits a sample, except 16 for gray of 16."""
    samples = unpack_from(">H" if png.colour_type == _GRAY else ">HHH", png.transparency or b"")
    if png.depth == 16:
        return [sample if png.colour_type == _GRAY else sample >> 8 for sample in samples]
    return [sample * 255 // ((1 << png.depth) - 1) for sample in samples]


def assembled(png: Png, size: Size, chunks: list[Chunk]) -> bytes:
    """A PNG of that one picture, without anything else; raises ValueError where its checksums are wrong."""
    for chunk in chunks:
        check(*chunk)
    data = b"".join(bytes(payload[4:] if kind == b"fdAT" else payload) for kind, payload, _ in chunks)
    written = [(b"IHDR", pack(">II5s", size.width, size.height, png.rest))]
    if png.palette:
        written.append((b"PLTE", bytes(png.palette[1])))
    if png.transparency is not None and png.colour_type == 3:
        written.append((b"tRNS", png.transparency))
    return file([*written, (b"IDAT", data), (b"IEND", b"")])


def file(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A PNG of these chunks, each a kind and a payload."""
    return SIGNATURE + b"".join(
        pack(">I", len(payload)) + kind + payload + pack(">I", zlib.crc32(payload, zlib.crc32(kind)))
        for kind, payload in chunks
    )
