"""Hostile and malformed paths, sent as they are to a running server that knows one cloud."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import pytest

from . import pictures, raw
from .servers import Server
from .shared import jsonl, needs

ROWS = jsonl("bad.jsonl")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """A PNG of a few bytes whose header promises 50000 × 50000 pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    rest = chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "media").mkdir()
    (folder / "nothing").mkdir()
    cv2.imwrite(str(folder / "media" / "sample.jpg"), pictures.photo(1600, 1200))
    (folder / "media" / "not_an_image.jpg").write_text("this is no picture")
    (folder / "media" / "bomb.png").write_bytes(bomb())
    (folder / "darkroom.toml").write_text('[mounts]\ndemo = "media"\n')
    config = folder / "darkroom.toml"
    with Server(media=folder / "nothing", config=config, detection=detection, models=models_folder) as running:
        yield running.wait()


def test_the_server_serves_what_is_right(demo: Server) -> None:
    assert raw.get(demo.port, "/demo/image/upload/w_100/sample.jpg")[0] == 200
    assert raw.get(demo.port, "/other/image/upload/w_100/sample.jpg")[0] == 404


def as_sent(path: str) -> str:
    """Spaces and what is not ASCII are escaped, as every client does; nothing else is touched."""
    return "".join(character if "!" <= character <= "~" else quote(character) for character in path)


@needs("spec", "bad.jsonl")
@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ROWS])
def test_bad_paths_are_refused(demo: Server, row: dict[str, Any]) -> None:
    if "form" in row:
        answer = demo.client.post(row["path"], data=row["form"])
        status, headers, body = answer.status_code, dict(answer.headers), answer.content
    else:
        status, headers, body = raw.get(demo.port, as_sent(row["path"]), row.get("method", "GET"))
    assert status in row["expect"], (row["why"], status, body[:300])
    assert headers["content-type"] == "application/problem+json" or status < 400
    assert b"Traceback" not in body
    assert "x-injected" not in headers
    assert demo.process.poll() is None
