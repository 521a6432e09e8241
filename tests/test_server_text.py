"""Writing through a running server: kept in sight, and hidden."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from .servers import Server

OCR = importlib.util.find_spec("rapidocr") is not None


@pytest.fixture(scope="module")
def sign(media: Path) -> str:
    """A gray picture with a line of writing at its right end."""
    pixels = np.full((300, 900, 3), 200, np.uint8)
    cv2.putText(pixels, "DARKROOM", (620, 170), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (0, 0, 0), 4)
    cv2.imwrite(str(media / "sign.png"), pixels)
    return "sign.png"


def shown(server: Server, path: str) -> np.ndarray:
    answer = server.get(path)
    assert answer.status_code == 200, answer.text
    assert "x-degraded" not in answer.headers
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("L")).astype(int)


@pytest.mark.skipif(not OCR, reason="the extra `ocr` is not installed")
def test_writing_stays_in_sight(server: Server, sign: str) -> None:
    for path in (
        f"/resize:300x300,fit=cover,gravity=text/format:png/{sign}",
        f"/image/upload/c_fill,g_ocr_text,w_300,h_300/f_png/{sign}",
    ):
        assert (shown(server, path) < 60).sum() > 500
    assert (shown(server, f"/resize:300x300,fit=cover,gravity=west/format:png/{sign}") < 60).sum() == 0


@pytest.mark.skipif(not OCR, reason="the extra `ocr` is not installed")
@pytest.mark.parametrize("step", ["pixelate-region:gravity=text", "blur-region:40,gravity=text"])
def test_writing_is_hidden(server: Server, sign: str, step: str) -> None:
    before, after = shown(server, f"/format:png/{sign}"), shown(server, f"/{step}/format:png/{sign}")
    assert (before < 60).sum() > 1000
    assert (after < 60).sum() == 0
    assert np.array_equal(before[:, :500], after[:, :500])


@pytest.mark.skipif(OCR, reason="the extra `ocr` is installed")
def test_what_cannot_be_hidden_is_refused(server: Server, sign: str) -> None:
    answer = server.get(f"/blur-region:gravity=text/{sign}")
    assert (answer.status_code, answer.json()["code"]) == (501, "no-text-detector")
