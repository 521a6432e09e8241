"""Whether a model runs, tried in a process of its own: `python -m detectors.trial FOLDER NAME`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from transforms.failure import Failure, Kind

from . import quiet

SECONDS = 300.0


def try_model(folder: Path, name: str) -> None:
    """Load an operator's model of a models folder as the server does, and let it look at the canary's picture.

    Takes 1 to 6 s. Raises Failure model-does-not-run, model-puts-out-no-numbers, and those of `architectures.build`.
    """
    command = [sys.executable, "-P", "-m", "detectors.trial", str(folder.resolve()), name]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        raise _stuck(name, f"it took longer than {SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise _stuck(name, "trying it ended the process that tried")
    said = json.loads(done.stdout.splitlines()[-1])
    if "failure" in said:
        kind, code, message, hint, details = said["failure"]
        raise Failure(Kind(kind), code, message, hint=hint, details=details)
    if "wrong" in said:
        raise _stuck(name, said["wrong"])


def _stuck(name: str, why: str) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "model-does-not-run", f"{name} does not run: {why}",
        hint="say its form, side, backend and architecture as it was trained, or export it to ONNX",
        details={"model": name},
    )  # fmt: skip


def _numberless(name: str) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "model-puts-out-no-numbers", f"{name} puts out NaN or infinity, and would find nothing",
        hint="its weights are damaged, or overflow in half precision: export it again in full precision",
        details={"model": name},
    )  # fmt: skip


def _main(folder: Path, name: str) -> None:
    quiet.silence()
    from .canary import Canary, NotFinite
    from .models import ModelStore
    from .registry import install, serving

    store = ModelStore(folder)
    install(store.own())
    weights = store.weights(name)
    try:
        if weights is None:
            raise ValueError("its weights cannot be used here")
        detector = serving(name)
        Canary().learn(detector.load(weights, "cpu"), weights.identity, detector.sides)
        said: dict[str, Any] = {"ran": weights.identity}
    except NotFinite:
        said = _told(_numberless(name))
    except Failure as failure:
        said = _told(failure)
    except Exception as error:  # of any library
        said = {"wrong": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"}
    print(json.dumps(said))


def _told(failure: Failure) -> dict[str, Any]:
    return {"failure": [failure.kind, failure.code, failure.message, failure.hint, failure.details]}


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2])
