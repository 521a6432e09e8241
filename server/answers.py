"""The endpoint for everything that is a picture: an ASGI application around Delivery."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from random import getrandbits
from typing import TypeVar

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from transforms.failure import Failure, Kind

from . import errors, log
from .clients import Clients
from .metrics import Metrics
from .redact import origin_of, shown
from .render import Delivery
from .respond import Reply, Responder, etags, fields, lines
from .urls import is_api, is_cloudinary
from .wanted import Asked
from .whole import WHOLE

T = TypeVar("T")

SHED = frozenset({"queue-full", "queue-timeout", "deadline-exceeded"})  # codes of what load alone refuses
GONE = 499  # the status in log and metrics of a client that went away

SEARCHES = ("/tags/", "/similar/")  # pages with something behind them

_METHODS = "GET, HEAD, OPTIONS"
_OPTIONS = {
    "Allow": _METHODS, "Access-Control-Allow-Methods": _METHODS, "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}  # fmt: skip

Headers = Mapping[str, str]


class Pictures:
    """Answers GET and HEAD for pictures and reports; `delivery` is set while the application runs."""

    def __init__(self, metrics: Metrics, responder: Responder, clients: Clients, url_bytes: int) -> None:
        self.delivery: Delivery | None = None
        self._metrics = metrics
        self._responder = responder
        self._clients = clients
        self._url_bytes = url_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = _headers(scope)
        request_id = log.request_id(headers.get("x-request-id", "")) or _new_id()
        with self._metrics.in_progress.track_inprogress():
            try:
                with structlog.contextvars.bound_contextvars(request_id=request_id):
                    reply = await self._answer(scope, headers, request_id)
            except asyncio.CancelledError:  # the client has gone; a status for the log alone
                self._count(scope, Reply(GONE), request_id, time.perf_counter() - started)
                raise
        await self._send(reply, scope, headers, request_id, started, send)

    async def recalled(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answers a request that was asked before, if it can from what memory has; False where it was not."""
        delivery = self.delivery
        if delivery is None or scope["method"] not in ("GET", "HEAD"):
            return False
        started = time.perf_counter()
        asked = delivery.recall(scope["raw_path"], scope["query_string"])
        if asked is None:
            return False
        headers = _headers(scope)
        client, known = asked.negotiation.client(headers), etags(headers.get("if-none-match", ""))
        answer = delivery.near(asked, client, known)
        if answer is None:
            await self(scope, receive, send)
            return True
        reply = self._responder.reply(answer, asked, known)
        request_id = log.request_id(headers.get("x-request-id", "")) or _new_id()
        await self._send(reply, scope, headers, request_id, started, send)
        return True

    async def _send(
        self, reply: Reply, scope: Scope, headers: Headers, request_id: str, started: float, send: Send
    ) -> None:
        seconds = time.perf_counter() - started
        self._count(scope, reply, request_id, seconds)
        timings = f"{reply.timings}, " if reply.timings else ""
        said = f"server-timing: {timings}total;dur={seconds * 1000:.1f}\r\nx-request-id: {request_id}\r\n".encode()
        head = reply.head + said + self._responder.always(headers.get("origin", ""))
        whole = scope.get("extensions", {}).get(WHOLE)
        if whole is not None:
            await whole(reply.status, head, reply.body)
            return
        await send({"type": "http.response.start", "status": reply.status, "headers": fields(head)})
        await send({"type": "http.response.body", "body": reply.body})

    def _count(self, scope: Scope, reply: Reply, request_id: str, seconds: float) -> None:
        self._metrics.request(reply.status, seconds, len(reply.body))
        if log.wants_requests():
            _log(scope["method"], _target(scope)[0], request_id, reply, seconds)

    async def _answer(self, scope: Scope, headers: Headers, request_id: str) -> Reply:
        asked: Asked | None = None
        path, query = _target(scope)
        try:
            if scope["method"] == "OPTIONS":
                return Reply(204, lines({**_OPTIONS, "Vary": self._responder.vary(None)}))
            self._check(scope["method"], path)
            assert self.delivery is not None  # noqa: S101 - set by the lifespan before the first request
            asked = self.delivery.ask(path, query)
            client, known = asked.negotiation.client(headers), etags(headers.get("if-none-match", ""))
            answer = await self.delivery.deliver(asked, client, known, self._peer(scope, headers))
            return self._responder.reply(answer, asked, known)
        except Failure as failure:
            found = failure
        except Exception:
            log.logger().exception("internal error", path=shown(path))  # the error hook is told as well
            found = errors.internal_error()
        self._metrics.errors.labels(found.code).inc()
        if found.code in SHED:
            self._metrics.shed.labels(found.code).inc()
        response = errors.respond(
            found, vary=self._responder.vary(asked), request_id=request_id,
            cloudinary=asked.request.dialect == "cloudinary" if asked else is_cloudinary(path),
        )  # fmt: skip
        return Reply(response.status_code, lines(response.headers), bytes(response.body), code=found.code)

    def _peer(self, scope: Scope, headers: Headers) -> str:
        peer = scope.get("client")
        return self._clients.of(peer[0] if peer else "", headers.get("x-forwarded-for", ""))

    def _check(self, method: str, path: str) -> None:
        if method not in ("GET", "HEAD") and not is_api(path):
            raise Failure(
                Kind.METHOD_NOT_ALLOWED, "method-not-allowed", f"{method} is not a way to ask for a picture"
            )  # fmt: skip
        if len(path) > self._url_bytes:
            raise Failure(
                Kind.URI_TOO_LONG, "url-too-long", f"the path has {len(path)} bytes",
                details={"maximum": self._url_bytes},
            )  # fmt: skip


