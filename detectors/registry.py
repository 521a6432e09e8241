"""The table of detectors. Reading it imports no model code and no OpenCV: web processes do so on every request."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

from transforms import vocabulary
from transforms.failure import Failure, Kind, nearest
from transforms.image import HEAT, WORDS
from transforms.vocabulary import Named, Vocabulary

from .found import Found, PixelArray
from .manifest import PUBLISHED, Model
from .names import is_free


@dataclass(frozen=True, slots=True)
class Weights:
    """A model as it lies on this machine: a file, or a folder of files; `sha256` is of what is there."""

    model: Model
    path: Path
    sha256: str

    @property
    def identity(self) -> str:
        """`name@sha256 prefix`, and how the operator set it up: part of every key under which an answer is kept."""
        set_up = f".{self.model.revision}" if self.model.revision else ""
        return f"{self.model.name}@{self.sha256[:12]}{set_up}"

    @property
    def elsewhere(self) -> bool:
        """Whether a server on another machine runs it."""
        return self.model.backend == "triton"

    @property
    def is_ours(self) -> bool:
        """Whether the model came with Darkroom, and runs here."""
        return self.model.name in PUBLISHED and not self.model.own and not self.elsewhere


@dataclass(frozen=True)
class Question:
    """What a model is asked: a kind that it serves, about uint8 pixels (h, w, 3) BGR.

    A kind is a `base`, or a base with an argument after a colon (`objects:heat:dog`).
    """

    kind: str
    pixels: PixelArray

    @property
    def argument(self) -> str:
        return self.kind.partition(":")[2]

    @property
    def is_dear(self) -> bool:
        """Whether the model looks at dozens of pictures, or lines, for it: whoever asks for one look goes first."""
        return self.argument.startswith(HEAT) or self.argument == WORDS


class Loaded(Protocol):
    """A model in memory. `batch` is how many questions one call may hold."""

    batch: int

    def find(self, questions: Sequence[Question]) -> list[Found]:
        """Regions and tags per question; boxes in [0, 1] of its pixels, `by` the kind that was asked."""
        ...


Load = Callable[[Weights, str], Loaded]
Find = Callable[[PixelArray], Found]
L = TypeVar("L", bound=Load)
F = TypeVar("F", bound=Find)


@dataclass(frozen=True, slots=True)
class Detector:
    """A task, the kinds of detection that it serves with the longest side in pixels worth sending for each, the models
    that can do it, in order of preference, how to load one of them on a device ("cpu" or "cuda"), how many threads may
    ask the loaded model at once, and whether it is loaded only once somebody asks."""

    task: str
    sides: Mapping[str, int]
    models: tuple[Model, ...]
    load: Load
    threads: int = 1
    lazy: bool = False

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self.sides)


_detectors: dict[str, Detector] = {}
_local: dict[str, Find] = {}
_local_sides: dict[str, int] = {}
_own: dict[str, Detector] = {}  # of the operator's models


def base_of(kind: str) -> str:
    """A kind without its argument."""
    return kind.partition(":")[0]


def detector(
    task: str, *, sides: Mapping[str, int], models: Sequence[Model], threads: int = 1, lazy: bool = False
) -> Callable[[L], L]:
    """Register a function `(weights, device) -> Loaded` as the detector of a task.

    `sides` names the kinds that it serves, each with the longest side in pixels at which a picture should be sent.
    What few ask for is `lazy`: it takes no memory, and holds no start back, until somebody does.
    The function imports its model library itself, because web processes import the file that holds it.
    """

    def register(load: L) -> L:
        _refuse_twice(task, *sides)
        _detectors[task] = Detector(task, MappingProxyType(dict(sides)), tuple(models), load, threads, lazy)
        return load

    return register


LOCAL_SIDE = 320  # long side in pixels that colours and saliency are found well on


def local_detector(kind: str, side: int = LOCAL_SIDE) -> Callable[[F], F]:
    """Register a function `pixels -> Found` that needs no model and runs where the pixels are.

    `side` is the long side in pixels that it wants to see: it may be given more, and less where the picture is smaller.
    """

    def register(find: F) -> F:
        _refuse_twice("", kind)
        _local[kind] = find
        _local_sides[kind] = side
        return find

    return register


def _refuse_twice(task: str, *kinds: str) -> None:
    taken = {*_local, *(kind for known in _detectors.values() for kind in known.kinds)}
    for kind in taken.intersection(kinds):
        raise ValueError(f"kind of detection {kind!r} is registered twice")
    if task in _detectors:
        raise ValueError(f"task {task!r} is registered twice")


@cache
def _load_all() -> None:
    for module in ("faces", "yolo", "moderation", "ocr", "matting", "local"):
        importlib.import_module(f"detectors.{module}")
    for plugin in entry_points(group="darkroom.detectors"):
        plugin.load()


def detectors() -> Mapping[str, Detector]:
    """Detectors that need a model, by task: those that come with Darkroom or a plug-in, then the operator's."""
    _load_all()
    return MappingProxyType({**_detectors, **_own})


