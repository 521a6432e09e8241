"""Which formats come into question, by what is asked for, what the client takes, and what is in the picture."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from .carried import NOTHING, Carried
from .image import Image, PixelArray, Probe
from .inks import wants_inks
from .modes import is_opaque
from .output import WEB_FORMATS, Client, Output, OutputFormat

AUTO_AVIF_PIXELS = 2_000_000  # above it "auto" would keep a render process for too long

_AVIF_SECONDS = 70e-9  # a pixel, at speed 9; speed 8 takes 200e-9 for 2 to 6 % of the bytes, 10 is the same as 9
_TRIED = 20_000  # pixels up to which the headers of AVIF and WebP weigh enough to see which one is smaller
_HIGH = 70  # quality from which AVIF gets larger than WebP of the same number
_GRAPHIC = 0.5  # share of the pixels that its main colours make up
_COLOURS, _GRAYS = 64, 16
_LOOKED_AT = 20_011  # pixels, a prime, lest they stand in columns


@dataclass(frozen=True, slots=True)
class Candidate:
    """A format, and whether it is to keep every pixel where it could do otherwise (WebP)."""

    format: OutputFormat
    lossless: bool = False


def candidates(
    output: Output, source: Probe | None, image: Image, client: Client, carried: Carried = NOTHING,
    deadline: float = math.inf,
) -> tuple[Candidate, ...]:  # fmt: skip
    """The formats to try, of which the smallest file is taken; only with "auto" there may be more than one.

    JPEG, PNG and GIF are taken by everyone; WebP and AVIF by "auto" only where the client names them. Formats that not
    every browser shows are written only where they were asked for, and inks as JPEG unless another was.
    """
    if output.format is not None and output.format != "auto":
        return (Candidate(output.format),)
    if wants_inks(output, carried):
        return (Candidate("jpeg"),)
    own = next((name for name in WEB_FORMATS if source and name == source.format), None)
    if output.format == "auto":
        return _moving(own, client) if image.animated else _still(output, image, client, deadline)
    return (Candidate(own or ("png" if _shows_through(image) else "jpeg")),)


def _moving(own: OutputFormat | None, client: Client) -> tuple[Candidate, ...]:
    """AVIF takes too long for each frame. Who takes no WebP gets the source's family, or GIF."""
    return (Candidate("webp" if "webp" in client.formats else "png" if own == "png" else "gif"),)


def _still(output: Output, image: Image, client: Client, deadline: float) -> tuple[Candidate, ...]:
    """A photograph in the newest format, which for one without transparency is never PNG.

    A drawing also without loss, where it may be smaller and is sharper.
    """
    webp, pixels = "webp" in client.formats, image.size.pixels
    newest: OutputFormat = "webp" if webp else "png" if _shows_through(image) else "jpeg"
    older = newest
    if "avif" in client.formats and pixels <= AUTO_AVIF_PIXELS and _has_time(output, pixels, deadline):
        newest = "avif"
    doubtful = pixels <= _TRIED or (output.quality or 0) >= _HIGH
    tried = [Candidate(newest)]
    if older != newest and doubtful and older != "png":
        tried.append(Candidate(older))
    if newest != "png" and is_graphic(image.frames[0].pixels):
        tried.append(Candidate("webp", lossless=True) if webp else Candidate("png"))
    return tuple(tried)


def _has_time(output: Output, pixels: int, deadline: float) -> bool:
    """Whether AVIF takes less than half of the time that is left; where its quality is measured, by some more files."""
    tries = 3 if output.level else 1
    return pixels * _AVIF_SECONDS * tries < (deadline - time.monotonic()) / 2


def is_graphic(pixels: PixelArray) -> bool:
    """Whether it is a drawing: few colours make up at least half of it.

    64 colours do of 60 to 100 % of what was drawn, and of 43 % at most of 36 photographs, a product on white; 16 shades
    of gray make 30 % of a scanned page. Equal neighbours tell less: JPEG leaves them in the sky of photographs.
    """
    colours = pixels.reshape(-1, pixels.shape[2])
    seen = colours[:: max(1, len(colours) // _LOOKED_AT)]
    packed = np.zeros((len(seen), 4), np.uint8)
    packed[:, : seen.shape[1]] = seen
    _, counts = np.unique(packed.view(np.uint32), return_counts=True)
    most = np.sort(counts)[::-1][: _GRAYS if seen.shape[1] == 1 else _COLOURS]
    return int(most.sum()) >= _GRAPHIC * len(seen)


def _shows_through(image: Image) -> bool:
    return not all(is_opaque(frame.pixels) for frame in image.frames)
