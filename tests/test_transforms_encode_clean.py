"""What leaves beside the pixels: nothing, unless it is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests import pictures
from tests.shared import SHARED, manifest, needs
from transforms.decode import Decode, decode
from transforms.limits import Limits
from transforms.output import OUTPUT_FORMATS, OutputFormat
from transforms.probe import open_source

from .encoded import body, opened, read


@pytest.mark.parametrize("format", OUTPUT_FORMATS)
@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_nothing_of_the_source_but_its_pixels(container: str, format: OutputFormat) -> None:  # noqa: A002
    options: dict[str, Any] = {
        "exif": pictures.exif(6).tobytes(),
        "icc_profile": pictures.profile(name="SECRET-PROFILE"),
    }
    if container in ("JPEG", "WEBP", "AVIF"):
        options["xmp"] = b"<x:xmpmeta>SECRET-XMP</x:xmpmeta>"
    if container == "JPEG":
        options["comment"] = b"SECRET-COMMENT"
    data = pictures.file(pictures.quadrants(), container, **options) + b"SECRET-TAIL"
    assert data.count(b"SECRET") >= 2
    check_clean(body(read(data), format), b"SECRET")


def check_clean(data: bytes, *secrets: bytes) -> None:
    assert not any(secret in data for secret in (b"Exif", b"ICC_PROFILE", b"xmpmeta", b"iCCP", *secrets))
    assert not {"exif", "icc_profile", "xmp", "photoshop"} & set(opened(data).info)
    assert opened(data).info.get("comment", b"Created by OpenJPEG").startswith(b"Created by OpenJPEG")


_TELLING = {
    "formats/jpeg-exif-gps-camera.jpg": b"Exif",
    "formats/jpeg-comment-latin1.jpg": b"not UTF-8",
    "formats/jpeg-iptc.jpg": b"Photoshop",
    "formats/jpeg-icc-big.jpg": b"ICC_PROFILE",
    "bad/polyglot-jpeg-html.jpg": b"<script",
    "bad/polyglot-jpeg-zip.jpg": b"PK\x03\x04",
}


@needs("images", "manifest.json")
@pytest.mark.parametrize("path", [e["path"] for e in manifest() if e["path"] in _TELLING])
@pytest.mark.parametrize("format", OUTPUT_FORMATS)
def test_secrets_of_the_collection(path: str, format: OutputFormat) -> None:  # noqa: A002
    shown = decode(open_source(SHARED / "images" / path, Limits()), Decode(reduce=4)).image
    assert _TELLING[path] in (SHARED / "images" / path).read_bytes()
    shown = replace(shown, frames=tuple(f.with_pixels(f.pixels[:200, :200]) for f in shown.frames))
    check_clean(body(shown, format), _TELLING[path])
