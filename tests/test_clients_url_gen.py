"""@cloudinary/url-gen against a running server: node builds the URLs, and the pictures that come back are looked at.

The cases are in clients/url_gen.cjs, each a picture as a page would build it and what must come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .clients import site as clients
from .clients.node import HOST, ORIGIN, Case, built, named
from .clients.site import Site

CASES = built("url_gen.cjs")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Site]:
    with clients.opened(tmp_path_factory.mktemp("url-gen"), detection, models_folder) as running:
        yield running


def address(site: Site, case: Case) -> str:
    return str(case["url"]).replace(HOST, site.host).replace(ORIGIN, site.origin.url)


@pytest.mark.parametrize("case", [case for case in CASES if case["size"]], ids=named)
def test_the_picture_that_comes_back(site: Site, case: Case) -> None:
    assert case["url"].startswith(case.get("begin", "http"))
    headers = {"accept": case.get("accept", "*/*"), **case.get("hints", {})}
    answer = site.fetch(address(site, case), **headers)
    assert list(answer.size) == case["size"]
    assert answer.format == case.get("format", answer.format)
    assert answer.quadrants == case.get("quadrants", answer.quadrants)
    places = ((0.0, 0.0), (0.32, 0.1), (0.52, 0.52))
    wanted = case.get("colours", "").split()
    assert [answer.colour(*place) for place in places[: len(wanted)]] == wanted
    assert case.get("disposition", "") in answer.response.headers.get("Content-Disposition", "")
    assert getattr(answer.picture, "n_frames", 1) == case.get("frames", getattr(answer.picture, "n_frames", 1))
    if case.get("filled"):  # the room beside the picture has a colour of the picture's
        assert {answer.colour(0.02, 0.1), answer.colour(0.98, 0.9)} & {"white", "clear"} == set()
    if case.get("gray"):
        assert int((answer.pixels.max(2) - answer.pixels.min(2)).max()) <= 2
    if case.get("progressive"):
        assert answer.picture.info.get("progressive")
    if "asks" in case:
        assert case["asks"] in site.origin.paths()
        assert "_a=" not in " ".join(site.origin.paths())


@pytest.mark.parametrize("case", [case for case in CASES if not case["size"]], ids=named)
def test_what_is_refused(site: Site, case: Case) -> None:
    assert site.refusal(address(site, case)) == (401, case["code"])


def test_tracking_is_no_part_of_the_key(site: Site) -> None:
    """What the library adds about itself changes with its version; the picture is the same one."""
    cases = {case["name"]: case for case in CASES}
    tracked, plain = (address(site, cases[name]) for name in ("cname", "no analytics"))
    assert "?_a=" in tracked
    assert "?" not in plain
    first = site.fetch(tracked).response
    for url in (plain, tracked.replace("?_a=", "?_a=B"), plain + "?_i=AA"):
        answer = site.fetch(url).response
        assert answer.headers["Cache-Status"] == "Darkroom;hit"
        assert answer.headers["ETag"] == first.headers["ETag"]
