"""A picture as a YOLO network wants it: fitted into a rectangle, gray around it; and the way back from there.

What ultralytics does (LetterBox, scale_boxes), pixel for pixel, so that the same weights find the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .found import PixelArray

Floats = NDArray[np.float32]
Affine = tuple[float, float, float, float, float, float]

GRAY = 114
"""What is laid around the picture, as in training."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture of `width` × `height` pixels lies in an input of `across` × `down`: scaled to `inner` (width,
    height), with so many pixels of gray to its `left` and above it (`top`)."""

    width: int
    height: int
    across: int
    down: int
    inner: tuple[int, int]
    left: int
    top: int

    def points(self, points: Floats) -> Floats:
        """Fractions of the picture, (…, 2) as x, y, of points in pixels of the input; not cut to the picture."""
        corner = np.array((self.left, self.top), np.float32)
        return np.asarray((points - corner) / np.array(self.inner, np.float32), np.float32)

    def boxes(self, boxes: Floats) -> Floats:
        """Fractions of the picture, (n, 4) as left, top, right, bottom within [0, 1], of boxes in pixels of the input,
        given as their left, top, right, bottom."""
        return np.clip(self.points(boxes.reshape(-1, 2, 2)), 0, 1).reshape(-1, 4)

    @property
    def at(self) -> Affine:
        """From fractions of the whole input, gray included, to fractions of the picture: `Mask.at` of a plane that
        covers the input."""
        wide, high = self.inner
        return (self.across / wide, 0.0, -self.left / wide, 0.0, self.down / high, -self.top / high)


def fitted(width: int, height: int, across: int, down: int) -> Fit:
    """How ultralytics lays a picture of width × height into an input of across × down pixels: small ones enlarged."""
    scale = min(across / width, down / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    return Fit(
        width, height, across, down, inner, round((across - inner[0]) / 2 - 0.1), round((down - inner[1]) / 2 - 0.1)
    )


def letterbox(pixels: PixelArray, across: int, down: int) -> tuple[PixelArray, Fit]:
    """uint8 pixels (h, w, 3) as an input (down, across, 3), and how they lie there."""
    height, width = pixels.shape[:2]
    fit = fitted(width, height, across, down)
    laid = np.full((down, across, 3), GRAY, np.uint8)
    wide, high = fit.inner
    laid[fit.top : fit.top + high, fit.left : fit.left + wide] = _resized(pixels, fit.inner)
    return laid, fit


def centred(pixels: PixelArray, across: int, down: int) -> PixelArray:
    """The middle of uint8 pixels (h, w, 3) as an input (down, across, 3): what classifiers look at.

    As torchvision's Resize and CenterCrop: the shorter side is scaled to the input's, what sticks out is cut off.
    """
    height, width = pixels.shape[:2]
    scale = max(across / width, down / height)
    wide, high = max(across, int(width * scale)), max(down, int(height * scale))
    scaled = _resized(pixels, (wide, high))
    left, top = round((wide - across) / 2), round((high - down) / 2)
    return np.ascontiguousarray(scaled[top : top + down, left : left + across])


def _resized(pixels: PixelArray, size: tuple[int, int]) -> PixelArray:
    """To size (width, height): AREA where that is smaller, because LINEAR aliases there; LINEAR as in training else."""
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    kernel = cv2.INTER_AREA if size[0] < width and size[1] < height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=kernel), np.uint8)
