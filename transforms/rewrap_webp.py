"""WebP anew around the same compressed pixels, still or moving: metadata, unknown chunks and what follows stay behind.

Compressed pixels do not say where they end, and decoders never look at what is left. So pieces of them are taken off
until decoding fails: where it does not, something lies there that is no pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import pack, unpack_from

from .codecs import open_picture, reading
from .failure import Failure
from .limits import Limits

_ALPHA, _MOVING = 0x10, 0x02  # flags of VP8X
_SLACK = 3  # bytes that encoders add at the end of a stream to flush it

Chunk = tuple[bytes, bytes]


@dataclass(frozen=True)
class _Picture:
    """One still picture: its compressed pixels, lossy (`VP8 `) or not (`VP8L`), and its alpha where that is apart."""

    kind: bytes
    pixels: bytes
    alpha: bytes | None
    canvas: bytes  # width - 1 and height - 1, 3 bytes each

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        return (*([(b"ALPH", self.alpha)] if self.alpha is not None else []), (self.kind, self.pixels))

    @property
    def file(self) -> bytes:
        if self.alpha is None:
            return _riff(self.chunks)
        return _riff([(b"VP8X", bytes([_ALPHA, 0, 0, 0]) + self.canvas), *self.chunks])


def rewrapped(data: bytes, limits: Limits) -> bytes | None:
    """A new file of the same pixels, or None: hidden bytes behind or amid them, lossy pixels in several partitions.

    Raises ValueError and struct.error where the file is damaged. Takes as long as decoding it twice to four times.
    """
    chunks = list(_chunks(data, 12, 8 + int(unpack_from("<I", data, 4)[0])))
    head = chunks[0]
    if head[0] != b"VP8X":
        picture = _picture(chunks[:1], b"")
    elif not head[1][0] & _MOVING:
        picture = _picture(chunks, head[1][4:10])
    else:
        return _moving(chunks, limits)
    return picture.file if picture and _is_tight(picture, limits) else None


def _chunks(data: bytes, at: int, end: int) -> Iterator[Chunk]:
    while at + 8 <= end:
        kind, length = unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise ValueError("a chunk leaves the file")
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _riff(chunks: list[Chunk] | tuple[Chunk, ...]) -> bytes:
    body = b"WEBP" + b"".join(map(_chunk, chunks))
    return b"RIFF" + pack("<I", len(body)) + body


def _chunk(chunk: Chunk) -> bytes:
    kind, payload = chunk
    return kind + pack("<I", len(payload)) + payload + bytes(len(payload) % 2)


def _picture(chunks: list[Chunk], canvas: bytes) -> _Picture | None:
    """The one picture of these chunks; None where there are several, or none."""
    pixels = [chunk for chunk in chunks if chunk[0] in (b"VP8 ", b"VP8L")]
    alphas = [payload for kind, payload in chunks if kind == b"ALPH"]
    if len(pixels) != 1 or len(alphas) > 1 or (alphas and pixels[0][0] == b"VP8L"):
        return None
    kind, payload = pixels[0]
    alpha = bytes([alphas[0][0] & 0x0F]) + alphas[0][1:] if alphas else None  # without its note on preprocessing
    return _Picture(kind, payload, alpha, canvas)


def _moving(chunks: list[Chunk], limits: Limits) -> bytes | None:
    head, *rest = chunks
    loop = next((payload[4:6] for kind, payload in rest if kind == b"ANIM"), None)
    if loop is None or len(head[1]) != 10:
        return None
    written: list[Chunk] = [(b"VP8X", pack("<4B", head[1][0] & _ALPHA | _MOVING, 0, 0, 0) + head[1][4:10])]
    written.append((b"ANIM", bytes(4) + loop))
    for kind, payload in rest:
        if kind != b"ANMF":
            continue
        picture = _picture(list(_chunks(payload, 16, len(payload))), payload[6:12])
        if picture is None or not _is_tight(picture, limits):
            return None
        place = payload[:15] + bytes([payload[15] & 0x03])
        written.append((kind, place + b"".join(map(_chunk, picture.chunks))))
    return _riff(written)


def _is_tight(picture: _Picture, limits: Limits) -> bool:
    """Whether every stream of the picture is needed to its end, but for what flushed it."""
    return all(not _decodes(shorter, limits) for shorter in _shorter(picture))


def _decodes(picture: _Picture | None, limits: Limits) -> bool:
    if picture is None:
        return True
    try:
        with reading(limits):
            open_picture(picture.file, "webp").load()
    except Failure:
        return False
    return True


def _shorter(picture: _Picture) -> Iterator[_Picture | None]:
    """The picture without the end of each of its streams; None where where they end is not known."""
    cut, pixels, alpha = _SLACK + 1, picture.pixels, picture.alpha
    if alpha is not None and len(alpha) > cut:
        yield _Picture(picture.kind, pixels, alpha[:-cut], picture.canvas)
    if picture.kind == b"VP8L":
        yield _Picture(picture.kind, pixels[:-cut], alpha, picture.canvas)
        return
    first = int.from_bytes(pixels[:3], "little") >> 5
    if partitions(pixels) != 1:
        yield None
        return
    if len(pixels) - 10 - first > cut:
        yield _Picture(picture.kind, pixels[:-cut], alpha, picture.canvas)
    tag = (int.from_bytes(pixels[:3], "little") & 0x1F) | first - cut << 5
    shorter = tag.to_bytes(3, "little") + pixels[3 : 10 + first - cut] + pixels[10 + first :]
    yield _Picture(picture.kind, shorter, alpha, picture.canvas)


def partitions(pixels: bytes) -> int:
    """Into how many streams the coefficients of a lossy picture are split (RFC 6386, 9.2 to 9.5)."""
    read = _Booleans(pixels, 10)
    read.number(2)  # colour space, clamping
    if read.number(1):
        _segments(read)
    read.number(1 + 6 + 3)  # the loop filter
    if read.number(1) and read.number(1):
        for _ in range(8):
            read.optional(7)
    return 1 << read.number(2)


def _segments(read: _Booleans) -> None:
    maps, values = read.number(1), read.number(1)
    if values:
        read.number(1)
        for bits in (8, 8, 8, 8, 7, 7, 7, 7):  # with their signs
            read.optional(bits)
    for _ in range(3 * maps):
        read.optional(8)


class _Booleans:
    """The arithmetic decoder of VP8, for bits that are as likely 0 as 1."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at + 2
        self._value, self._range, self._bits = int.from_bytes(data[at : at + 2], "big"), 255, 0

    def number(self, bits: int) -> int:
        result = 0
        for _ in range(bits):
            result = result << 1 | self._bit()
        return result

    def optional(self, bits: int) -> None:
        if self.number(1):
            self.number(bits)

    def _bit(self) -> int:
        split = 1 + ((self._range - 1) * 128 >> 8)
        bit = self._value >= split << 8
        self._value -= split << 8 if bit else 0
        self._range = self._range - split if bit else split
        while self._range < 128:
            self._range <<= 1
            self._value <<= 1
            self._bits += 1
            if self._bits == 8:
                self._bits = 0
                self._value |= self._data[self._at] if self._at < len(self._data) else 0
                self._at += 1
        return int(bit)
