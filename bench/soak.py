"""Many thousand renders of all kinds: does memory grow, do descriptors or threads leak?

`python -m bench.soak [--renders 20000] [--first 2000]` (weights: DARKROOM_MODELS). A server of its own, with a loopback
origin. Each process is read after the first renders and after all, at rest: resident memory may have grown by 5 %, the
open descriptors and threads not at all. A renderer ends after 10,000 renders: what began meanwhile is said to have.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
from PIL import Image as Pillow

from server.machine import model_folder, sample_pictures
from tests import pictures
from tests.origins import Origin, image
from tests.servers import Server

CONNECTIONS = 4
REST = 3.0  # s without requests before memory is read
GROWTH = 0.05


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without ending the server
    models = Path(os.environ.get("DARKROOM_MODELS") or model_folder())
    with tempfile.TemporaryDirectory(prefix="darkroom-soak-") as folder:
        names = originals(Path(folder))
        routes = {f"/{name}": image(Path(folder, name).read_bytes()) for name in names}
        with Origin(routes) as origin:
            allowed = {"allowed_sources": origin.url, "allowed_networks": "127.0.0.0/8"}
            with Server(media=folder, models=models, cache_bytes=2 << 20, log_level="warning", **allowed) as server:
                server.wait()
                soak(server, work(names, origin.url), options.first, options.renders)


def soak(server: Server, paths: Iterator[str], first: int, renders: int) -> None:
    statuses: Counter[str] = Counter()
    began = time.monotonic()
    render(server, itertools.islice(paths, first), statuses)
    before = measured(server)
    render(server, itertools.islice(paths, renders - first), statuses)
    after = measured(server)
    print(f"{renders} renders in {time.monotonic() - began:.0f} s: {dict(statuses)}")
    print(f"\n| process | RSS MB after {first} | after {renders} | | descriptors | threads |")
    print("| --- | ---: | ---: | ---: | --- | --- |")
    for pid in [*before, *(pid for pid in after if pid not in before)]:
        tell(before.get(pid), after.get(pid))


@dataclass(frozen=True)
class Measured:
    """A process at rest."""

    name: str
    resident: int
    descriptors: int
    threads: int


def tell(before: Measured | None, after: Measured | None) -> None:
    if before is None or after is None:
        one = before or after
        assert one is not None
        what = "ended meanwhile" if before else "began meanwhile"
        print(f"| {one.name} | {one.resident / 2**20:.0f} | | {what} | {one.descriptors} | {one.threads} |")
        return
    grown = after.resident / before.resident - 1
    more = after.descriptors > before.descriptors or after.threads > before.threads
    verdict = " **leaks**" if more or grown > GROWTH else ""
    print(
        f"| {after.name} | {before.resident / 2**20:.0f} | {after.resident / 2**20:.0f} | {grown:+.1%}{verdict}"
        f" | {before.descriptors} → {after.descriptors} | {before.threads} → {after.threads} |"
    )


def measured(server: Server) -> dict[int, Measured]:
    """Every process of the server by its id, after a rest."""
    time.sleep(REST)
    front = psutil.Process(server.process.pid)
    found: dict[int, Measured] = {}
    for process in [front, *front.children(recursive=True)]:
        with process.oneshot():
            found[process.pid] = Measured(
                _name(process, front), process.memory_info().rss, process.num_fds(), process.num_threads()
            )
    return found


def _name(process: psutil.Process, front: psutil.Process) -> str:
    if process == front:
        return "front"
    command = " ".join(process.cmdline())
    if "forkserver" in command:
        return "fork server" if process.ppid() == front.pid else f"renderer {process.pid}"
    return "detection" if "detectors.service" in command else "resource tracker"


def render(server: Server, paths: Iterator[str], statuses: Counter[str]) -> None:
    lock = threading.Lock()

    def ask() -> None:
        with httpx2.Client(base_url=server.url, timeout=60, trust_env=False) as client:
            while True:
                with lock:
                    path = next(paths, None)
                if path is None:
                    return
                answer = client.get(path)
                told = str(answer.status_code)
                if answer.status_code != 200:
                    told += " " + str(answer.json().get("code"))
                with lock:
                    statuses[told] += 1

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(lambda _: ask(), range(CONNECTIONS)))


STEPS = (
    "resize:{n}x/format:avif", "resize:{n}x/format:webp", "resize:{n}x/format:png", "resize:{n}x/format:jpeg",
    "resize:{n}x/format:auto", "face-crop:{n}x{n}", "blur-faces/resize:{n}x", "rotate:7/resize:{n}x",
    "auto-tag/resize:{n}x", "resize:{n}x/blur:3", "crop:{n}x{n}", "resize:{n}x/pixelate-faces", "resize:{n}x/still",
)  # fmt: skip


def work(names: list[str], origin: str) -> Iterator[str]:
    """Paths of all steps, formats and sources in turn, of which no two are alike; one in four comes from the web."""
    for number in itertools.count():
        step = STEPS[number % len(STEPS)].format(n=60 + number % 401)
        name = names[number // len(STEPS) % len(names)]
        salt = f"quality:{30 + number // 401 % 60}"
        source = name if number % 4 else f"{origin}/{name}?{number % 50}"
        yield f"/{step}/{salt}/{source}"


def originals(folder: Path) -> list[str]:
    """Pictures of every format that is read, still and moving, with and without people."""
    photo = pictures.photo(900, 600)
    stills = {"a.jpg": "JPEG", "b.png": "PNG", "c.webp": "WEBP", "d.avif": "AVIF", "e.tif": "TIFF", "f.bmp": "BMP",
              "g.jp2": "JPEG2000", "h.gif": "GIF"}  # fmt: skip
    for name, form in stills.items():
        folder.joinpath(name).write_bytes(pictures.file(photo, form))
    for name, form in {"i.gif": "GIF", "j.webp": "WEBP", "k.png": "PNG"}.items():
        folder.joinpath(name).write_bytes(pictures.animation(pictures.animated(240, 160, frames=8), form))
    people = sorted(sample_pictures().glob("*.jpg"))
    for path in people:
        with Pillow.open(path) as picture:
            picture.save(folder / path.name)
    return [*stills, "i.gif", "j.webp", "k.png", *(path.name for path in people)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renders", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=2000, help="renders before memory is read for the first time")
    return parser.parse_args()


if __name__ == "__main__":
    main()
