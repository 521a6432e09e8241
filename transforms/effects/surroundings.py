"""What lies around a subject: the colour of a picture's edges, and which pixels are like it."""

from __future__ import annotations

import cv2
import numpy as np

from ..hues import Colour
from ..image import PixelArray
from ..modes import to_bgr

_STEPS = 5  # bits that are left out when colours are counted: 8 levels are one


def edge_colour(pixels: PixelArray) -> Colour | None:
    """The colour that most of the picture's outermost pixels have, None where all of them are transparent.

    The corners count twice.
    """
    ring = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if pixels.shape[2] == 4:
        ring = ring[ring[:, 3] > 0]
    if not len(ring):
        return None
    colours = to_bgr(np.ascontiguousarray(ring)[np.newaxis, :, : 3 if ring.shape[1] == 4 else None])[0].astype(np.int32)
    coarse = (colours + (1 << (8 - _STEPS - 1))) >> (8 - _STEPS)
    keys = coarse[:, 0] << 16 | coarse[:, 1] << 8 | coarse[:, 2]
    kinds, counts = np.unique(keys, return_counts=True)
    # Noise spreads a colour over neighbouring kinds: what counts is all that comes near.
    likely = colours[keys == kinds[counts.argmax()]].mean(axis=0)
    near = np.abs(colours - likely).max(axis=1) <= 1 << (8 - _STEPS + 1)
    blue, green, red = np.median(colours[near], axis=0).round().astype(int).tolist()
    return Colour(red, green, blue)


def like(pixels: PixelArray, colour: Colour, levels: int) -> PixelArray:
    """(h, w): 255 where no channel is further than `levels` from the colour, else 0; alpha is left out."""
    gray = pixels.shape[2] == 1
    if gray and not colour.red == colour.green == colour.blue:
        pixels, gray = to_bgr(pixels), False
    wanted = np.array([colour.blue] if gray else colour.bgra[:3])
    low, high = np.maximum(wanted - levels, 0).tolist(), np.minimum(wanted + levels, 255).tolist()
    if pixels.shape[2] == 4:
        low, high = [*low, 0], [*high, 255]
    return np.asarray(cv2.inRange(pixels, np.array(low), np.array(high)), np.uint8)
