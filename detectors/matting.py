"""Mattes: what stands out in a picture, whatever it is, with soft edges; the kind `matte`, asked only by name.

The networks are those that the library rembg publishes, asked as it asks them (sessions/dis_general_use.py, u2netp.py),
through the onnxruntime that is here anyway: the library itself brings 600 MB of others and downloads unasked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .found import Box, Found, Mask, PixelArray, Region
from .manifest import MATTING
from .quiet import cores, silence
from .registry import Loaded, Question, Weights, detector

LEAST = 0.5
"""The likeliest pixel of a subject has at least this; where none has there is no subject, and noise is not stretched
to look like one, as rembg does."""

MEANS = {"isnet": (0.5, 0.5, 0.5), "u2net": (0.485, 0.456, 0.406)}
DEVIATIONS = {"isnet": (1.0, 1.0, 1.0), "u2net": (0.229, 0.224, 0.225)}

Floats = NDArray[np.float32]


class Matting:
    """A network in memory. `find` may be called from several threads; one is enough: it uses all cores."""

    batch = 1  # on a CPU batching gains nothing

    def __init__(self, weights: Weights) -> None:
        from .nets import open_session

        self._session = open_session(str(weights.path), threads=cores())
        (wanted, *_) = self._session.get_inputs()
        self._input = wanted.name
        *_, down, across = wanted.shape
        side = weights.model.side
        self._size = (across if isinstance(across, int) else side, down if isinstance(down, int) else side)
        self._mean, self._deviation = MEANS[weights.model.arch], DEVIATIONS[weights.model.arch]

    def find(self, questions: Sequence[Question]) -> list[Found]:
        return [Found(_regions(self.matte(question.pixels), question.kind)) for question in questions]

    def matte(self, pixels: PixelArray) -> Floats:
        """How likely each pixel belongs to the subject, (down, across) in [0, 1], of uint8 pixels (h, w, 3) BGR."""
        from PIL import Image as Pillow

        picture = Pillow.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))
        small = np.asarray(picture.resize(self._size, Pillow.Resampling.LANCZOS), np.float64)
        levels = (small / max(float(small.max()), 1e-6) - self._mean) / self._deviation
        batch = levels.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        first = np.asarray(self._session.run(None, {self._input: batch})[0], np.float32)
        matte: Floats = first[0, 0]
        return matte


def _regions(matte: Floats, kind: str) -> tuple[Region, ...]:
    low, high = float(matte.min()), float(matte.max())
    if high < LEAST or high - low < 1e-6:
        return ()
    values = ((matte - low) / (high - low) * 255).astype(np.uint8)
    inside = values > 127
    box = _box(inside)
    score = float(values[inside].mean()) / 255
    return (Region("subject", score, box, by=kind, mask=Mask(matte.shape[1], matte.shape[0], values.tobytes())),)


def _box(inside: NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    height, width = inside.shape
    return Box.between(
        int(columns[0]) / width, int(rows[0]) / height, (int(columns[-1]) + 1) / width, (int(rows[-1]) + 1) / height
    )


@detector("matte", sides={"matte": 1024}, models=MATTING, lazy=True)
def load(weights: Weights, device: str) -> Loaded:
    """Through onnxruntime on the CPU, whatever the device."""
    silence()
    return Matting(weights)
