"""The source's own pixels in a new container: the same picture, in no more bytes, and only where nothing was asked."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from tests import pictures
from tests.shared import SHARED, manifest, needs
from transforms import png, rewrap_jpeg
from transforms.carried import carried
from transforms.colour import srgb_profile
from transforms.decode import Decode, decode
from transforms.encode import encode
from transforms.image import Image
from transforms.limits import Limits
from transforms.output import Client, Encoded, Output
from transforms.probe import Source
from transforms.rewrap import no_larger

from .encoded import ANY, opened, read
from .hidden import clean

BUSY = pictures.photo(320, 240) // 2 + pictures.noise(320, 240) // 2
STRONG = pictures.file(BUSY, "JPEG", quality=40)
NOTHING = Output()


def sent(data: bytes, output: Output = NOTHING, client: Client = ANY, seconds: float = 9.0) -> tuple[Encoded, Encoded]:
    """What is encoded without any step, and what is sent."""
    with Source(data, Limits()) as source:
        shown = decode(source, Decode()).image
        encoded = encode(shown, output, source.probe, client)
        return encoded, no_larger(encoded, shown, source, output, client, time.monotonic() + seconds)


def is_same(one: Image, other: Image) -> bool:
    pairs = list(zip(one.frames, other.frames, strict=True))
    return one.loop == other.loop and all(
        a.duration_ms == b.duration_ms and np.array_equal(a.pixels, b.pixels) for a, b in pairs
    )


def test_a_strongly_compressed_jpeg_never_grows() -> None:
    encoded, result = sent(STRONG)
    assert len(encoded.body) > len(STRONG) >= len(result.body)
    assert is_same(read(result.body), read(STRONG))
    assert (result.format, result.media_type, result.size) == (encoded.format, encoded.media_type, encoded.size)
    before, after = (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in (STRONG, result.body))
    assert np.array_equal(before, after)
    assert np.array_equal(np.asarray(opened(STRONG)), np.asarray(opened(result.body)))


def test_the_same_request_gives_the_same_bytes() -> None:
    assert sent(STRONG)[1].body == sent(STRONG)[1].body


def test_what_did_not_grow_stays_as_it_was_encoded() -> None:
    encoded, result = sent(pictures.file(BUSY, "JPEG", quality=98))
    assert result is encoded


@pytest.mark.parametrize(
    "asked",
    [
        {"chroma": "444"}, {"progressive": "none"}, {"profile": True}, {"colorspace": "cmyk"},
        {"lossy": True}, {"png": 24}, {"delay_ms": 100}, {"format": "png"},
    ],
    ids=lambda asked: next(iter(asked)),
)  # fmt: skip
def test_what_was_asked_for_is_done_even_where_it_grows(asked: dict[str, Any]) -> None:
    encoded, result = sent(STRONG, Output(**asked))
    assert result is encoded
    assert len(encoded.body) > len(STRONG)


@pytest.mark.parametrize(
    "asked", [{"quality": 90}, {"format": "jpeg"}, {"background": (1, 2, 3)}, {"download": "a"}, {"still": True}],
    ids=lambda asked: next(iter(asked)),
)  # fmt: skip
def test_what_the_source_meets_is_no_reason_to_grow(asked: dict[str, Any]) -> None:
    assert len(sent(STRONG, Output(**asked))[1].body) <= len(STRONG)


NAMED = Pillow.Exif()
NAMED[0x010E], NAMED[0x8298] = "a place", "Ann"


@pytest.mark.parametrize(
    ("exif", "which", "carries"),
    [
        (None, "keep", False), (None, "attribution", False), (NAMED, "keep", True), (NAMED, "attribution", True),
        (pictures.exif(1), "keep", True), (pictures.exif(1), "attribution", False),  # of nobody
    ],
)  # fmt: skip
def test_metadata_are_a_reason_to_grow_only_where_there_are_some(
    exif: Pillow.Exif | None, which: Literal["keep", "attribution"], carries: bool
) -> None:
    data, output = pictures.file(BUSY, "JPEG", quality=40, **({"exif": exif} if exif else {})), Output(metadata=which)
    with Source(data, Limits()) as source:
        shown, beside = decode(source, Decode()).image, carried(source, output)
        encoded = encode(shown, output, source.probe, ANY, beside)
        result = no_larger(encoded, shown, source, output, ANY, time.monotonic() + 9)
    assert (result is encoded) is carries
    assert len(encoded.body) > len(data)
    assert carries or len(result.body) <= len(data)
    assert (b"Exif" in result.body) is carries


def test_auto_may_send_the_sources_own_format_instead() -> None:
    client = Client(frozenset({"webp"}))
    _, result = sent(STRONG, Output("auto"), client)
    assert len(result.body) <= len(STRONG)
    weak = pictures.file(BUSY, "WEBP", quality=5)
    assert len(sent(weak, Output("auto"), client)[1].body) <= len(weak)
    encoded, result = sent(weak, Output("auto"), ANY)  # a client that takes no WebP
    assert result is encoded
    assert encoded.format == "jpeg"


@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
def test_what_was_turned_is_encoded(orientation: int) -> None:
    encoded, result = sent(pictures.file(BUSY, "JPEG", quality=40, orientation=orientation))
    assert result is encoded


@pytest.mark.parametrize(
    "data",
    [
        pictures.file(BUSY, "JPEG", quality=40, icc_profile=pictures.profile("GBR")),
        pictures.file(pictures.pillow(BUSY).convert("CMYK"), "JPEG", quality=20),
        pictures.file(BUSY, "AVIF", quality=20),
    ],
    ids=["profile", "inks", "avif"],
)
def test_what_means_other_colours_or_is_not_understood_is_encoded(data: bytes) -> None:
    encoded, result = sent(data, Output(quality=95))
    assert result is encoded
    assert len(encoded.body) > len(data) - 1000


def test_a_profile_that_is_srgb_is_no_obstacle_and_is_left_behind() -> None:
    data = pictures.file(BUSY, "JPEG", quality=40, icc_profile=srgb_profile())
    _, result = sent(data)
    assert len(result.body) <= len(STRONG)
    assert b"ICC_PROFILE" not in result.body


@pytest.mark.parametrize(("gamma", "kept"), [(45455, True), (100000, False)])
def test_a_gamma_that_browsers_apply_is_not_lost_unnoticed(gamma: int, kept: bool) -> None:
    chunks = [(kind, bytes(data)) for kind, data, _ in png.chunks(clean()["rgba.png"])]
    data = png.file([chunks[0], (b"gAMA", gamma.to_bytes(4, "big")), *chunks[1:]])
    encoded, result = sent(data)
    assert (len(result.body) <= len(data)) is kept
    assert (result is encoded) is not kept


def test_other_pixels_are_never_replaced() -> None:
    with Source(STRONG, Limits()) as source:
        shown = decode(source, Decode()).image
        pixels = shown.frames[0].pixels.copy()
        pixels[5, 5, 0] ^= 1
        changed = replace(shown, frames=(shown.frames[0].with_pixels(pixels),))
        encoded = encode(changed, Output(), source.probe, ANY)
        assert no_larger(encoded, changed, source, Output(), ANY, time.monotonic() + 9) is encoded


def test_without_time_left_nothing_is_tried() -> None:
    encoded, result = sent(STRONG, seconds=1.0)
    assert result is encoded


def test_coefficients_out_of_range_end_the_recoder_and_not_the_render() -> None:
    """MozJPEG calls exit() on them; decoders draw what they can."""
    dc = b"\x00\x01" + bytes(15) + b"\x00"
    ac = b"\x10\x00\x02" + bytes(14) + b"\x0f\x00"  # a number of 15 bits, where 10 are allowed; the end
    data = b"\xff\xd8" + b"".join(
        b"\xff" + marker + (2 + len(body)).to_bytes(2, "big") + body
        for marker, body in (
            (b"\xdb", b"\x00" + b"\x01" * 64), (b"\xc0", b"\x08\x00\x08\x00\x08\x01\x01\x11\x00"),
            (b"\xc4", dc + ac), (b"\xda", b"\x01\x01\x00\x00\x3f\x00"),
        )
    ) + b"\x1f\xff\x00\xdf\xff\xd9"  # fmt: skip
    assert rewrap_jpeg.rewrapped(Source(data, Limits()), 9.0) is None
    encoded, result = sent(data)
    assert result is encoded
    assert read(result.body).size.width == 8


@pytest.mark.parametrize("name", clean())
def test_every_container_can_be_written_anew(name: str) -> None:
    data = clean()[name]
    source, huge = Source(data, Limits()), Encoded(bytes(10**7), "jpeg", "", read(data).size)
    own = replace(huge, format=source.probe.format)  # as if encoding had made it much larger
    result = no_larger(own, read(data), source, Output(), ANY, time.monotonic() + 9)
    assert result is not own
    assert len(result.body) <= len(data)
    assert is_same(read(result.body), read(data))
    if source.probe.format != "gif" and not source.probe.animated:
        seen = [cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED) for body in (data, result.body)]
        assert np.array_equal(*seen)
    assert np.array_equal(*(np.asarray(opened(body).convert("RGBA")) for body in (data, result.body)))


def _entries(*folders: str) -> list[dict[str, Any]]:
    return [e for e in manifest() if e["path"].startswith(folders) and e["expected"] == "ok" and e["bytes"] < 500_000]


@needs("images", "manifest.json")
@pytest.mark.parametrize("entry", _entries("formats/"), ids=lambda entry: entry["path"])
def test_the_collection_comes_out_the_same_whatever_is_sent(entry: dict[str, Any]) -> None:
    data = (SHARED / "images" / entry["path"]).read_bytes()
    encoded, result = sent(data)
    if result is not encoded:
        assert len(encoded.body) > len(data)
        assert len(result.body) < len(encoded.body)
        assert is_same(read(result.body), read(data))
