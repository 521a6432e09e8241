"""Networks in memory without ultralytics, and with the numbers of ultralytics: ONNX, OpenVINO, torch, Triton."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from detectors.heads import Head, read
from detectors.manifest import Model
from detectors.registry import Weights
from detectors.runners import open_runner
from detectors.runners.said import said

from .shared import MODELS, ROOT, needs
from .test_detectors_heads import noise, places

SIDE = 96
LABELS = tuple(f"label {number}" for number in range(80))


def model(form="detect", labels=LABELS, **more):
    return Model("own", "own", "1", "own/own.pt", None, "-", labels, form=form, side=SIDE, **more)


def test_what_a_file_says_of_itself_goes_before_what_was_set_up():
    spoken = said(
        {"names": "{0: 'cat', 1: 'dog'}", "task": "pose", "imgsz": "[320, 640]", "kpt_shape": "[5, 2]"}, model()
    )
    assert (spoken.names, spoken.size) == (("cat", "dog"), (640, 320))
    assert (spoken.head.form, spoken.head.classes, spoken.head.joints) == ("pose", 2, (5, 2))
    silent = said({}, model("segment"))
    assert (silent.head, silent.size) == (Head("segment", 80), None)
    with pytest.raises(ValueError, match="depth"):
        said({"task": "depth"}, model())


def test_a_file_that_nothing_runs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no file that a network"):
        open_runner(Weights(model(), tmp_path / "model.tflite", ""), "cpu")


MADE = """
import sys
from detectors.quiet import silence
silence()
import numpy as np, torch
from ultralytics import YOLO
folder, side = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
for name in sys.argv[3:]:
    model = YOLO(f"{name}.yaml")
    model.save(f"{folder}/{name}.pt")
    model = YOLO(f"{folder}/{name}.pt")
    model.export(format="onnx", imgsz=side, verbose=False)
    model = YOLO(f"{folder}/{name}.pt")
    batch = torch.from_numpy(pixels[None, :, :, ::-1].copy()).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        out = model.model.float().eval()(batch)
    while isinstance(out, (list, tuple)):
        out = out[0]
    np.save(f"{folder}/{name}.npy", out.numpy())
"""

FORMS = {"-seg": "segment", "-pose": "pose", "-obb": "obb", "-cls": "classify"}
MADE_NAMES = ("yolo11n", "yolo11n-seg", "yolo11n-pose", "yolo11n-obb", "yolo11n-cls")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Networks of random weights as .pt and .onnx, and what ultralytics puts out for noise(96, 96); 12 s."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("made")
    subprocess.run([sys.executable, "-c", MADE, str(folder), str(SIDE), *MADE_NAMES], cwd=ROOT, check=True,
                   capture_output=True)  # fmt: skip
    return folder


@pytest.mark.parametrize("name", MADE_NAMES)
def test_onnx_puts_out_what_ultralytics_does(made, name):
    form = FORMS.get(name.removeprefix("yolo11n"), "detect")
    runner = open_runner(Weights(model(form), made / f"{name}.onnx", ""), "cpu")
    assert (runner.head.form, runner.batch, runner.size(500, 300)) == (form, 1, (SIDE, SIDE))
    outputs = runner.run(np.stack([noise(SIDE, SIDE), noise(SIDE, SIDE)]))
    wanted = np.load(made / f"{name}.npy")
    assert np.abs(outputs[0] - wanted).max() < 1e-2
    assert {len(output) for output in outputs} == {2}
    if form == "segment":
        assert outputs[1].shape == (2, 32, SIDE // 4, SIDE // 4)
    if form != "classify":
        (things, _) = read(outputs, runner.head, 0.0, 20)
        assert 1 <= len(things) <= 20


@needs("models", "yolo11n_int8_openvino_model")
def test_openvino_takes_pictures_as_they_are():
    pytest.importorskip("openvino")
    runner = open_runner(Weights(model(), MODELS / "yolo11n_int8_openvino_model", ""), "cpu")
    assert (runner.names[16], runner.head.classes, runner.batch, runner.size(9, 9)) == ("dog", 80, 1, (640, 640))
    one = runner.run(noise(640, 640)[np.newaxis])[0]
    kept = one.copy()
    two = runner.run(np.stack([noise(640, 640, 1), noise(640, 640)]))[0]
    assert one.shape == (1, 84, 8400)
    assert (one == kept).all()  # stays valid
    assert (two[1] == one[0]).all()
    assert (two[0] != one[0]).any()


def config(side=SIDE):
    metadata = {"names": {0: "cat", 1: "dog"}, "task": "detect", "imgsz": [side, side], "stride": 32}
    return {
        "name": "pets", "max_batch_size": 4, "input": [{"name": "images", "data_type": "TYPE_FP32"}],
        "output": [{"name": "output0", "data_type": "TYPE_FP32"}],
        "parameters": {"metadata": {"string_value": repr(metadata)}},
    }  # fmt: skip


class Triton(BaseHTTPRequestHandler):
    """As much of the KServe protocol with binary tensors as its client uses: it finds a dog in every picture."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer(json.dumps(config()).encode(), {"Content-Type": "application/json"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        length = int(self.headers["Inference-Header-Content-Length"])
        shape = json.loads(body[:length])["inputs"][0]["shape"]
        batch = np.frombuffer(body[length:], np.float32).reshape(shape)
        self.server.seen.append((*shape, float(batch.max())))
        output = np.concatenate([places((48, 48, 20, 20, 1, 0.9), classes=2)] * shape[0])
        head = json.dumps({"model_name": "pets", "outputs": [{
            "name": "output0", "datatype": "FP32", "shape": list(output.shape),
            "parameters": {"binary_data_size": output.nbytes},
        }]}).encode()  # fmt: skip
        self._answer(head + output.tobytes(), {"Inference-Header-Content-Length": str(len(head))})

    def _answer(self, body, headers):
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_triton_server_is_asked_for_batches():
    pytest.importorskip("tritonclient.http")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Triton)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/pets"
        weights = Weights(model(labels=("cat", "dog"), backend="triton", url=address), ROOT, "")
        runner = open_runner(weights, "cpu")
        assert (runner.names, runner.batch, runner.size(5, 5)) == (("cat", "dog"), 4, (SIDE, SIDE))
        answers: list[object] = []
        asking = threading.Thread(  # another thread than it was opened in, as in a lane
            target=lambda: answers.extend(read(runner.run(np.stack([noise(SIDE, SIDE)] * 2)), runner.head, 0.25))
        )
        asking.start()
        asking.join()
        assert [things.classes.tolist() for things in answers] == [[1], [1]]
        assert server.seen == [(2, 3, SIDE, SIDE, 1.0)]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("address", ["ftp://host/model", "http://host:1", "http:///model"])
