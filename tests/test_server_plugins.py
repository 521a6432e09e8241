"""A package of somebody else that adds a detector with a model, one without, and an operation that asks both."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from .servers import Server

DETECTORS = """
from detectors.found import Found
from detectors.manifest import Model
from detectors.registry import detector, local_detector
from transforms.image import Box, Region, Tag

NOSE = Model("nose-1", "smells", "1", "nose.bin", None, "MIT", ("rose",))


class Nose:
    batch = 1

    def find(self, questions):
        return [Found((Region("rose", 0.9, Box(0.1, 0.2, 0.3, 0.4), by=question.kind),)) for question in questions]


@detector("smells", sides={"smells": 320}, models=(NOSE,))
def load(weights, device):
    return Nose()


@local_detector("redness")
def redness(pixels):
    return Found(tags=(Tag("reddish", float(pixels[:, :, 2].mean()) / 255, "redness"),))
"""

OPERATION = """
from transforms.image import Found, Image
from transforms.output import Report
from transforms.registry import operation


@operation("smell", example="smell", needs={"redness", "smells"})
def smell(image: Image, *, found: Found) -> Report:
    "Say how it smells."
    return Report({
        "labels": [region.label for region in found.by("smells")], "tags": {tag.name: tag.score for tag in found.tags},
        "models": dict(found.models),
    })
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    about = site / "smells-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "smelling.py").write_text(DETECTORS)
    (site / "smelling_operation.py").write_text(OPERATION)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: smells\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[darkroom.detectors]\nsmells = smelling\n[darkroom.operations]\nsmell = smelling_operation\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))


@pytest.mark.usefixtures("package")
def test_a_package_adds_detectors_and_an_operation_that_asks_them(tmp_path: Path) -> None:
    media, models = tmp_path / "media", tmp_path / "models"
    media.mkdir()
    models.mkdir()
    (models / "nose.bin").write_bytes(b"weights")
    cv2.imwrite(str(media / "red.png"), np.full((40, 40, 3), (0, 0, 204), np.uint8))
    with Server(media=media, models=models, device="cpu") as running:
        report = running.wait().get("/smell/red.png").json()
        assert (report["labels"], report["tags"]) == (["rose"], {"reddish": pytest.approx(0.8)})
        assert report["models"]["smells"].startswith("nose-1@")
        assert any(row["name"] == "nose-1" for row in running.get("/models").json()["models"])
