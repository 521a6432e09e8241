"""The spool folder: private, cleared by its owner, and by the next instance where the owner crashed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.sources import spool
from server.sources.spool import Spool, roomiest, sweep


def test_a_file_stays_only_if_all_went_well(tmp_path: Path) -> None:
    box = Spool(tmp_path)
    with box.file() as (descriptor, path):
        os.write(descriptor, b"kept")
    with pytest.raises(KeyError):
        _fail(box)
    assert path.read_bytes() == b"kept"
    assert list(box.folder.iterdir()) == [path]
    assert box.folder.stat().st_mode & 0o777 == 0o700
    box.close()
    box.close()
    assert list(tmp_path.iterdir()) == []


def _fail(box: Spool) -> None:
    with box.file() as (descriptor, _):
        os.write(descriptor, b"half")
        raise KeyError


def test_the_living_keep_their_folders_and_the_dead_do_not(tmp_path: Path) -> None:
    other = tmp_path / "somebody-else"
    other.mkdir()
    code = "import sys,pathlib,os;from server.sources.spool import Spool;s=Spool(pathlib.Path(sys.argv[1]));"
    code += "pathlib.Path(s.folder,'left').write_bytes(b'x');print(s.folder,flush=True);os._exit(9)"
    living = Spool(tmp_path)
    crashed = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    left = Path(crashed.stdout.strip())
    assert (left / "left").exists()
    sweep(tmp_path)
    assert living.folder.exists()
    assert other.exists()
    assert not left.exists()
    living.close()


def test_memory_is_taken_only_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", tmp_path)
    assert roomiest(1) == tmp_path
    assert roomiest(1 << 60) != tmp_path
    monkeypatch.setattr(spool, "_IN_MEMORY", tmp_path / "missing")
    assert roomiest(1) != tmp_path / "missing"
