"""Conditions on what the pixels themselves say, and auto-tag of a file, without any model at hand."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.found import pack
from server import renderer
from server.renderer import Job, Rendered
from transforms.failure import Failure
from transforms.image import Box, Found, Region
from transforms.limits import Limits
from transforms.output import Client

from . import pictures

DOG = Found((Region("dog", 0.9, Box(0.1, 0.1, 0.4, 0.4)),), models=(("objects", "yolo@1"),))


def rendered(tmp_path: Path, pipeline: str, pixels: np.ndarray, known: Found | None = None) -> Rendered:
    path = tmp_path / "picture"
    path.write_bytes(pictures.file(pixels, "PNG"))
    job = Job(str(path), pipeline, Client(), Limits(), time.monotonic() + 20, known=known and pack(known))
    return renderer.render(job)


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("tag(landscape)", True), ("tag(portrait)", False), ("!tag(portrait)", True), ("tag(grayscale)", True),
        ("tags~landscape:grayscale", True), ("tag(white)", True), ("tag(red)", False), ("tag(qr-code)", False),
        ("count(landscape)=1", True),
    ],
)  # fmt: skip
def test_a_condition_on_pixels_asks_no_model(tmp_path: Path, condition: str, met: bool) -> None:
    white = np.full((30, 60, 3), 255, np.uint8)
    result = rendered(tmp_path, f"if:{condition}/crop:10x10/end", white)
    assert (result.size.width == 10) == met
    assert result.degraded == ()
    assert result.found is None


def test_a_condition_is_about_the_source_as_it_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(pictures.file(pictures.quadrants(60, 40), "JPEG", orientation=6))
    job = Job(str(path), "crop:40x10/if:tag(portrait)/resize:8x/end", Client(), Limits(), time.monotonic() + 20)
    assert renderer.render(job).size.width == 8


def test_words_that_follow_from_others_count_in_conditions(tmp_path: Path) -> None:
    pixels = np.full((30, 60, 3), 90, np.uint8)
    assert rendered(tmp_path, "if:tag(animal)&count(dog)=1/crop:10x10/end", pixels, DOG).size.width == 10
    assert rendered(tmp_path, "if:tag(vehicle)/crop:10x10/end", pixels, DOG).size.width == 60


def test_who_holds_back_by_moderation_gets_nothing_without_it(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        rendered(tmp_path, "if:moderation>0.5/blur:50/end", np.full((30, 60, 3), 90, np.uint8))
    assert caught.value.code == "detector-unavailable"


def test_a_named_model_that_is_not_there_is_missing(tmp_path: Path) -> None:
    result = rendered(tmp_path, "auto-tag:faces:traits", np.full((30, 60, 3), 90, np.uint8))
    content: dict[str, Any] = json.loads(result.body)
    assert [missing["detector"] for missing in content["missing"]] == ["faces"]
    assert [trait["trait"] for trait in content["traits"]] == ["grayscale", "landscape"]
    assert "objects" not in content


def test_the_pixels_at_the_step_are_what_counts(tmp_path: Path) -> None:
    result = rendered(tmp_path, "crop:10x20/auto-tag:traits:colors", pictures.quadrants(60, 40))
    content: dict[str, Any] = json.loads(result.body)
    assert "portrait" in [trait["trait"] for trait in content["traits"]]
