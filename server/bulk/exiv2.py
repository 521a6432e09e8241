"""Exiv2 in a process of its own: a file that makes it crash, or never end, costs that process and a row."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as RanTooLong
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from transforms.failure import Failure, Kind

from .. import renderer
from ..renderers import MEMORY_BYTES
from . import keywords

SECONDS = 10.0  # for one file; 2 ms is usual

Write = Callable[[Path, Sequence[str], Path | None], str]


class Exiv2:
    """Writes keywords as `write` does, one file at a time. A context manager; its process starts with the first one."""

    def __init__(self, write: Write = keywords.write, seconds: float = SECONDS) -> None:
        self._write = write
        self._seconds = seconds
        self._pool: ProcessPool | None = None

    def __enter__(self) -> Exiv2:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            _end(self._pool)

    async def write(self, path: Path, words: Sequence[str], *, dry: bool = False) -> str:
        """As keywords.write; raises Failure keywords-failed as well."""
        copy = None if dry else path.with_name(f".darkroom-{secrets.token_hex(8)}{path.suffix}")
        try:
            return await self._run(path, words, copy)
        except Failure:
            raise
        except Exception as error:  # whatever Exiv2 stumbles over in this file: the others have their turn
            if copy is not None:
                with suppress(OSError):
                    copy.unlink(missing_ok=True)
            why = f"Exiv2 {self._why(error)}, which is as it was"
            raise Failure(Kind.UNPROCESSABLE, "keywords-failed", why, hint="it may be damaged") from None

    def _why(self, error: Exception) -> str:
        match error:
            case RanTooLong():
                return f"took more than {self._seconds:g} s for this file"
            case ProcessExpired() | BrokenProcessPool():
                return "crashed on this file"
        return "makes no sense of this file"

    async def _run(self, path: Path, words: Sequence[str], copy: Path | None) -> str:
        pool = self._started()
        try:
            return await self._scheduled(pool, path, words, copy)
        except BrokenProcessPool:  # pebble gives it up where its process ends that has nothing to do
            if self._pool is pool:
                self._pool = None
                await asyncio.to_thread(_end, pool)
            return await self._scheduled(self._started(), path, words, copy)

    async def _scheduled(self, pool: ProcessPool, path: Path, words: Sequence[str], copy: Path | None) -> str:
        try:
            future = pool.schedule(self._write, args=(path, words, copy), timeout=self._seconds)
        except RuntimeError as error:  # what a broken pool says
            raise BrokenProcessPool from error
        return await asyncio.wrap_future(future)

    def _started(self) -> ProcessPool:
        if self._pool is None:
            context = get_context("forkserver")
            self._pool = ProcessPool(
                1, initializer=renderer.start, initargs=(None, None, MEMORY_BYTES), context=context
            )
        return self._pool


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join(5)
