"""Where rows are written: files that a killed run leaves fit to be gone on with, and standard output."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from transforms.failure import Failure, Kind

from .items import told
from .rows import BATCH, COLUMNS, LONGEST, NUMBERS, Format, Row, columned, flattened, not_written, part_of

if TYPE_CHECKING:
    import pyarrow as pa

KEPT = "what is in it stays there: make room, and go on with --resume"


class Writer(Protocol):
    """Takes rows; each has left the process before the next is taken. Raises Failure output-not-written."""

    def write(self, row: Row) -> None: ...

    def close(self) -> None: ...


class Pieces:
    """A file that texts are added to, or standard output where `path` is None: each of them whole, or not at all."""

    def __init__(self, path: Path | None) -> None:
        self._name = str(path or "standard output")
        self._opened = None if path is None else _appended(path)
        self._to = _standard_output() if self._opened is None else self._opened

    @property
    def is_empty(self) -> bool:
        return self._opened is None or os.fstat(self._opened).st_size == 0

    def add(self, text: str) -> None:
        """Raises BrokenPipeError where nobody reads on."""
        left = memoryview(text.encode())
        before = None if self._opened is None else os.fstat(self._opened).st_size
        try:
            while left:
                left = left[os.write(self._to, left) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            if before is not None:
                with suppress(OSError):
                    os.ftruncate(self._to, before)
            raise not_written(self._name, error, KEPT if self._opened is not None else None) from None

    def close(self) -> None:
        if self._opened is not None:
            os.close(self._opened)


class Lines:
    """A line of JSON each. `path` None is standard output; `plain` leaves out what only --resume reads."""

    def __init__(self, path: Path | None, *, plain: bool = False) -> None:
        self._plain = plain
        self._to = Pieces(path)

    def write(self, row: Row) -> None:
        left_out = ("modified_ns", "size", "asked") if self._plain else ()
        kept = {name: value for name, value in row.items() if name not in left_out}
        self._to.add(told(json.dumps(kept, ensure_ascii=False)) + "\n")

    def close(self) -> None:
        self._to.close()


class Table:
    """CSV: what is a list is one field, `dog=0.91;person=0.88`, objects and codes are JSON.

    A table that is there goes on with the columns that it has.
    """

    def __init__(self, path: Path | None) -> None:
        self._to = Pieces(path)
        self._columns = COLUMNS if path is None or self._to.is_empty else _columns_of(path)
        if self._to.is_empty:
            self._line(list(COLUMNS))

    def write(self, row: Row) -> None:
        flat = flattened(row)
        self._line([flat[name] for name in self._columns])

    def _line(self, values: list[Any]) -> None:
        text = io.StringIO()
        cells = ["" if value is None else value for value in values]
        csv.writer(text, lineterminator="\r\n").writerow(cells)  # of these, what is in cells is put in quotes
        self._to.add(text.getvalue().removesuffix("\r\n") + "\n")

    def close(self) -> None:
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
        """The file itself, in the place of what was there: one row of each file, the last.

        Raises Failure output-not-written; what was there is there still then, and so is the part.
        """
        from pyarrow import ArrowException

        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            self._merge(fresh)
            with open(fresh, "rb") as file:
                os.fsync(file.fileno())
            os.replace(fresh, self._path)
            self._part.unlink()
        except (OSError, ArrowException) as error:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise _not_finished(self._path, self._part, error) from None

    def _merge(self, fresh: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        last = {told(row["file"]): number for number, row in enumerate(_rows(self._part))}
        with pq.ParquetWriter(fresh, schema()) as writer:
            if self._path.exists():
                with pq.ParquetFile(self._path) as old:
                    for batch in old.iter_batches(BATCH):
                        kept = [row for row in batch.to_pylist() if row["file"] not in last]
                        writer.write_table(pa.Table.from_pylist(kept, schema()))
            rows = (row for number, row in enumerate(_rows(self._part)) if last[told(row["file"])] == number)
            for some in _batches(rows):
                writer.write_table(pa.Table.from_pylist([columned(row) for row in some], schema()))


def schema(columns: Sequence[str] = COLUMNS) -> pa.Schema:
    """Of the rows in Parquet."""
    import pyarrow as pa

    tag = pa.struct([("tag", pa.string()), ("confidence", pa.float64()), ("by", pa.string())])
    types = {"tags": pa.list_(tag), **dict.fromkeys(NUMBERS, pa.int64())}
    return pa.schema([(name, types.get(name, pa.string())) for name in columns])


def opened(path: Path | None, form: Format) -> Writer:
    if form == "parquet":
        assert path is not None  # noqa: S101 - the command asks for it
        return Columns(path)
    return Table(path) if form == "csv" else Lines(path, plain=form == "json")


def _columns_of(path: Path) -> tuple[str, ...]:
    """Of a table whose header was read before."""
    with open(path, encoding="utf-8-sig", newline="") as lines:
        return tuple(next(csv.reader([lines.readline(LONGEST)])))


def _appended(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        raise not_written(path, error) from None


def _standard_output() -> int:
    if sys.stdout is None:  # which is what Python makes of one that is closed
        raise Failure(Kind.UNPROCESSABLE, "output-not-written", "standard output is closed", hint="say --output")
    return sys.stdout.fileno()


def _not_finished(path: Path, part: Path, error: Exception) -> Failure:
    why = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    return Failure(
        Kind.UNPROCESSABLE, "output-not-written", f"{path} cannot be written: {why}",
        hint=f"the rows are in {part}: mend that, and go on with --resume",
    )  # fmt: skip


def _rows(path: Path) -> Iterator[Row]:
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == BATCH:
            yield some
            some = []
    yield some
