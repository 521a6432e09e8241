"""Pixels from a source: upright, sRGB, 8 bits, gray or BGR or BGRA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from . import animation, colour, gif, png
from .codecs import damaged, reading
from .image import Frame, Image, PixelArray, Size
from .modes import is_opaque, to_bgr, to_pixels
from .probe import TURNED_BY_READER, Source

_REDUCED_COLOUR = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_REDUCED_GRAY = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}

_INKS = ("CMYK", "LAB")  # modes that are not red, green and blue

_UPRIGHT: dict[int, Callable[[PixelArray], NDArray[Any]]] = {
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.flip(cv2.transpose(pixels), -1),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


@dataclass(frozen=True, slots=True)
class Decode:
    """How to decode. `still` asks for the first frame alone.

    `reduce` is by how much smaller a JPEG may come out, each side rounded up; other formats come at full size.
    """

    reduce: Literal[1, 2, 4, 8] = 1
    still: bool = False


@dataclass(frozen=True)
class Decoded:
    """The picture, and what it lacks: "animation" where the source has more frames than the limits allow."""

    image: Image
    degraded: tuple[str, ...] = ()


def decode(source: Source, plan: Decode) -> Decoded:
    """The picture of a source. A file that is damaged, or ends too early, raises Failure damaged-image.

    Alpha is kept only where something shows through. Frames that ask for no time get 100 ms.
    """
    probe = source.probe
    too_many = probe.animated and probe.frames > source.limits.frames
    still = plan.still or too_many or not probe.animated
    with reading(source.limits):
        frames, loop = _read(source, plan.reduce, still)
        frames = _even(frames)
    expected = _reduced(probe.size, plan.reduce if probe.format == "jpeg" else 1)
    if any(frame.size != expected for frame in frames):
        raise damaged()  # the header, on which everything was planned, was not true
    return Decoded(Image(frames, loop if len(frames) > 1 else 0), ("animation",) if too_many and not plan.still else ())


def _reduced(size: Size, by: int) -> Size:
    return Size(-(-size.width // by), -(-size.height // by))


def _read(source: Source, reduce: int, still: bool) -> tuple[tuple[Frame, ...], int]:
    """Frames, upright and in sRGB, and how often they play."""
    opened, probe = source.opened(), source.probe
    if isinstance(opened, gif.Gif):
        frames, plays, profile = animation.compose(opened.size, gif.parts(opened)), opened.plays, None
    elif isinstance(opened, png.Png):
        frames, plays, profile = _png(opened), opened.plays, opened.icc
    else:
        # A profile of inks is applied with them; on their colours any other would be applied a second time.
        profile = None if opened.mode in _INKS else opened.info.get("icc_profile")
        plays = int(opened.info.get("loop", 0))
        if probe.format == "jpeg":
            frames = iter([Frame(_jpeg(source, opened, reduce))])
        else:
            frames = _frames(opened, 1 if still else probe.frames)
    orientation = 1 if probe.format in TURNED_BY_READER else probe.orientation
    wanted = islice(frames, 1 if still else None)
    return tuple(_finished(frame, profile, orientation) for frame in wanted), plays


def _jpeg(source: Source, picture: Pillow.Image, reduce: int) -> PixelArray:
    """By OpenCV, twice as fast as Pillow; Pillow for CMYK, and where OpenCV declines, for a second opinion."""
    flags = {"RGB": _REDUCED_COLOUR, "L": _REDUCED_GRAY}.get(picture.mode)
    if flags:
        data = np.frombuffer(source.data, np.uint8)
        array: NDArray[Any] | None = cv2.imdecode(data, flags[reduce] | cv2.IMREAD_IGNORE_ORIENTATION)
        if array is not None:
            return np.atleast_3d(array).astype(np.uint8, copy=False)
    size = _reduced(Size(*picture.size), reduce)
    picture.draft(None, (max(1, picture.width // reduce), max(1, picture.height // reduce)))
    pixels = _pixels(picture)
    return pixels if pixels.shape[:2] == (size.height, size.width) else _shrunk(pixels, size)


def _shrunk(pixels: PixelArray, size: Size) -> PixelArray:
    shrunk = cv2.resize(pixels, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return np.atleast_3d(shrunk).astype(np.uint8, copy=False)


def _png(opened: png.Png) -> Iterator[Frame]:
    if opened.frames:
        return animation.compose(opened.size, png.parts(opened))
    return iter([Frame(png.default_pixels(opened))])


def _frames(picture: Pillow.Image, count: int) -> Iterator[Frame]:
    """The first frames, or the one picture that stands for the file: HEIC's need not be its first."""
    for index in range(count):
        if count > 1:
            picture.seek(index)
        pixels = _pixels(picture)
        yield Frame(pixels, int(picture.info.get("duration", 0)) or animation.DEFAULT_DURATION_MS)


def _pixels(picture: Pillow.Image) -> PixelArray:
    if picture.mode in _INKS:
        picture.load()
        return colour.inks_to_srgb(picture, picture.info.get("icc_profile"))
    return to_pixels(picture)


def _finished(frame: Frame, profile: bytes | None, orientation: int) -> Frame:
    pixels = colour.to_srgb(frame.pixels, profile)
    if orientation != 1:
        pixels = np.atleast_3d(_UPRIGHT[orientation](pixels)).astype(np.uint8, copy=False)
    return frame.with_pixels(np.ascontiguousarray(pixels))


def _even(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """All frames with as many channels: alpha only where some frame needs it, and no time for a single one."""
    if all(is_opaque(frame.pixels) for frame in frames):
        frames = tuple(frame if frame.channels == 1 else frame.with_pixels(to_bgr(frame.pixels)) for frame in frames)
    return frames if len(frames) > 1 else (replace(frames[0], duration_ms=0),)
