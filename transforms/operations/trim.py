"""Without its surroundings: trim."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np
from cv2.typing import MatLike

from ..effects.silhouettes import solid
from ..effects.surroundings import edge_colour, like
from ..geometry import cut
from ..hues import Colour, ColourText
from ..image import Image, PixelArray
from ..params import Percent
from ..registry import operation


@operation("trim", example="trim", exact=False, scaling="fixed")
def trim(
    image: Image,
    tolerance: Annotated[int, Percent()] = 10,
    color: Annotated[Colour | None, ColourText()] = None,
) -> Image:
    """Cut off what surrounds the subject: its edges of one colour, or transparent ones.

    The colour is that of most pixels along the edges, or `color`; what differs from it by more than `tolerance` percent
    of a channel's range is subject (0: exactly that colour goes). Transparent edges go first, and alone. Of an
    animation all frames are cut alike, around all that they show. A picture without a subject stays as it is.
    """
    boxes = [box for box in _boxes(image, tolerance, color) if box[2]]
    if not boxes:
        return image
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    if (left, top, right, bottom) == (0, 0, image.size.width, image.size.height):
        return image
    return cut(image, left, top, right - left, bottom - top)


def _boxes(image: Image, tolerance: int, color: Colour | None) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of what is seen in each frame; no width where that is nothing."""
    levels, faint = tolerance * 255 // 100, tolerance * 255 // 1000
    if color is None and image.has_alpha:
        shown = [_bounding(_opaque(frame.pixels, faint)) for frame in image.frames]
        whole = (0, 0, image.size.width, image.size.height)
        if any(box != whole for box in shown):
            return shown
    color = color or edge_colour(image.frames[0].pixels)
    if color is None:
        return []
    return [
        _bounding(cv2.bitwise_and(~like(frame.pixels, color, levels), _opaque(frame.pixels, faint)))
        for frame in image.frames
    ]


def _opaque(pixels: PixelArray, faint: int) -> PixelArray:
    """(h, w): 255 where the alpha is more than `faint`."""
    if pixels.shape[2] != 4:
        return np.full(pixels.shape[:2], 255, np.uint8)
    return solid(np.ascontiguousarray(pixels[:, :, 3]), faint + 1)


def _bounding(mask: MatLike) -> tuple[int, int, int, int]:
    left, top, width, height = cv2.boundingRect(mask)
    return left, top, width, height
