"""Masks on a picture: which of its pixels belong to what was found, with edges that follow the picture's own.

A model's mask has a quarter of the pixels a side of what it looked at, so that one of its pixels covers 4 to 20 of the
picture. Between them a guided filter (He, Sun and Tang, Guided Image Filtering, 2010) looks at the colours: within a
mask's pixel or so, what belongs to the subject is taken for a linear function of blue, green and red.

Measured with masks of 160 px on pictures of 640 that were roughened as a model's are. On 40 subjects laid over other
photographs, where the truth is exact, intersection over union rose from .929 to .939, the edge came from 1.75 to
1.63 px near, and alpha was off by 1.4 levels instead of 7.4. On 115 outlines that people drew (COCO), themselves some
pixels off, the first two stayed the same (.931, 2.29 px) and alpha went from 8.0 to 1.9. To trust the colours alone
gains more on the former and loses on the latter. Of the same shapes that were only shrunk, and not roughened, the
former went from .991 to .994, the latter from .988 to .982: colours move an outline to where people did not draw it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import Affine, Mask, PixelArray, Size
from .modes import to_bgr
from .resample import shrink

GRAIN = 4.0  # px that a pixel of the mask covers where its colours are looked at; more shows nothing more
RADIUS = 4  # px of those: the square in which colours are compared goes so far to each side
NOISE = 1e-4  # variance of colours in [0, 1] below which they tell nothing apart
TRUST = 0.5  # of what colours say to what the mask says, where the mask is undecided
STEEPNESS = 2.0  # a mask blurs the edge over its own pixel; this undoes it
FINE = 1.5  # px of the picture that a pixel of a mask covers, up to which there is nothing to refine
TILE = 256

_UNDECIDED = (25, 230)  # of 255: colours cannot move what lies outside of it to the other side
_SHARP: PixelArray = np.rint(((np.arange(256) / 255 - 0.5) * STEEPNESS + 0.5).clip(0, 1) * 255).astype(np.uint8)

Levels = NDArray[np.float32]


def plane(mask: Mask, size: Size) -> PixelArray:
    """The mask on a picture of that size: uint8 (h, w), 0 outside to 255 inside, by one warp."""
    result = np.zeros((size.height, size.width), np.uint8)
    values, there = _fitting(mask, size)
    left, top, right, bottom = _covered(there, values.shape, size)
    if right <= left or bottom <= top:
        return result
    # Pixels are squares: their centres, which OpenCV counts from, lie half a pixel further.
    centred = np.array(there)
    centred[:, 2] += there[:, :2].sum(axis=1) / 2 - 0.5 - (left, top)
    to = (right - left, bottom - top)
    # What reaches the edge of the mask ends there, but does not fade towards it.
    laid = cv2.warpAffine(values, centred, to, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.full_like(values, 255), centred, to, flags=cv2.INTER_NEAREST)
    result[top:bottom, left:right] = cv2.bitwise_and(laid, inside)
    return result


def union(masks: Iterable[Mask], size: Size) -> PixelArray:
    """All of them on a picture of that size, (h, w): what is left out is what each leaves out, so that there is no seam
    where two meet."""
    outside = np.full((size.height, size.width), 255, np.uint8)
    for mask in masks:
        outside = np.asarray(cv2.multiply(outside, cv2.bitwise_not(plane(mask, size)), scale=1 / 255), np.uint8)
    return np.asarray(cv2.bitwise_not(outside), np.uint8)


def shape(masks: Iterable[Mask], pixels: PixelArray, *, fine: bool = False) -> PixelArray:
    """The union on a picture, (h, w) in 0 to 255, with edges that follow those of its pixels.

    `fine`: the masks' own edges are as they should be, soft ones (hair) too.
    """
    masks, size = tuple(masks), Size(pixels.shape[1], pixels.shape[0])
    coarsest = 0.0 if fine else max((reach(mask, size) for mask in masks), default=0.0)
    return refined(union(masks, size), pixels, coarsest)


def reach(mask: Mask, size: Size) -> float:
    """How many pixels a side of a picture of that size one of the mask covers."""
    a, b, _, d, e, _ = mask.at
    return sqrt(abs(a * e - b * d) * size.pixels / (mask.width * mask.height))


def refined(rough: PixelArray, pixels: PixelArray, reach: float) -> PixelArray:
    """A plane (h, w) whose undecided pixels follow the colours of `pixels` (h, w, 1|3|4) around them.

    `reach` is how many pixels one of the mask covers that the plane comes from.
    """
    if reach <= FINE:
        return rough
    result = np.asarray(cv2.LUT(rough, _SHARP), np.uint8)
    undecided = np.asarray(cv2.inRange(rough, *(np.array([bound]) for bound in _UNDECIDED)), np.uint8)
    left, top, right, bottom = _around(undecided, ceil(2 * reach * RADIUS / GRAIN))
    if right <= left:
        return result
    part = slice(top, bottom), slice(left, right)
    lines = _lines(rough[part], pixels[part], min(1.0, GRAIN / reach), max(1, round(RADIUS * min(1.0, reach / GRAIN))))
    _refine(result[part], rough[part], undecided[part], pixels[part], lines)
    return result


def _fitting(mask: Mask, size: Size) -> tuple[PixelArray, Affine]:
    """The values of a mask, shrunk where they are finer than the picture, and where their edges lie in its pixels."""
    values = np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.width)
    there = np.array(mask.at, np.float64).reshape(2, 3) * [[size.width], [size.height]]
    across, down = np.hypot(there[0, :2], there[1, :2]).tolist()  # px of the picture that the mask spans
    fewer = min(mask.width, max(1, ceil(across))), min(mask.height, max(1, ceil(down)))
    values = np.asarray(cv2.resize(values, fewer, interpolation=cv2.INTER_AREA), np.uint8)
    return values, np.asarray(there / [*fewer, 1], np.float64)


def _covered(there: Affine, shape: tuple[int, ...], size: Size) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what the values cover of a picture, in whole pixels inside it."""
    height, width = shape
    xs, ys = there @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    return (
        max(0, floor(min(xs.min(), size.width))), max(0, floor(min(ys.min(), size.height))),
        min(size.width, ceil(max(xs.max(), 0))), min(size.height, ceil(max(ys.max(), 0))),
    )  # fmt: skip


