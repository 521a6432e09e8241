"""What of a source's metadata is carried over, and what never is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL import PngImagePlugin

from tests import pictures
from transforms.carried import carried
from transforms.decode import Decode, decode
from transforms.encode import encode
from transforms.limits import Limits
from transforms.output import OUTPUT_FORMATS, TRAITS, Client, Level, Output, OutputFormat
from transforms.probe import Source

from .encoded import opened

AUTHOR = "© Ann Ünal"
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:drone="http://www.dji.com/drone-dji/1.0/"
 exif:GPSLatitude="52,31.2N" drone:GpsLongtitude="13.4" tiff:Orientation="6" photoshop:Credit="The Agency"
 xmp:CreatorTool="DESCRIBED BY A PROGRAM">
<dc:creator><rdf:Seq><rdf:li>© Ann Ünal</rdf:li></rdf:Seq></dc:creator>
<dc:subject><rdf:Bag><rdf:li>DESCRIBED AS A HOLIDAY</rdf:li></rdf:Bag></dc:subject>
<exif:GPSLongitude>13,24.3E</exif:GPSLongitude><xmp:Thumbnails>SECRET-THUMBNAIL</xmp:Thumbnails>
</rdf:Description></rdf:RDF></x:xmpmeta>""".encode()
IPTC = b"".join(
    b"\x1c\x02" + bytes([number]) + len(text).to_bytes(2, "big") + text
    for number, text in ((80, AUTHOR.encode()), (120, b"DESCRIBED IN A CAPTION"), (116, b"All rights"))
)


def exif(orientation: int = 6) -> bytes:
    data = pictures.exif(orientation, description="DESCRIBED IN EXIF")
    if orientation == 1:
        del data[0x0112]
    data[0x013B], data[0x8298] = AUTHOR.encode(), b"All rights"
    data[0x0110] = "DESCRIBED CAMERA"
    data.get_ifd(0x8769).update({0x9003: "2026:11:20 12:00:00", 0x927C: b"SECRET-MAKER", 0xA002: 999, 0x829A: 0.005})
    return data.tobytes()


def source(container: str) -> bytes:
    """A file with all of it, as far as the container can hold it."""
    options: dict[str, Any] = {"exif": exif(1 if container == "AVIF" else 6)}  # Pillow turns, and spoils texts with it
    if container == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    elif container == "TIFF":
        tags = Pillow.Exif()
        tags.update({0x010E: "DESCRIBED IN EXIF", 0x0110: "DESCRIBED CAMERA", 0x0112: 6, 0x8298: b"All rights\0"})
        tags.update({0x013B: AUTHOR.encode() + b"\0", 700: XMP, 33723: IPTC})
        options |= {"exif": tags, "compression": "tiff_lzw"}
    else:
        options["xmp"] = XMP
    if container == "JPEG":
        resource = b"8BIM\x04\x04\0\0" + len(IPTC).to_bytes(4, "big") + IPTC + bytes(len(IPTC) % 2)
        part = b"Photoshop 3.0\0" + resource
        options["extra"] = b"\xff\xed" + (len(part) + 2).to_bytes(2, "big") + part
    return pictures.file(pictures.quadrants(), container, **options)


def sent(data: bytes, output: Output) -> bytes:
    read = Source(data, Limits())
    return encode(decode(read, Decode()).image, output, read.probe, Client(), carried(read, output)).body


HOLDING: list[OutputFormat] = [name for name, traits in TRAITS.items() if traits.metadata]
SOURCES = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"]
NEVER = (b"SECRET", b"GPS", b"Gps", b"52,31.2N", b"tiff:Orientation")


def tags_of(data: bytes) -> dict[int, Any]:
    return dict(opened(data).getexif())


@pytest.mark.parametrize("container", SOURCES)
@pytest.mark.parametrize("format", HOLDING)
def test_everything_but_places_and_pixels(format: OutputFormat, container: str) -> None:  # noqa: A002
    data = sent(source(container), Output(format, metadata="keep"))
    tags = tags_of(data)
    assert tags[0x0110] == "DESCRIBED CAMERA"
    assert tags[0x010E] == "DESCRIBED IN EXIF"
    assert tags[0x013B].encode("latin-1") == AUTHOR.encode()
    assert 0x0112 not in tags or tags[0x0112] == 1
    assert opened(data).getexif().get_ifd(0x8825) == {}
    assert AUTHOR.encode() in opened(data).info["xmp"]
    assert b"DESCRIBED AS A HOLIDAY" in opened(data).info["xmp"]
    assert not any(secret in data for secret in NEVER)
    assert (b"DESCRIBED IN A CAPTION" in data) == (format in ("jpeg", "tiff") and container in ("JPEG", "TIFF"))


