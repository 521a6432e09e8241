"""`darkroom models …`: what the commands print, write and refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from detectors.card import card_of, read_card, write_card
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


def test_labels_that_urls_cannot_tell_apart_are_said(darkroom, tmp_path):
    labels = ["a/b", "A b", "*", "weed"]
    odd = fabricated(tmp_path / "odd.onnx", labels, [Answer("weed", 0.9, BOX)], side=64)
    added = darkroom("add", odd, "--name", "odd")
    assert added.returncode == 0, added.stderr
    assert "note: a/b, A b are asked for together in URLs, as a_b" in added.stderr
    assert "note: * cannot be a word of URLs; --rename '*=NAME' gives it one" in added.stderr
    assert "weed" not in added.stderr


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
        (["--name", "crops", "--trust"], "--pretrained"),
        (["--name", "crops", "--labels", ","], "--labels holds no label"),
        (["--name", "crops", "--licence", "MIT\n\a"], "licence: it holds U+000A"),
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
    assert darkroom("add", file, "--name", "plants", "--topk", "3").returncode == 0
    assert read_card(tmp_path / "models" / "plants").topk == 3
    for more in (["--scores", "sigmoid"], ["--preprocess", "size=96"]):
        for command in (["set", "plants"], ["add", file, "--name", "others"]):
            assert "only of the backends torchvision and timm" in darkroom(*command, *more).stderr
    card = {"file": "x.pth", "sha256": "0" * 64, "form": "classify", "labels": LABELS, "backend": "torchvision",
            "arch": "resnet18"}  # fmt: skip
    write_card(tmp_path / "models" / "plants", card_of("plants", card))
    told = ["--topk", "3", "--scores", "sigmoid", "--preprocess", "size=96", "--preprocess", "mean=0.5,0.4,0.3"]
    assert darkroom("set", "plants", *told).returncode == 0
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


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xef\xbb\xbfwheat\r\nweed\r\n", None),
        (b"\n wheat \n\nweed", None),
        (b"wheat\rweed", None),
        ("wheat\r\nweed".encode("utf-16"), "is not UTF-8 but UTF-16"),
        ("wheat\nweed".encode("utf-16-be"), "is not UTF-8 but UTF-16"),
        (b"wheat\nwe\xe9d", "is not UTF-8 from byte 8 on"),
        (b"wheat\n" * 1_500_000, "has more than 8388608 bytes"),
        (b"\xef\xbb\xbf\r\n", "holds no label"),
        ("wheat\nwe\u2028ed".encode(), "U+2028 (LINE SEPARATOR)"),
    ],
)
def test_files_of_labels_as_windows_and_others_write_them(darkroom, tmp_path, file, content, says):
    (tmp_path / "labels.txt").write_bytes(content)
    result = darkroom("add", file, "--name", "crops", "--labels-file", tmp_path / "labels.txt")
    if says:
        assert result.returncode != 0
        assert says in result.stderr
        assert "Traceback" not in result.stderr
    else:
        assert read_card(tmp_path / "models" / "crops").labels == ("wheat", "weed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_what_is_interrupted_leaves_nothing(darkroom, tmp_path, number):
    with (tmp_path / "best.onnx").open("wb") as large:
        large.truncate(1_900_000_000)  # a second to copy and check, and no bytes of a disk to read
    models = tmp_path / "models"
    environment = {**os.environ, "DARKROOM_MODELS": str(models)}
    command = [sys.executable, "-m", "server", "models", "add", str(tmp_path / "best.onnx"), "--name", "crops"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while not list(models.glob(".add-*")) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in errors
    if number == signal.SIGKILL:
        assert list(models.glob(".add-*"))
        assert darkroom("list").returncode == 0
    assert list(models.iterdir()) == []


def test_a_folder_of_a_taken_name_is_listed_and_the_others_are_used(darkroom, tmp_path):
    for name in ("crops", "faces"):
        own(tmp_path / "models", name, LABELS, [Answer("weed", 0.9)], side=64)
    listed = darkroom("list")
    assert listed.returncode == 0, listed.stderr
    [row, why, _] = listed.stdout.splitlines()[-3:]
    assert row.split()[:2] == ["faces", "refused"]
    assert "a model cannot be called 'faces': detections of that kind come with Darkroom; take another name" in why
    verified = darkroom("verify")
    assert verified.returncode == 1
    assert "not used: faces" in verified.stderr
    assert next(line for line in verified.stdout.splitlines() if line.startswith("crops")).split()[1] == "verified"


def test_pins_that_cannot_be_read_are_told_in_words(darkroom, tmp_path):
    models = tmp_path / "models"
    own(models, "crops", LABELS, [Answer("weed", 0.9)], side=64)
    (models / "yolo11n-seg.pt").write_bytes(b"what somebody pulled")
    (models / "pins.toml").write_text("[oops")
    for command, status in (("list", 0), ("verify", 1)):
        done = darkroom(command)
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        said = [line.strip() for line in done.stdout.splitlines()]
        assert next(line for line in said if line.startswith("crops ")).split()[1] == "verified"
        assert next(line for line in said if line.startswith("yolo11n-seg ")).split()[1] == "refused"
        assert sum(line.startswith("pins.toml in the models folder cannot be read: ") for line in said) == 2
    assert "not used: yolo11n-seg, pins.toml" in done.stderr
    pulled = darkroom("pull", "yolo11n-seg", "--trust")
    assert (pulled.returncode, "pins.toml" in pulled.stderr, "Traceback" in pulled.stderr) == (1, True, False)


def test_a_model_on_a_triton_server_needs_labels_and_form(darkroom):
    url = ["--url", "http://127.0.0.1:1/crops", "--name", "crops"]
    assert "model-form-unknown" in darkroom("add", *url).stderr
    assert "model-labels-missing" in darkroom("add", *url, "--form", "detect").stderr
    assert "--sha256 and --backend are of a file" in darkroom("add", *url, "--backend", "timm").stderr
    added = darkroom("add", *url, "--form", "detect", "--labels", "wheat, weed")
    assert added.returncode == 0
    assert "note: http://127.0.0.1:1/crops was asked and did not answer as it should: " in added.stderr
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


def test_only_models_that_are_here_or_wanted_are_listed(darkroom, tmp_path):
    own(tmp_path / "models", "crops", LABELS, [Answer("weed", 0.9)], side=64)
    own(tmp_path / "models", "gone", LABELS, [Answer("weed", 0.9)], side=64)
    (tmp_path / "models" / "gone" / "gone.onnx").unlink()
    prefer = {"DARKROOM_PREFER": "objects=yolo11m"}
    title, *rows, last = darkroom("list", **prefer).stdout.splitlines()
    absent = {row.split()[0] for row in rows if row[0] != " " and row.split()[1] == "absent"}
    assert absent <= {"yunet-2026may", "yolo11n", "yolo11m", "gone"}
    assert absent >= {"yolo11n", "yolo11m", "gone"}
    assert any(row.startswith("crops ") for row in rows)
    assert last.endswith(" more are known: `darkroom models list --all`")
    every = darkroom("list", "--all", **prefer).stdout
    assert "more are known" not in every
    number = sum(row[0] != " " for row in every.splitlines()) - sum(row[0] != " " for row in [title, *rows])
    assert number == int(last.split()[0]) > 14


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
