"""What travels through the pipeline: sizes, boxes, frames, pictures, and what was found in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import floor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

PixelArray = NDArray[np.uint8]
Affine = NDArray[np.float64]


def nearest_pixel(value: float) -> int:
    """A side in whole pixels: halves go up, never less than 1."""
    return max(1, floor(value + 0.5))


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def long_side(self) -> int:
        return max(self.width, self.height)

    def scaled(self, factor: float) -> Size:
        return Size(nearest_pixel(self.width * factor), nearest_pixel(self.height * factor))

    def turned(self) -> Size:
        return Size(self.height, self.width)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the picture, origin top left; x and y of its top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    @staticmethod
    def between(left: float, top: float, right: float, bottom: float) -> Box:
        return Box(left, top, right - left, bottom - top)

    def union(self, other: Box) -> Box:
        return Box.between(
            min(self.x, other.x), min(self.y, other.y), max(self.right, other.right), max(self.bottom, other.bottom)
        )

    def shared(self, other: Box) -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.x, other.x)
        height = min(self.bottom, other.bottom) - max(self.y, other.y)
        return width * height if width > 0 and height > 0 else 0.0

    def overlap(self, other: Box) -> float:
        """Intersection over union, in [0, 1]."""
        both = self.shared(other)
        return both / (self.area + other.area - both) if both else 0.0

    def clipped(self) -> Box | None:
        """The part inside the picture, or None where nothing is."""
        left, top, right, bottom = max(self.x, 0.0), max(self.y, 0.0), min(self.right, 1.0), min(self.bottom, 1.0)
        return Box.between(left, top, right, bottom) if right > left and bottom > top else None

    def grown(self, by: float) -> Box:
        """The same centre, each side longer by the fraction `by` (0.2: 20 %)."""
        return Box(
            self.x - self.width * by / 2, self.y - self.height * by / 2, self.width * (1 + by), self.height * (1 + by)
        )


@dataclass(frozen=True, slots=True)
class Mask:
    """Which pixels belong to something: `width` × `height` values of 0 to 255, row by row.

    `at` leads from fractions of the mask to fractions of the picture that it is about: (a, b, c, d, e, f) takes x, y to
    a·x + b·y + c, d·x + e·y + f. `masks.plane` lays it over a picture.
    """

    width: int
    height: int
    data: bytes = field(repr=False)
    at: tuple[float, float, float, float, float, float] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


HEAT, BETWEEN, WORDS = "heat:", "|", "words"  # arguments of kinds: objects:heat:dog|cat, text:words


@dataclass(frozen=True, slots=True)
class Region:
    """Something found at a place. `by` is the kind that was asked: faces, largest-face, all-faces, objects, codes …

    `points` are named landmarks in fractions of the picture; for faces right_eye, left_eye, nose, mouth_right and
    mouth_left, right and left being the person's own; for what lies askew its corners, `corner_1` to `corner_4`.
    `sure`: the score reaches what its model wants of this label before it counts. `text` is what is written there.
    """

    label: str
    score: float
    box: Box
    points: tuple[tuple[str, float, float], ...] = ()
    by: str = "objects"
    sure: bool = True
    text: str = ""
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A word for the whole picture, with the score in [0, 1] and the kind that was asked.

    `of` is the tag that it follows from, as `vehicle` does from `car`; empty where a detector says it itself.
    """

    name: str
    score: float
    by: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Swatch:
    """A main colour: `#rrggbb`, its nearest common name, and the share in [0, 1] of the picture that it covers."""

    hex: str
    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Missing:
    """A detector that could not answer: its kind, the model that it lacks, and what to do about it."""

    detector: str
    model: str
    how: str

    @property
    def passing(self) -> bool:
        """Whether a later try may do better: `how` says so then."""
        return "try again" in self.how


@dataclass(frozen=True)
class Saliency:
    """Where the eye goes: uint8 (h, w), 0 dull to 255 striking, over the whole picture."""

    map: PixelArray


@dataclass(frozen=True)
class Found:
    """What detectors found. Boxes are in [0, 1] of the picture that was asked about."""

    regions: tuple[Region, ...] = ()
    tags: tuple[Tag, ...] = ()
    colors: tuple[Swatch, ...] = ()
    saliency: Saliency | None = None
    models: tuple[tuple[str, str], ...] = ()  # kind of detector -> name@sha256 prefix
    missing: tuple[Missing, ...] = ()

    def by(self, kind: str) -> tuple[Region, ...]:
        return tuple(region for region in self.regions if region.by == kind)

    @property
    def faces(self) -> tuple[Region, ...]:
        """Faces to hold on to: those of the quick look for the largest one, else those of the thorough look."""
        return self.by("largest-face") or self.by("faces")

    @property
    def silent(self) -> tuple[str, ...]:
        """Who gave no answer, each once, whatever it was asked with: `objects` for `objects:heat:dog`."""
        return tuple(dict.fromkeys(missing.detector.partition(":")[0] for missing in self.missing))

    def merged(self, other: Found) -> Found:
        """Both, as the answers to different questions about the same picture."""
        return Found(
            self.regions + other.regions,
            self.tags + other.tags,
            self.colors + other.colors,
            self.saliency or other.saliency,
            tuple(dict((*self.models, *other.models)).items()),
            tuple(dict.fromkeys((*self.missing, *other.missing))),
        )


FormatName = Literal["jpeg", "png", "webp", "gif", "avif", "heic", "tiff", "bmp", "ico", "jp2"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file's header says. `size` is as shown, after orientation; `frames` counts pages too."""

    format: FormatName
    size: Size
    frames: int
    animated: bool
    has_alpha: bool
    icc: str | None
    orientation: int
    bytes: int


@dataclass(frozen=True)
class Frame:
    """Pixels: uint8 (h, w, 1), (h, w, 3) BGR or (h, w, 4) BGRA with straight alpha; shown for `duration_ms`.

    Frames are never changed in place: an operation that needs other pixels makes a new array.
    """

    pixels: PixelArray
    duration_ms: int = 0

    @property
    def size(self) -> Size:
        return Size(self.pixels.shape[1], self.pixels.shape[0])

    @property
    def channels(self) -> int:
        return int(self.pixels.shape[2])

    @property
    def has_alpha(self) -> bool:
        return self.channels == 4

    def with_pixels(self, pixels: PixelArray) -> Frame:
        """The same moment with other pixels; (h, w) becomes (h, w, 1)."""
        return replace(self, pixels=pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis])


def identity() -> Affine:
    return np.eye(2, 3, dtype=np.float64)


@dataclass(frozen=True)
class Image:
    """A picture: upright, sRGB, one or more frames of one size.

    `loop` is how often an animation plays, 0 for ever. `from_source` takes a point of the upright source in fractions
    to fractions of this picture: geometry steps compose it, so that what was found on the source lands where it
    belongs after any crop, rotation or flip, whatever the scale that was decoded.
    """

    frames: tuple[Frame, ...]
    loop: int = 0
    from_source: Affine = field(default_factory=identity)

    @property
    def size(self) -> Size:
        return self.frames[0].size

    @property
    def animated(self) -> bool:
        return len(self.frames) > 1

    @property
    def has_alpha(self) -> bool:
        return any(frame.has_alpha for frame in self.frames)


@dataclass(frozen=True, slots=True)
class Scale:
    """Pixels at hand per nominal pixel, per axis; 1 unless the source was decoded smaller than it is.

    An operation that takes lengths in pixels and declares that it commutes with scaling multiplies them by this.
    """

    x: float = 1.0
    y: float = 1.0
