"""Hostile files: each ends in a failure or a picture, within the memory and the time of a render process.

`python -m fuzz.pictures` does the same for as long as one likes.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from pebble import ProcessPool

from tests.mutated import mutant
from tests.shared import SHARED, manifest, needs
from transforms.decode import Decode, decode
from transforms.failure import Failure
from transforms.limits import Limits
from transforms.probe import open_source


def attempt(path: str) -> tuple[str, str]:
    """In the child: what becomes of a file."""
    try:
        shown = decode(open_source(path, Limits()), Decode()).image
    except Failure as failure:
        return "failure", f"{failure.kind} {failure.code}"
    return "picture", str(shown.size)


def confine(budget: int) -> None:
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + budget, used + budget))


@pytest.fixture(scope="module")
def child() -> Iterator[ProcessPool]:
    """A process as a render process is: 1 GiB more than at rest, killed after 10 s a file."""
    pool = ProcessPool(max_workers=1, context=get_context("spawn"), initializer=confine, initargs=(1 << 30,))
    yield pool
    pool.close()
    pool.join(10)


@needs("images", "bad")
@pytest.mark.parametrize("entry", [e for e in manifest() if e["path"].startswith("bad/")], ids=lambda e: e["path"][4:])
def test_hostile_files_end_in_a_failure_or_a_picture(entry: dict[str, Any], child: ProcessPool) -> None:
    kind, what = child.schedule(attempt, args=(str(SHARED / "images" / entry["path"]),), timeout=10).result()
    if entry["expected"].startswith("reject"):
        assert kind == "failure", what
    elif not entry["expected"].startswith("ok-or-reject"):
        assert kind == "picture", what
    if "ignore the EXIF" in entry["expected"]:
        assert what == f"{entry['stored_width']}x{entry['stored_height']}"
    if entry["expected"] == "reject: too many pixels" and entry["format"] != "SVG":
        assert what == "unprocessable too-many-pixels"


@pytest.mark.parametrize("first", range(0, 300, 30))
def test_mutants_end_in_a_failure_or_a_picture(first: int, child: ProcessPool, tmp_path: Path) -> None:
    for seed in range(first, first + 30):
        path = tmp_path / f"mutant-{seed}"
        path.write_bytes(mutant(seed))
        kind, what = child.schedule(attempt, args=(str(path),), timeout=10).result()
        assert kind == "picture" or what.split()[0] in ("unsupported-media", "unprocessable", "too-large"), (seed, what)


def test_a_mutant_is_the_same_every_time() -> None:
    assert [mutant(seed) for seed in range(20)] == [mutant(seed) for seed in range(20)]