@pytest.mark.parametrize("container", SOURCES)
@pytest.mark.parametrize("format", HOLDING)
def test_only_who_made_it(format: OutputFormat, container: str) -> None:  # noqa: A002
    data = sent(source(container), Output(format, metadata="attribution"))
    tags = tags_of(data)
    assert tags[0x013B].encode("latin-1") == AUTHOR.encode()
    assert tags[0x8298] == "All rights"
    assert AUTHOR.encode() in opened(data).info["xmp"]
    assert b"The Agency" in opened(data).info["xmp"]
    assert not any(secret in data for secret in (*NEVER, b"DESCRIBED", b"2026:11:20"))
    if format == "jpeg" and container == "JPEG":
        assert opened(data).info["photoshop"][0x0404].count(b"\x1c\x02") == 2


@pytest.mark.parametrize("container", SOURCES)
@pytest.mark.parametrize("format", OUTPUT_FORMATS)
@pytest.mark.parametrize("level", [None, "good"])
def test_no_position_ever(format: OutputFormat, container: str, level: Level | None) -> None:  # noqa: A002
    for kept in (None, "keep", "attribution"):
        data = sent(source(container), Output(format, metadata=kept, level=level))
        assert not any(secret in data for secret in NEVER), kept
        assert opened(data).getexif().get_ifd(0x8825) == {}, kept


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_nothing_without_being_asked(format: OutputFormat) -> None:  # noqa: A002
    data = sent(source("JPEG"), Output(format))
    assert AUTHOR.encode() not in data
    assert b"DESCRIBED" not in data


@pytest.mark.parametrize("format", [name for name, traits in TRAITS.items() if not traits.metadata])
def test_formats_that_hold_none(format: OutputFormat) -> None:  # noqa: A002
    assert sent(source("JPEG"), Output(format, metadata="keep")) == sent(source("JPEG"), Output(format))


def test_a_time_in_the_exif_of_a_photograph_is_kept() -> None:
    data = sent(source("JPEG"), Output("jpeg", metadata="keep"))
    assert opened(data).getexif().get_ifd(0x8769) == {0x9003: "2026:11:20 12:00:00", 0x829A: 0.005}


def test_the_picture_stays_upright() -> None:
    data = sent(source("JPEG"), Output("jpeg", metadata="keep"))
    assert opened(data).size == (40, 60)
    assert Source(data, Limits()).probe.orientation == 1


@pytest.mark.parametrize(
    "xmp", [b"junk", b"<a" * 9000, b"<!DOCTYPE x [<!ENTITY e 'SECRET'>]><x>&e;</x>"[:40], XMP[:-30], b"<x>" * 15_000]
)
def test_damaged_metadata_are_left_behind(xmp: bytes) -> None:
    data = pictures.file(pictures.quadrants(), "JPEG", xmp=xmp, exif=b"Exif\0\0MM\0*junk")
    after = opened(sent(data, Output("webp", metadata="keep")))
    assert "xmp" not in after.info


def test_metadata_of_animations() -> None:
    moving = pictures.animation(pictures.animated(), "WEBP", exif=exif(), xmp=XMP)
    for format in ("webp", "png", "avif"):  # noqa: A001
        after = opened(sent(moving, Output(format, metadata="attribution")))
        assert after.getexif()[0x8298] == "All rights"
        assert after.n_frames == 2  # type: ignore[attr-defined]


def test_no_profile_comes_with_the_metadata() -> None:
    stored = pictures.file(pictures.quadrants(), "JPEG", exif=exif(), icc_profile=pictures.profile("GBR"))
    after = Pillow.open(io.BytesIO(sent(stored, Output("jpeg", metadata="keep"))))
    assert "icc_profile" not in after.info
    assert "exif" in after.info
