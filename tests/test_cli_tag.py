"""`darkroom tag`: many pictures, files of rows that can be gone on with, keywords, and the search index."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import importlib.util
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from server.bulk.exiv2 import Exiv2
from server.bulk.items import Item, hosts, items, listed
from server.bulk.rows import COLUMNS, Columns, Lines, Table, done_in, opened, part_of
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


@pytest.mark.parametrize("name", ["=cmd|calc.jpg", "+1.jpg", "-1.jpg", "@x.jpg"])
def test_no_name_is_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(b"")
    for given in ("*.jpg", name):
        [item] = items([given])
        assert (item.name, item.path) == (f"./{name}", tmp_path / name)


@pytest.mark.parametrize("form", ["jsonl", "csv", pytest.param("parquet", marks=needs_parquet)])
@pytest.mark.parametrize("torn", ["", "x", '{"file": "c.jpg", "si', '"c ""quoted\nna', "\n"])
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


def test_names_that_are_no_text_are_rows_all_the_same(tmp_path: Path) -> None:
    for writer in (Lines(tmp_path / "a"), Table(tmp_path / "b")):
        writer.write(row(os.fsdecode(b"\xff.jpg")))
        writer.close()
    assert (tmp_path / "a").read_text().count("\n") == 1


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


def test_a_killed_run_is_gone_on_with(
    run: Run, media: Path, detection: str, models_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        cv2.imwrite(str(folder / f"{number:02}.jpg"), pictures.photo(64, 48, seed=number))
    output = tmp_path / "out.jsonl"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    environment |= {"DARKROOM_DETECTION": detection, "DARKROOM_MODELS": str(models_folder), "DARKROOM_RENDERERS": "1"}
    command = [sys.executable, "-m", "server", "tag", str(folder), "-o", str(output)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (output.exists() and output.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = run(folder, "-o", output, "--resume")
    assert done.returncode == 0, done.stderr
    files = [json.loads(line)["file"] for line in output.read_text().splitlines()]
    assert len(files) == len(set(files)) == 60


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
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_keywords_are_added_and_nothing_else_changes(run: Run, media: Path, tmp_path: Path, suffix: str) -> None:
    import pyexiv2

    path = tmp_path / f"größe.{suffix}"
    Image.open(media / "zidane.jpg").convert("RGB").save(path)
    path.chmod(0o640)
    with pyexiv2.Image(str(path)) as image:
        image.modify_xmp({"Xmp.dc.subject": ["mine", "größe"], "Xmp.dc.creator": ["Ann"]})
        if suffix != "webp":
            image.modify_iptc({"Iptc.Envelope.CharacterSet": "\x1b%G", "Iptc.Application2.Keywords": ["mine", "größe"]})
    before, bytes_before = np.asarray(Image.open(path)), path.read_bytes()

    dry = json.loads(run(path, "--write-keywords", "--dry-run").stdout)
    assert (dry["keywords"], path.read_bytes()) == ("would-write", bytes_before)

    first = json.loads(run(path, "--write-keywords").stdout)
    assert first["keywords"] == "written", first
    assert np.array_equal(np.asarray(Image.open(path)), before)
    assert path.stat().st_mode & 0o777 == 0o640
    with pyexiv2.Image(str(path)) as image:
        xmp, iptc = image.read_xmp(), image.read_iptc()
    assert xmp["Xmp.dc.subject"][:2] == ["mine", "größe"]
    assert "person" in xmp["Xmp.dc.subject"]
    assert xmp["Xmp.dc.creator"] == ["Ann"]
    if suffix != "webp":
        assert iptc["Iptc.Application2.Keywords"][:2] == ["mine", "größe"]
        assert "person" in iptc["Iptc.Application2.Keywords"]
    assert json.loads(run(path, "--write-keywords").stdout)["keywords"] == "same"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


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
