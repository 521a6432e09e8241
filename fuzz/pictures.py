"""Hostile pictures under real render processes: `python -m fuzz.pictures --minutes 10`.

Files are mutated from valid ones and from hostile ones (`tests.mutated`; --seed says where to begin) and rendered by
`server.renderers.Renderers`, as the server does. Each must be answered by a picture or a coded Failure of the 4xx kind
within SLOW seconds of processor time, with less than MOST bytes more in the render process than when idle, and with no
process lost. Those that are not are told with their seeds, kept in --keep, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from PIL import Image

from server.errors import status_of
from server.renderer import Job, Rendered
from server.renderers import Renderers
from tests.mutated import mutant, seeds
from transforms.failure import Failure
from transforms.limits import Limits
from transforms.output import Client

SLOW = 8.0  # s of processor time, after which the server would kill a render on an idle machine
PATIENCE = 60.0  # s
MOST = 1 << 30  # bytes
PIPELINES = ("", "", "resize:64x64", "format:webp", "rotate:7/format:png", "still/resize:32x", "info")


@dataclass
class Tally:
    """What has happened so far."""

    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")
    idle: int = 0  # bytes of a render process that has done nothing yet


def renderers() -> list[psutil.Process]:
    """The render processes of this one: what the fork server has begun."""
    return [
        process
        for child in psutil.Process().children()
        for process in child.children()
        if "forkserver" in " ".join(child.cmdline())
    ]


def spent() -> float:
    """Seconds of processor time that they have taken."""
    times = (process.cpu_times() for process in renderers())
    return float(sum(time.user + time.system for time in times))


def peak() -> int:
    """The most bytes that any render process has held since it began, or since `forgotten`."""
    found = 0
    for process in renderers():
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            continue
        found = max(found, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
    return found


def forget_peaks() -> None:
    for process in renderers():
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")


async def fire(pool: Renderers, path: Path, pipeline: str, name: str, tally: Tally) -> bool:
    """Whether one file is dealt with as promised."""
    lost = len(tally.losses)
    begin = spent()
    job = Job(str(path), pipeline, Client(), Limits(), time.monotonic() + PATIENCE)
    problem = ""
    try:
        problem = unseen(await pool.render(job))
        tally.codes["picture"] += 1
    except Failure as failure:
        tally.codes[failure.code] += 1
        if status_of(failure) >= 500:
            problem = f"{failure.kind} {failure.code}"
    except Exception as error:
        tally.codes["uncoded"] += 1
        problem = repr(error)
    taken, held = spent() - begin, peak() - tally.idle
    tally.slowest = max(tally.slowest, (taken, name))
    tally.largest = max(tally.largest, (held, name))
    if held > MOST // 2:
        forget_peaks()
    told = [problem] * bool(problem) + [f"{taken:.1f} s"] * (taken > SLOW) + [f"{held >> 20} MiB"] * (held > MOST)
    told += tally.losses[lost:]
    if told:
        tally.wrong.append(f"{name} {pipeline!r}: {', '.join(told)}")
        print(tally.wrong[-1], file=sys.stderr, flush=True)
    return not told


def unseen(rendered: Rendered) -> str:
    """What is wrong with an answer that should be a picture, or JSON."""
    if rendered.media_type == "application/json":
        return ""
    with Image.open(io.BytesIO(rendered.body)) as picture:
        picture.load()
    return ""


async def campaign(minutes: float, first: int, keep: Path) -> Tally:
    tally, until, seed = Tally(), time.monotonic() + minutes * 60, first
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        async with Renderers(1, PATIENCE, None, limits=Limits(), on_loss=tally.losses.append) as pool:
            tally.idle = peak()
            for index, data in enumerate(seeds()):
                path.write_bytes(data)
                await fire(pool, path, "", f"seed-{index}", tally)
            while time.monotonic() < until:
                data = mutant(seed)
                path.write_bytes(data)
                if not await fire(pool, path, PIPELINES[seed % len(PIPELINES)], f"mutant-{seed}", tally):
                    (keep / f"mutant-{seed}").write_bytes(data)
                seed += 1
    return tally


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "darkroom-fuzz")
    given = arguments.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    tally = asyncio.run(campaign(given.minutes, given.seed, given.keep))
    print(f"{tally.codes.total()} files: {dict(tally.codes.most_common())}")
    print(f"slowest {tally.slowest[0]:.2f} s ({tally.slowest[1]}), largest {tally.largest[0] >> 20} MiB", end=" ")
    print(f"({tally.largest[1]}), {len(tally.losses)} processes lost, {len(tally.wrong)} wrong")
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main()
