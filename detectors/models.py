"""Where weights lie, which of them are used, and what is missing. Web processes ask on every request."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from transforms.failure import Failure, Kind, nearest

from .found import Missing
from .manifest import Model
from .registry import Detector, Weights, detectors, models, serving

RECHECK_S = 1.0
"""How old a look at the folder may be. A look costs 46 µs, an answer from memory 0.6 µs."""

Status = Literal["verified", "own", "altered", "unusable", "absent"]
"""verified: the published file, with its checksum; own: another form of it, such as an export, which has no published
checksum; altered: the published name with another content; unusable: there, but what runs it is not installed."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and how many there will be, where that is known."""

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of the manifest as it stands on this machine; `used` where it serves its task."""

    model: Model
    status: Status
    path: Path | None
    sha256: str | None
    used: bool

    @property
    def present(self) -> bool:
        return self.status not in ("absent", "unusable")


class ModelStore:
    """The weights in one folder, and those that came inside Python packages.

    `device` decides between several forms of a model: OpenVINO folders come first on a "cpu", .pt files on "cuda".
    `mirror` (scheme, host and perhaps a path prefix) replaces scheme and host of the publishers' addresses.
    """

    def __init__(self, folder: Path, *, mirror: str | None = None, device: str = "cpu") -> None:
        self.folder = folder.absolute()
        self.mirror = mirror
        self.device = device
        self._looks: dict[str, tuple[float, Weights | None]] = {}
        self._hashes: dict[Path, tuple[Fingerprint, str]] = {}

    def weights(self, kind: str) -> Weights | None:
        """The weights that serve a kind of detection, or None; raises Failure unknown-detector."""
        detector = serving(kind)
        looked, weights = self._looks.get(detector.task, (0.0, None))
        now = time.monotonic()
        if not looked or now - looked > RECHECK_S:
            weights = self._look(detector)
            self._looks[detector.task] = now, weights
        return weights

    def identity(self, kind: str) -> str | None:
        """`name@sha256 prefix` of the model that serves a kind, or None where there is none."""
        weights = self.weights(kind)
        return weights.identity if weights else None

    def missing(self, kind: str) -> Missing | None:
        """What a kind of detection lacks and how to get it, or None where it lacks nothing."""
        if self.weights(kind):
            return None
        models_of_task = serving(kind).models
        stuck = next((model for model in models_of_task if self._unusable(model)), None)
        wanted = stuck or models_of_task[0]
        how = f"run `darkroom models pull {wanted.name}`, or put {wanted.file} into the models folder"
        if stuck:
            how = f"its OpenVINO files need `pip install 'darkroom[openvino]'`; or {how}"
        return Missing(kind, wanted.name, how)

    def wanted(self, kind: str) -> Model | None:
        """The default model of a kind, where the models folder has no weights for it and they can be downloaded."""
        default = serving(kind).models[0]
        weights = self.weights(kind)
        return default if default.url and not (weights and weights.path.is_relative_to(self.folder)) else None

    def own(self) -> tuple[Model, ...]:
        """The operator's models in the folder that can be used."""
        return ()

    def listing(self) -> list[Listed]:
        """Every model of the manifest, as it stands."""
        used = {weights.path for task in detectors().values() if (weights := self._look(task))}
        return [self._list(model, used) for model in models().values()]

    def verify(self) -> list[Listed]:
        """The same, with every file read again, whatever its time and size say."""
        self._hashes.clear()
        return self.listing()

    def pull(self, name: str, progress: Progress | None = None) -> Path:
        """Download the published weights of a model into the folder; returns their path. Blocks.

        Raises Failure: unknown-model, model-not-published, models-folder-not-writable, model-download-failed,
        model-too-large, model-checksum-mismatch.
        """
        from .pull import download  # an HTTP client: render processes and most commands do without

        model = self._published(name)
        target = self.folder / model.file
        if not (target.is_file() and self._sha256(target) == model.sha256):
            download(model, target, mirror=self.mirror, progress=progress)
        self._looks.clear()
        return target

    def _published(self, name: str) -> Model:
        model = models().get(name)
        if model is None:
            close = nearest(name, models())
            raise Failure(
                Kind.NOT_FOUND, "unknown-model", f"there is no model {name!r} in the manifest",
                hint=f"did you mean {close!r}?" if close else "`darkroom models list` shows them",
                details={"model": name, "nearest": close},
            )  # fmt: skip
        if model.url is None:
            raise Failure(
                Kind.BAD_REQUEST, "model-not-published", f"{name} is not downloaded: it comes with a Python package",
                hint=f"pip install {model.package}",
            )  # fmt: skip
        return model

    def _look(self, detector: Detector) -> Weights | None:
        for model in detector.models:
            for path in filter(_usable, self._paths(model)):
                with suppress(OSError):  # removed just now: as if it had never been there
                    return Weights(model, path, self._sha256(path))
        return None

    def _list(self, model: Model, used: set[Path]) -> Listed:
        path = next(filter(_usable, self._paths(model)), None)
        if path is None:
            return Listed(model, "unusable" if self._unusable(model) else "absent", None, None, False)
        sha256 = self._sha256(path)
        status: Status = "own" if path.name != model.file else "verified" if sha256 == model.sha256 else "altered"
        return Listed(model, status, path, sha256, path in used)

    def _paths(self, model: Model) -> Iterator[Path]:
        """Where a model may lie, best first."""
        if model.package:
            yield from _packaged(model.package, model.file)
            return
        exported = [self.folder / other for other in model.others]
        published = self.folder / model.file
        yield from [published, *exported] if self.device == "cuda" else [*exported, published]

    def _unusable(self, model: Model) -> bool:
        return any(path.exists() and not _usable(path) for path in self._paths(model))

    def _sha256(self, path: Path) -> str:
        """Of a file, or over names and contents of a folder's files; read again only where time or size changed."""
        files = sorted(_files(path))
        fingerprint = tuple((file.name, (stat := file.stat()).st_mtime_ns, stat.st_size) for file in files)
        known, sha256 = self._hashes.get(path, ((), ""))
        if known != fingerprint:
            sha256 = _hash(files, names=path.is_dir())
            self._hashes[path] = fingerprint, sha256
        return sha256


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]


def _hash(files: list[Path], *, names: bool) -> str:
    total = hashlib.sha256()
    for file in files:
        if names:
            total.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()


def _usable(path: Path) -> bool:
    if path.name.endswith("_openvino_model"):
        return _installed("openvino") and any(path.glob("*.xml"))
    return path.is_file() and os.access(path, os.R_OK)


@cache
def _installed(package: str) -> bool:
    return find_spec(package) is not None


@cache
def _packaged(package: str, file: str) -> list[Path]:
    """The file of an installed package, found without importing it."""
    spec = find_spec(package)
    return [Path(folder) / file for folder in (spec.submodule_search_locations or ())] if spec else []
