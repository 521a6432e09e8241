"""Verified downloads: nothing gets the name of a model before its sha256 has been checked."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import httpx2

from transforms.failure import Failure, Kind

from .manifest import Model
from .models import ModelStore, Progress
from .scratch import scratch, sweep, writable

TIMEOUT = httpx2.Timeout(10.0, connect=3.0)
TOTAL_S = 900.0
REDIRECTS = 5
LARGEST = 512 << 20
"""Bytes; the largest file of the manifest, yolo11x, has 114 MB."""


def fetch(store: ModelStore, model: Model, progress: Progress | None = None) -> Path:
    """Download a model to where it belongs in the folder of a store; returns its path.

    One that is not known in full before it is here (its labels are read from the file) is added as an operator's model
    is. Where no checksum is known, that of what came is pinned. Raises Failure as `ModelStore.pull` says.
    """
    sweep(store.folder)
    target = store.folder / model.file
    if model.own and not model.labels:
        return _added(store, model, progress)
    sha256 = download(model, target, mirror=store.mirror, progress=progress)
    if model.sha256 is None:
        store.pins.pin(model.file, sha256)
    return target


def _added(store: ModelStore, model: Model, progress: Progress | None) -> Path:
    from .adding import Wish, add

    with scratch(store.folder, "pull") as folder:
        file = folder / model.file
        download(model, file, mirror=store.mirror, progress=progress)
        wish = Wish(model.name, licence=model.licence, version=model.version, source=model.url, tags=model.tags)
        return store.folder / add(store, file, wish).file


def download(model: Model, target: Path, *, mirror: str | None = None, progress: Progress | None = None) -> str:
    """Fetch a model's published file to `target`, by way of a temporary file beside it; returns its sha256.

    https only, unless the mirror's own address is plain http. Raises Failure as `ModelStore.pull` says.
    """
    address = _mirrored(model, mirror)
    schemes = {"https", urlsplit(mirror).scheme} if mirror else {"https"}
    with _temporary(target) as file:
        try:
            with httpx2.Client(timeout=TIMEOUT, follow_redirects=False) as client:
                sha256 = _fetch(client, address, file, model, progress, schemes)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise _failed(model, str(error) or type(error).__name__) from error
        if model.sha256 not in (None, sha256):
            raise mismatch(model, sha256, model.sha256, f"not {model.sha256}; it was deleted")
        with writable():
            os.fsync(file.fileno())
            os.replace(file.name, target)
    return sha256


def _mirrored(model: Model, mirror: str | None) -> str:
    address = model.url or ""
    return mirror.rstrip("/") + urlsplit(address).path if mirror else address


@contextmanager
def _temporary(target: Path) -> Iterator[BinaryIO]:
    """A new file beside `target`, gone at the end unless it was renamed; raises Failure models-folder-not-writable."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with writable():  # to close a file is to write what is left of it
        target.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("xb")
        try:
            with file:
                yield file
        finally:
            part.unlink(missing_ok=True)


def _fetch(
    client: httpx2.Client, address: str, file: BinaryIO, model: Model, progress: Progress | None, schemes: set[str]
) -> str:  # fmt: skip
    """Write the body at an address to a file, redirects followed; returns its sha256."""
    for _ in range(REDIRECTS + 1):
        if urlsplit(address).scheme not in schemes:
            raise _failed(model, "its address is not https")
        with client.stream("GET", address, headers={"accept-encoding": "identity"}) as response:
            if not response.has_redirect_location:
                return _save(response, file, model, progress)
            address = urljoin(address, response.headers["location"])
    raise _failed(model, f"more than {REDIRECTS} redirects")


def _save(response: httpx2.Response, file: BinaryIO, model: Model, progress: Progress | None) -> str:
    if response.status_code != httpx2.codes.OK:
        raise _failed(model, f"the server answered {response.status_code}")
    expected = int(response.headers.get("content-length", 0)) or model.bytes
    cap = model.bytes or LARGEST
    deadline = time.monotonic() + TOTAL_S
    total, done = hashlib.sha256(), 0
    if (expected or 0) > cap:
        raise _too_large(model, cap)
    for chunk in response.iter_raw():  # as they come: of a given size they would be waited for beyond all deadlines
        done += len(chunk)
        if done > cap:
            raise _too_large(model, cap)
        if time.monotonic() > deadline:
            raise _failed(model, f"it took longer than {TOTAL_S:.0f} s")
        total.update(chunk)
        with writable():
            file.write(chunk)
        if progress:
            progress(done, expected)
    with writable():
        file.flush()
    return total.hexdigest()


def _too_large(model: Model, cap: int) -> Failure:
    return Failure(Kind.BAD_GATEWAY, "model-too-large", f"{model.file} is larger than {cap} bytes")


def mismatch(model: Model, got: str, expected: str | None, why: str) -> Failure:
    """The failure of a download that has another sha256 than it was said to have."""
    return Failure(
        Kind.BAD_GATEWAY, "model-checksum-mismatch", f"what was downloaded as {model.file} has sha256 {got}, {why}",
        hint="the address may have been taken over, or a proxy answered in its place",
        details={"model": model.name, "expected": expected, "got": got},
    )  # fmt: skip


def _failed(model: Model, why: str) -> Failure:
    return Failure(
        Kind.BAD_GATEWAY, "model-download-failed", f"{model.file} could not be downloaded: {why}",
        hint="try again, or fetch it elsewhere and put it into the models folder", details={"model": model.name},
    )  # fmt: skip
