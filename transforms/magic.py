"""What kind of file it is, by its first bytes alone; its name and media type are never asked."""

from __future__ import annotations

import re
import zlib

from .failure import Failure, Kind
from .image import FormatName

_START: tuple[tuple[bytes, FormatName], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),  # BigTIFF
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
    (b"\0\0\1\0", "ico"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),  # a bare codestream
)

_UNSUPPORTED = (
    (re.compile(rb"8BPS"), "Photoshop"),
    (re.compile(rb"%PDF-"), "PDF"),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), "PostScript"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"), "JPEG XL"),
    (re.compile(rb"qoif"), "QOI"),
    (re.compile(rb"P[1-7fF]\s"), "PNM"),
    (re.compile(rb"v/1\x01|#\?RADIANCE|#\?RGBE"), "HDR"),
    (re.compile(rb"DDS "), "DDS"),
    (re.compile(rb"\x00\x00\x02\x00"), "cursor"),
    (re.compile(rb"icns"), "ICNS"),
    (re.compile(rb"\x1aE\xdf\xa3|....ftyp", re.DOTALL), "video"),
)

_SVG = re.compile(rb"<(!DOCTYPE\s+|\w+:)?svg[\s>/]")
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html)[\s>]", re.IGNORECASE)  # may well have an SVG in it
_XML = re.compile(rb"\s*<\?xml\s")
_GZIP, _INFLATED = b"\x1f\x8b\x08", 4096
_SUPPORTED = "supported are JPEG, PNG, GIF, WebP, AVIF, HEIC, TIFF, BMP, ICO and JPEG 2000"
_SVG_HINT = "SVG may hold scripts and references to other files: convert it to PNG or WebP before it is uploaded"

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})


def sniff(head: bytes) -> FormatName:
    """The format that the first 4096 bytes show; raises Failure not-an-image or unsupported-format."""
    for start, name in _START:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and (brand := _brand(head)):
        return brand
    raise _refused(head)


def _brand(head: bytes) -> FormatName | None:
    """The format of an ISO base media file: by its major brand, else by those it claims to be compatible with."""
    length = int.from_bytes(head[:4], "big")
    claimed = [head[at : at + 4] for at in (8, *range(16, min(length, len(head)), 4))]
    for brand in claimed:
        if brand in _AVIF_BRANDS:
            return "avif"
        if brand in _HEIC_BRANDS:
            return "heic"
    return "heic" if claimed[0] in (b"mif1", b"msf1") else None


def _refused(head: bytes) -> Failure:
    name = next((name for pattern, name in _UNSUPPORTED if pattern.match(head)), None) or _markup(head)
    if name is None:
        return Failure(Kind.UNSUPPORTED_MEDIA, "not-an-image", "the source is not an image")
    return Failure(
        Kind.UNSUPPORTED_MEDIA,
        "unsupported-format",
        f"{name} files are not supported",
        hint=_SVG_HINT if name in ("SVG", "XML") else _SUPPORTED,
        details={"format": name},
    )


def _markup(head: bytes) -> str | None:
    """SVG, packed or not, also where a page or something else comes before it; XML that does not tell yet."""
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _INFLATED)
        except zlib.error:
            return None
    # UTF-16 has a zero byte beside every letter; dropping them is enough to recognise the one word.
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    if _SVG.search(text) and not _PAGE.match(text):
        return "SVG"
    return "XML" if _XML.match(text) else None
