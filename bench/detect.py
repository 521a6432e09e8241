"""What the way through client and service costs, against the bare model in this process, in the same run.

    python bench/detect.py [--models FOLDER] [--rounds N]

Milliseconds per call for one 640 × 480 picture, bare and served calls taking turns; `kept` is a served call whose
answer the service still has, which is the price of the way alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from detectors import quiet

quiet.silence()

import numpy as np  # noqa: E402

from detectors.client import Client, Unanswered  # noqa: E402
from detectors.found import PixelArray  # noqa: E402
from detectors.models import ModelStore  # noqa: E402
from detectors.registry import Question, serving  # noqa: E402

KINDS = ("faces", "all-faces", "objects")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("DARKROOM_MODELS", "models")))
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/detection.sock"
        command = [sys.executable, "-m", "detectors.service", "--socket", address, "--models", str(options.models)]
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=Path(__file__).resolve().parent.parent, stderr=subprocess.DEVNULL)
        try:
            client = Client(address)
            for task in ("faces", "objects"):
                _wait(lambda task=task: client.models()["tasks"][task] in ("warm", "absent", "failed"))
                print(f"{task} settled {time.monotonic() - began:.1f} s after the start")
            store = ModelStore(options.models)
            print(f"{'':12}{'bare':>8}{'served':>8}{'more':>8}{'kept':>8}   ms, medians of {options.rounds}")
            for kind in KINDS:
                if store.weights(kind):
                    print(_row(kind, store, client, options.rounds))
        finally:
            process.kill()
            process.wait()


def _wait(true: Callable[[], bool]) -> None:
    while True:
        try:
            if true():
                return
        except Unanswered:
            pass
        time.sleep(0.02)


def _row(kind: str, store: ModelStore, client: Client, rounds: int) -> str:
    weights = store.weights(kind)
    assert weights
    model = serving(kind).load(weights, "cpu")
    pixels: PixelArray = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)

    def ask(key: str | None) -> None:
        client.find(frozenset({kind}), pixels, deadline=time.monotonic() + 10, key=key)

    calls: dict[str, Callable[[], object]] = {
        "bare": lambda: model.find([Question(kind, pixels)]),
        "served": lambda: ask(None),
        "kept": lambda: ask("same"),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 3):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - began) * 1000)
    bare, served, kept = (median(times[name][3:]) for name in calls)
    return f"{kind:12}{bare:8.2f}{served:8.2f}{served - bare:8.2f}{kept:8.2f}   {weights.identity}"


if __name__ == "__main__":
    main()
