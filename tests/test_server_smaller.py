"""Never more bytes than the source where no step changed a pixel, through a running server."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from . import pictures
from .hidden import SECRET, clean, hidden
from .servers import Server
from .shared import SHARED, manifest, needs
from .test_transforms_rewrap import BUSY
from .test_transforms_rewrap_hidden import survives

STRONG = {
    f"{kind}-{quality}.jpg": pictures.file(BUSY, "JPEG", quality=quality, progressive=kind == "progressive")
    for kind in ("baseline", "progressive")
    for quality in (15, 30, 45, 60)
}
WITH_SECRETS = {
    f"{name.replace('.', '-')}-{number}": (place, file)
    for name in ("baseline.jpeg", "palette.png", "moving.gif", "lossy.webp", "moving.webp")
    for number, (place, file) in enumerate(hidden(name, clean()[name]))
    if "amid" not in place and "behind pixels" not in place and "rows" not in place and "stream" not in place
}

PHOTOS = [e for e in manifest() if e["path"].startswith("photos/") and e["format"] in ("JPEG", "PNG", "WEBP", "GIF")]


@pytest.fixture(scope="module")
def folder(media: Path) -> Path:
    for name, data in STRONG.items():
        (media / name).write_bytes(data)
    for name, (_, data) in WITH_SECRETS.items():
        (media / name).write_bytes(data)
    return media


def pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize("steps", ["/-", "/format:jpeg", "/quality:85", "/format:auto", "/resize:4000x"])
def test_a_strongly_compressed_jpeg_never_grows(server: Server, folder: Path, name: str, steps: str) -> None:
    answer = server.get(f"{steps}/{name}")
    assert answer.status_code == 200, answer.text
    assert len(answer.content) <= len(STRONG[name])
    assert answer.headers["content-type"] == "image/jpeg"
    if steps != "/quality:85":
        assert np.array_equal(pixels(answer.content), pixels(STRONG[name]))


@pytest.mark.parametrize("steps", ["/brightness:20", "/flip:horizontal", "/progressive:none", "/blur-faces"])
def test_what_changes_or_hides_something_is_encoded(server: Server, folder: Path, steps: str) -> None:
    answer = server.get(f"{steps}/baseline-30.jpg")
    assert answer.status_code == 200, answer.text
    assert len(answer.content) > len(STRONG["baseline-30.jpg"])


@pytest.mark.parametrize("name", WITH_SECRETS)
def test_no_secret_passes_through_the_server(server: Server, folder: Path, name: str) -> None:
    assert SECRET[:20] in WITH_SECRETS[name][1]
    answer = server.get(f"/-/{name}")
    assert answer.status_code in (200, 415), answer.text
    if answer.status_code == 200:
        assert not survives(answer.content)


@needs("images", "manifest.json")
@pytest.mark.parametrize("entry", PHOTOS, ids=lambda e: e["path"])
def test_no_photo_grows(shared_server: Server, entry: dict[str, Any]) -> None:
    answer = shared_server.get(f"/-/{entry['path']}")
    assert answer.status_code == 200, answer.text
    if entry.get("exif_orientation") in (None, 0, 1) and not entry.get("icc"):
        assert len(answer.content) <= (SHARED / "images" / entry["path"]).stat().st_size
