"""Taking a file as an operator's model: looked at, tried, and put with its model.toml into the models folder."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transforms.failure import Failure, Kind, nearest

from .card import CARD, Card, adjusted, as_said, card_of, model_of, read_card, write_card
from .copying import check_file, copy, readable
from .hashes import Hashes
from .inspection import Inspected, inspect
from .kept import Tell, kept, silent
from .manifest import LIBRARIES, OTHERS, Backend, Form, Model
from .models import ModelStore, unknown_model
from .names import check_name
from .own import MOST
from .quiet import silence
from .registry import brought
from .scratch import TAKEN, scratch, settle, sweep, writable
from .trial import try_model

_CLASSIFIERS = (".pth", ".pt", ".safetensors")
_PUBLISHED = frozenset(model.name for model in OTHERS)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator says of a model; what is None or empty is read from the file, or the default."""

    name: str
    form: Form | None = None
    labels: tuple[str, ...] = ()
    sha256: str | None = None
    licence: str | None = None
    version: str = ""
    source: str | None = None
    url: str | None = None
    backend: Backend = "yolo"
    arch: str = ""
    side: int | None = None
    threshold: float | None = None
    tags: bool | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    topk: int | None = None
    scores: str | None = None
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    replace: bool = False


def add(store: ModelStore, path: Path | None, wish: Wish, words: Collection[str] = (), tell: Tell = silent) -> Model:
    """Copy a file or folder of weights into the models folder, with a model.toml; returns the model.

    Without a `path`, `wish.url` is the address of a Triton server that has it; where that does not answer as it should,
    `tell` is told so. What was set up of a model that is replaced stays, unless it is said anew; `tell` is told what
    cannot. `words` are further names that are taken. Raises Failure: bad-model-name, model-exists, too-many-models,
    model-file-missing, model-file-unreadable, model-format-unknown, model-too-large, model-checksum-mismatch,
    model-pickle-refused, model-weights-elsewhere, model-file-broken, model-inspection-timeout, model-form-unknown,
    model-form-does-not-fit, model-labels-missing, model-labels-do-not-fit, unknown-label, model-arch-missing,
    model-settings-malformed, model-does-not-run, model-puts-out-no-numbers, models-folder-not-writable.
    """
    if not (wish.name in _PUBLISHED and wish.source):
        check_name(wish.name, words, brought())
    if (store.folder / wish.name).exists() and not wish.replace:
        raise _exists(wish.name)
    if len({model.name for model in store.own()} | {wish.name}) > MOST:
        raise _refused("too-many-models", f"there are {MOST} models of your own already", "take one away first",
                       Kind.BAD_REQUEST)  # fmt: skip
    if path is not None:
        check_file(path)
    sweep(store.folder)
    before = _before(store.folder / wish.name, tell) if wish.replace else None
    with scratch(store.folder, "add") as place:
        folder = place / wish.name
        with writable():
            folder.mkdir()
        said = _taken(path, folder, wish) if path else _said(wish, Inspected(), url=wish.url)
        with as_said():
            card = card_of(wish.name, kept(before, said, tell, side=wish.side) if before else said)
            model = model_of(wish.name, card)
        with writable():
            write_card(folder, card)
        _try(place, model, tell)
        with writable():
            _put(folder, store.folder / wish.name, replace=wish.replace)
    store.forget()
    return model


def _before(folder: Path, tell: Tell) -> Card | None:
    """What is said so far of a model that is replaced; tells where it cannot be read."""
    try:
        return read_card(folder) if (folder / CARD).exists() else None
    except (Failure, OSError) as error:
        tell(f"nothing that was set up before stays: {folder.name}/{CARD} cannot be read ({error})")
        return None


def _try(place: Path, model: Model, tell: Tell) -> None:
    """Raises Failure as `try_model` does; of a model on a server, which may be away for now, it is only told."""
    try:
        with readable(place / model.file):
            try_model(place, model.name)
    except Failure as failure:
        if model.backend != "triton":
            raise
        asked = f"{model.url} was asked and did not answer as it should: {failure.message}"
        tell(f"{asked}; the model is added all the same, and its server tried again each minute")


def set_up(store: ModelStore, wish: Wish) -> Model:
    """Change thresholds, names, side, tags and what a classifier is asked with; returns it as it is from now on.

    What is not said stays as it is. Raises Failure: unknown-model, unknown-label, model-settings-malformed.
    """
    known = store.known()
    if wish.name not in known:
        raise unknown_model(wish.name, known)
    _check_labels(wish, known[wish.name].labels)
    folder = store.folder / wish.name
    card = read_card(folder) if (folder / "model.toml").exists() else Card()
    said = {
        "threshold": wish.threshold, "side": wish.side, "tags": wish.tags, "licence": wish.licence, "topk": wish.topk,
        "scores": wish.scores,
    }  # fmt: skip
    before = asdict(card.preprocess) if card.preprocess else {}
    values = {
        **card.model_dump(), **{key: value for key, value in said.items() if value is not None},
        "thresholds": {**card.thresholds, **wish.thresholds}, "names": {**card.names, **wish.names},
        "preprocess": {**before, **wish.preprocess} or None,
    }  # fmt: skip
    with as_said():
        changed = card_of(wish.name, values)
        model = model_of(wish.name, changed) if changed.weights else adjusted(known[wish.name], changed)
    with writable():
        folder.mkdir(parents=True, exist_ok=True)
        write_card(folder, changed)
    store.forget()
    return model


