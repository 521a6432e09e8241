"""EXIF directories, their values kept byte for byte.

Pillow reads texts as Latin-1, writes `?` for what is not ASCII, and loses the kinds of values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import pack, unpack_from

DETAILS = 0x8769  # of the main directory: where that of the details begins
_MAX_ENTRIES = 1000
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # per value, by its kind


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag's values as they stand in the file, in its byte order."""

    tag: int
    kind: int
    count: int
    data: bytes


Directory = dict[int, Entry]


@dataclass(frozen=True)
class Exif:
    """The main directory and that of the details; `order` is `<` or `>` as struct has it."""

    order: str
    main: Directory
    details: Directory

    def only(self, main: Callable[[int], bool], details: Callable[[int], bool]) -> Exif:
        """With the tags that these say yes to."""
        return Exif(
            self.order,
            {tag: entry for tag, entry in self.main.items() if main(tag)},
            {tag: entry for tag, entry in self.details.items() if details(tag)},
        )


def read(data: bytes) -> Exif:
    """The directories of EXIF data, or of a TIFF's first page; raises struct.error or KeyError where it is damaged."""
    data = data.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}[data[:4]]
    (start,) = unpack_from(f"{order}I", data, 4)
    main = _directory(data, order, start)
    pointer = main.pop(DETAILS, None)
    details = _directory(data, order, unpack_from(f"{order}I", pointer.data)[0]) if pointer else {}
    return Exif(order, main, details)


def _directory(data: bytes, order: str, at: int) -> Directory:
    (count,) = unpack_from(f"{order}H", data, at)
    entries = (_entry(data, order, at + 2 + 12 * index) for index in range(min(count, _MAX_ENTRIES)))
    return {entry.tag: entry for entry in entries if entry}


def _entry(data: bytes, order: str, at: int) -> Entry | None:
    """The entry, or None where it leads out of the file or is of a kind that nobody knows."""
    tag, kind, count = unpack_from(f"{order}HHI", data, at)
    length = _BYTES.get(kind, 0) * count
    start = at + 8 if length <= 4 else unpack_from(f"{order}I", data, at + 8)[0]
    values = data[start : start + length]
    return Entry(tag, kind, count, values) if length and len(values) == length else None


def written(exif: Exif) -> bytes:
    """The data as files hold them, beginning with `Exif`."""
    header = (b"II*\0" if exif.order == "<" else b"MM\0*") + pack(f"{exif.order}I", 8)
    main = dict(exif.main)
    if exif.details:
        main[DETAILS] = Entry(DETAILS, 4, 1, pack(f"{exif.order}I", 8 + _length(main) + 12))
    body = _written(main, exif.order, 8)
    if exif.details:
        body += _written(exif.details, exif.order, 8 + len(body))
    return b"Exif\0\0" + header + body


def _padded(entry: Entry) -> bytes:
    return entry.data + bytes(len(entry.data) % 2)


def _length(directory: Directory) -> int:
    outside = sum(len(_padded(entry)) for entry in directory.values() if len(entry.data) > 4)
    return 2 + 12 * len(directory) + 4 + outside


def _written(directory: Directory, order: str, at: int) -> bytes:
    table, values = pack(f"{order}H", len(directory)), b""
    begin = at + 2 + 12 * len(directory) + 4
    for tag, entry in sorted(directory.items()):
        place = entry.data.ljust(4, b"\0") if len(entry.data) <= 4 else pack(f"{order}I", begin + len(values))
        table += pack(f"{order}HHI", tag, entry.kind, entry.count) + place
        values += _padded(entry) if len(entry.data) > 4 else b""
    return table + bytes(4) + values
