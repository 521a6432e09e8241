"""Puts the running parts together, and takes them apart again in the right order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cache.open import Cache, open_cache
from cache.store import Store
from detectors.client import Client
from detectors.models import ModelStore

from .admission import Admission
from .configuration import Configuration
from .detection import Supervisor
from .findings import Findings
from .gathering import Gathering
from .identities import Identities
from .log import logger
from .make import Maker
from .metrics import Metrics, Tally
from .origins import open_origins
from .render import Delivery
from .renderers import Renderers
from .search.looking import Looking
from .search.open import open_feed
from .settings import Settings
from .signing import Access
from .sources.pull import PullThrough
from .watermark import watermark_of
from .weights import models_of


@dataclass(frozen=True)
class Parts:
    """What runs while the application does."""

    delivery: Delivery
    cache: Cache
    models: ModelStore
    identities: Identities
    detection: str
    looking: Looking | None = None

    @property
    def store(self) -> Store:
        return self.cache.store


@asynccontextmanager
async def assembled(settings: Settings, metrics: Metrics, only: Collection[str] = ()) -> AsyncIterator[Parts]:
    """Everything started, in the order of need: detection first, because its models take the longest to load.

    `only` is as in Supervisor.
    """
    supervisor = None if settings.detection else supervise(settings, metrics, only)
    address = settings.detection or (supervisor.address if supervisor else "")
    try:
        async with Renderers(
            settings.renderers_per_front, settings.render_timeout, address, settings.detection_secret_text,
            limits=settings.limits, memory_bytes=int(settings.render_memory),
            fonts=tuple(map(str, settings.font_folders)),
            on_loss=lambda why: metrics.lost_renderers.labels(why).inc(),
        ) as renderers:  # fmt: skip
            parts = _parts(settings, metrics, renderers, address)
            await parts.cache.start()
            if address.startswith("http"):  # elsewhere, where the models folder says nothing of its words
                await parts.identities.wait()
            feed = parts.looking.feed if parts.looking else None
            work = (parts.identities.watch(), *((feed.run(),) if feed else ()))
            tasks = [asyncio.create_task(one) for one in work]
            try:
                yield parts
            finally:
                for task in tasks:
                    task.cancel()
                await parts.delivery.close()
                if feed:
                    await feed.close()
                await parts.cache.close()
    finally:
        if supervisor:
            supervisor.stop()


def supervise(settings: Settings, metrics: Metrics | None = None, only: Collection[str] = ()) -> Supervisor:
    """The detection process of these settings, started."""
    supervisor = Supervisor(settings, metrics.detection_restarts.inc if metrics else lambda: None, only)
    supervisor.start()
    return supervisor


def _parts(settings: Settings, metrics: Metrics, renderers: Renderers, detection: str) -> Parts:
    cache = _cache(settings, metrics)
    models = models_of(settings)
    identities = Identities(models, Client(detection, settings.detection_secret_text))
    configuration = Configuration.load(settings.config)
    mounts = configuration.originals(settings)
    origins = open_origins(settings, mounts, cache.store, metrics)
    admission = _admission(settings, renderers)
    gathering = Gathering(origins.originals)
    feed = open_feed(settings, cache, lambda name, outcome: metrics.index.labels(name, outcome).inc())
    maker = Maker(
        gathering=gathering, cache=cache, findings=Findings(cache.store, identities), renderers=renderers,
        admission=admission, limits=settings.limits, metrics=metrics, fonts=settings.font_folders, feed=feed,
    )  # fmt: skip
    pull = PullThrough(origins.web)
    delivery = Delivery(
        mounts=mounts, presets=configuration.presets, pull=pull, originals=origins.originals, gathering=gathering,
        cache=cache, maker=maker, formats=settings.auto_formats, metrics=metrics, access=Access.of(settings),
        watermark=watermark_of(settings, configuration.presets), request_seconds=settings.timeout,
    )  # fmt: skip
    _watch(metrics, settings, detection, renderers, admission)
    looking = None
    if feed is not None:
        feed.mounts = lambda: delivery.mounts
        looking = Looking(feed, delivery, maker, gathering, origins.originals, pull, settings.timeout)
    return Parts(delivery, cache, models, identities, detection, looking)


def _admission(settings: Settings, renderers: Renderers) -> Admission:
    return Admission(
        2 * renderers.processes, settings.queue_size, settings.queue_age,
        most_inside=round(settings.active_resolution * 1e6), most_waiting=round(settings.queue_resolution * 1e6),
        largest=settings.limits.total_pixels,
    )  # fmt: skip


def _watch(metrics: Metrics, settings: Settings, detection: str, renderers: Renderers, admission: Admission) -> None:
    """Metrics are told whom to ask."""
    metrics.detection.address, metrics.detection.secret = detection, settings.detection_secret_text
    metrics.watch(
        renderers=lambda: renderers.processes, busy=lambda: admission.inside, pixels=lambda: admission.pixels_inside,
        queue_age=lambda: admission.age, fronts=settings.workers,
    )  # fmt: skip


def _cache(settings: Settings, metrics: Metrics) -> Cache:
    counters: dict[tuple[str, str], Tally] = {}

    def count(name: str, event: str) -> None:
        counter = counters.get((name, event))
        if counter is None:
            counter = counters[name, event] = metrics.tally(metrics.stores.labels(name, event))
        counter.inc()

    return open_cache(
        settings.cache_text, memory_bytes=int(settings.cache_bytes), disk=settings.cache_disk,
        disk_bytes=int(settings.cache_disk_bytes), prefix=settings.cache_prefix, local=_news(settings),
        on_event=count, on_warning=lambda text: logger().warning("cache", warning=text),
    )  # fmt: skip


def _news(settings: Settings) -> Path | None:
    """The folder in which the fronts of this machine tell each other of purges; None for one that is alone."""
    if settings.cache_disk is not None:
        return settings.cache_disk / "news"
    instance = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(instance) / "news" if instance and settings.workers > 1 else None
