"""A load generator that does not wait: requests leave when they are due, however long the answers take.

`python -m bench.openloop` reads a plan as JSON from standard input and prints what came of it. About 60 µs of processor
time a request: raw asyncio protocols, httptools for the answers, connections kept alive and reused.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import sys
import time
from typing import Any

import httptools

Taken = tuple[float, float, int]
"""When it was due, in seconds from the start; seconds to the last byte of the answer; status, 0 without one."""


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, run: Run, number: int) -> None:
        self._run = run
        self._number = number
        self._due = -1.0
        self._status = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, due: float, path: str) -> None:
        assert self._transport is not None
        self._due, self._status = due, 0
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        keep = self._parser.should_keep_alive()
        self._finish(status)
        if keep:
            self._run.free(self, self._number)
        elif self._transport:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._due >= 0:
            self._finish(0)
        self._run.lost(self, self._number)

    def _finish(self, status: int) -> None:
        self._run.take(self._due, status)
        self._due = -1.0


class Run:
    """Requests at a mean rate for some seconds, from several addresses of the loopback network."""

    def __init__(self, port: int, rate: float, seconds: float, clients: int, paths: list[str], seed: int = 0) -> None:
        self._port, self._clients, self._paths = port, clients, paths
        chance = random.Random(seed)  # noqa: S311 - arrivals, not secrets
        self._dues: list[float] = []
        due = 0.0
        while (due := due + chance.expovariate(rate)) < seconds and len(self._dues) < len(paths):
            self._dues.append(due)
        self._idle: list[list[Connection]] = [[] for _ in range(clients)]
        self.taken: list[Taken] = []
        self.late = 0.0  # s that the generator itself was behind, at most
        self._opened: set[asyncio.Task[None]] = set()
        self._started = 0.0
        self._complete = asyncio.Event()

    @property
    def now(self) -> float:
        return time.perf_counter() - self._started

    def take(self, due: float, status: int) -> None:
        self.taken.append((due, self.now - due, status))
        if len(self.taken) == len(self._dues):
            self._complete.set()

    def free(self, connection: Connection, number: int) -> None:
        self._idle[number].append(connection)

    def lost(self, connection: Connection, number: int) -> None:
        if connection in self._idle[number]:
            self._idle[number].remove(connection)

    async def go(self) -> None:
        self._started = time.perf_counter()
        for index, due in enumerate(self._dues):
            if due > self.now:
                await asyncio.sleep(due - self.now)
            self.late = max(self.late, self.now - due)
            self._send(due, self._paths[index], index % self._clients)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._complete.wait(), 30)

    def _send(self, due: float, path: str, number: int) -> None:
        if self._idle[number]:
            self._idle[number].pop().send(due, path)
            return
        task = asyncio.ensure_future(self._open(due, path, number))
        self._opened.add(task)
        task.add_done_callback(self._opened.discard)

    async def _open(self, due: float, path: str, number: int) -> None:
        loop = asyncio.get_running_loop()
        source = (f"127.0.0.{2 + number % 250}", 0)
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self, number), "127.0.0.1", self._port, local_addr=source
            )  # fmt: skip
        except OSError:
            self.take(due, 0)
            return
        connection.send(due, path)


def main() -> None:
    plan: dict[str, Any] = json.load(sys.stdin)
    with contextlib.suppress(PermissionError):
        os.nice(-5)  # a generator that waits for the processor measures itself
    run = Run(**plan)
    asyncio.run(run.go())
    used = resource.getrusage(resource.RUSAGE_SELF)
    json.dump({"taken": run.taken, "late": run.late, "cpu": used.ru_utime + used.ru_stime}, sys.stdout)


if __name__ == "__main__":
    main()
