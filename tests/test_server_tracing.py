"""Traces: a span a request with its stages below it, a parent that is continued, and no signature in them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from .servers import Server
from .shared import ROOT
from .test_server_shutdown import eventually

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from server.tracing import Tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def client(exporter: InMemorySpanExporter) -> Iterator[TestClient]:
    async def picture(request: object) -> Response:
        timing = "fetch;dur=2.0, decode;dur=10.5, total;dur=14.0"
        headers = {"Server-Timing": timing, "X-Request-Id": "abc", "Cache-Status": "Darkroom;fwd=miss"}
        return PlainTextResponse("x", headers=headers)

    async def broken(request: object) -> Response:
        raise RuntimeError("no")

    routes = [Route("/health", picture), Route("/broken", broken), Route("/{path:path}", picture)]
    app = Starlette(routes=routes)
    app.add_middleware(Tracing, processor=SimpleSpanProcessor(exporter))
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


def test_a_request_is_a_span_with_its_stages(client: TestClient, exporter: InMemorySpanExporter) -> None:
    client.get("/resize:10x/photo.jpg")
    fetch, decode, request = exporter.get_finished_spans()
    assert (fetch.name, decode.name, request.name) == ("fetch", "decode", "GET")
    assert fetch.end_time - fetch.start_time == 2_000_000
    assert decode.start_time == fetch.end_time
    assert fetch.parent.span_id == request.context.span_id
    assert dict(request.attributes) == {
        "http.request.method": "GET", "url.path": "/resize:10x/photo.jpg", "http.response.status_code": 200,
        "darkroom.request_id": "abc", "darkroom.cache": "Darkroom;fwd=miss", "http.response.body.size": "1",
    }  # fmt: skip


def test_a_trace_is_continued(client: TestClient, exporter: InMemorySpanExporter) -> None:
    client.get("/a.jpg", headers={"traceparent": PARENT})
    request = exporter.get_finished_spans()[-1]
    assert f"{request.context.trace_id:032x}" == PARENT.split("-")[1]
    assert f"{request.parent.span_id:016x}" == PARENT.split("-")[2]
    exporter.clear()
    client.get("/a.jpg", headers={"traceparent": "nonsense"})
    assert exporter.get_finished_spans()[-1].parent is None


def test_no_signature_and_no_query_gets_into_a_span(client: TestClient, exporter: InMemorySpanExporter) -> None:
    client.get("/s--key1.AbCdEf0123456789--/resize:10x/http://h.example/a.jpg%3Ftoken=hush?other=hush")
    said = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert "/resize:10x/http://h.example/a.jpg" in said
    assert "hush" not in said
    assert "AbCdEf" not in said


def test_probes_are_no_spans_and_failures_are_marked(client: TestClient, exporter: InMemorySpanExporter) -> None:
    client.get("/health")
    assert exporter.get_finished_spans() == ()
    client.get("/broken")
    [span] = exporter.get_finished_spans()
    assert not span.status.is_ok


def test_a_server_sends_its_spans_to_a_collector(media: Path, detection: str) -> None:
    bodies: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=collector.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{collector.server_address[1]}"
        with Server(media=media, detection=detection, tracing=address) as running:
            running.wait()
            assert running.get("/resize:23x/photo.jpg", headers={"traceparent": PARENT}).status_code == 200
            running.process.terminate()
            assert running.process.wait(20) == 0  # what was not sent yet is sent at the end
        assert eventually(lambda: bool(bodies))
    finally:
        collector.shutdown()
        collector.server_close()
    assert {path for path, _ in bodies} == {"/v1/traces"}
    sent = b"".join(body for _, body in bodies)
    assert b"/resize:23x/photo.jpg" in sent
    assert bytes.fromhex(PARENT.split("-")[1]) in sent
    assert b"encode" in sent


def test_off_it_is_not_even_imported() -> None:
    code = (
        "import sys; from server.settings import Settings; from server.app import create_app;"
        "create_app(Settings.load()); print('opentelemetry' in sys.modules, 'sentry_sdk' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False False"
