"""The detection process, as a process: sockets, secrets, crashes, and models that are absent or arrive.

It runs with CenterFace, which comes with an installed dependency, so that most of this needs no shared material.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import numpy as np
import pytest

from detectors import client as client_module
from detectors.client import Client, Unanswered
from detectors.found import Query, pack_query
from detectors.manifest import FACES as FACE_MODELS

from .shared import MODELS, ROOT, needs
from .test_detectors_faces import picture

FACES = frozenset({"faces"})
BOTH = frozenset({"faces", "objects"})
SMELLS = b"".join(pack_query(Query(frozenset({"smells"}), np.zeros((4, 4, 3), np.uint8), 100)))


@contextmanager
def running(address, models, *more, secret=None):
    """A detection process, killed at the end; its `client` asks it."""
    where = ["--host", urlsplit(address).hostname, "--port", str(urlsplit(address).port), "--secret", secret or ""]
    place = where if address.startswith("http") else ["--socket", address]
    command = [sys.executable, "-m", "detectors.service", *place, "--models", str(models), "--device", "cpu", *more]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    process.client = Client(address, secret)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def eventually(ask, seconds=20.0):
    """What `ask` returns once that is neither false nor Unanswered."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(Unanswered):
            if answer := ask():
                return answer
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def ready(client):
    return eventually(lambda: client.models()["tasks"]["faces"] == "warm")


def find(client, kinds=FACES, pixels=None, seconds=5.0, **more):
    pixels = picture("zidane.jpg") if pixels is None else pixels
    return client.find(kinds, pixels, deadline=time.monotonic() + seconds, **more)


