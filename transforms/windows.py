"""Which window of a picture is worth most: every place tried, for what it shows whole, in part, or cuts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .image import Box, Saliency

SALIENCY_WEIGHT = 0.25  # of all that catches the eye, beside 1 for the heaviest object
CUT_WEIGHT = 0.5  # of what a thing is worth as a whole, lost where it is cut
TOUCHED = 0.05  # of a side of a thing, from which a window shows it
CELLS = 96  # along each side of the map of saliency; the search itself is not bound to cells
PLACES = 129  # along each axis that has room, evenly; besides those where something begins or ends
ALIGNED = 40  # things, the weightiest, at whose edges a window may begin or end
MIDDLE_WEIGHT = 0.1  # how much nearer the middle of the weightiest thing is better, by the square of the distance

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worth:
    """What a window gains by showing a box.

    "share": the square of the share that it shows along each axis, so that a thing is worth more than its halves;
    "whole": all of it or nothing, and less than nothing where it is cut; "centre": the more, the nearer its centre is
    to the window's. Of what is longer than the window, a share counts as all once it fills the window. `margin` is of
    the box's sides, on each, as far as the window has room for it.
    """

    box: Box
    weight: float
    how: Literal["share", "whole", "centre"] = "share"
    margin: float = 0.0

    @property
    def kept(self) -> Box:
        return self.box.grown(2 * self.margin)


def heaviest(
    width: float, height: float, worths: Iterable[Worth], saliency: Saliency | None = None, *,
    must: Box | None = None, avoided: Sequence[Box] = (),
) -> Box:  # fmt: skip
    """The window of that size (in fractions) that is worth most. 0.5 ms for a dozen things.

    `must` stays inside, its middle where it is too large; `avoided` stays out as far as that leaves room.
    """
    known = [worth for worth in worths if worth.weight > 0]
    edges = [worth.kept for worth in sorted(known, key=lambda worth: -worth.weight)[:ALIGNED]]
    xs = _places(width, (must.x, must.right) if must else None, [(box.x, box.right) for box in [*avoided, *edges]])
    ys = _places(height, (must.y, must.bottom) if must else None, [(box.y, box.bottom) for box in [*avoided, *edges]])
    sums = sum((_worth(worth, xs, ys, width, height) for worth in known), np.zeros((len(ys), len(xs))))
    cells = _map(saliency)
    sums += SALIENCY_WEIGHT * _sums(cells, xs, ys, width, height)
    most = 1 + sum(worth.weight for worth in known)
    for box in avoided:  # a hundredth of it counts as much as all the rest
        shown = np.outer(_overlap(ys, height, box.y, box.bottom), _overlap(xs, width, box.x, box.right))
        sums -= 100 * most * shown / box.area
    # Of places that are worth as much, the one that has what matters in its middle.
    x0, y0 = max(known, key=lambda worth: worth.weight).box.centre if known else _middle(cells)
    away = (xs[np.newaxis, :] + width / 2 - x0) ** 2 + (ys[:, np.newaxis] + height / 2 - y0) ** 2
    row, column = np.unravel_index(int(np.argmax(sums - MIDDLE_WEIGHT * away)), sums.shape)
    return Box(float(xs[column]), float(ys[row]), width, height)


def _worth(worth: Worth, xs: Weights, ys: Weights, width: float, height: float) -> Weights:
    """What each window, (ys, xs), gains."""
    box = worth.box
    across, down = (xs, width, box.x, box.right), (ys, height, box.y, box.bottom)
    if worth.how == "share":
        return worth.weight * np.outer(_share(*down) ** 2, _share(*across) ** 2)
    if worth.how == "centre":
        return worth.weight * np.outer(_nearness(*down), _nearness(*across))
    whole = np.outer(_whole(*down, worth.margin), _whole(*across, worth.margin))
    touched = np.outer(_share(*down) > TOUCHED, _share(*across) > TOUCHED)
    return worth.weight * ((1 + CUT_WEIGHT) * whole - CUT_WEIGHT * touched)


def _share(places: Weights, length: float, begin: float, end: float) -> Weights:
    return _overlap(places, length, begin, end) / max(min(end - begin, length), 1e-12)


def _nearness(places: Weights, length: float, begin: float, end: float) -> Weights:
    """1 where what begins and ends there is in the middle of the window, 0 where its centre is at the edge."""
    near: Weights = (1 - np.abs(places + length / 2 - (begin + end) / 2) / (length / 2)).clip(0)
    return near


def _whole(places: Weights, length: float, begin: float, end: float, margin: float) -> Weights:
    """1 where it is inside with its margin, else 0; of what is too long, how near it is to the middle."""
    if end - begin > length:
        return _nearness(places, length, begin, end)
    room = min(margin * (end - begin), (length - (end - begin)) / 2)
    first, last = max(begin - room, 0.0), min(end + room, 1.0)
    inside: Weights = ((places <= first + 1e-9) & (places + length >= last - 1e-9)).astype(np.float64)
    return inside


def _overlap(places: Weights, length: float, begin: float, end: float) -> Weights:
    """How much of begin to end a window holds that begins at each of the places."""
    inside: Weights = (np.minimum(places + length, end) - np.maximum(places, begin)).clip(0)
    return inside


def _places(length: float, must: tuple[float, float] | None, edges: Iterable[tuple[float, float]]) -> Weights:
    """Where the window may begin along one axis: evenly, and where it begins or ends at an edge of something."""
    first, last = 0.0, max(0.0, 1.0 - length)
    if must:
        begin, end = must
        if end - begin > length:  # it does not fit: its middle
            middle = min(max((begin + end - length) / 2, first), last)
            return np.array([middle])
        first, last = max(first, end - length), min(last, begin)
    if last <= first:
        return np.array([first])
    aligned = np.array([place for edge in edges for place in _beside(length, *edge)])
    within = aligned[(aligned > first) & (aligned < last)]
    return np.concatenate([np.linspace(first, last, PLACES), within])


def _beside(length: float, begin: float, end: float) -> tuple[float, ...]:
    """Where a window begins that begins or ends at an edge of something, or has its middle in its own."""
    return begin, begin - length, end, end - length, (begin + end - length) / 2


def _map(saliency: Saliency | None) -> Weights:
    """How much each cell catches the eye; sums to 1, and is even where nothing is known."""
    weights = np.zeros((CELLS, CELLS))
    if saliency is not None:
        seen = saliency.map
        rows = np.minimum((np.arange(CELLS) + 0.5) * seen.shape[0] / CELLS, seen.shape[0] - 1).astype(int)
        columns = np.minimum((np.arange(CELLS) + 0.5) * seen.shape[1] / CELLS, seen.shape[1] - 1).astype(int)
        weights += seen[rows][:, columns]
    total = weights.sum()
    return weights / total if total > 0 else np.full((CELLS, CELLS), 1 / CELLS**2)


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
