"""Effects as @cloudinary/url-gen writes them: each is fetched, and looked for in the picture that comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from .clients import site as clients
from .clients.node import Case, built, built_for, named
from .clients.signs import difference, grows, is_changed, is_kept_outside
from .clients.site import Delivered, Site

SCRIPT = "url_gen_effects.cjs"
CASES = built(SCRIPT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Site]:
    with clients.opened(tmp_path_factory.mktemp("url-gen"), detection, models_folder) as running:
        yield running


@pytest.fixture(scope="module")
def urls(site: Site) -> dict[str, Case]:
    return built_for(site, SCRIPT)


def levels(delivered: Delivered) -> set[int]:
    """How opaque pixels are."""
    return set(np.unique(np.asarray(delivered.picture.convert("RGBA"))[:, :, 3]).tolist())


@pytest.mark.parametrize("case", [case for case in CASES if "plain" in case and "same" not in case], ids=named)
def test_an_effect_is_there(site: Site, urls: dict[str, Case], case: Case) -> None:
    before, after = site.fetch(urls[named(case)]["plain"]), site.fetch(urls[named(case)]["url"])
    assert after.size == tuple(case.get("size", after.size))
    if before.size == after.size:
        box = tuple(case.get("box", (0, 0, 1, 1)))
        assert is_changed(before, after, box)
        assert is_kept_outside(before, after, box)
    assert [name for name in case.get("grows", "").split() if not grows(name, before, after)] == []
    assert [name for name in case.get("shrinks", "").split() if not grows(name, after, before)] == []
    places = {place: after.colour(*map(float, place.split(","))) for place in case.get("colours", {})}
    assert places == case.get("colours", {})
    assert levels(after) <= set(case.get("levels", range(256)))


@pytest.mark.parametrize("case", [case for case in CASES if case.get("same")], ids=named)
def test_what_needs_no_mending_stays(site: Site, urls: dict[str, Case], case: Case) -> None:
    before, after = site.fetch(urls[named(case)]["plain"]), site.fetch(urls[named(case)]["url"])
    assert difference(before, after).max() == 0


@pytest.mark.parametrize("case", [case for case in CASES if "code" in case], ids=named)
def test_what_is_refused(site: Site, urls: dict[str, Case], case: Case) -> None:
    assert site.refusal(urls[named(case)]["url"]) == (case["status"], case["code"])


def test_there_are_as_many_as_the_builder_makes() -> None:
    assert len({case["url"] for case in CASES}) >= 120
