"""Bytes from a picture: the format is chosen, the pixels are fitted to what it can hold, nothing else gets in.

No output has metadata or a profile: the arrays that are encoded never had any, and they are sRGB.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from .codecs import load_plugin
from .failure import Failure, Kind
from .image import Image, PixelArray, Probe, Size
from .modes import is_opaque, to_bgr, to_picture, without_unused_alpha
from .output import OUTPUT_FORMATS, TRAITS, Client, Output, OutputFormat
from .palette import indexed, reduced

# AVIF at speed 9 takes 27 ms for 0.5 megapixels; above this size "auto" would keep a render process for too long.
AUTO_AVIF_PIXELS = 2_000_000

# libavif at speed 9 takes 0.9 s (noise: 2.5 s) and 380 MiB beside the picture for 16 megapixels, 0.5 s and 220 MiB for
# 9, 0.2 s and 100 MiB for 4. 49 megapixels take 1.1 GiB, more than a render may use, and libavif can crash without it.
MAX_AVIF_PIXELS = 16_000_000

DEFAULT_QUALITY: dict[OutputFormat, int] = {"jpeg": 80, "webp": 80, "avif": 55}  # about as good as each other
# Pixels of a JPEG that loads in passes. Below that helps nobody: it saves 1 % of bytes and takes 3 times as long.
_PROGRESSIVE_FROM = 100_000
_FULL_CHROMA_FROM = 90  # quality; below it chroma is halved, and text and thin red lines pay for it
_WEBP_METHOD = 2  # 18 ms for 800 × 600 and 3 % larger than method 4, which takes 44 ms
_BAND = 256  # rows
_AVIF_SPEED = 9  # 27 ms for 800 × 600 and 13 % larger than speed 8, which takes 70 ms

# What the containers' fields can hold.
_MAX_REPEATS = 65535  # GIF and WebP, 16 bits; GIF counts repetitions after the first time, WebP counts times
_MAX_PNG_PLAYS = 2**31 - 1
_MIN_GIF_MS, _MAX_GIF_MS = 20, 655_350  # browsers show what is shorter for 100 ms; 16 bits of 10 ms
_MAX_PNG_PART = 65535  # numerator of a duration
_MAX_WEBP_MS = 2**24 - 1
_MAX_WEBP_END = 2**31 - 1  # ms; libwebp counts when frames end in an int
_MAX_AVIF_MS = 2**32 - 1


@dataclass(frozen=True)
class Encoded:
    """A file and what a response says about it."""

    body: bytes
    format: OutputFormat
    media_type: str
    size: Size


class _RefusedError(Exception):
    """An encoder did not write a picture."""


def encode(image: Image, output: Output, source: Probe | None, client: Client) -> Encoded:
    """The picture in the format that `choose` gives. Formats that cannot move get the first frame.

    Loop counts and durations beyond what the format can hold become the most that it holds. Raises Failure
    result-too-large above `MAX_AVIF_PIXELS` as AVIF, and encoding-failed where the encoder refuses.
    """
    name = choose(output, source, image, client)
    _check_size(name, image.size)
    fitted = fit(image, name, output.background)
    try:
        body = _WRITERS[name](fitted, output.quality or DEFAULT_QUALITY.get(name, 0))
    except _RefusedError as error:
        raise Failure(
            Kind.UNPROCESSABLE, "encoding-failed", f"the result of {image.size} cannot be written as {name.upper()}",
            hint="ask for a smaller result or another format",
            details={"format": name, "width": image.size.width, "height": image.size.height},
        ) from error  # fmt: skip
    return Encoded(body, name, TRAITS[name].media_type, image.size)


def _check_size(name: OutputFormat, size: Size) -> None:
    if name == "avif" and size.pixels > MAX_AVIF_PIXELS:
        raise Failure(
            Kind.UNPROCESSABLE, "result-too-large",
            f"the result of {size} has more than {MAX_AVIF_PIXELS} pixels, the most that is written as AVIF",
            hint="ask for a smaller result, or for format:webp or format:auto",
            details={"format": name, "width": size.width, "height": size.height, "maximum_pixels": MAX_AVIF_PIXELS},
        )  # fmt: skip


def choose(output: Output, source: Probe | None, image: Image, client: Client) -> OutputFormat:
    """What was asked for; else the source's format; with "auto" the smallest that the client takes.

    JPEG, PNG and GIF are taken by everyone; WebP and AVIF by "auto" only where the client names them.
    """
    if output.format == "auto":
        return _automatic(source, image, client)
    if output.format is not None:
        return output.format
    own = _own(source)
    return own or ("png" if _shows_through(image) else "jpeg")


def _own(source: Probe | None) -> OutputFormat | None:
    """The source's format where it can be written."""
    return next((name for name in OUTPUT_FORMATS if source and name == source.format), None)


