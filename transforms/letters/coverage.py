"""The characters that a font can draw, read from its cmap table as ranges.

fontTools would name every glyph for it: 150 ms and 30 MB for a font of all Chinese, where this takes 1 ms.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge

import numpy as np

Range = tuple[int, int]  # first and last character

# Platform and encoding of Unicode tables, all planes before the first one, and of symbols.
_BEST = ((3, 10), (0, 6), (0, 4), (3, 1), (0, 3), (0, 2), (0, 1), (0, 0), (3, 0))
_LAST = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Coverage:
    """Characters as ranges in order: a few kilobytes, where a set of numbers takes megabytes."""

    begins: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()  # inclusive

    def __contains__(self, character: object) -> bool:
        code = ord(str(character))
        at = bisect_right(self.begins, code) - 1
        return at >= 0 and code <= self.ends[at]

    @staticmethod
    def of(ranges: Iterable[Range]) -> Coverage:
        """Of ranges in any order, which may overlap."""
        begins: list[int] = []
        ends: list[int] = []
        for begin, end in sorted(ranges):
            if ends and begin <= ends[-1] + 1:
                ends[-1] = max(ends[-1], end)
            elif begin <= end:
                begins.append(begin)
                ends.append(end)
        return Coverage(tuple(begins), tuple(ends))

    @staticmethod
    def union(all_of_them: Iterable[Coverage]) -> Coverage:
        return Coverage.of(merge(*(zip(one.begins, one.ends, strict=True) for one in all_of_them)))


def coverage_of(cmap: bytes) -> Coverage:
    """The coverage of a cmap table; raises struct.error or ValueError where it is damaged."""
    (count,) = struct.unpack_from(">H", cmap, 2)
    places = {}
    for at in range(min(count, 64)):
        platform, encoding, offset = struct.unpack_from(">HHI", cmap, 4 + 8 * at)
        places[platform, encoding] = offset
    best = next((places[kind] for kind in _BEST if kind in places), None)
    if best is None:
        return Coverage()
    (form,) = struct.unpack_from(">H", cmap, best)
    readers = {4: _segments, 6: _trimmed, 12: _groups}
    return Coverage.of(readers[form](cmap, best)) if form in readers else Coverage()


def _segments(cmap: bytes, at: int) -> Iterator[Range]:
    """Format 4: segments of the first plane, of which some list their glyphs."""
    (double,) = struct.unpack_from(">H", cmap, at + 6)
    count = double // 2

    def column(place: int) -> list[int]:
        values: list[int] = np.frombuffer(cmap, ">u2", count, place).tolist()
        return values

    ends, begins = column(at + 14), column(at + 16 + double)
    offsets_at = at + 16 + 3 * double
    for index, (begin, last, offset) in enumerate(zip(begins, ends, column(offsets_at), strict=True)):
        end = min(last, 0xFFFE)  # the last segment ends the table
        if begin > end:
            continue
        if not offset:
            yield begin, end
            continue
        listed = offsets_at + 2 * index + offset
        length = min(end - begin + 1, max(0, (len(cmap) - listed) // 2))
        yield from _runs(np.frombuffer(cmap, ">u2", length, listed), begin)


def _runs(glyphs: np.typing.NDArray[np.uint16], begin: int) -> Iterator[Range]:
    """Where there is a glyph."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (glyphs != 0).astype(np.int8), [0]))))
    for first, after in edges.reshape(-1, 2).tolist():
        yield begin + first, begin + after - 1


def _trimmed(cmap: bytes, at: int) -> Iterator[Range]:
    """Format 6: one range that lists its glyphs."""
    begin, count = struct.unpack_from(">HH", cmap, at + 6)
    yield from _runs(np.frombuffer(cmap, ">u2", count, at + 10), begin)


def _groups(cmap: bytes, at: int) -> Iterator[Range]:
    """Format 12: ranges of all planes."""
    (count,) = struct.unpack_from(">I", cmap, at + 12)
    groups = np.frombuffer(cmap, ">u4", 3 * count, at + 16).reshape(-1, 3)
    for begin, end, _ in groups.tolist():
        if begin <= end <= _LAST:
            yield begin, end
