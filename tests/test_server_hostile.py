"""What is no picture, or more than one: refused with a code, or sent without what was hidden; never passed through."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from transforms import png

from . import pictures
from .mutated import mutant
from .servers import Server

SCRIPT = "<script>alert(document.domain)</script>"
DRAWING = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/>{SCRIPT}</svg>'
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
ENTITIES = PROLOG + f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n{DRAWING.replace("<rect", "&x;<rect")}'
SVGS = {
    "plain.svg": DRAWING.encode(),
    "prolog.svg": (PROLOG + DRAWING).encode(),
    "doctype.svg": (PROLOG + '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">' + DRAWING).encode(),
    "entities.svg": ENTITIES.encode(),
    "prefixed.svg": b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>',
    "short.svg": b"<svg/>",
    "bom.svg": b"\xef\xbb\xbf" + DRAWING.encode(),
    "utf16.svg": (PROLOG + DRAWING).encode("utf-16"),
    "utf16be.svg": DRAWING.encode("utf-16-be"),
    "comment.svg": (PROLOG + "<!--" + "x" * 3000 + "-->" + DRAWING).encode(),
    "far.svg": (PROLOG + "<!--" + "x" * 9000 + "-->" + DRAWING).encode(),
    "packed.svgz": gzip.compress(DRAWING.encode()),
    "packed-far.svgz": gzip.compress((PROLOG + "<!--" + "x" * 9000 + "-->" + DRAWING).encode()),
    "disguised.png": DRAWING.encode(),
    "disguised.jpg": (PROLOG + DRAWING).encode(),
    "packed.webp": gzip.compress(DRAWING.encode()),
}
NO_PICTURES = {
    "page.jpg": f"<!DOCTYPE html><html><body><svg width='1'></svg>{SCRIPT}</body></html>".encode(),
    "script.gif": b"alert(1)",
    "archive.png": gzip.compress(b"#!/bin/sh\nid\n"),
    ".env": b"SECRET=1\n",
    "passwords.jpg": b"root:x:0:0:root:/root:/bin/sh\n",
}


def zipped() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("payload.html", SCRIPT)
    return body.getvalue()


def gif_script() -> bytes:
    """A GIF that is a script as well: its width opens a comment, and what follows the picture closes it."""
    gif = pictures.file(pictures.pillow(pictures.checks(0x2F2A & 0xFFF, 42)).convert("P"), "GIF")
    return gif + b"*/=1;" + SCRIPT.encode()


def in_stream() -> bytes:
    """A JPEG with a page behind its last block, before the end of the image."""
    data = pictures.file(pictures.photo(120, 90), "JPEG", quality=20)
    return data[:-2] + SCRIPT.encode() + data[-2:]


def in_chunks() -> bytes:
    chunks = [(kind, bytes(payload)) for kind, payload, _ in png.chunks(pictures.file(pictures.photo(60, 40), "PNG"))]
    return png.file([chunks[0], (b"tEXt", b"Comment\0" + SCRIPT.encode()), *chunks[1:]])


POLYGLOTS = {
    "zip.jpg": pictures.file(pictures.photo(120, 90), "JPEG", quality=20) + zipped(),
    "zip.webp": pictures.file(pictures.photo(120, 90), "WEBP", quality=5) + zipped(),
    "script.js.gif": gif_script(),
    "html.png": pictures.file(pictures.photo(60, 40), "PNG", optimize=True) + f"<html>{SCRIPT}</html>".encode(),
    "text.png": in_chunks(),
    "stream.jpg": in_stream(),
    "svg-behind.gif": pictures.file(pictures.pillow(pictures.quadrants()).quantize(4), "GIF") + DRAWING.encode(),
}


@pytest.fixture(scope="module")
def folder(media: Path) -> Path:
    for name, data in {**SVGS, **NO_PICTURES, **POLYGLOTS}.items():
        (media / name).write_bytes(data)
    return media


@pytest.mark.parametrize("name", SVGS)
@pytest.mark.parametrize("steps", ["/-", "/resize:20x/format:png"])
def test_svg_is_refused_with_a_hint_and_never_sent(server: Server, folder: Path, name: str, steps: str) -> None:
    answer = server.get(f"{steps}/{name}", headers={"Accept": "image/svg+xml,image/*"})
    said = answer.json()
    assert answer.status_code == 415, answer.text
    if name != "packed-far.svgz":
        assert said["code"] == "unsupported-format"
        assert "convert it to PNG or WebP" in said["hint"]
    assert "alert" not in answer.text
    assert "/etc" not in answer.text


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_picture_is_refused_and_never_sent(server: Server, folder: Path, name: str) -> None:
    answer = server.get(f"/-/{name}")
    assert answer.status_code in (400, 403, 404, 415), answer.text
    assert not any(trace in answer.text for trace in ("alert", "SECRET", "root:", "#!"))


@pytest.mark.parametrize("name", POLYGLOTS)
@pytest.mark.parametrize("steps", ["/-", "/quality:100", "/format:auto", "/resize:4000x"])
def test_of_a_polyglot_only_the_picture_is_sent(server: Server, folder: Path, name: str, steps: str) -> None:
    answer = server.get(f"{steps}/{name}")
    assert answer.status_code == 200, answer.text
    assert not any(trace in answer.content for trace in (b"script", b"alert", b"PK\3\4", b"<svg", b"payload"))
    assert answer.headers["x-content-type-options"] == "nosniff"
    sent = Image.open(io.BytesIO(answer.content))
    assert sent.size == Image.open(io.BytesIO(POLYGLOTS[name])).size
    if sent.format == "PNG":
        before = Image.open(io.BytesIO(POLYGLOTS[name])).convert("RGB")
        assert np.array_equal(np.asarray(sent.convert("RGB")), np.asarray(before))


@pytest.fixture(scope="module")
def mutants(media: Path) -> Path:
    place = media / "mutants"
    place.mkdir()
    return place


@pytest.mark.parametrize("first", range(5000, 5120, 40))
def test_mutants_are_refused_or_pictures_and_the_server_stays(server: Server, mutants: Path, first: int) -> None:
    lost = server.metric("darkroom_lost_renderers_total")
    for seed in range(first, first + 40):
        (mutants / f"{seed}.jpg").write_bytes(mutant(seed))
        answer = server.get(f"/-/mutants/{seed}.jpg")
        assert answer.status_code in (200, 413, 415, 422), (seed, answer.text)
        if answer.status_code == 200:
            Image.open(io.BytesIO(answer.content)).load()
        else:
            assert answer.json()["code"], seed
    assert server.get("/health").status_code == 200
    assert server.metric("darkroom_lost_renderers_total") - lost <= 1
