"""What a source says beside its pixels, as far as the steps ask for it to be carried over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import pack, unpack_from
from typing import Any, TypeVar
from xml.etree import ElementTree as ET

from PIL import Image as Pillow
from PIL.ExifTags import Base

from . import exif, gif, png
from .codecs import reading
from .output import Output
from .probe import Container, Source

_MOST = 60_000  # bytes: a part of a JPEG holds 64 kB

# Of what EXIF says about the file: nothing that is about its stored pixels, and no thumbnail of the uncut picture.
_DESCRIBING = (Base.ImageDescription, Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist,
               Base.HostComputer, Base.Copyright)  # fmt: skip
_NOT_TAKEN_ALONG = (Base.MakerNote, Base.ColorSpace, Base.ExifImageWidth, Base.ExifImageHeight,
                    Base.ExifInteroperabilityOffset)  # fmt: skip
_OF_AUTHOR = (Base.Artist, Base.Copyright)

_IPTC_RESOURCE, _IPTC_TAG = 0x0404, 33723  # in Photoshop's part of a JPEG, and in a TIFF
_IPTC_CHARSET, _IPTC_OF_AUTHOR = (1, 90), {(2, 80), (2, 85), (2, 110), (2, 115), (2, 116)}

_PLACE_OR_PIXELS = re.compile(r"gps|latitude|long?t?itude|thumbnail|^orientation$", re.IGNORECASE)
_XMP_OF_AUTHOR = {
    "http://purl.org/dc/elements/1.1/": ("creator", "rights"),
    "http://ns.adobe.com/photoshop/1.0/": ("Credit", "Source", "AuthorsPosition"),
    "http://ns.adobe.com/xap/1.0/rights/": ("Marked", "Owner", "UsageTerms", "WebStatement"),
}
_RDF, _META = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "adobe:ns:meta/"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Carried:
    """What goes beside the pixels, in the form of the files; `inks`: the source's pixels are CMYK."""

    profile: bytes | None = None
    inks: bool = False
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None


NOTHING = Carried()


def carried(source: Source, output: Output) -> Carried:
    """What of the source the output asks for. What cannot be read, or is too long for a JPEG, is left behind."""
    colours, texts = output.colorspace in ("keep_cmyk", "copy"), output.metadata
    if not (colours or texts):
        return NOTHING
    with reading(source.limits):
        opened = source.opened()
        if isinstance(opened, Pillow.Image) and source.pages:
            opened.seek(source.pages[0])
        profile, inks = (_profile(opened), getattr(opened, "mode", "") == "CMYK") if colours else (None, False)
        if not texts:
            return Carried(profile, inks)
        author_only = texts == "attribution"
        return Carried(
            profile, inks,
            exif=_short(_readable(lambda: _exif(source, opened, author_only))),
            xmp=_short(_readable(lambda: _xmp(opened, author_only))),
            iptc=_short(_readable(lambda: _iptc(opened, author_only))),
        )  # fmt: skip


def _readable(read: Callable[[], Result]) -> Result | None:
    try:
        return read()
    except MemoryError:
        raise
    except Exception:  # hostile metadata raise almost anything, and the picture is good without them
        return None


def _short(data: bytes | None) -> bytes | None:
    return data if data and len(data) <= _MOST else None


def _profile(opened: Container) -> bytes | None:
    if isinstance(opened, gif.Gif):
        return None
    profile: bytes | None = opened.icc if isinstance(opened, png.Png) else opened.info.get("icc_profile")
    return profile


def _exif(source: Source, opened: Container, author_only: bool) -> bytes | None:
    """EXIF anew, with what describes the picture: never a position, nor what camera makers keep to themselves."""
    data = source.data if source.probe.format == "tiff" else _exif_of(opened)
    if not data:
        return None
    named = _OF_AUTHOR if author_only else _DESCRIBING
    kept = exif.read(data).only(lambda tag: tag in named, lambda tag: not author_only and tag not in _NOT_TAKEN_ALONG)
    return exif.written(kept) if kept.main or kept.details else None


def _exif_of(opened: Container) -> bytes | None:
    if isinstance(opened, gif.Gif):
        return None
    data: bytes | None = opened.exif if isinstance(opened, png.Png) else opened.info.get("exif")
    return data


def _xmp(opened: Container, author_only: bool) -> bytes | None:
    """XMP without positions, thumbnails and orientation, or with author, copyright and credit alone."""
    data = (
        opened.xmp
        if isinstance(opened, png.Png)
        else opened.info.get("xmp")
        if not isinstance(opened, gif.Gif)
        else None
    )
    if not data or len(data) > _MOST:
        return None
    # Expat limits how far entities may expand, and the parser loads nothing from outside.
    root = ET.fromstring(data.strip(b"\0 \r\n\t"))  # noqa: S314
    for description in root.iter(f"{{{_RDF}}}Description"):
        if author_only:
            _keep_author(description)
    for element in root.iter():
        _drop_places(element)
    for space, prefix in ((_RDF, "rdf"), (_META, "x"), ("http://purl.org/dc/elements/1.1/", "dc")):
        ET.register_namespace(prefix, space)
    written: bytes = ET.tostring(root, "utf-8", xml_declaration=False)
    return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>' + written + b'<?xpacket end="w"?>'


def _keep_author(description: ET.Element) -> None:
    for name in [name for name in description.attrib if not _is_of_author(name) and not name.startswith(f"{{{_RDF}}}")]:
        del description.attrib[name]
    for child in [child for child in description if not _is_of_author(child.tag)]:
        description.remove(child)


def _is_of_author(name: str) -> bool:
    space, _, local = name.removeprefix("{").rpartition("}")
    return local in _XMP_OF_AUTHOR.get(space, ())


def _drop_places(element: ET.Element) -> None:
    for name in [name for name in element.attrib if _PLACE_OR_PIXELS.search(name.rpartition("}")[2])]:
        del element.attrib[name]
    for child in [child for child in element if _PLACE_OR_PIXELS.search(str(child.tag).rpartition("}")[2])]:
        element.remove(child)


def _iptc(opened: Container, author_only: bool) -> bytes | None:
    if not isinstance(opened, Pillow.Image):
        return None
    data = opened.info.get("photoshop", {}).get(_IPTC_RESOURCE)
    if data is None and hasattr(opened, "tag_v2"):
        data = _bytes(opened.tag_v2.get(_IPTC_TAG))
    if not isinstance(data, bytes) or not author_only:
        return data or None
    sets = [(kind, whole) for kind, whole in _data_sets(data) if kind == _IPTC_CHARSET or kind in _IPTC_OF_AUTHOR]
    return b"".join(whole for _, whole in sets) if any(kind in _IPTC_OF_AUTHOR for kind, _ in sets) else None


def _bytes(value: Any) -> bytes | None:
    """A TIFF's IPTC is bytes, or, as many programs write them, numbers of four bytes."""
    if isinstance(value, tuple) and value and isinstance(value[0], int):
        return pack(f"<{len(value)}I", *value)
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, bytes) else None


def _data_sets(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Record and number of each data set, and its bytes."""
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, number, length = unpack_from(">BBH", data, at + 1)
        if length & 0x8000:
            return  # lengths of more than 32 kB, which no author's name has
        yield (record, number), data[at : at + 5 + length]
        at += 5 + length
