"""One connection to the index in SQLite, and all that is said to it."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..tags import named
from .bands import bands, near
from .index import CANDIDATES, Alike, Listed
from .record import Record, pack, unpack

T = TypeVar("T")

BUSY = 1.0  # s that another process may hold the file
SCHEMA_VERSION = 1
EVICTED = 100  # at a time, so that nobody waits for it

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sources (
    number INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL UNIQUE, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS names (
    name TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (name, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (
    mark TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (mark, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bands (
    band INTEGER NOT NULL, number INTEGER NOT NULL, fingerprint BLOB NOT NULL,
    PRIMARY KEY (band, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS named AFTER INSERT ON names BEGIN
    INSERT INTO counts VALUES (new.name, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS unnamed AFTER DELETE ON names BEGIN
    UPDATE counts SET count = count - 1 WHERE name = old.name;
    DELETE FROM counts WHERE name = old.name AND count <= 0; END;
CREATE TRIGGER IF NOT EXISTS came AFTER INSERT ON sources BEGIN
    INSERT INTO counts VALUES ('', 1) ON CONFLICT (name) DO UPDATE SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS went AFTER DELETE ON sources BEGIN
    UPDATE counts SET count = count - 1 WHERE name = ''; END;
"""
_BROKEN = ("malformed", "not a database", "no such table", "no such column")

_log = logging.getLogger(__name__)


