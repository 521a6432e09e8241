"""Nothing hidden in a file survives in a rewritten one: a secret in every place that shows no pixel."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from transforms.failure import Failure
from transforms.limits import Limits
from transforms.output import Encoded, Output
from transforms.probe import Source
from transforms.rewrap import no_larger
from transforms.rewrap_gif import trimmed
from transforms.rewrap_webp import partitions

from . import hidden as places
from .encoded import ANY, opened, read
from .hidden import SECRET, clean, hidden
from .test_transforms_rewrap import is_same

TRACES = (b"SECRET", b"<script", b"PK\3\4", b"alert")


def rewritten(data: bytes) -> bytes | None:
    """The file anew, as if encoding had made it much larger; None where it is left as it was encoded."""
    with Source(data, Limits()) as source:
        shown = read(data)
        huge = Encoded(bytes(10**7), "jpeg", "", shown.size)
        own = replace(huge, format=source.probe.format)
        result = no_larger(own, shown, source, Output(), ANY, time.monotonic() + 9)
    return None if result is own else result.body


def survives(body: bytes) -> bool:
    info = opened(body).info
    told = {"exif", "icc_profile", "xmp", "photoshop", "comment", "XML:com.adobe.xmp"} & set(info)
    return any(trace in body for trace in TRACES) or bool(told)


@pytest.mark.parametrize("name", clean())
def test_a_secret_never_survives(name: str) -> None:
    data = clean()[name]
    plain = rewritten(data)
    assert plain is not None
    tried = written = 0
    for place, file in hidden(name, data):
        assert SECRET[:20] in file, place
        try:
            body = rewritten(file)
        except Failure:
            continue  # no picture at all
        tried += 1
        if body is not None:
            assert not survives(body), place
            assert is_same(read(body), read(data)), place
            written += 1
    assert tried >= 5
    assert written >= 4  # most places are left behind rather than a reason to give up


@pytest.mark.parametrize("place", ["behind the stream", "more rows"])
def test_what_lies_in_a_stream_of_pixels_is_a_reason_to_encode(place: str) -> None:
    files = dict(hidden("rgba.png", clean()["rgba.png"]))
    assert rewritten(files[place]) is None


def test_codes_behind_the_end_are_cut_off() -> None:
    body = rewritten(dict(hidden("moving.gif", clean()["moving.gif"]))["behind the codes"])
    assert body is not None
    assert body == rewritten(clean()["moving.gif"])


def test_a_picture_that_no_animation_shows_is_not_sent() -> None:
    assert rewritten(places.hidden_default()) is None


def test_the_lower_half_of_16_bits_is_not_sent() -> None:
    assert rewritten(places.deep()) is None


def test_parts_of_a_gif_outside_of_the_canvas_are_not_sent() -> None:
    data = clean()["still.gif"]
    narrow = data[:6] + b"\x10\0\x10\0" + data[10:]
    assert read(narrow).size.width == 16
    assert rewritten(narrow) is None


@pytest.mark.parametrize(
    ("codes", "pixels", "good"),
    [
        ("2,5", 1, True),
        ("2,5", 2, False),
        ("4,1,1,5", 2, True),
        ("4,1,1,5", 3, False),
        ("4,1,1,1,5", 2, False),
        ("4,1,1", 2, False),
    ],
)
def test_lzw_ends_where_the_pixels_end(codes: str, pixels: int, good: bool) -> None:
    packed = sum(int(code) << 3 * place for place, code in enumerate(codes.split(","))).to_bytes(2, "little")
    assert (trimmed(b"\2\2" + packed + b"\0", pixels) is not None) is good


@pytest.mark.parametrize("name", ["lossy.webp", "alpha.webp"])
def test_one_partition_is_what_libwebp_writes(name: str) -> None:
    data = clean()[name]
    assert partitions(data[data.index(b"VP8 ") + 8 :]) == 1
