"""What the pixels themselves say of a picture: tags by rules, each stated where it is worked out.

All but flatness is measured on a copy with SIDE pixels on its long side (smaller pictures as they are), so that nothing
depends on the scale at which a file was decoded: a picture is blurry if it looks so at that size. Transparent pixels do
not count; what is half transparent stands on white. Scores are 1 for facts; of what is measured they begin at 0.5 or
0.6, where the rule begins to hold, and grow to 1. Judged by eye on 84 photographs, 34 charts and screenshots and 24
scientific pictures; 5 ms for 640 × 480 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from .found import Found, PixelArray, Tag
from .sizes import shrink

Plane = NDArray[np.uint8]
Seen = NDArray[np.bool_]

SIDE = 640

ENOUGH = 32
"""Pixels that the shorter side has at least, for anything to be said about sharpness or flatness."""


def find(pixels: PixelArray) -> Found:
    """Traits of uint8 pixels (h, w, 1|3|4) BGR, by name."""
    height, width = pixels.shape[:2]
    colours, seen = _seen(shrink(pixels, SIDE))
    flat = _graphic(pixels)
    said = [(_orientation(width, height), 1.0), *_of_alpha(pixels)]
    if seen.any():
        said += _of_pixels(colours, seen, flat)
    return Found(tags=tuple(Tag(name, round(score, 3), "traits") for name, score in sorted(said)))


def _orientation(width: int, height: int) -> str:
    """`square` where the sides differ by at most 2 %, else `landscape` or `portrait`."""
    if max(width, height) <= 1.02 * min(width, height):
        return "square"
    return "landscape" if width > height else "portrait"


OPAQUE = 128  # alpha from which a pixel is seen
CLEAR = 0.01


def _of_alpha(pixels: PixelArray) -> Iterator[tuple[str, float]]:
    """`transparent` where at least a hundredth of the picture lets more than half of what is behind it through."""
    if pixels.shape[2] == 4 and np.count_nonzero(pixels[:, :, 3] < OPAQUE) >= CLEAR * pixels[:, :, 3].size:
        yield "transparent", 1.0


def _of_pixels(colours: PixelArray, seen: Seen, flat: float) -> Iterator[tuple[str, float]]:
    gray = np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY), np.uint8)
    rules = {
        "grayscale": 1.0 if _is_gray(colours, seen) else 0.0,
        "dark": _dark(gray[seen]),
        "overexposed": 0.0 if flat else _overexposed(gray, seen),
        "graphic": flat,
        "blurry": _blurry(gray),
    }
    return ((name, score) for name, score in rules.items() if score > 0)


COLOURFUL, FEW = 10, 0.001


def _is_gray(colours: PixelArray, seen: Seen) -> bool:
    """`grayscale` where in all but a thousandth of the pixels red, green and blue differ by at most 10 of 255."""
    blue, green, red = cv2.split(colours)
    most, least = cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red)
    return bool(np.count_nonzero((cv2.subtract(most, least) > COLOURFUL) & seen) <= FEW * np.count_nonzero(seen))


DARK, BRIGHT, MOSTLY, HARDLY = 64, 128, 0.6, 0.1


def _dark(gray: Plane) -> float:
    """`dark` where three fifths of the pixels are below a quarter of full brightness (luma, as it is stored) and at
    most a tenth above half of it; the score is the share of the dark ones.

    Lamps leave a street at night dark; a lit man before a black kitchen (0.66 and 0.16) is not.
    """
    share = float(np.count_nonzero(gray < DARK) / gray.size)
    return share if share >= MOSTLY and np.count_nonzero(gray >= BRIGHT) <= HARDLY * gray.size else 0.0


BLOWN, MUCH = 250, 0.25
SHOULDER, SOME = 192, 0.02
CORNER = 0.04  # of a side


def _overexposed(gray: Plane, seen: Seen) -> float:
    """`overexposed` where a quarter of the pixels have a luma of 250 or more; the score is twice that share.

    Not so of a graphic, of what has next to no tones below white (2 % from 192 on), as print, nor where three corners
    are white or all: then it stands on a white ground, as products do. Of the photographs none has more than 0.11, but
    for such a product (0.32); two stops brighter, half of them are found.
    """
    everything = np.count_nonzero(seen)
    share = float(np.count_nonzero((gray >= BLOWN) & seen) / everything)
    shoulder = np.count_nonzero((gray >= SHOULDER) & (gray < BLOWN) & seen) / everything
    down, across = (max(1, round(CORNER * side)) for side in gray.shape)
    corners = (gray[rows, columns] for rows in (slice(down), slice(-down, None))
               for columns in (slice(across), slice(-across, None)))  # fmt: skip
    on_white = sum(float(corner.mean()) >= BLOWN - 10 for corner in corners) >= 3
    return 0.0 if share < MUCH or shoulder < SOME or on_white else min(1.0, 2 * share)


TILE, PATCH, PATCHES = 16, 80, 8
FLAT, BUSY, BUSY_TILES = 0.6, 0.1, 0.25


def _graphic(pixels: PixelArray) -> float:
    """`graphic` (a drawing, a chart, a screenshot) where three fifths of the pixels are exactly as all around them, and
    detail lies between such pixels rather than in a heap: of the tiles of 16 × 16 that are not wholly flat, at most a
    quarter have no tenth of flat pixels. The score is the share of flat ones.

    The second keeps photographs on a plain ground out (0.43 and more of their tiles, however small they are); no
    photograph of 84 passes, 30 of 34 graphics do, those with shaded artwork do not. Of
    pictures above SIDE the pixels are looked at as they were decoded, in 8 × 8 patches: letters made small are gray.
    """
    if min(pixels.shape[:2]) < ENOUGH:
        return 0.0
    maps = [_flat(_seen(patch)[0]) for patch in _patches(pixels)]
    share = sum(cv2.countNonZero(one) for one in maps) / sum(one.size for one in maps)
    if share < FLAT:
        return 0.0
    tiles = np.concatenate([_tiles(one).ravel() for one in maps])
    return share if np.count_nonzero(tiles < BUSY * 255) <= BUSY_TILES * np.count_nonzero(tiles < 255) else 0.0


def _patches(pixels: PixelArray) -> Iterator[PixelArray]:
    """The picture, or of a large one what lies evenly over it, with a pixel more on each side."""
    height, width = pixels.shape[:2]
    if max(height, width) <= SIDE or min(height, width) <= PATCH + 2:
        yield pixels
        return
    for top in np.linspace(0, height - PATCH - 2, PATCHES).astype(int):
        for left in np.linspace(0, width - PATCH - 2, PATCHES).astype(int):
            yield np.ascontiguousarray(pixels[top : top + PATCH + 2, left : left + PATCH + 2])


def _flat(colours: PixelArray) -> Plane:
    """255 where all around a pixel is as it is, (h - 2, w - 2)."""
    around = cv2.compare(cv2.dilate(colours, _AROUND), cv2.erode(colours, _AROUND), cv2.CMP_EQ)
    flat = cv2.min(cv2.min(around[:, :, 0], around[:, :, 1]), around[:, :, 2])
    return np.ascontiguousarray(flat[1:-1, 1:-1], np.uint8)


def _tiles(flat: Plane) -> Plane:
    """How flat each tile is, 0 to 255."""
    height, width = flat.shape
    return np.asarray(cv2.resize(flat, (width // TILE, height // TILE), interpolation=cv2.INTER_AREA), np.uint8)


_AROUND = np.ones((3, 3), np.uint8)

SOFT = 1.2
"""Pixels (σ of a Gaussian) by which the sharpest edges of a blurry picture are wide.

