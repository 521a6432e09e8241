"""Masks from the model to the picture that is sent: a running server with segmentation models made in code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detectors.manifest import COCO

from .fabricated import Answer, fabricated, own
from .servers import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`masks` finds a dog in the left half of red pictures, `plots` wheat in the upper half of them."""
    base = tmp_path_factory.mktemp("subjects")
    media, models = base / "media", base / "models"
    media.mkdir()
    for name, colour in (("red", (0, 0, 200)), ("green", (0, 200, 0))):
        cv2.imwrite(str(media / f"{name}.png"), np.full((400, 400, 3), colour, np.uint8))
    halves = np.full((400, 400, 3), (0, 0, 200), np.uint8)
    halves[:, 200:] = (40, 0, 120)
    cv2.imwrite(str(media / "halves.png"), halves)
    fabricated(
        models / "yolo11n-seg.onnx", COCO, [Answer("dog", 0.9, (0.1, 0.2, 0.4, 0.6), "red")], form="segment", side=160
    )
    own(models, "plots", ["wheat"], [Answer("wheat", 0.8, (0.25, 0.0, 0.5, 0.5), "red")], form="segment", side=160)
    with Server(media=media, models=models, device="cpu") as running:
        running.wait()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            answered = running.get("/auto-tag:masks:plots/red.png").json().get("models", {})
            if {"masks", "plots"} <= answered.keys():
                break
            time.sleep(0.2)
        yield running


def picture(server: Server, path: str, status: int = 200) -> Any:
    answer = server.get(path)
    assert answer.status_code == status, answer.text
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)


def covered(pixels: Any) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is opaque, in fractions."""
    assert pixels.shape[2] == 4
    left, top, width, height = cv2.boundingRect((pixels[:, :, 3] > 127).astype(np.uint8))
    down, across = pixels.shape[:2]
    return left / across, top / down, (left + width) / across, (top + height) / down


NEAR = 0.02

ALL = [
    ("/background-removal/format:png/red.png", (0.1, 0.2, 0.5, 0.8)),
    ("/cut-out:dog/format:png/red.png", (0.1, 0.2, 0.5, 0.8)),
    ("/cut-out:wheat/format:png/red.png", (0.25, 0, 0.75, 0.5)),
    ("/cut-out:plots:dog/format:png/red.png", (0.1, 0, 0.75, 0.8)),
    ("/rotate:90/background-removal/format:png/red.png", (0.2, 0.1, 0.8, 0.5)),
    ("/resize:80x80/flip:horizontal/background-removal/format:png/red.png", (0.5, 0.2, 0.9, 0.8)),
    ("/crop:200x200,gravity=north_west/background-removal/format:png/red.png", (0.2, 0.4, 1, 1)),
    ("/background-removal/crop:200x200,gravity=north_west/format:png/red.png", (0.2, 0.4, 1, 1)),
    ("/image/upload/e_background_removal/f_png/red.png", (0.1, 0.2, 0.5, 0.8)),
    ("/image/upload/e_background_removal:hints_(dog)/f_png/red.png", (0.1, 0.2, 0.5, 0.8)),
]


@pytest.mark.parametrize(("path", "box"), ALL)
def test_what_stays(server: Server, path: str, box: tuple[float, float, float, float]) -> None:
    assert covered(picture(server, path)) == pytest.approx(box, abs=NEAR)


def test_both_spellings_are_one_picture(server: Server) -> None:
    native, other = (server.get(path) for path in (ALL[0][0], ALL[8][0]))
    assert native.content == other.content


@pytest.mark.parametrize("path", ["/background-removal", "/cut-out:dog", "/blur-background"])
def test_where_nothing_is_found_the_picture_is_sent_as_it_is(server: Server, path: str) -> None:
    pixels = picture(server, f"{path}/format:png/green.png")
    assert pixels.shape[:2] == (400, 400)
    assert (pixels[:, :, :3] == (0, 200, 0)).all()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/background-removal:fallback=fail/green.png", 422, "no-subject"),
        ("/cut-out:cat,fallback=fail/red.png", 422, "no-subject"),
        ("/cut-out:whaet/red.png", 400, "bad-argument"),
        ("/image/upload/e_background_removal:hints_(nothing)/red.png", 400, "bad-argument"),
        ("/image/upload/e_background_removal:hints_(dog):fineedges_y/red.png", 501, "not-implemented"),
        ("/image/upload/e_extract:prompt_dog/red.png", 501, "not-implemented"),
    ],
)  # fmt: skip
def test_errors(server: Server, path: str, status: int, code: str) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_background_is_blurred_behind_the_dog(server: Server) -> None:
    before, after = (picture(server, f"{path}/halves.png") for path in ("/format:png", "/blur-background:4/format:png"))
    assert np.array_equal(after[100:300, 60:180], before[100:300, 60:180])
    assert not np.array_equal(after[20:60, 190:210], before[20:60, 190:210])


def test_without_the_model_of_mattes_objects_do_and_it_is_said(server: Server) -> None:
    answer = server.get("/background-removal:matting/format:png/red.png")
    pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert covered(pixels) == pytest.approx((0.1, 0.2, 0.5, 0.8), abs=NEAR)
    assert "matte" in str(answer.headers)


def test_masks_are_drawn(server: Server) -> None:
    plain, tinted = (picture(server, f"/detect:models=masks{more}/format:png/red.png") for more in (",masks=false", ""))
    assert (plain[250, 100] == (0, 0, 200)).all()
    assert (tinted[250, 100] != (0, 0, 200)).any()


def test_the_folder_of_the_test_has_no_name_in_any_answer(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    answers = [server.get(path).text for path in ("/models", "/background-removal:fallback=fail/green.png")]
    assert all(str(Path(tmp_path_factory.getbasetemp())) not in answer for answer in answers)
