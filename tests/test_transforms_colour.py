"""Colour profiles: whatever a file's numbers mean, what is decoded is sRGB."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from tests import pictures
from tests.shared import SHARED, manifest, needs
from transforms import colour
from transforms.decode import Decode, decode
from transforms.image import PixelArray
from transforms.limits import Limits
from transforms.probe import Source, open_source

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
SWAPPED = pictures.profile("GBR")  # what the file calls red is green, green is blue, blue is red
LINEAR = pictures.profile(gamma=1.0)
LINEAR_GRAY = pictures.profile(gamma=1.0, space="GRAY")
RAMP = np.array([[[0], [1], [13], [55], [128], [255]]], np.uint8)
RAMP_FROM_LINEAR = [0, 13, 63, 128, 188, 255]  # sRGB's curve at n / 255


def pixels(data: bytes, reduce: Any = 1) -> PixelArray:
    return decode(Source(data, Limits()), Decode(reduce=reduce)).image.frames[0].pixels


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "profile",
    [None, b"", b"nonsense", SRGB, pictures.profile(), LAB, SRGB[:200], LINEAR[:-400], bytes(5_000_000)],
    ids=["none", "empty", "nonsense", "sRGB", "sRGB by another name", "Lab", "cut", "cut later", "huge"],
)
def test_what_is_srgb_or_unreadable_changes_nothing(profile: bytes | None, channels: int) -> None:
    before = pictures.gradient(channels=channels)
    assert colour.to_srgb(before, profile) is before


def test_a_gray_profile_on_a_coloured_picture_is_ignored() -> None:
    before = pictures.gradient()
    assert colour.to_srgb(before, LINEAR_GRAY) is before


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_are_converted_and_alpha_is_kept(channels: int) -> None:
    before = pictures.gradient(32, 24, channels)
    after = colour.to_srgb(before, SWAPPED)
    # File's (red, green, blue) are the light's (green, blue, red).
    assert np.abs(after[:, :, [1, 0, 2]].astype(int) - before[:, :, [2, 1, 0]]).max() <= 2
    assert np.array_equal(after[:, :, 3:], before[:, :, 3:])
    assert np.array_equal(before, pictures.gradient(32, 24, channels))


@pytest.mark.parametrize("profile", [LINEAR_GRAY, LINEAR], ids=["gray", "RGB"])
def test_gray_stays_gray(profile: bytes) -> None:
    after = colour.to_srgb(RAMP, profile)
    assert after.shape == RAMP.shape
    assert np.abs(after[0, :, 0].astype(int) - RAMP_FROM_LINEAR).max() <= 1


@pytest.mark.parametrize("channels", [3, 4])
def test_gray_held_as_colour_follows_a_gray_profile(channels: int) -> None:
    before = np.dstack([RAMP] * channels)
    after = colour.to_srgb(before, LINEAR_GRAY)
    assert np.abs(after[0, :, :3].astype(int) - np.array(RAMP_FROM_LINEAR)[:, np.newaxis]).max() <= 1
    assert np.array_equal(after[:, :, 3:], before[:, :, 3:])


@pytest.mark.parametrize(
    ("profile", "name"),
    [(SWAPPED, "made for a test"), (SRGB, "sRGB built-in"), (b"nonsense", None), (b"", None), (None, None)],
)
def test_describe(profile: bytes | None, name: str | None) -> None:
    assert colour.describe(profile) == name


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_format_brings_its_profile(format: str) -> None:  # noqa: A002
    # Stored so that it looks right under the profile: blue, red, green take the places of red, green, blue.
    stored = pictures.quadrants()[:, :, [2, 0, 1]]
    data = pictures.file(np.ascontiguousarray(stored), format, icc_profile=SWAPPED, quality=95)
    assert pictures.corners(pixels(data)) == ["red", "green", "blue", "yellow"]


@pytest.mark.parametrize("reduce", [2, 4, 8])
def test_a_smaller_jpeg_is_converted_too(reduce: int) -> None:
    stored = np.ascontiguousarray(pictures.quadrants(320, 240)[:, :, [2, 0, 1]])
    data = pictures.file(stored, "JPEG", icc_profile=SWAPPED, quality=95, orientation=3)
    assert pictures.corners(pixels(data, reduce)) == ["yellow", "blue", "green", "red"]


def test_animations_are_converted() -> None:
    moving = pictures.animated()
    data = pictures.animation(moving, "PNG", icc_profile=SWAPPED)
    frames = decode(Source(data, Limits()), Decode()).image.frames
    assert np.abs(frames[1].pixels[:, :, 1].astype(int) - moving.frames[1].pixels[:, :, 2]).max() <= 2


@pytest.mark.parametrize(
    ("ink", "bgr"),
    [
        ((0, 0, 0, 0), [255, 255, 255]), ((255, 0, 0, 0), [255, 255, 0]), ((0, 255, 0, 0), [255, 0, 255]),
        ((0, 0, 255, 0), [0, 255, 255]), ((0, 0, 0, 255), [0, 0, 0]), ((0, 0, 0, 128), [127, 127, 127]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
@pytest.mark.parametrize("profile", [None, SWAPPED])
def test_inks_without_a_usable_profile(
    format: str,  # noqa: A002
    ink: tuple[int, ...],
    bgr: list[int],
    profile: bytes | None,
) -> None:
    data = pictures.file(Pillow.new("CMYK", (16, 16), ink), format, icc_profile=profile)
    assert np.abs(pixels(data).astype(int) - bgr).max() <= 2


@needs("images", "manifest.json")
@pytest.mark.parametrize("entry", [e for e in manifest() if e.get("reference")], ids=lambda e: e["path"])
def test_manifest_reference(entry: dict[str, Any]) -> None:
    shown, wanted = (
        decode(open_source(SHARED / "images" / path, Limits()), Decode()).image.frames[0].pixels.astype(int)
        for path in (entry["path"], entry["reference"])
    )
    assert np.abs(shown - wanted).mean() < 2.5


@needs("images", "formats", "jpeg-icc-red-at-12.jpg")
def test_red_is_at_the_top() -> None:
    path = SHARED / "images" / "formats" / "jpeg-icc-red-at-12.jpg"
    shown = decode(open_source(path, Limits()), Decode()).image.frames[0].pixels
    blue, green, red = shown[40:160, 380:420].reshape(-1, 3).mean(axis=0)
    assert red > 150
    assert max(blue, green) < 100
