"""Rendering and tagging without a server: the same parts, put together for one command."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from transforms.failure import Failure, Kind
from transforms.pipeline import Pipeline

from . import urls
from .assemble import Parts, assembled
from .health import detection_state
from .metrics import Metrics
from .parse import encoded
from .settings import Settings
from .sources.source import SourceRef
from .urls.request import Request

NOBODY = "/nonexistent"  # the address of no detection service: none is started where nothing asks for it
MODELS_SECONDS = 60.0  # how long a command waits for the detectors to load their models


async def rendered(settings: Settings, path: str) -> bytes:
    """The body that the server would answer to a path with; raises Failure where it would answer with a problem."""
    raw_path, _, query = path.partition("?")
    request = urls.parse(encoded(raw_path), encoded(query))
    if not request.pipeline.needs:
        settings = settings.model_copy(update={"detection": NOBODY})
    async with _warm(settings, bool(request.pipeline.needs)) as parts:
        return await _body(parts, request)


async def tagged(settings: Settings, files: Sequence[Path]) -> list[dict[str, Any]]:
    """The auto-tag report of each file, or its failure as {"error": …}. Paths are absolute: `settings.media` is /."""
    settings = settings.model_copy(update={"config": None})
    async with _warm(settings, needs=True) as parts:
        return [await _tags(parts, file) for file in files]


@asynccontextmanager
async def _warm(settings: Settings, needs: bool) -> AsyncIterator[Parts]:
    """The running parts; where detections are needed, once the detectors can answer."""
    async with assembled(settings, Metrics()) as parts:
        until = time.monotonic() + MODELS_SECONDS
        while needs and not (await detection_state(parts.detection, settings.detection_secret_text))["ready"]:
            if time.monotonic() > until:
                raise Failure(Kind.UNAVAILABLE, "detector-unavailable", "the detectors did not start")
            await asyncio.sleep(0.1)
        yield parts


async def _tags(parts: Parts, file: Path) -> dict[str, Any]:
    source = SourceRef("file", str(file).lstrip("/"))
    try:
        content: dict[str, Any] = json.loads(await _body(parts, Request(Pipeline.parse("auto-tag"), source)))
    except Failure as failure:
        return {"error": {"code": failure.code, "message": failure.message}}
    return content


async def _body(parts: Parts, request: Request) -> bytes:
    asked = parts.delivery.asked(request)
    answer = await parts.delivery.deliver(asked, asked.negotiation.client({}), frozenset())
    assert answer.entry is not None  # noqa: S101 - no etag was given that could match
    return answer.entry.body
