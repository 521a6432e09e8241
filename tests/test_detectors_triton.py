"""A model on a Triton server whose network changes: what differs from model.toml is said, and it comes back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tritonclient.http")

from detectors import canary as canary_module
from detectors import lane as lane_module
from detectors.engine import Engine
from detectors.manifest import Form, Model, Unlike
from detectors.network import Yolo
from detectors.registry import Detector, Loaded, Weights
from detectors.runners import open_runner

from .test_detectors_engine import PIXELS, soon, wait_until

SIDE = 96
PLACES = 84
LABELS = ("cat", "dog")


class Triton(ThreadingHTTPServer):
    """As much of the KServe protocol as its client uses. Every picture holds the last of `classes` things at this
    height; `names` and `task` are what its export says, `refusal` what it answers instead."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.names: tuple[str, ...] = LABELS
        self.task = "detect"
        self.dims: list[Any] = [3, -1, -1]
        self.classes, self.height, self.refusal = 2, 48, ""
        self.shapes: list[tuple[int, ...]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/pets"

    @property
    def config(self) -> dict[str, Any]:
        said = {"names": dict(enumerate(self.names)), "task": self.task, "imgsz": [SIDE, SIDE]} if self.names else {}
        return {
            "name": "pets", "max_batch_size": 4, "output": [{"name": "output0", "data_type": "TYPE_FP32"}],
            "input": [{"name": "images", "data_type": "TYPE_FP32", "dims": self.dims}],
            "parameters": {"metadata": {"string_value": repr(said)}},
        }  # fmt: skip

    def answer(self, pictures: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        if self.task == "classify":
            return np.tile(np.linspace(0, 0.9, self.classes, dtype=np.float32), (pictures, 1))
        rows = np.zeros((pictures, 4 + self.classes, PLACES), np.float32)
        rows[:, [0, 1, 2, 3, -1], 0] = [48, self.height, 20, 20, 0.9]
        return rows


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Triton

    def do_GET(self) -> None:
        self._answer(json.dumps(self.server.config).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        shape = json.loads(body[: int(self.headers["Inference-Header-Content-Length"])])["inputs"][0]["shape"]
        self.server.shapes.append(tuple(shape))
        output = self.server.answer(shape[0])
        head = json.dumps({"model_name": "pets", "outputs": [{
            "name": "output0", "datatype": "FP32", "shape": list(output.shape),
            "parameters": {"binary_data_size": output.nbytes},
        }]}).encode()  # fmt: skip
        self._answer(head + output.tobytes(), {"Inference-Header-Content-Length": str(len(head))})

    def _answer(self, body: bytes, headers: dict[str, str] | None = None) -> None:
        refusal = self.server.refusal
        body = json.dumps({"error": refusal}).encode() if refusal else body
        self.send_response(400 if refusal else 200)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def triton() -> Iterator[Triton]:
    with Triton() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def pets(address: str, form: Form = "detect") -> Model:
    return Model(
        "pets", "pets", "1", "pets/model.toml", None, "-", LABELS, form=form, side=SIDE, backend="triton", url=address
    )


def load(weights: Weights, device: str) -> Loaded:
    return Yolo(open_runner(weights, device), weights.model)


class Store:
    """A models folder with this model alone."""

    def __init__(self, address: str) -> None:
        self._weights = Weights(pets(address), Path("pets"), "a" * 64)

    def altered(self, kind: str) -> dict[str, str]:
        return {}

    def weights(self, kind: str) -> Weights:
        return self._weights

    def missing(self, kind: str) -> None:
        return None


@pytest.fixture
def engine(triton: Triton, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Asks the server as soon as it is handed out; the canary sings every 20 ms, failures are tried again after 50."""
    monkeypatch.setattr(canary_module, "EVERY_S", 0.02)
    monkeypatch.setattr(lane_module, "RETRY_S", 0.05)
    table = [Detector("pets", {"pets": SIDE}, (pets(triton.address),), load)]
    engine = Engine(Store(triton.address), "cpu", table)  # type: ignore[arg-type]
    engine.start()
    wait_until(lambda: engine.lanes[0].state == "warm")
    yield engine
    engine.close()


def labels(engine: Engine) -> list[str]:
    return [region.label for region in engine.find({"pets"}, PIXELS, soon()).regions]


def refreshed(engine: Engine) -> str:
    engine.refresh()
    return engine.lanes[0].state


CHANGES = [
    ({"names": (*LABELS, "bird"), "classes": 3}, "has 3 labels (cat, dog, bird), but model.toml says 2 (cat, dog)"),
    ({"names": ("dog", "cat"), "height": 20}, "label 0 of its server's network is 'dog', but model.toml says 'cat'"),
    ({"task": "classify"}, "network has the form classify, but model.toml says detect"),
    ({"names": (), "classes": 5}, "form detect with 2 classes does not put out (4, 9, 84)"),
    ({"refusal": "Request for unknown model: 'pets'"}, "its server says: Request for unknown model: 'pets'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "says"), CHANGES)
def test_a_network_that_is_another_says_what_differs_until_it_is_as_it_was(
    triton: Triton, engine: Engine, caplog: pytest.LogCaptureFixture, change: dict[str, Any], says: str
) -> None:
    before = {name: getattr(triton, name) for name in change}
    assert labels(engine) == ["dog"]
    vars(triton).update(change)
    [lane] = engine.lanes
    wait_until(lambda: lane.state == "failed")
    wait_until(lambda: says in lane.problem)
    assert lane.problem.startswith("pets@aaaaaaaaaaaa could not be loaded: ")
    assert "; it is tried again every" in lane.problem
    assert triton.address.removeprefix("http://") not in lane.problem
    [missing] = engine.find({"pets"}, PIXELS, soon()).missing
    assert says in missing.how
    assert (refreshed(engine), engine.sick, engine.ready) == ("failed", False, True)
    vars(triton).update(before)
    wait_until(lambda: refreshed(engine) == "warm")
    assert labels(engine) == ["dog"]
    assert lane.problem == ""


def test_another_network_that_fits_answers_from_then_on(
    triton: Triton, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    [lane] = engine.lanes
    triton.height = 20
    wait_until(lambda: lane.counted()["reloads"] == 1 and lane.state == "warm")
    [region] = engine.find({"pets"}, PIXELS, soon()).regions
    assert region.box.centre[1] < 0.3
    assert lane.problem == ""
    [line] = [record.getMessage() for record in caplog.records if "another network" in record.getMessage()]
    assert line.startswith("pets@aaaaaaaaaaaa: ")
    assert "raise `version`" in line
    triton.height = 70  # and so does the next
    wait_until(lambda: lane.counted()["reloads"] == 2 and lane.state == "warm")
    assert not engine.find({"pets"}, PIXELS, soon()).missing


def test_a_server_that_was_down_and_comes_back_with_another_network(
    triton: Triton, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    [lane] = engine.lanes
    triton.refusal = "model is not ready"
    wait_until(lambda: "model is not ready" in lane.problem)
    triton.height, triton.refusal = 20, ""
    wait_until(lambda: refreshed(engine) == "warm")
    assert labels(engine) == ["dog"]


@pytest.mark.parametrize(
    ("dims", "size"), [([3, 64, 32], (32, 64)), ([3, -1, -1], (SIDE, SIDE)), (["3", "64", "64"], (64, 64))]
)
def test_pictures_have_the_size_that_the_network_takes(triton: Triton, dims: list[Any], size: tuple[int, int]) -> None:
    triton.dims = dims
    runner = open_runner(Weights(pets(triton.address), Path("pets"), ""), "cpu")
    assert runner.size(500, 300) == size


def test_how_labels_are_spelt_does_not_matter(triton: Triton) -> None:
    triton.names = ("Cat", "DOG")
    assert load(Weights(pets(triton.address), Path("pets"), ""), "cpu").batch == 4


def test_a_classifier_of_another_number_of_classes_is_refused(triton: Triton) -> None:
    triton.names, triton.task, triton.classes = (), "classify", 3
    network = Yolo(
        open_runner(Weights(pets(triton.address, "classify"), Path("pets"), ""), "cpu"), pets("", "classify")
    )
    with pytest.raises(Unlike, match=r"2 classes does not put out \(1, 3\)"):
        network.classify([PIXELS])
