"""Eyes that a flash made red: redeye."""

from __future__ import annotations

from math import ceil, floor, hypot

import numpy as np

from ..effects.redness import REACH, without_red
from ..image import Found, Frame, PixelArray, Region
from ..registry import operation


@operation("redeye", example="redeye", needs={"faces"}, scaling="commutes")
def redeye(frame: Frame, *, found: Found) -> Frame:
    """Make pupils dark that a flash made red.

    What is red near the eyes of every face takes the lightness of its green and blue; a glint stays. Where nothing is
    red, and in gray pictures, nothing changes.
    """
    if frame.channels == 1:
        return frame
    pixels = frame.pixels
    for face in found.by("faces"):
        for x, y, reach in _eyes(face, frame):
            pixels = _corrected(pixels, frame.pixels, x, y, reach)
    return frame if pixels is frame.pixels else frame.with_pixels(pixels)


def _eyes(face: Region, frame: Frame) -> list[tuple[float, float, float]]:
    """Where the eyes are, and how far around them to look, in pixels."""
    points = {name: (x * frame.size.width, y * frame.size.height) for name, x, y in face.points}
    eyes = [points[name] for name in ("right_eye", "left_eye") if name in points]
    if len(eyes) < 2:
        return []
    # Of a face in profile the eyes lie close together: then its width says how large they are.
    apart = max(hypot(eyes[0][0] - eyes[1][0], eyes[0][1] - eyes[1][1]), 0.3 * face.box.width * frame.size.width)
    return [(x, y, max(2.0, REACH * apart)) for x, y in eyes]


def _corrected(pixels: PixelArray, source: PixelArray, x: float, y: float, reach: float) -> PixelArray:
    """The pixels with one eye corrected: a copy, unless they are one already; the same ones where nothing is red."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = (
        max(0, floor(x - reach)), max(0, floor(y - reach)), min(width, ceil(x + reach)), min(height, ceil(y + reach))
    )  # fmt: skip
    if left >= right or top >= bottom:
        return pixels
    patch = np.ascontiguousarray(pixels[top:bottom, left:right, :3])
    better = without_red(patch, (x - left, y - top), reach)
    if better is patch:
        return pixels
    result = pixels.copy() if pixels is source else pixels
    result[top:bottom, left:right, :3] = better
    return result
