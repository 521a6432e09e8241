"""The source as a whole file in memory, and what its header says, before any pixel is decoded."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from struct import iter_unpack, unpack_from
from types import TracebackType
from typing import Any

from PIL import Image as Pillow
from PIL.ExifTags import Base

from . import colour, gif, png
from .codecs import open_picture, reading, too_many_pixels
from .failure import Failure, Kind
from .image import FormatName, Probe, Size
from .input import Input
from .limits import Limits
from .magic import sniff
from .orientation import shown

_SNIFFED = 4096  # bytes
TURNED_BY_READER: frozenset[FormatName] = frozenset({"tiff", "heic"})  # their readers give upright pictures


_ALL = Input()

Container = png.Png | gif.Gif | Pillow.Image


class Source:
    """A file that was read once: probe and decoders work on the same bytes, whatever happens to the path meanwhile.

    Made by `open_source`, or of bytes at hand. Leaving its context lets go of the bytes. `pages` are those of the
    file, from 0, that were asked for, None where none were; `probe` is of these alone. `turn` is the EXIF orientation
    that the pixels still have when decoded: 1 unless it was to be ignored.
    """

    def __init__(self, data: bytes, limits: Limits, wanted: Input = _ALL) -> None:
        """Raises Failure too-many-bytes, not-an-image, unsupported-format, damaged-image, too-many-pixels, and
        page-not-found."""
        if len(data) > limits.source_bytes:
            raise _too_many_bytes(limits)
        name = sniff(data[:_SNIFFED])
        self.data = data
        self.limits = limits
        with reading(limits):
            opened = _open(data, name)
            self._main = _main(opened, name)
            self.pages = wanted.chosen(_count(opened, name, data))
            self.probe = _probe(opened, name, data, limits, self.pages)
        self.turn = 1 if wanted.upright or name == "heic" else self.probe.orientation
        self.probe = replace(self.probe, size=shown(self.probe.size, self.turn))
        self._opened: Container | None = opened

    def opened(self) -> Container:
        """The file's header, parsed: a new one for each call, as Pillow's pictures can be decoded once only.

        Call it within `reading`.
        """
        container, self._opened = self._opened, None
        return container or _open(self.data, self.probe.format)

    def number(self, frame: int) -> int:
        """Which picture of the file a decoded frame is, 0 being the one that is seen first where none are chosen."""
        if self.pages is None:
            return frame
        page = self.pages[frame]
        return {self._main: 0, 0: self._main}.get(page, page)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.data, self._opened = b"", None


def open_source(path: str | os.PathLike[str], limits: Limits, wanted: Input = _ALL) -> Source:
    """Read a file, no more of it than the limits allow, and probe it; raises Failure as `Source`, and OSError."""
    with open(path, "rb") as file:
        # One byte more than the limit tells a file that is too large. Asking for that many of a smaller one would make
        # room for them: 1.2 ms for 20 MiB.
        most = min(os.fstat(file.fileno()).st_size, limits.source_bytes) + 1
        return Source(file.read(most), limits, wanted)


def _too_many_bytes(limits: Limits) -> Failure:
    return Failure(
        Kind.TOO_LARGE,
        "too-many-bytes",
        f"the source has more than the {limits.source_bytes} bytes allowed",
        details={"maximum": limits.source_bytes},
    )


def _open(data: bytes, name: FormatName) -> Container:
    if name == "png":
        return png.read(data)
    return gif.read(data) if name == "gif" else open_picture(data, name)


def _main(opened: Container, name: FormatName) -> int:
    """The page that stands for the file: of HEIC it need not be the first."""
    return opened.tell() if name == "heic" and isinstance(opened, Pillow.Image) else 0


def _count(opened: Container, name: FormatName, data: bytes) -> int:
    """How many pages can be chosen from: of a JPEG only its first picture, of an APNG its frames."""
    if isinstance(opened, png.Png):
        return len(opened.frames) or 1
    if isinstance(opened, gif.Gif):
        return len(opened.parts)
    if name == "tiff":
        return _pages(data)
    return 1 if name == "jpeg" else int(getattr(opened, "n_frames", 1))


def _probe(opened: Container, name: FormatName, data: bytes, limits: Limits, pages: tuple[int, ...] | None) -> Probe:
    if isinstance(opened, png.Png):
        return _png(opened, len(data), limits, pages)
    if isinstance(opened, gif.Gif):
        return _gif(opened, len(data), limits, pages)
    return _other(opened, name, data, limits, pages)


def _gif(read: gif.Gif, length: int, limits: Limits, pages: tuple[int, ...] | None) -> Probe:
    count = len(read.parts)
    largest = max(read.size.pixels, *(part.place.size.pixels for part in read.parts))  # parts may exceed the canvas
    _check(largest, pages[-1] + 1 if pages else count, limits)  # each is drawn over those before it
    count = len(pages) if pages else count
    return Probe("gif", read.size, count, count > 1, read.has_alpha, None, 1, length)


def _png(read: png.Png, length: int, limits: Limits, pages: tuple[int, ...] | None) -> Probe:
    _check(read.size.pixels, pages[-1] + 1 if pages else len(read.frames), limits)
    orientation = exif_orientation(read.exif)
    return Probe(
        format="png",
        size=shown(read.size, orientation),
        frames=len(pages) if pages else read.pictures,
        animated=len(pages or read.frames) > 1,
        has_alpha=read.has_alpha,
        icc=colour.describe(read.icc),
        orientation=orientation,
        bytes=length,
    )


def _other(
    picture: Pillow.Image, name: FormatName, data: bytes, limits: Limits, pages: tuple[int, ...] | None
) -> Probe:
    if name == "ico":
        picture.load()  # the directory may lie about the size of the picture, and icons are small
    frames = len(pages) if pages else _pages(data) if name == "tiff" else int(getattr(picture, "n_frames", 1))
    animated = frames > 1 and (pages is not None or name in ("webp", "avif"))
    if pages:
        _check_pages(picture, pages, frames if animated else 1, limits)
    size = Size(*picture.size)
    _check(size.pixels, frames if animated else 1, limits)
    orientation = _orientation(picture, name)
    return Probe(
        format=name,
        size=size if name in TURNED_BY_READER else shown(size, orientation),
        frames=frames,
        animated=animated,
        has_alpha=picture.has_transparency_data,
        icc=colour.describe(picture.info.get("icc_profile")),
        orientation=orientation,
        bytes=len(data),
    )


def _check_pages(picture: Pillow.Image, pages: tuple[int, ...], frames: int, limits: Limits) -> None:
    """Every page that will be decoded within the limits, each with a size of its own; ends at the first of them."""
    looked_at = pages if len(pages) <= limits.frames else pages[:1]
    for page in reversed(looked_at):
        picture.seek(page)
        _check(picture.width * picture.height, frames if len(looked_at) > 1 else 1, limits)


def _pages(data: bytes) -> int:
    """How many pages a TIFF has. Pillow would read every one of them, and fail where any but the first is damaged."""
    order, big = "<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+")
    number, count_of, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    seen: set[int] = set()
    try:
        (at,) = unpack_from(order + number, data, 8 if big else 4)
        while at and at not in seen:
            (count,) = unpack_from(order + count_of, data, at)
            seen.add(at)
            (at,) = unpack_from(order + number, data, at + struct.calcsize(order + count_of) + count * entry)
    except struct.error:
        pass  # the chain leaves the file: the pages so far are what there is
    return max(1, len(seen))


def _check(pixels: int, frames: int, limits: Limits) -> None:
    if pixels > limits.source_pixels:
        raise too_many_pixels(limits)
    if frames > 1 and pixels * frames > limits.total_pixels:
        raise Failure(
            Kind.UNPROCESSABLE,
            "too-many-pixels",
            f"the {frames} frames together have more than the {limits.total_pixels / 1e6:g} megapixels allowed",
            details={"maximum": limits.total_pixels, "frames": frames},
        )


def _orientation(picture: Pillow.Image, name: FormatName) -> int:
    if name == "heic":
        return _valid(picture.info.get("original_orientation"))
    if name == "tiff":
        return _valid(vars(picture)["tag_v2"].get(Base.Orientation))
    return exif_orientation(picture.info.get("exif"))


_SAMPLE = {1: "B", 3: "H", 4: "I"}  # EXIF's types of whole numbers, as struct writes them


def exif_orientation(exif: bytes | None) -> int:
    """1 to 8; 1 where there is no EXIF, or it is damaged. Nothing but the first directory is looked at."""
    data = (exif or b"").removeprefix(b"Exif\0\0")
    try:
        order = {b"II": "<", b"MM": ">"}[data[:2]]
        (start,) = unpack_from(f"{order}I", data, 4)
        (count,) = unpack_from(f"{order}H", data, start)
        entries = data[start + 2 : start + 2 + 12 * count]
        if len(entries) < 12 * count:
            return 1
        fields = iter_unpack(f"{order}HHI4s", entries)
        kind, value = next((kind, value) for tag, kind, _, value in fields if tag == Base.Orientation)
        return _valid(unpack_from(order + _SAMPLE[kind], value)[0])
    except (struct.error, KeyError, StopIteration):
        return 1


def _valid(orientation: Any) -> int:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
