"""How big a source and a result may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that hold for every render; the first four are checked on the header, before any pixel is decoded.

    `source_pixels` is for one frame or page, `total_pixels` for all frames of an animation together. An animation of
    more than `frames` frames within `total_pixels` becomes its first frame, flagged as degraded. The defaults keep a
    render under about 800 MiB: 50 megapixels are 200 MB as BGRA, and a step holds its input and its output.
    """

    source_bytes: int = 20 * 1024 * 1024
    source_pixels: int = 50_000_000
    total_pixels: int = 100_000_000
    frames: int = 60
    result_side: int = 8192
    result_pixels: int = 50_000_000
