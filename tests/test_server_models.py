"""A server whose models folder has a model of the operator: its name and labels are words of URLs."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from .fabricated import Answer, own
from .servers import Server

LABELS = ["wheat_head", "weed"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Pictures, and a models folder with `crops` (wheat at the right in red pictures), a broken one and one to come."""
    base = tmp_path_factory.mktemp("crops")
    media, models = base / "media", base / "models"
    media.mkdir()
    for name, colour in (("red", (0, 0, 200)), ("green", (0, 200, 0))):
        picture = np.full((400, 400, 3), colour, np.uint8)
        picture[:, 300:] = [value // 2 for value in colour]
        cv2.imwrite(str(media / f"{name}.png"), picture)
    answers = [
        Answer("wheat_head", 0.9, (0.75, 0.4, 0.25, 0.2), "red"),
        Answer("weed", 0.3, (0.0, 0.4, 0.1, 0.1), "red"),
    ]
    own(models, "crops", LABELS, answers, side=64, more='licence = "MIT"\n[names]\nwheat_head = "wheat"\n')
    (models / "broken").mkdir()
    (models / "broken" / "model.toml").write_text("labels = 3")
    return media, models


@pytest.fixture(scope="module")
def server(folders):
    media, models = folders
    with Server(media=media, models=models, device="cpu") as running:
        running.wait()
        until = time.monotonic() + 20
        while (
            "crops" not in running.get("/auto-tag:crops/red.png").json().get("models", {}) and time.monotonic() < until
        ):
            time.sleep(0.2)
        yield running


def tags(report):
    return {tag["tag"]: tag["confidence"] for tag in report["tags"]}


def test_auto_tag_asks_the_model_that_is_named(server):
    report = server.get("/auto-tag:crops/red.png").json()
    assert tags(report) == {"wheat": pytest.approx(0.9)}  # the weed is not sure
    assert report["models"]["crops"].startswith("crops@")
    assert tags(server.get("/auto-tag:crops/green.png").json()) == {}


def test_plain_auto_tag_asks_it_as_well(server):
    assert tags(server.get("/auto-tag/red.png").json())["wheat"] == pytest.approx(0.9)


@pytest.mark.parametrize("gravity", ["crops", "wheat"])
def test_gravity_holds_on_to_what_it_finds(server, gravity):
    body = server.get(f"/crop:100x100,gravity={gravity}/format:png/red.png")
    assert body.status_code == 200, body.text
    cut = cv2.imdecode(np.frombuffer(body.content, np.uint8), cv2.IMREAD_COLOR)
    assert cut[50, 50, 2] == 100  # the darker part at the right, where the wheat is


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/auto-tag:cropps/red.png", "crops"),
        ("/crop:100x100,gravity=wheet/red.png", "wheat"),
        ("/crop:100x100,gravity=corps/red.png", "crops"),
    ],
)
def test_unknown_models_and_labels_name_the_nearest(server, path, nearest):
    answer = server.get(path)
    assert answer.status_code == 400, answer.text
    assert nearest in answer.text


def test_models_tells_licence_labels_and_what_is_wrong(server):
    rows = {row["name"]: row for row in server.get("/models").json()["models"]}
    crops = rows["crops"]
    assert (crops["licence"], crops["status"], crops["kinds"], crops["form"]) == (
        "MIT",
        "verified",
        ["crops"],
        "detect",
    )
    assert (crops["labels"], crops["label_count"], crops["names"]) == (LABELS, 2, {"wheat_head": "wheat"})
    assert len(crops["sha256"]) == 64
    assert rows["broken"]["status"] == "refused"
    assert "labels" in rows["broken"]["problem"]
    assert rows["yolo11n"]["status"] == "absent"


def test_ready_says_which_models_are_refused(server):
    answer = server.get("/ready")
    assert answer.status_code == 200
    assert "broken" in answer.text
    assert str(server) not in answer.text


def test_a_model_that_is_added_while_the_server_runs(server, folders):
    own(folders[1], "lawns", ["grass"], [Answer("grass", 0.8, when="green")], side=64)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        answer = server.get("/auto-tag:lawns/green.png")
        if answer.status_code == 200 and answer.json()["tags"]:
            break
        time.sleep(0.3)
    assert tags(answer.json()) == {"grass": pytest.approx(0.8)}


def test_a_model_that_is_preferred_and_unknown_keeps_the_server_from_starting(folders):
    with Server(media=folders[0], models=folders[1], prefer="objects=crop") as running:
        assert running.process.wait(30) != 0
        assert "'crops'" in running.log()


def test_a_model_of_one_s_own_can_serve_objects(folders):
    with Server(media=folders[0], models=folders[1], prefer="objects=crops", device="cpu") as running:
        running.wait()
        report = running.get("/auto-tag:objects/red.png").json()
        assert tags(report) == {"wheat": pytest.approx(0.9)}
        assert report["models"]["objects"].startswith("crops@")
