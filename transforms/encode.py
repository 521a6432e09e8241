"""Bytes from a picture: the format is chosen, the pixels are fitted to what it can hold, nothing else gets in.

No output has metadata or a profile unless the steps ask for it: the arrays that are encoded never had any, and they
are sRGB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from . import placeholders, quality
from .carried import NOTHING, Carried
from .choose import Candidate, candidates
from .failure import Failure, Kind
from .image import Image, Probe, Size
from .inks import Sheet, inked
from .modes import flatten, is_opaque, to_bgr, to_bgra, without_unused_alpha
from .output import LOSSLESS, TRAITS, Client, Encoded, Output, OutputFormat
from .writers import PALETTES, RefusedError, quality_of, write

# libavif at speed 9 takes 0.9 s (noise: 2.5 s) and 380 MiB beside the picture for 16 megapixels, 0.5 s and 220 MiB for
# 9, 0.2 s and 100 MiB for 4. 49 megapixels take 1.1 GiB, more than a render may use, and libavif can crash without it.
MAX_AVIF_PIXELS = 16_000_000
MAX_ICON_SIDE = 256  # what one byte of an icon's directory can say


@dataclass(frozen=True)
class _Made:
    """A file, and whether there was too little time to look for a smaller one."""

    format: OutputFormat
    body: bytes
    hurried: bool = False


def encode(
    image: Image, output: Output, source: Probe | None, client: Client, carried: Carried = NOTHING,
    deadline: float = math.inf,
) -> Encoded:  # fmt: skip
    """The picture as the smallest file of the formats in question. Formats that cannot move get the first frame.

    Loop counts and durations beyond what the format can hold become the most that it holds. Towards the `deadline`, of
    time.monotonic(), quality is measured with fewer tries, and the result says so in `degraded`. Raises Failure
    result-too-large above `MAX_AVIF_PIXELS` as AVIF and above `MAX_ICON_SIDE` as an icon, colorspace-not-in-format,
    cannot-fit where no quality makes the file as small as was asked for, and encoding-failed where the encoder refuses.
    """
    if output.instead and not output.instead.explains:
        return placeholders.encoded(image, output.instead, output.background)
    if output.still:
        image = replace(image, frames=image.frames[:1])
    if output.level and client.save_data:
        output = replace(output, level=quality.SAVING[output.level])
    tried = candidates(output, source, image, client, carried, deadline)
    made = min((_made(image, output, one, tried, carried, deadline) for one in tried), key=lambda made: len(made.body))
    if output.max_bytes and len(made.body) > output.max_bytes:
        raise _cannot_fit(made, output, image.size)
    degraded = ("quality",) if made.hurried else ()
    return Encoded(made.body, made.format, TRAITS[made.format].media_type, image.size, degraded)


def _made(
    image: Image, output: Output, one: Candidate, tried: tuple[Candidate, ...], carried: Carried, deadline: float
) -> _Made:
    """The file in one of the formats that are tried."""
    name = one.format
    _check_size(name, image.size)
    fitted = _timed(_with_bits(fit(image, name, output.background), name, output), output)
    sheet = inked(fitted, name, output, carried)
    lossy = [candidate for candidate in tried if not candidate.lossless and candidate.format not in LOSSLESS]
    encodes = (quality.MOST_ENCODES - (len(tried) - len(lossy))) // max(1, len(lossy))
    try:
        if one.lossless:
            return _Made(name, write(name, sheet, replace(output, lossless=True)))
        return _with_quality(name, sheet, output, encodes, deadline)
    except RefusedError as error:
        raise Failure(
            Kind.UNPROCESSABLE, "encoding-failed", f"the result of {image.size} cannot be written as {name.upper()}",
            hint="ask for a smaller result or another format",
            details={"format": name, "width": image.size.width, "height": image.size.height},
        ) from error  # fmt: skip


def _with_quality(name: OutputFormat, sheet: Sheet, output: Output, encodes: int, deadline: float) -> _Made:
    """The file in the quality that is asked for: a number, a level, and as few bytes as it may have at most."""

    def write_with(sheet: Sheet, value: int, *, lossy: bool = output.lossy) -> bytes:
        return write(name, sheet, replace(output, quality=value, level=None, lossy=lossy))

    found = quality.Found(quality_of(name, output), None, 0)
    if output.level and name in quality.MEASURED and sheet.cmyk is None:
        found = quality.measured(name, sheet, output.level, write_with, encodes, deadline)
    body = found.body or write(name, sheet, output if not output.level else replace(output, quality=found.quality))
    if output.max_bytes is None or len(body) <= output.max_bytes or (name in LOSSLESS and name not in PALETTES):
        return _Made(name, body, found.hurried)
    # A PNG or GIF that was to be without loss loses colours, all 256 of them at first.
    reduced, anew = name in PALETTES, name in PALETTES and not output.lossy
    highest, known = (100, None) if anew else (found.quality, body)
    fitting = quality.fitting(
        lambda value: write_with(sheet, value, lossy=reduced),
        output.max_bytes, highest, deadline, known, quality.MOST_FITTING - anew,
        quality.of_colours if reduced else quality.of_detail,
    )  # fmt: skip
    smallest = min(fitting.body or body, body, key=len)  # fewer colours may take more bytes than all of them
    return _Made(name, smallest, found.hurried or fitting.hurried)


def _cannot_fit(made: _Made, output: Output, size: Size) -> Failure:
    has_quality = made.format not in LOSSLESS or made.format in PALETTES
    return Failure(
        Kind.UNPROCESSABLE, "cannot-fit",
        f"the result of {size} as {made.format.upper()} has more than {output.max_bytes} bytes"
        + (" even at the lowest quality" if has_quality else f", and {made.format.upper()} has no quality to lower"),
        hint=f"ask for a smaller picture{_smaller_formats(made.format, output)}",
        details={"format": made.format, "width": size.width, "height": size.height, "maximum": output.max_bytes,
                 "smallest": len(made.body)},
    )  # fmt: skip


def _smaller_formats(made: OutputFormat, output: Output) -> str:
    """What may be smaller still; AVIF is the smallest of all, and `auto` has taken what it can."""
    others = [name for name in ("auto", "webp") if name not in (made, output.format) and made != "avif"]
    return f", or for {' or '.join(f'format:{name}' for name in others)}" if others else ""


def _timed(image: Image, output: Output) -> Image:
    if output.delay_ms is None or not image.animated:
        return image
    return replace(image, frames=tuple(replace(frame, duration_ms=output.delay_ms) for frame in image.frames))


def _with_bits(image: Image, name: OutputFormat, output: Output) -> Image:
    """A PNG without alpha where 24 bits are asked for, and with it where 32 are."""
    if name != "png" or output.png not in (24, 32):
        return image
    frames = image.frames
    if output.png == 32:
        return replace(image, frames=tuple(frame.with_pixels(to_bgra(frame.pixels)) for frame in frames))
    return replace(image, frames=tuple(f.with_pixels(to_bgr(flatten(f.pixels, output.background))) for f in frames))


def _check_size(name: OutputFormat, size: Size) -> None:
    if name == "avif" and size.pixels > MAX_AVIF_PIXELS:
        raise Failure(
            Kind.UNPROCESSABLE, "result-too-large",
            f"the result of {size} has more than {MAX_AVIF_PIXELS} pixels, the most that is written as AVIF",
            hint="ask for a smaller result, or for format:webp or format:auto",
            details={"format": name, "width": size.width, "height": size.height, "maximum_pixels": MAX_AVIF_PIXELS},
        )  # fmt: skip
    if name == "ico" and size.long_side > MAX_ICON_SIDE:
        raise Failure(
            Kind.UNPROCESSABLE, "result-too-large",
            f"the result of {size} has a side of more than {MAX_ICON_SIDE} px, the most that an icon has",
            hint=f"for example resize:{MAX_ICON_SIDE}x{MAX_ICON_SIDE}/format:ico",
            details={"format": name, "width": size.width, "height": size.height, "maximum_side": MAX_ICON_SIDE},
        )  # fmt: skip


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
