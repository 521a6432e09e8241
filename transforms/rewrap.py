"""Never more bytes than the source where no step changed a pixel: its own compressed pixels in a new container.

What is sent then is as clean as what is encoded: no metadata, profile, thumbnail, comment or unknown part goes along,
and nothing that lies between or behind the parts that make the picture. The file is only taken where our own decoder
makes of it the very pixels that would have been encoded.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from . import rewrap_gif, rewrap_jpeg, rewrap_png, rewrap_webp
from .carried import NOTHING, carried
from .codecs import reading
from .decode import Decode, decode
from .failure import Failure
from .image import FormatName, Image, PixelArray
from .output import TRAITS, Client, Encoded, Output, OutputFormat
from .probe import Source

_SPARE = 2.0  # s that must be left: recoding and comparing the largest pictures takes that long
_ANYBODYS: frozenset[OutputFormat] = frozenset({"jpeg", "png", "gif"})
_REWRAPPED: frozenset[FormatName] = frozenset({"jpeg", "png", "gif", "webp"})

_NOTHING_SAID = Output()
# What the source's pixels meet whatever was said, or what is about something else than the file.
_MET = (
    "format", "quality", "level", "max_bytes", "lossless", "background", "download", "immutable", "fallback", "said",
)  # fmt: skip
_ANY: dict[str, Any] = {name: getattr(_NOTHING_SAID, name) for name in _MET}


def no_larger(
    encoded: Encoded, image: Image, source: Source, output: Output, client: Client, deadline: float
) -> Encoded:
    """`encoded`, or the source's own pixels in a new container where those are fewer bytes and the same picture.

    Only tried where `encoded` is larger than the source. `image` is what was encoded, and `deadline` of
    time.monotonic(). A source of AVIF stays as it was encoded: its streams may hide bytes, and nothing kept recodes
    them.
    """
    name = _name(encoded, source, output, client)
    if name is None or len(encoded.body) <= source.probe.bytes or not _as_it_is(source, output):
        return encoded
    try:
        with reading(source.limits):
            body = _rewrapped(source, deadline)
        if body is None or len(body) >= len(encoded.body) or not _is_same(Source(body, source.limits), image):
            return encoded
    except (Failure, MemoryError):
        return encoded
    return Encoded(body, name, TRAITS[name].media_type, image.size)


def _name(encoded: Encoded, source: Source, output: Output, client: Client) -> OutputFormat | None:
    """The source's format, where the result is to have it, or may."""
    name = next((name for name in TRAITS if name == source.probe.format and name in _REWRAPPED), None)
    if output.format != "auto" or name in _ANYBODYS or name in client.formats:
        return name if name == encoded.format or output.format == "auto" else None
    return name if name == encoded.format else None


def _as_it_is(source: Source, output: Output) -> bool:
    """Whether nothing was asked for that the source's pixels need not meet. Quality is: they have all there is."""
    said = replace(output, **_ANY, still=output.still and source.probe.animated)
    if output.metadata and carried(source, Output(metadata=output.metadata)) == NOTHING:
        said = replace(said, metadata=None)
    return said == _NOTHING_SAID and source.probe.orientation == 1 and source.pages is None


def _rewrapped(source: Source, deadline: float) -> bytes | None:
    name, left = source.probe.format, deadline - _SPARE - time.monotonic()
    if left <= 0:
        return None
    if name == "jpeg":
        return rewrap_jpeg.rewrapped(source, left)
    if name == "png":
        return rewrap_png.rewrapped(source.data)
    if name == "gif":
        return rewrap_gif.rewrapped(source.data) if rewrap_gif.seconds(source.data) < left else None
    return rewrap_webp.rewrapped(source.data, source.limits)


def _is_same(source: Source, image: Image) -> bool:
    """Whether the file shows this picture: every pixel of every frame, for as long and as often."""
    shown = decode(source, Decode()).image
    return (
        shown.loop == image.loop
        and [frame.duration_ms for frame in shown.frames] == [frame.duration_ms for frame in image.frames]
        and all(np.array_equal(*pair) for pair in zip(_pixels(shown), _pixels(image), strict=False))
    )


def _pixels(image: Image) -> list[PixelArray]:
    return [frame.pixels for frame in image.frames]