def test_what_is_no_address_of_a_triton_model_is_refused(address):
    pytest.importorskip("tritonclient.http")
    with pytest.raises(ValueError, match="http://host:port/model"):
        open_runner(Weights(model(backend="triton", url=address), ROOT, ""), "cpu")


def test_only_the_foremost_places_leave_a_gpu():
    torch = pytest.importorskip("torch")
    from detectors.runners.torch import foremost

    output = torch.rand(2, 84, 500)
    few = foremost(output, Head("detect", 80), most=10)
    assert few.shape == (2, 84, 10)
    best = output[0, 4:].amax(0).sort(descending=True).values[:10]
    assert torch.equal(few[0, 4:].amax(0), best)
    finished = torch.rand(2, 300, 6)
    assert foremost(finished, Head("detect", 80), most=10) is finished


def test_torch_puts_out_the_same_for_the_smallest_input_that_holds_the_picture(made):
    pytest.importorskip("ultralytics")
    runner = open_runner(Weights(model(), made / "yolo11n.pt", ""), "cpu")
    assert (runner.head, len(runner.names), runner.batch) == (Head("detect", 80), 80, 1)
    assert (runner.size(960, 960), runner.size(300, 100), runner.size(10, 300)) == ((96, 96), (96, 32), (32, 96))
    outputs = runner.run(noise(SIDE, SIDE)[np.newaxis])
    assert np.abs(outputs[0] - np.load(made / "yolo11n.npy")).max() < 1e-2
    assert runner.run(noise(32, SIDE)[np.newaxis])[0].shape == (1, 84, 63)


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    """Also where ultralytics was imported before its switch was set."""
    pytest.importorskip("ultralytics")
    import os
    import pickle

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/ran",)

    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"model": Evil()}))
    with pytest.raises(TypeError, match="types outside"):
        open_runner(Weights(model(), tmp_path / "evil.pt", ""), "cpu")
    assert not (tmp_path / "ran").exists()


def _cuda():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    return torch


def test_a_gpu_finds_what_a_cpu_finds_and_a_batch_what_one_finds(made):
    _cuda()
    weights = Weights(model(), made / "yolo11n.pt", "")
    on_gpu, on_cpu = open_runner(weights, "cuda"), open_runner(weights, "cpu")
    pictures = np.stack([noise(SIDE, SIDE, seed) for seed in range(on_gpu.batch)])
    together = on_gpu.run(pictures)[0]
    for number in (0, on_gpu.batch - 1):
        alone, wanted = (runner.run(pictures[number : number + 1])[0] for runner in (on_gpu, on_cpu))
        for other in (alone[0], wanted[0]):
            assert np.allclose(np.sort(together[number, 4:].max(0)), np.sort(other[4:].max(0)), atol=0.01)


def test_a_ceiling_keeps_torch_below_it(monkeypatch):
    torch = _cuda()
    from detectors import memory

    monkeypatch.setattr(memory, "_most", 256 << 20)
    memory.limit_torch()
    with pytest.raises(torch.cuda.OutOfMemoryError):
        torch.zeros(512 << 20, dtype=torch.uint8, device="cuda")
    torch.cuda.set_per_process_memory_fraction(1.0, 0)
