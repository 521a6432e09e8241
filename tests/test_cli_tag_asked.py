"""`darkroom tag`: going on with the same question, what was not asked for, what names no picture, and which models."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from server.bulk.items import hosts, items
from server.bulk.resumed import done_in
from server.bulk.rows import COLUMNS, COLUMNS_BEFORE, Format, Row, flattened, journal_of
from server.bulk.work import Work
from server.bulk.writers import Columns, opened, schema
from transforms.failure import Failure
from transforms.pipeline import Pipeline

from .fabricated import Answer, own
from .test_cli import darkroom

needs_parquet = pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
needs_exiv2 = pytest.mark.skipif(importlib.util.find_spec("pyexiv2") is None, reason="pyexiv2 is not installed")

FORMS = ["jsonl", "csv", pytest.param("parquet", marks=needs_parquet)]
FACES = "auto-tag:faces"

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(detection: str, models_folder: Path) -> Run:
    def started(*arguments: object, **settings: Any) -> subprocess.CompletedProcess[bytes]:
        given = {"detection": detection, "models": models_folder, "renderers": 1, **settings}
        return darkroom("tag", *map(str, arguments), **given)

    return started


@pytest.fixture
def alone(models_folder: Path) -> Run:
    """With a detection process of its own, if it starts one; that tells which models it loads."""

    def started(*arguments: object) -> subprocess.CompletedProcess[bytes]:
        return darkroom("tag", *map(str, arguments), models=models_folder, renderers=1)

    return started


@pytest.fixture
def picture(tmp_path: Path, media: Path) -> Path:
    return Path(shutil.copy(media / "zidane.jpg", tmp_path / "a.jpg"))


def work(text: str = FACES, **how: bool) -> Work:
    return Work(Pipeline.parse(text), **how)


def row(name: str, **more: Any) -> Row:
    return {"file": name, "modified_ns": 5, "size": 7, "tags": [], **more}


def written(path: Path, form: Format, rows: list[Row], *, whole: bool = True) -> None:
    writer = opened(path, form)
    for one in rows:
        writer.write(one)
    writer.close()
    if whole and isinstance(writer, Columns):
        writer.finish()


def code_of(do: Callable[..., object], *given: Any) -> str:
    with pytest.raises(Failure) as caught:
        do(*given)
    return caught.value.code


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("whole", [True, False])
def test_only_the_same_question_is_gone_on_with(tmp_path: Path, form: Any, whole: bool) -> None:
    path = tmp_path / f"out.{form}"
    failed = row("bad.jpg", asked="auto-tag", error={"code": "not-an-image", "message": "no"})
    written(path, form, [row("a.jpg", asked=FACES), failed], whole=whole)
    present = path if whole else journal_of(path, form)
    before = present.read_bytes()
    assert done_in(path, form, work()) == {"a.jpg": (5, 7)}
    assert code_of(done_in, path, form, work("auto-tag:objects")) == "output-of-another-question"
    assert code_of(done_in, path, form, work(f"{FACES},confidence=0.2")) == "output-of-another-question"
    assert present.read_bytes() == before


@pytest.mark.parametrize("form", FORMS)
def test_keywords_that_are_wanted_and_not_written_are_not_done(tmp_path: Path, form: Any) -> None:
    path = tmp_path / f"out.{form}"
    said: dict[str, Any] = {
        "plain.jpg": None, "dry.jpg": "would-write", "same.jpg": "same", "written.jpg": "written",
        "failed.jpg": {"error": {"code": "has-hard-links", "message": "no"}}, "https://x.example/a.jpg": None,
    }  # fmt: skip
    written(path, form, [row(name, keywords=keywords) if keywords else row(name) for name, keywords in said.items()])
    assert set(done_in(path, form, work())) == set(said)
    assert set(done_in(path, form, work(keywords=True, dry=True))) == set(said) - {"plain.jpg"}
    assert set(done_in(path, form, work(keywords=True))) == set(said) - {"plain.jpg", "dry.jpg"}
    written(path, form, [row("dry.jpg", keywords="written"), row("same.jpg", keywords="would-write")])
    assert set(done_in(path, form, work(keywords=True))) == set(said) - {"plain.jpg", "same.jpg"}  # the last counts


def test_lines_of_before_do_not_say_what_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text(json.dumps(row("a.jpg")) + "\n")
    assert done_in(path, "jsonl", work()) == {"a.jpg": (5, 7)}


def test_a_table_of_before_goes_on_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with open(path, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS_BEFORE)
        table.writerow("" if (cell := flattened(row("a.jpg"))[name]) is None else cell for name in COLUMNS_BEFORE)
    assert done_in(path, "csv", work()) == {"a.jpg": (5, 7)}
    written(path, "csv", [row("b.jpg", asked=FACES)])
    assert set(done_in(path, "csv", work())) == {"a.jpg", "b.jpg"}
    with open(path, newline="") as file:
        assert {len(line) for line in csv.reader(file)} == {len(COLUMNS_BEFORE)}


@needs_parquet
def test_columns_of_before_are_gone_on_with(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "out.parquet"
    old = pa.Table.from_pylist([{"file": "a.jpg", "modified_ns": 5, "size": 7}], schema(COLUMNS_BEFORE))
    pq.write_table(old, path)
    assert done_in(path, "parquet", work()) == {"a.jpg": (5, 7)}
    written(path, "parquet", [row("b.jpg", asked=FACES)])
    table = pq.read_table(path)
    assert tuple(table.column_names) == COLUMNS
    assert [(one["file"], one["asked"]) for one in table.to_pylist()] == [("a.jpg", None), ("b.jpg", FACES)]


@pytest.mark.parametrize("form", FORMS)
def test_a_run_goes_on_with_its_question_alone(run: Run, picture: Path, tmp_path: Path, form: Any) -> None:
    output = tmp_path / f"out.{form}"
    assert run(picture, "-o", output, "--ask", "traits:colors").returncode == 0
    again = run(picture, "-o", output, "--ask", "colors:traits", "--resume")
    assert again.stderr == b"0 pictures, 0 failed, 1 were done before\n"
    other = run(picture, "-o", output, "--ask", "traits", "--resume")
    assert other.returncode == 2
    assert other.stderr.startswith(b"output-of-another-question: "), other.stderr
    assert b"auto-tag:colors:traits then, auto-tag:traits now" in other.stderr


@needs_exiv2
def test_keywords_are_written_after_a_dry_run(run: Run, picture: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    arguments = (picture, "-o", output, "--ask", "traits", "--write-keywords")
    run(*arguments, "--dry-run")
    assert run(*arguments, "--resume").stderr == b"1 pictures, 0 failed, 0 were done before\n"
    assert run(*arguments, "--resume").stderr == b"0 pictures, 0 failed, 1 were done before\n"
    assert [json.loads(line)["keywords"] for line in output.read_text().splitlines()] == ["would-write", "written"]


def test_what_was_not_asked_for_is_not_none() -> None:
    lists = ("faces", "objects", "colors", "codes")
    unasked = flattened(row("a.jpg"))
    assert [unasked[name] for name in lists] == [None] * 4
    nothing = flattened(row("a.jpg", faces=[], objects=[], colors=[], codes=[]))
    assert [nothing[name] for name in lists] == [0, "[]", "", "[]"]
    missing = [{"detector": name, "model": name, "how": "install it"} for name in ("objects", "codes")]
    unable = flattened(row("a.jpg", faces=[], objects=[{"label": "leaf"}], codes=[], missing=missing))
    assert [unable[name] for name in lists] == [0, '[{"label": "leaf"}]', None, None]


@pytest.mark.parametrize("form", ["csv", pytest.param("parquet", marks=needs_parquet)])
def test_a_table_is_empty_where_nothing_was_asked(run: Run, picture: Path, tmp_path: Path, form: str) -> None:
    output = tmp_path / f"out.{form}"
    run(picture, "-o", output, "--ask", "traits")
    if form == "csv":
        with open(output, newline="") as file:
            [said] = [{name: cell or None for name, cell in one.items()} for one in csv.DictReader(file)]
    else:
        import pyarrow.parquet as pq

        [said] = pq.read_table(output).to_pylist()
    assert said["tags"]
    assert [said[name] for name in ("faces", "objects", "colors", "codes")] == [None] * 4


@pytest.mark.parametrize("name", ["empty", "*.gif", "none/*.jpg", "empty/**"])
def test_what_matches_nothing_is_a_failed_row(tmp_path: Path, picture: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    [item, other] = items([f"{tmp_path}/{name}", str(picture)])
    assert (item.name, item.state(), item.may_be_there) == (f"{tmp_path}/{name}", None, False)
    assert code_of(item.ref) == "nothing-matches"
    assert other.path == picture


@pytest.mark.parametrize(
    ("name", "code"), [("empty", "nothing-matches"), ("*.gif", "nothing-matches"), ("gone.jpg", "source-not-found")]
)
def test_no_model_is_loaded_for_nothing(alone: Run, tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "empty").mkdir()
    done = alone(tmp_path / name)
    assert (done.returncode, done.stderr) == (1, b"")
    assert json.loads(done.stdout)["error"]["code"] == code


@pytest.mark.parametrize(("kinds", "loaded"), [("traits:colors", set()), ("faces:traits", {"faces"})])
def test_only_models_that_are_asked_are_loaded(alone: Run, picture: Path, kinds: str, loaded: set[str]) -> None:
    done = alone(picture, "--ask", kinds)
    assert done.returncode == 0, done.stderr
    lines = [line.partition("darkroom.detection: ")[2] for line in done.stderr.decode().splitlines()]
    assert {line.partition(":")[0] for line in lines if " is warm " in line} == loaded
    said = json.loads(done.stdout)
    assert len(said.get("faces", [])) == (2 if "faces" in loaded else 0)
    assert said["missing"] == []


def test_a_model_of_the_operator_is_loaded_without_the_others(tmp_path: Path) -> None:
    models, picture = tmp_path / "models", tmp_path / "red.png"
    Image.new("RGB", (400, 400), (200, 0, 0)).save(picture)
    for name in ("crops", "weeds"):
        own(models, name, ["wheat"], [Answer("wheat", 0.9, (0.25, 0.25, 0.5, 0.5), "red")], side=64)
    done = darkroom("tag", str(picture), "--ask", "crops", models=models, renderers=1, device="cpu")
    assert done.returncode == 0, done.stderr
    assert b"crops@" in done.stderr
    assert b"weeds" not in done.stderr
    said = json.loads(done.stdout)
    assert [(tag["tag"], tag["by"]) for tag in said["tags"]] == [("wheat", "crops")]
    assert (list(said["models"]), said["missing"]) == (["crops"], [])


@pytest.mark.parametrize("ask", ["objcts", "faces:faces", "faces/grayscale", "faces,likeness=2"])
def test_a_question_that_is_none_is_a_mistake_of_the_command(run: Run, picture: Path, ask: str) -> None:
    done = run(picture, "--ask", ask)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr


WRONG = [
    "https://user:s3cret@example.com/a.jpg",
    "http://s3cret@example.com",
    "https://user:s3/cret@example.com/a.jpg",
    "http:///a.jpg",
    "https://[::1/a.jpg",
]


def test_addresses_name_hosts_whatever_is_in_their_query() -> None:
    assert hosts([*WRONG, "https://example.com?x=a@b", "http://Other.example:80/@a"]) == [
        "https://example.com",
        "http://other.example",
    ]
    kept = ["https://example.com/@a:b/c@d.jpg", "https://example.com?x=a@b", "http://x.example:8/a@b"]
    assert [item.name for item in items(kept)] == kept


def test_an_address_that_is_wrong_costs_its_row_alone(run: Run, picture: Path) -> None:
    done = run(*WRONG, picture, "--ask", "traits")
    assert done.returncode == 1
    *wrong, right = map(json.loads, done.stdout.splitlines())
    assert [one["error"]["code"] for one in wrong] == ["bad-source"] * len(WRONG)
    assert right["traits"]
    assert b"s3" not in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
