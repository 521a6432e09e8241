"""Softer and sharper: blur and sharpen."""

from __future__ import annotations

from typing import Annotated

import cv2

from ..image import Frame, Scale
from ..params import Float
from ..registry import operation
from ..resample import layered, premultiplied, soften_weighted


@operation("blur", example="blur:8", scaling="commutes")
def blur(frame: Frame, sigma: Annotated[float, Float(0.1, 250, "px")], *, scale: Scale) -> Frame:
    """Blur with a Gaussian; `sigma` is its standard deviation in pixels, about a third of how far it reaches.

    Beyond its edges the picture is mirrored. Transparency is blurred along; what it hides does not show.
    """
    across, down = sigma * scale.x, sigma * scale.y
    return frame.with_pixels(premultiplied(frame.pixels, lambda pixels: soften_weighted(pixels, across, down)))


@operation("sharpen", example="sharpen:1.5")
def sharpen(
    frame: Frame, amount: Annotated[float, Float(0, 10)] = 1.0, sigma: Annotated[float, Float(0.3, 20, "px")] = 1.0
) -> Frame:
    """Sharpen with an unsharp mask: `amount` times the difference to the picture blurred by `sigma` is added."""
    pixels = frame.pixels
    soft = premultiplied(pixels, lambda weighted: soften_weighted(weighted, sigma, sigma))
    sharp = layered(cv2.addWeighted(pixels, 1 + amount, soft, -amount, 0))
    if frame.has_alpha:
        sharp[:, :, 3] = pixels[:, :, 3]
    return frame.with_pixels(sharp)