def _taken(path: Path, folder: Path, wish: Wish) -> dict[str, Any]:
    """Copy the weights into a folder, look at the copy, and say what a card says of it."""
    file = copy(path, folder, wish.name)
    with readable(file):
        sha256 = Hashes().of(file)
    if wish.sha256 not in (None, sha256):
        raise Failure(
            Kind.UNPROCESSABLE, "model-checksum-mismatch", f"{path.name} has sha256 {sha256}, not {wish.sha256}",
            hint="it is not the file that was meant, or it was damaged on its way: fetch it again",
            details={"expected": wish.sha256, "got": sha256},
        )  # fmt: skip
    with readable(file):
        seen = _looked_at(file, wish)
    return _said(wish, seen, file=file.name, sha256=sha256)


def _looked_at(file: Path, wish: Wish) -> Inspected:
    if wish.backend not in LIBRARIES:
        return inspect(file)
    if file.suffix not in _CLASSIFIERS:
        raise _refused("model-format-unknown", f"{file.name} is no file of weights for {wish.backend}",
                       f"usable are {', '.join(_CLASSIFIERS)}", Kind.UNSUPPORTED_MEDIA)  # fmt: skip
    if not wish.arch:
        raise _refused("model-arch-missing", f"{wish.backend} must be told the architecture",
                       "--arch resnet50, for example", Kind.BAD_REQUEST)  # fmt: skip
    return Inspected(form="classify", labels=wish.labels or _published_labels(file, wish))


def _published_labels(file: Path, wish: Wish) -> tuple[str, ...]:
    """Those of the weights that an architecture was published with; raises what architectures.examine does."""
    silence()
    from .architectures import examine  # torch: 2 s

    return examine(wish.backend, wish.arch, file)


def _said(wish: Wish, seen: Inspected, **where: Any) -> dict[str, Any]:
    """The values of a card, by the file and the operator's wish, which goes before it."""
    labels, form = wish.labels or seen.labels, wish.form or seen.form
    if form is None:
        raise _refused("model-form-unknown", "the file does not say what the model answers",
                       "--form detect, segment, classify, pose or obb", Kind.BAD_REQUEST)  # fmt: skip
    if seen.form is not None and form != seen.form:
        raise _refused("model-form-does-not-fit", f"it was made to {seen.form}, not to {form}",
                       f"--form {seen.form}, or none: the file says it")  # fmt: skip
    if not labels:
        raise _refused("model-labels-missing", "the file does not say the labels of its classes",
                       "--labels a,b,c or --labels-file FILE, in their order", Kind.BAD_REQUEST)  # fmt: skip
    if seen.classes is not None and len(labels) != seen.classes:
        raise _refused("model-labels-do-not-fit", f"there are {len(labels)} labels for {seen.classes} classes",
                       "say one for each class, in their order")  # fmt: skip
    _check_labels(wish, labels)
    return {
        **where, "form": form, "labels": labels, "side": wish.side or seen.side, "source": wish.source,
        "version": wish.version, "licence": wish.licence, "arch": wish.arch, "threshold": wish.threshold,
        "thresholds": wish.thresholds, "names": wish.names, "tags": wish.tags, "topk": wish.topk,
        "scores": wish.scores, "preprocess": wish.preprocess or None,
        "backend": "triton" if wish.url else wish.backend,
    }  # fmt: skip


def _check_labels(wish: Wish, labels: tuple[str, ...]) -> None:
    """Raises Failure unknown-label for a threshold or a name of what the model does not find."""
    for label in (*wish.thresholds, *wish.names):
        if label not in labels:
            close = nearest(label, labels)
            raise Failure(
                Kind.BAD_REQUEST, "unknown-label", f"{wish.name} knows no {label!r}",
                hint=f"did you mean {close!r}?" if close else "`darkroom models list --json` shows its labels",
                details={"label": label, "nearest": close},
            )  # fmt: skip


def _refused(code: str, message: str, hint: str, kind: Kind = Kind.UNPROCESSABLE) -> Failure:
    return Failure(kind, code, message, hint=hint)


def _exists(name: str) -> Failure:
    return _refused("model-exists", f"there is a folder {name} in the models folder", "--replace replaces it",
                    Kind.BAD_REQUEST)  # fmt: skip


def _put(folder: Path, target: Path, *, replace: bool) -> None:
    """Give the new folder its name; the one that had it goes, if that is wished. Raises Failure model-exists."""
    old = target.with_name(f".old-{target.name}.{secrets.token_hex(4)}")
    while not _renamed(folder, target):
        if not replace:
            raise _exists(target.name)
        try:
            with suppress(FileNotFoundError):  # another that replaces it has just taken it away
                target.rename(old)
            if _renamed(folder, target):
                return
        finally:
            settle(old, target)


def _renamed(folder: Path, target: Path) -> bool:
    """Whether the folder got the name; not where another has it, also one that came this moment."""
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True
