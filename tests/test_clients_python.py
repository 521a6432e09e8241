"""Cloudinary's own Python library against a running server: addresses, signatures and tags, fetched as they are built.

What is in the pictures is looked at in test_clients_python_pictures.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudinary
import pytest

from .clients import site as clients
from .clients.library import configure, moved_to, url
from .clients.site import NAMES, OLDER_SECRET, Site, Tags, candidates

QUADRANTS = "red green blue yellow"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("clients")
    with clients.opened(folder, detection, models_folder) as running, moved_to(running.host):
        yield running


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
    monkeypatch.setenv("CLOUDINARY_URL", f"cloudinary://1234:word@demo/{site.host}")
    cloudinary.reset_config()
    built = url("photo", secure=True, width=100, crop="limit")
    configure(site.host)
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


# Remote pictures


def test_fetched_pictures(site: Site) -> None:
    plain = f"{site.origin.url}/remote/photo.jpg"
    for remote in (plain, f"{plain}?size=big&tint=50%25", f"{site.origin.url}/remote/by%20name"):
        for options in ({}, {"sign_url": True}, {"fetch_format": "png"}):
            answer = site.fetch(url(remote, type="fetch", width=80, **options))
            assert (answer.size, answer.quadrants) == ((80, 60), QUADRANTS)
    assert {"/remote/photo.jpg", "/remote/photo.jpg?size=big&tint=50%25"} <= set(site.origin.paths())
    assert site.fetch(url(plain, type="fetch", format="png")).format == "PNG"
    assert site.refusal(url("https://example.com/a.jpg", type="fetch")) == (403, "source-not-allowed")


# Signatures

ALGORITHMS = [{}, {"signature_algorithm": "sha256"}, {"long_url_signature": True}]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=["sha1", "sha256", "long"])
def test_signatures(site: Site, algorithm: dict[str, Any]) -> None:
    signed: dict[str, Any] = {"sign_url": True, **algorithm}
    chain = [{"width": 400, "height": 300, "crop": "fill"}, {"if": "w > 100", "width": 40}]
    for name in ("photo.jpg", "2024/été/fête, à deux.jpg"):
        for options in ({}, {"transformation": chain}, {"transformation": chain, "version": 12, "format": "png"}):
            built = url(name, **options, **signed)
            assert "/s--" in built
            assert site.fetch(built).size == ((40, 30) if options else (1600, 1200))
            wrong = url(name, **options, **signed, api_secret="of somebody else")
            assert site.refusal(wrong) == (401, "bad-signature")
            assert site.fetch(url(name, **options, **signed, api_secret=OLDER_SECRET)).size
    assert site.fetch(url("photo.jpg", transformation="small one", **signed)).size == (80, 60)
    assert site.refusal(url("photo.jpg", width=10, **signed).replace("w_10", "w_11")) == (401, "bad-signature")


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=["sha1", "sha256", "long"])
def test_closed_delivery_types(site: Site, algorithm: dict[str, Any]) -> None:
    signed: dict[str, Any] = {"sign_url": True, **algorithm}
    for kind in ("authenticated", "private"):
        assert site.fetch(url("hidden.jpg", type=kind, **signed)).size == (400, 300)
        assert site.fetch(url("hidden", type=kind, format="png", width=40, **signed)).size == (40, 30)
        assert site.refusal(url("hidden.jpg", type=kind)) == (401, "signature-required")
        assert site.refusal(url("hidden.jpg", type=kind, **signed, api_secret="x")) == (401, "bad-signature")
    assert site.refusal(url("hidden.jpg", type="authenticated", width=40)) == (401, "signature-required")
    assert site.fetch(url("hidden.jpg", type="private", width=40)).size == (40, 30)  # what is made of it is public
    assert site.refusal(url("hidden.jpg", **signed)) == (404, "source-not-found")  # it is of another type


def test_a_strict_account(tmp_path: Path, detection: str, models_folder: Path) -> None:
    with clients.opened(tmp_path, detection, models_folder, cloudinary_strict=1) as site, moved_to(site.host):
        assert site.refusal(url("photo.jpg", width=40)) == (401, "signature-required")
        assert site.refusal(url("photo.jpg")) == (401, "signature-required")
        assert site.fetch(url("photo.jpg", width=40, sign_url=True)).size == (40, 30)
        assert site.fetch(url("photo.jpg", transformation="corner")).size == (100, 100)
        assert site.refusal(url("photo.jpg", transformation="corner", width=40)) == (401, "signature-required")


# Tags


def test_srcset(site: Site) -> None:
    image = cloudinary.CloudinaryImage("team/jane doe.jpg")
    for options in (
        {"srcset": {"breakpoints": [100, 300, 500]}},
        {"srcset": {"min_width": 100, "max_width": 500, "max_images": 3, "sizes": True}},
        {"srcset": {"breakpoints": [100, 300, 500]}, "width": 800, "height": 400, "crop": "fill", "sign_url": True},
        {"srcset": {"breakpoints": [100, 300, 500], "transformation": {"angle": 90}}, "fetch_format": "auto"},
    ):  # fmt: skip
        [tag] = Tags(image.image(**options)).attributes("img")
        found = candidates(tag["srcset"])
        assert [*found] == ["100w", "300w", "500w"]
        for width, source in found.items():
            assert f"{site.fetch(source).size[0]}w" == width
        assert site.fetch(tag["src"]).size == ((800, 400) if "height" in options else (1600, 1200))


def test_picture(site: Site) -> None:
    html = cloudinary.CloudinaryImage("photo.jpg").picture(
        width=1000, crop="scale", sources=[
            {"min_width": 1600, "transformation": {"width": 1600, "height": 400, "crop": "fill"}},
            {"max_width": 500, "transformation": {"effect": "grayscale", "angle": 90}},
        ], srcset={"breakpoints": [50, 200]},
    )  # fmt: skip
    tags = Tags(html)
    assert [name for name, _ in tags.found] == ["picture", "source", "source", "img"]
    [image], sources = tags.attributes("img"), tags.attributes("source")
    assert [site.fetch(source["srcset"]).size for source in sources] == [(1600, 400), (750, 1000)]
    for width, source in candidates(image["srcset"]).items():
        assert f"{site.fetch(source).size[0]}w" == width


def test_responsive_tags(site: Site) -> None:
    """`responsive_width` leaves a width to the page's script, which puts a number in its place."""
    tag = cloudinary.CloudinaryImage("photo.jpg").image(responsive_width=True, client_hints=True)
    [image] = Tags(tag).attributes("img")
    assert "c_limit,w_auto" in image["src"]
    assert site.fetch(image["src"]).size == (1600, 1200)
    assert site.fetch(image["src"].replace("w_auto", "w_320")).size == (320, 240)


def test_client_hints(site: Site) -> None:
    tag = cloudinary.CloudinaryImage("photo.jpg").image(client_hints=True, width="auto", dpr="auto", crop="scale")
    [image] = Tags(tag).attributes("img")
    assert site.fetch(image["src"]).size == (1600, 1200)
    narrow = site.fetch(image["src"], viewport_width="400")
    assert narrow.size == (400, 300)
    assert site.fetch(image["src"], viewport_width="400", dpr="2.0").size == (800, 600)
    assert site.fetch(image["src"], width="400", dpr="2.0").size == (400, 300)  # pixels of the screen
    assert {"Width", "Viewport-Width", "DPR"} <= {name.strip() for name in narrow.response.headers["Vary"].split(",")}
    assert "Viewport-Width" in narrow.response.headers["Accept-CH"]
    assert site.fetch(url("photo.jpg", width="auto:100:500", crop="limit")).size == (500, 375)
