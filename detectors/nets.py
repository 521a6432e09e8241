"""What the face networks share: a session of onnxruntime, the picture as a tensor, non-maximum suppression."""

from __future__ import annotations

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .faces import SAME_FACE
from .found import PixelArray

Floats = NDArray[np.float32]

MOST = 5000  # candidates before suppression, as in OpenCV


def open_session(model: str | bytes, threads: int) -> onnxruntime.InferenceSession:
    """An onnxruntime session on the CPU that says nothing and does not spin when idle."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def suppress(boxes: Floats, scores: Floats) -> NDArray[np.intp]:
    """Indices of the boxes that stay, best first: none overlaps a better one by more than SAME_FACE."""
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), 0.0, SAME_FACE, top_k=MOST)
    return np.asarray(kept, dtype=np.intp).reshape(-1)


def tensor(pixels: PixelArray) -> Floats:
    """(1, 3, h, w) BGR 0 to 255, padded with black on the right and below to multiples of the largest stride."""
    height, width = pixels.shape[:2]
    padded = np.zeros((1, 3, -height % 32 + height, -width % 32 + width), np.float32)
    padded[0, :, :height, :width] = pixels.transpose(2, 0, 1)
    return padded
