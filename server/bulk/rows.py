"""Rows of results: what they say, and where they are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from transforms.failure import Failure, Kind

from .items import Item, told

Format = Literal["json", "jsonl", "csv", "parquet"]
Row = dict[str, Any]
State = tuple[int, int] | None

COLUMNS = (
    "file", "modified_ns", "size", "width", "height", "format", "tags", "faces", "objects", "colors", "codes", "error",
    "message", "keywords", "asked",
)  # fmt: skip
COLUMNS_BEFORE = COLUMNS[:-1]  # of versions that did not say what was asked
NUMBERS = ("modified_ns", "size", "width", "height", "faces")
BATCH = 1_000  # rows of a group in Parquet
LONGEST = 1 << 24  # bytes of a row; the longest that were seen have 40 kB
NEEDED = "Parquet needs pyarrow: pip install -e '.[parquet]'"


def row_of(item: Item, state: State, report: Row, asked: str) -> Row:
    """The row of a report, or of its `error`; `asked` is the question."""
    about = {"modified_ns": state[0], "size": state[1]} if state else {}
    return {"file": item.name, **about, "asked": asked, **report}


def state_of(row: Row) -> State:
    """What the file of a row was like."""
    return (int(row["modified_ns"]), int(row["size"])) if row.get("modified_ns") not in (None, "") else None


def part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def journal_of(path: Path, form: Format) -> Path:
    """The file that grows by a row at a time."""
    return part_of(path) if form == "parquet" else path


def flattened(row: Row) -> Row:
    """The columns of a row, None where it says nothing or was not asked: lists are one field,
    `dog=0.91;person=0.88`, or JSON."""
    error, image = row.get("error") or {}, row.get("image") or {}
    flat: Row = dict.fromkeys(COLUMNS)
    flat |= {name: row[name] for name in ("file", "modified_ns", "size", "asked") if name in row}
    flat |= {name: image.get(name) for name in ("width", "height", "format")}
    flat |= {"error": error.get("code"), "message": error.get("message"), "keywords": _keywords(row)}
    if not error:
        flat["tags"] = ";".join(f"{tag['tag']}={tag['confidence']:g}" for tag in row.get("tags", ()))
        flat |= {name: tell(listed) for name, tell in _LISTS.items() if (listed := _list(row, name)) is not None}
    return {name: told(value) if isinstance(value, str) else value for name, value in flat.items()}


def columned(row: Row) -> Row:
    """The columns of a row with its tags as a list."""
    tags = [{name: tag[name] for name in ("tag", "confidence", "by")} for tag in row.get("tags", ())]
    return {**flattened(row), "tags": tags}


def not_written(name: object, error: OSError, hint: str | None = None) -> Failure:
    why = error.strerror or str(error).partition("\n")[0]
    return Failure(Kind.UNPROCESSABLE, "output-not-written", f"{name} cannot be written: {why}", hint=hint)


def _list(row: Row, name: str) -> list[Any] | None:
    """None where nobody looked: it was not asked for, or its model is missing."""
    missing = [one.get("detector") for one in row.get("missing", ())]
    listed: list[Any] | None = row.get(name)
    return listed if listed or name not in missing else None


def _as_json(listed: list[Any]) -> str:
    return json.dumps(listed, ensure_ascii=False)


_LISTS: Mapping[str, Callable[[list[Any]], object]] = {
    "faces": len,
    "objects": _as_json,
    "colors": lambda listed: ";".join(f"{color['hex']}={color['share']:g}" for color in listed),
    "codes": _as_json,
}


def _keywords(row: Row) -> str | None:
    said = row.get("keywords")
    return said if said is None or isinstance(said, str) else said["error"]["code"]
