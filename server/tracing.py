"""OpenTelemetry: a span for each request and one for each of its stages. Nothing of it is loaded where it is off.

Spans are made here and not by an instrumentation of the framework: that writes the whole URL, with its signature.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .redact import shown
from .whole import WHOLE

SILENT = frozenset({"/health", "/healthcheck", "/ready", "/metrics"})
_STAGE = re.compile(r"([\w-]+);dur=([\d.]+)")


def exported(endpoint: str) -> SpanProcessor:
    """Spans sent in batches to a collector's OTLP/HTTP address. The OTEL_* variables are heeded beside it."""
    address = endpoint if endpoint.rstrip("/").endswith("/v1/traces") else f"{endpoint.rstrip('/')}/v1/traces"
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=address))


class Tracing:
    """ASGI middleware. `traceparent` is continued; the stages are read from Server-Timing, one after the other."""

    def __init__(self, app: ASGIApp, processor: SpanProcessor) -> None:
        self._app = app
        resource = Resource.create({"service.name": "darkroom", "service.version": version("darkroom")})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("darkroom", version("darkroom"))
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            try:
                await self._app(scope, receive, send)
            finally:
                self._provider.shutdown()
        elif scope["type"] != "http" or scope["path"] in SILENT:
            await self._app(scope, receive, send)
        else:
            await self._traced(scope, receive, send)

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = self._propagator.extract(
            {key: headers[key] for key in ("traceparent", "tracestate") if key in headers}
        )
        scope.get("extensions", {}).pop(WHOLE, None)  # what goes past `send` cannot be told of
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        attributes = {
            "http.request.method": scope["method"],
            "url.path": shown(raw.partition(b"?")[0].decode("latin-1")),
        }
        began = time.time_ns()
        span = self._tracer.start_span(
            scope["method"], parent, SpanKind.SERVER, attributes, start_time=began, record_exception=False
        )  # fmt: skip

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._describe(span, message, began)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except BaseException:
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.end()

    def _describe(self, span: Any, message: Message, began: int) -> None:
        status = int(message["status"])
        said = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]}
        span.set_attribute("http.response.status_code", status)
        for name, header in _SAID.items():
            if header in said:
                span.set_attribute(name, said[header])
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        inside = set_span_in_context(span)
        for stage, start, end in _stages(said.get("server-timing", ""), began):
            self._tracer.start_span(stage, inside, start_time=start).end(end)


_SAID = {
    "darkroom.request_id": "x-request-id",
    "darkroom.cache": "cache-status",
    "darkroom.degraded": "x-degraded",
    "http.response.body.size": "content-length",
}


def _stages(timing: str, began: int) -> Iterator[tuple[str, int, int]]:
    """Name, start and end (ns) of the stages in Server-Timing, which follow each other; the total is the request."""
    at = began
    for name, milliseconds in _STAGE.findall(timing):
        if name != "total":
            end = at + int(float(milliseconds) * 1e6)
            yield name, at, end
            at = end