def _automatic(source: Probe | None, image: Image, client: Client) -> OutputFormat:
    if "avif" in client.formats and not image.animated and image.size.pixels <= AUTO_AVIF_PIXELS:
        return "avif"
    if "webp" in client.formats:
        return "webp"
    if image.animated:
        return "png" if _own(source) == "png" else "gif"
    own = _own(source)
    if own in ("png", "gif"):
        return own
    return "png" if _shows_through(image) else "jpeg"


def _shows_through(image: Image) -> bool:
    return not all(is_opaque(frame.pixels) for frame in image.frames)


def fit(image: Image, name: OutputFormat, background: tuple[int, int, int]) -> Image:
    """The picture with only what the format can hold: alpha laid on `background` (RGB), or dropped where it is full."""
    frames = image.frames if TRAITS[name].animation else image.frames[:1]
    if not _shows_through(image):
        frames = tuple(frame.with_pixels(without_unused_alpha(frame.pixels)) for frame in frames)
    elif not TRAITS[name].alpha:
        frames = tuple(frame.with_pixels(flatten(frame.pixels, background)) for frame in frames)
    return replace(image, frames=frames)


def flatten(pixels: PixelArray, background: tuple[int, int, int]) -> PixelArray:
    """BGR: straight alpha over one colour (red, green, blue). In bands: planes of 16 bits are large."""
    if pixels.shape[2] != 4:
        return pixels
    result = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, pixels.shape[0], _BAND):
        result[top : top + _BAND] = _flattened(pixels[top : top + _BAND], background)
    return result


def _flattened(pixels: PixelArray, background: tuple[int, int, int]) -> PixelArray:
    alpha = pixels[:, :, 3:].astype(np.uint16)
    mixed = pixels[:, :, :3] * alpha + np.array(background[::-1], np.uint16) * (255 - alpha) + np.uint16(128)
    mixed += mixed >> 8  # with the half above, this is division by 255, rounded, within 16 bits
    return np.asarray(mixed >> 8, np.uint8)


def _jpeg(image: Image, quality: int) -> bytes:
    chroma = "444" if quality >= _FULL_CHROMA_FROM else "420"
    options = [
        cv2.IMWRITE_JPEG_QUALITY, quality,
        cv2.IMWRITE_JPEG_PROGRESSIVE, int(image.size.pixels >= _PROGRESSIVE_FROM),
        cv2.IMWRITE_JPEG_OPTIMIZE, 1,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{chroma}"),
    ]  # fmt: skip
    return _by_opencv(".jpg", image.frames[0].pixels, options)


def _png(image: Image, quality: int) -> bytes:
    """Lossless whatever the quality; a palette where the picture has no more than 256 colours anyway."""
    if image.animated:
        image = _timed(image, _png_duration)
        return _moving("png", image, default_image=False, blend=0, disposal=0, loop=min(image.loop, _MAX_PNG_PLAYS))
    pixels = image.frames[0].pixels
    if pixels.shape[2] > 1 and (picture := indexed(pixels)) is not None:
        return _saved("png", picture)
    return _by_opencv(".png", pixels, [])


