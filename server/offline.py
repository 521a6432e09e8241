"""Rendering without a server: the same parts, put together for one command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from transforms.failure import Failure, Kind

from . import urls
from .assemble import Parts, assembled
from .health import detection_state
from .metrics import Metrics
from .parse import encoded
from .settings import Settings
from .urls.request import Request

NOBODY = "/nonexistent"  # the address of no detection service: none is started where nothing asks for it
MODELS_SECONDS = 60.0  # how long a command waits for the detectors to load their models


async def rendered(settings: Settings, path: str) -> bytes:
    """The body that the server would answer to a path with; raises Failure where it would answer with a problem."""
    raw_path, _, query = path.partition("?")
    request = urls.parse(encoded(raw_path), encoded(query))
    settings = settings.model_copy(update={"search": "off"})
    async with warm(settings, bool(request.pipeline.needs)) as parts:
        return await _body(parts, request)


@asynccontextmanager
async def warm(settings: Settings, needs: bool, only: Collection[str] = ()) -> AsyncIterator[Parts]:
    """The running parts; where detections are needed, once the detectors can answer, and else without these.

    `only` are the kinds that will be asked, where these are known: no other models are loaded then.
    """
    settings = settings if needs else settings.model_copy(update={"detection": NOBODY})
    async with assembled(settings, Metrics(), only) as parts:
        until = time.monotonic() + MODELS_SECONDS
        while needs and not (await detection_state(parts.detection, settings.detection_secret_text))["ready"]:
            if time.monotonic() > until:
                raise Failure(Kind.UNAVAILABLE, "detector-unavailable", "the detectors did not start")
            await asyncio.sleep(0.1)
        if needs:
            await parts.identities.refresh()  # the words of its models, before the path is read by them
        yield parts


async def _body(parts: Parts, request: Request) -> bytes:
    asked = parts.delivery.asked(request)
    answer = await parts.delivery.deliver(asked, asked.negotiation.client({}), frozenset())
    assert answer.entry is not None  # noqa: S101 - no etag was given that could match
    return answer.entry.body
