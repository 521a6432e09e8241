"""How a source is read: which of its pages, and which way up; and the parameter type that says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .failure import Failure, Kind, bad_argument

MAX_PAGE = 9999
MAX_RANGES = 32

Ranges = tuple[tuple[int, int], ...]
"""First and last page of each range, counted from 1, in rising order and apart from each other."""

_RANGE = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Input:
    """What the steps say about reading. No `pages`: all of them, or the one that stands for the file.

    With `upright` false the pixels stay as they are stored, whatever the file's EXIF orientation says.
    """

    pages: Ranges = ()
    upright: bool = True

    def chosen(self, count: int) -> tuple[int, ...] | None:
        """Which of `count` pages, from 0, or None where none are named; raises Failure page-not-found."""
        if not self.pages:
            return None
        if self.pages[-1][1] > count:
            raise _page_not_found(self.pages, count)
        return tuple(page - 1 for first, last in self.pages for page in range(first, last + 1))


def _page_not_found(pages: Ranges, count: int) -> Failure:
    missing = next(max(first, count + 1) for first, last in pages if last > count)
    return Failure(
        Kind.NOT_FOUND,
        "page-not-found",
        f"the source has no page {missing}: it has {count}",
        hint="pages are counted from 1; frames of an animation are its pages",
        details={"pages": count, "page": missing},
    )


@dataclass(frozen=True)
class Pages:
    """Pages and ranges of them, `;` in between: `3`, `2-4;6;8`."""

    most: int = MAX_PAGE

    def parse(self, text: str) -> Ranges:
        parts = text.split(";")
        ranges = [bounds for part in parts if (bounds := self._range(part))]
        if len(ranges) < len(parts) or len(parts) > MAX_RANGES:
            raise bad_argument(
                f"{text!r} is not {self.describe()}", hint="for example 3 or 2-4;6", minimum=1, maximum=self.most
            )
        return joined(ranges)

    def _range(self, part: str) -> tuple[int, int] | None:
        match = _RANGE.fullmatch(part)
        if not match:
            return None
        first, last = int(match[1]), int(match[2] or match[1])
        return (first, last) if 1 <= first <= last <= self.most else None

    def print(self, value: Ranges) -> str:
        return ";".join(str(first) if first == last else f"{first}-{last}" for first, last in value)

    def describe(self) -> str:
        return f"pages from 1 to {self.most}, or up to {MAX_RANGES} ranges of them such as 2-4;6"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^\d{1,4}(-\d{1,4})?(;\d{1,4}(-\d{1,4})?)*$"}

    def beyond(self) -> tuple[str, ...]:
        return "0", str(self.most + 1), "4-2", "1;", "a", "", "-1", ";".join(["1"] * (MAX_RANGES + 1))


def joined(ranges: list[tuple[int, int]]) -> Ranges:
    """In rising order, each page once, neighbours as one range: every choice of pages has one text."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = result[-1][0], max(last, result[-1][1])
        else:
            result.append((first, last))
    return tuple(result)
