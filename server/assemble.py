"""Puts the running parts together, and takes them apart again in the right order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cache.open import open_store
from cache.store import Store
from detectors.client import Client
from detectors.models import ModelStore

from .admission import Admission
from .configuration import Configuration
from .detection import Supervisor
from .findings import Findings
from .identities import Identities
from .metrics import Metrics
from .originals import Originals
from .render import Delivery
from .renderers import Renderers
from .settings import Settings
from .signing import Access
from .sources.http import HttpSource
from .sources.pull import PullThrough


@dataclass(frozen=True)
class Parts:
    """What runs while the application does."""

    delivery: Delivery
    store: Store
    models: ModelStore
    identities: Identities
    detection: str


@asynccontextmanager
async def assembled(settings: Settings, metrics: Metrics) -> AsyncIterator[Parts]:
    """Everything started, in the order of need: detection first, because its models take the longest to load."""
    supervisor = None if settings.detection else supervise(settings, metrics)
    address = settings.detection or (supervisor.address if supervisor else "")
    try:
        async with Renderers(
            settings.renderers_per_front, settings.render_timeout, address, settings.detection_secret_text,
            limits=settings.limits, memory_bytes=int(settings.render_memory),
            on_loss=lambda why: metrics.lost_renderers.labels(why).inc(),
        ) as renderers:  # fmt: skip
            parts = _parts(settings, metrics, renderers, address)
            watching = asyncio.create_task(parts.identities.watch())
            try:
                yield parts
            finally:
                watching.cancel()
                await parts.delivery.close()
    finally:
        if supervisor:
            supervisor.stop()


def supervise(settings: Settings, metrics: Metrics | None = None) -> Supervisor:
    """The detection process of these settings, started."""
    supervisor = Supervisor(settings, metrics.detection_restarts.inc if metrics else lambda: None)
    supervisor.start()
    return supervisor


def _parts(settings: Settings, metrics: Metrics, renderers: Renderers, detection: str) -> Parts:
    store = open_store(
        settings.cache_text,
        memory_bytes=int(settings.cache_bytes),
        on_event=lambda name, event: metrics.stores.labels(name, event).inc(),
    )
    models = ModelStore(settings.models)
    identities = Identities(models, Client(detection, settings.detection_secret_text))
    configuration = Configuration.load(settings.config)
    mounts = configuration.originals(settings)
    web = HttpSource.of(settings)
    delivery = Delivery(
        mounts=mounts,
        presets=configuration.presets,
        pull=PullThrough(web),
        originals=Originals({"file": mounts.folders, "http": web, "https": web}, store),
        store=store,
        findings=Findings(store, identities),
        renderers=renderers,
        admission=Admission(2 * renderers.processes, settings.queue_size, settings.queue_age),
        limits=settings.limits,
        request_seconds=settings.timeout,
        metrics=metrics,
        access=Access.of(settings),
    )
    return Parts(delivery, store, models, identities, detection)
