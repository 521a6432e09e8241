"""Transparency that is all or nothing."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np

from ..image import Frame
from ..params import Percent
from ..registry import operation
from ..resample import layered


@operation("opacity-threshold", example="opacity-threshold:60", scaling="commutes")
def opacity_threshold(frame: Frame, level: Annotated[int, Percent(1, 100)] = 50) -> Frame:
    """Make every pixel either invisible, where its opacity is below `level`, or opaque.

    A picture without alpha stays as it is.
    """
    if not frame.has_alpha:
        return frame
    levels = np.arange(256)
    table = np.stack([levels, levels, levels, np.where(levels * 100 < level * 255, 0, 255)], axis=1).astype(np.uint8)
    return frame.with_pixels(layered(cv2.LUT(frame.pixels, table[np.newaxis])))