def _around(marked: PixelArray, margin: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom around what is not 0, with a margin; right is 0 where all is."""
    left, top, width, height = cv2.boundingRect(marked)
    if not width:
        return 0, 0, 0, 0
    right, bottom = left + width + margin, top + height + margin
    return max(0, left - margin), max(0, top - margin), min(marked.shape[1], right), min(marked.shape[0], bottom)


def _lines(rough: PixelArray, pixels: PixelArray, scale: float, radius: int) -> Levels:
    """(h, w, 4) of a copy as large as `scale` says: how much of blue, green, red and 1 together give the plane."""
    size = Size(rough.shape[1], rough.shape[0]).scaled(scale)
    colours = to_bgr(shrink(pixels, size)).astype(np.float32) / np.float32(255)
    wanted = shrink(rough[:, :, np.newaxis], size).astype(np.float32) / np.float32(255)
    middle, middle_wanted = _mean(colours, radius), _mean(wanted, radius)
    together = _mean(colours * wanted, radius) - middle * middle_wanted
    products = np.dstack([colours * colours, colours * np.roll(colours, -1, axis=2)])  # bb gg rr, bg gr rb
    spread = _mean(products, radius) - np.dstack([middle * middle, middle * np.roll(middle, -1, axis=2)])
    slopes = _solved(spread, together)
    offset = middle_wanted - np.einsum("ijk,ijk->ij", slopes, middle)[:, :, np.newaxis]
    return _mean(np.dstack([slopes, offset]), radius)


def _mean(values: Levels, radius: int) -> Levels:
    """Of the square around each pixel, (h, w, channels), four channels at a time as OpenCV likes them."""
    side = (2 * radius + 1, 2 * radius + 1)
    parts = [
        cv2.blur(np.ascontiguousarray(values[:, :, at : at + 4]), side, borderType=cv2.BORDER_REFLECT)
        for at in range(0, values.shape[2], 4)
    ]
    return np.asarray(np.dstack(parts), np.float32)


def _solved(spread: Levels, together: Levels) -> Levels:
    """The slopes (h, w, 3) by which colours of that covariance give `together`; Cramer's rule, 20 times as fast as
    LAPACK on each pixel."""
    (bb, gg, rr), (bg, gr, rb) = np.moveaxis(spread[:, :, :3] + NOISE, 2, 0), np.moveaxis(spread[:, :, 3:], 2, 0)
    adjugate = (
        (gg * rr - gr * gr, rb * gr - bg * rr, bg * gr - rb * gg),
        (rb * gr - bg * rr, bb * rr - rb * rb, bg * rb - bb * gr),
        (bg * gr - rb * gg, bg * rb - bb * gr, bb * gg - bg * bg),
    )
    determinant = bb * adjugate[0][0] + bg * adjugate[0][1] + rb * adjugate[0][2]
    sums = [sum(factor * together[:, :, at] for at, factor in enumerate(row)) for row in adjugate]
    return np.asarray(np.dstack(sums) / determinant[:, :, np.newaxis], np.float32)


def _refine(result: PixelArray, rough: PixelArray, undecided: PixelArray, pixels: PixelArray, lines: Levels) -> None:
    """Decide what is undecided, in place and in tiles: most of them hold no edge."""
    height, width = rough.shape
    across, down = lines.shape[1] / width, lines.shape[0] / height
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            part = slice(top, top + TILE), slice(left, left + TILE)
            if not undecided[part].any():
                continue
            back = np.array([[across, 0, (left + 0.5) * across - 0.5], [0, down, (top + 0.5) * down - 0.5]])
            size = result[part].shape[::-1]
            how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            there = np.asarray(
                cv2.warpAffine(lines, back, size, flags=how, borderMode=cv2.BORDER_REPLICATE), np.float32
            )
            decided = _decided(rough[part], to_bgr(pixels[part]), there)
            result[part] = np.where(undecided[part] > 0, decided, result[part])


def _decided(rough: PixelArray, colours: PixelArray, lines: Levels) -> PixelArray:
    said = rough.astype(np.float32) / np.float32(255)
    seen = np.einsum("ijk,ijk->ij", colours.astype(np.float32), lines[:, :, :3]) / np.float32(255) + lines[:, :, 3]
    trust = 4 * TRUST * said * (1 - said)
    mixed = said * (1 - trust) + seen.clip(0, 1) * trust
    return np.asarray(np.rint(((mixed - 0.5) * STEEPNESS + 0.5).clip(0, 1) * 255), np.uint8)
