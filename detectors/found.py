"""What detectors answer and what they are asked, and the form of both on the wire and in the cache: msgpack, never
pickle. What does not decode is Malformed, a ValueError, and so a miss."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgpack
import numpy as np

from transforms.image import Box, Found, Mask, Missing, PixelArray, Region, Saliency, Swatch, Tag

__all__ = [
    "Box", "Found", "Malformed", "Mask", "Missing", "PixelArray", "Query", "Region", "Saliency", "Swatch", "Tag",
    "pack", "pack_query", "unpack", "unpack_query",
]  # fmt: skip

VERSION = 2

LARGEST_MASK = 1 << 22
"""Values of a mask; models make them of 160 × 160, matting of 1024 × 1024."""

T = TypeVar("T")


class Malformed(ValueError):
    """Bytes that this version did not write."""


@dataclass(frozen=True)
class Query:
    """What a client asks: kinds of detectors, uint8 pixels (h, w, 1|3|4), how long it waits, and the picture's key.

    `key` names the content (a hash), so that two who ask about the same picture share one answer; None shares nothing.
    """

    kinds: frozenset[str]
    pixels: PixelArray
    patience_ms: int
    key: str | None = None


def pack(found: Found) -> bytes:
    """Bytes that `unpack` turns back into an equal Found."""
    saliency = found.saliency and [*found.saliency.map.shape, np.ascontiguousarray(found.saliency.map).tobytes()]
    body: bytes = msgpack.packb(
        [
            VERSION,
            [
                [
                    r.label,
                    r.score,
                    _plain(r.box),
                    [list(point) for point in r.points],
                    r.by,
                    r.sure,
                    r.text,
                    _laid(r.mask),
                ]
                for r in found.regions
            ],
            [[tag.name, tag.score, tag.by, tag.of] for tag in found.tags],
            [[swatch.hex, swatch.name, swatch.share] for swatch in found.colors],
            saliency,
            [list(model) for model in found.models],
            [[missing.detector, missing.model, missing.how] for missing in found.missing],
        ]
    )
    return body


def unpack(data: bytes) -> Found:
    """The Found in `data`; raises Malformed for anything that `pack` of this version did not write."""
    version, *parts = _listed(_decode(data), 7)
    if version != VERSION:
        raise Malformed(f"written by version {version!r}, this is {VERSION}")
    regions, tags, colors, saliency, models, missing = parts
    return Found(
        _each(regions, _region),
        _each(tags, lambda row: Tag(_text(row[0]), _number(row[1]), _text(row[2]), _text(row[3])), 4),
        _each(colors, lambda row: Swatch(_text(row[0]), _text(row[1]), _number(row[2])), 3),
        None if saliency is None else _saliency(saliency),
        _each(models, lambda row: (_text(row[0]), _text(row[1])), 2),
        _each(missing, lambda row: Missing(_text(row[0]), _text(row[1]), _text(row[2])), 3),
    )


def pack_query(query: Query) -> list[bytes | memoryview]:
    """The pieces of a request body: length of the header (4 bytes, big-endian), msgpack header, raw pixels.

    In pieces, so that a megabyte of pixels goes to the socket without being copied.
    """
    pixels = np.ascontiguousarray(query.pixels)
    if pixels.dtype != np.uint8 or pixels.ndim != 3:
        raise TypeError(f"pixels must be uint8 (h, w, channels), not {pixels.dtype} {pixels.shape}")
    header: bytes = msgpack.packb([VERSION, sorted(query.kinds), list(pixels.shape), query.patience_ms, query.key])
    return [len(header).to_bytes(4, "big") + header, pixels.reshape(-1).data]


def unpack_query(body: bytes | bytearray) -> Query:
    """The Query in a request body; its pixels are a view of `body`. Raises Malformed."""
    length = int.from_bytes(body[:4], "big")
    version, kinds, shape, patience, key = _listed(_decode(body[4 : 4 + length]), 5)
    if version != VERSION:
        raise Malformed(f"written by version {version!r}, this is {VERSION}")
    height, width, channels = (_count(side) for side in _listed(shape, 3))
    if channels not in (1, 3, 4) or len(body) != 4 + length + height * width * channels:
        raise Malformed("shape and number of bytes do not agree")
    pixels = np.frombuffer(body, np.uint8, offset=4 + length).reshape(height, width, channels)
    kinds = frozenset(_text(kind) for kind in _listed(kinds))
    return Query(kinds, pixels, _count(patience), None if key is None else _text(key))


def _plain(box: Box) -> list[float]:
    return [box.x, box.y, box.width, box.height]


def _laid(mask: Mask | None) -> list[Any] | None:
    return None if mask is None else [mask.width, mask.height, zlib.compress(mask.data, 1), list(mask.at)]


def _decode(data: bytes | bytearray) -> object:
    try:
        return msgpack.unpackb(data)
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise Malformed(f"not msgpack: {error}") from None


def _region(row: list[Any]) -> Region:
    label, score, box, points, by, sure, text, mask = _listed(row, 8)
    return Region(
        _text(label),
        _number(score),
        Box(*(_number(side) for side in _listed(box, 4))),
        _each(points, lambda point: (_text(point[0]), _number(point[1]), _number(point[2])), 3),
        _text(by),
        _flag(sure),
        _text(text),
        None if mask is None else _mask(mask),
    )


def _mask(row: object) -> Mask:
    width, height, packed, at = _listed(row, 4)
    pixels = _count(width) * _count(height)
    if not isinstance(packed, bytes) or pixels > LARGEST_MASK:
        raise Malformed("not a mask")
    try:
        data = zlib.decompressobj().decompress(packed, pixels + 1)
    except zlib.error:
        raise Malformed("not a mask") from None
    if len(data) != pixels:
        raise Malformed("not a mask")
    a, b, c, d, e, f = (_number(value) for value in _listed(at, 6))
    return Mask(width, height, data, (a, b, c, d, e, f))


def _saliency(row: object) -> Saliency:
    height, width, data = _listed(row, 3)
    if not isinstance(data, bytes) or len(data) != _count(height) * _count(width):
        raise Malformed("not a saliency map")
    return Saliency(np.frombuffer(data, np.uint8).reshape(height, width))


def _each(rows: object, read: Callable[[list[Any]], T], length: int | None = None) -> tuple[T, ...]:
    return tuple(read(_listed(row, length)) for row in _listed(rows))


def _listed(value: object, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise Malformed("not the expected list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Malformed("not text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Malformed("not a finite number")
    return float(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Malformed("neither true nor false")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Malformed("not a positive whole number")
    return value
