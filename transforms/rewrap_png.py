"""PNG and APNG anew around the same compressed pixels: nothing else of the file goes along."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from struct import pack

import numpy as np

from . import png
from .animation import Placement
from .codecs import open_picture
from .image import Size

_PALETTE = 3  # colour type
_SAMPLES = {0: 1, 2: 3, _PALETTE: 1, 4: 2, 6: 4}  # of a pixel, by colour type
_KEYS = {0: 2, 2: 6}  # bytes of the transparent colour, by colour type
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_SRGB_GAMMA = 45455
_AFTER = {"keep": 0, "clear": 1, "restore": 2}
_MOST_MS = 65535  # what a frame's delay can hold
_INFLATED = 1 << 20  # bytes at a time

Chunks = list[tuple[bytes, bytes]]


def rewrapped(data: bytes) -> bytes | None:
    """A new file of the same pixels, or None: 16 bits a sample (of which 8 are shown), another gamma or HDR, a default
    picture that no animation shows, more pixels than the size says, anything behind them.

    Raises ValueError, struct.error, zlib.error and what Pillow raises where the file is damaged.
    """
    read = png.read(data)
    if read.depth == 16 or read.rest[2:4] != b"\0\0" or _means_other_colours(data) or _hides_a_picture(read):
        return None
    if not all(_is_exact(_joined(chunks), _length(read, size)) for size, chunks in _pictures(read)):
        return None
    colours = _colours(read)
    if colours is None:
        return None
    header = (b"IHDR", pack(">II5s", read.size.width, read.size.height, read.rest))
    moving = [(b"acTL", pack(">II", len(read.frames), read.plays))] if read.frames else []
    return png.file([header, *moving, *colours, *_data(read), (b"IEND", b"")])


def _means_other_colours(data: bytes) -> bool:
    """Whether browsers show other colours than the samples: they apply gamma and HDR transfer, our decoder does not."""
    named = {kind: bytes(payload) for kind, payload, _ in png.chunks(data) if kind in (b"gAMA", b"sRGB", b"cICP")}
    if b"cICP" in named:
        return True
    return b"gAMA" in named and b"sRGB" not in named and named[b"gAMA"] != pack(">I", _SRGB_GAMMA)


def _hides_a_picture(read: png.Png) -> bool:
    return bool(read.frames) and read.frames[0][1] is not read.default


def _pictures(read: png.Png) -> list[tuple[Size, list[png.Chunk]]]:
    return [(place.size, chunks) for place, chunks in read.frames] or [(read.size, read.default)]


def _joined(chunks: list[png.Chunk]) -> bytes:
    for chunk in chunks:
        png.check(*chunk)
    return b"".join(bytes(payload[4:] if kind == b"fdAT" else payload) for kind, payload, _ in chunks)


def _length(read: png.Png, size: Size) -> int:
    """Bytes of a picture before compression: a byte for the filter of each row, and its pixels."""
    bits = read.depth * _SAMPLES[read.colour_type]
    total = 0
    for x, y, across, down in _PASSES if read.rest[4] else ((0, 0, 1, 1),):
        width, height = -(-(size.width - x) // across), -(-(size.height - y) // down)
        if width > 0 and height > 0:
            total += height * (1 + -(-width * bits // 8))
    return total


def _is_exact(packed: bytes, expected: int) -> bool:
    """Whether they inflate to so many bytes, and nothing follows."""
    inflate, length = zlib.decompressobj(), 0
    while not inflate.eof:
        piece = inflate.decompress(packed, _INFLATED)
        packed = inflate.unconsumed_tail
        length += len(piece)
        if length > expected or not (piece or packed or inflate.eof):
            return False
    return length == expected and not inflate.unused_data


def _colours(read: png.Png) -> Chunks | None:
    """The palette without colours that no pixel has, and what is transparent; None where they are not as they must."""
    if read.colour_type != _PALETTE:
        if read.transparency is None:
            return []
        right = len(read.transparency) == _KEYS.get(read.colour_type)
        return [(b"tRNS", read.transparency)] if right else None
    if read.palette is None or len(read.palette[1]) % 3:
        return None
    used = np.zeros(256, bool)
    for size, chunks in _pictures(read):
        used[np.unique(np.asarray(open_picture(png.assembled(read, size, chunks), "png")))] = True
    palette = np.frombuffer(read.palette[1], np.uint8).reshape(-1, 3) * used[: len(read.palette[1]) // 3, np.newaxis]
    written = [(b"PLTE", palette.tobytes())]
    if read.transparency is None:
        return written
    alpha = np.frombuffer(read.transparency, np.uint8)[: len(palette)]
    return [*written, (b"tRNS", np.where(used[: len(alpha)], alpha, np.uint8(255)).tobytes())]


def _data(read: png.Png) -> Iterator[tuple[bytes, bytes]]:
    """The pixels, each picture's in one piece, and where and how long they are shown."""
    if not read.frames:
        yield b"IDAT", _joined(read.default)
    sequence = 0
    for place, chunks in read.frames:
        yield b"fcTL", pack(">I", sequence) + _control(place)
        if sequence:
            yield b"fdAT", pack(">I", sequence + 1) + _joined(chunks)
        else:
            yield b"IDAT", _joined(chunks)
        sequence += 2 if sequence else 1


def _control(place: Placement) -> bytes:
    if place.duration_ms > _MOST_MS:
        raise ValueError("a longer delay than a fraction of 1/1000 s holds")
    return pack(
        ">IIIIHHBB", place.size.width, place.size.height, place.x, place.y,
        place.duration_ms, 1000, _AFTER[place.after], place.over,
    )  # fmt: skip
