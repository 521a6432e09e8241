"""Animations: every frame whole, as a browser would show it, for as long and as often as the file says."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests import pictures
from transforms.decode import Decode, Decoded, decode
from transforms.encode import encode
from transforms.failure import Failure
from transforms.image import Image, PixelArray
from transforms.limits import Limits
from transforms.output import Client, Output, OutputFormat
from transforms.probe import Source


def decoded(data: bytes, plan: Decode | None = None, **limits: Any) -> Decoded:
    return decode(Source(data, Limits(**limits)), plan or Decode())


def image(data: bytes) -> Image:
    return decoded(data).image


# What a browser shows: R red, G green, B blue, K black, . nothing.
@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ([(0, 0, [[1, 1, 1]], 0, None), (1, 0, [[2]], 0, None)], ["RRR", "RGR"]),
        ([(0, 0, [[1, 1, 1]], 1, None), (1, 0, [[2, 3]], 1, 3)], ["RRR", "RGR"]),
        ([(0, 0, [[1, 1, 1]], 1, None), (1, 0, [[2]], 2, None), (0, 0, [[3]], 1, None)], ["RRR", "RGR", "B.R"]),
        ([(0, 0, [[1, 1, 1]], 1, None), (1, 0, [[2]], 3, None), (0, 0, [[3]], 1, None)], ["RRR", "RGR", "BRR"]),
        ([(0, 0, [[1, 1]], 3, None), (1, 0, [[2]], 1, None)], ["RR.", ".G."]),
        ([(1, 0, [[1]], 1, None)], [".R."]),
        ([(0, 0, [[1, 0, 1]], 1, 0), (0, 0, [[0, 2, 0]], 1, 0)], ["R.R", "RGR"]),
        ([(2, 0, [[1, 2, 3]], 1, None)], ["..R"]),
        ([(9, 9, [[1]], 1, None)], ["..."]),
    ],
)
def test_gif_frames_are_put_together_as_in_browsers(parts: Any, shown: list[str]) -> None:
    assert [_letters(frame.pixels) for frame in image(pictures.gif((3, 1), parts, None)).frames] == shown


def _letters(row: PixelArray) -> str:
    names = {(0, 0, 255): "R", (0, 255, 0): "G", (255, 0, 0): "B", (0, 0, 0): "K"}
    return "".join("." if len(p) == 4 and p[3] == 0 else names[tuple(p[:3])] for p in row[0].tolist())


@pytest.mark.parametrize(("repeats", "plays"), [(None, 1), (0, 0), (1, 2), (4, 5)])
def test_how_often_a_gif_plays(repeats: int | None, plays: int) -> None:
    part = (0, 0, [[1]], 0, None)
    assert image(pictures.gif((1, 1), [part, part], repeats)).loop == plays
    assert image(pictures.gif((1, 1), [part], repeats)).loop == 0


def test_apng_blends_half_transparent_frames_rightly() -> None:
    red, green = (np.full((4, 4, 4), colour, np.uint8) for colour in ((0, 0, 255, 255), (0, 255, 0, 128)))
    data = pictures.animation(pictures.image(red, green), "PNG", blend=1)
    frames = image(data).frames
    assert [frame.pixels[0, 0].tolist() for frame in frames] == [[0, 0, 255], [0, 128, 127]]


def test_apng_default_image_is_not_a_frame() -> None:
    moving = pictures.animated(frames=3)
    data = pictures.animation(moving, "PNG", default_image=True)
    # Pillow takes the first picture as the default image: two remain.
    assert Source(data, Limits()).probe.frames == 3
    shown = image(data)
    assert len(shown.frames) == 2
    assert np.array_equal(shown.frames[0].pixels, moving.frames[1].pixels)


@pytest.mark.parametrize("change", [(b"fcTL", 0, 9), (b"fdAT", 0, 9), (b"acTL", 0, 7), (b"fcTL", 12, 99)])
def test_apng_that_contradicts_itself_is_refused(change: tuple[bytes, int, int]) -> None:
    kind, offset, value = change
    data = pictures.animation(pictures.animated(frames=3), "PNG")
    at = data.rindex(kind)
    (length,) = struct.unpack_from(">I", data, at - 4)
    payload = bytearray(data[at + 4 : at + 4 + length])
    payload[offset : offset + 4] = struct.pack(">I", value)
    with pytest.raises(Failure) as raised:
        decoded(data[: at - 4] + pictures.chunk(kind, bytes(payload)) + data[at + 8 + length :])
    assert raised.value.code == "damaged-image"


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("channels", [3, 4])
def test_animations_come_whole(format: str, channels: int) -> None:  # noqa: A002
    moving = pictures.animated(48, 32, 4, channels)
    options: dict[str, dict[str, Any]] = {"GIF": {"disposal": 2}, "WEBP": {"lossless": True}, "AVIF": {"quality": 90}}
    shown = image(pictures.animation(moving, format, **options.get(format, {})))
    assert [frame.duration_ms for frame in shown.frames] == [80, 90, 100, 110]
    assert shown.loop == 0
    for before, after in zip(moving.frames, shown.frames, strict=True):
        assert after.channels == channels
        assert _visible_difference(before.pixels, after.pixels) < (5 if format == "AVIF" else 3)


def _visible_difference(before: PixelArray, after: PixelArray) -> float:
    """Mean difference of colours weighted by alpha, and of alpha."""
    one, other = (array.astype(float) for array in (before, after))
    if before.shape[2] == 4:
        for array in (one, other):
            array[:, :, :3] *= array[:, :, 3:] / 255
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_frames_that_ask_for_no_time_get_a_tenth_of_a_second(format: str) -> None:  # noqa: A002
    moving = pictures.animated(frames=3)
    hasty = replace(moving, frames=tuple(replace(frame, duration_ms=0) for frame in moving.frames))
    assert [frame.duration_ms for frame in image(pictures.animation(hasty, format)).frames] == [100, 100, 100]


def test_still_gives_the_first_frame_alone() -> None:
    data = pictures.animation(pictures.animated(frames=3), "GIF")
    result = decoded(data, Decode(still=True), frames=2)
    assert (len(result.image.frames), result.image.frames[0].duration_ms, result.degraded) == (1, 0, ())


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_too_many_frames_become_one_and_it_says_so(format: str) -> None:  # noqa: A002
    data = pictures.animation(pictures.animated(frames=3), format)
    result = decoded(data, frames=2)
    assert (len(result.image.frames), result.image.loop, result.degraded) == (1, 0, ("animation",))
    assert decoded(data, frames=3).degraded == ()


# --- written again


def rewritten(moving: Image, format: OutputFormat) -> Image:  # noqa: A002
    return image(encode(moving, Output(format), None, Client()).body)


def lasting(*durations: int, loop: int = 0) -> Image:
    moving = pictures.animated(frames=len(durations))
    frames = zip(moving.frames, durations, strict=True)
    return replace(moving, loop=loop, frames=tuple(replace(frame, duration_ms=ms) for frame, ms in frames))


def times(moving: Image) -> list[int]:
    return [frame.duration_ms for frame in moving.frames]


def test_a_gif_that_repeats_as_often_as_it_can_becomes_webp() -> None:
    part = (0, 0, [[1]], 1, None), (0, 0, [[2]], 1, None)
    source = image(pictures.gif((1, 1), list(part), 65535))
    assert (source.loop, rewritten(source, "webp").loop) == (65536, 65535)


@pytest.mark.parametrize(
    ("format", "plays", "kept"),
    [
        ("webp", 70_000, 65535), ("gif", 70_000, 65536), ("png", 70_000, 70_000), ("webp", 2**32 - 1, 65535),
        ("gif", 2**32 - 1, 65536), ("png", 2**32 - 1, 2**31 - 1),
    ],
)  # fmt: skip
def test_loops_beyond_what_a_format_counts(format: OutputFormat, plays: int, kept: int) -> None:  # noqa: A002
    source = image(pictures.animation(lasting(80, 90, loop=plays), "PNG"))
    assert (source.loop, rewritten(source, format).loop) == (plays, kept)


@pytest.mark.parametrize(
    ("format", "duration", "kept"),
    [
        ("gif", 700_000, 655_350), ("gif", 655_354, 655_350), ("gif", 2**31, 655_350),
        ("png", 65_535, 65_535), ("png", 65_536, 65_540), ("png", 655_351, 655_350), ("png", 655_356, 655_400),
        ("png", 2**24 - 1, 16_777_000), ("png", 2**31, 65_535_000),
        ("webp", 2**24 - 1, 2**24 - 1), ("webp", 2**24, 2**24 - 1), ("webp", 2**31, 2**24 - 1),
        ("avif", 2**24, 2**24), ("avif", 2**32 + 1, 2**32 - 1),
    ],
)  # fmt: skip
def test_durations_beyond_what_a_format_holds(format: OutputFormat, duration: int, kept: int) -> None:  # noqa: A002
    assert times(rewritten(lasting(duration, 100, duration), format)) == [kept, 100, kept]


def test_a_webp_frame_of_700_seconds_becomes_gif() -> None:
    source = image(pictures.animation(lasting(700_000, 100), "WEBP"))
    assert (times(source), times(rewritten(source, "gif"))) == ([700_000, 100], [655_350, 100])


def test_many_long_frames_end_within_what_webp_counts() -> None:
    moving = pictures.animated(width=130, frames=130)
    slow = replace(moving, frames=tuple(replace(frame, duration_ms=2**24 - 1) for frame in moving.frames))
    data = encode(slow, Output("webp"), None, Client()).body
    assert times(decoded(data, frames=130).image) == [(2**31 - 1) // 130] * 130


@pytest.mark.parametrize("format", ["gif", "png", "webp", "avif"])
def test_long_frames_that_look_the_same(format: OutputFormat) -> None:  # noqa: A002
    one, other = pictures.quadrants(), pictures.gradient()[:40, :60]
    source = pictures.image(one, one, one, other, duration_ms=400_000)
    assert max(times(rewritten(source, format))) >= 400_000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([45, 45, 45, 45], [50, 40, 50, 40]), ([33, 33, 33, 33, 33], [30, 40, 30, 30, 40]), ([44, 44], [40, 50]),
        ([10, 10, 10, 100], [20, 20, 20, 70]), ([16, 16, 16], [20, 20, 20]), ([700_000, 84], [655_350, 80]),
        ([655_349, 655_349], [655_350, 655_350]),
    ],
)  # fmt: skip
def test_gif_durations_are_rounded_together(before: list[int], after: list[int]) -> None:
    assert times(rewritten(lasting(*before), "gif")) == after
