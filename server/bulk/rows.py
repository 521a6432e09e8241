"""Rows of results: what they say, and files of them that a killed run leaves fit to be gone on with."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from .items import Item

Format = Literal["json", "jsonl", "csv", "parquet"]
Row = dict[str, Any]
Done = dict[str, tuple[int, int] | None]
"""By name: what the file was like when it was looked at."""

COLUMNS = (
    "file", "modified_ns", "size", "width", "height", "format", "tags", "faces", "objects", "colors", "codes", "error",
    "message", "keywords",
)  # fmt: skip
NUMBERS = ("modified_ns", "size", "width", "height", "faces")
BATCH = 1_000  # rows of a group in Parquet
NEEDED = "Parquet needs pyarrow: pip install -e '.[parquet]'"


def row_of(item: Item, state: tuple[int, int] | None, report: Row) -> Row:
    """The row of a report, or of its `error`."""
    about = {"modified_ns": state[0], "size": state[1]} if state else {}
    return {"file": item.name, **about, **report}


class Writer(Protocol):
    """Takes rows; each is complete on disk before the next is taken."""

    def write(self, row: Row) -> None: ...

    def close(self) -> None: ...


class Lines:
    """A line of JSON each. `path` None is standard output; `plain` leaves out what the file was like."""

    def __init__(self, path: Path | None, *, plain: bool = False) -> None:
        self._plain = plain
        self._to = _appended(path)

    def write(self, row: Row) -> None:
        left_out = ("modified_ns", "size") if self._plain else ()
        told = {name: value for name, value in row.items() if name not in left_out}
        text = json.dumps(told, ensure_ascii=False)
        self._to.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
        self._to.flush()

    def close(self) -> None:
        if self._to is not sys.stdout:
            self._to.close()


class Table:
    """CSV: what is a list is one field, `dog=0.91;person=0.88`, objects and codes are JSON."""

    def __init__(self, path: Path | None) -> None:
        begun = path is not None and path.exists() and path.stat().st_size > 0
        self._to = _appended(path)
        if not begun:
            self._line(list(COLUMNS))

    def write(self, row: Row) -> None:
        flat = flattened(row)
        self._line([flat[name] for name in COLUMNS])

    def _line(self, values: list[Any]) -> None:
        """In one piece."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(["" if value is None else value for value in values])
        self._to.write(text.getvalue().encode("utf-8", "backslashreplace").decode())
        self._to.flush()

    def close(self) -> None:
        if self._to is not sys.stdout:
            self._to.close()


class Columns:
    """Parquet, which can only be written whole: rows are lines of JSON in `<path>.part` until the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = part_of(path)
        self._lines = Lines(self._part)

    def write(self, row: Row) -> None:
        self._lines.write(row)

    def close(self) -> None:
        self._lines.close()

    def finish(self) -> None:
        """The file itself, in the place of what was there."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        tag = pa.struct([("tag", pa.string()), ("confidence", pa.float64()), ("by", pa.string())])
        types = {"tags": pa.list_(tag), **dict.fromkeys(NUMBERS, pa.int64())}
        schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
        fresh = self._path.with_name(f".{self._path.name}.new")
        with pq.ParquetWriter(fresh, schema) as writer:
            if self._path.exists():
                done = dict(read_lines(self._part))
                with pq.ParquetFile(self._path) as old:
                    for batch in old.iter_batches(BATCH):
                        kept = [row for row in batch.to_pylist() if row["file"] not in done]
                        writer.write_table(pa.Table.from_pylist(kept, schema))
            for rows in _batches(self._part):
                writer.write_table(pa.Table.from_pylist([_columned(row) for row in rows], schema))
        os.replace(fresh, self._path)
        self._part.unlink()


def _appended(path: Path | None) -> IO[str]:
    return sys.stdout if path is None else open(path, "a", encoding="utf-8", newline="")


