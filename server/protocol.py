"""The front door: HTTP/1.1 as uvicorn reads it, with bounds on what a client may cost before it has said anything.

uvicorn waits for ever for the end of a request's headers and for a client to take its answer, and goes on with work
that nobody waits for any more. One sweep a second over all connections looks for those that stand still, so that none
of this costs a request anything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from transforms.failure import Failure, Kind

from . import errors

if TYPE_CHECKING:
    from .settings import Settings

WHOLE = "darkroom.whole"
"""Extension of the ASGI scope: `await whole(status, head, body)` sends an answer at once, its head as lines."""

HEAD_BYTES = 65_536  # of request line and headers
SPARE = 256  # connections above the greatest number, which are answered that there are too many
EXEMPT = frozenset({"/health", "/healthcheck", "/metrics", "/ready"})
SWEEP_SECONDS = 1.0


@dataclass(eq=False)
class Doors:
    """The bounds of one front, and its connections. Seconds; see docs/limits.md."""

    header_timeout: float = 5.0
    write_timeout: float = 30.0
    max_clients: int = 2048
    connections: dict[Protocol, None] = field(default_factory=dict, repr=False)
    idle: dict[Protocol, None] = field(default_factory=dict, repr=False)
    _sweeping: asyncio.TimerHandle | None = field(default=None, repr=False)

    @staticmethod
    def of(settings: Settings) -> Doors:
        return Doors(settings.header_timeout, settings.write_timeout, settings.max_clients)

    def protocol(self, *arguments: Any, **options: Any) -> Protocol:
        """What uvicorn makes for each connection: give it as `http=`."""
        return Protocol(self, *arguments, **options)

    def enter(self, protocol: Protocol) -> bool:
        """Whether there is room for one more connection; for it the one that is idle the longest is closed."""
        if len(self.connections) >= self.max_clients and self.idle:
            oldest = next(iter(self.idle))
            oldest.leave()
            self.leave(oldest)
        self.connections[protocol] = None
        if self._sweeping is None:
            self._sweep(protocol.loop)
        return len(self.connections) <= self.max_clients

    def leave(self, protocol: Protocol) -> None:
        self.connections.pop(protocol, None)
        self.idle.pop(protocol, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for protocol in tuple(self.connections):
            protocol.check(now, self.header_timeout, self.write_timeout)
        period = min(SWEEP_SECONDS, self.header_timeout / 4, self.write_timeout / 4)
        self._sweeping = loop.call_later(period, self._sweep, loop) if self.connections else None


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, doors: Doors, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._doors = doors
        self._since: float | None = None  # when a head began to be waited for that is not here yet
        self._in_head = False
        self._fed = 0  # bytes since the last complete head
        self._unsent = 0  # bytes that waited for the client in the last sweep
        self._stuck_since = 0.0
        self._task: asyncio.Task[Any] | None = None
        self._gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._since = self.loop.time()
        if not self._doors.enter(self):
            if len(self._doors.connections) > self._doors.max_clients + SPARE:
                self.transport.abort()
            self.app = cast(Any, _unless_exempt(cast(ASGIApp, self.app)))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._doors.leave(self)
        self._gone = True
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._fed += len(data)
        self._doors.idle.pop(self, None)
        super().data_received(data)
        if self._in_head or self.cycle is None or (self.cycle.response_complete and not self._waits()):
            if self._fed > HEAD_BYTES:
                self._refuse(431, "headers-too-large", f"request line and headers have more than {HEAD_BYTES} bytes")
            elif self._since is None:
                self._since = self.loop.time()

    def _waits(self) -> bool:
        """Whether uvicorn's own timer runs, which closes connections without a request."""
        return self.timeout_keep_alive_task is not None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head, self._since = False, None
        fed, self._fed = self._fed, 0
        if fed > HEAD_BYTES and len(self.url) + sum(len(n) + len(v) + 4 for n, v in self.headers) > HEAD_BYTES:
            self._in_head = True  # for data_received, which refuses it
            self._fed = fed
            return
        super().on_headers_complete()
        if _has_body(self.headers):  # nobody reads it: it ends with the connection
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if not self._in_head:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._in_head:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.pipeline:
            self._doors.idle[self] = None
            self._fed = 0

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """As uvicorn's, but for the task being kept: asyncio.current_task() costs 5 µs."""
        cast(Any, cycle.scope)["extensions"] = {WHOLE: partial(_write, cycle)}
        task = self.loop.create_task(cycle.run_asgi(self._watched(app)))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)
        if cycle.scope["method"] in ("GET", "HEAD"):  # what changes something is not left half done
            self._task = task

    def _watched(self, app: ASGIApp) -> Any:
        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                if not self._gone:
                    raise
            finally:
                self._task = None

        return watched

    def check(self, now: float, header_timeout: float, write_timeout: float) -> None:
        """Ends the connection where it has stood still for too long."""
        if self._since is not None and now - self._since > header_timeout:
            if self._in_head:
                self._refuse(408, "headers-timeout", f"the headers were not complete within {header_timeout:g} seconds")
            self.leave()
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._unsent, self._stuck_since = unsent, now
        elif now - self._stuck_since > write_timeout:
            self.transport.abort()

    def leave(self) -> None:
        self._doors.idle.pop(self, None)
        self._since = None
        self.transport.close()

    def _refuse(self, status: int, code: str, detail: str) -> None:
        """An answer to what never became a request."""
        document = {"type": f"urn:darkroom:{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code}
        body = json.dumps({**document, "detail": detail}).encode()
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/problem+json\r\n"
        head += f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        if self.cycle is None or self.cycle.response_complete:  # else it would stand in the middle of an answer
            self.transport.write(head.encode() + body)
        self.leave()


async def _write(cycle: RequestResponseCycle, status: int, head: bytes, body: bytes) -> None:
    """Send a whole answer at once. `head` are complete lines, of names and values that may stand in a head.

    uvicorn's send looks through every name and value, and writes head and body apart: 20 µs of an answer's 75.
    """
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected:
        return
    lines = [STATUS_LINE[status], *(b"%b: %b\r\n" % field for field in cycle.default_headers), head]
    if not cycle.keep_alive:
        lines.append(b"connection: close\r\n")
    lines.append(b"\r\n")
    if cycle.scope["method"] != "HEAD":
        lines.append(body)
    cycle.transport.write(b"".join(lines))
    cycle.response_started = cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    for name, value in headers:  # noqa: SIM110 - any() over a generator costs 0.7 µs
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False


def _unless_exempt(app: ASGIApp) -> ASGIApp:
    """The application for a client too many: it learns how the server is, and nothing else."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in EXEMPT:
            await app(scope, receive, send)
            return
        failure = Failure(Kind.UNAVAILABLE, "too-many-clients", "too many clients are connected", retry_after=2)
        response = errors.respond(failure)
        response.headers["Connection"] = "close"
        await response(scope, receive, send)

    return answered
