"""The operator's models: folders in the models folder that hold a model.toml. Cheap: looked at every second."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from transforms.failure import Failure, Kind

from .card import CARD, Card, adjusted, model_of, read_card
from .manifest import OTHERS, PUBLISHED, Model
from .names import NAME, check_name
from .registry import brought, brought_models
from .usable import LET_READ

SUFFIXES = (".pt", ".onnx", ".engine", ".safetensors", ".pth", ".xml")

_EXPORTED = ("_openvino_model", "_saved_model", "_ncnn_model")

_ADDED = frozenset(model.name for model in OTHERS)

MOST = 64
"""Models that an operator may have; each takes its memory, and plain auto-tag asks them all."""

Mark = tuple[int, int, int]
"""Of a file: inode, time and size."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A folder that looks like a model and cannot be one: a stable code, what is wrong, and what to do about it."""

    name: str
    code: str
    why: str
    how: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the models folder showed: the operator's models, how known models are set up, and what is
    refused."""

    models: tuple[Model, ...] = ()
    adjusted: tuple[Model, ...] = ()
    refused: tuple[Refused, ...] = ()

    def named(self, name: str) -> Model | None:
        return next((model for model in self.models if model.name == name), None)

    def set_up(self, model: Model) -> Model:
        """A known model as the operator wants it."""
        return next((other for other in self.adjusted if other.name == model.name), model)


class OwnModels:
    """Reads the folders; a model.toml that did not change is not read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cards: dict[str, tuple[Mark, Card | Failure]] = {}

    def look(self) -> Seen:
        """Folders as they are now: 170 µs for four of them."""
        models, known, refused = list[Model](), list[Model](), list[Refused]()
        for folder in self._folders():
            try:
                model = self._model(folder)
            except Failure as failure:
                refused.append(Refused(folder.name, failure.code, failure.message, failure.hint or ""))
                continue
            if model is not None:
                (models if model.own and model.name not in brought_models() else known).append(model)
        refused += [_one_too_many(model, len(models)) for model in models[MOST:]]
        del models[MOST:]
        return Seen(tuple(models), tuple(known), tuple(refused))

    def _folders(self) -> Iterator[Path]:
        try:
            children = sorted(self._folder.iterdir())
        except OSError:
            return
        for child in children:
            if not child.name.startswith(".") and not child.name.endswith(_EXPORTED) and os.path.isdir(child):
                yield child

    def _model(self, folder: Path) -> Model | None:
        """What a folder holds, None where it holds no model; raises Failure for what cannot be one."""
        card = self._card(folder)
        if card is None:
            _refuse_bare(folder)
            return None
        name = folder.name
        known = PUBLISHED.get(name) or brought_models().get(name)
        if known and not card.weights:
            return adjusted(known, card)
        if name not in _ADDED or name in brought():
            check_name(name, brought=brought())
        return model_of(name, card)

    def _card(self, folder: Path) -> Card | None:
        """The card of a folder, or None where there is none; raises Failure model-settings-malformed, -unreadable."""
        try:
            stat = (folder / CARD).stat()
            mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            known, card = self._cards.get(folder.name, (None, None))
            if known != mark:
                card = _outcome(lambda: read_card(folder))
                self._cards[folder.name] = mark, card
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            _refuse_closed(folder.name, f"{folder.name}/{CARD}", error)
            return None
        if isinstance(card, Failure):
            raise card
        return card


def _one_too_many(model: Model, number: int) -> Refused:
    why = f"there are {number} models of your own, and only the first {MOST} by name are used"
    return Refused(model.name, "too-many-models", why, "take some of them away")


def _outcome(read: Callable[[], Card]) -> Card | Failure:
    try:
        return read()
    except Failure as failure:
        return failure


def _refuse_bare(folder: Path) -> None:
    """Raises Failure where a folder holds weights of which nobody said anything."""
    try:
        weights = next((file for file in sorted(folder.iterdir()) if file.suffix in SUFFIXES), None)
    except OSError as error:
        _refuse_closed(folder.name, folder.name, error)
        return
    if weights is not None:
        raise Failure(
            Kind.UNPROCESSABLE, "model-settings-missing", f"{folder.name} holds {weights.name}, but no {CARD}",
            hint=f"run `darkroom models add {folder.name}/{weights.name} --name NAME`, which looks at the file and"
            " writes it", details={"model": folder.name},
        )  # fmt: skip


def _refuse_closed(name: str, what: str, error: OSError) -> None:
    """Raises Failure where what a model may be called cannot be read; a volume's `lost+found` is none."""
    if NAME.fullmatch(name):
        why = (error.strerror or type(error).__name__).lower()
        raise Failure(
            Kind.UNPROCESSABLE, "model-settings-unreadable", f"{what} cannot be read: {why}", hint=LET_READ,
            details={"model": name},
        ) from None  # fmt: skip
