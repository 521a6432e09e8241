"""Reads GIF containers; the pixels of each frame are left to Pillow, as a small GIF of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import pack, unpack_from

import numpy as np

from .animation import Placement
from .codecs import open_picture
from .image import PixelArray, Size

_IMAGE, _EXTENSION, _TRAILER, _PADDING = 0x2C, 0x21, 0x3B, 0x00
_CONTROL, _APPLICATION = 0xF9, 0xFF


@dataclass(frozen=True, slots=True)
class _Control:
    """What a graphic control extension says about the frame after it."""

    duration_ms: int = 0
    dispose: int = 0
    transparent: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One image of the file, not decoded: `data` are its LZW code size and blocks."""

    place: Placement
    palette: bytes
    transparent: int | None
    interlaced: bool
    data: bytes


@dataclass
class Gif:
    """What the blocks say. `plays` is how often it runs, 0 for ever."""

    size: Size
    plays: int = 1
    parts: list[Part] = field(default_factory=list)

    @property
    def has_alpha(self) -> bool:
        return any(part.transparent is not None for part in self.parts)


def read(data: bytes) -> Gif:
    """The container; raises ValueError, IndexError or struct.error where it is damaged."""
    width, height, flags = unpack_from("<HHB", data, 6)
    gif = Gif(Size(width, height))
    palette, at = _palette(data, flags, 13)
    control = _Control()
    while at < len(data) and data[at] != _TRAILER:  # a missing trailer is common and harms nothing
        if data[at] == _EXTENSION:
            control, at = _extension(gif, data, at, control)
        elif data[at] == _IMAGE:
            at = _image(gif, data, at, palette, control)
            control = _Control()
        elif data[at] == _PADDING:
            at += 1
        else:
            raise ValueError("unknown block")
    if not gif.parts or not width or not height:
        raise ValueError("no picture")
    return gif


def _palette(data: bytes, flags: int, at: int) -> tuple[bytes, int]:
    """The colour table that the flags announce, and where it ends."""
    length = 3 << ((flags & 7) + 1) if flags & 0x80 else 0
    return data[at : at + length], at + length


def _skipped(data: bytes, at: int) -> int:
    """Behind the sub-blocks that begin here."""
    while length := data[at]:
        at += 1 + length
    return at + 1


def _extension(gif: Gif, data: bytes, at: int, control: _Control) -> tuple[_Control, int]:
    label, length = data[at + 1], data[at + 2]
    if label == _CONTROL and length >= 4:
        flags, delay, transparent = unpack_from("<BHB", data, at + 3)
        control = _Control(delay * 10, flags >> 2 & 7, transparent if flags & 1 else None)
    elif label == _APPLICATION and data[at + 3 : at + 14] in (b"NETSCAPE2.0", b"ANIMEXTS1.0") and data[at + 15] == 1:
        (repeats,) = unpack_from("<H", data, at + 16)
        gif.plays = repeats + 1 if repeats else 0  # the file counts repetitions after the first time, as browsers do
    return control, _skipped(data, at + 2)


def _image(gif: Gif, data: bytes, at: int, common: bytes, control: _Control) -> int:
    x, y, width, height, flags = unpack_from("<HHHHB", data, at + 1)
    own, at = _palette(data, flags, at + 10)
    end = _skipped(data, at + 1)
    if not width or not height:
        return end  # nothing to show
    after = {2: "clear", 3: "restore"}.get(control.dispose, "keep")
    place = Placement(x, y, Size(width, height), control.duration_ms, after)  # type: ignore[arg-type]
    gif.parts.append(Part(place, own or common, control.transparent, bool(flags & 0x40), data[at:end]))
    return end


def parts(gif: Gif) -> Iterator[tuple[Placement, PixelArray]]:
    """The parts of the animation, BGRA each."""
    for part in gif.parts:
        yield part.place, _pixels(part)


def _pixels(part: Part) -> PixelArray:
    return np.asarray(_table(part)[indices(part)], np.uint8)


def indices(part: Part) -> PixelArray:
    """(h, w): the place in the palette of each pixel."""
    width, height = part.place.size.width, part.place.size.height
    # With a gray ramp as colour table Pillow gives the indices themselves.
    header = b"GIF89a" + pack("<HHBBB", width, height, 0xF7, 0, 0) + _RAMP
    image = pack("<BHHHHB", _IMAGE, 0, 0, width, height, 0x40 if part.interlaced else 0)
    picture = open_picture(header + image + part.data + b"\x3b", "gif")
    return np.asarray(picture, np.uint8)


_RAMP = bytes(value for value in range(256) for _ in range(3))


def _table(part: Part) -> PixelArray:
    """BGRA by index; indices beyond the palette are black, and without any palette they are shades of gray."""
    table = np.zeros((256, 4), np.uint8)
    colours = np.frombuffer(part.palette or _RAMP, np.uint8).reshape(-1, 3)
    table[: len(colours), :3] = colours[:, ::-1]
    table[:, 3] = 255
    if part.transparent is not None:
        table[part.transparent] = 0
    return table
