"""ONNX Runtime directly: an ONNX export of ultralytics, on a GPU where this ONNX Runtime has CUDA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from ..found import PixelArray
from ..inspection import elsewhere, files_beside, plain
from ..manifest import Model
from ..memory import ceiling
from ..quiet import cores
from . import TOGETHER, Floats
from .said import said


class OnnxRunner:
    """A file `*.onnx`. A batch that the file fixes is kept; one that it leaves open is 1 on a CPU."""

    def __init__(self, path: Path, model: Model, device: str) -> None:
        """Raises Failure model-weights-elsewhere: a file beside it has no checksum, and may be any file there is."""
        if names := files_beside(path):
            raise elsewhere(path, plain(names))
        self._session = onnxruntime.InferenceSession(str(path), _options(), providers=_providers(device))
        described = said(self._session.get_modelmeta().custom_metadata_map, model)
        self.head, self.names = described.head, described.names
        (picture, *_) = self._session.get_inputs()
        self._input, self._half = picture.name, picture.type == "tensor(float16)"
        batch, _, down, across = picture.shape
        self._fixed = batch if isinstance(batch, int) else None
        on_gpu = "CUDAExecutionProvider" in self._session.get_providers()
        self.batch = self._fixed or (TOGETHER if on_gpu else 1)
        known = described.size or (model.side, model.side)
        self._size = (across, down) if isinstance(across, int) and isinstance(down, int) else known

    def size(self, width: int, height: int) -> tuple[int, int]:
        return self._size

    def run(self, pictures: PixelArray) -> list[Floats]:
        step = self._fixed or len(pictures)
        parts = [self._some(pictures[start : start + step]) for start in range(0, len(pictures), step)]
        return [np.concatenate(output) for output in zip(*parts, strict=True)]

    def _some(self, pictures: PixelArray) -> list[Floats]:
        """The outputs for at most as many pictures as the file takes; what is lacking is filled up and cut off."""
        batch = cv2.dnn.blobFromImages(list(pictures), 1 / 255, swapRB=True)
        if self._fixed and len(batch) < self._fixed:
            batch = np.concatenate((batch, np.zeros((self._fixed - len(batch), *batch.shape[1:]), np.float32)))
        outputs = self._session.run(None, {self._input: batch.astype(np.float16) if self._half else batch})
        return [np.asarray(output, np.float32)[: len(pictures)] for output in outputs]


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _providers(device: str) -> list[str | tuple[str, dict[str, Any]]]:
    """CUDA where it was asked for and this ONNX Runtime has it; the CPU behind it for what CUDA has no kernel for."""
    if device != "cuda" or "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return ["CPUExecutionProvider"]
    most = ceiling()
    limits = {"gpu_mem_limit": str(most), "arena_extend_strategy": "kSameAsRequested"} if most else {}
    return [("CUDAExecutionProvider", {"device_id": "0", **limits}), "CPUExecutionProvider"]
