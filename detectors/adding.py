"""Taking a file as an operator's model: looked at, tried, and put with its model.toml into the models folder."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transforms.failure import Failure, Kind, nearest

from .card import Card, adjusted, card_of, model_of, read_card, write_card
from .hashes import Hashes
from .inspection import Inspected, inspect
from .manifest import OTHERS, Backend, Form, Model
from .models import ModelStore, unknown_model
from .names import check_name
from .quiet import silence
from .registry import brought
from .trial import try_model

LARGEST = 2 << 30
"""Bytes; the largest published YOLO has 0.2 billion."""

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


def add(store: ModelStore, path: Path | None, wish: Wish, words: Collection[str] = ()) -> Model:
    """Copy a file or folder of weights into the models folder, with a model.toml; returns the model.

    Without a `path`, `wish.url` is the address of a Triton server that has it. `words` are further names that are
    taken. Raises Failure: bad-model-name, model-exists, model-file-missing, model-too-large, model-checksum-mismatch,
    model-format-unknown, model-pickle-refused, model-file-broken, model-inspection-timeout, model-form-unknown,
    model-form-does-not-fit, model-labels-missing, model-labels-do-not-fit, unknown-label, model-arch-missing,
    model-settings-malformed, model-does-not-run, model-puts-out-no-numbers, models-folder-not-writable.
    """
    if not (wish.name in _PUBLISHED and wish.source):
        check_name(wish.name, words, brought())
    if (store.folder / wish.name).exists() and not wish.replace:
        raise _refused("model-exists", f"there is a folder {wish.name} in the models folder", "--replace replaces it",
                       Kind.BAD_REQUEST)  # fmt: skip
    if path is not None:
        _check_size(path)
    with _place(store.folder) as place:
        folder = place / wish.name
        folder.mkdir()
        card = _taken(path, folder, wish) if path else _remote(wish)
        write_card(folder, card)
        model = model_of(wish.name, card)
        if path is not None:
            try_model(place, wish.name)
        _put(folder, store.folder / wish.name)
    store.forget()
    return model


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
    changed = card_of(wish.name, {
        **card.model_dump(), **{key: value for key, value in said.items() if value is not None},
        "thresholds": {**card.thresholds, **wish.thresholds}, "names": {**card.names, **wish.names},
        "preprocess": {**before, **wish.preprocess} or None,
    })  # fmt: skip
    model = model_of(wish.name, changed) if changed.weights else adjusted(known[wish.name], changed)
    with _writable():
        folder.mkdir(parents=True, exist_ok=True)
        write_card(folder, changed)
    store.forget()
    return model


def _check_size(path: Path) -> None:
    if not path.exists():
        raise _refused("model-file-missing", f"there is no file {path.name}", "say the path of a file of weights",
                       Kind.NOT_FOUND)  # fmt: skip
    if not (path.is_file() or path.is_dir()):
        raise _refused("model-format-unknown", f"{path.name} is no file", "say the path of a file of weights",
                       Kind.UNSUPPORTED_MEDIA)  # fmt: skip
    size = sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]) if file.is_file())
    if size > LARGEST:
        raise _refused("model-too-large", f"{path.name} has {size} bytes, more than {LARGEST}",
                       "export a smaller one, in half precision or with fewer layers", Kind.TOO_LARGE)  # fmt: skip


def _taken(path: Path, folder: Path, wish: Wish) -> Card:
    """Copy the weights into a folder, look at the copy, and say what a card says of it."""
    file = _copy(path, folder, wish.name)
    sha256 = Hashes().of(file)
    if wish.sha256 not in (None, sha256):
        raise Failure(
            Kind.UNPROCESSABLE, "model-checksum-mismatch", f"{path.name} has sha256 {sha256}, not {wish.sha256}",
            hint="it is not the file that was meant, or it was damaged on its way: fetch it again",
            details={"expected": wish.sha256, "got": sha256},
        )  # fmt: skip
    seen = _looked_at(file, wish)
    return _card(wish, seen, file=file.name, sha256=sha256)


def _copy(path: Path, folder: Path, name: str) -> Path:
    if not path.is_dir():
        return Path(shutil.copyfile(path, folder / f"{name}{path.suffix.lower()}"))
    quantised = "_int8" if "int8" in path.name else ""
    target = folder / f"{name}{quantised}_openvino_model"
    target.mkdir()
    for file in path.iterdir():
        if file.is_file() and not file.name.startswith("."):
            shutil.copyfile(file, target / file.name)
    return target


def _looked_at(file: Path, wish: Wish) -> Inspected:
    if wish.backend not in ("torchvision", "timm"):
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


def _remote(wish: Wish) -> Card:
    return _card(wish, Inspected(), url=wish.url)


def _card(wish: Wish, seen: Inspected, **where: Any) -> Card:
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
    return card_of(wish.name, {
        **where, "form": form, "labels": labels, "side": wish.side or seen.side, "source": wish.source,
        "version": wish.version, "licence": wish.licence, "arch": wish.arch, "threshold": wish.threshold,
        "thresholds": wish.thresholds, "names": wish.names, "tags": wish.tags, "topk": wish.topk,
        "scores": wish.scores, "preprocess": wish.preprocess or None,
        "backend": "triton" if wish.url else wish.backend,
    })  # fmt: skip


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


@contextmanager
def _writable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failure(
            Kind.INTERNAL, "models-folder-not-writable", f"cannot write to the models folder: {error.strerror}"
        ) from error


@contextmanager
def _place(models: Path) -> Iterator[Path]:
    """A folder in the models folder that nobody looks into, gone at the end."""
    with _writable():
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".add-", dir=models) as place:
            yield Path(place)


def _put(folder: Path, target: Path) -> None:
    """Give the new folder its name; the one that had it goes."""
    old = target.with_name(f".old-{secrets.token_hex(4)}")
    if target.exists():
        target.rename(old)
    folder.rename(target)
    shutil.rmtree(old, ignore_errors=True)