def get(address, path, secret=None, method="GET", body=None):
    """Status and JSON of a plain request to a port."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
    connection.request(method, path, body, {client_module.SECRET_HEADER: secret} if secret else {})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@pytest.fixture(scope="module")
def address():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="module")
def tcp(address, tmp_path_factory):
    """A service on a port, with a secret and an empty models folder."""
    with running(address, tmp_path_factory.mktemp("models"), secret="s3cret") as process:
        ready(process.client)
        yield process


def test_faces_are_found_without_any_download(tcp):
    found = find(tcp.client)
    assert len(found.by("faces")) == 2
    assert found.models == (("faces", "centerface@09189deaaf86"),)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_of_any_kind(tcp, channels):
    pixels = picture("zidane.jpg")
    gray = pixels.mean(axis=2, keepdims=True).astype(np.uint8)
    asked = {1: gray, 3: pixels, 4: np.concatenate((pixels, gray * 0), axis=2)}[channels]
    assert len(find(tcp.client, pixels=asked).by("faces")) == 2


def test_absent_objects_are_named_and_faces_still_come(tcp):
    found = find(tcp.client, BOTH)
    assert len(found.by("faces")) == 2
    ((kind, model, how),) = [(missing.detector, missing.model, missing.how) for missing in found.missing]
    assert (kind, model) == ("objects", "yolo11n")
    assert "darkroom models pull yolo11n" in how


def test_absent_models_never_hold_readiness_back(tcp, address):
    status, told = get(address, "/ready")
    assert (status, told["ready"]) == (200, True)
    assert told["tasks"].items() >= {"faces": "warm", "objects": "absent"}.items()
    assert "problems" not in told


def test_a_model_that_does_not_load_is_told_and_leaves_the_others(tmp_path):
    folder = tmp_path / "models"
    (folder / "crops").mkdir(parents=True)
    (folder / "bare").mkdir()
    broken = b"not a network"
    (folder / "crops" / "x.onnx").write_bytes(broken)
    (folder / "bare" / "x.onnx").write_bytes(broken)
    card = f'file = "x.onnx"\nsha256 = "{hashlib.sha256(broken).hexdigest()}"\nform = "detect"\nlabels = ["wheat"]\n'
    (folder / "crops" / "model.toml").write_text(card)
    address = str(tmp_path / "detection.sock")
    with running(address, folder) as process:
        ready(process.client)
        assert eventually(lambda: process.client.models()["tasks"].get("crops") == "failed")
        told = process.client.models()
        assert "could not be loaded" in told["problems"]["crops"]
        assert told["refused"]["bare"].startswith("model-settings-missing: bare holds x.onnx, but no model.toml; run ")
        assert str(tmp_path) not in json.dumps(told)
        assert len(find(process.client).by("faces")) == 2
        (missing,) = find(process.client, frozenset({"faces", "crops"})).missing
        assert missing.detector == "crops"


def test_what_serves_each_kind_is_told(tcp):
    told = tcp.client.models()
    faces = dict.fromkeys(("faces", "all-faces", "largest-face"), "centerface@09189deaaf86")
    assert told["models"].items() >= faces.items()
    assert told["missing"]["objects"]["model"] == "yolo11n"
    assert told["device"] == "cpu"


@pytest.mark.parametrize("secret", [None, "", "wrong", "s3cre", "s3cret\u00e9"])
@pytest.mark.parametrize("path", ["/find", "/models"])
def test_without_the_secret_nothing_is_answered(tcp, address, secret, path):
    method = "POST" if path == "/find" else "GET"
    status, told = get(address, path, secret, method)
    assert (status, told["code"]) == (401, "bad-secret")


def test_a_client_without_the_secret_is_unanswered(tcp, address):
    with pytest.raises(Unanswered, match="401"):
        find(Client(address))


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_need_no_secret(tcp, address, path):
    assert get(address, path)[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad-query"),
        (b"junk" * 100, 400, "bad-query"),
        (SMELLS, 400, "unknown-detector"),
        (bytes(17 << 20), 413, "too-large"),
    ],
    ids=["empty", "junk", "unknown", "large"],
)
def test_bad_questions_are_refused(tcp, address, body, status, code):
    with contextlib.suppress(ConnectionError):  # the large one: refused before it was all sent
        told = get(address, "/find", "s3cret", "POST", body)
        assert (told[0], told[1]["code"]) == (status, code)
    assert find(tcp.client).regions


def test_equal_keys_share_an_answer(tcp):
    first = find(tcp.client, key="one")
    other = find(tcp.client, pixels=np.zeros((64, 64, 3), np.uint8), key="one")
    assert other.regions == first.regions
    assert find(tcp.client, pixels=np.zeros((64, 64, 3), np.uint8), key="two").regions == ()


def test_killed_and_started_again(tmp_path):
    """In flight and after the end: Unanswered; the same client is answered as soon as there is a service again."""
    address = str(tmp_path / "detection.sock")
    with running(address, tmp_path) as first:
        client = first.client
        ready(client)
        assert stat.S_IMODE(os.stat(address).st_mode) == 0o600
        before = find(client)
        os.kill(first.pid, signal.SIGSTOP)  # so that a question is in flight when it dies
        with pytest.raises(Unanswered):
            find(client, seconds=0.2)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        with pytest.raises(Unanswered):
            find(client)
    with running(address, tmp_path) as second:
        assert eventually(partial(find, client)) == before
        second.terminate()
        assert second.wait(10) == 0
        assert not os.path.exists(address)


def test_it_ends_with_its_parent(tmp_path):
    code = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-m", "detectors.service", *sys.argv[1:]]).pid, flush=True)
time.sleep(60)
"""
    address = str(tmp_path / "detection.sock")
    command = [sys.executable, "-c", code, "--socket", address, "--models", str(tmp_path), "--device", "cpu"]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child = int(parent.stdout.readline())
    try:
        ready(Client(address))
        parent.kill()
        parent.communicate()
        eventually(lambda: not alive(child))
        assert not os.path.exists(address)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def alive(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize(
    "arguments",
    [["--host", "127.0.0.1"], [], ["--socket", "/tmp/a", "--host", "127.0.0.1", "--secret", "s"]],
    ids=["no secret", "no address", "two addresses"],
)
def test_a_wrong_command_line_is_refused(arguments):
    command = [sys.executable, "-m", "detectors.service", "--models", "/nowhere", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=20)
    assert ran.returncode == 2


@needs("models", "face_detection_yunet_2026may.onnx")
def test_missing_weights_are_downloaded_in_the_background_and_loaded(tmp_path):
    """A mirror that has YuNet and nothing else: faces change over to it, objects stay missing, nobody waits."""
    published = tmp_path / "mirror" / urlsplit(FACE_MODELS[0].url).path[1:]
    published.parent.mkdir(parents=True)
    published.symlink_to(MODELS / FACE_MODELS[0].file)
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    mirror = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path / "mirror")))
    Thread(target=mirror.serve_forever, args=(0.02,), daemon=True).start()
    options = ["--pull", "background", "--mirror", f"http://127.0.0.1:{mirror.server_address[1]}"]
    try:
        with running(str(tmp_path / "s.sock"), tmp_path / "models", *options) as process:
            eventually(lambda: process.client.models()["models"].get("faces") == "yunet-2026may@ebafce4e3c11")
            found = find(process.client, BOTH)
            assert dict(found.models) == {"faces": "yunet-2026may@ebafce4e3c11"}
            assert [missing.model for missing in found.missing] == ["yolo11n"]
    finally:
        mirror.shutdown()
        mirror.server_close()
