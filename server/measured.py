"""What is measured when somebody looks: the memory of all our processes, and what the detection service counted."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

PATIENCE = 0.3  # s that the detection service gets to answer

_ROLES = (  # what a command line of ours holds
    ("detectors.service", "detection"),
    ("multiprocessing.forkserver", "renderer"),
    ("multiprocessing.spawn", "front"),
)


class Memory(Collector):
    """Resident bytes of our processes by role: front, renderer, detection, parent."""

    def __init__(self, namespace: str, *, shared: bool) -> None:
        self._namespace = namespace
        self._shared = shared

    def collect(self) -> Iterator[Metric]:
        sizes: dict[str, int] = {}
        for role, size in _processes():
            sizes[role] = sizes.get(role, 0) + size
        family = GaugeMetricFamily(
            f"{self._namespace}_resident_memory_bytes", "Resident memory of all processes of a role.", labels=["role"]
        )
        for role, size in sizes.items():
            family.add_metric([role], size)
        yield family
        if self._shared:  # of one process the client library says it itself
            total = sizes.get("front", 0)
            yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory of all fronts.", total)


def _processes() -> Iterator[tuple[str, int]]:
    """Role and resident bytes of the process that everything hangs on, and of all below it."""
    parent = multiprocessing.parent_process()
    root = parent.pid if parent is not None and parent.pid else os.getpid()
    several = parent is not None or "PROMETHEUS_MULTIPROC_DIR" in os.environ
    page = os.sysconf("SC_PAGE_SIZE")
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        with suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            waiting += _children(pid)
            size = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
            role = ("parent" if several else "front") if pid == root else _role(pid)
            if role:
                yield role, size


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _role(pid: int) -> str | None:
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return next((role for sign, role in _ROLES if sign in command), None)


_TOTALS = {
    "failures": "Calls of a model that failed.",
    "canaries": "Times that a model did not give its known answer about a picture.",
    "reloads": "Times that a model was loaded again for that.",
}


class Detection(Collector):
    """What the detection service counted, asked of it at each look; nothing where it does not answer."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.address = ""
        self.secret: str | None = None

    def collect(self) -> Iterator[Metric]:
        said = asked(self.address, self.secret) if self.address else {}
        try:
            yield from list(self._families(said))
        except (AttributeError, LookupError, TypeError, ValueError):  # another program's answer
            yield from self._families({})

    def _families(self, said: dict[str, Any]) -> Iterator[Metric]:
        name = self._namespace
        labels = ("model", "task")
        queue = GaugeMetricFamily(f"{name}_detector_queue", "Questions that wait for a model.", labels=labels)
        seconds = HistogramMetricFamily(f"{name}_detector_duration_seconds", "Calls of a model.", labels=labels)
        batch = HistogramMetricFamily(f"{name}_detector_batch_size", "Questions in a call of a model.", labels=labels)
        totals = {
            key: CounterMetricFamily(f"{name}_detector_{key}", doc, labels=labels) for key, doc in _TOTALS.items()
        }
        for lane in said.get("models", []):
            which = [str(lane["model"]), str(lane["task"])]
            queue.add_metric(which, float(lane["waiting"]))
            for key, total in totals.items():
                total.add_metric(which, float(lane[key]))
            for family, counted in ((seconds, lane["seconds"]), (batch, lane["batch"])):
                buckets = [(str(most), float(number)) for most, number in counted["buckets"]]
                family.add_metric(which, buckets, float(counted["sum"]))
        yield from (queue, seconds, batch, *totals.values())
        gpu = GaugeMetricFamily(f"{name}_gpu_memory_bytes", "Memory of the GPU that models hold.")
        if "gpu_memory" in said:
            gpu.add_metric([], float(said["gpu_memory"]))
        yield gpu


def asked(address: str, secret: str | None) -> dict[str, Any]:
    """What the detection service at a socket or an address has counted; nothing where it does not answer soon."""
    remote = address.startswith(("http://", "https://"))
    transport = None if remote else httpx2.HTTPTransport(uds=address, verify=False)
    headers = {"X-Darkroom-Secret": secret} if secret else {}
    try:
        with httpx2.Client(transport=transport, timeout=PATIENCE, trust_env=False, headers=headers) as client:
            answer = client.get(f"{address if remote else 'http://detection'}/stats")
            found = answer.json() if answer.status_code == 200 else {}
            return found if isinstance(found, dict) else {}
    except (httpx2.HTTPError, OSError, ValueError, RecursionError):
        return {}
