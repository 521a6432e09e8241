"""Layers and texts as @cloudinary/url-gen writes them: each is fetched, and looked for where it must be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from .clients import site as clients
from .clients.letters import is_written, writing
from .clients.node import Case, built, built_for, named
from .clients.signs import CLOSE, difference, extent
from .clients.site import Delivered, Site

SCRIPT = "url_gen_layers.cjs"
CASES = built(SCRIPT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Site]:
    with clients.opened(tmp_path_factory.mktemp("url-gen"), detection, models_folder) as running:
        yield running


@pytest.fixture(scope="module")
def urls(site: Site) -> dict[str, Case]:
    return built_for(site, SCRIPT)


def both(site: Site, case: Case) -> tuple[Delivered, Delivered]:
    """The picture without the layer and with it."""
    return site.fetch(case["plain"]), site.fetch(case["url"])


def is_inside(inner: tuple[int, int, int, int], outer: list[int]) -> bool:
    (x, y, width, height), (left, top, wide, high) = inner, outer
    return left <= x and top <= y and x + width <= left + wide and y + height <= top + high


def copies(before: Delivered, after: Delivered) -> int:
    """The regions that differ, those of less than 50 pixels left aside."""
    _, _, found, _ = cv2.connectedComponentsWithStats((difference(before, after) > CLOSE).astype(np.uint8))
    return int((found[1:, cv2.CC_STAT_AREA] >= 50).sum())


def in_the_middle(after: Delivered, box: tuple[int, int, int, int]) -> str:
    left, top, width, height = box
    return bytes(after.pixels[top + height // 2, left + width // 2, 2::-1].tolist()).hex()


PICTURES = [case for case in CASES if "plain" in case and "writing" not in case]


@pytest.mark.parametrize("case", PICTURES, ids=named)
def test_a_layer_is_where_it_must_be(site: Site, urls: dict[str, Case], case: Case) -> None:
    before, after = both(site, urls[named(case)])
    if "colours" in case:
        assert {place: after.colour(*map(float, place.split(","))) for place in case["colours"]} == case["colours"]
    if "size" in case:
        assert after.size == tuple(case["size"]) != before.size
        return
    assert bool(difference(before, after).max() <= CLOSE) is case.get("same", False)
    changed = extent(before, after)
    assert list(changed) == case.get("box", list(changed))
    assert is_inside(changed, case.get("inside", [0, 0, *after.size]))
    assert in_the_middle(after, changed) == case.get("ink", in_the_middle(after, changed))
    assert copies(before, after) == case.get("copies", copies(before, after))
    assert case.get("asks", "") in ["", *site.origin.paths()]


@pytest.mark.parametrize("case", [case for case in CASES if "writing" in case], ids=named)
def test_a_text_has_these_letters(site: Site, urls: dict[str, Case], case: Case) -> None:
    before, after = both(site, urls[named(case)])
    assert after.size == before.size
    assert difference(before, after).max() > 100
    assert is_written(before, after, writing(case["writing"]))


@pytest.mark.parametrize("case", [case for case in CASES if "code" in case], ids=named)
def test_what_is_refused(site: Site, urls: dict[str, Case], case: Case) -> None:
    assert site.refusal(urls[named(case)]["url"]) == (case["status"], case["code"])
