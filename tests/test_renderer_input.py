"""Pages, stored pixels and reports of the encoded picture, through everything that a render process does."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from detectors.found import pack
from server import renderer
from server.clock import Clock
from server.finder import SourceFinder
from server.renderer import Job, Rendered
from tests import pictures
from transforms.decode import Decode
from transforms.failure import Failure
from transforms.image import Box, Found, PixelArray, Region
from transforms.input import Input
from transforms.limits import Limits
from transforms.output import Client
from transforms.pipeline import Pipeline
from transforms.probe import Source

MODEL = (("faces", "m@1"), ("largest-face", "m@1"), ("all-faces", "m@1"))
FACES = frozenset({"faces"})


def rendered(path: Path, pipeline: str, **more: Any) -> Rendered:
    return renderer.render(Job(str(path), pipeline, Client(), Limits(), time.monotonic() + 20, **more))


def kept(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "picture"
    path.write_bytes(data)
    return path


class Watching:
    """A detection service that says that it sees one face, where it is white, and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[PixelArray] = []
        self.keys: list[str | None] = []

    def find(self, kinds: frozenset[str], pixels: PixelArray, *, deadline: float, key: str | None) -> Found:
        self.seen.append(pixels)
        self.keys.append(key)
        rows, columns = np.nonzero(pixels[:, :, 0] > 200)
        if not rows.size:
            return Found(models=tuple((kind, "m@1") for kind in sorted(kinds)))
        height, width = pixels.shape[:2]
        left, right = columns.min() / width, (columns.max() + 1) / width
        box = Box.between(left, rows.min() / height, right, (rows.max() + 1) / height)
        regions = tuple(Region("face", 0.9, box, (("nose", *box.centre),), kind) for kind in sorted(kinds))
        return Found(regions, models=tuple((kind, "m@1") for kind in sorted(kinds)))


def spotted(x: int, y: int, width: int = 120, height: int = 80) -> PixelArray:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[y : y + 10, x : x + 10] = 255
    return pixels


def finder(data: bytes, wanted: Input, watching: Watching, known: Found = Found()) -> SourceFinder:  # noqa: B008 - frozen
    source = Source(data, Limits(), wanted)
    return SourceFinder(source, watching, known, "content", time.monotonic() + 20, Clock())  # type: ignore[arg-type]


def test_what_is_known_of_the_first_page_is_not_said_of_another() -> None:
    moving = pictures.animation(pictures.image(spotted(10, 10), spotted(90, 60)), "PNG")
    known = Found((Region("face", 0.9, Box(0.08, 0.12, 0.09, 0.13), (), "faces"),), models=MODEL)
    watching = Watching()
    second = finder(moving, Input(((2, 2),)), watching, known)
    image = second.picture(Decode(still=True))
    assert second(FACES, image, 0).faces[0].box.x == pytest.approx(90 / 120)
    assert watching.keys == ["content:1"]
    assert second.found == known  # what is kept by content is of the first page alone
    first = finder(moving, Input(((1, 1),)), watching, known)
    assert first(FACES, first.picture(Decode(still=True)), 0).faces[0].box.x == pytest.approx(0.08)
    assert len(watching.seen) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_detectors_see_the_picture_upright_and_steps_find_its_faces_as_stored(orientation: int) -> None:
    data = pictures.file(spotted(90, 60), "PNG", orientation=orientation)
    watching = Watching()
    asking = finder(data, Input(upright=False), watching)
    image = asking.picture(Decode(still=True))
    box = asking(FACES, image, 0).faces[0].box
    assert (round(box.x * 120), round(box.y * 80), round(box.width * 120), round(box.height * 80)) == (90, 60, 10, 10)
    assert watching.seen[0].shape[:2] == ((80, 120) if orientation < 5 else (120, 80))
    # What was found is kept for the content, and lands on the upright picture of another request as well.
    usual = finder(data, Input(), Watching(), asking.found)
    upright = usual.picture(Decode(still=True))
    x, y = usual(FACES, upright, 0).faces[0].box.centre
    height, width = upright.frames[0].pixels.shape[:2]
    assert upright.frames[0].pixels[int(y * height), int(x * width)].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("pipeline", "steps"),
    [
        ("if:faces>0/blur-faces/end", ["blur-faces"]),
        ("if:faces=1/blur-faces/end", ["blur-faces"]),
        ("let:n=faces/if:$n=0/flip/else/blur-faces/end", ["blur-faces"]),
        ("if:tags~person/pixelate-faces/end", ["pixelate-faces"]),
        ("if:faces>0/flip/end", []),  # nothing is hidden: the first frame decides, as it does for all else
    ],
)
def test_a_face_in_a_later_frame_is_hidden_where_that_hangs_on_a_condition(pipeline: str, steps: list[str]) -> None:
    moving = pictures.animation(pictures.image(spotted(200, 0), spotted(90, 60), spotted(10, 60)), "GIF")
    planned = finder(moving, Input(), Watching()).planned(Pipeline.parse(pipeline), Client())
    assert [str(one.step) for one in planned.steps] == steps


