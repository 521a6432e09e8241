"""Writes files: one function for each format, from pixels that the format can hold."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from struct import pack
from typing import Any

import cv2
from PIL import Image as Pillow
from PIL import PngImagePlugin

from . import exif
from .carried import NOTHING, Carried
from .codecs import load_plugin, pillow_name
from .image import Image, PixelArray
from .inks import Sheet
from .modes import to_bgr, to_picture
from .moving import gif_durations, png_duration, within_runs
from .output import Level, Output, OutputFormat
from .palette import approximated, fewer, indexed, reduced

DEFAULT_QUALITY: dict[OutputFormat, int] = {
    "jpeg": 80,
    "webp": 80,
    "avif": 55,
    "jp2": 80,
}  # about as good as each other
# Pixels of a JPEG that loads in passes. Below that helps nobody: it saves 1 % of bytes and takes 3 times as long.
_PROGRESSIVE_FROM = 100_000
_FULL_CHROMA_FROM = 90  # quality; below it chroma is halved, and text and thin red lines pay for it
_WEBP_METHOD = 2  # 18 ms for 800 × 600 and 3 % larger than method 4, which takes 44 ms
_EFFORT = 50  # of 100, of WebP without loss
_AVIF_SPEED = 9  # 27 ms for 800 × 600 and 13 % larger than speed 8, which takes 70 ms

# What the containers' fields can hold.
_MAX_REPEATS = 65535  # GIF and WebP, 16 bits; GIF counts repetitions after the first time, WebP counts times
_MAX_PNG_PLAYS = 2**31 - 1
_MAX_WEBP_MS = 2**24 - 1
_MAX_WEBP_END = 2**31 - 1  # ms; libwebp counts when frames end in an int
_MAX_AVIF_MS = 2**32 - 1
PALETTES: frozenset[OutputFormat] = frozenset({"png", "gif"})
"""Formats that lose colours where they are to be lossy."""
_LOSSY_QUALITY = 50  # of GIF and PNG, where none is said: half the colours
_COLOURS_OF: dict[Level, int] = {"best": 100, "good": _LOSSY_QUALITY, "eco": 33, "low": 20}
_QUALITY_OF: dict[Level, int] = {"best": 90, "good": 80, "eco": 70, "low": 60}

_TIFF_XMP, _TIFF_IPTC = 700, 33723
_TEXT = 2  # kind of an EXIF entry


class RefusedError(Exception):
    """An encoder did not write a picture."""


def write(name: OutputFormat, sheet: Sheet, output: Output) -> bytes:
    """The file; raises RefusedError where the encoder does not write it."""
    return _WRITERS[name](sheet, output)


def quality_of(name: OutputFormat, output: Output) -> int:
    """The quality that was asked for, else the format's default, or that of the level where none is measured."""
    if name in PALETTES:
        return output.quality or (_COLOURS_OF[output.level] if output.level else _LOSSY_QUALITY)
    return output.quality or (_QUALITY_OF[output.level] if output.level else DEFAULT_QUALITY.get(name, 100))


