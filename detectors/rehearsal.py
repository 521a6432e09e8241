"""Which models of a folder cannot be loaded, found out in a process of its own: `python -m detectors.rehearsal …`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import quiet

if TYPE_CHECKING:
    from .models import ModelStore

SECONDS = 300.0

Troubles = dict[str, tuple[str, str]]
"""By task: what is wrong, and what to do about it."""


def rehearse(folder: Path, device: str = "cpu", prefer: str = "") -> Troubles:
    """Load each model that a server with this folder would use, as it does, and let it look at a picture.

    One after the other, so that it takes the memory of one; 2 s and one more for each model on a CPU. `device` and
    `prefer` are as in the settings.
    """
    command = [sys.executable, "-P", "-m", "detectors.rehearsal", str(folder.resolve()), device, prefer]
    try:
        said = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False).stdout  # noqa: S603
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
    told: dict[str, list[str]] = dict(map(json.loads, said.splitlines()))
    return {task: (trouble[0], trouble[1]) for task, trouble in told.items() if trouble}


def _main(folder: Path, device: str, prefer: str) -> None:
    quiet.silence()
    from .engine import pick_device
    from .models import ModelStore
    from .prefer import read_preferences
    from .registry import detectors, install

    try:
        device = pick_device(device)
    except RuntimeError:
        device = "cpu"
    store = ModelStore(folder, device=device, prefer=read_preferences(prefer))
    install(store.own())
    for task in detectors():
        _try(store, device, task)


def _try(store: ModelStore, device: str, task: str) -> None:
    from .canary import Canary
    from .registry import detectors
    from .taking import Untaken, Written, advice, take

    detector = detectors()[task]
    weights = store.weights(next(iter(detector.sides)))
    if weights is None:
        return
    how = "start Triton there, or mend its model.toml" if weights.elsewhere else advice(weights)
    _say(task, f"{weights.identity} ends the process that loads it, or takes for ever", how)  # until it is known better
    try:
        take(detector, weights, device, Canary())
    except Untaken as error:
        _say(task, f"{weights.identity} could not be loaded: {error}", how)
    except Written:
        _say(task, f"{weights.identity} is being written to", "wait until that has ended")
    else:
        _say(task)


def _say(task: str, *trouble: str) -> None:
    print(json.dumps([task, trouble]), flush=True)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), *sys.argv[2:4])