def test_known_faces_are_hidden_in_stored_pixels(tmp_path: Path) -> None:
    data = pictures.file(pictures.noise(120, 80), "PNG", orientation=6)
    upright = Region("face", 0.9, Box(0.0, 0.0, 0.25, 0.25), (), "all-faces")  # top left of the upright picture
    known = pack(Found((upright,), models=MODEL))
    result = rendered(kept(tmp_path, data), "orientation:ignore/blur-faces", known=known, content="c")
    before, after = (np.asarray(Pillow.open(io.BytesIO(body)).convert("RGB")) for body in (data, result.body))
    changed = (before != after).any(axis=2)
    assert changed[70:, :20].mean() > 0.9  # bottom left as stored
    assert not changed[:40, 60:].any()


def test_a_page_through_a_render(tmp_path: Path) -> None:
    path = kept(tmp_path, pictures.animation(pictures.animated(frames=3), "GIF"))
    one = rendered(path, "resize:24x/page:2/format:png")
    assert getattr(Pillow.open(io.BytesIO(one.body)), "n_frames", 1) == 1
    assert Pillow.open(io.BytesIO(rendered(path, "page:1;3").body)).n_frames == 2  # type: ignore[attr-defined]
    with pytest.raises(Failure, match="it has 3"):
        rendered(path, "page:4")


def test_getinfo_is_of_the_file_that_would_be_sent(tmp_path: Path) -> None:
    path = kept(tmp_path, pictures.file(pictures.photo(400, 300), "JPEG", quality=90))
    for steps in ("crop:100x50/format:png", "resize:200x/quality:60", "resize:200x/format:webp/download:a"):
        sent, told = rendered(path, steps), rendered(path, f"{steps}/getinfo")
        assert told.media_type == "application/json"
        said = json.loads(told.body)
        assert said["output"]["bytes"] == len(sent.body)
        assert (said["output"]["width"], said["output"]["height"]) == (sent.size.width, sent.size.height)
        assert said["input"] == {"width": 400, "height": 300, "bytes": path.stat().st_size, "format": "jpeg"}
    assert said["resize"]["crop"] == {"x": 0, "y": 0, "width": 400, "height": 300}


def test_getinfo_counts_all_frames(tmp_path: Path) -> None:
    path = kept(tmp_path, pictures.animation(pictures.animated(frames=5), "GIF"))
    said = json.loads(rendered(path, "format:webp/getinfo").body)
    assert said["output"]["bytes"] == len(rendered(path, "format:webp").body)
    assert said["output"]["bytes"] != len(rendered(path, "format:webp/still").body)


def test_getinfo_after_faces_and_attention(tmp_path: Path) -> None:
    path = kept(tmp_path, pictures.file(spotted(90, 60, 160, 120), "PNG"))
    faces = tuple(Region("face", 0.9, Box(0.5, 0.5, 0.1, 0.1), (("nose", 0.55, 0.55),), kind) for kind, _ in MODEL)
    known = pack(Found(faces, models=(*MODEL, ("objects", "o@1"))))
    said = json.loads(rendered(path, "resize:60x60,fit=cover,gravity=auto/getinfo", known=known, content="c").body)
    (part,) = said["g_auto_info"]
    assert (part["width"], part["height"]) == (120, 120)
    assert 0 <= part["x"] <= 40
    said = json.loads(rendered(path, "face-crop:50x50/getinfo", known=known, content="c").body)
    assert said["landmarks"] == [{"nose": {"x": 88, "y": 66}}]
    assert "g_auto_info" not in said


def test_what_the_response_is_to_say(tmp_path: Path) -> None:
    path = kept(tmp_path, pictures.file(pictures.quadrants(), "PNG"))
    result = rendered(path, "download:a.png/immutable")
    assert (result.download, result.immutable) == ("a.png", True)
    assert (rendered(path, "flip").download, rendered(path, "flip").immutable) == (None, False)
