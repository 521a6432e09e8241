"""What a cached answer costs: requests a second on one core of the front, from memory, from Redis, and as a 304.

`python -m bench.hits` wants `wrk`; `--redis` also `redis-server`. The server tree is pinned to one core and the load to
another, as in a benchmark of peers; every limit and header is on.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess

import httpx2
import psutil

from tests.redis_server import RedisServer
from tests.servers import Server

PATH = "/resize:400x300/bus.jpg"
SERVER_CORE, LOAD_CORE = {0}, {1}
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=5)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--connections", type=int, default=32)
    given = arguments.parse_args()
    assert shutil.which("wrk"), "wrk is not installed"
    for repeat in range(given.repeats):
        with Server(detection="/nonexistent") as server:
            server.wait("/health")
            pin(server)
            etag = server.get(PATH).headers["etag"]
            show(repeat, "memory hit", load(server, given))
            show(repeat, "304", load(server, given, f"If-None-Match: {etag}"))
            signed = "Accept: image/avif,image/webp,*/*"
            server.get("/resize:400x300/format:auto/bus.jpg", headers={"Accept": signed.partition(" ")[2]})
            show(repeat, "negotiated hit", load(server, given, signed, path="/resize:400x300/format:auto/bus.jpg"))
        show(repeat, "Redis hit", redis_hits(given))


def redis_hits(given: argparse.Namespace) -> float:
    """Hits that memory cannot answer: it keeps nothing, so that each is asked of Redis."""
    redis = RedisServer("--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru")
    redis.start()
    try:
        with Server(detection="/nonexistent", cache=redis.patient_url, cache_bytes=0) as server:
            server.wait("/health")
            pin(server)
            server.get(PATH)
            return load(server, given)
    finally:
        redis.close()


def pin(server: Server) -> None:
    """The front to its core; what renders, which is idle here, as well."""
    front = psutil.Process(server.process.pid)
    for process in [front, *front.children(recursive=True)]:
        process.cpu_affinity(list(SERVER_CORE))


def load(server: Server, given: argparse.Namespace, *headers: str, path: str = PATH) -> float:
    """Requests a second that wrk gets answered; all of them must be right."""
    assert httpx2.get(server.url + path).status_code == 200
    options = [part for header in headers for part in ("-H", header)]
    command = ["wrk", "-t1", f"-c{given.connections}", f"-d{given.seconds}", *options, server.url + path]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, LOAD_CORE),
    )  # fmt: skip
    assert not _FAILED.search(done.stdout), done.stdout
    found = _RATE.search(done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def show(repeat: int, what: str, rate: float) -> None:
    print(f"run {repeat + 1}: {what:15} {rate:8.0f} requests/s", flush=True)


if __name__ == "__main__":
    main()
