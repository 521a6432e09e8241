"""What results are named by, so that they can be purged by what is in them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from detectors.found import pack
from server import renderer
from server.renderer import Job
from transforms.image import Box, Found, Region, Tag
from transforms.limits import Limits
from transforms.output import Client

from . import pictures

WHERE = Box(0.2, 0.2, 0.3, 0.3)


def region(label: str, score: float, by: str) -> Region:
    return Region(label, score, WHERE, (), by, sure=score >= 0.4)


@pytest.mark.parametrize(
    ("found", "labels"),
    [
        (Found(), ()),
        (Found((region("Dog", 0.9, "objects"), region("dog", 0.5, "objects"))), ("dog",)),
        (Found((region("cat", 0.39, "objects"), region("person", 0.4, "objects"))), ("person",)),
        (Found((region("face", 0.8, "largest-face"), region("face", 0.9, "faces"))), ("face",)),
        (Found((region("traffic light", 0.7, "objects"), region("face", 0.2, "all-faces"))), ("traffic light",)),
        (Found(tags=(Tag("Beach", 0.6, "scenes"),)), ("beach",)),
        (Found((region("subject", 0.9, "matte"),)), ()),
    ],
    ids=["nothing", "objects", "unsure", "faces", "unsure face", "tags", "matte"],
)
def test_a_result_is_named_by_what_is_surely_in_it(found: Found, labels: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(pictures.file(pictures.photo(120, 90), "JPEG"))
    job = Job(str(path), "resize:20x", Client(), Limits(), time.monotonic() + 20, known=pack(found))
    assert renderer.render(job).labels == labels


def test_what_is_known_of_any_frame_names_the_result(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(pictures.animation(pictures.animated(frames=3), "GIF"))
    known = pack(Found((region("dog", 0.9, "objects"),)))
    job = Job(str(path), "resize:20x", Client(), Limits(), time.monotonic() + 20, known=known)
    assert renderer.render(job).labels == ("dog",)
