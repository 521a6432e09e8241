"""Every picture of the shared material through a running server: formats upright and whole, hostile files refused."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import quote

import numpy as np
import psutil
import pytest
from PIL import Image

from .pictures import corners
from .servers import Server
from .shared import manifest, needs

FORMATS = [entry for entry in manifest() if entry["path"].startswith("formats/") and entry["expected"] == "ok"]
HOSTILE = [entry for entry in manifest() if entry["path"].startswith("bad/")]
OUTPUTS = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WEBP", "GIF": "GIF", "AVIF": "AVIF"}


def paths(entry: Any) -> str:
    return str(entry["path"]) if isinstance(entry, dict) else ""


@needs("images", "manifest.json")
@pytest.mark.parametrize("entry", FORMATS, ids=paths)
def test_a_format_comes_out_upright_at_the_right_size(shared_server: Server, entry: dict[str, Any]) -> None:
    answer = shared_server.get(f"/-/{quote(entry['path'])}")
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == (entry["width"], entry["height"])
    expected = OUTPUTS.get(entry["format"])
    assert picture.format == (expected or ("PNG" if entry["alpha_used"] else "JPEG"))
    if len(set(entry["durations_ms"] or [])) and entry["frames"] <= 60 and getattr(picture, "n_frames", 1) > 1:
        # Frames that look alike may have become one; how long it plays may not change.
        wanted = [duration or 100 for duration in entry["durations_ms"]]  # as browsers show what has none
        assert played(picture) == pytest.approx(sum(wanted), abs=5 * len(wanted))


def played(picture: Image.Image) -> float:
    """Milliseconds of all frames."""
    total = 0.0
    for frame in range(picture.n_frames):  # type: ignore[attr-defined]
        picture.seek(frame)
        picture.load()
        total += picture.info.get("duration", 0)
    return total


@needs("images", "manifest.json")
@pytest.mark.parametrize("entry", FORMATS, ids=paths)
def test_info_says_what_the_manifest_says(shared_server: Server, entry: dict[str, Any]) -> None:
    said = shared_server.get(f"/info/{quote(entry['path'])}").json()
    assert (said["width"], said["height"]) == (entry["width"], entry["height"])
    assert (said["frames"], said["has_alpha"]) == (entry["frames"], entry["has_alpha"])
    assert said["bytes"] == entry["bytes"]


@needs("images", "manifest.json")
@pytest.mark.parametrize("entry", [e for e in FORMATS if e.get("corners")], ids=paths)
def test_the_corners_are_where_a_viewer_shows_them(shared_server: Server, entry: dict[str, Any]) -> None:
    answer = shared_server.get(f"/format:png/{quote(entry['path'])}")
    pixels = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert corners(np.asarray(pixels)[:, :, ::-1]) == entry["corners"].split(",")


@needs("images", "manifest.json")
@pytest.mark.parametrize("entry", HOSTILE, ids=paths)
def test_a_hostile_file_is_refused_or_a_picture(shared_server: Server, entry: dict[str, Any]) -> None:
    answer = shared_server.get(f"/resize:64x64/{quote(entry['path'])}")
    refused = answer.status_code in (413, 415, 422)
    assert refused or answer.status_code == 200, answer.text
    if entry["expected"].startswith("reject:"):
        assert refused
    if entry["expected"].startswith("ok"):
        assert refused or Image.open(io.BytesIO(answer.content)).size[0] <= 64
    assert shared_server.get("/health").status_code == 200
    assert shared_server.process.poll() is None


@needs("images", "manifest.json")
def test_nothing_hidden_passes_through(shared_server: Server) -> None:
    """A request without any step re-encodes too."""
    for name in ("polyglot-jpeg-html.jpg", "polyglot-jpeg-zip.jpg"):
        body = shared_server.get(f"/-/bad/{name}").content
        assert body[:2] == b"\xff\xd8"
        assert not any(trace in body for trace in (b"<script", b"<html", b"PK\x03\x04"))
    body = shared_server.get("/-/formats/jpeg-exif-gps-camera.jpg").content
    assert Image.open(io.BytesIO(body)).getexif() == {}


@needs("images", "manifest.json")
def test_no_renderer_grew_or_leaked(shared_server: Server) -> None:
    """After all of the above."""
    [forkserver] = [c for c in shared_server.children("forkserver") if c.ppid() == shared_server.process.pid]
    renderers = forkserver.children()
    assert renderers
    assert all(process.memory_info().rss < 600 * 2**20 for process in renderers)
    assert psutil.Process(shared_server.process.pid).memory_info().rss < 400 * 2**20