Photographs come to 0.79 at most; blurred by σ 1.5 to between 0.9 and 1.6, by σ 2 to at least 1.25.
"""

EDGE, STRONG = 6, 0.2  # gray levels a pixel; of the steepest ones
SHARPEST = 10  # per cent
LEAST_EDGES, LEAST_WAYS, SHARE_OF_WAYS = 100, 50, 0.05


def _blurry(gray: Plane) -> float:
    """`blurry` where even the sharpest tenth of the edges, in some direction, is 1.2 pixels wide or more; the score is
    the width over 2.4.

    An edge that is σ wide loses steepness by a blur of 1: the ratio r of before to after gives σ = 1 / √(r² - 1) (Zhuo
    and Sim, Pattern Recognition 2011), whatever its contrast. The sharpest tenth decides, so that a portrait before a
    soft ground is sharp; the worst of four directions, because a moved camera leaves edges along its way sharp. Nothing
    is said of a picture with fewer than 100 edges, as a clear sky. Grain hides blur.
    """
    if min(gray.shape) < ENOUGH:
        return 0.0
    steep = [cv2.Sobel(gray, cv2.CV_16S, dx, 1 - dx) for dx in (1, 0)]
    steepness = np.maximum(*(np.asarray(cv2.convertScaleAbs(one, alpha=0.125), np.uint8) for one in steep))
    rows, columns = _edges(steepness)
    if len(rows) < LEAST_EDGES:
        return 0.0
    soft = cv2.GaussianBlur(gray, (5, 5), 1.0)
    after = [cv2.Sobel(soft, cv2.CV_16S, dx, 1 - dx)[rows, columns].astype(np.float32) for dx in (1, 0)]
    across, down = (one[rows, columns].astype(np.float32) for one in steep)
    lost = (across**2 + down**2) / np.maximum(after[0] ** 2 + after[1] ** 2, 1)
    widths = 1 / np.sqrt(np.maximum(lost - 1, 1e-4))
    ways = (np.arctan2(down, across) / (np.pi / 4)).round().astype(np.intp) % 4
    width = max(_sharpest(widths[ways == way], len(widths)) for way in range(4))
    return min(1.0, width / (2 * SOFT)) if width >= SOFT else 0.0


def _edges(steepness: Plane) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of what is steep, and as steep as all around it."""
    steepest = float(np.percentile(steepness[::4, ::4], 99.5))
    tops = steepness == cv2.dilate(steepness, _AROUND)
    rows, columns = np.nonzero(tops & (steepness >= max(EDGE, STRONG * steepest)))
    return rows, columns


def _sharpest(widths: NDArray[np.float32], of: int) -> float:
    """The width that a tenth of the edges stay below; 0 where there are too few to tell."""
    return float(np.percentile(widths, SHARPEST)) if len(widths) >= max(LEAST_WAYS, SHARE_OF_WAYS * of) else 0.0


def _seen(pixels: PixelArray) -> tuple[PixelArray, Seen]:
    """BGR (h, w, 3) on white, and where anything is to be seen (h, w)."""
    if pixels.shape[2] != 4:
        colours = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
        return colours, np.ones(pixels.shape[:2], np.bool_)
    alpha = pixels[:, :, 3:].astype(np.float32) / 255
    colours = (pixels[:, :, :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return colours, pixels[:, :, 3] >= OPAQUE
