"""GIF anew around the same compressed pixels: comments, unknown extensions, unused colours stay behind."""

from __future__ import annotations

from struct import pack

import numpy as np

from . import gif
from .animation import DEFAULT_DURATION_MS
from .image import Size

_DISPOSALS = {"keep": 1, "clear": 2, "restore": 3}
_SECONDS = 1.2e-6  # a byte takes 0.6 µs to look through on an idle machine


def seconds(data: bytes) -> float:
    """How long it may take."""
    return len(data) * _SECONDS


def rewrapped(data: bytes) -> bytes | None:
    """A new file of the same pixels, or None: parts outside of the canvas or without a palette, pixels that are too few
    or too many.

    Raises ValueError, IndexError, struct.error and what Pillow raises where the file is damaged.
    """
    read = gif.read(data)
    if not all(part.palette and _is_inside(part, read.size) for part in read.parts):
        return None
    streams = [trimmed(part.data, part.place.size.pixels) for part in read.parts]
    palettes = _used(read)
    common = read.parts[0].palette
    body = b"GIF89a" + pack("<HHBBB", read.size.width, read.size.height, 0xF0 | _bits(common), 0, 0) + palettes[common]
    if read.plays != 1:
        body += b"!\xff\x0bNETSCAPE2.0\x03\x01" + pack("<HB", max(0, read.plays - 1), 0)
    moves = len(read.parts) > 1
    for part, stream in zip(read.parts, streams, strict=True):
        if stream is None:
            return None
        body += _part(part, moves, b"" if part.palette == common else palettes[part.palette]) + stream
    return body + b";"


def _is_inside(part: gif.Part, canvas: Size) -> bool:
    place = part.place
    return place.x + place.size.width <= canvas.width and place.y + place.size.height <= canvas.height


def _bits(palette: bytes) -> int:
    return (len(palette) // 3).bit_length() - 2


def _part(part: gif.Part, moves: bool, palette: bytes) -> bytes:
    place, clear = part.place, part.transparent
    duration = (place.duration_ms or DEFAULT_DURATION_MS) if moves else 0  # as it is encoded from the decoded frames
    control = pack("<BHBB", _DISPOSALS[place.after] << 2 | (clear is not None), duration // 10, clear or 0, 0)
    needed = clear is not None or duration or place.after != "keep"
    flags = (0x40 if part.interlaced else 0) | (0x80 | _bits(palette) if palette else 0)
    where = pack("<HHHHB", place.x, place.y, place.size.width, place.size.height, flags)
    return (b"!\xf9\x04" + control if needed else b"") + b"," + where + palette


def _used(read: gif.Gif) -> dict[bytes, bytes]:
    """Each palette with colours that no pixel shows as black."""
    used = {part.palette: np.zeros(256, bool) for part in read.parts}
    for part in read.parts:
        shown = np.unique(gif.indices(part))
        used[part.palette][shown[shown != part.transparent] if part.transparent is not None else shown] = True
    return {
        palette: (np.frombuffer(palette, np.uint8).reshape(-1, 3) * where[: len(palette) // 3, np.newaxis]).tobytes()
        for palette, where in used.items()
    }


def trimmed(data: bytes, pixels: int) -> bytes | None:
    """LZW code size and blocks of so many pixels, up to the end code and no bit further; None where they are others.

    Of the codes only the lengths are followed: which pixels they stand for makes no difference to where they end.
    """
    size, packed = data[0], _joined(data, 1)
    if not 2 <= size <= 8:
        return None
    end = _end(size, packed, pixels)
    if end is None:
        return None
    kept = bytearray(packed[: (end + 7) // 8])
    kept[-1] &= 0xFF >> (-end % 8)
    return bytes([size]) + b"".join(_block(kept[at : at + 255]) for at in range(0, len(kept), 255)) + b"\0"


def _joined(data: bytes, at: int) -> bytes:
    pieces = []
    while length := data[at]:
        pieces.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    return b"".join(pieces)


def _block(data: bytes | bytearray) -> bytes:
    return bytes([len(data)]) + data


def _end(size: int, packed: bytes, pixels: int) -> int | None:
    """The bit behind the end code, where the codes before it stand for just so many pixels."""
    clear, stop = 1 << size, (1 << size) + 1
    bits, at, drawn, before, width = len(packed) * 8, 0, 0, 0, size + 1
    fresh = [1] * clear + [0, 0]
    lengths = fresh.copy()
    while at + width <= bits and drawn <= pixels:
        byte = at >> 3
        code = int.from_bytes(packed[byte : byte + 3], "little") >> (at & 7) & (1 << width) - 1
        at += width
        if code == clear:
            lengths, before, width = fresh.copy(), 0, size + 1
            continue
        if code == stop:
            return at if drawn == pixels else None
        if code < len(lengths):
            length = lengths[code]
        elif code == len(lengths) and before:
            length = before + 1
        else:
            return None
        drawn += length
        if before and len(lengths) < 4096:
            lengths.append(before + 1)
            width = min(12, len(lengths).bit_length())
        before = length
    return None
