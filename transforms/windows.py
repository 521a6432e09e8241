"""Which window of a picture holds most weight: a map summed up in an integral image, every place tried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .image import Box, Saliency

SALIENCY_WEIGHT = 0.25
CELLS = 96  # along each side of the map; the search itself is not bound to cells
PLACES = 129  # along each axis that has room

Weights = NDArray[np.float64]


def heaviest(
    width: float, height: float, spread: Iterable[tuple[Box, float]], saliency: Saliency | None = None, *,
    must: Box | None = None, avoided: Sequence[Box] = (),
) -> Box:  # fmt: skip
    """The window of that size (in fractions) that holds most of weights spread over boxes, and of saliency.

    `must` stays inside, its middle where it is too large; `avoided` stays out as far as that leaves room.
    """
    weights = _map(spread, saliency)
    xs = _places(width, (must.x, must.right) if must else None, [(box.x, box.right) for box in avoided])
    ys = _places(height, (must.y, must.bottom) if must else None, [(box.y, box.bottom) for box in avoided])
    sums = _sums(weights, xs, ys, width, height)
    for box in avoided:  # a hundredth of it counts as much as all the rest
        sums -= (
            100 * np.outer(_overlap(ys, height, box.y, box.bottom), _overlap(xs, width, box.x, box.right)) / box.area
        )
    # Of places that keep as much, the one that has it in its middle.
    x0, y0 = _middle(weights)
    away = (xs[np.newaxis, :] + width / 2 - x0) ** 2 + (ys[:, np.newaxis] + height / 2 - y0) ** 2
    row, column = np.unravel_index(int(np.argmax(sums - 0.05 * away)), sums.shape)
    return Box(float(xs[column]), float(ys[row]), width, height)


def _map(spread: Iterable[tuple[Box, float]], saliency: Saliency | None) -> Weights:
    """How much each cell matters; sums to 1, or is even where nothing is known."""
    weights = np.zeros((CELLS, CELLS))
    if saliency is not None:
        _add_saliency(weights, saliency.map)
    for box, weight in spread:
        _spread(weights, box, weight)
    total = weights.sum()
    return weights / total if total > 0 else np.full((CELLS, CELLS), 1 / CELLS**2)


def _overlap(places: Weights, length: float, begin: float, end: float) -> Weights:
    """How much of begin to end a window holds that begins at each of the places."""
    inside: Weights = (np.minimum(places + length, end) - np.maximum(places, begin)).clip(0)
    return inside


def _places(length: float, must: tuple[float, float] | None, avoided: Iterable[tuple[float, float]]) -> Weights:
    """Where the window may begin along one axis: evenly, and just beside what is to be avoided."""
    first, last = 0.0, max(0.0, 1.0 - length)
    if must:
        begin, end = must
        if end - begin > length:  # it does not fit: its middle
            middle = min(max((begin + end - length) / 2, first), last)
            return np.array([middle])
        first, last = max(first, end - length), min(last, begin)
    evenly = np.linspace(first, max(first, last), PLACES if last > first else 1)
    beside = [place for begin, end in avoided for place in (begin - length, end) if first < place < last]
    return np.concatenate([evenly, beside])


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
