"""Animations: every frame whole, as a browser would show it, for as long and as often as the file says."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests import pictures
from transforms.decode import Decode, Decoded, decode
from transforms.failure import Failure
from transforms.image import Image, PixelArray
from transforms.limits import Limits
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
