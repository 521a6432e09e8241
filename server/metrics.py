"""Prometheus metrics: base units, no URL and no host as a label. The first group has the names imgproxy uses."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests answered.")
        self.statuses = self._counter("status_codes", "Responses by status.", "status")
        self.errors = self._counter("errors", "Failures by code.", "type")
        self.seconds = Histogram(
            "darkroom_request_duration_seconds", "Time to answer.", buckets=_SECONDS, registry=self.registry
        )  # fmt: skip
        self.spans = Histogram(
            "darkroom_request_span_duration_seconds", "Time by stage.", ["span"],
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.in_progress = Gauge(
            "darkroom_requests_in_progress", "Requests being answered.",
            registry=self.registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self.cache = self._counter("cache_requests", "Cache look-ups.", "kind", "result")
        self.stores = self._counter("cache_store_events", "What each cache store answered.", "store", "event")
        self.followers = self._counter("flight_followers", "Requests served by another's work.")
        self.shed = self._counter("shed", "Requests refused under load.", "reason")
        self.degraded = self._counter("degraded", "Results that had to do without something.", "what")
        self.lost_renderers = self._counter("lost_renderers", "Render processes that died or were killed.", "why")
        self.detection_restarts = self._counter("detection_restarts", "Restarts of the detection process.")
        self.sent = self._counter("sent_bytes", "Bytes of bodies sent.")
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            ProcessCollector(registry=self.registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"darkroom_{name}", help_text, labels, registry=self.registry)

    def text(self) -> bytes:
        """All metrics in the text format; summed over all fronts where there are several."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        summed = CollectorRegistry()
        multiprocess.MultiProcessCollector(summed)  # type: ignore[no-untyped-call]
        return generate_latest(summed)
