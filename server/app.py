"""create_app(settings) -> Starlette: routes and lifespan, nothing else."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from .answers import Entrance, Pictures
from .assemble import Parts, assembled
from .clients import Clients
from .faults import flush, hook_of
from .health import Health
from .log import gathered, set_up
from .metrics import Metrics
from .pages.index import index
from .purge import Purge
from .redact import remember, secrets_of
from .reload import Reloader
from .respond import Policy, Responder
from .search.endpoints import Search
from .settings import Settings
from .source_code import source_code


def create_app(settings: Settings | None = None) -> Starlette:
    """The whole front as an ASGI application. Without `settings` they are read from the environment."""
    settings = settings or Settings.load()
    remember(secrets_of(settings))
    set_up(settings.log_level, settings.log_format, hook_of(settings))
    metrics = Metrics(settings.metrics_namespace)
    policy = Policy(
        settings.browser_ttl, settings.stale_ttl, settings.cors_origins, settings.canonical_link, settings.debug_headers
    )  # fmt: skip
    clients = Clients(settings.trusted_proxies)
    pictures = Pictures(metrics, Responder(policy), clients, settings.url_bytes)
    health = Health(settings, metrics)
    reloader = Reloader(settings, metrics)
    purge = Purge(metrics, lambda: reloader.admin_token)
    search = Search(settings.search, metrics, clients, lambda: reloader.admin_token)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            parts: Parts = await stack.enter_async_context(assembled(settings, metrics))
            pictures.delivery = parts.delivery
            health.parts = parts
            reloader.delivery = parts.delivery
            purge.store, purge.mounts = parts.store, lambda: parts.delivery.mounts
            purge.feed = parts.looking.feed if parts.looking else None
            search.looking, search.is_open = parts.looking, lambda: parts.delivery.access.is_open
            await stack.enter_async_context(metrics.kept_fresh())
            stack.enter_context(gathered())
            gc.collect()
            gc.freeze()
            yield
            health.parts = reloader.delivery = purge.store = search.looking = None
        await flush(settings)

    routes = [
        *_routes(health, settings), Route("/cache", purge.__call__, methods=["DELETE"]),
        Route("/tags", search.tags), Route("/tags/{tag:path}", search.tag), Route("/similar/{of:path}", search.similar),
    ]  # fmt: skip
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.metrics, app.state.drain, app.state.reload = metrics, health.drain, reloader
    app.add_middleware(Entrance, pictures=pictures, pages=frozenset(route.path for route in routes))
    if settings.tracing:
        from .tracing import Tracing, exported

        app.add_middleware(Tracing, processor=exported(settings.tracing))
    app.router.redirect_slashes = False  # to what the Host header says
    app.router.default = pictures  # a route's pattern would leave paths with line ends to Starlette's own 404
    return app


def _routes(health: Health, settings: Settings) -> list[Route]:
    return [
        Route("/", index(settings.media)),
        Route("/health", health.health),
        Route("/healthcheck", health.health),
        Route("/ready", health.ready),
        *([] if settings.metrics_bind else [Route("/metrics", health.metrics)]),
        Route("/version", health.version),
        Route("/version/source.tar.gz", source_code),
        Route("/models", health.models),
        Route("/schema.json", health.schema),
        Route("/robots.txt", health.robots),
        Route("/favicon.ico", health.favicon),
    ]
