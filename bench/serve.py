"""A server's first figures: time to /ready, memory of each process when idle, the sample URLs cold and cached, and what
handing a render to another process costs. `python -m bench.serve` (weights: DARKROOM_MODELS)."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from pathlib import Path

import psutil

from server import renderer
from server.machine import model_folder
from server.pages.index import SAMPLES
from server.renderers import Renderers
from tests.servers import Server
from transforms.limits import Limits

ROUNDS = 5
CALLS = 2000


def main() -> None:
    models = Path(os.environ.get("DARKROOM_MODELS") or model_folder())
    colds: dict[str, list[float]] = {path: [] for path, _ in SAMPLES}
    hots: dict[str, list[float]] = {path: [] for path, _ in SAMPLES}
    for number in range(ROUNDS):
        started = time.perf_counter()
        with Server(models=models) as server:
            server.wait("/health")
            alive = time.perf_counter() - started
            server.wait("/ready")
            ready = time.perf_counter() - started
            if number == 0:
                print(f"/health after {alive:.1f} s, /ready after {ready:.1f} s")
                memory(server)
            for path in colds:
                colds[path].append(taken(server, path))
                hots[path].append(min(taken(server, path) for _ in range(20)))
    print(f"\n| URL | cold ms (median of {ROUNDS} fresh servers) | cached ms (best of 20) |\n| --- | --- | --- |")
    for path in colds:
        print(f"| `{path}` | {statistics.median(colds[path]):.1f} | {statistics.median(hots[path]):.2f} |")
    asyncio.run(hand_over())


def taken(server: Server, path: str) -> float:
    """Milliseconds until the whole answer is here."""
    started = time.perf_counter()
    assert server.get(path).status_code == 200
    return (time.perf_counter() - started) * 1000


def memory(server: Server) -> None:
    """Resident and proportional memory of every process, idle."""
    front = psutil.Process(server.process.pid)
    for process in [front, *front.children(recursive=True)]:
        command = " ".join(process.cmdline())
        name = "front" if process == front else next(
            (what for sign, what in NAMES.items() if sign in command), command[:40]
        )  # fmt: skip
        if name == "fork server" and process.ppid() != front.pid:
            name = "renderer"
        full = process.memory_full_info()
        print(f"{name:18} RSS {full.rss / 2**20:6.0f} MB  PSS {full.pss / 2**20:6.0f} MB")


NAMES = {"detectors.service": "detection", "resource_tracker": "resource tracker", "forkserver": "fork server"}


async def hand_over() -> None:
    """Calls of a function that does nothing, one after another and eight at a time."""
    async with Renderers(os.cpu_count() or 1, 10, None, limits=Limits()) as pool:
        for together in (1, 8):
            started = time.perf_counter()

            async def work(calls: int = CALLS // together) -> None:
                for _ in range(calls):
                    await pool._run(renderer.ready)

            await asyncio.gather(*(work() for _ in range(together)))
            each = (time.perf_counter() - started) / CALLS * 1e6
            print(f"handing over nothing, {together} at a time: {each:.0f} µs a call")


if __name__ == "__main__":
    main()
