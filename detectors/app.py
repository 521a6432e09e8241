"""The engine as a small ASGI app; `service.py` runs it.

POST /find takes the body of `found.pack_query` and answers `found.pack`; GET /health, /ready, /models
and /stats are JSON.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from transforms import vocabulary

from .client import SECRET_HEADER
from .counted import gpu_memory
from .engine import Asked, Engine
from .found import pack, unpack_query
from .registry import base_of
from .waiting import Unable

LARGEST_BODY = 16 << 20
"""Bytes; 1280 × 1280 BGR has 4.9 million."""

PATIENCE_MS = 60_000

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(engine: Engine, secret: str | None = None) -> Starlette:
    """Routes around an engine that somebody else starts and closes."""

    async def find(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return _problem(413, "too-large", f"at most {LARGEST_BODY} bytes")
        try:
            query = unpack_query(body)
        except ValueError as error:
            return _problem(400, "bad-query", str(error))
        if unknown := {kind for kind in query.kinds if base_of(kind) not in engine.kinds}:
            return _problem(400, "unknown-detector", f"there is no detector {min(unknown)!r}")
        patience = min(query.patience_ms, PATIENCE_MS) / 1000
        asked = engine.ask(query.kinds, query.pixels, time.monotonic() + patience, query.key)
        await _wait(asked, patience)
        try:
            return Response(pack(asked.found()), media_type="application/msgpack")
        except Unable as error:
            return _problem(503, "unable", str(error))

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "sick" if engine.sick else "ok"}, 503 if engine.sick else 200)

    async def ready(request: Request) -> Response:
        return JSONResponse({"ready": engine.ready, **_states(engine)}, 200 if engine.ready else 503)

    async def models(request: Request) -> Response:
        return JSONResponse({**_identities(engine), **_states(engine)})

    async def stats(request: Request) -> Response:
        memory = gpu_memory()
        lanes = [lane.counted() for lane in engine.lanes]
        return JSONResponse({"models": lanes, **({} if memory is None else {"gpu_memory": memory})})

    guard = _guard(secret)
    return Starlette(
        routes=[
            Route("/find", guard(find), methods=["POST"]),
            Route("/models", guard(models)),
            Route("/health", health),
            Route("/ready", ready),
            Route("/stats", guard(stats)),
        ]
    )


def _guard(secret: str | None) -> Callable[[Endpoint], Endpoint]:
    """Wraps an endpoint so that it answers only those who know the secret, where there is one."""

    def wrap(endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            given = request.headers.get(SECRET_HEADER, "")
            if secret is not None and not hmac.compare_digest(given.encode(), secret.encode()):
                return _problem(401, "bad-secret", f"the header {SECRET_HEADER} is missing or wrong")
            return await endpoint(request)

        return guarded

    return wrap


async def _wait(asked: Asked, patience: float) -> None:
    """Until every answer is there, or so many seconds have passed."""
    answers = [asyncio.wrap_future(answer) for answer in asked.answers.values()]
    for answer in answers:
        answer.add_done_callback(asyncio.Future.exception)  # taken note of: `Asked.found` reads it from the original
    if answers:
        await asyncio.wait(answers, timeout=patience)


async def _read(request: Request) -> bytearray | None:
    """The body, or None where it is too large."""
    if int(request.headers.get("content-length", 0)) > LARGEST_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return body


def _states(engine: Engine) -> dict[str, object]:
    """How each model stands, what is wrong with those that cannot be used, and which folders hold none as they are."""
    problems = {lane.detector.task: lane.problem for lane in engine.lanes if lane.problem}
    refused = {one.name: f"{one.code}: {one.why}; {one.how}" for one in engine.refused()}
    return {
        "device": engine.device, "tasks": {lane.detector.task: lane.state for lane in engine.lanes},
        **({"problems": problems} if problems else {}),
        **({"refused": refused} if refused else {}),  # by folder, which may be called as a task is
    }  # fmt: skip


def _identities(engine: Engine) -> dict[str, object]:
    """The models that answer now, what the other kinds lack, by kind, and the words of URLs.

    Plain auto-tag goes without what arrives while we are ready, until that can answer.
    """
    kinds = {kind: lane for lane in engine.lanes for kind in lane.detector.sides}
    missing = {kind: why for kind, lane in kinds.items() if (why := lane.missing(kind))}
    late = {kind for kind, lane in kinds.items() if lane.arriving} if engine.opened else set[str]()
    rows = [row for row in vocabulary.current().rows if row[0] in kinds]  # not what renderers find
    return {
        "models": {kind: lane.identity for kind, lane in kinds.items() if lane.identity},
        "missing": {kind: {"model": why.model, "how": why.how} for kind, why in missing.items()},
        "own": [(name, labels, tags and name not in late, *more) for name, labels, tags, *more in rows],
    }


def _problem(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status)
