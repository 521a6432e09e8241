"""Pixels from a source: upright, sRGB, 8 bits, gray or BGR or BGRA."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from . import animation, colour, gif, png
from .codecs import damaged, reading
from .failure import Failure, Kind
from .image import Frame, Image, PixelArray, Size
from .modes import is_opaque, to_bgr, to_pixels
from .orientation import stored, to_stored, upright
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

INKS = ("CMYK", "LAB")  # modes that are not red, green and blue


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

    Alpha is kept only where something shows through. Frames that ask for no time get 100 ms, and so do pages of files
    that are no animation. Chosen pages of different sizes raise Failure pages-differ where all of them are wanted.
    """
    probe = source.probe
    too_many = probe.animated and probe.frames > source.limits.frames
    still = plan.still or too_many or not probe.animated
    with reading(source.limits):
        frames, loop = _read(source, plan.reduce, still)
        frames = _even(frames)
    _check_sizes(source, frames, _reduced(probe.size, plan.reduce if probe.format == "jpeg" else 1))
    image = Image(frames, loop if len(frames) > 1 else 0, to_stored(source.turn))
    return Decoded(image, ("animation",) if too_many and not plan.still else ())


def _check_sizes(source: Source, frames: tuple[Frame, ...], expected: Size) -> None:
    different = next((frame.size for frame in frames if frame.size != expected), None)
    if different is None:
        return
    if source.pages and len(frames) > 1:
        raise Failure(
            Kind.UNPROCESSABLE, "pages-differ", f"pages of {expected} and of {different} cannot become one animation",
            hint="choose pages of one size, or one page",
        )  # fmt: skip
    raise damaged()  # the header, on which everything was planned, was not true


def _reduced(size: Size, by: int) -> Size:
    return Size(-(-size.width // by), -(-size.height // by))


def _read(source: Source, reduce: int, still: bool) -> tuple[tuple[Frame, ...], int]:
    """Frames, upright and in sRGB, and how often they play."""
    opened, probe = source.opened(), source.probe
    pages = source.pages[:1] if source.pages and still else source.pages
    profile: bytes | None = None
    if isinstance(opened, gif.Gif):
        frames, plays = _picked(animation.compose(opened.size, gif.parts(opened)), pages), opened.plays
    elif isinstance(opened, png.Png):
        frames, plays, profile = _picked(_png(opened), pages), opened.plays, opened.icc
    elif probe.format == "jpeg":
        frames, plays, profile = iter([Frame(_jpeg(source, opened, reduce))]), 0, _profile(opened)
    else:
        frames, plays = _frames(opened, pages or (None,) * (1 if still else probe.frames)), opened.info.get("loop", 0)
    wanted = islice(frames, 1 if still else None)
    return tuple(_finished(frame, profile, source) for frame in wanted), int(plays)


def _picked(frames: Iterator[Frame], pages: tuple[int, ...] | None) -> Iterator[Frame]:
    """The frames of these numbers, which rise; those in between are drawn, as later ones build on them."""
    if pages is None:
        return frames
    return (frame for index, frame in enumerate(islice(frames, pages[-1] + 1)) if index in pages)


def _profile(picture: Pillow.Image) -> bytes | None:
    """A profile of inks is applied with them; on their colours any other would be applied a second time."""
    return None if picture.mode in INKS else picture.info.get("icc_profile")


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


def _frames(picture: Pillow.Image, pages: Sequence[int | None]) -> Iterator[Frame]:
    """These pages, in sRGB; None: the next one, or the one picture that stands for the file (HEIC's may be any)."""
    for index, page in enumerate(pages):
        if page is not None or len(pages) > 1:
            picture.seek(index if page is None else page)
        pixels = colour.to_srgb(_pixels(picture), _profile(picture))
        yield Frame(pixels, int(picture.info.get("duration", 0)) or animation.DEFAULT_DURATION_MS)


def _pixels(picture: Pillow.Image) -> PixelArray:
    if picture.mode in INKS:
        picture.load()
        return colour.inks_to_srgb(picture, picture.info.get("icc_profile"))
    return to_pixels(picture)


def _finished(frame: Frame, profile: bytes | None, source: Source) -> Frame:
    pixels, orientation = colour.to_srgb(frame.pixels, profile), source.probe.orientation
    if source.probe.format in TURNED_BY_READER:
        pixels = stored(pixels, source.turn)
    elif source.turn == 1:
        pixels = upright(pixels, orientation)
    return frame.with_pixels(np.ascontiguousarray(pixels))


def _even(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """All frames with as many channels: alpha only where some frame needs it, and no time for a single one."""
    if all(is_opaque(frame.pixels) for frame in frames):
        frames = tuple(frame if frame.channels == 1 else frame.with_pixels(to_bgr(frame.pixels)) for frame in frames)
    return frames if len(frames) > 1 else (replace(frames[0], duration_ms=0),)
