"""The sample pictures with what is in them, for benches that look at effects."""

from __future__ import annotations

import cv2
import numpy as np

from server.machine import sample_pictures
from tests.drawn import graphic, picture
from tests.effects import Subject
from transforms.image import Box, Found, PixelArray, Region, Saliency, Size
from transforms.resample import shrink

# What yunet_2026may finds on the samples, in fractions: the box, the right eye, the left eye.
_FACES = {
    "bus": ((0.1395, 0.3848, 0.0521, 0.0504, 0.1623, 0.4035, 0.1835, 0.4027),
            (0.3310, 0.3915, 0.0473, 0.0467, 0.3479, 0.4112, 0.3693, 0.4107)),
    "zidane": ((0.7165, 0.1372, 0.1064, 0.2423, 0.7539, 0.2296, 0.8057, 0.2353),),
}  # fmt: skip
_PORTRAIT = Box(0.61, 0.0, 0.32, 0.75)  # of zidane.jpg


def street(side: int) -> Subject:
    pixels = _sample("bus")
    return Subject("street", picture(_fitted(pixels, side)), _found("bus", Box(0, 0, 1, 1)))


def portrait(side: int) -> Subject:
    """A face in an oval with a soft edge, transparent around it."""
    pixels = _fitted(_cut(_sample("zidane"), _PORTRAIT), side)
    height, width = pixels.shape[:2]
    y, x = ((np.arange(length) + 0.5) / length * 2 - 1 for length in (height, width))
    edge = 0.94 - np.hypot(x[np.newaxis], y[:, np.newaxis])
    alpha = (edge * min(height, width) / 2 / 4 + 0.5).clip(0, 1) * 255
    return Subject("portrait", picture(np.dstack([pixels, alpha.astype(np.uint8)])), _found("zidane", _PORTRAIT))


def drawing(side: int) -> Subject:
    return Subject("drawing", graphic(side, side * 3 // 4))


def _sample(name: str) -> PixelArray:
    pixels = cv2.imread(str(sample_pictures() / f"{name}.jpg"))
    if pixels is None:
        raise SystemExit(f"there is no {name}.jpg in {sample_pictures()}")
    return np.asarray(pixels, np.uint8)


def _cut(pixels: PixelArray, box: Box) -> PixelArray:
    height, width = pixels.shape[:2]
    return pixels[round(box.y * height) : round(box.bottom * height), round(box.x * width) : round(box.right * width)]


def _fitted(pixels: PixelArray, side: int) -> PixelArray:
    """As large as fits into a square; enlarged where the sample is smaller."""
    size = Size(pixels.shape[1], pixels.shape[0])
    after = size.scaled(side / size.long_side)
    if side > size.long_side:
        return np.asarray(cv2.resize(pixels, (after.width, after.height), interpolation=cv2.INTER_CUBIC), np.uint8)
    return shrink(np.ascontiguousarray(pixels), after)


def _found(name: str, part: Box) -> Found:
    regions = []
    for x, y, width, height, *eyes in _FACES[name]:
        points = tuple(
            (which, (eyes[at] - part.x) / part.width, (eyes[at + 1] - part.y) / part.height)
            for which, at in (("right_eye", 0), ("left_eye", 2))
        )
        box = Box((x - part.x) / part.width, (y - part.y) / part.height, width / part.width, height / part.height)
        regions += [Region("face", 0.9, box, points, by) for by in ("faces", "largest-face", "all-faces")]
    return Found(tuple(regions), saliency=Saliency(np.full((20, 20), 128, np.uint8)))