def part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def opened(path: Path | None, form: Format) -> Writer:
    if form == "parquet":
        assert path is not None  # noqa: S101 - the command asks for it
        return Columns(path)
    return Table(path) if form == "csv" else Lines(path, plain=form == "json")


def done_in(path: Path, form: Format) -> Done:
    """What a file has rows of that are no errors. What a killed run left of a last row is cut off."""
    if form == "parquet":
        done = dict(_parquet_states(path)) if path.exists() else {}
        part = part_of(path)
        if part.exists():
            _cut(part, _whole_lines(part))
            done |= dict(read_lines(part))
        return done
    if not path.exists():
        return {}
    _cut(path, _whole_rows(path) if form == "csv" else _whole_lines(path))
    return dict(_table_states(path) if form == "csv" else read_lines(path))


def read_lines(path: Path) -> Iterator[tuple[str, tuple[int, int] | None]]:
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            row = json.loads(line)
            if "error" not in row:
                yield row["file"], _state(row)


def flattened(row: Row) -> Row:
    """The columns of a row, None where it says nothing."""
    error, image = row.get("error") or {}, row.get("image") or {}
    flat: Row = dict.fromkeys(COLUMNS)
    flat |= {name: row[name] for name in ("file", "modified_ns", "size") if name in row}
    flat |= {name: image.get(name) for name in ("width", "height", "format")}
    flat |= {"error": error.get("code"), "message": error.get("message"), "keywords": _keywords(row)}
    if not error:
        flat["tags"] = ";".join(f"{tag['tag']}={tag['confidence']:g}" for tag in row.get("tags", ()))
        flat["faces"] = len(row.get("faces", ()))
        flat["objects"] = json.dumps(row.get("objects", []), ensure_ascii=False)
        flat["colors"] = ";".join(f"{color['hex']}={color['share']:g}" for color in row.get("colors", ()))
        flat["codes"] = json.dumps(row.get("codes", []), ensure_ascii=False)
    return flat


def _columned(row: Row) -> Row:
    tags = [{name: tag[name] for name in ("tag", "confidence", "by")} for tag in row.get("tags", ())]
    return {**flattened(row), "tags": tags}


def _keywords(row: Row) -> str | None:
    said = row.get("keywords")
    return said if said is None or isinstance(said, str) else said["error"]["code"]


def _state(row: Row) -> tuple[int, int] | None:
    return (int(row["modified_ns"]), int(row["size"])) if row.get("modified_ns") not in (None, "") else None


def _whole_lines(path: Path) -> int:
    """Bytes up to the end of the last line that is JSON."""
    end = 0
    with open(path, "rb") as file:
        for line in file:
            if not line.endswith(b"\n") or not _is_row(line):
                break
            end += len(line)
    return end


def _is_row(line: bytes) -> bool:
    try:
        return "file" in json.loads(line)
    except (ValueError, TypeError):
        return False


def _whole_rows(path: Path) -> int:
    """Bytes up to the end of the last row: a line end between quotes ends none."""
    end = at = quotes = 0
    with open(path, "rb") as file:
        for line in file:
            at += len(line)
            quotes += line.count(b'"')
            if line.endswith(b"\n") and quotes % 2 == 0:
                end = at
    return end


def _cut(path: Path, size: int) -> None:
    if size < path.stat().st_size:
        os.truncate(path, size)


def _table_states(path: Path) -> Iterator[tuple[str, tuple[int, int] | None]]:
    csv.field_size_limit(1 << 24)
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file):
            if not row.get("error"):
                yield str(row["file"]), _state(row)


def _parquet_states(path: Path) -> Iterator[tuple[str, tuple[int, int] | None]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=["file", "modified_ns", "size", "error"]):
            for row in batch.to_pylist():
                if not row["error"]:
                    yield row["file"], _state(row)


def _batches(path: Path) -> Iterator[list[Row]]:
    rows: list[Row] = []
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            rows.append(json.loads(line))
            if len(rows) == BATCH:
                yield rows
                rows = []
    yield rows