def _webp(image: Image, quality: int) -> bytes:
    if image.animated:
        most = min(_MAX_WEBP_MS, _MAX_WEBP_END // len(image.frames))
        image = _timed(image, lambda duration: min(duration, most))
        body = _moving("webp", image, quality=quality, method=_WEBP_METHOD, loop=min(image.loop, _MAX_REPEATS))
        return _marked_clear(body) if image.has_alpha else body
    return _saved("webp", to_picture(image.frames[0].pixels), quality=quality, method=_WEBP_METHOD)


def _marked_clear(body: bytes) -> bytes:
    """The same animation with the alpha flag of its header set.

    libwebp cuts frames to what is not clear, and leaves the flag out where no alpha remains within them; readers that
    trust the flag (Pillow) then show the clear rest as black.
    """
    assert body[12:16] == b"VP8X"  # noqa: S101 - an animation always has this header
    return body[:20] + bytes([body[20] | 0x10]) + body[21:]


def _avif(image: Image, quality: int) -> bytes:
    options = {"quality": quality, "speed": _AVIF_SPEED, "max_threads": 1}
    if image.animated:
        return _moving("avif", _timed(image, lambda duration: min(duration, _MAX_AVIF_MS)), **options)
    return _saved("avif", to_picture(image.frames[0].pixels), **options)


def _gif(image: Image, quality: int) -> bytes:
    pictures = [reduced(frame.pixels) for frame in image.frames]
    if not image.animated:
        return _saved("gif", pictures[0])
    # What a frame leaves clear must not show the frame before it.
    options: dict[str, Any] = {"disposal": 2 if image.has_alpha else 1}
    if image.loop != 1:
        # The file counts repetitions after the first time.
        options["loop"] = min(max(image.loop - 1, 0), _MAX_REPEATS)
    durations = _gif_durations([frame.duration_ms for frame in image.frames])
    return _written("gif", pictures, _within_runs(durations, pictures), **options)


def _gif_durations(durations: list[int]) -> list[int]:
    """Multiples of 10 ms; what one frame gains or loses by rounding, the next ones give back."""
    rounded: list[int] = []
    owed = 0
    for duration in durations:
        wanted = min(duration, _MAX_GIF_MS) + owed
        rounded.append(min(max((wanted + 5) // 10 * 10, _MIN_GIF_MS), _MAX_GIF_MS))
        owed = wanted - rounded[-1]
    return rounded


def _within_runs(durations: list[int], pictures: list[Pillow.Image]) -> list[int]:
    """Durations of which those of frames that look the same last no longer together than one frame can.

    Pillow makes one frame of such frames, adds their durations, and fails where the sum does not fit.
    """
    if sum(durations) <= _MAX_GIF_MS:
        return durations
    kept, left, before = [], 0, b""
    for duration, picture in zip(durations, pictures, strict=True):
        shown = picture.convert("RGB").tobytes()
        left = left if shown == before else _MAX_GIF_MS
        kept.append(min(duration, left))
        left, before = left - kept[-1], shown
    return kept


def _png_duration(duration: int) -> int:
    """Rounded to the finest of 1, 10, 100 and 1000 ms in which the number of them has 16 bits."""
    unit = next((unit for unit in (1, 10, 100) if (duration + unit // 2) // unit <= _MAX_PNG_PART), 1000)
    return min((duration + unit // 2) // unit, _MAX_PNG_PART) * unit


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
        picture.save(body, name.upper(), **options)
    except (RuntimeError, ValueError, OSError) as error:  # what Pillow makes of an encoder's error differs by format
        raise _RefusedError from error
    return body.getvalue()


def _by_opencv(extension: str, pixels: PixelArray, options: list[int]) -> bytes:
    try:
        done, body = cv2.imencode(extension, pixels, options)
    except cv2.error as error:
        raise _RefusedError from error
    if not done:
        raise _RefusedError
    return bytes(body)


_WRITERS: dict[OutputFormat, Callable[[Image, int], bytes]] = {
    "jpeg": _jpeg, "png": _png, "webp": _webp, "gif": _gif, "avif": _avif,
}  # fmt: skip
