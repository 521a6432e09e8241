"""Puts the frames of GIF and APNG together as browsers do.

Pillow does not: where frames overlap half-transparently its APNG loses opacity (191 instead of 255 for 50 % over an
opaque picture), and a GIF region that is to be cleared gets the background colour instead of becoming transparent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .image import Frame, PixelArray, Size

DEFAULT_DURATION_MS = 100  # for frames that ask for no time at all, as in browsers


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a part of an animation goes on the canvas, for how long, and what happens to the place afterwards.

    `over` blends by alpha, otherwise the place is replaced; `clear` leaves it transparent, `restore` as it was before.
    """

    x: int
    y: int
    size: Size
    duration_ms: int
    after: Literal["keep", "clear", "restore"] = "keep"
    over: bool = True


def compose(size: Size, parts: Iterable[tuple[Placement, PixelArray]]) -> Iterator[Frame]:
    """Whole frames (BGRA) from parts (BGRA); what lies outside the canvas is cut off."""
    canvas = np.zeros((size.height, size.width, 4), np.uint8)
    for place, pixels in parts:
        area = np.s_[place.y : place.y + place.size.height, place.x : place.x + place.size.width]
        before = canvas[area].copy() if place.after == "restore" else None
        _draw(canvas[area], pixels, place.over)
        yield Frame(canvas.copy(), place.duration_ms or DEFAULT_DURATION_MS)
        if before is not None:
            canvas[area] = before
        elif place.after == "clear":
            canvas[area] = 0


def _draw(area: PixelArray, pixels: PixelArray, over: bool) -> None:
    pixels = pixels[: area.shape[0], : area.shape[1]]
    alpha = pixels[:, :, 3]
    if not over or alpha.min(initial=255) == 255:
        area[:] = pixels
        return
    solid = alpha == 255
    area[solid] = pixels[solid]
    mixed = ~solid & (alpha > 0)
    if mixed.any():
        area[mixed] = _blend(pixels[mixed], area[mixed])


def _blend(front: PixelArray, back: PixelArray) -> PixelArray:
    """`front` over `back`, (n, 4) each, straight alpha."""
    front_alpha = front[:, 3:] / np.float32(255)
    back_alpha = back[:, 3:] / np.float32(255) * (1 - front_alpha)
    alpha = front_alpha + back_alpha
    colour = (front[:, :3] * front_alpha + back[:, :3] * back_alpha) / alpha
    return np.concatenate([colour, alpha * 255], axis=1).round().astype(np.uint8)
