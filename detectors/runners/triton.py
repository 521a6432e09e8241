"""A model on a Triton Inference Server elsewhere, `http://host:port/model`, by its own client (extra `triton`)."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
from tritonclient import http as triton

from ..found import PixelArray
from ..manifest import Model
from . import TOGETHER, Floats
from .said import said

PATIENCE_S = 5.0


class TritonRunner:
    """One model of one server. What ultralytics' export wrote into the model's configuration (`parameters.metadata`)
    is believed."""

    def __init__(self, address: str, model: Model) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/"):
            raise ValueError(f"{model.name}: a Triton model is given as http://host:port/model")
        self._host, self._secure = parts.netloc, parts.scheme == "https"
        self._model = parts.path.strip("/").partition("/")[0]
        self._local = threading.local()
        config = self._client.get_model_config(self._model)
        described = said(_literal(config), model)
        self.head, self.names = described.head, described.names
        (picture, *_) = config["input"]
        self._input, self._type = picture["name"], picture["data_type"].removeprefix("TYPE_")
        self._outputs = sorted(output["name"] for output in config["output"])
        self.batch = max(1, min(int(config.get("max_batch_size", 0)) or described.batch or 1, TOGETHER))
        self._size = described.size or (model.side, model.side)

    @property
    def _client(self) -> triton.InferenceServerClient:
        """One per thread: its greenlets cannot be taken into another."""
        if not hasattr(self._local, "client"):
            self._local.client = triton.InferenceServerClient(
                self._host, ssl=self._secure, connection_timeout=PATIENCE_S, network_timeout=PATIENCE_S
            )
        return self._local.client

    def size(self, width: int, height: int) -> tuple[int, int]:
        return self._size

    def run(self, pictures: PixelArray) -> list[Floats]:
        batch = cv2.dnn.blobFromImages(list(pictures), 1 / 255, swapRB=True)
        batch = batch.astype(np.float16) if self._type == "FP16" else batch
        picture = triton.InferInput(self._input, list(batch.shape), self._type)
        picture.set_data_from_numpy(np.ascontiguousarray(batch))
        wanted = [triton.InferRequestedOutput(name) for name in self._outputs]
        answer = self._client.infer(self._model, [picture], outputs=wanted)
        return [np.asarray(answer.as_numpy(name), np.float32) for name in self._outputs]


def _literal(config: dict[str, Any]) -> dict[str, Any]:
    import ast

    text = config.get("parameters", {}).get("metadata", {}).get("string_value")
    written = ast.literal_eval(text) if text else {}
    return written if isinstance(written, dict) else {}
