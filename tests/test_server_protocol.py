"""Connections that stand still, say too much, are too many or go away: real sockets against a real uvicorn."""

from __future__ import annotations

import asyncio
import json
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from server.protocol import HEAD_BYTES, SPARE, Doors
from server.settings import Settings

from .servers import Server

LARGE = 32 << 20  # bytes of an answer that no socket's buffers hold


class App:
    """Answers /health and what else is asked at once, /large with much, /slow never."""

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
        body = bytes(LARGE) if scope["path"] == "/large" else b"well"
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Running:
    """A uvicorn in a thread, and the sockets to it."""

    def __init__(self, doors: Doors, loop: str) -> None:
        self.doors, self.app = doors, App()
        config = uvicorn.Config(
            self.app, port=0, http=cast(Any, doors.protocol), loop=cast(Any, loop), ws="none", lifespan="off",
            log_config=None, timeout_keep_alive=60, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._stack = ExitStack()

    def __enter__(self) -> Running:
        self._thread.start()
        wait_for(lambda: self._server.started)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._server.should_exit = True
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


@contextmanager
def running(loop: str = "asyncio", **options: float) -> Iterator[Running]:
    with Running(Doors(**cast(Any, options)), loop) as server:
        yield server


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param)
    return str(request.param)


def test_ordinary_requests_on_one_connection(loop: str) -> None:
    with running(loop) as server:
        connection = server.connect()
        for _ in range(3):
            connection.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer(connection)[::2] == (200, b"well")
        connection.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n" * 3)  # pipelined
        wait_for(lambda: connection.recv(1 << 16, socket.MSG_PEEK).count(b"well") == 3)
        assert len(server.doors.idle) == 1
        connection.close()
        wait_for(lambda: not server.doors.connections and not server.doors.idle)


@pytest.mark.parametrize(
    ("begin", "status"),
    [("", None), ("\r\n", None), ("GET /a HT", 408), ("GET /a HTTP/1.1\r\nHost: x\r\nX-Y", 408)],
    ids=["nothing", "line end", "request line", "headers"],
)
def test_headers_that_do_not_come(loop: str, begin: str, status: int | None) -> None:
    with running(loop, header_timeout=0.1) as server:
        connection = server.connect(begin)
        if status is None:
            assert connection.recv(100) == b""
        else:
            code, headers, body = answer(connection)
            assert (code, json.loads(body)["code"], headers["connection"]) == (status, "headers-timeout", "close")
            assert ends(connection)


def test_dribbling_does_not_help(loop: str) -> None:
    with running(loop, header_timeout=0.2) as server:
        connection = server.connect("GET /a HTTP/1.1\r\n")
        until = time.monotonic() + 10
        with suppress(ConnectionError):
            while time.monotonic() < until:
                connection.sendall(b"X: y\r\n")
                time.sleep(0.01)
        assert time.monotonic() < until


