"""How many pixels a source has, as far as its first bytes tell: a guess, by which renders are queued and nothing else.

`imagesize` knows the same sizes, at 30 to 120 µs, but neither frames nor icons, and the frames are what makes an
animation dear. Limits are checked on the real header, in the renderer.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from struct import unpack_from

HEAD = 65_536  # bytes that are looked at

_FRAMES = re.compile(rb"\x21\xf9\x04....\x00[\x2c\x21]", re.DOTALL)  # GIF: a control extension and what it controls
_SIZE = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]..[\x08-\x10]", re.DOTALL)
_SAMPLES = re.compile(rb"stsz\0\0\0\0....(....)", re.DOTALL)
_ISPE = re.compile(rb"ispe\0\0\0\0(.{8})", re.DOTALL)
_UNKNOWN_RATIO = 10  # pixels for each byte of a file that tells nothing: a JPEG of quality 80 has about 5


def pixels_of(path: str | Path) -> int:
    """Pixels of all frames of a file; of one that tells nothing what a file of its length might have.

    Never raises for what is in the file, or for one that is gone.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(HEAD)
            length = len(head) if len(head) < HEAD else file.seek(0, 2)
            if beyond := _directory_beyond(head):
                file.seek(beyond)
                head = head[:4] + (b"\x08\0\0\0" if head[:1] == b"I" else b"\0\0\0\x08") + file.read(4096)
    except (OSError, OverflowError):
        return 0
    return sniffed(head, length)


def sniffed(head: bytes, length: int) -> int:
    """Pixels of all frames, by the first bytes of a file of `length` bytes."""
    for start, read in _READERS:
        if start.match(head):
            try:
                return read(head, length) or _UNKNOWN_RATIO * length
            except (struct.error, IndexError, ValueError):
                break
    return _UNKNOWN_RATIO * length


def _jpeg(head: bytes, length: int) -> int:
    """Walks the segments: a preview in the EXIF data has a size of its own."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        if _SIZE.match(head, at):
            height, width = unpack_from(">HH", head, at + 5)
            return int(width * height)
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big") if head[at + 1] != 0xFF else 1
    return 0


def _png(head: bytes, length: int) -> int:
    width, height = unpack_from(">II", head, 16)
    at = head.find(b"acTL", 8, head.find(b"IDAT"))
    frames = unpack_from(">I", head, at + 4)[0] if at > 0 else 1
    return int(width * height * max(1, frames))


def _gif(head: bytes, length: int) -> int:
    width, height = unpack_from("<HH", head, 6)
    return int(width * height * _extrapolated(len(_FRAMES.findall(head)), head, length))


def _webp(head: bytes, length: int) -> int:
    kind = head[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
        return width * height * _extrapolated(head.count(b"ANMF"), head, length)
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    width, height = unpack_from("<HH", head, 26)
    return int((width & 0x3FFF) * (height & 0x3FFF))


def _extrapolated(frames: int, head: bytes, length: int) -> int:
    """Frames of the whole file, where the head has some of them."""
    return max(1, frames * max(length, len(head)) // len(head))


def _heif(head: bytes, length: int) -> int:
    """The largest picture that is described: tiles, thumbnails and alpha planes are described as well."""
    sizes = (unpack_from(">II", found) for found in _ISPE.findall(head))
    frames = _SAMPLES.search(head) if b"avis" in head[:64] else None
    return int(max((w * h for w, h in sizes), default=0) * (int.from_bytes(frames[1], "big") if frames else 1))


def _bmp(head: bytes, length: int) -> int:
    if unpack_from("<I", head, 14)[0] == 12:
        width, height = unpack_from("<HH", head, 18)
    else:
        width, height = unpack_from("<ii", head, 18)
    return int(abs(width * height))


def _ico(head: bytes, length: int) -> int:
    (count,) = unpack_from("<H", head, 4)
    entries = (head[6 + 16 * number : 8 + 16 * number] for number in range(min(count, 64)))
    return max(((entry[0] or 256) * (entry[1] or 256) for entry in entries if len(entry) == 2), default=0)


def _jp2(head: bytes, length: int) -> int:
    at = head.find(b"ihdr")
    if at > 0:
        height, width = unpack_from(">II", head, at + 4)
        return int(width * height)
    at = head.find(b"\xff\x4f\xff\x51")
    right, bottom, left, top = unpack_from(">IIII", head, at + 8) if at >= 0 else (0, 0, 0, 0)
    return int(max(0, right - left) * max(0, bottom - top))


_WIDTH, _HEIGHT = 256, 257  # tags


def _directory_beyond(head: bytes) -> int:
    """Where the directory of a TIFF is that stands behind its pixels, as it does in what was written in one go."""
    if head[:4] not in (b"II*\0", b"MM\0*"):
        return 0
    at = int.from_bytes(head[4:8], "little" if head[:1] == b"I" else "big")
    return at if at + 4096 > len(head) else 0


def _tiff(head: bytes, length: int) -> int:
    """The first page."""
    order = "<" if head[:2] == b"II" else ">"
    if head[2:4] in (b"+\0", b"\0+"):
        return 0  # BigTIFF, of which few exist
    (at,) = unpack_from(order + "I", head, 4)
    (count,) = unpack_from(order + "H", head, at)
    sides = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = unpack_from(order + "HH", head, entry)
        if tag in (_WIDTH, _HEIGHT):
            (sides[tag],) = unpack_from(order + ("H" if kind == 3 else "I"), head, entry + 8)
    return int(sides.get(_WIDTH, 0) * sides.get(_HEIGHT, 0))


_READERS: tuple[tuple[re.Pattern[bytes], Callable[[bytes, int], int]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"GIF8[79]a"), _gif),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    (re.compile(rb"....ftyp", re.DOTALL), _heif),
    (re.compile(rb"BM"), _bmp),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), _tiff),
    (re.compile(rb"\x00\x00\x01\x00"), _ico),
    (re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), _jp2),
)
