"""What processes that share a folder do to each other's lists, counts and files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cache.disk_files import Files
from cache.disk_index import Tags
from cache.entry import pack
from tests.test_cache_disk import ENTRY, NOW, entries, taken


def test_a_list_that_is_shortened_while_an_entry_is_put_keeps_it(tmp_path: Path) -> None:
    tags, name = Tags(tmp_path / "tags"), b"n" * 16
    with tags.listing(name, ["red", "blue"]):
        for number in range(256):
            tags.compact(number, lambda _: False)  # it is not there yet
    assert tags.take(["red"]) == {name}
    assert tags.take(["red"]) == set()
    for number in range(256):
        tags.compact(number, lambda _: True)
    assert tags.take(["blue"]) == {name}


def test_a_list_that_was_left_half_shortened_is_found(tmp_path: Path) -> None:
    tags, name, other = Tags(tmp_path / "tags"), b"n" * 16, b"o" * 16
    with tags.listing(name, ["red"]):
        pass
    (path,) = (tmp_path / "tags").iterdir()
    path.rename(path.with_suffix(".old"))
    with tags.listing(other, ["red"]):
        pass
    assert tags.take(["red"]) == {name, other}


HAMMER = """
import sys, time
from pathlib import Path
from cache.disk_files import Files
from cache.entry import Entry, pack
files, me = Files(Path(sys.argv[1]), 60 * 4096), sys.argv[2]
for number in range(300):
    now = time.time()
    entry = Entry(b"x" * 3000, {}, now, now + 60, now + 600, ("all", f"tag-{number % 9}"))
    files.write(f"{me}-{number % 40}", entry, pack(entry))
    files.read(f"{me}-{(number * 7) % 40}")
    if number % 50 == 0:
        files.forbid(["tag-3"], time.time())
        files.purge(["tag-3"])
        try:
            files.sweep()
        except TimeoutError:
            pass
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    code = [sys.executable, "-c", HAMMER, str(tmp_path)]
    others = [subprocess.Popen([*code, str(number)], stderr=subprocess.PIPE) for number in range(3)]
    assert [other.communicate(timeout=60)[1] for other in others] == [b""] * 3
    files = Files(tmp_path, 60 * 4096)
    count, size = files.sweep()
    assert count == len(entries(tmp_path)) > 10
    assert taken(tmp_path) <= size <= 60 * 4096
    assert files.purge(["all"]) == count
    assert entries(tmp_path) == []


def test_a_writer_that_was_killed_leaves_nothing_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(tmp_path, 2**20, clock=lambda: NOW)
    files.write("a", ENTRY, pack(ENTRY))
    left = entries(tmp_path)[0].with_name(".left.0000")
    left.write_bytes(b"half")
    assert files.sweep()[0] == 1
    assert left.exists()
    monkeypatch.setattr("cache.disk_files.ABANDONED", -1.0)
    assert files.sweep()[0] == 1
    assert not left.exists()
