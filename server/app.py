"""create_app(settings) -> Starlette: routes and lifespan, nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from .answers import Pictures
from .assemble import Parts, assembled
from .health import Health
from .log import set_up
from .metrics import Metrics
from .pages.index import index
from .settings import Settings
from .source_code import source_code


def create_app(settings: Settings | None = None) -> Starlette:
    """The whole front as an ASGI application. Without `settings` they are read from the environment."""
    settings = settings or Settings.load()
    set_up(settings.log_level, settings.log_format)
    metrics = Metrics()
    pictures = Pictures(metrics, settings.url_bytes)
    health = Health(settings, metrics)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            parts: Parts = await stack.enter_async_context(assembled(settings, metrics))
            pictures.delivery = parts.delivery
            health.parts = parts
            yield
            health.parts = None

    app = Starlette(routes=_routes(health, settings.media), lifespan=lifespan)
    app.router.default = pictures  # a route's pattern would leave paths with line ends to Starlette's own 404
    return app


def _routes(health: Health, media: Path) -> list[BaseRoute]:
    return [
        Route("/", index(media)),
        Route("/health", health.health),
        Route("/healthcheck", health.health),
        Route("/ready", health.ready),
        Route("/metrics", health.metrics),
        Route("/version", health.version),
        Route("/version/source.tar.gz", source_code),
        Route("/models", health.models),
        Route("/schema.json", health.schema),
        Route("/robots.txt", health.robots),
        Route("/favicon.ico", health.favicon),
    ]
