"""Bytes from a picture: the format is chosen, the pixels are fitted to what it can hold, nothing else gets in.

No output has metadata or a profile unless the steps ask for it: the arrays that are encoded never had any, and they
are sRGB.
"""

from __future__ import annotations

from dataclasses import replace

from .carried import NOTHING, Carried
from .failure import Failure, Kind
from .image import Image, Probe, Size
from .inks import inked, wants_inks
from .modes import flatten, is_opaque, to_bgr, to_bgra, without_unused_alpha
from .output import TRAITS, WEB_FORMATS, Client, Encoded, Output, OutputFormat
from .writers import RefusedError, write

# AVIF at speed 9 takes 27 ms for 0.5 megapixels; above this size "auto" would keep a render process for too long.
AUTO_AVIF_PIXELS = 2_000_000

# libavif at speed 9 takes 0.9 s (noise: 2.5 s) and 380 MiB beside the picture for 16 megapixels, 0.5 s and 220 MiB for
# 9, 0.2 s and 100 MiB for 4. 49 megapixels take 1.1 GiB, more than a render may use, and libavif can crash without it.
MAX_AVIF_PIXELS = 16_000_000
MAX_ICON_SIDE = 256  # what one byte of an icon's directory can say


def encode(image: Image, output: Output, source: Probe | None, client: Client, carried: Carried = NOTHING) -> Encoded:
    """The picture in the format that `choose` gives. Formats that cannot move get the first frame.

    Loop counts and durations beyond what the format can hold become the most that it holds. Raises Failure
    result-too-large above `MAX_AVIF_PIXELS` as AVIF and above `MAX_ICON_SIDE` as an icon, colorspace-not-in-format,
    and encoding-failed where the encoder refuses.
    """
    if output.still:
        image = replace(image, frames=image.frames[:1])
    name = choose(output, source, image, client, carried)
    _check_size(name, image.size)
    fitted = _timed(_with_bits(fit(image, name, output.background), name, output), output)
    result = inked(fitted, name, output, carried)
    try:
        body = write(name, result, output)
    except RefusedError as error:
        raise Failure(
            Kind.UNPROCESSABLE, "encoding-failed", f"the result of {image.size} cannot be written as {name.upper()}",
            hint="ask for a smaller result or another format",
            details={"format": name, "width": image.size.width, "height": image.size.height},
        ) from error  # fmt: skip
    return Encoded(body, name, TRAITS[name].media_type, image.size)


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


def choose(
    output: Output, source: Probe | None, image: Image, client: Client, carried: Carried = NOTHING
) -> OutputFormat:
    """What was asked for; else the source's format; with "auto" the smallest that the client takes.

    JPEG, PNG and GIF are taken by everyone; WebP and AVIF by "auto" only where the client names them. Formats that not
    every browser shows are written only where they were asked for, and inks as JPEG unless another was.
    """
    if output.format is not None and output.format != "auto":
        return output.format
    if wants_inks(output, carried):
        return "jpeg"
    if output.format == "auto":
        return _automatic(source, image, client)
    own = _own(source)
    return own or ("png" if _shows_through(image) else "jpeg")


def _own(source: Probe | None) -> OutputFormat | None:
    """The source's format where browsers show it."""
    return next((name for name in WEB_FORMATS if source and name == source.format), None)


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
