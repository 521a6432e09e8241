"""Laying one picture over or under another: where its copies go, how large the canvas becomes, how they are mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Literal

import cv2
import numpy as np

from .attention import eyes_for, eyes_then, things_seen
from .blending import BLENDS, Blend, blended, cut_by, seed_of
from .displacing import displaced
from .failure import Failure, Kind
from .geometry import placed
from .gravity import Compass, Focus, search_of
from .image import Box, Found, Frame, Image, PixelArray, Size
from .limits import Limits
from .modes import to_bgra, to_channels
from .params import TRANSPARENT, Length, pixels_of

Overflow = Literal["clip", "grow", "refuse"]
"""What becomes of a layer that passes the edge: it is cut off, the canvas grows, or the request is refused."""

Mixing = Blend | Literal["displace"]
MIXINGS: tuple[Mixing, ...] = (*BLENDS, "displace")

WHOLE = frozenset(("mask", "displace"))  # ways of mixing that change what no copy covers, or look beyond its edge


@dataclass(frozen=True)
class Placement:
    """Where a layer goes and how it is mixed. `x` and `y` lead inwards from the edges that the gravity names, right and
    down from a middle; tiles have so much room between them, and `displace` moves by so much. Fractions are of the
    region that the layer belongs to. `strength` and `opacity` are percentages.
    """

    gravity: str | Focus = "center"
    x: Length = 0
    y: Length = 0
    overflow: Overflow = "clip"
    blend: Mixing = "normal"
    strength: int = 50
    opacity: int = 100
    tile: bool = False
    cutter: bool = False
    under: bool = False


@dataclass(frozen=True)
class _Copy:
    """The pixels of a layer, and where their top left corner lies on the picture; outside of it where negative."""

    pixels: PixelArray
    left: int
    top: int

    @property
    def right(self) -> int:
        return self.left + int(self.pixels.shape[1])

    @property
    def bottom(self) -> int:
        return self.top + int(self.pixels.shape[0])

    def moved(self, right: int, down: int) -> _Copy:
        return replace(self, left=self.left + right, top=self.top + down)

    def clipped(self, size: Size) -> _Copy | None:
        """What of it lies on a picture of that size."""
        left, top = max(self.left, 0), max(self.top, 0)
        right, bottom = min(self.right, size.width), min(self.bottom, size.height)
        if left >= right or top >= bottom:
            return None
        part = self.pixels[top - self.top : bottom - self.top, left - self.left : right - self.left]
        return _Copy(part, left, top)


def keeps_size(overflow: Overflow, **_: object) -> bool:
    """Whether the picture is as large with the layer as without."""
    return overflow != "grow"


def eyes_of(gravity: str | Focus, **_: object) -> frozenset[str]:
    """The kinds of detections that a layer's gravity asks for at first."""
    return eyes_for(gravity)


def more_eyes_of(found: Found, gravity: str | Focus, **_: object) -> frozenset[str]:
    return eyes_then(gravity, found)


def laid(
    image: Image, picture: Callable[[Size], Image], place: Placement, found: Found, limits: Limits, what: str = "layer"
) -> Image:
    """The picture with the layer that `picture` makes for a region of it; of an animation its first frame.

    A gravity that looks for `faces` lays a copy on each, and none where there is none; another one lays it on the
    largest thing of its kind, or else in the middle. Raises Failure layer-overflow where nothing may pass the edge,
    layer-too-large where the canvas would grow beyond `limits`; with another word for `what` its codes begin so.
    """
    size = image.size
    copies = list(_tiles(size, picture, place) if place.tile else _copies(size, picture, place, found))
    if place.overflow == "refuse":
        for copy in copies:
            _check_inside(copy, size, what)
    if place.overflow == "grow" and copies and not place.cutter and place.blend not in WHOLE:
        canvas, left, top = _canvas(size, copies)
        check_size(canvas, limits, what)
        image = placed(image, canvas, left, top, TRANSPARENT)
        copies = [copy.moved(left, top) for copy in copies]
    shown = [copy for copy in (one.clipped(image.size) for one in copies) if copy]
    # Of an animation the first frame says how the layer varies: else it would flicker.
    seed = seed_of(image.frames[0].pixels) if place.blend == "anti-removal" else None
    frames = tuple(_mixed(frame, shown, place, size, seed) for frame in image.frames)
    return replace(image, frames=frames)


# Where


def _regions(size: Size, place: Placement, found: Found) -> list[Box]:
    """What copies belong to: the whole picture, or each thing that was looked for."""
    search = search_of(place.gravity)
    seen = things_seen(search, found)
    each = search is not None and "faces" in search.things
    return [region.box for region in seen] if seen or each else [Box(0, 0, 1, 1)]


def _copies(size: Size, picture: Callable[[Size], Image], place: Placement, found: Found) -> Iterator[_Copy]:
    for box in _regions(size, place, found):
        region = Size(max(1, round(box.width * size.width)), max(1, round(box.height * size.height)))
        pixels = _shown(picture(region), place)
        across, down = _corner(size, box, Size(pixels.shape[1], pixels.shape[0]), place)
        yield _Copy(pixels, floor(across + 0.5), floor(down + 0.5))


def _corner(size: Size, box: Box, layer: Size, place: Placement) -> tuple[float, float]:
    """Left and top of the layer on the picture, in pixels."""
    if place.blend == "displace":
        place = replace(place, x=0, y=0)
    x, y = pixels_of(place.x, ceil(box.width * size.width)), pixels_of(place.y, ceil(box.height * size.height))
    if isinstance(place.gravity, Focus):
        across, down = place.gravity.within(size.width, size.height)
        return across * size.width - layer.width / 2 + x, down * size.height - layer.height / 2 + y
    if place.gravity in Compass:
        across, down = Compass[place.gravity]
        left, top = (size.width - layer.width) * across, (size.height - layer.height) * down
        return left + (-x if across == 1 else x), top + (-y if down == 1 else y)
    across, down = box.centre
    return across * size.width - layer.width / 2 + x, down * size.height - layer.height / 2 + y


