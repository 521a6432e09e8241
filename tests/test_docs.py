"""Documentation that comes from the code is what the code says; the README's URLs are those that the server prints."""

from __future__ import annotations

import runpy
import tomllib

import pytest

from server.pages.index import SAMPLES

from .shared import ROOT

PAGES = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PAGES"]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == PAGES[name](), "run: python docs/generate.py"


@pytest.mark.parametrize(("path", "what"), SAMPLES)
def test_the_readme_shows_the_urls_that_the_server_prints(path: str, what: str) -> None:
    assert f"`{path}`" in (ROOT / "README.md").read_text()


def test_links_between_pages_lead_somewhere() -> None:
    import re

    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"


def test_tests_are_not_packaged() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["packages"]["find"]["include"] == [
        "transforms*", "detectors*", "cache*", "server*"
    ]  # fmt: skip
