"""The classic unsharp mask."""

from __future__ import annotations

from math import log
from typing import Annotated

from ..effects.sharpness import unsharp
from ..image import Frame, Scale
from ..params import Int
from ..registry import operation

_MOST = 2000
_CURVE = log(10) / log(20)  # strength 100 is an amount of 1, 2000 of 10: the whole range tells apart
_SIGMA = 2.0  # px; `sharpen` has 1: this one is for shapes, that one for the finest detail
_THRESHOLD = 2.0  # levels


@operation("unsharp-mask", example="unsharp-mask:200", scaling="commutes")
def unsharp_mask(frame: Frame, strength: Annotated[int, Int(1, _MOST)] = 100, *, scale: Scale) -> Frame:
    """Sharpen shapes: the difference of the light to the same blurred by 2 pixels is added, 1 time at strength 100.

    Wider than `sharpen`, with a threshold of 2 levels under which noise is left alone, and on luma only, so that no
    coloured fringes appear. At strength 2000 the difference is added 10 times.
    """
    amount = 10 * (strength / _MOST) ** _CURVE
    sigma = (_SIGMA * scale.x, _SIGMA * scale.y)
    return frame.with_pixels(unsharp(frame.pixels, amount, sigma, _THRESHOLD))
