"""`darkroom tag --write-keywords`: keywords in an older encoding, and what Exiv2 stumbles over."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from server.bulk.exiv2 import Exiv2
from server.bulk.keywords import write
from transforms.failure import Failure

from . import crashes
from .test_cli import darkroom

needs_exiv2 = pytest.mark.skipif(importlib.util.find_spec("pyexiv2") is None, reason="pyexiv2 is not installed")

OLD_TEXT = "größe"


@pytest.fixture
def latin(tmp_path: Path, media: Path) -> Path:
    """With keywords as programs of before Unicode wrote them."""
    import pyexiv2

    picture = Path(shutil.copy(media / "zidane.jpg", tmp_path / "a.jpg"))
    with pyexiv2.Image(str(picture)) as image:
        told = {"Iptc.Application2.Keywords": [OLD_TEXT, "mine"], "Iptc.Application2.City": "Köln"}
        image.modify_iptc(told, encoding="latin-1")
    return picture


@needs_exiv2
def test_keywords_in_an_older_encoding_stay_what_they_are(latin: Path, tmp_path: Path) -> None:
    import pyexiv2

    before = latin.read_bytes()
    assert write(latin, ["dog"], None) == "would-write"
    assert latin.read_bytes() == before
    assert write(latin, ["dog", "mine", "Straße"], tmp_path / ".copy.jpg") == "written"
    with pyexiv2.Image(str(latin)) as image:
        iptc, xmp = image.read_iptc(encoding="latin-1"), image.read_xmp()
    assert iptc["Iptc.Application2.Keywords"] == [OLD_TEXT, "mine", "dog"]
    assert iptc["Iptc.Application2.City"] == "Köln"
    assert "Iptc.Envelope.CharacterSet" not in iptc  # it would say that all of them are UTF-8
    assert xmp["Xmp.dc.subject"] == ["dog", "mine", "Straße"]
    assert write(latin, ["dog", "mine", "Straße"], tmp_path / ".copy.jpg") == "same"


@needs_exiv2
def test_a_run_goes_on_after_keywords_in_an_older_encoding(latin: Path, media: Path, tmp_path: Path) -> None:
    other = shutil.copy(media / "bus.jpg", tmp_path / "b.jpg")
    done = darkroom("tag", str(latin), str(other), "--write-keywords", "--ask", "traits")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["keywords"] for line in done.stdout.splitlines()] == ["written", "written"]
    assert Image.open(latin).size == (1280, 720)


def test_whatever_a_worker_raises_costs_one_row(tmp_path: Path) -> None:
    names = ["a.jpg", "stumble.jpg", "b.jpg"]
    for name in names:
        (tmp_path / name).touch()

    async def told(exiv2: Exiv2, name: str) -> str:
        try:
            return await exiv2.write(tmp_path / name, ["dog"])
        except Failure as failure:
            return failure.code

    async def all_told() -> list[str]:
        with Exiv2(crashes.write) as exiv2:
            return await asyncio.gather(*(told(exiv2, name) for name in names))

    assert asyncio.run(all_told()) == ["written", "keywords-failed", "written"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
