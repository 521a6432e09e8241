"""Masks for tests: ovals drawn in code, as they are and as models draw them."""

from __future__ import annotations

import cv2
import numpy as np

from transforms.image import Box, Mask, PixelArray, Region


def oval(
    width: int, height: int, x: float = 0.5, y: float = 0.5, across: float = 0.25, down: float = 0.3
) -> PixelArray:
    """(h, w): 255 inside, smooth at the edge; centre and half sides in fractions."""
    fine = np.zeros((height * 4, width * 4), np.uint8)
    centre, half = (round(x * width * 4), round(y * height * 4)), (round(across * width * 4), round(down * height * 4))
    cv2.ellipse(fine, centre, half, 0, 0, 360, 255, cv2.FILLED)
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def mask(values: PixelArray, at: tuple[float, ...] = (1, 0, 0, 0, 1, 0)) -> Mask:
    a, b, c, d, e, f = map(float, at)
    return Mask(values.shape[1], values.shape[0], np.ascontiguousarray(values).tobytes(), (a, b, c, d, e, f))


def masked(
    label: str, x: float, y: float, across: float, down: float, *, score: float = 0.9, by: str = "masks",
    sure: bool = True, side: int = 160,
) -> Region:  # fmt: skip
    """An oval thing with its box, masked as coarsely as models do."""
    values = oval(side, side, x, y, across, down)
    return Region(label, score, Box(x - across, y - down, 2 * across, 2 * down), (), by, sure, "", mask(values))


def boundary_error(shape: PixelArray, truth: PixelArray) -> float:
    """How far the edges of two shapes lie apart, in pixels, on average both ways."""

    def edge(values: PixelArray) -> PixelArray:
        solid = (values > 127).astype(np.uint8)
        return np.asarray(cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)), np.uint8)

    def away(one: PixelArray, other: PixelArray) -> float:
        return float(cv2.distanceTransform(1 - other, cv2.DIST_L2, 5)[one > 0].mean())

    first, second = edge(shape), edge(truth)
    return (away(first, second) + away(second, first)) / 2


def overlap(shape: PixelArray, truth: PixelArray) -> float:
    """Intersection over union of what is more inside than outside."""
    one, other = shape > 127, truth > 127
    return float((one & other).sum() / max(1, (one | other).sum()))
