"""Work on a picture in bands of rows, so that what is in between stays small and in the processor's caches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..image import PixelArray
from ..resample import layered

ROWS = 128


def in_bands(pixels: PixelArray, reach: int, work: Callable[[PixelArray], PixelArray], rows: int = ROWS) -> PixelArray:
    """What `work` makes of the pixels, which looks at most `reach` rows up and down and keeps the size.

    The same numbers as `work(pixels)` gives at once.
    """
    height, rows = pixels.shape[0], max(rows, 3 * reach)
    if height <= rows:
        return layered(work(pixels))
    parts = []
    for top in range(0, height, rows):
        begin, end = max(0, top - reach), min(height, top + rows + reach)
        parts.append(layered(work(pixels[begin:end]))[top - begin : top - begin + rows])
    return np.concatenate(parts)
