"""A model run over annotated pictures, decoded, sized and asked as the server does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from detectors.client import Unanswered
from detectors.dataset import Annotated, Truth
from detectors.engine import Engine
from detectors.manifest import Model
from detectors.models import ModelStore, unknown_model
from detectors.prefer import check_preferences
from detectors.registry import Detector, Loaded, Weights, install, serving
from detectors.waiting import Unable
from transforms.failure import Failure, Kind
from transforms.image import Found, Frame, Image, PixelArray
from transforms.limits import Limits
from transforms.probe import open_source

from .clock import Clock
from .finder import SourceFinder
from .machine import cpus

LOADING_SECONDS = 120.0
PICTURE_SECONDS = 60.0


@dataclass(frozen=True)
class Looked:
    """A picture that was looked at; `failure` where it could not be."""

    path: Path
    found: Found
    truths: tuple[Truth, ...]
    failure: str = ""


class Bench:
    """One model of a folder in this process, ready to look at pictures; a context manager.

    Boxes are told from `floor` on. Raises Failure unknown-model, model-does-not-fit, model-absent, model-failed.
    """

    def __init__(self, store: ModelStore, name: str, device: str, floor: float) -> None:
        install(store.own())
        known = store.known()
        if name not in known:
            raise unknown_model(name, known)
        self._kind = known[name].task
        prefer = {} if known[name].own else {self._kind: (name,)}
        store = ModelStore(store.folder, device=device, prefer=prefer)
        check_preferences(store)
        detector = serving(self._kind)
        self._kind = self._kind if self._kind in detector.sides else next(iter(detector.sides))
        weights = store.weights(self._kind)
        if weights is None or weights.model.name != name:
            raise _absent(store, name)
        self.model: Model = weights.model
        self.identity = weights.identity
        self._engine = Engine(store, device, [replace(detector, load=_telling_more(detector, floor))])

    def __enter__(self) -> Bench:
        self._engine.start()
        until = time.monotonic() + LOADING_SECONDS
        while not self._engine.settled and time.monotonic() < until:
            time.sleep(0.02)
        [lane] = self._engine.lanes
        if lane.state != "warm":
            self._engine.close()
            raise Failure(
                Kind.UNPROCESSABLE, "model-failed", f"{self.model.name} could not be loaded",
                hint="`darkroom models verify` looks at its file; what went wrong stands above",
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def look(self, pictures: Iterable[Annotated], advance: Callable[[], None] = lambda: None) -> list[Looked]:
        """What the model finds in pictures, in their order; those that cannot be read say why."""
        looked = []
        with ThreadPoolExecutor(min(cpus(), 8)) as pool:
            for one in pool.map(self._look, pictures):
                looked.append(one)
                advance()
        return looked

    def find(self, kinds: frozenset[str], pixels: PixelArray, *, deadline: float, key: str | None = None) -> Found:
        """What a client of the detection service would be answered."""
        try:
            return self._engine.find(kinds, pixels, deadline, key)
        except Unable as error:
            raise Unanswered(kinds, str(error)) from None

    def _look(self, picture: Annotated) -> Looked:
        try:
            with open_source(picture.path, Limits()) as source:
                clock, until = Clock(), time.monotonic() + PICTURE_SECONDS
                finder = SourceFinder(source, self, Found(), None, until, clock)  # type: ignore[arg-type]
                found = finder(frozenset({self._kind}), _WHOLE, 0)
        except Failure as failure:
            return Looked(picture.path, Found(), (), failure.message)
        except OSError as error:
            return Looked(picture.path, Found(), (), error.strerror or "it cannot be read")
        why = "; ".join(missing.how for missing in found.missing)
        return Looked(picture.path, found, () if why else picture.truths(), why)


_WHOLE = Image((Frame(np.zeros((1, 1, 3), np.uint8)),))  # of the source, which is what is asked about


def _telling_more(detector: Detector, floor: float) -> Callable[[Weights, str], Loaded]:
    """Loads as a detector does, but lets the model tell what is surely nothing as well: mAP counts that too."""

    def load(weights: Weights, device: str) -> Loaded:
        return detector.load(replace(weights, model=replace(weights.model, floor=floor)), device)

    return load


def _absent(store: ModelStore, name: str) -> Failure:
    row = next((row for row in store.listing() if row.model.name == name), None)
    trust = " --trust" if row and row.model.sha256 is None else ""
    return Failure(
        Kind.NOT_FOUND, "model-absent", f"the weights of {name} are not here, or cannot be used",
        hint=row.why if row and row.why else f"run `darkroom models pull {name}{trust}`",
    )  # fmt: skip


def unreadable(looked: Sequence[Looked]) -> list[str]:
    """A line for each picture that could not be looked at."""
    return [f"{one.path.name}: {one.failure}" for one in looked if one.failure]
