"""Where weights lie, which of them are used, and what is missing. Web processes ask on every request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from transforms.failure import Failure, Kind, nearest

from .found import Missing
from .hashes import Hashes
from .manifest import PUBLISHED, Model
from .own import OwnModels, Refused, Seen
from .pins import PINS, UNKNOWN, Pins, untrusted
from .prefer import Preferences
from .registry import Detector, Weights, detectors, models, serving
from .usable import LET_READ, there, unreadable, usable

RECHECK_S = 1.0
"""How old a look at the folder may be. A look costs 46 µs, an answer from memory 0.6 µs."""

Status = Literal["verified", "own", "altered", "unusable", "absent", "refused"]
"""verified: the published file, or the one that was added, with its checksum; own: another form of it, such as an
export, or a file that nobody said the checksum of; altered: that file with another content, which is not used;
unusable: there, but may not be read, or what runs it is not installed; refused: a folder that holds no model as it
is, or a file whose checksum may have been pinned where it cannot be read."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and how many there will be, where that is known."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as it stands on this machine; `kinds` of detections are those that it serves now, `why` says what is
    wrong with it and what to do."""

    model: Model
    status: Status
    path: Path | None = None
    sha256: str | None = None
    kinds: tuple[str, ...] = ()
    why: str = ""

    @property
    def present(self) -> bool:
        return self.status not in ("absent", "unusable", "refused")

    @property
    def used(self) -> bool:
        return bool(self.kinds)


class ModelStore:
    """The weights in one folder, and those that came inside Python packages.

    `device` decides between several forms of a model: OpenVINO folders come first on a "cpu", .pt files on "cuda".
    `mirror` (scheme, host and perhaps a path prefix) replaces scheme and host of the publishers' addresses. `prefer`
    names models that serve a kind before those that would by default.
    """

    def __init__(
        self, folder: Path, *, mirror: str | None = None, device: str = "cpu", prefer: Preferences | None = None
    ) -> None:
        self.folder = folder.absolute()
        self.mirror = mirror
        self.device = device
        self.prefer: Preferences = prefer or {}
        self.pins = Pins(self.folder)
        self._own = OwnModels(self.folder)
        self._seen: tuple[float, Seen] | None = None
        self._looks: dict[str, tuple[float, Weights | None]] = {}
        self._hashes = Hashes()

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
        candidates = list(self._candidates(serving(kind)))
        if not candidates:
            return Missing(kind, kind, "its folder is gone from the models folder, or what is in it cannot be used")
        stuck = next((model for model in candidates if self._present(model)), None)
        wanted = stuck or candidates[0]
        return Missing(kind, wanted.name, self._what_to_do(wanted))

    def altered(self, kind: str) -> dict[str, str]:
        """What to do about models that would serve a kind if their files were not altered, by name."""
        found, used = dict[str, str](), self.weights(kind)
        for model in self._candidates(serving(kind)):
            if used and used.model.name == model.name:
                break
            with suppress(OSError):  # removed just now
                if (listed := self._list(model, ())).status == "altered":
                    found[model.name] = listed.why
        return found

    def wanted(self, kind: str) -> Model | None:
        """The default model of a kind, where the models folder has no weights for it and they can be downloaded."""
        default = next(iter(serving(kind).models), None)
        if default is None or default.url is None or default.sha256 is None or default.own:
            return None
        weights = self.weights(kind)
        here = (weights and weights.path.is_relative_to(self.folder)) or there(self.folder / default.file)
        return None if here else default  # an altered file may be somebody's work: it is not written over

    def own(self) -> tuple[Model, ...]:
        """The operator's models: those whose model.toml can be read, whether or not their weights are as they were."""
        return self.seen().models

    def refused(self) -> tuple[Refused, ...]:
        """Folders that look like models and cannot be used as they are, and pins that cannot be read."""
        bad = self.pins.failure
        pins = (Refused(PINS, bad.code, bad.message, bad.hint or ""),) if bad else ()
        return (*self.seen().refused, *pins)

    def seen(self) -> Seen:
        """What the folder says of the operator's models, looked at again after a second."""
        now = time.monotonic()
        if self._seen is None or now - self._seen[0] > RECHECK_S:
            self._seen = now, self._own.look()
        return self._seen[1]

    def known(self) -> dict[str, Model]:
        """Every model by name: published, of plug-ins, and the operator's, each as it is set up."""
        seen = self.seen()
        theirs = {name: seen.set_up(model) for name, model in {**PUBLISHED, **models()}.items()}
        return theirs | {model.name: model for model in seen.models}

    def listing(self) -> list[Listed]:
        """Every known model as it stands, and the folders that are refused."""
        used: dict[str, tuple[str, ...]] = {}
        for detector in detectors().values():
            if weights := self._look(detector):
                used[weights.model.name] = (*used.get(weights.model.name, ()), *detector.sides)
        rows = [self._list(model, used.get(model.name, ())) for model in self.known().values()]
        return rows + [_turned_down(refused) for refused in self.refused()]

    def verify(self) -> list[Listed]:
        """The same, with every file read again, whatever its time and size say."""
        self._hashes.clear()
        return self.listing()

    def pull(self, name: str, progress: Progress | None = None, *, trust: bool = False) -> Path:
        """Download the published weights of a model into the folder; returns their path. Blocks.

        `trust`: where no checksum is known, what comes is taken, and its checksum pinned. Raises Failure:
        unknown-model, model-not-published, model-not-trusted, model-pins-malformed, models-folder-not-writable,
        model-download-failed, model-too-large, model-checksum-mismatch, and those of `adding.add`.
        """
        from .pull import fetch  # an HTTP client: render processes and most commands do without

        model = self.pins.on(self._published(name))
        if model.sha256 == UNKNOWN:
            self.pins.all()  # raises why
        if model.sha256 is None and not trust:
            raise untrusted(name)
        target = self.folder / model.file
        if not (target.is_file() and self._hashes.of(target) == model.sha256):
            target = fetch(self, model, progress)
        self.forget()
        return target

    def forget(self) -> None:
        """Look at the folder anew at the next question."""
        self._looks.clear()
        self._seen = None

    def _published(self, name: str) -> Model:
        model = self.known().get(name)
        if model is None:
            raise unknown_model(name, self.known())
        if model.url is None or model.backend == "triton":
            hint = self._what_to_do(model) if model.package else "`darkroom models add` takes a file"
            raise Failure(
                Kind.BAD_REQUEST, "model-not-published", f"{name} is not downloaded: it has no publisher's address",
                hint=hint,
            )  # fmt: skip
        return model

    def _candidates(self, detector: Detector) -> Iterator[Model]:
        """Models that may serve a task, best first, as they are set up."""
        known, seen = self.known(), self.seen()
        for kind, names in self.prefer.items():
            if kind == detector.task or kind in detector.sides:
                yield from (self.pins.on(known[name]) for name in names if name in known)
        own = seen.named(detector.task)
        if own:
            yield own
        else:
            yield from (self.pins.on(known[model.name]) for model in detector.models if model.name in known)

    def _look(self, detector: Detector) -> Weights | None:
        for model in self._candidates(detector):
            for path in filter(usable, self._paths(model)):
                with suppress(OSError):  # removed just now: as if it had never been there
                    sha256 = self._hashes.of(path)
                    if not self._altered(model, path, sha256):
                        return Weights(model, path, sha256)
        return None

    def _list(self, model: Model, kinds: tuple[str, ...]) -> Listed:
        model = self.pins.on(model)
        paths = list(filter(usable, self._paths(model)))
        if not paths:
            status: Status = "unusable" if self._present(model) else "absent"
            return Listed(model, status, why=self._what_to_do(model) if status == "unusable" or model.own else "")
        hashed = [(path, self._hashes.of(path)) for path in paths]
        path, sha256 = next((pair for pair in hashed if not self._altered(model, *pair)), hashed[0])
        if self._altered(model, path, sha256):
            status = "refused" if model.sha256 == UNKNOWN else "altered"
            return Listed(model, status, path, sha256, (), self._what_to_do(model))
        whole = path == self.folder / model.file or model.package is not None
        return Listed(model, "verified" if whole and model.sha256 else "own", path, sha256, kinds)

    def _altered(self, model: Model, path: Path, sha256: str) -> bool:
        """Whether a file is not what was published, pinned or added; exports beside it have no checksum to keep."""
        return model.sha256 not in (None, sha256) and path.name == Path(model.file).name

    def _paths(self, model: Model) -> Iterator[Path]:
        """Where a model may lie, best first."""
        if model.package:
            yield from _packaged(model.package, model.file)
            return
        exported = [self.folder / other for other in model.others]
        file = self.folder / model.file
        if self.device != "cuda":
            yield from [*exported, file]
            return
        if file.suffix == ".pt":
            yield file.with_suffix(".engine")
        yield from [file, *exported]

    def _present(self, model: Model) -> bool:
        """Whether something is there, usable or not."""
        return any(map(there, self._paths(model)))

    def _what_to_do(self, model: Model) -> str:
        """How a model that cannot be used gets usable, for operators; names no path of the machine."""
        paths = list(filter(there, self._paths(model)))
        if closed := next(filter(unreadable, paths), None):
            shown = closed.relative_to(self.folder) if closed.is_relative_to(self.folder) else closed.name
            return f"{shown} cannot be read: permission denied; {LET_READ}"
        if model.package:
            wanted = f"darkroom[{model.extra}]" if model.extra else model.package
            return f"run `pip install '{wanted}'`, and start the detection process anew"
        trust = " --trust" if model.sha256 is None else ""
        pull = f"run `darkroom models pull {model.name}{trust}`"
        if model.own and model.name not in PUBLISHED:
            pull = f"run `darkroom models add FILE --name {model.name} --replace`"
        if any(path.is_dir() and not usable(path) for path in paths):
            return f"its OpenVINO files need `pip install 'darkroom[openvino]'`; or {pull}"
        if paths and model.sha256 == UNKNOWN and (bad := self.pins.failure):
            return f"{bad.message}, where the checksum of {model.file} may stand: mend it"
        if paths:
            return f"{model.file} has not the checksum that it must have: delete it and {pull}"
        unread = model.own and not model.labels  # which only `pull` reads from the file
        return pull if unread else f"{pull}, or put {model.file} into the models folder"


def unknown_model(name: str, known: Iterable[str]) -> Failure:
    close = nearest(name, known)
    return Failure(
        Kind.NOT_FOUND, "unknown-model", f"there is no model {name!r}",
        hint=f"did you mean {close!r}?" if close else "`darkroom models list` shows them",
        details={"model": name, "nearest": close},
    )  # fmt: skip


def _turned_down(refused: Refused) -> Listed:
    model = Model(name=refused.name, task=refused.name, version="", file="", sha256=None, licence="", labels=())
    return Listed(model, "refused", why=f"{refused.why}; {refused.how}")


@cache
def _packaged(package: str, file: str) -> list[Path]:
    """The file of an installed package, found without importing it."""
    spec = find_spec(package)
    return [Path(folder) / file for folder in (spec.submodule_search_locations or ())] if spec else []
