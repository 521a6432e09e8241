"""torch: what ultralytics loads itself, .pt files (without running pickles) and TensorRT engines; half precision on
CUDA. Its predictor is left out: it locks, synchronises with the GPU six times a batch and copies whole outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..found import PixelArray
from ..heads import Head
from ..manifest import Model
from ..memory import limit_torch
from ..quiet import silence
from . import TOGETHER, Floats

STRIDE = 32
FOREMOST = 1000
"""Places that leave the GPU for each picture, those that score best: a sixteenth of the bytes of 8400 in float32."""


class TorchRunner:
    """A file `*.pt` or `*.engine`. A .pt takes any size: on a CPU the smallest that holds the picture is a quarter
    less work; on a GPU all pictures of a batch share one."""

    def __init__(self, path: Path, model: Model, device: str) -> None:
        silence()
        import cv2
        import torch
        from ultralytics.nn.autobackend import AutoBackend

        _never_run_pickles()
        cv2.setNumThreads(1)  # ultralytics sets 0; one thread and several callers are faster than several threads
        self._device = torch.device("cuda:0" if device == "cuda" else "cpu")
        limit_torch()
        half = self._device.type == "cuda"
        self._network = AutoBackend(
            str(path.resolve(strict=True)), device=self._device, fp16=half, verbose=False, end2end=False
        )  # as ultralytics predicts by default: of a network with both heads the one whose boxes are suppressed
        self._network.eval()
        self.names = tuple(str(self._network.names[number]) for number in sorted(self._network.names))
        task = getattr(self._network, "task", None) or getattr(self._network.backend.model, "task", None) or model.form
        self.head = Head(task, len(self.names), tuple(getattr(self._network, "kpt_shape", (17, 3))))
        self._free = path.suffix == ".pt" and self._device.type == "cpu" and task != "classify"
        self._across, self._down = _fixed_size(self._network, path) or (model.side, model.side)
        on_gpu = self._device.type == "cuda"
        self.batch = TOGETHER if on_gpu and path.suffix == ".pt" else int(self._network.batch) if on_gpu else 1

    def size(self, width: int, height: int) -> tuple[int, int]:
        if not self._free:
            return self._across, self._down
        scale = min(self._across / width, self._down / height)
        return _multiple(round(width * scale)), _multiple(round(height * scale))

    def run(self, pictures: PixelArray) -> list[Floats]:
        import torch

        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(pictures)).to(self._device, non_blocking=True)
            batch = batch.permute(0, 3, 1, 2).flip(1)
            batch = (batch.half() if self._network.fp16 else batch.float()).div_(255)
            outputs = _first(self._network(batch))
            if self._device.type == "cuda" and self.head.form != "classify":
                outputs = [foremost(outputs[0], self.head), *outputs[1:]]
            return [output.cpu().float().numpy() for output in outputs]


def _never_run_pickles() -> None:
    """ultralytics reads its switch when it is imported, which may have been before `silence`; and where torch cannot
    load pickles safely, it loads them otherwise without a word. Raises ValueError there."""
    from ultralytics.nn import tasks

    if not tasks._SafeLoad.SUPPORTED:
        raise ValueError("torch 2.6 is wanted to load pickles safely; or export the model to ONNX")
    vars(tasks)["SAFE_LOAD"] = True


def foremost(output: Any, head: Head, most: int = FOREMOST) -> Any:
    """Of an output (n, values, places) the places that score best; an output (n, things, values) as it is."""
    classes = 4 + head.classes
    if output.shape[1] < classes or output.shape[2] <= most:
        return output
    best = output[:, 4:classes].amax(1).topk(most, dim=1).indices
    return output.gather(2, best[:, None].expand(-1, output.shape[1], -1))


def _first(outputs: Any) -> list[Any]:
    """The tensors that count: of (answer, what training wants) the first, of (answer, prototypes) both."""
    import torch

    if isinstance(outputs, torch.Tensor):
        return [outputs]
    first: Sequence[Any] = [output for output in outputs if not isinstance(output, dict)]
    if isinstance(first[0], list | tuple):
        return _first(first[0])
    return [output for output in first if isinstance(output, torch.Tensor)]


def _multiple(side: int) -> int:
    return max(1, -(-side // STRIDE)) * STRIDE


def _fixed_size(network: Any, path: Path) -> tuple[int, int] | None:
    """Across and down of an engine, or of the pictures that a .pt was trained on as a classifier."""
    size = getattr(network, "imgsz", None) if path.suffix == ".engine" else None
    return (int(size[1]), int(size[0])) if size else None
