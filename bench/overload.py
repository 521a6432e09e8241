"""Ten times what a server can do, for a minute: what it still does, how it says no, whether it stays alive.

`python -m bench.overload [--times 10] [--seconds 60] [--clients 20]`. A server of its own on loopback, with as many
renderers as there are processors; generator and health check are processes of their own, which a small machine feels:
the processor time that each took is printed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests import pictures
from tests.servers import Server

PHOTOS = {"a.jpg": (4000, 3000), "b.jpg": (3000, 2000), "c.jpg": (2000, 1500), "d.png": (1600, 1200)}
CAPACITY_SECONDS = 15.0
IN_FLIGHT = 16  # connections that capacity is measured with
DEADLINE = 10.0  # s, DARKROOM_TIMEOUT


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without ending the server
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    with tempfile.TemporaryDirectory(prefix="darkroom-overload-") as folder:
        media = Path(folder)
        for name, size in PHOTOS.items():
            media.joinpath(name).write_bytes(pictures.file(pictures.photo(*size), "PNG" if "png" in name else "JPEG"))
        given: dict[str, Any] = {"media": media, "timeout": DEADLINE, "log_format": "json", "cache_bytes": 64 << 20}
        given |= dict(pair.split("=", 1) for pair in options.set)
        with Server(**given) as server:
            server.wait()
            overload(server, options.times, options.seconds, options.clients)


def overload(server: Server, times: float, seconds: float, clients: int) -> None:
    paths = distinct()
    unloaded = statistics.median(_asked(server, next(paths)) for _ in range(20))
    busy = _spent(server)
    capacity = measured_capacity(server, paths)
    _tell("capacity", f"{capacity:.1f} answers/s", f"{IN_FLIGHT} connections; alone {unloaded * 1000:.0f} ms")
    print(f"{'':24}processor s in {CAPACITY_SECONDS:g} s: {_difference(busy, _spent(server))}")

    rate = capacity * times
    plan = {"port": server.port, "rate": rate, "seconds": seconds, "clients": clients,
            "paths": list(itertools.islice(paths, int(rate * seconds * 1.2)))}  # fmt: skip
    busy, health = _spent(server), Health(server.port)
    generator = subprocess.run(
        [sys.executable, "-m", "bench.openloop"], input=json.dumps(plan), capture_output=True, text=True, check=True
    )  # fmt: skip
    ended = time.monotonic()
    result = json.loads(generator.stdout)
    report(result, capacity, seconds)
    cost = f"{result['cpu']:.0f} ({result['cpu'] / len(result['taken']) * 1e6:.0f} µs a request)"
    print(f"{'':24}processor s: {_difference(busy, _spent(server))}, generator {cost}; it was"
          f" {result['late']:.2f} s behind at most")  # fmt: skip
    tell_recovery(server, paths, unloaded, ended)
    latencies = health.stop()
    _tell("/health", f"p50 {_at(latencies, 50):.1f}, p99 {_at(latencies, 99):.1f}, max {max(latencies):.1f} ms",
          f"{len(latencies)} asked throughout; wanted < 50")  # fmt: skip
    print(f"{'':24}renderers lost: {server.metric('darkroom_lost_renderers_total'):g}")


def report(result: dict[str, Any], capacity: float, seconds: float) -> None:
    taken = [tuple(one) for one in result["taken"]]
    good = [(due, took) for due, took, status in taken if status == 200]
    refused = [took * 1000 for _, took, status in taken if status in (429, 503)]
    late = [took for took in refused if took > 50]
    in_time = sum(due + took <= seconds and took <= DEADLINE for due, took in good)
    _tell("sent", f"{len(taken)} in {seconds:g} s", str(dict(Counter(status for *_, status in taken))))
    goodput = in_time / seconds
    _tell("goodput", f"{goodput:.1f} answers/s: {goodput / capacity:.0%} of capacity", "wanted 90 %")
    times = [took * 1000 for _, took in good]
    _tell("accepted", f"p50 {_at(times, 50):.0f}, p99 {_at(times, 99):.0f} ms", f"deadline {DEADLINE * 1000:.0f}")
    _tell("refused", f"p50 {_at(refused, 50):.1f}, p99 {_at(refused, 99):.1f}, max {max(refused):.0f} ms",
          f"{len(late)} of {len(refused)} later than 50 ms: {len(late) / len(refused):.2%}")  # fmt: skip


def tell_recovery(server: Server, paths: Iterator[str], unloaded: float, ended: float) -> None:
    """Time from the last answer under load until three in a row take no more than three times what they took before."""
    quick = 0
    while quick < 3 and time.monotonic() - ended < 30:
        taken = _asked(server, next(paths))
        quick = quick + 1 if taken < max(3 * unloaded, 0.1) else 0
    _tell("recovery", f"{time.monotonic() - ended:.1f} s", "wanted < 5")


def measured_capacity(server: Server, paths: Iterator[str]) -> float:
    """Answers a second with all renderers busy and nobody refused."""
    until = time.monotonic() + CAPACITY_SECONDS
    lock = threading.Lock()

    def ask() -> int:
        done = 0
        with httpx2.Client(base_url=server.url, timeout=30, trust_env=False) as client:
            while time.monotonic() < until:
                with lock:
                    path = next(paths)
                done += client.get(path).status_code == 200
        return done

    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        return sum(threads.map(lambda _: ask(), range(IN_FLIGHT))) / CAPACITY_SECONDS


def distinct() -> Iterator[str]:
    """Paths of which no two are alike, of all sizes and formats in turn."""
    names = itertools.cycle(PHOTOS)
    steps = ("resize:{w}x", "resize:{w}x/format:webp", "crop:{w}x{w}", "resize:{w}x/blur:2")
    for number in itertools.count():
        width, quality = 200 + number % 797, 40 + number // 797 % 50
        yield f"/{steps[number // 4 % 4].format(w=width)}/quality:{quality}/{next(names)}"


class Health:
    """Asks /health twenty times a second, in a process of its own."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ASKING, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip

    def stop(self) -> list[float]:
        """Milliseconds of each."""
        output, _ = self._process.communicate("stop\n")
        return [float(line) for line in output.split()]


_ASKING = """
import http.client, os, select, sys, time
try: os.nice(-5)
except PermissionError: pass
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
while not select.select([sys.stdin], [], [], 0.05)[0]:
    began = time.perf_counter()
    connection.request("GET", "/health")
    answer = connection.getresponse()
    answer.read()
    print((time.perf_counter() - began) * 1000 if answer.status == 200 else 1e9)
"""


def _asked(server: Server, path: str) -> float:
    began = time.perf_counter()
    server.get(path)
    return time.perf_counter() - began


def _spent(server: Server) -> dict[str, float]:
    """Processor seconds of the front and of the renderers."""
    front = psutil.Process(server.process.pid)
    spent = {"front": sum(front.cpu_times()[:2]), "renderers": 0.0}
    for process in front.children(recursive=True):
        if "forkserver" in " ".join(process.cmdline()) or "pebble" in process.name():
            spent["renderers"] += sum(process.cpu_times()[:2])
    return spent


def _difference(before: dict[str, float], after: dict[str, float]) -> str:
    return ", ".join(f"{name} {after[name] - before[name]:.0f}" for name in before)


def _at(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)] if values else 0.0


def _tell(what: str, value: str, note: str) -> None:
    print(f"{what:12}{value:44}{note}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=float, default=10, help="of the capacity")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=20, help="addresses that requests come from")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server")
    options: argparse.Namespace = parser.parse_args()
    return options


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    main()
