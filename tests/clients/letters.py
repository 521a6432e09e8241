"""Whether a text stands in a picture as it is meant to: the same letters, drawn here."""

from __future__ import annotations

from typing import Any

import numpy as np

from transforms.image import PixelArray
from transforms.letters.lettering import drawn
from transforms.letters.writing import Writing
from transforms.params import ColourText

from .signs import CLOSE
from .site import Delivered


def writing(said: dict[str, Any]) -> Writing:
    """What a case says: colours as text, a box as a list."""
    coloured = {name: ColourText().parse(said[name].removeprefix("#")) for name in said.keys() & _COLOURS}
    boxed = {"box": tuple(said["box"])} if "box" in said else {}
    return Writing(**{**said, **coloured, **boxed})


_COLOURS = {"color", "background", "stroke_color"}


def is_written(before: Delivered, after: Delivered, wanted: Writing) -> bool:
    """Whether these letters, and nothing else, stand in the middle of a picture."""
    letters = drawn(wanted)
    return int(np.abs(_with(before.pixels, letters).astype(int) - after.pixels[:, :, :3]).max()) <= CLOSE


def _with(pixels: PixelArray, letters: PixelArray) -> PixelArray:
    """Letters over the middle of a picture, as source-over has it."""
    high, wide = letters.shape[:2]
    top, left = (pixels.shape[0] - high + 1) // 2, (pixels.shape[1] - wide + 1) // 2
    result = pixels[:, :, :3].astype(np.float32)
    ground = result[top : top + high, left : left + wide]
    alpha = letters[:, :, 3:].astype(np.float32) / 255
    ground[:] = letters[:, :, :3] * alpha + ground * (1 - alpha)
    return np.asarray(result.round(), np.uint8)
