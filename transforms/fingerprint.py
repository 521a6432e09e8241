"""A perceptual hash: 64 bits that stay about the same when a picture is made smaller, compressed or cropped a little.

Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010): the lowest 8 × 8 frequencies of a
32 × 32 gray copy, each of them above their median or not.
"""

from __future__ import annotations

import cv2
import numpy as np

from .image import PixelArray
from .modes import flatten, to_bgr

SIDE = 32  # px of the copy
KEPT = 8  # frequencies a side

PLAIN = 2.0
"""What a frequency must be away from the median to say something; a flat picture with noise of 5 levels moves one of 63
that far, JPEG at quality 10 none."""

TELLING = 24
"""Frequencies, of 63, that must say something: of photographs 47 to 63 do, of flat pictures, gradients and a frame at
most 22. Their bits would be chance, which makes all such pictures alike, or none."""

_WHITE = (255, 255, 255)


def fingerprint(pixels: PixelArray) -> int | None:
    """64 bits of uint8 (h, w, 1 | 3 | 4) pixels of any size; None of a picture that has too little in it to be told
    from others. 0.2 ms for 128 × 128 pixels."""
    small = cv2.resize(_gray(pixels), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small.astype(np.float32))[:KEPT, :KEPT].ravel()
    away = low - np.median(low)
    if np.count_nonzero(np.abs(away[1:]) > PLAIN) < TELLING:
        return None
    return int.from_bytes(np.packbits(away > 0).tobytes(), "big")


def _gray(pixels: PixelArray) -> PixelArray:
    if pixels.shape[2] == 1:
        return pixels
    return np.asarray(cv2.cvtColor(to_bgr(flatten(pixels, _WHITE)), cv2.COLOR_BGR2GRAY), np.uint8)
