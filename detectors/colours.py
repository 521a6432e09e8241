"""Main colours: k-means in CIE Lab, named by the nearest common colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .found import Found, PixelArray, Swatch
from .sizes import shrink

Floats = NDArray[np.float32]

SIDE = 160
"""Longest side in pixels at which colours are counted: 13 ms."""

CLUSTERS = 6

ALIKE = 9.0
"""Distance in Lab below which two clusters are one colour; a just noticeable difference is about 2.3."""

SMALLEST = 0.02
"""Share below which a colour is not a main one."""

OPAQUE = 128
"""Alpha from which a pixel counts."""

NAMED = {
    "black": "#000000 #121210",
    "white": "#ffffff #f2f2f0",
    "gray": "#808080 #666a6c #9c9c9c",
    "dark gray": "#3c3c3c #505050 #46413c",
    "light gray": "#c0c0c0 #dcdcdc #d2cdc8",
    "red": "#ff0000 #c81e1e #d75f41",
    "dark red": "#8b0000 #5f0f14",
    "brown": "#8b4513 #6e4b32 #47382a #966e41 #7d5a46",
    "beige": "#f5f5dc #d2be9b #b4a591",
    "orange": "#ffa500 #ff8228 #d28c46",
    "yellow": "#ffff00 #e6d714 #fadc5a",
    "olive": "#808000 #8c8764 #6e6e46",
    "green": "#008000 #00ff00 #4b783c #78af50",
    "dark green": "#004b00 #324628",
    "light green": "#90ee90 #b4dcaa",
    "turquoise": "#40e0d0 #00ced1 #468c91",
    "light turquoise": "#afeeee #96d7d2",
    "blue": "#0000ff #1e6ec8 #5a82b4 #55708c",
    "dark blue": "#000050 #1e2d50",
    "light blue": "#add8e6 #87ceeb #a5b9d7",
    "purple": "#800080 #5a00b4 #8264a0",
    "pink": "#ffc0cb #ff50c8 #dc82a0 #d7b4b4",
}
"""Names that people use, each with a few colours that bear it: one sample a name would give brown to gray."""


def find(pixels: PixelArray) -> Found:
    """Main colours of uint8 pixels (h, w, 1|3|4) BGR, largest share first; transparent pixels do not count."""
    colors = _visible(pixels)
    if not len(colors):
        return Found()
    centres, counts = _cluster(_lab(colors))
    shares = counts / counts.sum()
    swatches = (_swatch(centre, share) for centre, share in zip(centres, shares, strict=True) if share >= SMALLEST)
    return Found(colors=tuple(sorted(swatches, key=lambda swatch: (-swatch.share, swatch.hex))))


def _visible(pixels: PixelArray) -> Floats:
    """(n, 3) BGR in [0, 1] of the pixels that can be seen, at most SIDE² of them."""
    if pixels.shape[2] == 4:  # nearest: an average would mix hidden colours in
        small = shrink(pixels, SIDE, cv2.INTER_NEAREST)
        seen = small[small[:, :, 3] >= OPAQUE][:, :3]
    else:
        small = shrink(pixels, SIDE)
        seen = np.broadcast_to(small, (*small.shape[:2], 3)).reshape(-1, 3)
    return seen.astype(np.float32) / np.float32(255)


def _lab(colors: Floats) -> Floats:
    """(n, 3) L in [0, 100], a and b in about ±100 of (n, 3) BGR in [0, 1]."""
    lab: Floats = np.asarray(cv2.cvtColor(colors[np.newaxis], cv2.COLOR_BGR2Lab), np.float32)[0]
    return lab


def _cluster(lab: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """Centres (k, 3) and sizes (k,) of k-means, clusters that look alike made one."""
    if len(lab) == 1:  # OpenCV would take one row for three samples
        return lab, np.ones(1)
    cv2.setRNGSeed(1)  # per thread in OpenCV: the same picture always gets the same colours
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    count = min(CLUSTERS, len(lab))
    _, labels, centres = cv2.kmeans(lab, count, None, stop, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    sizes = np.bincount(labels.ravel(), minlength=count).astype(np.float64)
    return _merge(centres[sizes > 0], sizes[sizes > 0])


def _merge(
    centres: Floats, sizes: NDArray[np.float64]
) -> tuple[Floats, NDArray[np.float64]]:  # fmt: skip
    """The two nearest clusters become one until none are nearer than ALIKE."""
    while len(centres) > 1:
        distances = np.linalg.norm(centres[:, np.newaxis] - centres, axis=2) + np.diag(np.full(len(centres), np.inf))
        one, other = np.unravel_index(distances.argmin(), distances.shape)
        if distances[one, other] >= ALIKE:
            break
        total = sizes[one] + sizes[other]
        centres[one] = (centres[one] * sizes[one] + centres[other] * sizes[other]) / total
        sizes[one] = total
        centres, sizes = np.delete(centres, other, axis=0), np.delete(sizes, other)
    return centres, sizes


def _swatch(centre: Floats, share: float) -> Swatch:
    bgr = cv2.cvtColor(centre.reshape(1, 1, 3), cv2.COLOR_Lab2BGR).ravel()
    blue, green, red = (int(value) for value in np.clip(np.round(bgr * 255), 0, 255))
    return Swatch(f"#{red:02x}{green:02x}{blue:02x}", name_of(centre), round(float(share), 3))


def name_of(lab: Floats) -> str:
    """The common name nearest to a colour in Lab."""
    return _NAMES[int(np.linalg.norm(_SAMPLES - lab, axis=1).argmin())]


_NAMES = [name for name, samples in NAMED.items() for _ in samples.split()]
_SAMPLES = _lab(
    np.array(
        [
            [int(sample[i : i + 2], 16) / 255 for i in (5, 3, 1)]
            for samples in NAMED.values()
            for sample in samples.split()
        ],
        np.float32,
    )
)
