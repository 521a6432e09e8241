"""Prometheus metrics: base units, no URL and no host as a label. The first group has the names imgproxy uses.

Counting costs 0.9 µs a value. What each request counts is added up in plain numbers, and read when somebody looks.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from threading import Lock
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from .measured import Detection, Memory

Looked = Literal["hit", "stale", "miss", "bypass", "error"]
LOOKED: tuple[Looked, ...] = ("hit", "stale", "miss", "bypass", "error")
STAGES = ("queue", "fetch", "probe", "decode", "find", "run", "encode", "cache")

disable_created_metrics()  # type: ignore[no-untyped-call]  # a sample beside each counter, which no dashboard reads

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """All metrics of one process; `text` is of all fronts where there are several.

    Gauges are read when somebody looks: `watch` says from where.
    """

    def __init__(self, namespace: str = "darkroom") -> None:
        self.registry = CollectorRegistry()
        self._namespace = namespace
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []
        self._tallies: list[Tally] = []
        self._refreshing = Lock()
        self._shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        self._define_imgproxys()
        self._define_ours()
        self._bind()
        self.detection = Detection(namespace)
        self.scrape = self._scrape()

    def _define_imgproxys(self) -> None:
        self.requests = self._counter("requests", "Requests answered.")
        self.statuses = self._counter("status_codes", "Responses by status.", "status")
        self.errors = self._counter("errors", "Failures by code.", "type")
        self.seconds = self._histogram("request_duration_seconds", "Time to answer.")
        self.spans = self._histogram("request_span_duration_seconds", "Time by stage.", "span")
        self.in_progress = InProgress()
        self._gauge("requests_in_progress", "Requests being answered.", read=lambda: self.in_progress.count)
        self._workers = self._gauge("workers", "Render processes.")
        self._utilization = self._gauge("workers_utilization", "Per cent of the render processes that are at work.")
        self._images = self._gauge("images_in_progress", "Pictures being rendered.")

    def _define_ours(self) -> None:
        self.cache = self._counter("cache_requests", "Cache look-ups.", "kind", "result")
        self.stores = self._counter("cache_store_events", "What each cache store answered.", "store", "event")
        self.index = self._counter("search_index_events", "What the search index did.", "index", "event")
        self.followers = self._counter("flight_followers", "Requests served by another's work.")
        self._queue_age = self._gauge("queue_age_seconds", "How long the oldest render has waited.", "livemax")
        self.shed = self._counter("shed", "Requests refused under load.", "reason")
        self.degraded = self._counter("degraded", "Results that had to do without something.", "what")
        self._pixels = self._gauge("pixels_in_flight", "Pixels of the sources being rendered.")
        self.source_bytes = self._counter("source_bytes", "Bytes of sources read.")
        self.sent = self._counter("sent_bytes", "Bytes of bodies sent.")
        self.saved = self._counter("saved_bytes", "Bytes that results are smaller than their sources.")
        self.origins = self._counter("origin_responses", "Answers of remote sources, by class.", "class")
        self.lost_renderers = self._counter("lost_renderers", "Render processes that died or were killed.", "why")
        self.detection_restarts = self._counter("detection_restarts", "Restarts of the detection process.")
        self.purged = self._counter("purged_entries", "Cache entries that were purged.")
        self.reloads = self._counter("config_reloads", "Reloads of keys and settings file.", "result")
        self._reloaded = self._gauge("config_last_reload_successful", "Whether the last reload was taken.", "livemin")
        self._build = self._gauge("build_info", "What runs here.", "max", None, "version")

    def _bind(self) -> None:
        """The children that the request path needs, found once: to find one costs as much as to count."""
        self.renders, self.sources, self.found = (self._looked(kind) for kind in ("render", "source", "found"))
        self._requests, self._sent = self.tally(self.requests), self.tally(self.sent)
        self._statuses = {status: self.tally(self.statuses.labels(str(status))) for status in (200, 304)}
        self._stages = {stage: self.spans.labels(stage) for stage in STAGES}
        for kind in ("1xx", "2xx", "3xx", "4xx", "5xx", "failed"):
            self.origins.labels(kind)
        for result in ("ok", "failed"):
            self.reloads.labels(result)
        self._build.labels(version("darkroom")).set(1)
        self._reloaded.set(1)

    def _looked(self, kind: str) -> Mapping[Looked, Tally]:
        return {result: self.tally(self.cache.labels(kind, result)) for result in LOOKED}

    def tally(self, counter: Counter) -> Tally:
        """What is counted for a counter until somebody looks."""
        tally = Tally(counter)
        self._tallies.append(tally)
        return tally

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"{self._namespace}_{name}", help_text, labels, registry=self.registry)

    def _histogram(self, name: str, help_text: str, *labels: str) -> Histogram:
        return Histogram(f"{self._namespace}_{name}", help_text, labels, buckets=_SECONDS, registry=self.registry)

    def _gauge(
        self,
        name: str,
        help_text: str,
        mode: Literal["livesum", "livemax", "livemin", "max"] = "livesum",
        read: Callable[[], float] | None = None,
        *labels: str,
    ) -> Gauge:
        gauge = Gauge(
            f"{self._namespace}_{name}", help_text, labels, registry=self.registry, multiprocess_mode=mode
        )  # fmt: skip
        if read:
            self._watched.append((gauge, read))
        return gauge

    def _scrape(self) -> CollectorRegistry:
        """What is read when somebody asks: the metrics of all fronts, the processes, the detection service."""
        registry = CollectorRegistry()
        registry.register(_Refresh(self.refresh))
        if self._shared:
            registry.register(_Living())
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry.register(self.registry)  # it collects, which is all that is asked of it
            ProcessCollector(registry=registry)
        registry.register(Memory(self._namespace, shared=self._shared))
        registry.register(self.detection)
        return registry

    def request(self, status: int, seconds: float, sent: int) -> None:
        """Count an answer: its status, the time it took, the bytes of its body."""
        tally = self._statuses.get(status)
        if tally is None:
            tally = self._statuses[status] = self.tally(self.statuses.labels(str(status)))
        self._requests.inc()
        tally.inc()
        self._sent.inc(sent)
        self.seconds.observe(seconds)

    def refused(self, code: str) -> None:
        """Count a client that was turned away before it had said what it wants."""
        self.errors.labels(code).inc()
        if code == "too-many-clients":
            self.shed.labels(code).inc()

    def stage(self, name: str, seconds: float) -> None:
        """The time that a stage of a request took; see STAGES."""
        child = self._stages.get(name)
        if child is None:
            child = self._stages[name] = self.spans.labels(name)
        child.observe(seconds)

    def origin(self, status: int | None) -> None:
        """An answer of a remote source; None: there was none."""
        self.origins.labels(f"{status // 100}xx" if status else "failed").inc()

    def rendered(self, source: int, result: int) -> None:
        """The bytes of a source that was rendered, and of what was made of it."""
        self.source_bytes.inc(source)
        self.saved.inc(max(0, source - result))

    def reloaded(self, *, ok: bool) -> None:
        self.reloads.labels("ok" if ok else "failed").inc()
        self._reloaded.set(ok)

    def watch(
        self,
        *,
        renderers: Callable[[], float],
        busy: Callable[[], float],
        pixels: Callable[[], float],
        queue_age: Callable[[], float],
        fronts: int = 1,
    ) -> None:
        """Where the gauges of rendering are read from; `fronts` share the renderers of all."""
        self._watched += [
            (self._workers, renderers),
            (self._images, busy),
            (self._utilization, lambda: 100 * min(1.0, busy() / max(1.0, renderers())) / fronts),
            (self._pixels, pixels),
            (self._queue_age, lambda: max(0.0, queue_age())),
        ]

    def refresh(self) -> None:
        """Read the gauges and tallies. Fronts that share their metrics do so every second, for whoever is asked."""
        with self._refreshing:
            for gauge, read in self._watched:
                gauge.set(read())
            for tally in tuple(self._tallies):
                tally.flush()

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """While this lasts, the gauges of fronts that share their metrics are read every second."""
        task = asyncio.create_task(self._keep_fresh()) if self._shared else None
        try:
            yield
        finally:
            if task:
                task.cancel()

    async def _keep_fresh(self) -> None:
        while True:
            self.refresh()
            await asyncio.sleep(1)

    def text(self) -> bytes:
        """All metrics in the text format. Blocks for some ms: it reads files and asks the detection service."""
        return generate_latest(self.scrape)


class Tally:
    """Counts in a plain number what goes to a counter when it is flushed. Belongs to the event loop."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._count = self._told = 0

    def inc(self, amount: int = 1) -> None:
        self._count += amount

    def flush(self) -> None:
        """From any thread, one at a time: the loop may count meanwhile."""
        count = self._count
        self._counter.inc(count - self._told)
        self._told = count


class InProgress:
    """Requests being answered: a plain number, for the gauge to read."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def track_inprogress(self) -> Iterator[None]:
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


class _Refresh(Collector):
    """Yields nothing; the collectors after it find the gauges as they are now."""

    def __init__(self, refresh: Callable[[], None]) -> None:
        self._refresh = refresh

    def collect(self) -> Iterator[object]:  # type: ignore[override]  # metrics, of which there are none
        self._refresh()
        return iter(())


class _Living(Collector):
    """Yields nothing; forgets the gauges of fronts that have ended, which would be summed for ever."""

    def collect(self) -> Iterator[object]:  # type: ignore[override]  # as above
        folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
        pids = {name.split("_")[2].removesuffix(".db") for name in os.listdir(folder) if name.startswith("gauge_live")}
        for pid in pids:
            if not os.path.exists(f"/proc/{pid}"):
                multiprocess.mark_process_dead(int(pid))  # type: ignore[no-untyped-call]
        return iter(())
