"""`format:explain`: what was done and why, and that it never uncovers what is hidden."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from detectors.found import pack
from detectors.registry import side_for
from server import renderer
from server.renderer import Job, Rendered
from tests import pictures
from transforms.chosen import chosen
from transforms.explain import Story, redacted, told, verdicts
from transforms.explained import drawn
from transforms.failure import Failure
from transforms.image import Found, Frame, Image, PixelArray, Region, Size
from transforms.limits import Limits
from transforms.output import Client
from transforms.pipeline import Pipeline, Step
from transforms.plan import plan
from transforms.run import run

from .servers import Server
from .steps import face, thing
from .test_transforms_run import Answers, probed

MODELS = tuple((kind, "m@1") for kind in ("faces", "largest-face", "all-faces", "objects"))
LARGE, SMALL = face(0.6, 0.1, 0.2, 0.4, by="largest-face"), face(0.1, 0.1, 0.1, 0.2, by="largest-face")
DOG, UNSURE = thing("dog", 0.05, 0.6, 0.2, 0.3), thing("cat", 0.5, 0.7, 0.1, 0.1, 0.3)
HIDDEN = face(0.4, 0.35, 0.2, 0.3, by="all-faces")


def found(*regions: Region) -> Found:
    return Found(regions, models=MODELS)


def story(text: str, answer: Found, pixels: PixelArray | None = None, anew: Found | None = None) -> Story:
    image = Image((Frame(pictures.photo(200, 100) if pixels is None else pixels),))
    probe = probed(image.size)
    planned = plan(Pipeline.parse(text), probe, Limits(), answer, side_for=side_for)
    outcome = run(planned, image, probe, Answers(answer, anew), time.monotonic() + 10)
    sent = {"media_type": "image/png", "bytes": 99, "width": 1, "height": 1}
    return Story(text, probe, image.size, planned, outcome.steps, answer, sent, outcome.degraded, (("run", 1.0),))


def said(text: str, *regions: Region) -> dict[str, str]:
    """Verdicts by label and score."""
    return {f"{region.label} {region.score}": verdict for region, verdict in verdicts(story(text, found(*regions)))}


@pytest.mark.parametrize(
    ("text", "regions", "expected"),
    [
        ("face-crop:50x50", (LARGE, replace(SMALL, score=0.8)), {"face 0.9": "chosen", "face 0.8": "smaller"}),
        ("face-crop:50x50,which=all", (replace(LARGE, by="faces"),), {"face 0.9": "chosen"}),
        ("crop:80x80,gravity=cat:dog", (DOG, UNSURE), {"dog 0.8": "chosen", "cat 0.3": "unsure"}),
        ("crop:40x40,gravity=north_east", (DOG, UNSURE), {"dog 0.8": "outside", "cat 0.3": "unsure"}),
        ("resize:50x50", (DOG,), {"dog 0.8": "shown"}),
        ("blur-faces", (HIDDEN,), {"face 0.9": "hidden"}),
        ("crop:100x100,gravity=west/crop:60x60,gravity=dog", (DOG,), {"dog 0.8": "chosen"}),
    ],
)  # fmt: skip
def test_what_became_of_what_was_found(text: str, regions: tuple[Region, ...], expected: dict[str, str]) -> None:
    assert said(text, *regions) == expected


FACES, ALL = (replace(LARGE, by=by, score=score) for by, score in (("faces", 0.8), ("all-faces", 0.7)))


@pytest.mark.parametrize(
    ("text", "regions", "expected"),
    [
        ("face-crop:50x50", (FACES, LARGE), [("largest-face", "chosen")]),
        ("face-crop:50x50", (replace(SMALL, by="faces"), SMALL, FACES, LARGE),
         [("largest-face", "chosen"), ("largest-face", "smaller")]),
        ("face-crop:50x50/blur-faces", (FACES, LARGE, ALL), [("all-faces", "hidden")]),
        ("resize:50x50", (LARGE, replace(LARGE, by="objects")), [("largest-face", "shown"), ("objects", "shown")]),
        ("resize:50x50", (FACES, replace(FACES, score=0.7)), [("faces", "shown"), ("faces", "shown")]),
    ],
)  # fmt: skip
def test_a_face_is_told_once(text: str, regions: tuple[Region, ...], expected: list[tuple[str, str]]) -> None:
    told_of = told(story(text, found(*regions)))["found"]
    assert [(one["by"], one["verdict"]) for one in told_of] == expected


@pytest.mark.parametrize("known", [(), (HIDDEN,)])
def test_what_only_a_later_look_saw_is_told_as_hidden(known: tuple[Region, ...]) -> None:
    seen = found(face(0.6, 0.1, 0.2, 0.2, by="all-faces"))
    hidden = told(story("flip/blur-faces", found(*known), anew=seen))["found"]
    boxes = [one["box"] for one in hidden if one["verdict"] == "hidden"]
    assert {"x": 40, "y": 10, "width": 40, "height": 20} in boxes
    assert len(boxes) == len(hidden) == 1 + len(known)


@pytest.mark.parametrize(
    "text", ["blur-faces", "flip/blur-faces", "rotate:30/blur-faces", "blur-faces/flip/blur-faces"]
)
def test_what_every_look_saw_is_told_once(text: str) -> None:
    assert [verdict for _, verdict in verdicts(story(text, found(HIDDEN), anew=found()))] == ["hidden"]


def test_the_box_of_what_two_looks_saw_is_around_both() -> None:
    seen = face(0.4, 0.3, 0.25, 0.35, by="all-faces")  # of the same face, mirrored
    ((region, _),) = verdicts(story("flip/blur-faces", found(HIDDEN), anew=found(seen)))
    assert (region.box.x, region.box.y) == pytest.approx((0.35, 0.3))
    assert (region.box.right, region.box.bottom) == pytest.approx((0.6, 0.65))


def test_everything_that_is_blurred_is_listed() -> None:
    pixels = pictures.noise(200, 100)
    seen = found(face(0.1, 0.1, 0.1, 0.2, by="all-faces"), face(0.6, 0.5, 0.3, 0.4, by="all-faces"))
    made = story("crop:120x100,gravity=east/rotate:20/pixelate-faces", found(HIDDEN), pixels, seen)
    changed = (redacted(Frame(pixels), made).pixels != pixels).any(axis=2)
    assert changed.any()
    for one in told(made)["found"]:
        box = one["box"]
        left, top = (round(0.4 * box[side]) + 1 for side in ("width", "height"))  # what is covered around a face
        changed[max(0, box["y"] - top) : box["y"] + box["height"] + top,
                max(0, box["x"] - left) : box["x"] + box["width"] + left] = False  # fmt: skip
    assert not changed.any()


def test_what_was_looked_for_in_turn() -> None:
    cats = thing("cat", 0.1, 0.1, 0.2, 0.2), thing("cat", 0.6, 0.6, 0.3, 0.3)
    choice = chosen(Step.parse("crop:50x50,gravity=dog:cat:bird").arguments, found(*cats))
    assert choice.looked_for == (("dog", 0), ("cat", 2))
    assert (choice.held, choice.smaller, choice.weighed) == ((cats[1],), (cats[0],), False)
    nothing = chosen(Step.parse("crop:50x50,gravity=dog:auto").arguments, found(*cats))
    assert (nothing.looked_for, nothing.weighed) == ((("dog", 0),), True)
    assert chosen(Step.parse("face-crop:50x50").arguments, Found()).weighed
    assert chosen(Step.parse("blur:5").arguments, found(*cats)) == chosen(Step.parse("crop:5x5,x=1").arguments, Found())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("crop:100x50,gravity=south_east", (100, 50, 100, 50)),
        ("crop:100x50,gravity=south_east/flip", (100, 50, 100, 50)),
        ("crop:100x50,gravity=north_west/rotate:90", (0, 0, 100, 50)), ("resize:20x10", (0, 0, 200, 100)),
        ("pad:400x400", (0, 0, 200, 100)), ("crop:100x100,gravity=west/rotate:20", (0, 0, 100, 100)),
        ("crop:80x80,gravity=west/crop:40x40,gravity=east", (40, 30, 40, 40)), ("blur:2", (0, 0, 200, 100)),
    ],
)  # fmt: skip
def test_the_part_of_the_source_that_is_left(text: str, shown: tuple[int, int, int, int]) -> None:
    part = told(story(text, found()))["shown"]
    assert [part["x"], part["y"], part["width"], part["height"]] == pytest.approx(shown, abs=1)


def test_the_steps_with_their_sizes() -> None:
    content = told(story("crop:gravity=dog/resize:20x20", found(DOG)))
    first, second = content["steps"]
    assert first["before"] == {"width": 200, "height": 100}
    assert first["after"] == second["before"] == {"width": 40, "height": 30}
    assert (first["asked"], first["held_on_to"]) == (["objects"], ["dog 0.80"])
    assert second["after"] == {"width": 20, "height": 15}
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_what_is_outside_is_dark_in_the_drawing() -> None:
    white = np.full((100, 200, 3), 255, np.uint8)
    picture = drawn(Frame(white), story("crop:100x100,gravity=east", found(), white))
    assert picture.shape[1] == 720
    view = picture[:320, 40:680]
    assert (view[20:300, 20:300] < 100).all()
    assert (view[20:300, 340:620] == 255).all()
    assert picture.shape[0] > 320 + 100  # the panel


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (64, 48), (2000, 1500)], ids=str)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_source_can_be_drawn(size: tuple[int, int], channels: int) -> None:
    pixels = pictures.noise(*size, channels)
    picture = drawn(Frame(pixels), story("blur:2/blur-faces", found(LARGE, DOG, UNSURE, HIDDEN), pixels))
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert picture.shape[1] <= 1280


def test_long_words_are_broken() -> None:
    text = "crop:100x100/download:" + "w" * 140
    assert drawn(Frame(pictures.photo(50, 50)), story(text, found())).shape[1] == 720


# What is hidden


def detail(pixels: PixelArray) -> float:
    return float(np.abs(np.diff(pixels.astype(int), axis=1)).mean())


@pytest.mark.parametrize("text", [
    "blur-faces", "pixelate-faces", "resize:20x20/blur-faces", "rotate:90/blur-faces",
    "crop:50x50,gravity=west/blur-faces", "blur-faces/crop:40x40,gravity=east", "flip/pixelate-faces:2/flip",
])  # fmt: skip
def test_faces_are_hidden_in_the_source_too(text: str) -> None:
    pixels = pictures.noise(200, 100)
    shown = redacted(Frame(pixels), story(text, found(HIDDEN), pixels)).pixels
    inside = np.s_[35:65, 82:118]
    assert detail(shown[inside]) < 0.2 * detail(pixels[inside])
    assert (shown[:, :10] == pixels[:, :10]).all()


def test_what_only_a_later_look_saw_is_hidden_in_the_source() -> None:
    pixels = pictures.noise(200, 100)
    seen = found(face(0.2, 0.2, 0.6, 0.6, by="all-faces"))  # in the right half, turned
    shown = redacted(
        Frame(pixels), story("crop:100x100,gravity=east/rotate:90/blur-faces", found(), pixels, seen)
    ).pixels
    assert detail(shown[25:75, 125:175]) < 0.2 * detail(pixels[25:75, 125:175])
    assert (shown[:, :80] == pixels[:, :80]).all()


def test_without_redaction_nothing_is_hidden() -> None:
    pixels = pictures.noise(200, 100)
    assert (redacted(Frame(pixels), story("blur:3", found(HIDDEN), pixels)).pixels == pixels).all()


# Through everything that a render process does


def rendered(path: Path, pipeline: str, known: Found = Found()) -> Rendered:  # noqa: B008 - frozen
    job = Job(str(path), pipeline, Client(), Limits(), time.monotonic() + 20, "content", pack(known))
    return renderer.render(job)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(pictures.file(pictures.noise(800, 400), "PNG"))
    return path


def view_of(body: bytes) -> PixelArray:
    return np.asarray(Pillow.open(io.BytesIO(body)).convert("RGB"))[:400]


def test_hidden_faces_never_show_in_the_drawing(path: Path) -> None:
    known = found(HIDDEN)
    open_, closed = (rendered(path, f"{steps}resize:40x40/format:explain", known) for steps in ("", "blur-faces/"))
    assert open_.media_type == closed.media_type == "image/jpeg"
    inside = np.s_[150:250, 340:460]
    assert detail(view_of(closed.body)[inside]) < 0.2 * detail(view_of(open_.body)[inside])


def test_without_an_answer_nothing_is_shown(path: Path) -> None:
    with pytest.raises(Failure) as caught:
        rendered(path, "blur-faces/format:explain")
    assert caught.value.code == "detector-unavailable"


def test_only_what_was_asked_is_told(path: Path) -> None:
    known = found(HIDDEN, DOG, LARGE)
    told_of = {
        pipeline: {
            one["by"] for one in json.loads(rendered(path, f"{pipeline}/format:explain,json", known).body)["found"]
        }
        for pipeline in ("resize:40x40", "face-crop:40x40", "if:faces>0/flip/end", "if:faces>9/blur-faces/end")
    }
    assert told_of == {"resize:40x40": set(), "face-crop:40x40": {"largest-face"}, "if:faces>0/flip/end": set(),
                       "if:faces>9/blur-faces/end": set()}  # fmt: skip
    faces = replace(LARGE, by="faces")
    content = json.loads(rendered(path, "if:faces>0/flip/end/format:explain,json", found(faces)).body)
    assert [one["by"] for one in content["found"]] == ["faces"]


def test_what_would_be_sent_is_told(path: Path) -> None:
    sent = rendered(path, "resize:100x100/format:webp")
    content = json.loads(rendered(path, "resize:100x100/format:webp/format:explain,json").body)
    assert content["result"] == {"media_type": "image/webp", "bytes": len(sent.body), "width": 100, "height": 50}
    report = json.loads(rendered(path, "info/format:explain,json").body)
    assert report["result"]["media_type"] == "application/json"
    assert [step["step"] for step in report["steps"]] == ["info"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("steps", ["", "orientation:ignore/"])
def test_the_source_is_upright(tmp_path: Path, orientation: int, steps: str) -> None:
    path = tmp_path / "turned.jpg"
    path.write_bytes(pictures.file(pictures.photo(120, 80), "JPEG", orientation=orientation))
    content = json.loads(rendered(path, f"{steps}crop:40x40,gravity=north_west/format:explain,json").body)
    upright = Size(120, 80) if orientation < 5 else Size(80, 120)
    assert (content["source"]["width"], content["source"]["height"]) == (upright.width, upright.height)
    assert (content["shown"]["width"], content["shown"]["height"]) == (40, 40)


def test_it_is_sent(server: Server) -> None:
    answer = server.get("/face-crop:200x200/format:explain/zidane.jpg")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert Pillow.open(io.BytesIO(answer.content)).size[0] == 1280
    content: dict[str, Any] = server.get("/face-crop:200x200/format:explain,json/zidane.jpg").json()
    assert content["steps"][0]["asked"][0] in ("faces", "largest-face")
    assert {"probe", "decode", "run", "encode"} <= content["milliseconds"].keys()
    assert server.get("/format:auto/format:explain/zidane.jpg").headers["vary"] == "Accept"
    assert "vary" not in server.get("/format:webp/format:explain/zidane.jpg").headers
