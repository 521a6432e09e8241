"""What is found without a model, where the pixels are. OpenCV is imported only when there are pixels to look at."""

from __future__ import annotations

from collections.abc import Collection

from .found import Found, PixelArray
from .registry import local_detector, local_detectors


@local_detector("colors")
def find_colors(pixels: PixelArray) -> Found:
    from .colours import find

    return find(pixels)


@local_detector("saliency")
def find_saliency(pixels: PixelArray) -> Found:
    from .saliency import find

    return find(pixels)


@local_detector("traits", side=640)
def find_traits(pixels: PixelArray) -> Found:
    from .traits import find

    return find(pixels)


@local_detector("codes", side=1280)
def find_codes(pixels: PixelArray) -> Found:
    from .codes import find

    return find(pixels)


def find_local(kinds: Collection[str], pixels: PixelArray) -> Found:
    """What the local detectors among `kinds` find in uint8 pixels (h, w, 1|3|4) BGR; other kinds are left alone."""
    found = Found()
    for kind, find in local_detectors().items():
        if kind in kinds:
            found = found.merged(find(pixels))
    return found