class Entrance:
    """Middleware before all others: what is no page of the server is a picture, and needs no routes (40 µs)."""

    def __init__(self, app: ASGIApp, pictures: Pictures, pages: frozenset[str]) -> None:
        self._app = app
        self._pictures = pictures
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else "/"
        if (path.rstrip("/") or "/") in self._pages or path.startswith(SEARCHES):
            await self._app(scope, receive, send)
        elif not await self._pictures.recalled(scope, receive, send):
            await self._pictures(scope, receive, send)


def _new_id() -> str:
    """Told apart from others, not hard to guess: a UUID from the system's randomness costs 8 µs."""
    return f"{getrandbits(128):032x}"


def _headers(scope: Scope) -> dict[str, str]:
    """By lower-case name; a header that comes several times is one list."""
    pairs = scope["headers"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if len(headers) < len(pairs):
        headers.clear()
        for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _target(scope: Scope) -> tuple[str, str]:
    """Path and query as the client wrote them: still percent-encoded."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1"), scope.get("query_string", b"").decode("latin-1")


def _log(method: str, path: str, request_id: str, reply: Reply, seconds: float) -> None:
    answer = reply.answer
    if answer is None or answer.entry is None:
        log.request_line(
            request_id=request_id, method=method, path=shown(path), status=reply.status, seconds=seconds,
            sent=len(reply.body), code=reply.code, cache=answer.status if answer else None,
        )  # fmt: skip
        return
    meta, ref, pipeline = answer.entry.meta, answer.wanted.ref, answer.wanted.pipeline.text
    log.request_line(
        request_id=request_id, method=method, path=shown(path), status=reply.status, seconds=seconds,
        sent=len(reply.body), received=int(str(meta["source_bytes"])),
        pipeline=shown(pipeline) if answer.wanted.layers else pipeline,
        source=origin_of(ref.scheme, ref.location), stages=_stages(reply.timings), cache=answer.status,
        degraded=str(meta["degraded"]).split(", ") if meta["degraded"] else (),
    )  # fmt: skip


def _stages(timings: str) -> dict[str, float]:
    """Milliseconds by stage, out of a Server-Timing header."""
    return {name: float(ms) for name, _, ms in (part.partition(";dur=") for part in timings.split(", ") if part)}
