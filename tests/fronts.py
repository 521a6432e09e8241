"""A real uvicorn with our protocol in a thread, a small application, and raw sockets to it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse
from typing import Any, cast

import uvicorn
from starlette.types import Receive, Scope, Send

from server.protocol import Doors
from server.whole import WHOLE

LARGE = 32 << 20  # bytes of an answer that no socket's buffers hold
WHOLE_BODY = bytes(range(256)) * 1024


class App:
    """Answers /health and what else is asked at once, /large with much, /whole at once, /pause late, /slow never."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.begun = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/slow":
            self.begun.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        if scope["path"] == "/whole":
            await scope["extensions"][WHOLE](200, b"content-length: %d\r\n" % len(WHOLE_BODY), WHOLE_BODY)
            return
        if scope["path"] == "/pause":
            await asyncio.sleep(0.2)
        body = bytes(LARGE) if scope["path"] == "/large" else b"well"
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Running:
    """A uvicorn in a thread, and the sockets to it."""

    def __init__(self, doors: Doors, loop: str) -> None:
        self.doors, self.app = doors, App()
        self.refused: list[str] = []
        doors.refused = self.refused.append
        config = uvicorn.Config(
            self.app, port=0, http=cast(Any, doors.protocol), loop=cast(Any, loop), ws="none", lifespan="off",
            log_config=None, timeout_keep_alive=60, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.server.run)
        self._stack = ExitStack()

    def __enter__(self) -> Running:
        self._thread.start()
        wait_for(lambda: self.server.started)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.server.should_exit = True
        self._thread.join(20)

    def connect(self, text: str = "") -> socket.socket:
        connection = self._stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=10))
        connection.sendall(text.encode())
        return connection

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        return answer(self.connect(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))


def answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    response = HTTPResponse(connection)
    response.begin()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def wait_for(what: Callable[[], object], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.005)


def ends(connection: socket.socket) -> bool:
    """Whether the server closes the connection, whatever it says before."""
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


def read(connection: socket.socket) -> bytes:
    """All that the server says until it closes the connection."""
    said = b""
    with suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            said += piece
    return said


@contextmanager
def running(loop: str = "asyncio", **options: float) -> Iterator[Running]:
    with Running(Doors(**cast(Any, options)), loop) as server:
        yield server
