"""News of purges, from replicas by way of Redis and from other processes of this machine by datagrams."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Any

import msgpack

OnPurge = Callable[[Collection[str]], Coroutine[Any, Any, None]]

SUFFIX = ".purges"
AT_ONCE = 200  # tags in a datagram: the kernel takes 200 KB
PATIENCE = 1.0  # s for a process that does not read its datagrams

_log = logging.getLogger(__name__)


class LocalNews:
    """Datagrams between the processes that are given the same folder; each has a socket in it."""

    def __init__(self, folder: Path, on_purge: OnPurge) -> None:
        self._folder = folder
        self._on_purge = on_purge
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._socket: socket.socket | None = None
        self._working: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Raises OSError where the folder cannot be written, or its path is too long (100 bytes)."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            receiver.bind(str(self._path))
        except OSError:
            receiver.close()
            raise
        self._path.chmod(0o600)
        self._socket = receiver
        asyncio.get_running_loop().add_reader(receiver.fileno(), self._receive)

    async def tell(self, tags: Collection[str]) -> None:
        """Tells all others; whoever ended without tidying up is tidied up after."""
        if self._socket is None:
            return
        ordered = sorted(tags)
        for start in range(0, len(ordered), AT_ONCE):
            note = msgpack.packb(ordered[start : start + AT_ONCE])
            await asyncio.gather(*(self._send(path, note) for path in self._others()))

    async def close(self) -> None:
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._socket = None
        self._path.unlink(missing_ok=True)
        await asyncio.gather(*self._working, return_exceptions=True)

    def _others(self) -> list[Path]:
        return [path for path in self._folder.glob(f"*{SUFFIX}") if path != self._path]

    async def _send(self, path: Path, note: bytes) -> None:
        pause = 0.001
        while pause < PATIENCE:
            try:
                assert self._socket is not None  # noqa: S101 - tell asked
                self._socket.sendto(note, str(path))
                return
            except BlockingIOError:  # its queue is full
                await asyncio.sleep(pause)
                pause *= 2
            except ConnectionRefusedError:
                _forget(path)
                return
            except OSError as error:
                _log.info("a process was not told of a purge: %s", error.strerror)
                return
        _log.warning("a process does not read what was purged")

    def _receive(self) -> None:
        while self._socket is not None:
            try:
                note = self._socket.recv(2**18)
            except OSError:  # nothing more to read
                return
            task = asyncio.create_task(self._on_purge(_tags(note)))
            self._working.add(task)
            task.add_done_callback(self._working.discard)


def _forget(path: Path) -> None:
    """The socket of a process that ended without tidying up."""
    path.unlink(missing_ok=True)


def _tags(note: bytes) -> list[str]:
    try:
        return [tag for tag in msgpack.unpackb(note) if isinstance(tag, str)]
    except (ValueError, TypeError):
        return []
