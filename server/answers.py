"""The endpoint for everything that is a picture: an ASGI application around Delivery."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from transforms.failure import Failure, Kind

from . import errors, negotiate
from .log import logger
from .metrics import Metrics
from .render import Delivery
from .respond import SAFE_HEADERS, etags, raw_path, respond
from .urls import is_api, is_cloudinary
from .wanted import Wanted

SHED = frozenset({"queue-full", "queue-timeout", "deadline-exceeded"})  # codes of what load alone refuses

_SECRET = re.compile("%3f|(?<=b64:)|(?<=b64%3a)", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Pictures:
    """Answers GET and HEAD for pictures and reports; `delivery` is set while the application runs."""

    def __init__(self, metrics: Metrics, url_bytes: int) -> None:
        self.delivery: Delivery | None = None
        self._metrics = metrics
        self._url_bytes = url_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        started = time.perf_counter()
        with self._metrics.in_progress.track_inprogress():
            response = await self._respond(request, started)
        self._count(response, time.perf_counter() - started)
        await response(scope, receive, send)

    async def _respond(self, request: Request, started: float) -> Response:
        request_id = _request_id(request)
        path = raw_path(request)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = await self._answer(request, path, request_id)
            elapsed = (time.perf_counter() - started) * 1000
            stages = response.headers.get("Server-Timing")
            response.headers["Server-Timing"] = (f"{stages}, " if stages else "") + f"total;dur={elapsed:.1f}"
            response.headers.update(SAFE_HEADERS)
            response.headers["X-Request-Id"] = request_id
            logger().info(
                "request", method=request.method, path=_short(path), status=response.status_code,
                bytes=int(response.headers.get("content-length", 0)), ms=round(elapsed, 1),
                cache=response.headers.get("Cache-Status"), degraded=response.headers.get("X-Degraded"),
            )  # fmt: skip
        return response

    async def _answer(self, request: Request, path: str, request_id: str) -> Response:
        wanted: Wanted | None = None
        try:
            if request.method == "OPTIONS":
                return Response(None, 204, {"Allow": "GET, HEAD, OPTIONS", "Access-Control-Max-Age": "86400"})
            self._check(request, path)
            assert self.delivery is not None  # noqa: S101 - set by the lifespan before the first request
            asked = self.delivery.parse(path, request.scope.get("query_string", b"").decode("latin-1"))
            wanted = self.delivery.want(asked, request.headers)
            known = etags(request.headers.get("if-none-match", ""))
            answer = await self.delivery.deliver(wanted, known)
            response = respond(answer.until(asked.expires), wanted.vary, known)
            if hints := negotiate.accept_hints(wanted.pipeline):
                response.headers["Accept-CH"] = hints
            return response
        except Failure as failure:
            found = failure
        except ClientDisconnect:
            raise
        except Exception:
            logger().exception("internal error", path=_short(path))
            found = errors.internal_error()
        self._metrics.errors.labels(found.code).inc()
        if found.code in SHED:
            self._metrics.shed.labels(found.code).inc()
        return errors.respond(
            found, vary=wanted.vary if wanted else None, cloudinary=is_cloudinary(path), request_id=request_id
        )  # fmt: skip

    def _check(self, request: Request, path: str) -> None:
        if request.method not in ("GET", "HEAD") and not is_api(path):
            raise Failure(
                Kind.METHOD_NOT_ALLOWED, "method-not-allowed", f"{request.method} is not a way to ask for a picture"
            )  # fmt: skip
        if len(path) > self._url_bytes:
            raise Failure(
                Kind.URI_TOO_LONG, "url-too-long", f"the path has {len(path)} bytes",
                details={"maximum": self._url_bytes},
            )  # fmt: skip

    def _count(self, response: Response, seconds: float) -> None:
        self._metrics.requests.inc()
        self._metrics.statuses.labels(str(response.status_code)).inc()
        self._metrics.seconds.observe(seconds)
        self._metrics.sent.inc(int(response.headers.get("content-length", 0)))


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _short(path: str) -> str:
    """A path for the log: without the query of a source, which may hold secrets, nor one written in Base64."""
    return _SECRET.split(path, maxsplit=1)[0][:500]
