"""Cloudinary's own Python library against a running server: what it builds is fetched, and the picture looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from .clients import site as clients
from .clients.site import CLOUD, NAMES, OLDER_SECRET, SECRET, Site, Tags, candidates

cloudinary = pytest.importorskip("cloudinary", reason="Cloudinary's library is not installed: pip install -e '.[test]'")

QUADRANTS = "red green blue yellow"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Site]:
    with clients.opened(tmp_path_factory.mktemp("clients"), detection, models_folder) as running:
        yield running


@pytest.fixture(autouse=True)
def account(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The account's settings; that `cname` names this server is all that has changed."""
    for name in [name for name in os.environ if name.startswith("CLOUDINARY_")]:
        monkeypatch.delenv(name)
    cloudinary.reset_config()
    cloudinary.config(cloud_name=CLOUD, api_key="1234", api_secret=SECRET, cname=site.host)
    yield
    cloudinary.reset_config()


def url(public_id: str, **options: Any) -> str:
    return str(cloudinary.CloudinaryImage(public_id).build_url(**options))


# How users change the host


def test_cname_is_the_host(site: Site) -> None:
    built = url("photo.jpg", width=400)
    assert built == f"http://{site.host}/demo/image/upload/w_400/photo.jpg"
    assert site.fetch(built).size == (400, 300)


@pytest.mark.parametrize(
    ("options", "begin"),
    [
        ({"private_cdn": True}, "http://{host}/image/upload/"),
        ({"secure": True, "secure_distribution": "{host}"}, "https://{host}/demo/image/upload/"),
        ({"secure": True, "secure_distribution": "{host}", "private_cdn": True}, "https://{host}/image/upload/"),
        ({"cloud_name": "another"}, "http://{host}/another/image/upload/"),
        ({"shorten": True}, "http://{host}/demo/iu/"),
        ({"shorten": True, "private_cdn": True}, "http://{host}/iu/"),
        ({"url_suffix": "a-red-square"}, "http://{host}/demo/images/"),
        ({"url_suffix": "a-red-square", "private_cdn": True}, "http://{host}/images/"),
    ],
)
def test_hosts_and_forms(site: Site, options: dict[str, Any], begin: str) -> None:
    options = {name: value.format(host=site.host) if name == "secure_distribution" else value
               for name, value in options.items()}  # fmt: skip
    for more in ({}, {"sign_url": True}, {"version": 1712345678}):
        built = url("photo", width=100, format="png", **options, **more)
        assert built.startswith(begin.format(host=site.host))
        answer = site.fetch(built)
        assert (answer.size, answer.format, answer.quadrants) == ((100, 75), "PNG", QUADRANTS)


def test_an_address_in_the_environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDINARY_URL", f"cloudinary://1234:{SECRET.replace(' ', '')}@demo/{site.host}")
    cloudinary.reset_config()
    built = url("photo", secure=True, width=100, crop="limit")
    assert built == f"https://{site.host}/image/upload/c_limit,w_100/photo"
    assert site.fetch(built).size == (100, 75)


# Names


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [{}, {"width": 80}], ids=["plain", "sized"])
def test_names(site: Site, name: str, width: dict[str, int]) -> None:
    stem = name.rpartition(".")[0]
    for public_id, more, kind in (
        (name, {}, "JPEG"), (stem, {}, "JPEG"), (stem, {"format": "png"}, "PNG"), (name, {"version": 17}, "JPEG"),
        (name, {"sign_url": True}, "JPEG"), (stem, {"sign_url": True, "format": "webp"}, "WEBP"),
    ):  # fmt: skip
        answer = site.fetch(url(public_id, **width, **more))
        assert (answer.size, answer.format) == ((80, 60) if width else (1600, 1200), kind), (public_id, more)


def test_without_a_version(site: Site) -> None:
    built = url("team/jane doe.jpg", force_version=False, width=80)
    assert "/v1/" not in built
    assert site.fetch(built).size == (80, 60)
    # The library's own warning: without a version this folder is a transformation.
    assert site.refusal(url("w_100/shape.jpg", force_version=False)) == (404, "source-not-found")


def test_a_missing_picture(site: Site) -> None:
    assert site.refusal(url("none/such.jpg", width=20)) == (404, "source-not-found")
    answer = site.fetch(url("none/such.jpg", default_image="avatars:none.png", width=20, crop="fit"))
    assert answer.size == (20, 20)


