"""What an output has rows of. One that is not of rows, or is damaged, is refused and stays as it is."""

from __future__ import annotations

import csv
import json
import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from transforms.failure import Failure, Kind

from .items import told
from .rows import BATCH, COLUMNS, COLUMNS_BEFORE, LONGEST, Format, Row, State, columned, journal_of, state_of
from .work import Work
from .writers import schema

Done = dict[str, State]
"""By name, as it is told: what the file was like when it was looked at."""

HEAD = b'{"file": "'  # with which each line begins
NOTED = ("file", "modified_ns", "size", "error", "keywords", "asked")  # what is read of columns
TABLE_HEAD = ",".join(COLUMNS).encode()


class Torn(Exception):
    """The last row is not whole; `end` is where it begins."""

    def __init__(self, end: int) -> None:
        super().__init__(end)
        self.end = end


def done_in(path: Path, form: Format, work: Work | None = None) -> Done:
    """What an output has rows of that are no errors, and say what `work` wants. What a killed run left of the last row
    is cut off.

    Raises Failure output-not-ours or output-of-another-question, and nothing is cut.
    """
    done: Done = {}
    try:
        if form == "parquet" and path.exists():
            for row in _columns(path):
                _note(done, row, path, work)
        journal = journal_of(path, form)
        if journal.exists():
            _read(journal, form, lambda row: _note(done, row, path, work))
        return done
    except OSError as error:
        raise Failure(Kind.UNPROCESSABLE, "output-not-read", f"{path} cannot be read: {error.strerror}") from None


def _note(done: Done, row: Row, path: Path, work: Work | None) -> None:
    """The last row of a file counts that is no error."""
    if row.get("error"):
        return
    if work is not None and work.is_of_another(row):
        raise _of_another(path, str(row["asked"]), work.asked)
    name = told(row["file"])
    if work is None or work.is_said_by(row):
        done[name] = state_of(row)
    else:
        done.pop(name, None)


def _read(path: Path, form: Format, note: Callable[[Row], None]) -> None:
    with open(path, "rb") as file:
        lines = _Lines(file)
        try:
            for row in _table(path, lines) if form == "csv" else _objects(path, lines, form):
                note(row)
        except Torn as torn:
            os.truncate(path, torn.end)
            return
    if lines.last and not lines.last.endswith(b"\n"):  # a row that lacks nothing else, as after an editor
        with open(path, "ab") as file:
            file.write(b"\n")


class _Lines:
    """The lines of a file, and how far it was read. None is longer than a row can be."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.number = self.end = 0
        self.last = b""

    def __iter__(self) -> Iterator[bytes]:
        while line := self._file.readline(LONGEST):
            self.number += 1
            self.end += len(line)
            self.last = line
            yield line


def _objects(path: Path, lines: _Lines, form: Format) -> Iterator[Row]:
    for line in lines:
        if line.strip():
            row = _object(line, form)
            if row is None and not line.endswith(b"\n") and _may_be_torn(line, HEAD):
                raise Torn(lines.end - len(line))
            if row is None:
                raise _not_ours(path, f"its line {lines.number}")
            yield row


def _object(line: bytes, form: Format) -> Row | None:
    """The row, or None where it is none of ours."""
    try:
        row: Any = json.loads(line.decode("utf-8", "replace"))
        if not _names(row["file"]) or not isinstance(row.get("error", {}), dict):
            return None
        state_of(row)
        if form == "parquet":
            columned(row)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _names(file: object) -> bool:
    return isinstance(file, str) and file != "" and "\0" not in file


def _may_be_torn(line: bytes, head: bytes) -> bool:
    """Whether it begins as a row does; zeros are what some file systems leave of what had not reached the disk."""
    left = line.rstrip(b"\0")
    return len(line) < LONGEST and (left.startswith(head) or head.startswith(left))


def _table(path: Path, lines: _Lines) -> Iterator[Row]:
    records = _records(lines)
    head, whole = next(records, (b"", True))
    if not whole and _may_be_torn(head, TABLE_HEAD):
        raise Torn(0)
    columns = _fields(head.removeprefix(BOM_UTF8))
    if head and tuple(columns) not in (COLUMNS, COLUMNS_BEFORE):
        raise _not_ours(path, "its line 1")
    for record, whole in records:
        if not whole and _may_be_last(record, len(columns)):
            raise Torn(lines.end - len(record))
        row = _row(_fields(record), columns)
        if row is None:
            raise _not_ours(path, f"what ends in its line {lines.number}")
        if row:
            yield row


def _row(fields: list[str], columns: Sequence[str]) -> Row | None:
    """The row, empty of a blank line, or None where it is none of ours."""
    if not fields:
        return {}
    if len(fields) != len(columns) or not _names(fields[0]):
        return None
    row = dict(zip(columns, fields, strict=True))
    try:
        state_of(row)
    except ValueError:
        return None
    return row


def _records(lines: _Lines) -> Iterator[tuple[bytes, bool]]:
    """Lines up to one that ends no field in quotes, and whether that came; hardly more bytes than a row can have."""
    held, quotes = bytearray(), 0
    for line in lines:
        held += line
        quotes += line.count(b'"')
        if quotes % 2 == 0 or len(held) > LONGEST:
            yield bytes(held), quotes % 2 == 0 and line.endswith(b"\n")
            held, quotes = bytearray(), 0
    if held:
        yield bytes(held), False


def _fields(record: bytes) -> list[str]:
    """None where it is blank."""
    try:
        return next(csv.reader([record.decode("utf-8", "replace")], strict=True), [])
    except csv.Error:
        return ["damaged"]


def _may_be_last(record: bytes, columns: int) -> bool:
    """Whether no whole rows are in what began with a row, as where a quote was lost far from the end."""
    after = record.splitlines(keepends=True)[1:]
    return len(record) < LONGEST and not any(len(_fields(line)) == columns for line in after)


def _columns(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if not any(file.schema_arrow.equals(schema(columns)) for columns in (COLUMNS, COLUMNS_BEFORE)):
                raise _not_ours(path, "its columns")
            wanted = [name for name in file.schema_arrow.names if name in NOTED]
            for batch in file.iter_batches(BATCH, columns=wanted):
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise _not_ours(path, str(error).partition("\n")[0]) from None


def _not_ours(path: Path, what: str) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "output-not-ours", f"{path} is damaged, or not of this command: {what}",
        hint="nothing in it was changed: mend it, or say another --output",
    )  # fmt: skip


def _of_another(path: Path, then: str, now: str) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "output-of-another-question",
        f"{path} was made with another question: {then} then, {now} now",
        hint="say --ask and --confidence as then to go on with it, or another --output",
    )  # fmt: skip
