"""Backdrops as pixels: colours taken from a picture, gradients of them, and the picture itself, blurred."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from .backdrop import Backdrop, Blurred, Direction, Taken
from .geometry import around, inlaid, largest, pixels_in, placed
from .hues import BLACK, WHITE, Colour
from .image import Image, PixelArray, Size
from .modes import to_bgr
from .resample import mix, resize_weighted, shrink, soften_weighted

Paint = Callable[[PixelArray], PixelArray]
"""From the pixels of a frame to those of the canvas behind it: new, opaque, gray or BGR."""

SIDE = 160  # px of the longer side of the copy on which colours of the whole picture are counted
BIN = 8  # levels of a channel that count as one; three bins wide is a colour, so that noise of ±8 does not split it
LEAST_SHARE = 0.02  # of the pixels, below which a colour is not a main one
MOST_COLOURS = 6
RIVALS = 3  # main colours of which the most contrasting one is taken
OPAQUE = 128  # alpha from which a pixel counts
COARSE = 128  # px, the longer side of a copy on which transparent parts are filled
SIGMA = 0.05  # of the blur at intensity 100, in shorter sides of the canvas
STEPS = 4096  # of a gradient

Floats = NDArray[np.float64]


def on_backdrop(image: Image, canvas: Size, left: int, top: int, backdrop: Backdrop) -> Image:
    """The picture on a larger canvas that shows the backdrop in its margin."""
    if isinstance(backdrop, Colour):
        return placed(image, canvas, left, top, backdrop)
    return image if canvas == image.size else inlaid(image, canvas, left, top, paint_for(backdrop, image, canvas))


def paint_for(backdrop: Taken | Blurred, image: Image, canvas: Size) -> Paint:
    """What makes the canvas behind each frame. Colours are those of the first one, so that nothing flickers."""
    if isinstance(backdrop, Blurred):
        return lambda pixels: _blurred(pixels, canvas, backdrop)
    direction = _direction(backdrop, image.size, canvas)
    whole = _gradient(canvas, _colours(image, backdrop, direction), direction)
    return lambda _: whole.copy()


def _direction(backdrop: Taken, picture: Size, canvas: Size) -> Direction:
    """The wanted one, or else the way in which there is more room beside the picture; without any, down."""
    across, down = canvas.width - picture.width, canvas.height - picture.height
    return backdrop.direction or ("horizontal" if across > down else "vertical")


# The picture, blurred


def _blurred(pixels: PixelArray, canvas: Size, wanted: Blurred) -> PixelArray:
    """The middle of the picture over all of the canvas; transparent parts take the colours around them first."""
    if pixels.shape[2] == 4:
        shown = (pixels[:, :, 3] / np.float32(255)).astype(np.float32)
        pixels = mix(pixels[:, :, :3], resize_weighted(_surroundings(pixels), Size(*shown.shape[::-1])), shown)
    size = Size(pixels.shape[1], pixels.shape[0])
    width, height = largest(Fraction(canvas.width, canvas.height), size)
    left, top, across, down = pixels_in(around((0.5, 0.5), width, height), size)
    sigma = wanted.intensity / 100 * SIGMA * min(canvas.width, canvas.height)
    less = max(1.0, sigma / 8)  # all is done on a copy on which the blur is still 8 px wide
    small = Size(ceil(canvas.width / less), ceil(canvas.height / less))
    window = resize_weighted(pixels[top : top + down, left : left + across], small)
    soft = soften_weighted(window, sigma * small.width / canvas.width, sigma * small.height / canvas.height)
    levels = np.clip(np.arange(256) * (1 + wanted.brightness / 100) + 0.5, 0, 255).astype(np.uint8)
    return np.array(levels[resize_weighted(soft, canvas)], order="C")


def _surroundings(pixels: PixelArray) -> PixelArray:
    """BGR on a small copy: each pixel the colour of what shows nearest to it.

    The push-pull of Gortler and others (The Lumigraph, 1996): halved until nothing is transparent, then each step back
    laid over the one before.
    """
    size = Size(pixels.shape[1], pixels.shape[0])
    small = shrink(pixels, size.scaled(min(1.0, COARSE / size.long_side))).astype(np.float32)
    small[:, :, :3] *= small[:, :, 3:] / 255
    levels = [small]
    while max(small.shape[:2]) > 1:
        half = (ceil(small.shape[1] / 2), ceil(small.shape[0] / 2))
        small = cv2.resize(small, half, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
        levels.append(small)
    colours = levels[-1][:, :, :3] * 255 / np.maximum(levels[-1][:, :, 3:], 1e-3)
    for level in reversed(levels[:-1]):
        below = cv2.resize(colours, level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        colours = level[:, :, :3] + below * (1 - level[:, :, 3:] / 255)
    return np.clip(colours + 0.5, 0, 255).astype(np.uint8)


# Gradients


def _gradient(canvas: Size, colours: list[Colour], direction: Direction) -> PixelArray:
    """(h, w, 1|3): the colours at even distances, mixed in between."""
    stops = np.array([colour.bgra[:3] for colour in colours], np.float64)
    gray = bool((stops == stops[:, :1]).all())
    at = np.linspace(0, 1, STEPS)
    table = np.stack([np.interp(at, np.linspace(0, 1, len(stops)), channel) for channel in stops.T[: 1 if gray else 3]])
    table = (table.T + 0.5).astype(np.uint8)
    across, down = _along(canvas, direction)
    result = np.empty((canvas.height, canvas.width, table.shape[1]), np.uint8)
    for row, share in enumerate(down):
        result[row] = table[((across + share) * (STEPS - 1) + 0.5).astype(np.intp)]
    return result


def _along(canvas: Size, direction: Direction) -> tuple[Floats, Floats]:
    """What each column and each row add to the place along the direction, from 0 to 1."""
    across, down = ((np.arange(side) + 0.5) / side for side in (canvas.width, canvas.height))
    match direction:
        case "horizontal":
            return across, np.zeros(canvas.height)
        case "vertical":
            return np.zeros(canvas.width), down
        case "diagonal_desc":
            return across / 2, down / 2
        case "diagonal_asc":
            return across / 2, (1 - down) / 2


# Colours of a picture


@dataclass(frozen=True, slots=True)
class _Main:
    """A main colour, and the middle of where it is, in fractions of the picture."""

    colour: Colour
    x: float = 0.5
    y: float = 0.5

    def place(self, direction: Direction) -> float:
        match direction:
            case "horizontal":
                return self.x
            case "vertical":
                return self.y
            case "diagonal_desc":
                return self.x + self.y
            case "diagonal_asc":
                return self.x - self.y


def _colours(image: Image, wanted: Taken, direction: Direction) -> list[Colour]:
    """The colours of a backdrop: one, or those of a gradient in the order in which they lie in the picture."""
    mains = _mains(image.frames[0].pixels, wanted.of)
    if wanted.contrast:
        mains = _contrasting(mains, wanted.shades)
    shown = sorted(mains[: wanted.shades], key=lambda main: main.place(direction))
    return _within([main.colour for main in shown], wanted.palette)


def _contrasting(mains: list[_Main], shades: int) -> list[_Main]:
    """The main colour and those that differ most from it and from each other; for one shade the first of those.

    Where there is only one colour, black or white is the other.
    """
    chosen, others = mains[:1], mains[1 : RIVALS if shades == 1 else None]
    others = others or [_Main(BLACK), _Main(WHITE)]
    while others and len(chosen) < max(2, shades) and (len(mains) > 1 or len(chosen) < 2):
        distances = _distances([main.colour for main in others], [main.colour for main in chosen]).min(axis=1)
        chosen.append(others.pop(int(distances.argmax())))
    return chosen[1:] if shades == 1 else chosen


def _within(colours: list[Colour], palette: tuple[Colour, ...]) -> list[Colour]:
    """The nearest colours of the palette, each taken once as long as there are others."""
    if not palette:
        return colours
    result, left = [], list(palette)
    for colour in colours:
        left = left or list(palette)
        result.append(left.pop(int(_distances([colour], left).argmin())))
    return result


def _distances(these: Iterable[Colour], those: Iterable[Colour]) -> Floats:
    """How different colours look: distances in CIE Lab, (these, those)."""
    one, other = (_lab(colours) for colours in (these, those))
    distances: Floats = np.linalg.norm(one[:, np.newaxis] - other[np.newaxis], axis=2)
    return distances


def _lab(colours: Iterable[Colour]) -> Floats:
    bgr = np.array([[colour.bgra[:3] for colour in colours]], np.float32) / np.float32(255)
    lab: Floats = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2Lab), np.float64)[0]
    return lab


def _mains(pixels: PixelArray, of: str) -> list[_Main]:
    """Main colours, the most frequent first, of what can be seen: of the border, or of everything.

    Where the border cannot be seen everything is taken, and white where nothing can.
    """
    looks = [_border] if of == "border" else []
    for look in [*looks, _everything]:
        colours, places = look(pixels)
        if len(colours):
            return _clusters(colours, places)
    return [_Main(WHITE)]


def _border(pixels: PixelArray) -> tuple[PixelArray, Floats]:
    """Colours (n, 3) of the first and last visible pixels of each row and column, and where they are (n, 2).

    Of a picture that was turned, or whose corners are cut, these are its own edges, not where it touches the canvas.
    """
    height, width = pixels.shape[:2]
    seen = pixels[:, :, 3] >= OPAQUE if pixels.shape[2] == 4 else np.ones((height, width), np.bool_)
    across, down = np.arange(width), np.arange(height)
    first, last = seen.argmax(axis=0), height - 1 - seen[::-1].argmax(axis=0)
    left, right = seen.argmax(axis=1), width - 1 - seen[:, ::-1].argmax(axis=1)
    rows, columns = np.concatenate([first, last, down, down]), np.concatenate([across, across, left, right])
    return _visible(pixels[rows, columns], columns / width, rows / height)


def _everything(pixels: PixelArray) -> tuple[PixelArray, Floats]:
    size = Size(pixels.shape[1], pixels.shape[0])
    small = shrink(pixels, size.scaled(min(1.0, SIDE / size.long_side)))
    rows, columns = np.indices(small.shape[:2]).reshape(2, -1)
    return _visible(small.reshape(-1, small.shape[2]), columns / small.shape[1], rows / small.shape[0])


def _visible(pixels: PixelArray, x: Floats, y: Floats) -> tuple[PixelArray, Floats]:
    seen = pixels[:, 3] >= OPAQUE if pixels.shape[1] == 4 else np.ones(len(pixels), np.bool_)
    if not seen.any():
        return np.empty((0, 3), np.uint8), np.empty((0, 2))
    return to_bgr(pixels[seen][np.newaxis])[0], np.stack([x, y], axis=1)[seen]


def _clusters(colours: PixelArray, places: Floats) -> list[_Main]:
    """The most frequent colour with what looks like it, then that of what is left, and so on."""
    bins = (colours // BIN).astype(np.intp)
    left, mains = np.ones(len(colours), np.bool_), list[_Main]()
    while left.any() and len(mains) < MOST_COLOURS:
        alike = left & (np.abs(bins - _fullest(bins[left])) <= 1).all(axis=1)
        if mains and alike.sum() < LEAST_SHARE * len(colours):
            break
        blue, green, red = np.median(colours[alike], axis=0).astype(int).tolist()
        mains.append(_Main(Colour(red, green, blue), *places[alike].mean(axis=0).tolist()))
        left &= ~alike
    return mains


def _fullest(bins: NDArray[np.intp]) -> NDArray[np.intp]:
    """The bin that holds most together with its 26 neighbours; of equal ones that which holds most itself."""
    count = 256 // BIN
    own = np.bincount(bins @ np.array([count * count, count, 1]), minlength=count**3).reshape(count, count, count)
    total = own.astype(np.float64)
    for axis in range(3):
        padded = np.pad(total, [(1, 1) if at == axis else (0, 0) for at in range(3)])
        total = sum(np.take(padded, np.arange(count) + shift, axis=axis) for shift in range(3))  # type: ignore[assignment]
    return np.array(np.unravel_index(int(np.argmax(total + own / (len(bins) + 1))), total.shape), np.intp)