def _colours(output: Output) -> int:
    """How many a lossy GIF or PNG keeps."""
    return max(2, quality_of("png", output) * 256 // 100)


def _jpeg(sheet: Sheet, output: Output) -> bytes:
    """By OpenCV; by Pillow where inks or something beside the pixels are written, with the same library below."""
    quality = quality_of("jpeg", output)
    chroma = output.chroma or ("444" if quality >= _FULL_CHROMA_FROM else "420")
    passes = (
        sheet.image.size.pixels >= _PROGRESSIVE_FROM if output.progressive is None else output.progressive != "none"
    )
    if sheet.cmyk or sheet.beside != NOTHING:
        options: dict[str, Any] = {"quality": quality, "progressive": passes, "optimize": True, **_beside(sheet.beside)}
        if sheet.cmyk:
            return _saved("jpeg", sheet.cmyk, **options)
        return _saved("jpeg", to_picture(_first(sheet)), subsampling=":".join(chroma), **options)
    return _by_opencv(".jpg", _first(sheet), [
        cv2.IMWRITE_JPEG_QUALITY, quality,
        cv2.IMWRITE_JPEG_PROGRESSIVE, int(passes),
        cv2.IMWRITE_JPEG_OPTIMIZE, 1,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{chroma}"),
    ])  # fmt: skip


def _first(sheet: Sheet) -> PixelArray:
    return sheet.image.frames[0].pixels


def _beside(carried: Carried) -> dict[str, Any]:
    """Options of Pillow for JPEG, WebP and AVIF; the last two have no place for IPTC."""
    named = {"icc_profile": carried.profile, "exif": carried.exif, "xmp": carried.xmp, "extra": _app13(carried.iptc)}
    return {name: value for name, value in named.items() if value}


def _app13(iptc: bytes | None) -> bytes | None:
    """IPTC as a part of a JPEG, in Photoshop's wrapping."""
    if not iptc:
        return None
    resource = b"8BIM" + pack(">HHI", 0x0404, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)
    return b"\xff\xed" + pack(">H", 2 + 14 + len(resource)) + b"Photoshop 3.0\0" + resource


def _png(sheet: Sheet, output: Output) -> bytes:
    """Lossless unless asked otherwise; a palette where the picture has no more than 256 colours anyway."""
    image, beside = sheet.image, _beside_png(sheet.beside)
    most = _colours(output) if output.lossy else 256 if output.png == 8 else None
    if image.animated:
        image = _timed(_with_fewer(image, most) if most else image, png_duration)
        loop = min(image.loop, _MAX_PNG_PLAYS)
        return _moving("png", image, default_image=False, blend=0, disposal=0, loop=loop, **beside)
    pixels = image.frames[0].pixels
    if most and pixels.shape[2] > 1:
        return _saved("png", indexed(pixels, most) or approximated(pixels, most, dither=not output.lossy), **beside)
    plain = output.png in (24, 32) or pixels.shape[2] == 1
    if not plain and (picture := indexed(pixels)) is not None:
        return _saved("png", picture, **beside)
    return _saved("png", to_picture(pixels), **beside) if beside else _by_opencv(".png", pixels, [])


def _with_fewer(image: Image, colours: int) -> Image:
    return replace(image, frames=tuple(frame.with_pixels(fewer(frame.pixels, colours)) for frame in image.frames))


def _beside_png(carried: Carried) -> dict[str, Any]:
    options = {name: value for name, value in _beside(carried).items() if name in ("icc_profile", "exif")}
    if carried.xmp:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", carried.xmp.decode())
    return options


def _webp(sheet: Sheet, output: Output) -> bytes:
    image, quality, beside = sheet.image, quality_of("webp", output), _beside(sheet.beside)
    if output.lossless:
        return _saved("webp", to_picture(_first(sheet)), lossless=True, quality=_EFFORT, method=_WEBP_METHOD, **beside)
    if image.animated:
        most = min(_MAX_WEBP_MS, _MAX_WEBP_END // len(image.frames))
        image = _timed(image, lambda duration: min(duration, most))
        loop = min(image.loop, _MAX_REPEATS)
        body = _moving("webp", image, quality=quality, method=_WEBP_METHOD, loop=loop, **beside)
        return _marked_clear(body) if image.has_alpha else body
    return _saved("webp", to_picture(image.frames[0].pixels), quality=quality, method=_WEBP_METHOD, **beside)


def _marked_clear(body: bytes) -> bytes:
    """The same animation with the alpha flag of its header set.

    libwebp cuts frames to what is not clear, and leaves the flag out where no alpha remains within them; readers that
    trust the flag (Pillow) then show the clear rest as black.
    """
    assert body[12:16] == b"VP8X"  # noqa: S101 - an animation always has this header
    return body[:20] + bytes([body[20] | 0x10]) + body[21:]


def _avif(sheet: Sheet, output: Output) -> bytes:
    options: dict[str, Any] = {
        "quality": quality_of("avif", output), "speed": _AVIF_SPEED, "max_threads": 1, **_beside(sheet.beside),
    }  # fmt: skip
    if output.chroma:
        options["subsampling"] = ":".join(output.chroma)
    if sheet.image.animated:
        return _moving("avif", _timed(sheet.image, lambda duration: min(duration, _MAX_AVIF_MS)), **options)
    return _saved("avif", to_picture(_first(sheet)), **options)


def _gif(sheet: Sheet, output: Output) -> bytes:
    image = sheet.image
    most = min(_colours(output), 255) if output.lossy else 255
    pictures = [reduced(frame.pixels, most, dither=not output.lossy) for frame in image.frames]
    if not image.animated:
        return _saved("gif", pictures[0])
    # What a frame leaves clear must not show the frame before it.
    options: dict[str, Any] = {"disposal": 2 if image.has_alpha else 1}
    if image.loop != 1:
        # The file counts repetitions after the first time.
        options["loop"] = min(max(image.loop - 1, 0), _MAX_REPEATS)
    durations = gif_durations([frame.duration_ms for frame in image.frames])
    return _written("gif", pictures, within_runs(durations, pictures), **options)


def _bmp(sheet: Sheet, output: Output) -> bytes:
    return _saved("bmp", to_picture(_first(sheet)))


def _tiff(sheet: Sheet, output: Output) -> bytes:
    compression = {"lzw": "tiff_lzw", "deflate": "tiff_adobe_deflate", "none": None}[output.compression]
    tags, beside = Pillow.Exif(), sheet.beside
    if beside.exif:
        # libtiff writes the main directory alone. Texts are given as bytes, of which Pillow would write `?`.
        tags.update({entry.tag: entry.data for entry in exif.read(beside.exif).main.values() if entry.kind == _TEXT})
    for tag, data in ((_TIFF_XMP, beside.xmp), (_TIFF_IPTC, beside.iptc)):
        if data:
            tags[tag] = data
    options: dict[str, Any] = {"icc_profile": beside.profile} if beside.profile else {}
    return _saved("tiff", sheet.cmyk or to_picture(_first(sheet)), compression=compression, exif=tags, **options)


def _ico(sheet: Sheet, output: Output) -> bytes:
    size = sheet.image.size
    return _saved("ico", to_picture(_first(sheet)), sizes=[(size.width, size.height)])


def _jp2(sheet: Sheet, output: Output) -> bytes:
    """Quality as a ratio of signal to noise, of which JPEG 2000 needs as many bytes as it takes."""
    size, decibels = sheet.image.size, 25 + quality_of("jp2", output) / 5
    # Halved no more often than the shorter side can be: the library refuses what has nothing left.
    halvings = min(6, min(size.width, size.height).bit_length())
    return _saved(
        "jp2", to_picture(_first(sheet)), irreversible=True, quality_mode="dB", quality_layers=[decibels],
        num_resolutions=halvings, mct=int(_first(sheet).shape[2] > 1),
    )  # fmt: skip


def _timed(image: Image, duration: Callable[[int], int]) -> Image:
    return replace(image, frames=tuple(replace(f, duration_ms=duration(f.duration_ms)) for f in image.frames))


def _moving(name: OutputFormat, image: Image, **options: Any) -> bytes:
    frames = image.frames
    if len({frame.channels for frame in frames}) > 1:
        frames = tuple(frame.with_pixels(to_bgr(frame.pixels)) for frame in frames)
    durations = [frame.duration_ms for frame in frames]
    return _written(name, [to_picture(frame.pixels) for frame in frames], durations, **options)


def _written(name: OutputFormat, pictures: list[Pillow.Image], durations: list[int], **options: Any) -> bytes:
    first, *rest = pictures
    return _saved(name, first, save_all=True, append_images=rest, duration=durations, **options)


def _saved(name: OutputFormat, picture: Pillow.Image, **options: Any) -> bytes:
    load_plugin(name)
    body = io.BytesIO()
    try:
        picture.save(body, pillow_name(name), **options)
    except (RuntimeError, ValueError, OSError) as error:  # what Pillow makes of an encoder's error differs by format
        raise RefusedError from error
    return body.getvalue()


def _by_opencv(extension: str, pixels: PixelArray, options: list[int]) -> bytes:
    try:
        done, body = cv2.imencode(extension, pixels, options)
    except cv2.error as error:
        raise RefusedError from error
    if not done:
        raise RefusedError
    return bytes(body)


_WRITERS: dict[OutputFormat, Callable[[Sheet, Output], bytes]] = {
    "jpeg": _jpeg, "png": _png, "webp": _webp, "gif": _gif, "avif": _avif,
    "bmp": _bmp, "tiff": _tiff, "ico": _ico, "jp2": _jp2,
}  # fmt: skip
