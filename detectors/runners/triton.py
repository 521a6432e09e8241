"""A model on a Triton Inference Server elsewhere, `http://host:port/model`, by its own client (extra `triton`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from ..found import PixelArray
from ..manifest import Model, Unlike
from . import TOGETHER, Floats
from .said import Said, said

PATIENCE_S = 5.0
MOST_SAID = 200  # letters of what a server says


class TritonRunner:
    """One model of one server. What ultralytics' export wrote into the model's configuration (`parameters.metadata`)
    must be what model.toml says."""

    def __init__(self, address: str, model: Model) -> None:
        """Raises Unlike where the server has another network than the model describes, or says why it has none."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/"):
            raise Unlike(f"{model.name}: a Triton model is given as http://host:port/model")
        self._host, self._secure = parts.netloc, parts.scheme == "https"
        self._model = parts.path.strip("/").partition("/")[0]
        self._local = threading.local()
        with _words():
            config = self._client.get_model_config(self._model)
        described = said(_literal(config), model)
        _compare(described, model)
        self.head, self.names = described.head, described.names
        (picture, *_) = config["input"]
        self._input, self._type = picture["name"], picture["data_type"].removeprefix("TYPE_")
        self._outputs = sorted(output["name"] for output in config["output"])
        self.batch = max(1, min(int(config.get("max_batch_size", 0)) or described.batch or 1, TOGETHER))
        self._size = _fixed(picture) or described.size or (model.side, model.side)

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
        with _words():
            answer = self._client.infer(self._model, [picture], outputs=wanted)
        return [np.asarray(answer.as_numpy(name), np.float32) for name in self._outputs]


@contextmanager
def _words() -> Iterator[None]:
    """What the server says of a request that it refuses, for the operator."""
    try:
        yield
    except InferenceServerException as error:
        said = " ".join(str(error.message()).split())[:MOST_SAID]
        raise Unlike(f"its server says: {said}") from error


def _compare(described: Said, model: Model) -> None:
    """Raises Unlike where what the server says of its network is not what model.toml says; how labels are spelt, in
    capitals or with _ for spaces, does not matter."""
    if described.head.form != model.form:
        raise Unlike(f"its server's network has the form {described.head.form}, but model.toml says {model.form}")
    theirs, ours = described.names, model.labels
    if not theirs or [*map(_plain, theirs)] == [*map(_plain, ours)]:
        return
    if len(theirs) != len(ours):
        numbers = f"{len(theirs)} labels ({_few(theirs)}), but model.toml says {len(ours)} ({_few(ours)})"
        raise Unlike(f"its server's network has {numbers}")
    pairs = enumerate(zip(theirs, ours, strict=True))
    number, their, our = next((at, *pair) for at, pair in pairs if _plain(pair[0]) != _plain(pair[1]))
    raise Unlike(f"label {number} of its server's network is {their!r}, but model.toml says {our!r}")


def _plain(label: str) -> str:
    return label.casefold().replace("_", " ").replace("-", " ")


def _few(labels: tuple[str, ...]) -> str:
    return ", ".join(labels[:3]) + (" …" if len(labels) > 3 else "")


def _fixed(picture: Mapping[str, Any]) -> tuple[int, int] | None:
    """Across and down, in pixels, where the network takes pictures of one size only."""
    down, across = (int(side) for side in (*(-1, -1), *picture.get("dims", ()))[-2:])  # as text, by some servers
    return (across, down) if min(across, down) > 0 else None


def _literal(config: dict[str, Any]) -> dict[str, Any]:
    import ast

    text = config.get("parameters", {}).get("metadata", {}).get("string_value")
    written = ast.literal_eval(text) if text else {}
    return written if isinstance(written, dict) else {}
