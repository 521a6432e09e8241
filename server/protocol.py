"""The front door: HTTP/1.1 as uvicorn reads it, with bounds on what a client may cost before it has said anything.

uvicorn waits for ever for the end of a request's headers and for a client to take its answer, and goes on with work
that nobody waits for any more. One sweep a second over all connections looks for those that stand still, so that none
of this costs a request anything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import httptools
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from transforms.failure import Failure, Kind

from . import errors
from .whole import WHOLE, write

if TYPE_CHECKING:
    from .settings import Settings

HEAD_BYTES = 65_536  # of request line and headers
SPARE = 256  # connections above the greatest number, which are answered that there are too many
PIPELINED = 8  # requests of one connection that wait for the answer to another
DROPPED_BYTES = 1 << 20  # that are read after the last request that is answered, to notice when the client leaves
TAKEN_BYTES = 65_536  # or a tenth of what waits, if that is less: to be taken of an answer within the write timeout
EXEMPT = frozenset({"/health", "/healthcheck", "/metrics", "/ready"})
SWEEP_SECONDS = 1.0


def _uncounted(code: str) -> None:
    """Counts no refusals."""


class _Enough(Exception):
    """Nothing more of this connection is parsed; raised in a callback of the parser."""


@dataclass(eq=False)
class Doors:
    """The bounds of one front, and its connections. Seconds; see docs/limits.md."""

    header_timeout: float = 5.0
    write_timeout: float = 30.0
    max_clients: int = 2048
    refused: Callable[[str], None] = field(default=_uncounted, repr=False)  # told the code of each refusal
    connections: dict[Protocol, None] = field(default_factory=dict, repr=False)
    idle: dict[Protocol, None] = field(default_factory=dict, repr=False)
    _sweeping: asyncio.TimerHandle | None = field(default=None, repr=False)

    @staticmethod
    def of(settings: Settings, refused: Callable[[str], None] = _uncounted) -> Doors:
        return Doors(settings.header_timeout, settings.write_timeout, settings.max_clients, refused)

    def protocol(self, *arguments: Any, **options: Any) -> Protocol:
        """What uvicorn makes for each connection: give it as `http=`."""
        return Protocol(self, *arguments, **options)

    def enter(self, protocol: Protocol) -> bool:
        """Whether there is room for one more connection; for it the one that is idle the longest is closed.

        Beyond the spare ones it takes the place of the one that has waited for its head the longest, if need be its
        own: so /health is answered while others only hold connections open.
        """
        if len(self.connections) >= self.max_clients and self.idle:
            oldest = next(iter(self.idle))
            oldest.leave()
            self.leave(oldest)
        self.connections[protocol] = None
        if self._sweeping is None:
            self._sweep(protocol.loop)
        if len(self.connections) > self.max_clients + SPARE:
            next(one for one in self.connections if one.awaits_head).cut_off("too-many-clients")
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
        self._unsent = 0  # bytes that waited for the client at
        self._unsent_at = 0.0
        self._answered: RequestResponseCycle | None = None  # the one being answered; `cycle` is the last that came
        self._task: asyncio.Task[Any] | None = None  # of it, where it may be cancelled
        self._deaf = False  # whether what still comes is no request
        self._gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._since = self.loop.time()
        if not self._doors.enter(self):
            self.app = cast(Any, _unless_exempt(cast(ASGIApp, self.app), self._doors.refused))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._doors.leave(self)
        self._gone = True
        for cycle in (self._answered, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        if self._task is not None:
            self._task.cancel()

    @property
    def awaits_head(self) -> bool:
        return self._since is not None

    def data_received(self, data: bytes) -> None:
        """As uvicorn's, but for its log of every client that does not speak HTTP."""
        self._fed += len(data)
        if self._deaf:
            if self._fed > DROPPED_BYTES:
                self.flow.pause_reading()
            return
        self._doors.idle.pop(self, None)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # which is not done: it is answered as any request, the last of its connection
        except httptools.HttpParserError:
            if not self._deaf:
                self._refuse(400, "malformed-request", "this is not HTTP/1.1")
            return
        if self._in_head or self.cycle is None or (self.cycle.response_complete and not self._waits()):
            if self._fed > HEAD_BYTES:
                self._refuse_head()
            elif self._since is None:
                self._since = self.loop.time()

    def _waits(self) -> bool:
        """Whether uvicorn's own timer runs, which closes connections without a request."""
        return self.timeout_keep_alive_task is not None

    def on_message_begin(self) -> None:
        if self._deaf:
            raise _Enough
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head, self._since = False, None
        if self.cycle is None or self.cycle.response_complete:
            fed, self._fed = self._fed, 0
            if fed > HEAD_BYTES and len(self.url) + sum(len(n) + len(v) + 4 for n, v in self.headers) > HEAD_BYTES:
                self._refuse_head()
                raise _Enough
        elif len(self.pipeline) >= PIPELINED or self._fed > HEAD_BYTES:
            self._doors.refused("pipelined-too-much")
            self._hear_no_more()
            raise _Enough
        super().on_headers_complete()
        if self.pipeline:  # uvicorn stops reading: then nobody would notice that the client leaves
            self.flow.resume_reading()
        if _has_body(self.headers) or self.parser.should_upgrade():  # nobody reads it: it ends with the connection
            self.cycle.keep_alive = False
        if not self.cycle.keep_alive:
            self._deaf = True

    def _hear_no_more(self) -> None:
        """The requests so far are answered, then the connection ends."""
        self._deaf, self._in_head, self._since = True, False, None
        self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._fed = 0
        if not self.pipeline:
            self._doors.idle[self] = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """As uvicorn's, but for the task being kept: asyncio.current_task() costs 5 µs."""
        cast(Any, cycle.scope)["extensions"] = {WHOLE: partial(write, cycle)}
        self._answered = cycle
        task = self.loop.create_task(cycle.run_asgi(self._watched(cycle, app)))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)
        # What changes something is not left half done.
        self._task = task if cycle.scope["method"] in ("GET", "HEAD") else None

    def _watched(self, cycle: RequestResponseCycle, app: ASGIApp) -> Any:
        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                if not self._gone:
                    raise
            finally:
                if self._answered is cycle:  # else the next has begun, within `send`
                    self._task = None

        return watched

    def check(self, now: float, header_timeout: float, write_timeout: float) -> None:
        """Ends the connection where it has stood still for too long."""
        if self._since is not None and now - self._since > header_timeout:
            if self._in_head:
                self._refuse(408, "headers-timeout", f"the headers were not complete within {header_timeout:g} seconds")
            else:
                self.leave()
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent > self._unsent:
            self._unsent, self._unsent_at = unsent, now
        elif now - self._unsent_at > write_timeout:
            if self._unsent - unsent < max(1, min(self._unsent // 10, TAKEN_BYTES)):
                self.cut_off("answer-not-taken")
            self._unsent, self._unsent_at = unsent, now

    def cut_off(self, code: str) -> None:
        self._doors.refused(code)
        self._doors.leave(self)
        self._deaf, self._since = True, None
        self.transport.abort()

    def leave(self) -> None:
        self._doors.idle.pop(self, None)
        self._since = None
        self.transport.close()

    def _refuse_head(self) -> None:
        self._refuse(431, "headers-too-large", f"request line and headers have more than {HEAD_BYTES} bytes")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        """An answer to what never became a request; where it would stand in the middle of another there is none."""
        self._doors.refused(code)
        if self.cycle is not None and not self.cycle.response_complete:
            self._hear_no_more()
            return
        document = {"type": f"urn:darkroom:{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code}
        body = json.dumps({**document, "detail": detail}).encode()
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/problem+json\r\n"
        head += f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)
        self._deaf = True
        self.leave()


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    for name, value in headers:  # noqa: SIM110 - any() over a generator costs 0.7 µs
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False


def _unless_exempt(app: ASGIApp, refused: Callable[[str], None]) -> ASGIApp:
    """The application for a client too many: it learns how the server is, and nothing else."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in EXEMPT:
            await app(scope, receive, send)
            return
        refused("too-many-clients")
        failure = Failure(Kind.UNAVAILABLE, "too-many-clients", "too many clients are connected", retry_after=2)
        response = errors.respond(failure)
        response.headers["Connection"] = "close"
        await response(scope, receive, send)

    return answered
