"""The engine against the bare model, in one run: pictures a second through `Engine.find` from several threads, without
keys, so that nothing is kept or shared, and of the same model called in a loop, taking turns.

    python -m bench.engine [--models FOLDER] [--kind objects] [--device cpu|cuda] [--threads 4] [--seconds 20]

On a CPU the bare loop calls the model with one picture. With `--device cuda` it calls it with full batches. `ratio` is
engine / bare: wanted are 0.9 on a CPU and 0.8 on a GPU.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from detectors import quiet

quiet.silence()

import numpy as np  # noqa: E402

from detectors.engine import Engine, pick_device  # noqa: E402
from detectors.found import PixelArray  # noqa: E402
from detectors.models import ModelStore  # noqa: E402
from detectors.registry import Loaded, Question, serving  # noqa: E402

ROUND_S = 1.5
WANTED = {"cpu": 0.9, "cuda": 0.8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("DARKROOM_MODELS", "models")))
    parser.add_argument("--kind", default="objects")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, help="that ask; 4, or twice a batch on a GPU")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    try:
        device = pick_device(options.device)
    except RuntimeError as error:
        sys.exit(f"skipped: {error}")
    store = ModelStore(options.models, device=device)
    detector = serving(options.kind)
    if not store.weights(options.kind):
        sys.exit(f"skipped: no weights for {options.kind} in {options.models}")
    engine = Engine(store, device, [detector])
    engine.start()
    try:
        compare(engine, options.kind, device, options.threads, options.seconds)
    finally:
        engine.close()


def compare(engine: Engine, kind: str, device: str, threads: int | None, seconds: float) -> None:
    """Rounds of bare and engine, taking turns; the medians and their ratio."""
    while not engine.ready:
        time.sleep(0.02)
    [lane] = engine.lanes
    weights = lane.weights
    if weights is None:
        sys.exit(f"skipped: {lane.problem}")
    model = lane.detector.load(weights, device)
    asking = threads or max(4, 2 * model.batch)
    pictures = _pictures(64)
    ways: dict[str, Callable[[float], float]] = {
        "bare": lambda until: _bare(model, kind, pictures, until),
        "engine": lambda until: _through(engine, kind, pictures, until, asking),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for run in range(1 + max(3, round(seconds / ROUND_S / len(ways)))):
        for way, work in ways.items():
            began = time.perf_counter()
            count = work(time.monotonic() + ROUND_S)
            if run:  # the first is to warm up
                rates[way].append(count / (time.perf_counter() - began))
    bare, engined = (median(rates[way]) for way in ways)
    ratios = sorted(one / other for one, other in zip(rates["engine"], rates["bare"], strict=True))
    print(f"{weights.identity} on {device}, batches of {model.batch}, {asking} threads, {len(ratios)} rounds")
    print(f"bare {bare:.1f} pictures/s, engine {engined:.1f}")
    print(f"ratio {median(ratios):.2f} (rounds {ratios[0]:.2f} to {ratios[-1]:.2f}), wanted {WANTED[device]}")


def _pictures(number: int) -> list[PixelArray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (480, 640, 3), np.uint8) for _ in range(number)]


def _bare(model: Loaded, kind: str, pictures: list[PixelArray], until: float) -> float:
    count = 0
    while time.monotonic() < until:
        some = [Question(kind, pictures[(count + offset) % len(pictures)]) for offset in range(model.batch)]
        model.find(some)
        count += len(some)
    return count


def _through(engine: Engine, kind: str, pictures: list[PixelArray], until: float, threads: int) -> float:
    counts = [0] * threads

    def ask(number: int) -> None:
        while time.monotonic() < until:
            engine.find({kind}, pictures[(number * 7 + counts[number]) % len(pictures)], time.monotonic() + 30)
            counts[number] += 1

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    return sum(counts)


if __name__ == "__main__":
    main()
