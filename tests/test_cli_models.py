"""`darkroom models …`: what the commands print, write and refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from detectors.card import read_card
from detectors.manifest import Preprocess

from .fabricated import Answer, fabricated, own

LABELS = ["wheat_head", "weed"]
BOX = (0.1, 0.2, 0.3, 0.4)


@pytest.fixture
def darkroom(tmp_path):
    """Runs the command with an empty models folder of its own; returns what came of it."""

    def run(*arguments, **more):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
        return subprocess.run(
            [sys.executable, "-m", "server", "models", *map(str, arguments)], capture_output=True, text=True,
            env={**environment, "DARKROOM_MODELS": str(tmp_path / "models"), **more}, timeout=120,
        )  # fmt: skip

    return run


@pytest.fixture
def file(tmp_path):
    return fabricated(tmp_path / "best.onnx", LABELS, [Answer("wheat_head", 0.9, BOX, "red")], side=64)


def test_a_model_is_added_listed_set_up_and_verified(darkroom, tmp_path, file):
    added = darkroom(
        "add", file, "--name", "crops", "--rename", "wheat_head=wheat", "--threshold", "0.5", "--threshold", "weed=0.7",
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    assert "added: crops (detect, 2 labels: wheat, weed)" in added.stdout
    assert "licence is not stated" in added.stdout

    assert darkroom("set", "crops", "--licence", "MIT", "--no-tags", "--threshold", "weed=0.8").returncode == 0
    rows = {row["name"]: row for row in json.loads(darkroom("list", "--json").stdout)["models"]}
    crops = rows["crops"]
    assert (crops["licence"], crops["tags"], crops["threshold"]) == ("MIT", False, 0.5)
    assert (crops["thresholds"], crops["names"]) == ({"weed": 0.8}, {"wheat_head": "wheat"})
    assert (crops["status"], crops["kinds"], crops["label_count"]) == ("verified", ["crops"], 2)

    assert darkroom("verify").returncode == 0
    (tmp_path / "models" / "crops" / "crops.onnx").write_bytes(b"something else")
    verified = darkroom("verify")
    assert verified.returncode == 1
    assert "crops" in verified.stderr
    assert "has not the checksum" in verified.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--name", "dog"], "bad-model-name"),
        (["--name", "resize"], "an operation has that name"),
        (["--name", "crops", "--sha256", "0" * 64], "model-checksum-mismatch"),
        (["--name", "crops", "--labels", "a"], "model-labels-do-not-fit"),
        (["--name", "crops", "--threshold", "2"], "from 0 to 1"),
        (["--name", "crops", "--threshold", "weed=x"], "from 0 to 1"),
        (["--name", "crops", "--threshold", "0.1", "--threshold", "0.2"], "twice"),
        (["--name", "crops", "--rename", "weed"], "LABEL=VALUE"),
        (["--name", "crops", "--labels", "a,b", "--labels-file", "x"], "either --labels or --labels-file"),
        (["--name", "crops", "--form", "guess"], "form"),
        (["--name", "crops", "--url", "http://host:8000/crops"], "either a file, --url"),
        ([], "say --name"),
    ],
)
def test_what_cannot_be_added_says_why_and_exits_so(darkroom, file, arguments, says):
    result = darkroom("add", file, *arguments)
    assert result.returncode != 0
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_what_a_classifier_is_asked_with_is_said_to_add_and_set(darkroom, tmp_path):
    file = fabricated(tmp_path / "best.onnx", LABELS, [Answer("weed", 0.9)], form="classify", side=64)
    told = ["--topk", "3", "--scores", "sigmoid", "--preprocess", "size=96", "--preprocess", "mean=0.5,0.4,0.3"]
    assert darkroom("add", file, "--name", "plants", *told).returncode == 0
    assert darkroom("set", "plants", "--topk", "1", "--preprocess", "interpolation=bicubic").returncode == 0
    card = read_card(tmp_path / "models" / "plants")
    assert (card.topk, card.scores) == (1, "sigmoid")
    assert card.preprocess == Preprocess(96, mean=(0.5, 0.4, 0.3), interpolation="bicubic")
    for arguments, says in (
        (["--topk", "0"], "topk: Input should be greater than or equal to 1"),
        (["--scores", "shares"], "scores: Input should be 'softmax' or 'sigmoid'"),
        (["--preprocess", "std=1,0,1"], "preprocess: std must be greater than 0"),
        (["--preprocess", "224"], "--preprocess '224' is not of the form KEY=VALUE"),
    ):
        for command in (["set", "plants"], ["add", file, "--name", "others"]):
            result = darkroom(*command, *arguments)
            assert result.returncode != 0
            assert says in result.stderr
            assert "Traceback" not in result.stderr
    assert read_card(tmp_path / "models" / "plants") == card


def test_a_folder_of_a_taken_name_is_listed_and_the_others_are_used(darkroom, tmp_path):
    for name in ("crops", "faces"):
        own(tmp_path / "models", name, LABELS, [Answer("weed", 0.9)], side=64)
    listed = darkroom("list")
    assert listed.returncode == 0, listed.stderr
    [row, why] = listed.stdout.splitlines()[-2:]
    assert row.split()[:2] == ["faces", "refused"]
    assert "a model cannot be called 'faces': detections of that kind come with Darkroom; take another name" in why
    verified = darkroom("verify")
    assert verified.returncode == 1
    assert "not used: faces" in verified.stderr
    assert next(line for line in verified.stdout.splitlines() if line.startswith("crops")).split()[1] == "verified"


def test_a_model_on_a_triton_server_needs_labels_and_form(darkroom):
    url = ["--url", "http://127.0.0.1:1/crops", "--name", "crops"]
    assert "model-form-unknown" in darkroom("add", *url).stderr
    assert "model-labels-missing" in darkroom("add", *url, "--form", "detect").stderr
    assert darkroom("add", *url, "--form", "detect", "--labels", "wheat, weed").returncode == 0
    [row] = [row for row in json.loads(darkroom("list", "--json").stdout)["models"] if row["name"] == "crops"]
    assert (row["backend"], row["source"], row["labels"]) == ("triton", url[1], ["wheat", "weed"])


def test_a_model_without_a_known_checksum_is_not_pulled_unasked(darkroom):
    result = darkroom("pull", "yolo11n-seg", DARKROOM_MODELS_MIRROR="http://127.0.0.1:1")
    assert result.returncode == 1
    assert "model-not-trusted" in result.stderr
    assert "--trust" in result.stderr
    assert "model-download-failed" in darkroom(
        "pull", "yolo11n-seg", "--trust", DARKROOM_MODELS_MIRROR="http://127.0.0.1:1"
    ).stderr  # fmt: skip


def test_absent_models_say_what_gets_them(darkroom):
    rows = {row["name"]: row for row in json.loads(darkroom("list", "--json").stdout)["models"]}
    for name in ("yolo11n-cls", "yolo11n-pose", "yolo11n-obb"):
        assert (rows[name]["status"], rows[name]["problem"]) == ("absent", f"run `darkroom models pull {name} --trust`")
        assert rows[name]["problem"] in darkroom("list", "--all").stdout


def test_eval_prints_numbers_and_draws_confusions(darkroom, tmp_path):
    own(tmp_path / "models", "crops", LABELS, [Answer("wheat_head", 0.9, BOX, "red")], side=64)
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for name, colour in (("red", (0, 0, 200)), ("green", (0, 200, 0))):
        cv2.imwrite(str(folder / "images" / f"{name}.png"), np.full((100, 100, 3), colour, np.uint8))
        (folder / "labels" / f"{name}.txt").write_text("0 0.25 0.4 0.3 0.4\n")
    (folder / "data.yaml").write_text("val: images\nnames: [wheat-head, oats]\n")
    result = darkroom("eval", "crops", folder, "--matrix", tmp_path / "matrix.png")
    assert result.returncode == 0, result.stderr
    assert "2 pictures, 2 annotations" in result.stdout
    assert "only in the data set, left out: oats" in result.stdout
    assert "only in the model, left out: weed" in result.stdout
    [things] = [line for line in result.stdout.splitlines() if line.startswith("things")]
    assert things.split()[-3:] == ["1.000", "0.500", "0.667"]
    assert cv2.imread(str(tmp_path / "matrix.png")) is not None
    said = json.loads(darkroom("eval", "crops", folder, "--json", "--matrix", tmp_path / "matrix.png").stdout)
    assert (said["things"]["right"], said["things"]["missed"], said["layout"]) == (1, 1, "YOLO, val")
    assert said["confusions"] == {"labels": ["wheat_head", None], "matrix": [[1, 0], [1, 0]]}
    (folder / "data.yaml").write_text("val: images\nnames: [oats]\n")
    assert "dataset-has-other-classes" in darkroom("eval", "crops", folder).stderr
    assert "unknown-model" in darkroom("eval", "corps", folder).stderr


@pytest.mark.parametrize("prefer", ["objects=yolo11q", "objects", "things=yolo11n"])
def test_preferences_that_nothing_comes_of_are_an_error_of_the_settings(darkroom, prefer):
    environment = {**os.environ, "DARKROOM_PREFER": prefer, "DARKROOM_PORT": "0"}
    result = subprocess.run(
        [sys.executable, "-m", "server", "serve"], capture_output=True, text=True, env=environment, timeout=60
    )
    assert result.returncode != 0
    assert "DARKROOM_PREFER" in result.stderr
    assert "Traceback" not in result.stderr
