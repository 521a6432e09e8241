"""The quality that a picture needs: the smallest file that looks good enough, or the best one that is small enough."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .codecs import load_plugin, open_picture
from .image import Frame, Image, PixelArray
from .inks import Sheet
from .likeness import Original
from .modes import to_pixels
from .output import Level, OutputFormat

MOST_ENCODES = 4  # for a level, the file that is sent included
MOST_FITTING = 6  # for a number of bytes

SAVING: dict[Level, Level] = {"best": "good", "good": "eco", "eco": "low", "low": "low"}
"""What Save-Data makes of a level."""

GRADES: dict[Level, float] = {"best": 80.0, "good": 72.0, "eco": 64.0, "low": 57.0}
"""What a file has to reach, on the scale of SSIMULACRA2: 90 is the same to the eye, 70 high quality, 50 medium."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """How a format's grades come about: `base` + `like` × -ln(1 - likeness) + `each` × quality.

    Fitted to SSIMULACRA2 of 15 photographs at 560 px, from 55 to 88 points: what remains has a standard deviation of
    2.0 points, where likeness alone leaves 3.4, 2.4 and 2.6, and the quality alone 3.5, 3.1 and 3.4 (JPEG, WebP, AVIF).
    `slope` is about how many points one more of quality brings; `bounds` and `first` guess of quality by level.
    """

    base: float
    like: float
    each: float
    slope: float
    bounds: dict[Level, tuple[int, int]]
    first: dict[Level, int]


SCALES: dict[OutputFormat, _Scale] = {
    "jpeg": _Scale(
        28.4, 7.42, 0.311, 0.55,
        {"best": (60, 92), "good": (45, 82), "eco": (35, 75), "low": (25, 65)},
        {"best": 80, "good": 66, "eco": 49, "low": 36},
    ),
    "webp": _Scale(
        26.8, 10.34, 0.181, 0.6,
        {"best": (60, 93), "good": (45, 88), "eco": (35, 80), "low": (25, 70)},
        {"best": 84, "good": 73, "eco": 51, "low": 34},
    ),
    "avif": _Scale(
        22.0, 9.41, 0.341, 0.9,
        {"best": (50, 85), "good": (40, 74), "eco": (32, 66), "low": (25, 58)},
        {"best": 70, "good": 58, "eco": 49, "low": 42},
    ),
}  # fmt: skip
MEASURED = frozenset(SCALES)

NEAR = 1.2  # points above the grade that are not worth another try: two of JPEG's qualities
_SAMPLED = 700_000  # pixels above which a mosaic of parts is measured
PART = 192  # px, side of a part; a multiple of the blocks of all formats
_PARTS = 12  # of a mosaic, 4 × 3: 0.44 megapixels
_RESERVE = 1.5  # times as long as the last try that must be left for another one


@dataclass(frozen=True)
class Tried:
    """A quality that was tried, what it came to (points, or bytes), and the file."""

    quality: int
    result: float
    body: bytes


@dataclass(frozen=True)
class Found:
    """The quality to write with. `body` is the whole file where it was tried on all of it; `hurried`: no time for more
    tries; `encodes` that it took."""

    quality: int
    body: bytes | None
    encodes: int
    hurried: bool = False


Write = Callable[[Sheet, int], bytes]


def measured(
    name: OutputFormat, sheet: Sheet, level: Level, write: Write, most: int = MOST_ENCODES, deadline: float = math.inf
) -> Found:
    """The least quality in the bounds of the format and level that reaches the level's grade.

    A large picture is measured on parts of it, an animation on its busiest frame. With the file itself at most
    `most` are made; towards the deadline (of time.monotonic()) fewer.
    """
    scale, grade = SCALES[name], GRADES[level]
    sample = sampled(busiest(sheet.image))
    whole = not sheet.image.animated and sample is sheet.image.frames[0]
    shown = sheet if whole else Sheet(replace(sheet.image, frames=(sample,)), sheet.beside)
    original = Original(sample.pixels)

    def grade_of(quality: int) -> Tried:
        body = write(shown, quality)
        apart = max(1 - original.likeness(decoded(name, body)), 1e-4)
        return Tried(quality, scale.base - scale.like * math.log(apart) + scale.each * quality, body)

    # What all of it takes, where only parts were tried: by pixels, and it must be left at the end.
    rest = 0.0 if whole else sheet.image.size.pixels * len(sheet.image.frames) / sample.size.pixels
    tries, hurried = _climbed(grade_of, grade, scale, level, most - (not whole), deadline, rest)
    best = _smallest(tries, grade)
    return Found(best.quality, best.body if whole else None, len(tries) + (not whole), hurried)


def _climbed(
    grade_of: Callable[[int], Tried], grade: float, scale: _Scale, level: Level, most: int, deadline: float, rest: float
) -> tuple[list[Tried], bool]:
    """What was tried, by the slope between the two tries next to the grade, and whether there was no time for more."""
    low, high = scale.bounds[level]
    quality, tries = scale.first[level], list[Tried]()
    while True:
        began = time.monotonic()
        tries.append(grade_of(quality))
        if len(tries) == most:
            return tries, False
        quality = min(max(_next(tries, grade, scale.slope), low), high)
        if grade <= tries[-1].result <= grade + NEAR or quality in {tried.quality for tried in tries}:
            return tries, False
        took = time.monotonic() - began
        if time.monotonic() + took * (_RESERVE + rest) > deadline:
            return tries, True


def _next(tries: list[Tried], grade: float, slope: float) -> int:
    """Where the grade should be reached, a little above it."""
    aim = grade + NEAR / 3
    below = max((t for t in tries if t.result < grade), key=lambda t: t.quality, default=None)
    above = min((t for t in tries if t.result >= grade), key=lambda t: t.quality, default=None)
    if below and above and above.quality > below.quality:
        share = (aim - below.result) / max(above.result - below.result, 1e-6)
        guess = below.quality + share * (above.quality - below.quality)
        return min(max(math.ceil(guess), below.quality + 1), above.quality)
    nearest = min(tries, key=lambda t: abs(t.result - grade))
    if len(tries) > 1:
        one, other = (
            sorted(tries, key=lambda t: t.quality)[:2] if above else sorted(tries, key=lambda t: -t.quality)[:2]
        )
        steep = (one.result - other.result) / (one.quality - other.quality)
        slope = min(max(steep, slope / 2.5), slope * 2.5)
    return nearest.quality + math.ceil((aim - nearest.result) / slope)


def _smallest(tries: list[Tried], grade: float) -> Tried:
    """The smallest file that reaches the grade, else the best."""
    reached = [tried for tried in tries if tried.result >= grade]
    return min(reached, key=lambda t: t.quality) if reached else max(tries, key=lambda t: t.result)


Growth = Callable[[int], float]


def of_detail(quality: int) -> float:
    """How finely libjpeg keeps what it keeps; files of WebP and AVIF grow much alike."""
    coarseness = 5000 / quality if quality < 50 else 200 - 2 * quality
    return -0.62 * math.log(coarseness + 2)


def of_colours(quality: int) -> float:
    """PNG and GIF, whose quality is a number of colours."""
    return 0.45 * math.log(quality)


def fitting(
    write: Callable[[int], bytes], most_bytes: int, highest: int, deadline: float = math.inf,
    known: bytes | None = None, most: int = MOST_FITTING, growth: Growth = of_detail,
) -> Found:  # fmt: skip
    """About the largest quality up to `highest` whose file has at most so many bytes; where none has, quality 1.

    At most `most` files are made, `known` included, which is the one of the highest quality where that has been
    written; the last chance is always quality 1, so that whatever can fit does. `growth` is about how the logarithm of
    bytes grows with quality.
    """
    body, encodes = known or write(highest), 1
    search = _Search(math.log(most_bytes), Tried(highest, math.log(len(body)), body), growth)
    while encodes < most and not search.is_over:
        began = time.monotonic()
        quality = 1 if not search.fits and encodes == most - 1 else search.guess()
        body = write(quality)
        encodes += 1
        search.take(Tried(quality, math.log(len(body)), body))
        now = time.monotonic()
        if search.fits and not search.is_over and now + (now - began) * _RESERVE > deadline:
            return Found(search.fits.quality, search.fits.body, encodes, hurried=True)
    best = search.fits or search.too_big
    return Found(best.quality, best.body, encodes)


_CLOSE = 0.02  # of the logarithm of bytes below the goal, which is not worth another try
_AIM = 0.01  # below the goal, lest the last tries be too big by a few bytes
_FAR, _FARTHER = 1.1, 1.6  # times as far as `growth` says is gone from what is too big, at first and later


class _Search:
    """Between a file that is too big and one that fits: where the line between them meets the goal.

    The line is of the logarithm of bytes over `growth`. An end that stays while the other is replaced twice counts
    half from then on (Illinois), without which the tries creep towards the goal from one side. With goals of 10 to
    60 kB for 32 photographs as JPEG, WebP and AVIF this takes 4.1 files, and the quality is 0.1 below the best that
    fits, 3 at most; over quality itself it would be 4.9 files and up to 42. PNG and GIF get within 2 % of the bytes.
    """

    def __init__(self, goal: float, highest: Tried, growth: Growth) -> None:
        self.goal, self.too_big, self.growth = goal, highest, growth
        self.fits: Tried | None = None
        self._latest: Tried | None = None
        self._above = self._below = 0.0
        self._reach = _FAR
        self.take(highest)

    def take(self, tried: Tried) -> None:
        """Note a file that was made."""
        apart = tried.result - (self.goal - _AIM)
        if tried.result <= self.goal:
            self._above /= 2 if self._latest is self.fits else 1
            self.fits, self._below = tried, apart
        else:
            self._below /= 2 if self._latest is self.too_big else 1
            self.too_big, self._above = tried, apart
        self._latest = tried

    @property
    def is_over(self) -> bool:
        low = self.fits.quality if self.fits else 0
        return self.too_big.quality - low <= 1 or bool(self.fits and self.fits.result > self.goal - _CLOSE)

    def guess(self) -> int:
        """The quality to try next, above what fits and below what is too big."""
        high = self.growth(self.too_big.quality)
        if self.fits:
            low, least = self.growth(self.fits.quality), self.fits.quality + 1
            aim = low + (high - low) * self._below / (self._below - self._above)
        else:
            aim, least = high - self._above * self._reach, 1
            self._reach = _FARTHER
        return least - 1 + max(1, bisect_right(range(least, self.too_big.quality), aim, key=self.growth))


def busiest(image: Image) -> Frame:
    """The frame with the most edges, by which an animation is judged; the first of those that are alike."""
    if not image.animated:
        return image.frames[0]
    return max(image.frames, key=lambda frame: _edges(frame.pixels))


def _edges(pixels: PixelArray) -> float:
    height, width = pixels.shape[:2]
    size = min(width, 160), min(height, 160)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST)
    return round(float(np.abs(cv2.Laplacian(small, cv2.CV_32F)).mean()), 3)


def sampled(frame: Frame) -> Frame:
    """The frame, or of a large one a mosaic of parts from all over it, pixel by pixel."""
    height, width = frame.pixels.shape[:2]
    if width * height <= _SAMPLED or min(width, height) < 3 * PART:
        return frame
    rows = [
        np.hstack([frame.pixels[y : y + PART, x : x + PART] for x in _places(width, 4)]) for y in _places(height, 3)
    ]
    return frame.with_pixels(np.ascontiguousarray(np.vstack(rows)))


def _places(side: int, parts: int) -> list[int]:
    """Where the parts begin, evenly over the side, on the grid of blocks."""
    last = side - PART
    return [round(last * (index + 0.5) / parts) // 16 * 16 for index in range(parts)]


def decoded(name: OutputFormat, body: bytes) -> PixelArray:
    """The pixels of a file that was just written: profiles and orientation are left alone."""
    if name == "jpeg":
        pixels = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if pixels is not None:
            return np.asarray(pixels, np.uint8)
    load_plugin(name)
    return to_pixels(open_picture(body, name))
