"""Transformations as Cloudinary's Python library writes them: each is fetched, and the picture looked at."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from .clients import site as clients
from .clients.library import moved_to, url
from .clients.site import Site

QUADRANTS = "red green blue yellow"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("clients")
    with clients.opened(folder, detection, models_folder) as running, moved_to(running.host):
        yield running


# Geometry: the source is 1600 × 1200


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (1600, 1200)),
        ({"width": 400}, (400, 300)),
        ({"width": 0.5, "crop": "scale"}, (800, 600)),
        ({"width": 0.5, "height": 0.25}, (800, 300)),
        ({"width": "1.5"}, (2400, 1800)),
        ({"size": "400x100"}, (400, 100)),
        ({"width": 400, "flags": "ignore_aspect_ratio", "crop": "scale"}, (400, 1200)),
        ({"width": 400, "aspect_ratio": "2:1", "crop": "scale"}, (400, 200)),
        ({"width": 400, "height": 400, "crop": "fit"}, (400, 300)),
        ({"width": 3200, "height": 8000, "crop": "fit"}, (3200, 2400)),
        ({"width": 400, "height": 400, "crop": "limit"}, (400, 300)),
        ({"width": 8000, "height": 8000, "crop": "limit"}, (1600, 1200)),
        ({"width": 400, "height": 400, "crop": "mfit"}, (1600, 1200)),
        ({"width": 2000, "height": 2000, "crop": "mfit"}, (2000, 1500)),
        ({"width": 400, "height": 400, "crop": "fill"}, (400, 400)),
        ({"width": 300, "aspect_ratio": "1:1", "crop": "fill"}, (300, 300)),
        ({"height": 300, "aspect_ratio": Fraction(16, 10), "crop": "fill"}, (480, 300)),
        ({"aspect_ratio": "1:1", "crop": "fill"}, (1200, 1200)),
        ({"aspect_ratio": "16:9", "crop": "crop"}, (1600, 900)),
        ({"width": 8000, "height": 8000, "crop": "lfill"}, (1600, 1200)),
        ({"width": 400, "height": 400, "crop": "pad"}, (400, 400)),
        ({"width": 2000, "height": 1800, "crop": "lpad"}, (2000, 1800)),
        ({"width": 400, "height": 1800, "crop": "mpad"}, (1600, 1800)),
        ({"width": 400, "height": 300, "crop": "crop"}, (400, 300)),
        ({"width": 400, "height": 300, "x": 1500, "y": 1000, "crop": "crop"}, (100, 200)),
        ({"width": 200, "height": 100, "crop": "thumb", "gravity": "south"}, (200, 100)),
        ({"width": 200, "height": 100, "crop": "thumb", "gravity": "face"}, (200, 100)),
        ({"width": 300, "height": 300, "crop": "auto", "gravity": "auto"}, (300, 300)),
        ({"width": 300, "height": 200, "crop": "fill", "gravity": "auto:faces"}, (300, 200)),
        ({"width": 300, "height": 200, "crop": "fill", "gravity": "faces:auto"}, (300, 200)),
        ({"width": 300, "height": 200, "crop": "crop", "gravity": "face:center"}, (300, 200)),
        ({"width": 300, "height": 300, "crop": "fill_pad", "gravity": "auto", "background": "auto"}, (300, 300)),
        ({"width": 300, "height": 300, "crop": "auto_pad", "gravity": "auto"}, (300, 300)),
        ({"width": 400, "dpr": 2}, (800, 600)),
        ({"width": 100, "height": 100, "crop": "fill", "dpr": "1.5"}, (150, 150)),
        ({"width": 400, "dpr": "auto"}, (400, 300)),
        ({"angle": 90}, (1200, 1600)),
        ({"angle": 45}, (1980, 1980)),
        ({"angle": ["auto_right", "hflip"], "width": 300, "height": 400, "crop": "fill"}, (300, 400)),
        ({"width": 400, "border": {"width": 4, "color": "#00ff00"}}, (408, 308)),
        ({"transformation": [{"width": 800}, {"height": 100, "width": 50, "crop": "crop"}, {"angle": 90}]}, (100, 50)),
        ({"transformation": [{"width": 800}, {"width": 0.5}], "height": 100, "crop": "fit"}, (133, 100)),
        ({"transformation": {"width": 400}, "dpr": 2}, (800, 600)),
        ({"raw_transformation": "c_scale,w_200", "angle": 90}, (150, 200)),
        ({"transformation": [{"raw_transformation": "w_300/a_90"}, {"width": 100}]}, (100, 133)),
    ],
    ids=str,
)
def test_sizes(site: Site, options: dict[str, Any], size: tuple[int, int]) -> None:
    assert site.fetch(url("photo.jpg", **options)).size == size


FILL = {"width": 200, "height": 150, "crop": "fill"}
CUT = {"width": 200, "height": 150, "crop": "crop"}


@pytest.mark.parametrize(
    ("options", "quadrants"),
    [
        ({"width": 200}, QUADRANTS),
        ({"angle": 90, "width": 200}, "blue red yellow green"),
        ({"angle": "hflip", "width": 200}, "green red yellow blue"),
        ({"angle": ["vflip", 90], "width": 200}, "red blue green yellow"),
        ({**CUT}, QUADRANTS),
        ({**CUT, "x": 10, "y": 10}, "red red red red"),
        ({**CUT, "x": 0.5, "y": 0.5, "width": 0.25, "height": 0.25}, "yellow yellow yellow yellow"),
        ({**CUT, "gravity": "north_east"}, "green green green green"),
        ({**CUT, "gravity": "south_west", "x": 700, "y": 600}, "red green red green"),
        ({**CUT, "gravity": "south"}, "blue yellow blue yellow"),
        ({**CUT, "gravity": "xy_center", "x": 800, "y": 900}, "blue yellow blue yellow"),
        ({**FILL, "height": 300, "gravity": "east"}, "green green yellow yellow"),
        ({**FILL, "width": 800, "gravity": "north"}, "red green red green"),
        ({"transformation": [{**CUT, "gravity": "west", "height": 300}, {**CUT, "gravity": "south"}]},
         "blue blue blue blue"),
        ({"transformation": "corner"}, "yellow yellow yellow yellow"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_where(site: Site, options: dict[str, Any], quadrants: str) -> None:
    assert site.fetch(url("photo.jpg", **options)).quadrants == quadrants


def test_a_face_is_held_on_to(site: Site) -> None:
    whole = site.fetch(url("people.jpg", width=1280))
    for options in (
        {"gravity": "face", "crop": "thumb", "zoom": 0.8}, {"gravity": "faces", "crop": "thumb"},
        {"gravity": "face:auto", "crop": "thumb"}, {"gravity": "face", "crop": "fill"},
    ):  # fmt: skip
        face = site.fetch(url("people.jpg", width=120, height=120, **options))
        assert face.size == (120, 120)
        assert "X-Degraded" not in face.response.headers
    found = site.fetch(url("people.jpg", gravity="face", crop="crop"))
    assert found.size[0] < whole.size[0] / 2


# Looks


PAD = {"width": 300, "height": 100, "crop": "pad"}


@pytest.mark.parametrize(
    ("public_id", "options", "colours"),
    [  # in the corner, a little inside of it, just below and right of the middle
        ("logo.png", {}, "clear clear red"),
        ("logo.png", {"format": "jpg"}, "white white red"),
        ("logo.png", {"background": "blue"}, "blue blue red"),
        ("logo.png", {"background": "#0008", "format": "jpg"}, "gray gray red"),
        ("photo.jpg", PAD, "white red yellow"),
        ("photo.jpg", {**PAD, "background": "#0000ff"}, "blue red yellow"),
        ("photo.jpg", {**PAD, "background": "rgb:f00"}, "red red yellow"),
        ("photo.jpg", {**PAD, "gravity": "west"}, "red green white"),
        ("photo.jpg", {**PAD, "background": "transparent", "format": "png"}, "clear red yellow"),
        ("photo.jpg", {**PAD, "background": "auto:predominant:palette_black"}, "black red yellow"),
        ("logo.png", {"width": 300, "height": 300, "crop": "lpad", "background": "yellow"}, "yellow yellow red"),
        ("photo.jpg", {"width": 300, "radius": "max", "format": "png"}, "clear red yellow"),
        ("photo.jpg", {"width": 300, "radius": ["0", "20"], "format": "png"}, "red red yellow"),
        ("photo.jpg", {"width": 300, "radius": "max"}, "white red yellow"),
        ("photo.jpg", {"width": 300, "border": "9px_solid_black"}, "black red yellow"),
        ("photo.jpg", {"width": 300, "border": "9px_solid_black", "radius": 20, "format": "png"}, "clear red yellow"),
        ("photo.jpg", {"width": 300, "angle": 20, "background": "black"}, "black red yellow"),
        ("photo.jpg", {"width": 300, "angle": 20, "format": "png"}, "clear red yellow"),
    ],
    ids=str,
)
def test_looks(site: Site, public_id: str, options: dict[str, Any], colours: str) -> None:
    answer = site.fetch(url(public_id, **options))
    places = ((0.0, 0.0), (0.32, 0.1), (0.52, 0.52))
    assert " ".join(answer.colour(*place) for place in places) == colours


@pytest.mark.parametrize(
    "background",
    [
        "auto", "auto:border", "auto:predominant", "auto:border_contrast", "auto:predominant_contrast",
        "auto:predominant_gradient", "auto:border_gradient:4:vertical",
        "auto:predominant_gradient_contrast:2:diagonal_desc", "auto:border_gradient:palette_rgb:f00_green_rgb:00f",
        "blurred", "blurred:400:15",
    ],
)  # fmt: skip
def test_backgrounds_made_of_the_picture(site: Site, background: str) -> None:
    answer = site.fetch(url("photo.jpg", width=300, height=100, crop="pad", background=background))
    assert answer.size == (300, 100)
    assert {answer.colour(0.02, 0.1), answer.colour(0.98, 0.9)} & {"white", "clear"} == set()
    assert answer.colour(0.45, 0.2) == "red"


# How it is sent

MODERN = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"


@pytest.mark.parametrize(
    ("public_id", "options", "accept", "expected"),
    [
        ("photo", {"format": "webp"}, "*/*", "WEBP"),
        ("photo", {"fetch_format": "png"}, "*/*", "PNG"),
        ("detail", {"fetch_format": "auto", "width": 400}, MODERN, "AVIF"),
        ("photo.jpg", {"fetch_format": "auto", "quality": "auto"}, "image/webp,*/*;q=0.8", "WEBP"),
        ("detail.jpg", {"fetch_format": "auto", "width": 400}, "*/*", "JPEG"),
        ("photo.jpg", {"fetch_format": "auto"}, "*/*", "PNG"),  # four colours
        ("logo.png", {"fetch_format": "auto"}, "*/*", "PNG"),
        ("loop.gif", {"fetch_format": "auto", "flags": "animated"}, "image/webp,*/*;q=0.8", "WEBP"),
        ("loop.gif", {"page": 2, "format": "png"}, "*/*", "PNG"),
        ("photo", {"format": "png", "flags": "png8"}, "*/*", "PNG"),
    ],
)
def test_formats(site: Site, public_id: str, options: dict[str, Any], accept: str, expected: str) -> None:
    answer = site.fetch(url(public_id, **{"width": 32, **options}), accept=accept)
    assert answer.format == expected
    chosen = "auto" in options.values()
    assert ("Accept" in answer.response.headers.get("Vary", "")) is chosen
    if public_id == "loop.gif":
        assert getattr(answer.picture, "n_frames", 1) == (1 if "page" in options else 3)
    if options.get("flags") == "png8":
        assert answer.picture.mode == "P"


def test_qualities(site: Site) -> None:
    def size(quality: object) -> int:
        return len(site.fetch(url("detail.jpg", width=400, quality=quality)).response.content)

    assert size(95) > size("auto:best") > size("auto:eco") > size(10)
    assert size("80:444") > size("80:420")
    assert size("auto") == size("auto:good")


def test_flags(site: Site) -> None:
    def disposition(flag: str) -> str:
        return site.fetch(url("photo.jpg", width=50, flags=flag)).response.headers.get("Content-Disposition", "")

    assert disposition("attachment").startswith("attachment")
    assert 'filename="my_photo.jpg"' in disposition("attachment:my_photo")
    assert not disposition("progressive")
    built = url("photo.jpg", transformation=[{"width": 100, "height": 100, "crop": "fill"}, {"flags": "getinfo"}])
    said = site.get(built).json()
    assert (said["input"]["width"], said["input"]["height"]) == (1600, 1200)
    assert (said["output"]["width"], said["output"]["height"]) == (100, 100)
    progressive = site.fetch(url("photo.jpg", width=50, flags=["progressive", "immutable_cache"]))
    assert progressive.picture.info.get("progressive")
    assert "immutable" in progressive.response.headers["Cache-Control"]


# Variables, conditions, presets


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"variables": [["$wide", 300]], "width": "$wide"}, (300, 225)),
        ({"variables": [["$z", 5], ["$foo", "$z * 20"]], "width": "$foo"}, (100, 75)),
        ({"$foo": 120, "height": "$foo", "width": "$foo / 2", "crop": "fill"}, (60, 120)),
        ({"transformation": [{"$foo": 10}, {"width": "$foo * 10 + 20"}]}, (120, 90)),
        ({"transformation": [{"$foo": 10}, {"$foo": "$foo * 7"}, {"width": "$foo"}]}, (70, 53)),
        ({"width": "initial_width / 4"}, (400, 300)),
        ({"width": "iw - 600", "height": "initial_height / 2 ^ 2", "crop": "fill"}, (1000, 300)),
        ({"transformation": [{"width": 400}, {"width": "width * 0.5", "height": "h", "crop": "crop"}]}, (200, 300)),
        ({"$ratio": "initial_aspect_ratio", "width": 300, "aspect_ratio": "$ratio", "crop": "fill"}, (300, 225)),
        ({"transformation": [{"$names": "!a:b!"}, {"if": "!a! in $names", "width": 99}]}, (99, 74)),
        ({"$line": 3, "width": 100, "border": "$(line)px_solid_red"}, (106, 81)),
        ({"$big": 80, "width": 160, "height": 160, "crop": "fill", "radius": ["$big", 10]}, (160, 160)),
        ({"if": "w > 1000", "width": 500}, (500, 375)),
        ({"if": "w > 2000", "width": 500}, (1600, 1200)),
        ({"if": "width = 1600 && height <= 1200", "width": 500}, (500, 375)),
        ({"if": "w < 200 || aspect_ratio >= 4:3", "width": 500}, (500, 375)),
        ({"if": "w_gt_1000_and_h_lt_1000", "width": 500}, (1600, 1200)),
        ({"if": "face_count >= 1", "width": 500}, (1600, 1200)),
        ({"transformation": [{"$foo": 15}, {"if": "$foo > 10", "width": 500}]}, (500, 375)),
        ({"transformation": [{"$foo": 15}, {"if": "w < 10", "$foo": 20}, {"width": "$foo * 10"}]}, (150, 113)),
        ({"transformation": [
            {"if": "w > 2000"}, {"width": 200}, {"if": "else"}, {"width": 300}, {"height": 50, "crop": "crop"},
            {"if": "end"}, {"angle": 90}]}, (50, 300)),
        ({"transformation": [{"if": "w > 1000", "width": 200}, {"if": "else", "width": 300}]}, (200, 150)),
        ({"transformation": [{"if": "w > 9000", "width": 200}, {"if": "else", "width": 300}, {"angle": 90}]},
         (225, 300)),
        ({"transformation": [
            {"if": "w > 100"}, {"if": "ar < 1"}, {"width": 20}, {"if": "else"}, {"width": 30, "height": 30},
            {"if": "end"}, {"if": "end"}]}, (30, 30)),
        ({"transformation": "small one"}, (80, 60)),
        ({"transformation": ["small one", "branded-2"]}, (120, 120)),
        ({"transformation": [{"transformation": "small one"}, {"angle": 90}]}, (60, 80)),
        ({"transformation": "band"}, (300, 50)),
        ({"transformation": "native", "format": "png"}, (64, 48)),
    ],
    ids=str,
)  # fmt: skip
def test_variables_conditions_and_presets(site: Site, options: dict[str, Any], size: tuple[int, int]) -> None:
    assert site.fetch(url("photo.jpg", **options)).size == size


def test_a_condition_on_faces(site: Site) -> None:
    built = url("people.jpg", transformation=[{"if": "face_count > 0", "width": 100}, {"if": "else", "width": 50}])
    assert site.fetch(built).size == (100, 56)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"transformation": "small won"}, "unknown-preset"),
        ({"transformation": [{"if": "w > 100"}, {"width": 20}]}, "unclosed-condition"),
        ({"width": "$nothing"}, "undefined-variable"),
        ({"width": 100, "crop": "filled"}, "bad-argument"),
        ({"width": 100, "height": 20, "crop": "fit", "gravity": "auto"}, "gravity-not-allowed"),
        ({"flags": "progresive"}, "unknown-flag"),
        ({"raw_transformation": "w_100,wide"}, "unknown-key"),
    ],
    ids=str,
)
def test_mistakes(site: Site, options: dict[str, Any], code: str) -> None:
    assert site.refusal(url("photo.jpg", **options)) == (400, code)
