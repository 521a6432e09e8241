"""Masks of instances, from what a segmentation network put out: cut to their boxes, small enough to keep and to send.

A mask of a thing that fills the picture is 160 × 160 bytes, and a tenth of that packed.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from .found import Mask, PixelArray
from .heads import Things
from .letterbox import Affine, Fit

Window = tuple[int, int, int, int]  # left, top, right, bottom
Floats = NDArray[np.float32]


def masks(things: Things, fit: Fit) -> list[Mask | None]:
    """A mask for each of the things, None where nothing of it is in the picture that lies in the network's input so.

    Values are the sigmoid of coefficients times prototypes in 0 to 255, at the size of the prototypes. Each covers the
    thing's box, its sides rounded outwards: cut after it was made larger, as ultralytics' `process_mask` does, the edge
    of a box is no edge of the mask. Raises ValueError where there are no prototypes.
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
    left, top, right, bottom = window = _joint(_window(box * scale), _window(_picture(fit) * scale), (0, 0, wide, high))
    if right <= left or bottom <= top:
        return None
    values = _likely(coefficients, prototypes[:, top:bottom, left:right])
    if int(values.max()) < 128:
        return None
    return Mask(right - left, bottom - top, values.tobytes(), _placed(window, wide, high, fit))


def _window(box: Floats) -> Window:
    left, top, right, bottom = box.tolist()
    return floor(left), floor(top), ceil(right), ceil(bottom)


def _joint(*windows: Window) -> Window:
    lefts, tops, rights, bottoms = zip(*windows, strict=True)
    return max(lefts), max(tops), min(rights), min(bottoms)


def _picture(fit: Fit) -> Floats:
    """Where the picture lies in the input, without the gray around it."""
    wide, high = fit.inner
    return np.array((fit.left, fit.top, fit.left + wide, fit.top + high), np.float32)


def _likely(coefficients: Floats, prototypes: Floats) -> PixelArray:
    logits = np.tensordot(coefficients.astype(np.float32), prototypes.astype(np.float32), axes=1)
    return np.asarray(np.rint(255 / (1 + np.exp(-logits.clip(-30, 30)))), np.uint8)


def _placed(window: Window, wide: int, high: int, fit: Fit) -> Affine:
    """From fractions of the window to fractions of the picture."""
    left, top, right, bottom = window
    across, _, x, _, down, y = fit.at
    return (
        across * (right - left) / wide, 0.0, across * left / wide + x,
        0.0, down * (bottom - top) / high, down * top / high + y,
    )  # fmt: skip
