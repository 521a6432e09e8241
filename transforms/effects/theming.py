"""Another colour scheme for a graphic: its ground becomes the wanted colour, what stands on it keeps its contrast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ..hues import Colour
from ..image import PixelArray
from ..modes import to_bgr
from .replacing import bgr_of, lab_of
from .tables import Matrix, luma

Floats = NDArray[np.float32]

_BAND = 16  # rows: numbers of four bytes that stay in the cache
_BINS = 32  # of each channel, that colours are counted in
_COUNTED = 512  # px of the longer side that are looked at for it
_FLAT, _EDGE = 3, 32  # levels between neighbours: flat is what has no more, also in a JPEG; an edge has as much
_SMOOTH, _DRIFT = 6.0, 0.8  # levels within a cell that has no edge; from one to the next where there is no flat ground
_CELL = 8  # px: cells that are photographic or not
_AROUND = 5  # cells, over which that is averaged
_GAP = 3  # cells: gaps in a photograph that are closed
_SMALLEST = 5  # cells along a side; what is smaller is an icon, or the noise of JPEG around letters
_FILLED = 0.6  # of a rectangle, for the whole of it to be one photograph
_REACH = 24  # px that the edge of a photograph is looked for at
_GROUND = 12  # levels that the ground may differ, as JPEG makes it
_BARE = 0.97  # of a line that is ground: outside the photograph


@dataclass(frozen=True)
class Theme:
    """From one ground to another, in CIELAB."""

    ground: Colour
    wanted: Colour

    def applied(self, pixels: PixelArray, where: PixelArray) -> PixelArray:
        """BGR of gray or BGR, changed where the mask (h, w) is not 0. 25 ms a megapixel."""
        result = to_bgr(pixels).copy()
        share = self.wanted.alpha / 255
        for top in range(0, len(result), _BAND):
            band, mask = result[top : top + _BAND], where[top : top + _BAND]
            if mask.any():
                moved = bgr_of(self._moved(lab_of(band)))
                cv2.copyTo(cv2.addWeighted(moved, share, band, 1 - share, 0), mask, band)
        return result

    def _moved(self, lab: Floats) -> Floats:
        """Lightness on a straight line from one ground to the other and from ink to ink, so that contrasts stay.

        The hue of the ground fades out towards the ink; colours keep theirs.
        """
        moved = cv2.transform(lab, self._line)
        away = np.abs(cv2.extractChannel(lab, 0) - np.float32(self._before[0])) / np.float32(self._depth)
        near = cv2.max(1 - away, np.zeros_like(away))
        for axis in (1, 2):
            shift = float(self._after[axis] - self._before[axis])
            moved[:, :, axis] = cv2.scaleAdd(near, shift, cv2.extractChannel(moved, axis))
        return np.asarray(moved, np.float32)

    @cached_property
    def _before(self) -> Floats:
        return _lab(self.ground)

    @cached_property
    def _after(self) -> Floats:
        return _lab(self.wanted)

    @cached_property
    def _depth(self) -> float:
        """How far the ink of the old ground, black or white, is from it."""
        return float(max(self._before[0], 100 - self._before[0]))

    @cached_property
    def _line(self) -> Matrix:
        """(3, 4): lightness goes from ground to ground and from ink to ink; a and b stay."""
        old_ink, new_ink = (0 if lab[0] > 50 else 100 for lab in (self._before, self._after))
        slope = float((new_ink - self._after[0]) / (old_ink - self._before[0]))
        matrix = np.eye(3, 4)
        matrix[0] = slope, 0, 0, new_ink - slope * old_ink
        return matrix


def _lab(colour: Colour) -> Floats:
    return np.asarray(lab_of(np.array([[colour.bgra[:3]]], np.uint8))[0, 0], np.float32)


def ground_of(pixels: PixelArray) -> Colour | None:
    """The colour that covers most of what can be seen; None where nothing can."""
    every = max(1, max(pixels.shape[:2]) // _COUNTED)
    some = pixels[::every, ::every]
    colours = to_bgr(np.ascontiguousarray(some)).reshape(-1, 3)
    if pixels.shape[2] == 4:
        colours = colours[some[:, :, 3].reshape(-1) >= 128]
    if not len(colours):
        return None
    bins = (colours.astype(np.int32) // (256 // _BINS)) @ np.array([1, _BINS, _BINS**2])
    fullest = colours[bins == np.bincount(bins).argmax()]
    blue, green, red = np.median(fullest, axis=0).round().astype(int).tolist()
    return Colour(red, green, blue)


def graphic(pixels: PixelArray, ground: Colour, sensitivity: int) -> PixelArray:
    """Which pixels are drawn and not photographed: uint8 (h, w), 255 or 0.

    Drawings are flat between hard edges, photographs change a little from nearly every pixel to the next. A cell is
    photographic where the share of such small steps passes 1 - sensitivity / 200: at 0 nothing is, at 200 all is.
    What is out of focus hardly changes to the next pixel, but does to the next cell.
    """
    height, width = pixels.shape[:2]
    if sensitivity in (0, 200):
        return np.full((height, width), 255 if sensitivity == 0 else 0, np.uint8)
    size = max(1, width // _CELL), max(1, height // _CELL)
    gray = luma(pixels)
    steps = cv2.max(cv2.resize(_small_steps(gray), size, interpolation=cv2.INTER_AREA), _drift(gray, size))
    most = 255 * (1 - sensitivity / 200)
    cells = cv2.threshold(cv2.blur(steps, (_AROUND, _AROUND)), most, 255, cv2.THRESH_BINARY)[1]
    cells = cv2.morphologyEx(cells, cv2.MORPH_CLOSE, np.ones((_GAP, _GAP), np.uint8))
    cells = cv2.morphologyEx(cells, cv2.MORPH_OPEN, np.ones((_SMALLEST, _SMALLEST), np.uint8))
    photo = cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)
    levels = tuple(ground.bgra[:3])
    near = tuple(max(0, level - _GROUND) for level in levels), tuple(min(255, level + _GROUND) for level in levels)
    _box(photo, cells, cv2.inRange(to_bgr(pixels), *near) > 0)
    return np.asarray(cv2.inRange(photo, 0, 0), np.uint8)


def _box(photo: cv2.typing.MatLike, cells: cv2.typing.MatLike, ground: NDArray[np.bool_]) -> None:
    """In place. Photographs are rectangles: where most of one is known, all of it is, up to where the ground begins."""
    height, width = photo.shape[:2]
    across, down = width / cells.shape[1], height / cells.shape[0]
    for left, top, columns, rows, area in cv2.connectedComponentsWithStats(cells)[2][1:].tolist():
        if area > _FILLED * columns * rows:
            x = round(left * across), round((left + columns) * across)
            y = round(top * down), round((top + rows) * down)
            photo[y[0] : y[1], x[0] : x[1]] = 0
            y = _bounds(ground[:, x[0] : x[1]].mean(axis=1), *y)
            x = _bounds(ground[y[0] : y[1]].mean(axis=0), *x)
            photo[y[0] : y[1], x[0] : x[1]] = 255


def _bounds(ground: NDArray[np.float64], first: int, last: int) -> tuple[int, int]:
    """Where a photograph begins and ends along an axis, from a guess: `ground` is how much of each line is ground."""
    for _ in range(_REACH):
        first -= first > 0 and ground[first - 1] < 0.5
        last += last < len(ground) and ground[last] < 0.5
    for _ in range(_REACH):
        first += last - first > 1 and ground[first] > _BARE
        last -= last - first > 1 and ground[last - 1] > _BARE
    return first, last


def _drift(gray: PixelArray, size: tuple[int, int]) -> PixelArray:
    """255 for cells without edges whose light differs a little from that of such cells around them."""
    mean, square = (
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
        for plane in (gray.astype(np.float32), np.square(gray, dtype=np.float32))
    )
    smooth = square - mean**2 < _SMOOTH**2
    wide, calm = cv2.copyMakeBorder(mean, 1, 1, 1, 1, cv2.BORDER_REPLICATE), np.pad(smooth, 1)
    drifts = np.zeros_like(smooth)
    for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
        beside = np.s_[rows : rows + len(mean), columns : columns + mean.shape[1]]
        step = np.abs(wide[beside] - mean)
        drifts |= smooth & calm[beside] & (step > _DRIFT) & (step < _EDGE)
    return np.where(drifts, 255, 0).astype(np.uint8)


def _small_steps(gray: PixelArray) -> PixelArray:
    """255 where a pixel differs from its right or lower neighbour, but not much."""
    wide = cv2.copyMakeBorder(gray, 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    right, below = cv2.absdiff(wide[:-1, :-1], wide[:-1, 1:]), cv2.absdiff(wide[:-1, :-1], wide[1:, :-1])
    return np.asarray(cv2.inRange(cv2.max(right, below), _FLAT + 1, _EDGE - 1), np.uint8)
