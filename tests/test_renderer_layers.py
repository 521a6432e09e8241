"""Layers through everything that a render process does: files, nested steps, variables, detections, failures."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from detectors.found import pack, unpack
from server import renderer
from server.layering import Lent
from server.renderer import Job, Rendered
from transforms.failure import Failure, Kind
from transforms.image import Box, Found, PixelArray, Region
from transforms.limits import Limits
from transforms.output import Client
from transforms.picture import Picture, PictureName
from transforms.pipeline import Pipeline

from . import pictures
from .pictures import BLUE, GREEN, RED, YELLOW, corners
from .test_renderer_input import MODEL, Watching

NAME = PictureName()


def kept(tmp_path: Path, name: str, pixels: PixelArray, format: str = "PNG", **options: Any) -> str:  # noqa: A002
    path = tmp_path / name
    path.write_bytes(pictures.file(pixels, format, **options))
    return str(path)


def full(width: int, height: int, *colour: int) -> PixelArray:
    return np.full((height, width, len(colour)), colour, np.uint8)


def rendered(path: str, pipeline: str, *lent: Lent, **more: Any) -> Rendered:
    limits = more.pop("limits", Limits())
    return renderer.render(Job(path, pipeline, Client(), limits, time.monotonic() + 20, layers=lent, **more))


def shown(result: Rendered) -> PixelArray:
    return pictures.pixels(Pillow.open(io.BytesIO(result.body)).convert("RGB"))


@pytest.fixture
def base(tmp_path: Path) -> str:
    return kept(tmp_path, "base.png", full(60, 40, 255, 255, 255))


@pytest.fixture
def logo(tmp_path: Path) -> Lent:
    return Lent(NAME.parse("logo.png"), kept(tmp_path, "logo.png", pictures.quadrants(24, 16)))


def test_a_file_is_laid_over_the_picture(base: str, logo: Lent) -> None:
    result = shown(rendered(base, "overlay:logo.png,gravity=north_west/end", logo))
    assert corners(result[:16, :24]) == ["red", "green", "blue", "yellow"]
    assert (result[:, 24:] == 255).all()
    assert (result[16:] == 255).all()


def test_its_steps_are_done_to_it_alone(base: str, logo: Lent) -> None:
    result = shown(rendered(base, "overlay:logo.png,gravity=east/rotate:90/resize:(bw:4)x/end/border:2", logo))
    assert result.shape[:2] == (44, 64)
    assert corners(result[2:42, 2:62][8:31, 45:60]) == ["blue", "red", "yellow", "green"]


def test_layers_lie_in_layers(base: str, logo: Lent, tmp_path: Path) -> None:
    other = Lent(NAME.parse("other.png"), kept(tmp_path, "other.png", full(4, 4, *BLUE)))
    inner = "overlay:other.png,gravity=south_east/grayscale/end"
    text = f"overlay:logo.png,gravity=north_west/resize:48x,enlarge/{inner}/end"
    result = shown(rendered(base, text, logo, other))
    assert corners(result[:32, :48])[:2] == ["red", "green"]
    corner = result[28:32, 44:48].reshape(-1, 3)
    assert (corner == corner[0, 0]).all()
    assert corner[0, 0] == pytest.approx(np.dot(BLUE, (0.114, 0.587, 0.299)), abs=2)


def test_a_layer_is_read_the_way_its_own_steps_say(base: str, tmp_path: Path) -> None:
    path = kept(tmp_path, "turned.jpg", pictures.quadrants(48, 32), "JPEG", quality=95, orientation=6)
    lent = Lent(NAME.parse("turned.jpg"), path)
    upright = shown(rendered(base, "overlay:turned.jpg,gravity=north_west/end", lent))
    stored = shown(rendered(base, "overlay:turned.jpg,gravity=north_west/orientation:ignore/end", lent))
    assert corners(upright[:40, :32])[:2] == ["blue", "red"]
    assert corners(stored[:32, :48]) == ["red", "green", "blue", "yellow"]


def test_the_first_frame_of_an_animation_is_laid_or_the_page_that_is_named(base: str, tmp_path: Path) -> None:
    frames = pictures.image(*(full(8, 8, *colour) for colour in (RED, GREEN, BLUE)))
    path = tmp_path / "moving.png"
    path.write_bytes(pictures.animation(frames, "PNG"))
    lent = Lent(NAME.parse("moving.png"), str(path))
    assert corners(shown(rendered(base, "overlay:moving.png,gravity=north_west/end", lent))[:8, :8]) == ["red"] * 4
    third = shown(rendered(base, "overlay:moving.png,gravity=north_west/page:3/end", lent))
    assert corners(third[:8, :8]) == ["blue"] * 4


def test_an_animation_takes_a_layer_on_every_frame(tmp_path: Path, logo: Lent) -> None:
    path = tmp_path / "moving.gif"
    path.write_bytes(pictures.animation(pictures.animated(48, 32, 3), "GIF"))
    result = rendered(str(path), "overlay:logo.png,gravity=north_west/end", logo)
    with Pillow.open(io.BytesIO(result.body)) as opened:
        assert opened.n_frames == 3
        for at in range(3):
            opened.seek(at)
            assert corners(pictures.pixels(opened.convert("RGB"))[:16, :24]) == ["red", "green", "blue", "yellow"]


def test_what_a_variable_names_is_laid(base: str, logo: Lent) -> None:
    text = "let:l='logo.png'/overlay:($l),gravity=north_west/end"
    assert corners(shown(rendered(base, text, logo))[:16, :24]) == ["red", "green", "blue", "yellow"]


def test_a_variable_that_nobody_could_foresee_is_refused(base: str, logo: Lent) -> None:
    text = "let:l='logo.png'/let:m=$l/overlay:($m)/end"
    assert Pipeline.parse(text).pictures == ()
    with pytest.raises(Failure) as caught:
        rendered(base, text)
    assert (caught.value.code, caught.value.kind) == ("layer-depends", Kind.BAD_REQUEST)


def test_a_layer_that_is_not_there_matters_where_it_is_reached(base: str, logo: Lent) -> None:
    missing = Lent(NAME.parse("gone.png"), None, Failure(Kind.NOT_FOUND, "layer-not-found", "there is no such layer"))
    text = "if:w>{}/overlay:gone.png/end/else/overlay:logo.png/end/end"
    assert rendered(base, text.format(100), missing, logo).size.width == 60
    with pytest.raises(Failure) as caught:
        rendered(base, text.format(10), missing, logo)
    assert caught.value.code == "layer-not-found"
    assert caught.value.details["layer"] == "gone.png"


def test_a_file_that_went_away_meanwhile_is_named(base: str, tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        rendered(base, "overlay:gone.png/end", Lent(NAME.parse("gone.png"), str(tmp_path / "gone.png")))
    assert (caught.value.code, caught.value.kind) == ("layer-not-found", Kind.NOT_FOUND)
    assert str(tmp_path) not in str(caught.value.__reduce__())


@pytest.mark.parametrize(
    ("pipeline", "limits"),
    [
        ("overlay:large.png/end", Limits(source_pixels=2400)),
        ("overlay:large.png/resize:200x,enlarge/end", Limits(result_side=150)),
        ("overlay:large.png,size=200x/end", Limits(result_side=150)),
        ("overlay:large.png,overflow=grow,x=100/end", Limits(result_side=150)),
    ],
)
def test_a_layer_beyond_the_limits_is_refused_with_them(
    base: str, tmp_path: Path, pipeline: str, limits: Limits
) -> None:
    lent = Lent(NAME.parse("large.png"), kept(tmp_path, "large.png", full(80, 40, *RED)))
    with pytest.raises(Failure) as caught:
        rendered(base, pipeline, lent, limits=limits)
    assert (caught.value.code, caught.value.kind) == ("layer-too-large", Kind.BAD_REQUEST)
    bounds = {caught.value.details.get(name) for name in ("maximum", "maximum_side")}
    assert bounds & {2400, 150}


def test_a_damaged_layer_is_named(base: str, tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(pictures.file(pictures.noise(64, 64), "PNG")[:900])
    with pytest.raises(Failure) as caught:
        rendered(base, "overlay:logo.png/end", Lent(NAME.parse("logo.png"), str(path)))
    assert caught.value.code == "damaged-image"
    assert caught.value.details["layer"] == "logo.png"


def test_detectors_look_at_the_layer_itself(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Watching()
    monkeypatch.setattr(renderer._process, "detection", watching)
    pixels = full(80, 80, *RED)
    pixels[40:60, 20:40] = 255
    lent = Lent(NAME.parse("portrait.png"), kept(tmp_path, "portrait.png", pixels), content="abc")
    text = "overlay:portrait.png,gravity=north_west/crop:20x20,gravity=face/end"
    result = rendered(base, text, lent)
    assert (shown(result)[2:18, 2:18] > 240).all()
    assert list(watching.keys) == ["abc:0"]
    ((content, found),) = result.found_of
    assert content == "abc"
    assert unpack(found).faces
    again = rendered(base, text, Lent(lent.picture, lent.path, content="abc", known=found))
    assert len(watching.seen) == 1
    assert again.found_of == ()
    assert again.body == result.body


def test_a_copy_on_each_face_takes_its_size(base: str, logo: Lent) -> None:
    boxes = (Box(0.0, 0.0, 0.2, 0.3), Box(0.5, 0.5, 0.4, 0.5))
    found = Found(tuple(Region("face", 0.9, box, (), "faces") for box in boxes), models=MODEL)
    result = rendered(base, "overlay:logo.png,gravity=faces/resize:(rw)x(rh),fit=fill/end", logo, known=pack(found))
    assert corners(shown(result)[0:12, 0:12]) == ["red", "green", "blue", "yellow"]
    assert corners(shown(result)[20:40, 30:54]) == ["red", "green", "blue", "yellow"]


def test_a_layer_without_a_picture_begins_as_nothing(base: str) -> None:
    result = shown(rendered(base, "overlay/pad:20x10,background=ff0000/end"))
    assert (result[16:24, 22:38].reshape(-1, 3) == (0, 0, 255)).all(axis=1).sum() >= 8 * 16 - 1
    assert np.array_equal(shown(rendered(base, "overlay/end")), full(60, 40, 255, 255, 255))


def test_a_text_that_takes_the_place_of_the_picture_keeps_to_the_limits(tmp_path: Path) -> None:
    nothing = kept(tmp_path, "nothing.png", np.zeros((1, 1, 4), np.uint8))
    width = shown(rendered(nothing, "text:Hello,size=40")).shape[1]
    with pytest.raises(Failure) as caught:
        rendered(nothing, "text:Hello,size=40", limits=Limits(result_side=width - 1))
    assert caught.value.code == "result-too-large"
    assert shown(rendered(nothing, "text:Hello,size=40/resize:0.5x")).shape[1] == pytest.approx(width / 2, abs=1)


def test_all_of_it_is_told_by_explain(base: str, logo: Lent) -> None:
    result = rendered(base, "overlay:logo.png/grayscale/end/format:explain,json", logo)
    assert b"overlay:logo.png/grayscale/end" in result.body


@pytest.mark.parametrize("colour", [RED, GREEN, BLUE, YELLOW])
def test_nothing_is_carried_over_to_the_next_picture(base: str, tmp_path: Path, colour: tuple[int, int, int]) -> None:
    lent = Lent(Picture("file", "logo.png"), kept(tmp_path, f"{colour}.png", full(60, 40, *colour)))
    assert (shown(rendered(base, "overlay:logo.png/end", lent)) == colour).all()
