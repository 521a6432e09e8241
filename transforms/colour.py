"""ICC profiles: everything that leaves a decoder is sRGB.

Relative colorimetric with black point compensation, by lcms. Profiles that cannot be read, or that are of another kind
than the picture (CMYK on RGB), are ignored, as in browsers.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
from cachetools import LRUCache
from PIL import Image as Pillow
from PIL import ImageCms

from .image import PixelArray
from .modes import swapped, to_bgr

_MAX_PROFILE = 4 * 1024 * 1024  # bytes; print profiles have up to 3 MB
_SAME = 2  # of 255: a profile that moves no colour further than this is sRGB under whatever name
_GRAY_RAMP = np.arange(256, dtype=np.uint8)[np.newaxis, :]

_Transform = Callable[[PixelArray], PixelArray]


@dataclass(frozen=True)
class _Profile:
    """A profile as it is used: `space` is RGB, GRAY, CMYK or Lab; no transform where it is sRGB already.

    `ramp` is what it makes of the 256 shades of gray.
    """

    name: str | None
    space: str
    transform: ImageCms.ImageCmsTransform | None
    ramp: PixelArray | None


_UNREADABLE = _Profile(None, "", None, None)
_profiles: LRUCache[bytes, _Profile] = LRUCache(32)  # building one takes 2.5 ms, 30 ms where it is all tables


def describe(profile: bytes | None) -> str | None:
    """The name that a profile gives itself, or None where there is none or it cannot be read."""
    return _read(profile).name if profile else None


def to_srgb(pixels: PixelArray, profile: bytes | None) -> PixelArray:
    """Gray, BGR or BGRA in the profile's colours to the same in sRGB; may be the same array. 17 ms a megapixel."""
    if not profile:
        return pixels
    read = _read(profile)
    if pixels.shape[2] == 1:
        return pixels if read.ramp is None else np.asarray(read.ramp[0][pixels])
    if read.space == "GRAY":
        return _gray_in_colour(pixels, read)
    if read.space != "RGB" or read.transform is None:
        return pixels
    converted = swapped(_applied(read.transform, swapped(to_bgr(pixels))))
    return converted if pixels.shape[2] == 3 else np.dstack([converted, pixels[:, :, 3]])


def _gray_in_colour(pixels: PixelArray, read: _Profile) -> PixelArray:
    """Gray with alpha is held as BGRA: the ramp for each of three equal channels."""
    blue, green, red = (pixels[:, :, channel] for channel in range(3))
    if read.ramp is None or not ((blue == green).all() and (green == red).all()):
        return pixels
    gray = read.ramp[0][blue]
    return np.dstack([gray, gray, gray, pixels[:, :, 3:]])


def inks_to_srgb(picture: Pillow.Image, profile: bytes | None) -> PixelArray:
    """A CMYK or LAB picture as BGR. CMYK without a usable profile is taken as inks that multiply, as browsers do."""
    if picture.mode == "LAB":
        return swapped(_applied(_lab(), picture))
    read = _read(profile) if profile else _UNREADABLE
    if read.space == "CMYK" and read.transform:
        return swapped(_applied(read.transform, picture))
    return swapped(np.asarray(picture.convert("RGB")))


def writable_space(profile: bytes | None) -> str | None:
    """RGB, GRAY or CMYK: what pictures are in that such a profile can be made for; None where it only reads."""
    space = _read(profile).space if profile else ""
    if space not in _MODES:
        return None
    try:
        _backward(profile or b"", _MODES[space])
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None
    return space


def from_srgb(pixels: PixelArray, profile: bytes) -> PixelArray:
    """Gray, BGR or BGRA in sRGB to the profile's colours: BGR or BGRA, or gray where the profile is for gray."""
    mode = _MODES[_read(profile).space]
    converted = _applied(_backward(profile, mode), swapped(to_bgr(pixels)))
    if mode == "L":
        return converted[:, :, np.newaxis]
    return swapped(converted) if pixels.shape[2] != 4 else np.dstack([swapped(converted), pixels[:, :, 3]])


