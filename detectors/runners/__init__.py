"""Networks in memory: pictures in, raw numbers out. One file per library, each imported only where it is needed, so
that OpenVINO and ONNX files run without torch: 227 MB instead of 862, and the same boxes.

`heads.read` reads the numbers, `letterbox` makes the pictures fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..found import PixelArray
from ..heads import Head

if TYPE_CHECKING:
    from ..registry import Weights

Floats = NDArray[np.float32]

TOGETHER = 16
"""Pictures in one call on a GPU, where the file does not say: what a batch of YOLO11n costs beyond grows as it does."""


class Runner(Protocol):
    """A network in memory, to be called by one thread at a time.

    `head` is what it answers, `names` its classes as the file names them (empty where it does not), `batch` how many
    pictures one call may hold.
    """

    head: Head
    names: tuple[str, ...]
    batch: int

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Across and down, in pixels, of the input that suits a picture of width × height."""
        ...

    def run(self, pictures: PixelArray) -> list[Floats]:
        """What the network puts out for uint8 pictures (n, down, across, 3) BGR of one such size: float32 arrays, each
        with n as its first axis, that stay valid."""
        ...


def open_runner(weights: Weights, device: str) -> Runner:
    """The network in some weights, on a device ("cpu" or "cuda"), by what its file is.

    Raises ValueError for a file that nothing here runs, and whatever its library raises for one that is broken.
    """
    path, model = weights.path, weights.model
    if model.backend == "triton":
        from .triton import TritonRunner

        return TritonRunner(model.url or path.read_text().strip(), model)
    if path.name.endswith("_openvino_model"):
        from .openvino import OpenVinoRunner

        return OpenVinoRunner(path, model)
    if path.suffix == ".onnx":
        from .onnx import OnnxRunner

        return OnnxRunner(path, model, device)
    if path.suffix in (".pt", ".engine"):
        from .torch import TorchRunner

        return TorchRunner(path, model, device)
    raise ValueError(f"{path.name} is no file that a network can be read from")
