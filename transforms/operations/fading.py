"""Away towards the edges: vignette and gradient-fade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from ..geometry import nominal
from ..image import Box, Frame, Image, PixelArray, Scale
from ..modes import to_bgra
from ..params import Length, Offset, Percent, pixels_of
from ..projection import moved
from ..registry import operation
from ..resample import mix

Weights = NDArray[np.float32]

_BAND = 128  # rows that are worked on at once, in numbers of four bytes
_LINEAR = 20  # the strength at which a fade is even


@operation("vignette", example="vignette:50", scaling="commutes")
def vignette(frame: Frame, strength: Annotated[int, Percent()] = 20) -> Frame:
    """Darken the picture towards its corners, as a lens does; the middle stays as it is, at 100 the corners are black.

    Levels are multiplied by 1 - d (2 - r²) r², where r is 0 in the middle and 1 in the corners, on ellipses of the
    picture's ratio, and d is 1 - (1 - strength / 100)². Transparency stays.
    """
    if strength == 0:
        return frame
    pixels, darkness = frame.pixels, 1 - (1 - strength / 100) ** 2
    across, down = (_from_middle(side) ** 2 / 2 for side in (frame.size.width, frame.size.height))
    result = np.empty_like(pixels)
    for top in range(0, len(pixels), _BAND):
        band = pixels[top : top + _BAND]
        away = down[top : top + _BAND, np.newaxis] + across
        result[top : top + _BAND] = _dimmed(band, np.asarray(1 - darkness * (away * (2 - away)), np.float32))
    return frame.with_pixels(result)


def _from_middle(side: int) -> Weights:
    """-1 at the first pixel, 1 at the last."""
    return np.linspace(-1, 1, side, dtype=np.float32) if side > 1 else np.zeros(1, np.float32)


def _dimmed(pixels: PixelArray, share: Weights) -> PixelArray:
    """The colours multiplied by their share, on black; alpha as it was."""
    if pixels.shape[2] == 4:
        dimmed = mix(np.ascontiguousarray(pixels[:, :, :3]), np.zeros((*pixels.shape[:2], 3), np.uint8), share)
        return np.dstack([dimmed, pixels[:, :, 3]])
    return mix(pixels, np.zeros_like(pixels), share)


@dataclass(frozen=True)
class _Fade:
    """Along one axis: how long the fade is (from the far edge where negative), of which part, and how steep."""

    long: float  # pixels at hand
    part: tuple[int, int]  # first pixel, and the one after the last
    steepness: float

    def share(self, side: int, both: bool) -> Weights:
        """How much of each pixel is left, 0 to 1."""
        begin, end = self.part
        place = np.arange(side, dtype=np.float32) + np.float32(0.5)
        first, last = place - begin, end - place
        ways = (first, last) if both else (first,) if self.long > 0 else (last,)
        away = np.minimum.reduce(ways) / np.float32(max(abs(self.long), 1e-6))
        share: Weights = away.clip(0, 1) ** np.float32(self.steepness)
        return share


@operation("gradient-fade", example="gradient-fade:30,x=0.4", scaling="commutes")
def gradient_fade(
    image: Image,
    strength: Annotated[int, Percent()] = 20,
    type: Literal["plain", "symmetric", "symmetric-pad"] = "plain",  # noqa: A002 - the word of the URL
    x: Annotated[Length | None, Offset()] = None,
    y: Annotated[Length | None, Offset()] = None,
    *,
    scale: Scale,
) -> Image:
    """Let the picture fade out towards an edge, where it becomes transparent.

    `x` is how far in from the left the fade begins, `y` from the top, negative ones from the right and from below; in
    pixels, or with a decimal point in fractions of the picture. With both it fades at two edges, without any over the
    upper half (`y=0.5`). `strength` is how steep: 20 is even, less leaves more of the picture, 0 all of it; what is
    left at a share t of the way in is t to the power of strength / 20.

    `symmetric` fades the opposite edge as well. `symmetric-pad` is for after `pad`: the picture itself fades, on each
    side where there is a margin, into what the margin shows there; without one it fades as with `symmetric`.

    The size stays. What fades shows where a format has alpha, on white in JPEG.
    """
    fades = _fades(image, strength / _LINEAR, x, y, scale, inner=type == "symmetric-pad")
    if strength == 0 or all(fade is None or fade.long == 0 for fade in fades):
        return image
    frames = (frame.with_pixels(_faded(frame.pixels, fades, type)) for frame in image.frames)
    return replace(image, frames=tuple(frames))


def _fades(
    image: Image, steepness: float, x: Length | None, y: Length | None, scale: Scale, *, inner: bool
) -> tuple[_Fade | None, _Fade | None]:
    size, whole = image.size, nominal(image.size, scale)
    part = (moved(Box(0, 0, 1, 1), image.from_source).clipped() if inner else None) or Box(0, 0, 1, 1)
    if x is None and y is None:
        y = 0.5
    axes = (
        (x, size.width, whole.width, part.x, part.right, scale.x),
        (y, size.height, whole.height, part.y, part.bottom, scale.y),
    )
    return tuple(_axis(steepness, *axis) for axis in axes)  # type: ignore[return-value]


def _axis(
    steepness: float, length: Length | None, side: int, whole: int, begin: float, end: float, scale: float
) -> _Fade | None:
    """The fade along an axis of `side` pixels at hand; fractions are of the part that fades."""
    if length is None:
        return None
    long = pixels_of(length, whole) * scale * (end - begin if isinstance(length, float) else 1)
    return _Fade(long, (round(begin * side), round(end * side)), steepness)


def _faded(pixels: PixelArray, fades: tuple[_Fade | None, _Fade | None], type: str) -> PixelArray:  # noqa: A002
    """Straight alpha, times what is left; or the picture in its margin, mixed with the pixels next to it."""
    height, width = pixels.shape[:2]
    across = fades[0].share(width, type != "plain") if fades[0] else None
    down = fades[1].share(height, type != "plain") if fades[1] else None
    if type == "symmetric-pad":
        return _into_margins(pixels, fades, across, down)
    return _seen_through(pixels, across, down)


def _seen_through(pixels: PixelArray, across: Weights | None, down: Weights | None) -> PixelArray:
    result = to_bgra(pixels)
    result = result.copy() if result is pixels else result
    for top in range(0, len(result), _BAND):
        alpha = result[top : top + _BAND, :, 3]
        share = (down[top : top + _BAND, np.newaxis] if down is not None else np.float32(1)) * (
            across if across is not None else np.float32(1)
        )
        alpha[:] = (alpha * share + np.float32(0.5)).astype(np.uint8)
    return result


def _into_margins(
    pixels: PixelArray, fades: tuple[_Fade | None, _Fade | None], across: Weights | None, down: Weights | None
) -> PixelArray:
    """One axis after the other: towards a margin the picture becomes the pixels next to it, else transparent."""
    for axis, fade, share in ((1, fades[0], across), (0, fades[1], down)):
        if fade is not None and share is not None:
            turned = pixels.swapaxes(0, 1) if axis == 0 else pixels
            turned = _into_margin(turned, fade, share)
            pixels = np.ascontiguousarray(turned.swapaxes(0, 1) if axis == 0 else turned)
    return pixels


def _into_margin(pixels: PixelArray, fade: _Fade, share: Weights) -> PixelArray:
    """Along rows, whose parts left and right of the middle go into the margin on their side."""
    begin, end = fade.part
    if begin == 0 and end == pixels.shape[1]:
        return _seen_through(pixels, share, None)
    result = pixels.copy()
    for first, last, margin in _halves(begin, end, pixels.shape[1]):
        if margin is None:
            continue
        for top in range(0, len(pixels), _BAND):
            picture = np.ascontiguousarray(pixels[top : top + _BAND, first:last])
            beside = np.ascontiguousarray(
                np.broadcast_to(pixels[top : top + _BAND, margin : margin + 1], picture.shape)
            )
            shares = np.tile(share[first:last], (len(picture), 1))
            result[top : top + _BAND, first:last] = mix(picture, beside, shares)
    return result


def _halves(begin: int, end: int, side: int) -> Iterator[tuple[int, int, int | None]]:
    """First and last pixel of each half of the picture, and the pixel of the margin next to it, if there is one."""
    middle = (begin + end) // 2
    yield begin, middle, begin - 1 if begin > 0 else None
    yield middle, end, end if end < side else None
