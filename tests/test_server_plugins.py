"""A package of somebody else that adds a detector with a model, one without, and an operation that asks both."""

from __future__ import annotations

import io
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from server.identities import FIRST_PAUSE

from .fabricated import Answer, own
from .servers import Server
from .test_server_faults import until

DETECTORS = """
from detectors.found import Found
from detectors.manifest import Model
from detectors.registry import detector, local_detector
from transforms.image import Box, Region, Tag

NOSE = Model("nose-1", "smells", "1", "nose.bin", None, "MIT", ("rose", "cheese"), tags=True)


class Nose:
    batch = 1

    def find(self, questions):
        return [self._smelt(question) for question in questions]

    def _smelt(self, question):
        "A rose where it is red."
        red = question.pixels[:, :, 2].max(axis=0) > 128
        left = int(red.argmax()) / len(red)
        return Found((Region("rose", 0.9, Box(left, 0.2, 0.3, 0.4), by=question.kind),) if red.any() else ())


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


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Pictures and the plug-in's weights."""
    media, models = tmp_path / "media", tmp_path / "models"
    media.mkdir()
    models.mkdir()
    (models / "nose.bin").write_bytes(b"weights")
    cv2.imwrite(str(media / "red.png"), np.full((40, 40, 3), (0, 0, 204), np.uint8))
    right = np.zeros((40, 120, 3), np.uint8)
    right[:, 84:] = (0, 0, 204)
    cv2.imwrite(str(media / "right.png"), right)
    return {"media": media, "models": models}


@pytest.mark.usefixtures("package")
def test_a_package_adds_detectors_and_an_operation_that_asks_them(folders: dict[str, Path]) -> None:
    with Server(**folders, device="cpu") as running:
        report = running.wait().get("/smell/red.png").json()
        assert (report["labels"], report["tags"]) == (["rose"], {"reddish": pytest.approx(0.8)})
        assert report["models"]["smells"].startswith("nose-1@")
        assert any(row["name"] == "nose-1" for row in running.get("/models").json()["models"])


@pytest.mark.usefixtures("package")
def test_its_kinds_and_labels_are_words(folders: dict[str, Path]) -> None:
    own(folders["models"], "crops", ["wheat"], [Answer("wheat", 0.9)], side=64)
    with Server(**folders, device="cpu") as running:
        until(lambda: running.wait().get("/auto-tag:crops/red.png").json().get("models", {}).keys() == {"crops"})
        time.sleep(1.5 * FIRST_PAUSE)  # the service has told its words once more

        def tags(path: str) -> set[str]:
            answer = running.get(path)
            assert answer.status_code == 200, answer.text
            return {tag["tag"] for tag in answer.json()["tags"]}

        assert tags("/auto-tag:smells/red.png") == {"rose"}
        assert tags("/auto-tag:redness/red.png") == {"reddish"}
        assert tags("/auto-tag:smells:crops/red.png") == {"rose", "wheat"}
        assert {"rose", "wheat"} <= tags("/auto-tag/red.png")
        assert _is_red(running, "/resize:40x40,fit=cover,gravity=smells/right.png")
        assert _is_red(running, "/resize:40x40,fit=cover,gravity=rose/right.png")
        assert not _is_red(running, "/resize:40x40,fit=cover,gravity=west/right.png")
        assert _picture(running, "/detect:models=smells/red.png").std() > 0
        assert _picture(running, "/if:tag(rose)/resize:10x/end/red.png").shape[1] == 10
        assert _picture(running, "/if:tag(cheese)/resize:10x/end/red.png").shape[1] == 40
        assert running.get("/explain-box:rose/right.png").status_code == 200
        assert _is_red(running, "/image/upload/c_fill,g_smells,w_40,h_40/right.png")
        refused = running.get("/auto-tag:smell/red.png")
        assert refused.status_code == 400
        assert "'smells'" in refused.text


@pytest.mark.usefixtures("package")
def test_folders_called_as_detectors_cost_only_themselves(folders: dict[str, Path]) -> None:
    """At the start and while it runs, in the server and in the detection process."""
    for name in ("crops", "smells", "faces"):
        own(folders["models"], name, ["wheat"], [Answer("wheat", 0.9)], side=64)
    with Server(**folders, device="cpu") as running:

        def refused() -> dict[str, str]:
            told: dict[str, str] = running.wait().get("/ready").json()["detection"]["refused"]
            return told

        def works(kind: str, tag: str) -> bool:
            report = running.get(f"/auto-tag:{kind}/red.png").json()
            return [one["tag"] for one in report.get("tags", ())] == [tag]

        assert refused().keys() == {"faces", "smells"}
        assert "come with Darkroom; take another name" in refused()["faces"]
        until(lambda: works("crops", "wheat") and works("smells", "rose"))
        own(folders["models"], "redness", ["wheat"], [Answer("wheat", 0.9)], side=64)
        own(folders["models"], "fields", ["oats"], [Answer("oats", 0.9)], side=64)
        until(lambda: refused().keys() == {"faces", "redness", "smells"})
        until(lambda: works("fields", "oats"))
        assert works("redness", "reddish")
        assert works("crops", "wheat")
        rows = running.get("/models").json()["models"]
        problems = {row["name"]: row["problem"] for row in rows if row["status"] == "refused"}
        assert problems.keys() == refused().keys()
        assert all("take another name" in problem for problem in problems.values())
        assert [row for row in rows if row["used"] and "problem" in row] == []
        for name in problems:
            assert running.log().count(f"{name} in the models folder is refused") == 1
        (folders["models"] / "smells").rename(folders["models"] / "scents")
        until(lambda: works("scents", "wheat"))


def _picture(running: Server, path: str) -> NDArray[np.uint8]:
    answer = running.get(path)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))


def _is_red(running: Server, path: str) -> bool:
    return float(_picture(running, path)[:, :, 0].mean()) > 150
