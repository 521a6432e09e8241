"""Connections that stand still, say too much, are too many or go away: real sockets against a real uvicorn."""

from __future__ import annotations

import json
import logging
import pickle
import re
import socket
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from server.protocol import HEAD_BYTES, PIPELINED, SPARE, Doors
from server.settings import Settings

from .fronts import LARGE, WHOLE_BODY, answer, ends, read, running, wait_for
from .servers import Server


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


def test_far_beyond_the_bound_the_one_that_waits_longest_makes_room(loop: str) -> None:
    with running(loop, max_clients=1) as server:
        held = [server.connect("GET") for _ in range(SPARE + 1)]
        wait_for(lambda: len(server.doors.connections) == SPARE + 1)
        assert server.get("/health")[0] == 200
        assert ends(held[0])
        assert len(server.doors.connections) <= SPARE + 1
        assert server.refused == ["too-many-clients"]


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


def test_a_reader_that_takes_a_trickle_is_cut_off(loop: str) -> None:
    with running(loop, write_timeout=0.5) as server:
        slow = server.connect("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: server.doors.connections)
        protocol = next(iter(server.doors.connections))
        transport, unsent = protocol.transport, count(LARGE, -100)
        protocol.transport = cast(
            Any, SimpleNamespace(get_write_buffer_size=lambda: next(unsent), abort=transport.abort)
        )
        wait_for(lambda: not server.doors.connections)
        assert ends(slow)
        assert server.refused == ["answer-not-taken"]


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


def test_more_pipelined_requests_than_are_queued_end_the_connection(loop: str) -> None:
    with running(loop) as server:
        connection = server.connect("GET /pause HTTP/1.1\r\n\r\n" + "GET /a HTTP/1.1\r\n\r\n" * 5000)
        said = read(connection)
        assert said.count(b"HTTP/1.1 200") == 1 + PIPELINED
        assert said.count(b"connection: close") == 1
        assert server.refused == ["pipelined-too-much"]


def test_what_is_pipelined_is_dropped_with_its_connection(loop: str) -> None:
    with running(loop) as server:
        connection = server.connect("GET /slow HTTP/1.1\r\n\r\n" + "GET /a HTTP/1.1\r\n\r\n" * 100)
        assert server.app.begun.wait(10)
        protocol = next(iter(server.doors.connections))
        queued = [cycle for cycle, _ in protocol.pipeline]
        connection.close()
        assert server.app.cancelled.wait(10)
        wait_for(lambda: not server.doors.connections)
        assert [cycle.disconnected for cycle in queued] == [True] * PIPELINED
        assert not protocol.pipeline


@pytest.mark.parametrize("first", ["/a", "/whole"])
def test_the_work_of_a_pipelined_request_ends_with_its_client(loop: str, first: str) -> None:
    with running(loop) as server:
        connection = server.connect(f"GET {first} HTTP/1.1\r\n\r\nGET /slow HTTP/1.1\r\n\r\n")
        assert server.app.begun.wait(10)
        connection.close()
        assert server.app.cancelled.wait(10)


def test_a_whole_answer_with_a_large_body(loop: str) -> None:
    with running(loop) as server:
        assert server.get("/whole")[::2] == (200, WHOLE_BODY)
        connection = server.connect("HEAD /whole HTTP/1.1\r\n\r\nGET /a HTTP/1.1\r\nConnection: close\r\n\r\n")
        said = read(connection)
        assert said.count(b"HTTP/1.1 200") == 2
        assert len(said) < 1000


@pytest.mark.parametrize("path", ["/whole", "/a"])
def test_connections_end_while_the_server_is_about_to_stop(loop: str, path: str) -> None:
    with running(loop) as server:
        connection = server.connect()
        server.server.server_state.default_headers = [(b"connection", b"close")]
        server.server.config.encoded_headers.append((b"connection", b"close"))
        connection.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        assert read(connection).count(b"connection: close") == 1


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_an_upgrade_is_answered_without_and_ends(loop: str, protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), running(loop) as server:
        asked = f"GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
        said = read(server.connect(asked + "GET /a HTTP/1.1\r\n\r\n"))
        assert (said.count(b"HTTP/1.1 200"), said.count(b"connection: close")) == (1, 1)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("begin", "statuses"),
    [("", [b"400"]), ("GET /pause HTTP/1.1\r\n\r\n", [b"200"])],
    ids=["alone", "behind a request"],
)
def test_what_is_no_request(loop: str, begin: str, statuses: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), running(loop) as server:
        said = read(server.connect(begin + "RUBBISH\r\n\r\n"))
        assert re.findall(rb"HTTP/1.1 (\d+)", said) == statuses
        assert server.refused == ["malformed-request"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_refusals_at_the_door_are_counted(media: Path) -> None:
    with Server(media=media, max_clients=1) as server:
        server.wait("/health")
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"RUBBISH\r\n\r\n")
            assert ends(connection)
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as one:
            one.sendall(b"GET")
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as other:
                other.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
                assert answer(other)[0] == 503
        assert server.metric('darkroom_errors_total{type="malformed-request"}') == 1
        assert server.metric('darkroom_errors_total{type="too-many-clients"}') == 1
        assert server.metric('darkroom_shed_total{reason="too-many-clients"}') == 1