@pytest.mark.parametrize("begin", ["GET /b HT", "\r\n"])
def test_the_second_request_of_a_connection_is_bounded_too(loop: str, begin: str) -> None:
    with running(loop, header_timeout=0.1) as server:
        connection = server.connect("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(connection)[0] == 200
        time.sleep(0.3)  # an idle connection may stay
        connection.sendall(begin.encode())
        assert ends(connection)


def test_three_hundred_slow_connections_do_not_stop_the_others(loop: str) -> None:
    with running(loop, header_timeout=0.5, max_clients=200) as server:
        slow = [server.connect("GET /a HTTP/1.1\r\nHost:") for _ in range(300)]
        wait_for(lambda: len(server.doors.connections) == 300)
        assert server.get("/health")[0] == 200
        status, headers, body = server.get("/a.jpg")
        assert (status, json.loads(body)["code"], headers["connection"]) == (503, "too-many-clients", "close")
        assert headers["retry-after"] == "2"
        assert all(ends(connection) for connection in slow)
        wait_for(lambda: len(server.doors.connections) < 200)
        assert server.get("/a.jpg")[0] == 200


def test_idle_connections_make_room(loop: str) -> None:
    with running(loop, max_clients=3) as server:
        idle = [server.connect("GET /a HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(3)]
        assert [answer(connection)[0] for connection in idle] == [200] * 3
        wait_for(lambda: len(server.doors.idle) == 3)
        assert server.get("/b")[0] == 200
        assert ends(idle[0])


def test_connections_far_beyond_the_bound_are_dropped() -> None:
    with running(max_clients=1) as server:
        held = [server.connect("GET") for _ in range(SPARE + 1)]
        wait_for(lambda: len(server.doors.connections) == SPARE + 1)
        assert ends(server.connect("GET"))
        assert len(held) == len(server.doors.connections)


def test_a_reader_that_takes_nothing_is_cut_off(loop: str) -> None:
    with running(loop, write_timeout=0.2) as server:
        stuck = server.connect("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: server.doors.connections)
        wait_for(lambda: not server.doors.connections)
        taken = 0
        with suppress(ConnectionError):
            while piece := stuck.recv(1 << 16):
                taken += len(piece)
        assert taken < LARGE


def test_a_reader_that_takes_little_by_little_gets_all(loop: str) -> None:
    with running(loop, write_timeout=0.3) as server:
        slow = server.connect("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        taken = 0
        while taken < LARGE:
            piece = slow.recv(1 << 20)
            assert piece
            taken += len(piece)
            time.sleep(0.02)


@pytest.mark.parametrize("line", [False, True], ids=["many headers", "one header without an end"])
def test_a_head_that_is_too_large(loop: str, line: bool) -> None:
    with running(loop) as server:
        connection = server.connect("GET /a HTTP/1.1\r\nHost: x\r\n")
        text = b"X: " + b"y" * (2 * HEAD_BYTES) if line else b"X: y\r\n" * (2 * HEAD_BYTES // 6) + b"\r\n"
        try:
            connection.sendall(text)
            status, _, body = answer(connection)
            assert (status, json.loads(body)["code"]) == (431, "headers-too-large")
        except ConnectionError:  # it did not wait for the rest
            pass
        assert server.get("/a")[0] == 200


def test_a_head_that_is_large_enough(loop: str) -> None:
    with running(loop) as server:
        connection = server.connect("GET /a HTTP/1.1\r\nHost: x\r\nX: " + "y" * (HEAD_BYTES - 1000) + "\r\n\r\n")
        assert answer(connection)[0] == 200


@pytest.mark.parametrize("field", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
def test_the_body_of_a_get_is_not_waited_for(loop: str, field: str) -> None:
    with running(loop) as server:
        connection = server.connect(f"GET /a HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n5\r\nhello")
        status, headers, body = answer(connection)
        assert (status, headers["connection"], body) == (200, "close", b"well")
        assert ends(connection)


@pytest.mark.parametrize(("method", "cancelled"), [("GET", True), ("DELETE", False)])
def test_a_client_that_goes_away_ends_its_work(loop: str, method: str, cancelled: bool) -> None:
    with running(loop) as server:
        connection = server.connect(f"{method} /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert server.app.begun.wait(10)
        connection.close()
        assert server.app.cancelled.wait(10 if cancelled else 0.2) is cancelled
        assert server.get("/a")[0] == 200


def test_what_waits_for_clients_that_went_away_is_never_rendered(media: Path, detection: str) -> None:
    with Server(media=media, detection=detection, renderers=1) as server:
        server.wait("/health")
        gone = []
        for n in range(12):
            gone.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            gone[-1].sendall(
                f"GET /resize:{2000 + n}x,enlarge/format:avif/photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            )
        wait_for(lambda: server.metric("darkroom_pixels_in_flight") > 0)
        for connection in gone:
            connection.close()
        assert server.get("/resize:20x/photo.jpg").status_code == 200
        assert server.metric("darkroom_pixels_in_flight") == 0
        assert server.metric('darkroom_request_span_duration_seconds_count{span="encode"}') < 6
        assert server.metric('darkroom_errors_total{type="internal-error"}') == 0
        assert "Traceback" not in server.log()


def test_the_settings_are_the_bounds_and_travel_to_other_processes() -> None:
    doors = Doors.of(Settings(header_timeout=3, write_timeout=7, max_clients=9))
    again = pickle.loads(pickle.dumps(doors.protocol)).__self__  # noqa: S301 - our own
    assert (again.header_timeout, again.write_timeout, again.max_clients) == (3.0, 7.0, 9)
