"""Red pupils: where they are near an eye, and how they look without the flash.

Redness is much as in M. Gaubatz and R. Ulichney, "Automatic red-eye detection and correction" (ICIP 2002), who divide
red squared by the squares of green and blue; here the larger of the two counts twice, as brown eyes have little blue.
They stay below 2.1, as lips and lids do; a pupil that a flash lit lies above 3.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..image import PixelArray

LEAST, SURE = 2.2, 3.2  # redness from which on a pixel begins to count, and counts wholly
GLOW = 45  # levels of red above green and blue; in shadows skin is as red, but not as bright
REACH = 0.32  # of the distance between the eyes: where a pupil may be; detectors are off by up to a fifth of it
WIDEST = 0.5  # of the reach: the radius of a pupil with its rim; red light, glasses and paint are larger
SMALLEST = 0.03  # of the square of the reach: the area of a pupil, half closed; what is smaller is noise
ROUNDEST = 2.0  # sides of a spot, the longer by the shorter: wrinkles, lids and rims are longer
FULLEST = 0.5  # share of the box around a spot that it fills at least; of a disc it is 0.79
DARKENING = 0.15  # of green and blue, which a flash brightens as well

Plane = NDArray[np.float32]


def without_red(pixels: PixelArray, centre: tuple[float, float], reach: float) -> PixelArray:
    """BGR around an eye with what is red there as dark as its green and blue; the same pixels where nothing is.

    `centre` and `reach` are pixels of the patch. Edges are soft; a white glint in the pupil stays.
    """
    near = _near(pixels.shape[0], pixels.shape[1], centre, reach)
    red = _redness(pixels) * (near > 0)
    pupils = _pupils((red > 0.5).astype(np.uint8), reach)
    if not pupils.any():
        return pixels
    share = _softened(red * pupils, reach) * near
    dark = (pixels[:, :, 0].astype(np.float32) + pixels[:, :, 1]) / 2 * (1 - DARKENING * red)  # not the glint
    mixed = pixels * (1 - share[:, :, np.newaxis]) + dark[:, :, np.newaxis] * share[:, :, np.newaxis]
    better: PixelArray = np.rint(mixed).astype(np.uint8)
    return better


def _near(height: int, width: int, centre: tuple[float, float], reach: float) -> Plane:
    """1 around the eye, fading to 0 over the last fifth of the reach."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
    away = np.hypot(x - centre[0], y - centre[1]) / reach
    near: Plane = ((1 - away) / 0.2).clip(0, 1).astype(np.float32)
    return near


def _redness(pixels: PixelArray) -> Plane:
    """How sure a pixel is red, 0 to 1."""
    blue, green, red = (pixels[:, :, channel].astype(np.float32) for channel in range(3))
    other = np.maximum(green, blue)
    ratio = red * red / (2 * other * other + 14)
    sure: Plane = ((ratio - LEAST) / (SURE - LEAST)).clip(0, 1) * (red - other > GLOW)
    return sure


def _pupils(red: PixelArray, reach: float) -> Plane:
    """1 on every spot that may be a pupil, and a pixel or more around it."""
    closed = cv2.morphologyEx(red, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))  # over the glint
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    spots = [tuple(int(number) for number in row[2:5]) for row in stats]
    pupils = [
        spot for spot, (width, height, area) in enumerate(spots) if spot and _is_pupil(width, height, area, reach)
    ]
    kept = np.isin(labels, pupils)
    grow = 2 * max(1, round(reach / 16)) + 1
    return np.asarray(cv2.dilate(kept.astype(np.float32), np.ones((grow, grow), np.uint8)), np.float32)


def _is_pupil(width: int, height: int, area: int, reach: float) -> bool:
    """By its size and shape; specks of noise are none."""
    long, short = max(width, height), min(width, height)
    return (
        area >= max(3.0, SMALLEST * reach * reach)
        and long <= 2 * WIDEST * reach
        and long <= ROUNDEST * short
        and area >= FULLEST * width * height
    )


def _softened(share: Plane, reach: float) -> Plane:
    soft = cv2.GaussianBlur(share, (0, 0), max(0.5, reach / 30), borderType=cv2.BORDER_REFLECT)
    return np.asarray(np.maximum(soft, share), np.float32)
