"""Valid files with a secret put into every place that shows no pixel, by format: (name of the place, file)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np

from transforms import png

from . import pictures

SECRET = b"SECRET <script>alert(1)</script> PK\3\4 SECRET"

Hidden = Iterator[tuple[str, bytes]]


def clean() -> dict[str, bytes]:
    """Files that nothing is hidden in, compressed more strongly than we compress, by name."""
    palette = pictures.pillow(pictures.quadrants(90, 60)).quantize(4)
    return {
        "baseline.jpeg": pictures.file(pictures.photo(320, 240), "JPEG", quality=30),
        "progressive.jpeg": pictures.file(pictures.photo(320, 240), "JPEG", quality=30, progressive=True),
        "gray.jpeg": pictures.file(pictures.gradient(200, 100, 1), "JPEG", quality=20),
        "rgba.png": pictures.file(pictures.gradient(90, 60, 4), "PNG", optimize=True),
        "gray.png": pictures.file(pictures.gradient(90, 60, 1), "PNG", optimize=True),
        "palette.png": pictures.file(palette, "PNG", bits=8, optimize=True),
        "moving.png": pictures.animation(pictures.animated(frames=4, channels=4), "PNG"),
        "still.gif": pictures.file(palette, "GIF"),
        "moving.gif": pictures.animation(pictures.animated(frames=4), "GIF"),
        "lossy.webp": pictures.file(pictures.photo(320, 240), "WEBP", quality=10),
        "alpha.webp": pictures.file(pictures.gradient(90, 60, 4), "WEBP", quality=10),
        "lossless.webp": pictures.file(pictures.gradient(90, 60, 4), "WEBP", lossless=True),
        "moving.webp": pictures.animation(pictures.animated(frames=4, channels=4), "WEBP", quality=20),
    }


def hidden(name: str, data: bytes) -> Hidden:
    """The file with the secret in one place after another."""
    places: dict[str, Callable[[bytes], Hidden]] = {"jpeg": _jpeg, "png": _png, "gif": _gif, "webp": _webp}
    yield "behind", data + SECRET
    yield from places[name.rpartition(".")[2]](data)


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", 2 + len(payload)) + payload


def _jpeg(data: bytes) -> Hidden:
    parts = {
        "comment": _segment(0xFE, SECRET),
        "exif": _segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + SECRET),
        "xmp": _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + SECRET),
        "pictures": _segment(0xE2, b"MPF\0" + SECRET),
        "iptc": _segment(0xED, b"Photoshop 3.0\x008BIM" + SECRET),
        "unknown": _segment(0xEF, SECRET),
        "unused quantisation": _segment(0xDB, b"\3" + SECRET.ljust(64, b"S")[:64]),
        "unused codes": _segment(0xC4, b"\x03" + bytes(7) + bytes([len(SECRET)]) + bytes(8) + SECRET),
    }
    first = data.index(b"\xff\xda")
    for place, part in parts.items():
        yield f"{place} in front", data[:2] + part + data[2:]
        yield f"{place} before the scan", data[:first] + part + data[first:]
        yield f"{place} at the end", data[:-2] + part + data[-2:]
    at = first
    while at >= 0:
        end = _scan_end(data, at)
        yield f"amid pixels, {at}", data[:end] + SECRET + data[end:]
        at = data.find(b"\xff\xda", end)
    yield "second picture", data + data[:2] + parts["comment"] + data[2:]


def _scan_end(data: bytes, at: int) -> int:
    at += 2
    while data[at] != 0xFF or data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
        at += 1
    return at


def _png(data: bytes) -> Hidden:
    chunks = [(kind, bytes(payload)) for kind, payload, _ in png.chunks(data)]
    extras = {
        "text": (b"tEXt", b"Comment\0" + SECRET),
        "packed text": (b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + SECRET),
        "exif": (b"eXIf", b"II*\0\x08\0\0\0\0\0\0\0\0\0" + SECRET),
        "private": (b"prVt", SECRET),
        "suggested palette": (b"sPLT", b"name\0\x08" + SECRET),
    }
    for place, extra in extras.items():
        for at in range(1, len(chunks)):
            yield f"{place} at {at}", png.file([*chunks[:at], extra, *chunks[at:]])
    last = max(at for at, (kind, _) in enumerate(chunks) if kind in (b"IDAT", b"fdAT"))
    kind, payload = chunks[last]
    yield "behind the stream", png.file([*chunks[:last], (kind, payload + SECRET), *chunks[last + 1 :]])
    at, (_, payload) = next((at, chunk) for at, chunk in enumerate(chunks) if chunk[0] == b"IDAT")
    rows = zlib.compress(zlib.decompress(payload) + SECRET, 0)
    yield "more rows", png.file([*chunks[:at], (b"IDAT", rows), *chunks[at + 1 :]])
    if chunks[0][1][9] == 3:
        at, (_, palette) = next((at, chunk) for at, chunk in enumerate(chunks) if chunk[0] == b"PLTE")
        longer = palette + (SECRET + b"S" * 3)[: len(SECRET) // 3 * 3]
        yield "unused colours", png.file([*chunks[:at], (b"PLTE", longer), *chunks[at + 1 :]])
    else:
        yield "palette of colours", png.file([chunks[0], (b"PLTE", SECRET[:45]), *chunks[1:]])


def _gif(data: bytes) -> Hidden:
    length = bytes([len(SECRET)])
    extras = {
        "comment": b"!\xfe" + length + SECRET + b"\0",
        "application": b"!\xff\x0bSECRETS1.0 " + length + SECRET + b"\0",
        "text": b"!\x01\x0c" + bytes(12) + length + SECRET + b"\0",
        "unknown": b"!\x42" + length + SECRET + b"\0",
    }
    places = _gif_blocks(data)
    for name, extra in extras.items():
        for at in places:
            yield f"{name} at {at}", data[:at] + extra + data[at:]
    end = data.rindex(b"\0;")
    yield "behind the codes", data[:end] + length + SECRET + data[end:]
    if data[10] & 0x80 and (data[10] & 7) < 7:
        yield "unused colours", _with_colours(data)


def _with_colours(data: bytes) -> bytes:
    """The global palette with 256 colours, most of them a secret."""
    count = 2 << (data[10] & 7)
    table = data[13 : 13 + 3 * count] + (SECRET * 20)[: 3 * (256 - count)]
    return data[:10] + bytes([data[10] | 7]) + data[11:13] + table + data[13 + 3 * count :]


def _gif_blocks(data: bytes) -> list[int]:
    """Where blocks begin that are no graphic controls: nothing may come between such a one and its picture."""
    at, places = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0), []
    after_control = False
    while data[at] != 0x3B:
        if not after_control:
            places.append(at)
        after_control = data[at : at + 2] == b"!\xf9"
        if data[at] == 0x21:
            at += 2
        else:
            flags = data[at + 9]
            at += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        while data[at]:
            at += 1 + data[at]
        at += 1
    return [*places, at]


def _webp(data: bytes) -> Hidden:
    chunks = _riff(data[12:])
    if chunks[0][0] != b"VP8X":
        with_alpha = chunks[0][0] == b"VP8L"
        header = struct.pack("<I", 0x10 if with_alpha else 0) + _canvas(*chunks[0])
        chunks.insert(0, (b"VP8X", header))
    flags = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04, b"junk": 0}
    for kind, flag in flags.items():
        kind_, header = chunks[0]
        flagged = (kind_, bytes([header[0] | flag]) + header[1:])
        for at in (1, len(chunks)):
            yield f"{kind.decode()} at {at}", _webp_file([flagged, *chunks[1:at], (kind, SECRET), *chunks[at:]])
    for at, (kind, payload) in enumerate(chunks):
        for place, longer in _longer(kind, payload):
            yield f"{place} of {kind.decode()} {at}", _webp_file([*chunks[:at], (kind, longer), *chunks[at + 1 :]])


def _longer(kind: bytes, payload: bytes) -> Hidden:
    if kind in (b"VP8 ", b"VP8L", b"ALPH"):
        yield "behind pixels", payload + SECRET
    if kind == b"VP8 ":
        tag = int.from_bytes(payload[:3], "little")
        end = 10 + (tag >> 5)
        tag += len(SECRET) << 5
        yield "amid pixels", tag.to_bytes(3, "little") + payload[3:end] + SECRET + payload[end:]
    if kind == b"ANMF":
        inner = _riff(payload[16:])
        yield "unknown part", payload[:16] + _riff_file([*inner, (b"junk", SECRET)])
        for at, (name, body) in enumerate(inner):
            for place, longer in _longer(name, body):
                yield f"{place} within", payload[:16] + _riff_file([*inner[:at], (name, longer), *inner[at + 1 :]])


def _canvas(kind: bytes, payload: bytes) -> bytes:
    if kind == b"VP8L":
        bits = int.from_bytes(payload[1:5], "little")
        return (bits & 0x3FFF).to_bytes(3, "little") + (bits >> 14 & 0x3FFF).to_bytes(3, "little")
    width, height = struct.unpack_from("<HH", payload, 6)
    return ((width & 0x3FFF) - 1).to_bytes(3, "little") + ((height & 0x3FFF) - 1).to_bytes(3, "little")


def _riff(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 0
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        chunks.append((kind, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return chunks


def _riff_file(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2) for kind, body in chunks)


def _webp_file(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = b"WEBP" + _riff_file(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def hidden_default() -> bytes:
    """An APNG whose default picture is none of its frames."""
    frames = pictures.animation(pictures.animated(frames=2), "PNG", default_image=True)
    return frames


def deep() -> bytes:
    """A PNG of 16 bits a sample, of which 8 are shown."""
    return pictures.file(pictures.pillow(np.zeros((9, 9, 1), np.uint8)).convert("I;16"), "PNG")
