"""Where to look: which window of a picture keeps what matters in it."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from .geometry import around
from .image import Box, Found, Region
from .params import DETECTED, Compass, Focus

EVERYTHING = frozenset({"faces", "objects", "saliency"})

OBJECT_SCORE = 0.4  # objects below it are wrong too often (precision .91 at 0.4, .84 at 0.25)
FACE_WEIGHT, OBJECT_WEIGHT, SALIENCY_WEIGHT = 3.0, 1.0, 0.25
MUST_MARGIN = 0.2  # of the largest face's sides, kept in sight around it
CELLS = 96  # along each side of the map; the search itself is not bound to cells
PLACES = 129  # along each axis that has room

Weights = NDArray[np.float64]


def eyes_for(gravity: str | Focus) -> frozenset[str]:
    """The kinds of detections that a gravity asks for."""
    if gravity == "auto":
        return EVERYTHING
    if gravity in ("face", "face:auto"):
        return frozenset({"largest-face"})
    return frozenset({"faces"}) if gravity in DETECTED else frozenset()


def eyes_without_faces(gravity: str | Focus, found: Found) -> frozenset[str]:
    """The kinds that a gravity asks for once the first look found no face."""
    if found.faces or not isinstance(gravity, str):
        return frozenset()
    if gravity.endswith(":auto"):
        return EVERYTHING
    return frozenset({"faces"}) if gravity == "face" else frozenset()


def by_gravity(gravity: str | Focus, width: float, height: float, found: Found) -> Box:
    """The window of that size (in fractions) that the gravity holds on to; the middle where nothing was found."""
    if isinstance(gravity, Focus):
        return around((gravity.x, gravity.y), width, height)
    if gravity in Compass:
        across, down = Compass[gravity]
        return Box((1 - width) * across, (1 - height) * down, width, height)
    faces, (word, _, fallback) = found.faces, gravity.partition(":")
    if word == "face" and faces:
        return around(largest_of(faces).box.centre, width, height)
    if word == "auto" or (fallback and not faces):
        return best_window(found, width, height)
    return best_window(Found(regions=faces), width, height)


def largest_of(regions: Iterable[Region]) -> Region:
    """The one that covers most; the surer one of equals."""
    return max(regions, key=lambda region: (region.box.area, region.score))


def head_of(face: Box) -> Box:
    """The room of a head. Detectors draw a face from brow or hairline to chin; it is 55 % as high as this."""
    return Box.between(
        face.x - 0.34 * face.width, face.y - 0.46 * face.height,
        face.right + 0.34 * face.width, face.bottom + 0.36 * face.height,
    )  # fmt: skip


def best_window(found: Found, width: float, height: float) -> Box:
    """The window of that size (in fractions) that keeps most of what was found.

    Weighs faces, objects and saliency on a map, sums it up in an integral image and tries every place. Whatever the
    sums say, the largest face with a margin stays inside where it fits.
    """
    weights = _weights(found)
    faces = found.faces
    must = _with_margin(largest_of(faces).box) if faces else None
    xs = _places(width, (must.x, must.right) if must else None)
    ys = _places(height, (must.y, must.bottom) if must else None)
    sums = _sums(weights, xs, ys, width, height)
    # Of places that keep as much, the one that has it in its middle.
    x0, y0 = _middle(weights)
    away = (xs[np.newaxis, :] + width / 2 - x0) ** 2 + (ys[:, np.newaxis] + height / 2 - y0) ** 2
    row, column = np.unravel_index(int(np.argmax(sums - 0.05 * away)), sums.shape)
    return Box(float(xs[column]), float(ys[row]), width, height)


def _with_margin(box: Box) -> Box:
    return box.grown(2 * MUST_MARGIN).clipped() or box


def _places(length: float, must: tuple[float, float] | None) -> Weights:
    """Where the window may begin along one axis."""
    first, last = 0.0, max(0.0, 1.0 - length)
    if must:
        begin, end = must
        if end - begin > length:  # it does not fit: its middle
            middle = min(max((begin + end - length) / 2, first), last)
            return np.array([middle])
        first, last = max(first, end - length), min(last, begin)
    return np.linspace(first, max(first, last), PLACES if last > first else 1)


def _weights(found: Found) -> Weights:
    """How much each cell matters; sums to 1, or is even where nothing is known."""
    weights = np.zeros((CELLS, CELLS))
    if found.saliency is not None:
        _add_saliency(weights, found.saliency.map)
    for region in found.by("objects"):
        if region.score >= OBJECT_SCORE:
            _spread(weights, region.box, OBJECT_WEIGHT * region.score * sqrt(region.box.area))
            if region.label == "person":  # a head matters more than legs
                head = Box(region.box.x, region.box.y, region.box.width, region.box.height / 4)
                _spread(weights, head, OBJECT_WEIGHT * region.score * sqrt(head.area))
    for region in found.faces:
        _spread(weights, head_of(region.box), FACE_WEIGHT * sqrt(region.box.area))
    total = weights.sum()
    return weights / total if total > 0 else np.full((CELLS, CELLS), 1 / CELLS**2)


def _add_saliency(weights: Weights, saliency: NDArray[np.uint8]) -> None:
    rows = np.minimum((np.arange(CELLS) + 0.5) * saliency.shape[0] / CELLS, saliency.shape[0] - 1).astype(int)
    columns = np.minimum((np.arange(CELLS) + 0.5) * saliency.shape[1] / CELLS, saliency.shape[1] - 1).astype(int)
    sampled = saliency[rows][:, columns].astype(np.float64)
    if sampled.any():
        weights += SALIENCY_WEIGHT * sampled / sampled.sum()


def _spread(weights: Weights, box: Box, weight: float) -> None:
    """Adds the weight evenly over the cells of the box, by the share of each cell that it covers."""
    inside = box.clipped()
    if inside is None:
        return
    across = _cover(inside.x, inside.right)
    down = _cover(inside.y, inside.bottom)
    weights += weight * np.outer(down, across) / (down.sum() * across.sum())


def _cover(begin: float, end: float) -> Weights:
    edges = np.clip(np.arange(CELLS + 1) / CELLS, begin, end)
    return np.maximum(np.diff(edges), 1e-12)


def _sums(weights: Weights, xs: Weights, ys: Weights, width: float, height: float) -> Weights:
    """The weight inside each window, (ys, xs). Between cells the integral image is linear, so nothing is rounded."""
    integral = np.zeros((CELLS + 1, CELLS + 1))
    integral[1:, 1:] = weights.cumsum(axis=0).cumsum(axis=1)
    rows = _between(integral, ys + height) - _between(integral, ys)
    inside: Weights = (_between(rows.T, xs + width) - _between(rows.T, xs)).T
    return inside


def _between(integral: Weights, places: Weights) -> Weights:
    """Rows of the integral image at places from 0 to 1."""
    at = np.clip(places, 0.0, 1.0) * CELLS
    low = np.minimum(at.astype(int), CELLS - 1)
    part = (at - low)[:, np.newaxis]
    rows: Weights = integral[low] * (1 - part) + integral[low + 1] * part
    return rows


def _middle(weights: Weights) -> tuple[float, float]:
    at = (np.arange(CELLS) + 0.5) / CELLS
    return float(weights.sum(axis=0) @ at), float(weights.sum(axis=1) @ at)
