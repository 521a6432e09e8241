"""NudeNet's 320n.onnx through onnxruntime: the boxes of nudenet's own NudeDetector, as fractions.

Reading and decoding follow nudenet/nudenet.py (3.4.2).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from .found import Box, PixelArray, Region
from .nets import Floats, open_session

CLASSES = (
    "female-genitalia-covered", "face-female", "buttocks-exposed", "female-breast-exposed", "female-genitalia-exposed",
    "male-breast-exposed", "anus-exposed", "feet-exposed", "belly-covered", "feet-covered", "armpits-covered",
    "armpits-exposed", "face-male", "belly-exposed", "male-genitalia-exposed", "anus-covered", "female-breast-covered",
    "buttocks-covered",
)  # fmt: skip
"""In the order of the network's classes."""

FACES = frozenset({"face-female", "face-male"})
"""Classes that are no moderation, and whose sexes nobody asked for; they still suppress what they overlap."""

SIDE = 320
CANDIDATE, CONFIDENCE, OVERLAP = 0.2, 0.25, 0.45


class Nudity:
    """The network in memory; may be called from several threads at once."""

    def __init__(self, path: Path, threads: int) -> None:
        self._session = open_session(str(path), threads)
        self._input = self._session.get_inputs()[0].name

    def regions(self, pixels: PixelArray, kind: str) -> tuple[Region, ...]:
        """What is found from CONFIDENCE on in uint8 pixels (h, w, 3) BGR, best first; by `kind`."""
        (output,) = self._session.run(None, {self._input: squared(pixels)})
        height, width = pixels.shape[:2]
        return tuple(
            Region(label, score, Box(x / width, y / height, wide / width, high / height), by=kind)
            for label, score, (x, y, wide, high) in decoded(output, width, height)
            if label not in FACES
        )


def squared(pixels: PixelArray) -> Floats:
    """(1, 3, SIDE, SIDE) RGB in [0, 1]: padded with black on the right and below to a square, then scaled.

    nudenet itself swaps red and blue twice where it reads a file, and so shows its network blue skin: of 83 photographs
    it finds 40 faces, 2 covered breasts and 6 covered feet that way, 45, 7 and 8 this way.
    """
    height, width = pixels.shape[:2]
    side = max(height, width)
    square = cv2.copyMakeBorder(pixels, 0, side - height, 0, side - width, cv2.BORDER_CONSTANT)
    return np.asarray(cv2.dnn.blobFromImage(square, 1 / 255, (SIDE, SIDE), (0, 0, 0), swapRB=True), np.float32)


def decoded(output: Floats, width: int, height: int) -> list[tuple[str, float, tuple[float, float, float, float]]]:
    """Label, score and box (x, y, width, height in pixels of the picture, cut to it) of each thing, best first.

    `output` is the network's, (1, 4 + classes, places), boxes as centre and size in pixels of the square.
    """
    rows = output[0].T
    rows = rows[rows[:, 4:].max(axis=1) >= CANDIDATE]
    scores, classes = rows[:, 4:].max(axis=1), rows[:, 4:].argmax(axis=1)
    scale = max(width, height) / SIDE
    corner = np.clip((rows[:, :2] - rows[:, 2:4] / 2) * scale, 0, (width, height))
    size = np.minimum(rows[:, 2:4] * scale, np.array((width, height)) - corner)
    boxes = np.concatenate((corner, size), axis=1).tolist()
    kept = cv2.dnn.NMSBoxes(boxes, scores.tolist(), CONFIDENCE, OVERLAP)
    return [(CLASSES[classes[i]], float(scores[i]), tuple(boxes[i])) for i in np.asarray(kept, np.intp).reshape(-1)]