def to_inks(pixels: PixelArray, profile: bytes | None) -> Pillow.Image:
    """BGR in sRGB to CMYK: by the profile, or as inks that multiply, with as much black as there is."""
    picture = Pillow.fromarray(swapped(pixels))
    if profile:
        return _backward(profile, "CMYK").apply(picture)
    return Pillow.merge("CMYK", [Pillow.fromarray(plane) for plane in _separated(swapped(pixels))])


def _separated(rgb: PixelArray) -> list[PixelArray]:
    """Cyan, magenta, yellow and black whose product is the colour: (255 - ink) * (255 - black) / 255."""
    brightest = rgb.max(axis=2)
    scale = np.float32(255) / np.maximum(brightest, 1)
    inks = [255 - np.rint(rgb[:, :, channel] * scale).astype(np.uint8) for channel in range(3)]
    return [*(np.where(brightest == 0, np.uint8(0), ink) for ink in inks), 255 - brightest]


@cache
def srgb_profile() -> bytes:
    """sRGB as a file embeds it; the same bytes every time, although lcms would write down when it was made."""
    data = bytearray(_srgb().tobytes())
    data[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return bytes(data)


_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # kinds of colours, and what Pillow calls them


def _backward(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    """From sRGB; raises PyCMSError where the profile does not lead there."""
    return ImageCms.ImageCmsTransform(
        _srgb(), ImageCms.ImageCmsProfile(io.BytesIO(profile)), "RGB", mode,
        intent=ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip


def _applied(transform: ImageCms.ImageCmsTransform, picture: Pillow.Image | PixelArray) -> PixelArray:
    if not isinstance(picture, Pillow.Image):
        picture = Pillow.fromarray(picture)
    return np.asarray(transform.apply(picture), np.uint8)


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def _lab() -> ImageCms.ImageCmsTransform:
    return _transform(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB")


def _transform(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode == "L":
        flags |= ImageCms.Flags.NOOPTIMIZE  # its short cut for gray halves dark shades, and we ask for 256 only
    return ImageCms.ImageCmsTransform(
        profile, _srgb(), mode, "RGB", intent=ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=flags
    )


def _read(profile: bytes) -> _Profile:
    key = blake2b(profile, digest_size=16).digest()
    if key not in _profiles:
        _profiles[key] = _built(profile)
    read: _Profile = _profiles[key]
    return read


def _built(data: bytes) -> _Profile:
    if len(data) > _MAX_PROFILE:
        return _UNREADABLE
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space = profile.profile.xcolor_space.strip()
        name = ImageCms.getProfileDescription(profile).strip() or None
        return _Profile(name, space, *_conversions(profile, space))
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
        return _UNREADABLE


def _conversions(profile: Any, space: str) -> tuple[ImageCms.ImageCmsTransform | None, PixelArray | None]:
    """The transform and the gray ramp, where the profile is for that kind of picture and not sRGB anyway."""
    if space == "CMYK":
        return _transform(profile, "CMYK"), None
    if space == "GRAY":
        return None, _differing(_applied(_transform(profile, "L"), _GRAY_RAMP)[:, :, 1], _GRAY_RAMP)
    if space != "RGB":
        return None, None
    transform = _transform(profile, "RGB")
    if _differing(_applied(transform, _sample()), _sample()) is None:
        return None, None
    return transform, _applied(transform, np.dstack([_GRAY_RAMP] * 3))[:, :, 1]


def _differing(after: PixelArray, before: PixelArray) -> PixelArray | None:
    return after if np.abs(after.astype(int) - before).max() > _SAME else None


@cache
def _sample() -> PixelArray:
    """RGB (1, 216, 3): the corners of a 6 × 6 × 6 grid."""
    steps = np.linspace(0, 255, 6).round().astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
