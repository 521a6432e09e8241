"""Alive, ready, measured, and what runs here. None of it queues; health touches neither cache nor detectors."""

from __future__ import annotations

import asyncio
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

import httpx2
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from cache.store import Store
from detectors.card import without_query
from detectors.models import Listed
from transforms.registry import describe

from .log import logger
from .make import RENDERER_VERSION
from .metrics import Metrics
from .settings import Settings
from .told import OTHER, readiness

if TYPE_CHECKING:
    from .assemble import Parts

SOURCE_PATH = "/version/source.tar.gz"
_NO_STORE = {"Cache-Control": "no-store"}
_PROBE = "ready"  # a key that nothing has


class Health:
    """The endpoints for operators; `parts` is set while the application runs."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.parts: Parts | None = None
        self._draining = False
        self._settings = settings
        self._metrics = metrics

    async def health(self, request: Request) -> Response:
        """200 as long as the event loop turns."""
        return PlainTextResponse("ok", headers=_NO_STORE)

    def drain(self) -> None:
        """From now on not ready: the server is about to stop."""
        self._draining = True
        logger().info("stopping", lame_duck=self._settings.lame_duck)

    async def ready(self, request: Request) -> Response:
        """200 once renderers run and every model that is present is warm; absent models hold nothing back.

        A cache that does not answer holds it back only where it is said to be required.
        """
        if self.parts is None or self._draining:
            return JSONResponse({"ready": False, "state": "draining" if self._draining else "starting"}, 503, _NO_STORE)
        detection = await detection_state(self.parts.detection, self._settings.detection_secret_text)
        cache = await self._cache_state(self.parts.store)
        ready = bool(detection.get("ready")) and (cache["state"] == "up" or not self._settings.cache_required)
        body = {"ready": ready, "detection": detection, "cache": cache}
        return JSONResponse(body, 200 if ready else 503, _NO_STORE)

    async def _cache_state(self, store: Store) -> dict[str, Any]:
        """What the cache says of itself; one that is required is asked something, so that it knows."""
        if self._settings.cache_required:
            await store.get(_PROBE)
        said = store.describe()
        if any("error" in part for part in (said, *said.get("stores", ()))):
            return {**said, "state": "degraded"}
        return said

    async def metrics(self, request: Request) -> Response:
        # In a thread: it reads files and waits for the detection service.
        text = await asyncio.to_thread(self._metrics.text)
        return Response(text, headers=_NO_STORE, media_type=CONTENT_TYPE_LATEST)

    async def version(self, request: Request) -> Response:
        """Name, version, and where to get the source code of exactly this server."""
        source = self._settings.source_code or str(request.base_url).rstrip("/") + SOURCE_PATH
        body = {
            "name": "darkroom", "version": installed_version("darkroom"), "renderer": RENDERER_VERSION,
            "licence": "AGPL-3.0-only", "source": source,
        }  # fmt: skip
        return JSONResponse(body, headers=_NO_STORE)

    async def models(self, request: Request) -> Response:
        """The models, published and the operator's: which are here, what they find, their checksums and licences."""
        if self.parts is None:
            return JSONResponse({"models": []}, headers=_NO_STORE)
        rows, problem = await asyncio.to_thread(self.parts.models.listing), self.parts.identities.problem
        told = [described(listed, problem(listed.kinds)) for listed in rows]
        return JSONResponse({"models": told}, headers=_NO_STORE)

    async def schema(self, request: Request) -> Response:
        return JSONResponse({"operations": describe()}, headers={"Cache-Control": "public, max-age=300"})

    async def robots(self, request: Request) -> Response:
        return PlainTextResponse("User-agent: *\nAllow: /\n")

    async def favicon(self, request: Request) -> Response:
        return Response(None, 204, {"Cache-Control": "public, max-age=86400"})


def described(listed: Listed, problem: str = "") -> dict[str, Any]:
    """A model as /models tells it; `problem` is what the detection service says of it."""
    model, why = listed.model, listed.why or problem
    return {
        "name": model.name, "task": model.task, "version": model.version, "licence": model.licence,
        "status": listed.status, "used": listed.used, "kinds": listed.kinds, "form": model.form, "side": model.side,
        "tags": model.tags, "sha256": listed.sha256 or model.sha256 or None, "threshold": model.threshold,
        "thresholds": dict(model.thresholds), "names": dict(model.names), "labels": model.labels,
        "label_count": len(model.labels), "backend": model.backend,
        "source": without_query(model.url) if model.url else model.package, **({"problem": why} if why else {}),
    }  # fmt: skip


async def detection_state(address: str, secret: str | None) -> dict[str, Any]:
    """What the detection service says of itself, within half a second; not ready where that is none."""
    remote = address.startswith(("http://", "https://"))
    transport = None if remote else httpx2.AsyncHTTPTransport(uds=address, verify=False)
    headers = {"X-Darkroom-Secret": secret} if secret else {}
    try:
        async with httpx2.AsyncClient(transport=transport, timeout=0.5, trust_env=False) as client:
            answer = await client.get(f"{address if remote else 'http://detection'}/ready", headers=headers)
            return {**readiness(answer.json()), "ready": answer.status_code == 200}
    except httpx2.HTTPError:
        return {"ready": False, "state": "starting"}
    except (ValueError, RecursionError):  # no JSON, or another
        return {"ready": False, "state": "unreadable", "problem": OTHER}