class File:
    """One connection, which one thread uses; it connects at the first call."""

    def __init__(self, path: Path | None, most: int) -> None:
        self._path = path
        self._most = most
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    def do(self, work: Callable[[File], T]) -> T:
        """The work, once more with a new file where the old one turns out to be broken, or was taken away."""
        if self._path is not None and self._connection is not None and self._inode != _inode(self._path):
            self.close()
        try:
            return work(self)
        except sqlite3.DatabaseError as error:
            if self._path is None or not any(text in str(error) for text in _BROKEN):
                raise
            _log.warning("the search index is broken (%s) and begun anew", error)
            self._remove()
            return work(self)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def put(self, records: Sequence[Record]) -> list[str]:
        with self._writing() as to:
            outcomes = ["put" if self._put(to, record) else "same" for record in records]
            return outcomes + ["evicted"] * self._evict(to)

    def _put(self, to: sqlite3.Connection, record: Record) -> bool:
        known = to.execute("SELECT number, record FROM sources WHERE source = ?", (record.source,)).fetchone()
        old = unpack(known[1]) if known else None
        whole = record.over(old)
        if old is not None and whole == old:
            return False
        # A number is kept only while the content is the same: a listing that goes on must not meet it twice.
        same = known is not None and old is not None and old.content == whole.content
        if known:
            self._unlist(to, [(int(known[0]), old)])
        if same:
            number = int(known[0])
            to.execute("UPDATE sources SET record = ? WHERE number = ?", (pack(whole), number))
        else:
            if known:
                to.execute("DELETE FROM sources WHERE number = ?", (known[0],))
            values = (whole.source, pack(whole))
            number = int(to.execute("INSERT INTO sources (source, record) VALUES (?, ?)", values).lastrowid or 0)
        self._list(to, number, whole)
        return True

    def _list(self, to: sqlite3.Connection, number: int, record: Record) -> None:
        to.executemany("INSERT OR IGNORE INTO names VALUES (?, ?)", [(name, number) for name in record.names])
        to.executemany("INSERT OR IGNORE INTO marks VALUES (?, ?)", [(mark, number) for mark in record.marks])
        if record.fingerprint is not None:
            bits = record.fingerprint.to_bytes(8, "big")
            rows = [(band, number, bits) for band in bands(record.fingerprint)]
            to.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?, ?)", rows)

    def _unlist(self, to: sqlite3.Connection, known: Sequence[tuple[int, Record | None]]) -> None:
        """Without a record that can be read all lists are searched, which takes a while and never happens."""
        for number in (number for number, record in known if record is None):
            for table in ("names", "marks", "bands"):
                to.execute(f"DELETE FROM {table} WHERE number = ?", (number,))  # noqa: S608 - names of ours
        read = [(number, record) for number, record in known if record is not None]
        names = [(name, number) for number, record in read for name in record.names]
        marks = [(mark, number) for number, record in read for mark in record.marks]
        prints = [(number, record.fingerprint) for number, record in read if record.fingerprint is not None]
        to.executemany("DELETE FROM names WHERE name = ? AND number = ?", names)
        to.executemany("DELETE FROM marks WHERE mark = ? AND number = ?", marks)
        rows = [(band, number) for number, bits in prints for band in bands(bits)]
        to.executemany("DELETE FROM bands WHERE band = ? AND number = ?", rows)

    def _drop(self, to: sqlite3.Connection, numbers: Sequence[int]) -> int:
        chosen = "number IN (SELECT value FROM json_each(?))"
        rows = to.execute(f"SELECT number, record FROM sources WHERE {chosen}", (json.dumps(numbers),))  # noqa: S608
        self._unlist(to, [(int(number), unpack(packed)) for number, packed in rows.fetchall()])
        to.execute(f"DELETE FROM sources WHERE {chosen}", (json.dumps(numbers),))  # noqa: S608
        return len(numbers)

    def _evict(self, to: sqlite3.Connection) -> int:
        row = to.execute("SELECT count FROM counts WHERE name = ''").fetchone()
        over = (row[0] if row else 0) - self._most
        if over <= 0:
            return 0
        count = max(over, min(EVICTED, self._most // 10))
        oldest = to.execute("SELECT number FROM sources ORDER BY number LIMIT ?", (count,))
        return self._drop(to, [number for (number,) in oldest.fetchall()])

    def get(self, source: str) -> Record | None:
        row = self._open().execute("SELECT record FROM sources WHERE source = ?", (source,)).fetchone()
        return unpack(row[0]) if row else None

    def tags(self, prefix: str, after: str, limit: int) -> list[tuple[str, int]]:
        end = prefix + "\U0010ffff"
        rows = self._open().execute(
            "SELECT name, count FROM counts WHERE name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?",
            (after, prefix, end, limit),
        )
        return [(str(name), int(count)) for name, count in rows]

    def sources(self, names: Sequence[str], before: int | None, limit: int) -> list[Listed]:
        """Along the rarest of the tags; whether the others are there too is one look-up each."""
        counts = dict(
            self._open().execute(
                "SELECT name, count FROM counts WHERE name IN (SELECT value FROM json_each(?))", (json.dumps(names),)
            )
        )
        rarest, *others = sorted(set(names), key=lambda name: counts.get(name, 0))
        also = "".join(" AND EXISTS (SELECT 1 FROM names o WHERE o.name = ? AND o.number = n.number)" for _ in others)
        rows = self._open().execute(
            f"SELECT n.number, s.record FROM names n JOIN sources s ON s.number = n.number WHERE n.name = ?"  # noqa: S608
            f" AND n.number < ?{also} ORDER BY n.number DESC LIMIT ?",
            (rarest, before if before is not None else 1 << 62, *others, limit),
        )
        return list(_listed(rows))

    def similar(self, fingerprint: int, distance: int, limit: int) -> list[Alike]:
        rows = self._open().execute(
            "SELECT number, fingerprint FROM bands WHERE band IN (SELECT value FROM json_each(?)) LIMIT ?",
            (json.dumps(near(fingerprint, distance)), CANDIDATES),
        )
        seen = {int(number): (int.from_bytes(bits, "big") ^ fingerprint).bit_count() for number, bits in rows}
        best = sorted((far, -number) for number, far in seen.items() if far <= distance)[:limit]
        numbers = json.dumps([-number for _, number in best])
        found = self._open().execute(
            "SELECT number, record FROM sources WHERE number IN (SELECT value FROM json_each(?))", (numbers,)
        )
        by_number = {listed.number: listed for listed in _listed(found)}
        return [Alike(far, by_number[-number]) for far, number in best if -number in by_number]

    def forget(self, marks: Collection[str], most: int) -> int:
        wanted = json.dumps(sorted(marks))
        with self._writing() as to:
            names = [name for (name,) in to.execute("SELECT name FROM counts") if named("tag", [name])[0] in marks]
            rows = to.execute(
                "SELECT number FROM sources WHERE source IN (SELECT value FROM json_each(?1))"
                " UNION SELECT number FROM marks WHERE mark IN (SELECT value FROM json_each(?1))"
                " UNION SELECT number FROM names WHERE name IN (SELECT value FROM json_each(?2)) LIMIT ?3",
                (wanted, json.dumps(names), most),
            )
            return self._drop(to, [number for (number,) in rows.fetchall()])

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, begun as one that writes: one that becomes so later may find the file changed."""
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            where = self._path or ":memory:"
            opened = sqlite3.connect(where, timeout=BUSY, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(opened)
            except BaseException:
                opened.close()
                raise
            self._connection = opened
            self._inode = _inode(self._path) if self._path is not None else None
        return self._connection

    def _prepare(self, opened: sqlite3.Connection) -> None:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("PRAGMA synchronous = NORMAL")  # a crash of the machine may cost the last records, not the file
        [[version]] = opened.execute("PRAGMA user_version")
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError("no such table: it is of another version")
        opened.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")

    def _remove(self) -> None:
        """The file that this connection has, and no other that took its place meanwhile."""
        assert self._path is not None  # noqa: S101 - asked by `do`
        mine = self._connection is None or self._inode == _inode(self._path)
        self.close()
        if mine:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def _listed(rows: Any) -> Iterator[Listed]:
    for number, packed in rows:
        record = unpack(packed)
        if record is not None:
            yield Listed(int(number), record)
