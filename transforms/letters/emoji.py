"""Emoji from a font of coloured pictures, which come in one size and are scaled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from ..image import PixelArray, Size, nearest_pixel
from ..modes import swapped
from ..resample import resize
from .faces import Face, opened


@dataclass(frozen=True)
class Emoji:
    """BGRA pixels, and where their top left corner lies from the pen."""

    pixels: PixelArray
    left: float
    top: float


def _strike(face: Face, size: float) -> int:
    """The pixels per em of the pictures to take: the smallest that are large enough."""
    return next((strike for strike in face.strikes if strike >= size), face.strikes[-1])


@lru_cache(maxsize=1024)
def advance_of(cluster: str, face: Face, size: float) -> float:
    """How far an emoji leads, in pixels."""
    strike = _strike(face, size)
    return opened(face, strike, 400).getlength(cluster) * size / strike


@lru_cache(maxsize=64)
def emoji_of(cluster: str, face: Face, size: float) -> Emoji:
    """An emoji for letters of that size in pixels."""
    strike = _strike(face, size)
    font = opened(face, strike, 400)
    left, top, right, bottom = font.getbbox(cluster, anchor="ls")
    picture = Pillow.new("RGBA", (max(1, round(right - left)), max(1, round(bottom - top))))
    ImageDraw.Draw(picture).text((-left, -top), cluster, font=font, anchor="ls", embedded_color=True)
    scale = size / strike
    wanted = Size(nearest_pixel(picture.width * scale), nearest_pixel(picture.height * scale))
    pixels = resize(swapped(np.asarray(picture)), wanted)
    return Emoji(pixels, left * scale, top * scale)