def brought() -> frozenset[str]:
    """Names that are taken by detectors that come with Darkroom or a plug-in: of tasks, kinds and models."""
    return _taken().union(brought_models())


def brought_models() -> Mapping[str, Model]:
    """The models of these detectors, by name."""
    _load_all()
    return {model.name: model for known in _detectors.values() for model in known.models}


def _taken() -> frozenset[str]:
    _load_all()
    return frozenset([*_local, *_detectors, *(kind for known in _detectors.values() for kind in known.sides)])


def install(models: Iterable[Model]) -> None:
    """From now on the operator's models are these, and their names and labels are words of URLs.

    Each is a task and a kind of its own, by its name. Raises ValueError for a name that is taken: a models folder is
    read without such (`own.OwnModels`), so that one folder never takes the other models away.
    """
    by_name = {model.name: model for model in models}
    words = (
        Named(name, _shown([model]), model.tags, model.side, model.form) for name, model in sorted(by_name.items())
    )  # fmt: skip
    _install(tuple(words), {name: (model,) for name, model in by_name.items()})


def adopt(words: Vocabulary) -> None:
    """The same for a process that asks another one's models, and knows no more of them than their words.

    What this process has itself, as plug-ins or in a newer version, is its own.
    """
    if words == vocabulary.current():
        return
    plugged = _plugged()
    names = _taken().union(named.name for named in plugged)
    theirs = tuple(named for named in words.models if named.name not in names)
    if (*plugged, *theirs) != vocabulary.current().models:
        _install(theirs, {})


def _install(words: tuple[Named, ...], models: Mapping[str, tuple[Model, ...]]) -> None:
    plugged = _plugged()
    if taken := _taken().intersection(named.name for named in words):
        raise ValueError(f"{min(taken)!r} is a kind of detection already")
    global _own  # noqa: PLW0603 - replaced as a whole, so that no other thread sees half of it
    _own = {
        named.name: Detector(
            named.name, MappingProxyType({named.name: named.side}), models.get(named.name, ()), _load_own
        )
        for named in words
    }
    vocabulary.install(Vocabulary((*plugged, *words)))


def _plugged() -> tuple[Named, ...]:
    """The words of plug-ins, by name: their kinds, unless these mean something already, and their models' labels."""
    _load_all()
    asked = [
        Named(kind, _shown(known.models), any(model.tags for model in known.models), side)
        for known in _detectors.values() for kind, side in known.sides.items()
    ]  # fmt: skip
    named = (*asked, *(Named(kind, (), False, side) for kind, side in _local_sides.items()))
    return tuple(sorted((one for one in named if is_free(one.name)), key=lambda one: one.name))


def _shown(models: Iterable[Model]) -> tuple[str, ...]:
    """Labels as they are told, each once."""
    return tuple(dict.fromkeys(label for model in models for label in model.shown))


def _load_own(weights: Weights, device: str) -> Loaded:
    """An operator's model, by what runs it."""
    backend = "classify" if weights.model.backend in ("torchvision", "timm") else "yolo"
    load: Load = importlib.import_module(f"detectors.{backend}").load
    return load(weights, device)


def local_detectors() -> Mapping[str, Find]:
    """Detectors that need none, by kind."""
    _load_all()
    return MappingProxyType(_local)


def local_side(kinds: Collection[str]) -> int:
    """The longest side in pixels that local detectors of these kinds want to see; 1 where none is among them."""
    _load_all()
    return max((_local_sides.get(kind, 1) for kind in kinds), default=1)


def serving(kind: str) -> Detector:
    """The detector that serves a kind; raises Failure unknown-detector."""
    base = base_of(kind)
    for candidate in detectors().values():
        if base in candidate.sides:
            return candidate
    known = sorted(kind for candidate in detectors().values() for kind in candidate.sides)
    close = nearest(kind, known)
    raise Failure(
        Kind.BAD_REQUEST, "unknown-detector", f"there is no detector {kind!r}",
        hint=f"did you mean {close!r}?" if close else f"there are {', '.join(known)}",
    )  # fmt: skip


def model_kinds() -> frozenset[str]:
    """Every base of kinds that a detector with a model serves."""
    return frozenset(kind for candidate in detectors().values() for kind in candidate.sides)


def modelled(kinds: Iterable[str]) -> frozenset[str]:
    """Those of the kinds that a detector with a model serves."""
    bases = model_kinds()
    return frozenset(kind for kind in kinds if base_of(kind) in bases)


def side_for(kinds: Collection[str]) -> int:
    """The longest side in pixels at which a picture should be sent for these kinds; more is worth nothing."""
    return max(serving(kind).sides[base_of(kind)] for kind in kinds)


def models() -> Mapping[str, Model]:
    """Every model that some detector can use, by name."""
    return {model.name: model for candidate in detectors().values() for model in candidate.models}
