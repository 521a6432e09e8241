"""A real HTTP server on loopback whose routes the tests script, down to the bytes on the wire."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Reply = tuple[int, Mapping[str, str], bytes]


@dataclass(frozen=True)
class Seen:
    """A request that arrived. `path` is as it was sent, with its query; names of headers are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


class Exchange:
    """One request and the way to answer it byte by byte."""

    def __init__(self, handler: BaseHTTPRequestHandler, closing: threading.Event, seen: Seen) -> None:
        self.request = seen
        self._handler = handler
        self._closing = closing

    def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send(self, data: bytes) -> None:
        self._handler.wfile.write(data)

    def reset(self) -> None:
        """End the connection as a crash does: with RST instead of FIN."""
        self._handler.wfile.flush()
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.connection.close()

    def wait(self, seconds: float) -> bool:
        """Let time pass; True as soon as the origin closes, so that no test waits for a slow route."""
        return self._closing.wait(seconds)


Script = Callable[[Exchange], Reply | None]
Route = Reply | Script


class Origin:
    """Use as a context manager. `routes` may be changed while it runs; a path without a route is a 404.

    A route is a reply (status, headers, body), or a function of the exchange that returns one or sends what it likes,
    after which the connection is closed. `requests` is the log, `connections` how many were accepted.
    """

    def __init__(
        self, routes: Mapping[str, Route] | None = None, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.routes = dict(routes or {})
        self.requests: list[Seen] = []
        self.host = host
        self._closing = threading.Event()
        self._server = _Server((host, 0), _handler(self, self._closing))
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )  # fmt: skip
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.host}:{self.port}"

    @property
    def connections(self) -> int:
        return self._server.accepted

    def paths(self) -> list[str]:
        return [seen.path for seen in self.requests]

    def __enter__(self) -> Origin:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.accepted = 0
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.accepted += 1
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what many tests are about."""


def _handler(origin: Origin, closing: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, self.path, headers)
            origin.requests.append(seen)
            route = origin.routes.get(self.path.partition("?")[0], (404, {}, b"no such route"))
            answer = route(Exchange(self, closing, seen)) if callable(route) else route
            if answer is None:
                self.close_connection = True
            else:
                self._reply(*answer)

        do_HEAD = do_GET  # noqa: N815

        def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            length = {} if status in (204, 304) else {"Content-Length": str(len(body))}
            self.send_response(status)
            for name, value in {**length, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD" and length:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the console."""

    return Handler


def image(body: bytes, **headers: str) -> Reply:
    """An ordinary answer; `cache_control="max-age=5"` gives the header Cache-Control."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return 200, {"Content-Type": "image/jpeg", **named}, body


def redirect(to: str, status: int = 302) -> Reply:
    return status, {"Location": to}, b""


def silent(seconds: float = 30.0) -> Script:
    """Accepts the request and says nothing."""

    def script(exchange: Exchange) -> None:
        exchange.wait(seconds)

    return script


def dripping(body: bytes, pause: float) -> Script:
    """Sends the body byte by byte."""

    def script(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": str(len(body))})
        for index in range(len(body)):
            if exchange.wait(pause):
                return
            exchange.send(body[index : index + 1])

    return script


def slow_head(pause: float = 0.1) -> Script:
    """Sends its status line, and then a header a while, for ever."""

    def script(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n")
        while not exchange.wait(pause):
            exchange.send(b"X-More: to come\r\n")

    return script


def endless_head() -> Script:
    """Sends headers as fast as it can, and never a body."""

    def script(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n")
        while not exchange.wait(0):
            exchange.send(b"X-More: to come\r\n" * 1000)

    return script


def chunked(raw: bytes, *, resetting: bool = False) -> Script:
    """Says that it sends chunks, sends the bytes as they are, and hangs up."""

    def script(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        exchange.send(raw)
        if resetting:
            exchange.reset()

    return script


def resetting(after: bytes = b"") -> Script:
    def script(exchange: Exchange) -> None:
        exchange.send(after)
        exchange.reset()

    return script


def endless(chunk: bytes = b"\0" * 65536) -> Script:
    """Sends without saying how much, and never stops."""

    def script(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "image/jpeg"})
        while not exchange.wait(0):
            exchange.send(chunk)

    return script


def claiming(length: int | str, body: bytes) -> Script:
    """Says one length and sends another."""

    def script(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": str(length)})
        exchange.send(body)

    return script


def compressed(body: bytes, encoding: str = "gzip") -> Reply:
    return 200, {"Content-Encoding": encoding}, gzip.compress(body)