# Geometry: the source is 1600 × 1200


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (1600, 1200)),
        ({"width": 400}, (400, 300)),
        ({"width": 400, "height": 100}, (400, 100)),
        ({"width": 0.5, "crop": "scale"}, (800, 600)),
        ({"width": 0.5, "height": 0.25}, (800, 300)),
        ({"width": "1.5"}, (2400, 1800)),
        ({"size": "400x100"}, (400, 100)),
        ({"width": 400, "flags": "ignore_aspect_ratio", "crop": "scale"}, (400, 1200)),
        ({"width": 400, "aspect_ratio": "2:1", "crop": "scale"}, (400, 200)),
        ({"width": 400, "height": 400, "crop": "fit"}, (400, 300)),
        ({"width": 3200, "height": 9000, "crop": "fit"}, (3200, 2400)),
        ({"width": 400, "height": 400, "crop": "limit"}, (400, 300)),
        ({"width": 9000, "height": 9000, "crop": "limit"}, (1600, 1200)),
        ({"width": 400, "height": 400, "crop": "mfit"}, (1600, 1200)),
        ({"width": 2000, "height": 2000, "crop": "mfit"}, (2000, 1500)),
        ({"width": 400, "height": 400, "crop": "fill"}, (400, 400)),
        ({"width": 300, "aspect_ratio": "1:1", "crop": "fill"}, (300, 300)),
        ({"height": 300, "aspect_ratio": 1.5, "crop": "fill"}, (450, 300)),
        ({"height": 300, "aspect_ratio": Fraction(16, 10), "crop": "fill"}, (480, 300)),
        ({"aspect_ratio": "1:1", "crop": "fill"}, (1200, 1200)),
        ({"aspect_ratio": "16:9", "crop": "crop"}, (1600, 900)),
        ({"width": 400, "height": 400, "crop": "lfill"}, (400, 400)),
        ({"width": 9000, "height": 9000, "crop": "lfill"}, (1600, 1200)),
        ({"width": 400, "height": 400, "crop": "pad"}, (400, 400)),
        ({"width": 400, "height": 400, "crop": "lpad"}, (400, 400)),
        ({"width": 2000, "height": 1800, "crop": "lpad"}, (2000, 1800)),
        ({"width": 400, "height": 1800, "crop": "mpad"}, (1600, 1800)),
        ({"width": 400, "height": 300, "crop": "crop"}, (400, 300)),
        ({"width": 400, "height": 300, "x": 1500, "y": 1000, "crop": "crop"}, (100, 200)),
        ({"width": 200, "height": 100, "crop": "thumb", "gravity": "south"}, (200, 100)),
        ({"width": 200, "height": 100, "crop": "thumb", "gravity": "face"}, (200, 100)),
        ({"width": 300, "height": 300, "crop": "auto", "gravity": "auto"}, (300, 300)),
        ({"width": 300, "height": 200, "crop": "fill", "gravity": "auto:faces"}, (300, 200)),
        ({"width": 300, "height": 200, "crop": "fill", "gravity": "auto:subject"}, (300, 200)),
        ({"width": 300, "height": 200, "crop": "fill", "gravity": "faces:auto"}, (300, 200)),
        ({"width": 300, "height": 200, "crop": "crop", "gravity": "face:center"}, (300, 200)),
        ({"width": 300, "height": 300, "crop": "fill_pad", "gravity": "auto", "background": "auto"}, (300, 300)),
        ({"width": 300, "height": 300, "crop": "auto_pad", "gravity": "auto"}, (300, 300)),
        ({"width": 400, "dpr": 2}, (800, 600)),
        ({"width": 100, "height": 100, "crop": "fill", "dpr": "1.5"}, (150, 150)),
        ({"width": 400, "dpr": "auto"}, (400, 300)),
        ({"angle": 90}, (1200, 1600)),
        ({"angle": 45}, (1980, 1980)),
        ({"angle": -90, "width": 400}, (300, 400)),
        ({"angle": ["auto_right", "hflip"], "width": 300, "height": 400, "crop": "fill"}, (300, 400)),
        ({"width": 400, "border": {"width": 4, "color": "#00ff00"}}, (408, 308)),
        ({"width": 400, "border": "1px_solid_black"}, (402, 302)),
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
        ({"transformation": [{**CUT, "gravity": "west", "height": 300}, {**CUT, "gravity": "south"}]}, "blue blue blue blue"),
        ({"transformation": "square"}, "yellow yellow yellow yellow"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_where(site: Site, options: dict[str, Any], quadrants: str) -> None:
    assert site.fetch(url("photo.jpg", **options)).quadrants == quadrants
