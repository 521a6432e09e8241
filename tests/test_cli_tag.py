"""`darkroom tag`: many pictures, files of rows that can be gone on with, keywords, and the search index."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import errno
import fcntl
import importlib.util
import io
import json
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from server.bulk.claims import claimed
from server.bulk.exiv2 import Exiv2
from server.bulk.items import Item, hosts, items, listed, told
from server.bulk.keywords import write
from server.bulk.resumed import done_in
from server.bulk.rows import COLUMNS, LONGEST, journal_of, part_of
from server.bulk.writers import Columns, Table, opened
from transforms.failure import Failure

from . import crashes, pictures
from .origins import Origin
from .servers import Server
from .test_cli import darkroom

needs_parquet = pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
needs_exiv2 = pytest.mark.skipif(importlib.util.find_spec("pyexiv2") is None, reason="pyexiv2 is not installed")

REPORT = {
    "tags": [{"tag": "dog", "confidence": 0.91, "by": "objects"}, {"tag": "brown", "confidence": 0.4, "by": "colors"}],
    "objects": [{"label": "dog", "confidence": 0.91, "box": {"x": 0, "y": 0, "width": 1, "height": 1}}],
    "faces": [], "colors": [{"hex": "#aa5500", "name": "brown", "share": 0.4}],
    "image": {"width": 40, "height": 30, "format": "jpeg"},
}  # fmt: skip


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"file": name, "modified_ns": 5, "size": 7, **(more or REPORT)}


@pytest.fixture
def folder(tmp_path: Path, media: Path) -> Path:
    inside = tmp_path / "pictures"
    (inside / "more" / ".hidden").mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(inside / f"{number}.jpg"), pictures.photo(80, 60, seed=number))
    shutil.copy(media / "zidane.jpg", inside / "more" / "zidane.JPG")
    (inside / "more" / "notes.txt").write_text("no picture")
    (inside / "more" / ".hidden" / "x.jpg").write_bytes(b"")
    (inside / ".y.jpg").write_bytes(b"")
    return inside


def test_folders_globs_and_files_are_listed_in_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    names = ["0.jpg", "1.jpg", "2.jpg", "more/zidane.JPG"]
    assert [os.path.normpath(item.name) for item in items(["."])] == names
    assert [item.name for item in items(["*.jpg"])] == names[:3]
    assert [item.name for item in items(["**/*.JPG"])] == [names[3]]
    assert [item.name for item in items(["more/notes.txt", "nothing", "https://x.example/a"])] == [
        "more/notes.txt", "nothing", "https://x.example/a",
    ]  # fmt: skip
    (folder / "[0].jpg").write_bytes(b"")
    assert [item.name for item in items(["[0].jpg"])] == ["[0].jpg"]
    assert listed(["a", "-", "b"], ["c\n", "\n", "d e\n"]) == ["a", "c", "d e", "b"]
    assert hosts(["a", "HTTPS://X.example:8/a", "https://x.example:8/b"]) == ["https://x.example:8"]
    assert Item("nothing").state() is None


@pytest.mark.parametrize("given", [".", "a", "*", "a/*", "**", "a/**", "a/**/*.jpg", "*/*/*.jpg", "*/locked/y.jpg"])
def test_a_folder_that_cannot_be_read_is_an_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.chdir(tmp_path)
    locked = tmp_path / "a" / "locked"
    locked.mkdir(parents=True)
    (tmp_path / "a" / "x.jpg").touch()
    scan = os.scandir

    def scandir(path: Any) -> Any:
        if os.path.exists(path) and os.path.samefile(path, locked):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list(items([given]))
    [item] = [item for item in found if item.unread]
    assert (os.path.normpath(item.name), item.state()) == ("a/locked", None)
    assert code_of(item.ref) == "folder-not-readable"
    names = [os.path.normpath(item.name) for item in found if not item.unread]
    assert names == ([] if given.startswith("*/") else ["a/x.jpg"])


@pytest.mark.parametrize("name", ["=cmd|calc.jpg", "+1.jpg", "-1.jpg", "@x.jpg"])
def test_no_name_is_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(b"")
    for given in ("*.jpg", name):
        [item] = items([given])
        assert (item.name, item.path) == (f"./{name}", tmp_path / name)


FORMS = ["jsonl", "csv", pytest.param("parquet", marks=needs_parquet)]
TORN = ["", "{", '{"file": "c.jpg", "si', "\0\0\0", "\n"]
TORN_TABLE = ["", "x", '"c ""quoted\nna', "c.jpg,5,7,4", "\n"]


@pytest.mark.parametrize(
    ("form", "torn"),
    [("jsonl", torn) for torn in TORN]
    + [("csv", torn) for torn in TORN_TABLE]
    + [pytest.param("parquet", torn, marks=needs_parquet) for torn in TORN],
)
def test_a_torn_last_row_is_made_anew(tmp_path: Path, form: Any, torn: str) -> None:
    path = tmp_path / f"out.{form}"
    writer = opened(path, form)
    for name in ("a.jpg", 'odd "name",\nof two lines; größe.jpg'):
        writer.write(row(name))
    writer.write(row("bad.jpg", error={"code": "not-an-image", "message": "no"}))
    writer.close()
    journal = part_of(path) if form == "parquet" else path
    whole = journal.read_bytes()
    journal.write_bytes(whole + torn.encode())
    done = done_in(path, form)
    assert done == {"a.jpg": (5, 7), 'odd "name",\nof two lines; größe.jpg': (5, 7)}  # what failed is tried again
    assert journal.read_bytes().strip() == whole.strip()
    again = opened(path, form)
    again.write(row("c.jpg"))
    again.close()
    assert "c.jpg" in done_in(path, form)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_but_a_torn_last_row_is_taken_from_an_output(tmp_path: Path, form: Any) -> None:
    path = tmp_path / f"out.{form}"
    writer = opened(path, form)
    for number in range(140):
        writer.write(row(f"{number}.jpg"))
    writer.close()
    journal = journal_of(path, form)
    lines = journal.read_bytes().splitlines(keepends=True)
    size = len(lines[6])
    for damage in (
        lines[6][:-9],
        b'"' + lines[6],
        lines[6][:9] + b"\n",
        b"\0" * size,
        b'["file"]\n',
        b"[" * 99_999 + b"\n",
    ):
        damaged = b"".join([*lines[:6], damage, *lines[7:]])
        journal.write_bytes(damaged)
        assert code_of(done_in, path, form) == "output-not-ours"
        assert journal.read_bytes() == damaged
    journal.write_bytes(b"".join(lines)[:-9])
    assert len(done_in(path, form)) == 139
    assert journal.read_bytes() == b"".join(lines[:-1])


def code_of(work: Callable[..., object], *given: Any) -> str:
    with pytest.raises(Failure) as caught:
        work(*given)
    return caught.value.code


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "foreign",
    [
        b"a note\n" * 500, b"a note", b"file,size\nx,1\n", b"file", b'{"file": 3}\n', b'["file"]\n', b"\xff\xfe\0",
        b'{"file": "x", "modified_ns": "abc", "size": 1}\n', b'"' * 4_001, b"[" * 99_999,
        b"x" * (LONGEST + 1), b"\0" * (LONGEST + 1),
    ],
)  # fmt: skip
def test_a_file_that_is_not_of_rows_is_refused_and_left_alone(tmp_path: Path, form: Any, foreign: bytes) -> None:
    path = tmp_path / f"out.{form}"
    journal = journal_of(path, form)
    journal.write_bytes(foreign)
    if form == "csv" and foreign == b"file":  # as much as there may be of a header
        assert done_in(path, form) == {}
        return
    assert code_of(done_in, path, form) == "output-not-ours"
    assert journal.read_bytes() == foreign


def test_a_row_that_lacks_its_line_end_alone_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text(json.dumps(row("a.jpg")) + "\n" + json.dumps(row("b.jpg")))
    assert sorted(done_in(path, "jsonl")) == ["a.jpg", "b.jpg"]
    assert path.read_text().count("\n") == 2


def test_a_table_that_lost_a_quote_is_no_torn_row(tmp_path: Path) -> None:
    """Without objects there is not another quote up to the end of the file."""
    path = tmp_path / "out.csv"
    table = Table(path)
    for number in range(20):
        table.write(row(f"{number}.jpg", error={"code": "not-an-image", "message": "no"}))
    table.close()
    text = path.read_text().replace("\n6.jpg", '\n"6.jpg')
    path.write_text(text)
    assert code_of(done_in, path, "csv") == "output-not-ours"
    assert path.read_text() == text


@needs_parquet
@pytest.mark.parametrize("content", [b"", b"PAR1xxxx", b"PAR1" * 100, "foreign", "cut"])
def test_a_parquet_file_that_is_not_of_rows_is_refused(tmp_path: Path, content: bytes | str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "out.parquet"
    if content == "foreign":
        pq.write_table(pa.table({"file": ["a"], "mine": [1]}), path)
    elif content == "cut":
        columns = Columns(path)
        columns.write(row("a.jpg"))
        columns.finish()
        path.write_bytes(path.read_bytes()[:-100])
    else:
        path.write_bytes(bytes(content))  # type: ignore[arg-type]
    before = path.read_bytes()
    assert code_of(done_in, path, "parquet") == "output-not-ours"
    assert path.read_bytes() == before


def test_a_table_has_a_header_once_and_flat_fields(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    for name in ("a.jpg", "b.jpg"):
        table = Table(path)
        table.write(row(name, **REPORT, keywords="written"))
        table.close()
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [one["file"] for one in rows] == ["a.jpg", "b.jpg"]
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["tags"], rows[0]["faces"], rows[0]["width"]) == ("dog=0.91;brown=0.4", "0", "40")
    assert json.loads(rows[0]["objects"])[0]["label"] == "dog"
    assert rows[0]["keywords"] == "written"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [b"caf\xe9.jpg", b"a\rb.jpg", b"a\nb\r\n.jpg", b'"', "größe.jpg".encode(), b"\\udce9"])
def test_names_that_are_no_text_are_rows_all_the_same(tmp_path: Path, form: Any, name: bytes) -> None:
    path = tmp_path / f"out.{form}"
    writer = opened(path, form)
    for one in (os.fsdecode(name), "b.jpg"):
        writer.write(row(one))
    writer.write(row("c.jpg", error={"code": "x", "message": os.fsdecode(name)}))
    writer.close()
    assert set(done_in(path, form)) == {told(os.fsdecode(name)), "b.jpg"}
    if isinstance(writer, Columns):
        writer.finish()
        assert set(done_in(path, form)) == {told(os.fsdecode(name)), "b.jpg"}


@needs_parquet
def test_parquet_is_written_whole_and_added_to(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "out.parquet"
    for names in (["a.jpg", "b.jpg"], ["b.jpg", "c.jpg"]):
        columns = Columns(path)
        for name in names:
            columns.write(row(name))
        columns.close()
        columns.finish()
    table = pq.read_table(path).to_pylist()
    assert sorted(one["file"] for one in table) == ["a.jpg", "b.jpg", "c.jpg"]
    assert table[0]["tags"][0] == {"tag": "dog", "confidence": 0.91, "by": "objects"}
    assert sorted(done_in(path, "parquet")) == ["a.jpg", "b.jpg", "c.jpg"]
    assert not part_of(path).exists()


@needs_parquet
def test_parquet_has_the_last_row_of_each_file(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "out.parquet"
    bad: dict[str, Any] = {"error": {"code": "not-an-image", "message": "no"}}
    for contents in ([("a.jpg", bad), ("b.jpg", REPORT)], [("a.jpg", bad), ("c.jpg", bad), ("c.jpg", REPORT)]):
        columns = Columns(path)
        for name, said in contents:
            columns.write(row(name, **said))
        columns.close()
        shutil.copy(part_of(path), tmp_path / "part")
        columns.finish()
    shutil.copy(tmp_path / "part", part_of(path))  # as where a run is killed between the last two steps
    columns.finish()
    rows = pq.read_table(path).to_pylist()
    assert sorted((one["file"], one["error"] or "") for one in rows) == [
        ("a.jpg", "not-an-image"), ("b.jpg", ""), ("c.jpg", ""),
    ]  # fmt: skip


@needs_parquet
def test_parquet_that_cannot_be_finished_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.parquet"
    columns = Columns(path)
    columns.write(row("a.jpg"))
    columns.close()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        assert code_of(columns.finish) == "output-not-written"
    assert [file.name for file in tmp_path.iterdir()] == ["out.parquet.part"]
    columns.finish()
    assert sorted(done_in(path, "parquet")) == ["a.jpg"]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_full_disk_leaves_whole_rows(tmp_path: Path, form: Any) -> None:
    path = tmp_path / f"out.{form}"
    writer = opened(path, form)
    writer.write(row("a.jpg"))
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        assert code_of(writer.write, row("b.jpg")) == "output-not-written"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    writer.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("form", FORMS)
def test_an_output_is_of_one_run_at_a_time(tmp_path: Path, form: Any) -> None:
    path = tmp_path / f"out.{form}"

    def claim(*, resume: bool) -> None:
        with claimed(path, form, resume=resume):
            pass

    for resume in (False, True):
        with claimed(path, form, resume=resume):
            assert code_of(lambda: claim(resume=False)) == "output-in-use"
            assert code_of(lambda: claim(resume=True)) == "output-in-use"
        assert not list(tmp_path.iterdir())  # without a row it was not begun
    path.write_text("x")
    assert code_of(lambda: claim(resume=False)) == "output-exists"
    claim(resume=True)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_what_is_held_is_what_has_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that held a part may take it away between the other's opening and locking it."""
    path, flock = tmp_path / "out.parquet", fcntl.flock

    def late(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        part_of(path).unlink()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with claimed(path, "parquet", resume=True):
        assert part_of(path).exists()


@pytest.fixture
def run(detection: str, models_folder: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    def started(*arguments: object, **settings: Any) -> subprocess.CompletedProcess[bytes]:
        given = {"detection": detection, "models": models_folder, "renderers": 2, **settings}
        return darkroom("tag", *map(str, arguments), **given)

    return started


Run = Callable[..., subprocess.CompletedProcess[bytes]]


def test_rows_are_written_and_gone_on_with(run: Run, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    first = run(folder, folder / "more" / "notes.txt", "-o", output)
    assert first.returncode == 1
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [Path(one["file"]).name for one in rows] == ["0.jpg", "1.jpg", "2.jpg", "zidane.JPG", "notes.txt"]
    assert rows[-1]["error"]["code"]
    assert rows[0]["size"] == (folder / "0.jpg").stat().st_size
    assert "person" in {tag["tag"] for tag in rows[3]["tags"]}

    assert b"--resume" in run(folder, "-o", output).stderr  # and nothing is overwritten
    output.write_text(output.read_text()[:-30])
    cv2.imwrite(str(folder / "1.jpg"), pictures.photo(50, 50))
    second = run(folder, "-o", output, "--resume")
    assert second.returncode == 0, second.stderr
    assert b"1 pictures, 0 failed, 3 were done before" in second.stderr
    files = [json.loads(line)["file"] for line in output.read_text().splitlines()]
    assert [Path(file).name for file in files] == ["0.jpg", "1.jpg", "2.jpg", "zidane.JPG", "1.jpg"]


@needs_parquet
def test_a_run_writes_parquet_and_goes_on_with_it(run: Run, folder: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    output = tmp_path / "out.parquet"
    assert run(folder / "more", folder / "more" / "notes.txt", "-o", output).returncode == 1
    [seen, failed] = pq.read_table(output).to_pylist()
    assert (seen["width"], seen["height"], seen["format"], failed["error"]) == (1280, 720, "jpeg", "not-an-image")
    assert "person" in {tag["tag"] for tag in seen["tags"]}
    again = run(folder, "-o", output, "--resume")
    assert b"3 pictures, 0 failed, 1 were done before" in again.stderr
    names = [Path(row["file"]).name for row in pq.read_table(output).to_pylist() if not row["error"]]
    assert sorted(names) == ["0.jpg", "1.jpg", "2.jpg", "zidane.JPG"]
    assert not part_of(output).exists()


def test_a_terminal_is_shown_how_far_it_is(folder: Path, detection: str, models_folder: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    environment |= {"DARKROOM_DETECTION": detection, "DARKROOM_MODELS": str(models_folder), "DARKROOM_RENDERERS": "1"}
    environment |= {"TERM": "xterm", "COLUMNS": "100"}
    output = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "server", "tag", str(folder), "-o", str(output)]
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(command, env=environment, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    with os.fdopen(terminal, "rb", buffering=0) as screen, contextlib.suppress(OSError):  # EIO once nobody writes
        while part := screen.read(4096):
            shown += part
    assert process.wait(60) == 0, shown
    assert b"tagging" in shown
    assert b"/4" in shown
    assert b"4 pictures, 0 failed" in shown
    assert len(output.read_text().splitlines()) == 4


@pytest.mark.parametrize("form", FORMS)
def test_a_killed_run_is_gone_on_with(
    run: Run, media: Path, detection: str, models_folder: Path, tmp_path: Path, form: Any
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        cv2.imwrite(str(folder / f"{number:02}.jpg"), pictures.photo(64, 48, seed=number))
    output = tmp_path / f"out.{form}"
    journal = journal_of(output, form)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    environment |= {"DARKROOM_DETECTION": detection, "DARKROOM_MODELS": str(models_folder), "DARKROOM_RENDERERS": "1"}
    command = [sys.executable, "-m", "server", "tag", str(folder), "-o", str(output)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (journal.exists() and journal.read_bytes().count(b"\n") > 2):
        time.sleep(0.01)
    if form == "jsonl":
        second = run(folder, "-o", output, "--resume")
        assert (second.returncode, second.stdout) == (2, b"")
        assert b"output-in-use" in second.stderr
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = run(folder, "-o", output, "--resume")
    assert done.returncode == 0, done.stderr
    assert b", 0 were done" not in done.stderr
    files = files_in(output, form)
    assert len(files) == len(set(files)) == 60
    assert [file.name for file in tmp_path.glob("out*")] == [output.name]


def files_in(output: Path, form: str) -> list[str]:
    if form == "parquet":
        import pyarrow.parquet as pq

        return [str(one["file"]) for one in pq.read_table(output).to_pylist()]
    with open(output, newline="") as text:
        rows: Iterable[Any] = csv.DictReader(text) if form == "csv" else map(json.loads, text)
        return [one["file"] for one in rows]


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_not_named_in_text_costs_its_row_alone(run: Run, media: Path, tmp_path: Path, form: Any) -> None:
    folder, output = tmp_path / "pictures", tmp_path / f"out.{form}"
    folder.mkdir()
    for name in (b"a.jpg", b"caf\xe9.jpg"):
        shutil.copy(media / "zidane.jpg", folder / os.fsdecode(name))
    first = run(folder, "-o", output)
    assert first.stderr == b"2 pictures, 1 failed, 0 were done before\n"
    assert len(files_in(output, form)) == 2
    again = run(folder, "-o", output, "--resume")
    assert again.stderr == b"1 pictures, 1 failed, 1 were done before\n"
    assert len(files_in(output, form)) == (2 if form == "parquet" else 3)


def test_names_that_are_not_text_are_read_from_standard_input(
    tmp_path: Path, detection: str, models_folder: Path
) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    environment |= {"DARKROOM_DETECTION": detection, "DARKROOM_MODELS": str(models_folder), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "server", "tag", "-"]
    done = subprocess.run(command, env=environment, input=path + b"\n", capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (1, b"")
    said = json.loads(done.stdout)
    assert os.fsencode(said["file"]) == path
    assert said["error"]["code"] == "name-not-utf-8"


@pytest.mark.parametrize("form", ["json", *FORMS])
def test_a_full_disk_is_told_in_a_line(
    media: Path, tmp_path: Path, detection: str, models_folder: Path, form: Any
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    environment |= {"DARKROOM_DETECTION": detection, "DARKROOM_MODELS": str(models_folder)}
    output = tmp_path / f"out.{form}"
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); from server.cli import cli; cli()"
    )
    files = [str(media / "zidane.jpg")] * 3
    to = [] if form == "json" else ["-o", str(output)]
    with open("/dev/full" if form == "json" else os.devnull, "w") as full:
        command = [sys.executable, *(["-m", "server"] if form == "json" else ["-c", limited]), "tag", *files, *to]
        done = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(b"output-not-written: "), done.stderr
    assert done.stderr.count(b"\n") <= 2


@pytest.mark.parametrize("resume", [["--resume"], []])
@pytest.mark.parametrize("kind", ["folder", "device", "pipe", "part"])
def test_an_output_is_a_file(run: Run, folder: Path, tmp_path: Path, kind: str, resume: list[str]) -> None:
    output = tmp_path / "out.parquet" if kind == "part" else tmp_path / "out.jsonl"
    match kind:
        case "folder":
            output.mkdir()
        case "device":
            output.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(output)
        case "part":
            os.mkfifo(part_of(output))
    done = run(folder, "-o", output, *resume)
    assert done.returncode == 2
    assert done.stderr.startswith(b"output-not-a-file: "), done.stderr


def test_who_reads_no_more_is_no_mistake(folder: Path, detection: str, models_folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    environment |= {"DARKROOM_DETECTION": detection, "DARKROOM_MODELS": str(models_folder)}
    command = [sys.executable, "-m", "server", "tag", str(folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(60)


def test_what_is_asked_and_how_sure(run: Run, media: Path) -> None:
    [one] = [
        json.loads(line)
        for line in run(media / "zidane.jpg", "--ask", "faces", "--confidence", "0.1").stdout.splitlines()
    ]
    assert "faces" in one
    assert "objects" not in one
    assert "modified_ns" not in one  # plain rows are what they always were
    unknown = run(media / "zidane.jpg", "--ask", "facse")
    assert unknown.returncode != 0
    assert b"faces" in unknown.stderr


def test_addresses_are_fetched_through_the_guard(run: Run, media: Path) -> None:
    with Origin({"/a.jpg": (200, {"Content-Type": "image/jpeg"}, (media / "zidane.jpg").read_bytes())}) as origin:
        refused = run(f"{origin.url}/a.jpg")
        assert refused.returncode == 1
        assert json.loads(refused.stdout)["error"]["code"] == "address-not-allowed"
        allowed = run(f"{origin.url}/a.jpg", allowed_networks="127.0.0.0/8")
        assert allowed.returncode == 0, allowed.stdout
        assert json.loads(allowed.stdout)["file"] == f"{origin.url}/a.jpg"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resume"], b"--output"),
        (["--format", "xml"], b"jsonl"),
        (["-o", "out.xml"], b"--format"),
        (["--dry-run"], b"--write-keywords"),
        (["--index"], b"DARKROOM_SEARCH_INDEX"),
        (["--format", "json", "-o", "x.jsonl", "--resume"], b"jsonl"),
        (["--confidence", "2"], b"confidence"),
    ],
)
def test_mistakes_are_told_before_anything_is_done(run: Run, folder: Path, arguments: list[str], said: bytes) -> None:
    done = run(folder / "0.jpg", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_run_feeds_the_index_of_a_server(
    run: Run, folder: Path, tmp_path: Path, detection: str, models_folder: Path
) -> None:
    index = tmp_path / "index.sqlite"
    done = run(folder, "--media", folder, "--index", search_index=index)
    assert done.returncode == 0, done.stderr
    with Server(media=folder, detection=detection, models=models_folder, search_index=index) as running:
        running.wait()
        assert [one["path"] for one in running.get("/tags/person").json()["sources"]] == ["/-/more/zidane.JPG"]
        assert running.get("/similar/0.jpg").json()["fingerprint"]


@needs_exiv2
def test_keywords_are_added_and_nothing_else_changes(run: Run, media: Path, tmp_path: Path) -> None:
    paths = [_named(media, tmp_path / f"größe.{suffix}") for suffix in ("jpg", "png", "tiff", "webp")]
    pixels, contents = [np.asarray(Image.open(path)) for path in paths], [path.read_bytes() for path in paths]
    assert _keywords(run, *paths, "--dry-run") == ["would-write"] * 4
    assert [path.read_bytes() for path in paths] == contents
    assert _keywords(run, *paths) == ["written"] * 4
    for path, before in zip(paths, pixels, strict=True):
        assert np.array_equal(np.asarray(Image.open(path)), before)
        assert path.stat().st_mode & 0o777 == 0o640
        _check_keywords(path)
    assert _keywords(run, *paths) == ["same"] * 4
    assert sorted(tmp_path.iterdir()) == paths


def _named(media: Path, path: Path) -> Path:
    """A photograph of a person, with keywords of somebody."""
    import pyexiv2

    Image.open(media / "zidane.jpg").convert("RGB").save(path)
    path.chmod(0o640)
    with pyexiv2.Image(str(path)) as image:
        image.modify_xmp({"Xmp.dc.subject": ["mine", "größe"], "Xmp.dc.creator": ["Ann"]})
        if path.suffix != ".webp":
            image.modify_iptc({"Iptc.Envelope.CharacterSet": "\x1b%G", "Iptc.Application2.Keywords": ["mine", "größe"]})
    return path


def _keywords(run: Run, *arguments: object) -> list[str]:
    """What the rows say of keywords, by the names of the files."""
    rows = map(json.loads, run(*arguments, "--write-keywords").stdout.splitlines())
    return [row["keywords"] for row in sorted(rows, key=lambda row: row["file"])]


def _check_keywords(path: Path) -> None:
    import pyexiv2

    with pyexiv2.Image(str(path)) as image:
        xmp, iptc = image.read_xmp(), image.read_iptc()
    assert xmp["Xmp.dc.subject"][:2] == ["mine", "größe"]
    assert "person" in xmp["Xmp.dc.subject"]
    assert xmp["Xmp.dc.creator"] == ["Ann"]
    if path.suffix != ".webp":
        assert iptc["Iptc.Application2.Keywords"][:2] == ["mine", "größe"]
        assert "person" in iptc["Iptc.Application2.Keywords"]


@needs_exiv2
def test_keywords_change_no_owner_and_nothing_that_is_noted_with_the_file(media: Path, tmp_path: Path) -> None:
    path, copy = tmp_path / "a.jpg", tmp_path / ".copy.jpg"
    shutil.copy(media / "zidane.jpg", path)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65533)
    path.chmod(0o2640)
    with contextlib.suppress(OSError):  # not every file system has these
        os.setxattr(path, "user.note", b"mine")
    noted = os.listxattr(path)
    os.utime(path, ns=(10**18, 10**18))
    before = path.stat()
    assert write(path, ["dog"], copy) == "written"
    after = path.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert os.listxattr(path) == noted
    assert after.st_mtime_ns > before.st_mtime_ns


@needs_exiv2
def test_an_owner_that_cannot_be_kept_is_not_lost(media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, copy = tmp_path / "a.jpg", tmp_path / ".copy.jpg"
    shutil.copy(media / "zidane.jpg", path)
    before, stat = path.read_bytes(), Path.stat

    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    def of_another(self: Path, **how: Any) -> Any:
        facts = stat(self, **how)
        return os.stat_result((*facts[:4], facts.st_uid + 1, *facts[5:])) if self == path else facts

    monkeypatch.setattr(os, "chown", refused)
    monkeypatch.setattr(Path, "stat", of_another)
    assert code_of(write, path, ["dog"], copy) == "owner-not-kept"
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@needs_exiv2
@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_hard_links_stay_one_file(run: Run, media: Path, tmp_path: Path, dry: list[str]) -> None:
    path, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
    shutil.copy(media / "zidane.jpg", path)
    os.link(path, other)
    before = path.read_bytes()
    done = run(path, "--write-keywords", *dry)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["keywords"]["error"]["code"] == "has-hard-links"
    assert "tags" in said
    assert path.samefile(other)
    assert path.read_bytes() == before


@needs_exiv2
def test_what_cannot_hold_keywords_is_a_failed_row(run: Run, tmp_path: Path) -> None:
    Image.fromarray(pictures.photo(64, 48)).save(tmp_path / "a.gif")
    done = run(tmp_path / "a.gif", "--write-keywords")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["keywords"]["error"]["code"] == "keywords-not-supported"
    assert "tags" in said


def test_a_file_that_exiv2_dies_of_costs_its_row_alone(tmp_path: Path) -> None:
    names = ["a.jpg", "crash.jpg", "b.jpg", "hang.jpg", "c.jpg"]
    for name in names:
        (tmp_path / name).touch()

    async def write(exiv2: Exiv2, name: str) -> str:
        try:
            return await exiv2.write(tmp_path / name, ["dog"])
        except Failure as failure:
            return failure.code

    async def work() -> list[str]:
        with Exiv2(crashes.write, 1.0) as exiv2:
            return await asyncio.gather(*(write(exiv2, name) for name in names))

    failed = "keywords-failed"
    assert asyncio.run(work()) == ["written", failed, "written", failed, "written"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)  # nothing half done is left