def _tiles(size: Size, picture: Callable[[Size], Image], place: Placement) -> Iterator[_Copy]:
    """Copies side by side over all of the picture, one of them where the gravity puts it."""
    pixels = to_bgra(_shown(picture(size), place))
    layer = Size(pixels.shape[1], pixels.shape[0])
    step = Size(layer.width + _room(place.x, size.width), layer.height + _room(place.y, size.height))
    left, top = _corner(size, Box(0, 0, 1, 1), layer, replace(place, x=0, y=0))
    across = (np.arange(size.width) - floor(left + 0.5)) % step.width
    columns = np.flatnonzero(across < layer.width)
    sources = across[columns]
    # Row by row: a layer of one pixel would have 50 million copies. 0.3 s for 50 megapixels, however large it is.
    colours = np.ascontiguousarray(pixels).view(np.uint32)[:, :, 0]
    whole = np.zeros((size.height, size.width), np.uint32)
    for row in range(size.height):
        at = (row - floor(top + 0.5)) % step.height
        if at < layer.height:
            whole[row, columns] = colours[at, sources]
    yield _Copy(whole.view(np.uint8).reshape(size.height, size.width, 4), 0, 0)


def _room(length: Length, whole: int) -> int:
    return max(0, floor(pixels_of(length, whole) + 0.5))


def _shown(layer: Image, place: Placement) -> PixelArray:
    """Its pixels, as opaque as wanted."""
    if place.opacity == 100:
        return layer.frames[0].pixels
    pixels = to_bgra(layer.frames[0].pixels).copy()
    levels = (np.arange(256) * place.opacity / 100 + 0.5).astype(np.uint8)
    pixels[:, :, 3] = cv2.LUT(pixels[:, :, 3], levels)
    return pixels


# How large


def _check_inside(copy: _Copy, size: Size, what: str) -> None:
    if copy.left < 0 or copy.top < 0 or copy.right > size.width or copy.bottom > size.height:
        layer = Size(copy.right - copy.left, copy.bottom - copy.top)
        raise Failure(
            Kind.BAD_REQUEST, f"{what}-overflow",
            f"the {what} of {layer} at {copy.left},{copy.top} does not fit into the picture of {size}",
            hint="make it smaller, or allow it to pass the edge", details={"layer": str(layer), "picture": str(size)},
        )  # fmt: skip


def _canvas(size: Size, copies: Sequence[_Copy]) -> tuple[Size, int, int]:
    """The canvas that holds picture and copies, and where on it the picture lies."""
    left, top = max(0, *(-copy.left for copy in copies)), max(0, *(-copy.top for copy in copies))
    right = max(size.width, *(copy.right for copy in copies))
    bottom = max(size.height, *(copy.bottom for copy in copies))
    return Size(left + right, top + bottom), left, top


def check_size(size: Size, limits: Limits, what: str = "layer") -> None:
    """Raises Failure layer-too-large: of a layer, or of a picture that has grown for it."""
    if size.long_side > limits.result_side or size.pixels > limits.result_pixels:
        raise Failure(
            Kind.BAD_REQUEST, f"{what}-too-large",
            f"the {what} needs {size} pixels: more than {limits.result_side} a side, or than"
            f" {limits.result_pixels / 1e6:g} megapixels",
            details={"maximum_side": limits.result_side, "maximum_pixels": limits.result_pixels},
        )  # fmt: skip


# How mixed


def _mixed(frame: Frame, copies: Sequence[_Copy], place: Placement, began: Size, seed: int | None) -> Frame:
    pixels = frame.pixels
    if place.under or place.cutter or place.blend in WHOLE:
        return frame.with_pixels(_wholly(pixels, _one_canvas(copies, frame.size), place, began, seed))
    return frame.with_pixels(_over(pixels, copies, place, seed))


def _wholly(pixels: PixelArray, canvas: PixelArray, place: Placement, size: Size, seed: int | None) -> PixelArray:
    if place.cutter:
        return cut_by(pixels, canvas)
    if place.blend == "displace":
        return displaced(pixels, canvas, pixels_of(place.x, size.width), pixels_of(place.y, size.height))
    below, above = (canvas, pixels) if place.under else (pixels, canvas)
    return blended(below, above, place.blend, place.strength, seed=seed)


def _one_canvas(copies: Sequence[_Copy], size: Size) -> PixelArray:
    """All copies on one transparent canvas of that size."""
    canvas = np.zeros((size.height, size.width, 4), np.uint8)
    for copy in copies:
        part = canvas[copy.top : copy.bottom, copy.left : copy.right]
        part[:] = to_bgra(copy.pixels) if len(copies) == 1 else to_bgra(blended(part, copy.pixels))
    return canvas


def _over(pixels: PixelArray, copies: Sequence[_Copy], place: Placement, seed: int | None) -> PixelArray:
    """The picture is copied once, however many copies of the layer there are."""
    assert place.blend != "displace"  # noqa: S101 - it is done with the whole canvas
    result = pixels
    for copy in copies:
        rows, columns = slice(copy.top, copy.bottom), slice(copy.left, copy.right)
        part = blended(result[rows, columns], copy.pixels, place.blend, place.strength, seed=seed)
        channels = max(part.shape[2], result.shape[2])
        result = to_channels(result, channels)
        result = result.copy() if result is pixels else result
        result[rows, columns] = to_channels(part, channels)
    return result
