"""`model.toml`: what an operator says of a model, beside its weights or alone for one that is known already."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from transforms.failure import Failure, Kind

from .manifest import LIBRARIES, SIDE, THRESHOLD, Backend, Form, Model, Preprocess, Scores

CARD = "model.toml"
LARGEST_CARD = 4 << 20
"""Bytes; 4585 labels and their thresholds take 0.2 million."""

MOST_LABELS = 30_000  # ImageNet-21k has 21 841

UNSAID = "not stated"

UNSEEN = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
"""Unicode's categories of what controls terminals, turns the direction of writing, or begins a line."""

JOINERS = "\u200c\u200d"
"""They choose between forms of letters in Arabic and Indic scripts, and make one emoji of several."""


def _seen(value: object) -> object:
    """Raises ValueError for text with a character that nobody would see."""
    for before, sign in zip(f" {value}", value, strict=False) if isinstance(value, str) else ():
        joins = sign in JOINERS and not before.isascii() and unicodedata.category(before)[0] in "LMS"
        if unicodedata.category(sign) in UNSEEN and not joins:
            name = unicodedata.name(sign, "a control character" if sign < "\ud800" else "half a character")
            raise ValueError(f"it holds U+{ord(sign):04X} ({name}), which cannot be seen")
    return value


SETTABLE = ("threshold", "thresholds", "names", "side", "tags")
"""What a model may be set up with, whatever runs it."""

_OF_YOLO = ("threshold", "thresholds", "side")

USED: Mapping[str, tuple[str, ...]] = {
    "faces": (), "matte": (), "text": (), "moderation": ("threshold", "thresholds"), "objects": _OF_YOLO,
    "masks": _OF_YOLO,
}  # fmt: skip
"""What of it the tasks that come with Darkroom make use of; whether plain auto-tag asks these is no setting."""

Text = Annotated[str, BeforeValidator(_seen), Field(max_length=300)]
Label = Annotated[str, BeforeValidator(_seen), Field(min_length=1, max_length=100)]
Address = Annotated[str, BeforeValidator(_seen), Field(max_length=4000)]
Score = Annotated[float, Field(ge=0, le=1)]
Checksum = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _secret(address: str) -> bool:
    """Whether it says a user, a password or a token before its host."""
    _, slashes, rest = address.partition("//")
    return "@" in re.split(r"[/?#\\]", rest)[0] if slashes else bool(re.match(r"[^\s/?#]*:[^\s/?#]*@", address))


def _of_triton(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and bool(parts.path.strip("/"))


def without_query(address: str) -> str:
    """An address as anybody may see it: a query may hold a token."""
    return re.split(r"[?#]", address)[0]


class Card(BaseModel):
    """The contents of a model.toml; what is None is not said.

    `labels` are in the order of the model's classes. `url` is of a Triton server that has the model, `source` where
    the file was downloaded from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    url: Address | None = None
    source: Address | None = None
    sha256: Checksum | None = None
    version: Text = ""
    licence: Text | None = None
    backend: Backend = "yolo"
    arch: Text = ""
    form: Form | None = None
    side: Annotated[int, Field(ge=32, le=4096)] | None = None
    labels: Annotated[tuple[Label, ...], Field(max_length=MOST_LABELS)] = ()
    threshold: Score | None = None
    tags: bool | None = None
    topk: Annotated[int, Field(ge=1, le=1000)] | None = None
    scores: Scores | None = None
    preprocess: Preprocess | None = None
    thresholds: Mapping[str, Score] = Field(default_factory=dict)
    names: Mapping[str, Label] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Card:
        if self.file is not None and (Path(self.file).name != self.file or self.file.startswith(".")):
            raise ValueError(f"file {self.file!r} is not the name of a file beside model.toml")
        if self.url is not None and (_secret(self.url) or "?" in self.url):
            raise ValueError("url holds a password or a query, which /models would show")
        if self.url is not None and not _of_triton(self.url):
            raise ValueError(
                f"url {self.url!r} is not the address of a model, as http://host:8000/name (Triton's port for http or"
                " https; gRPC is not spoken here)"
            )
        if self.source is not None and _secret(self.source):
            raise ValueError("source holds a user or a password, which /models would show")
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("a label stands there twice")
        return self

    @property
    def weights(self) -> bool:
        """Whether it describes a model of its own, rather than one that is known already."""
        return self.file is not None or self.url is not None

    @property
    def revision(self) -> str:
        """Six hexadecimal digits that change with whatever changes answers."""
        said = self.model_dump_json(exclude={"file", "source", "sha256", "licence", "tags"})
        return hashlib.sha256(said.encode()).hexdigest()[:6]


def read_card(folder: Path) -> Card:
    """The model.toml of a folder; raises Failure model-settings-malformed, OSError where it cannot be read."""
    path = folder / CARD
    try:
        if path.stat().st_size > LARGEST_CARD:
            raise ValueError(f"it is larger than {LARGEST_CARD} bytes")
        if not path.is_file():  # a pipe would never end
            raise ValueError("it is no file")
        return Card.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        raise _malformed(folder.name, *_first(error)) from None
    except ValueError as error:
        raise _malformed(folder.name, str(error)) from None


def card_of(name: str, said: Mapping[str, Any]) -> Card:
    """A card of these values; raises Failure model-settings-malformed."""
    try:
        return Card.model_validate(dict(said))
    except ValidationError as error:
        raise _malformed(name, *_first(error)) from None


def _first(error: ValidationError) -> tuple[str, str]:
    """What is wrong, and with which key."""
    detail = error.errors()[0]
    place = ".".join(map(str, detail["loc"]))
    why = detail["msg"].removeprefix("Value error, ")
    return f"{place}: {why}" if place else why, place


def _malformed(name: str, why: str, key: str = "") -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "model-settings-malformed", f"{name}/{CARD} cannot be used: {why}",
        hint="mend it, or remove the folder and run `darkroom models add` again", details={"model": name, "key": key},
    )  # fmt: skip


@contextmanager
def as_said() -> Iterator[None]:
    """What is wrong with a card that a command has not written yet is wrong with what the command was told."""
    try:
        yield
    except Failure as failure:
        if failure.code != "model-settings-malformed":
            raise
        raise Failure(
            failure.kind, failure.code, failure.message.replace(f"/{CARD} cannot be used", " cannot be set up so", 1),
            hint="nothing was changed: say another value, or leave it out", details=failure.details,
        ) from None  # fmt: skip


def model_of(name: str, card: Card) -> Model:
    """The operator's model that a card with weights describes; raises Failure model-settings-malformed."""
    if card.file is None and (card.url is None or card.backend != "triton"):
        why = f'url is of backend = "triton", and its backend is {card.backend}' if card.url else ""
        raise _malformed(name, why or "it must say file (or url, of a model on a Triton server)", "file")
    if not card.labels or card.form is None:
        raise _malformed(name, "it must say form and labels")
    if card.file is not None and card.sha256 is None:
        raise _malformed(name, "it must say the sha256 of its file")
    strangers = sorted({*card.thresholds, *card.names} - set(card.labels))
    if strangers:
        raise _malformed(name, f"{strangers[0]!r} is not one of its labels")
    model = Model(
        name=name, task=name, version=card.version, file=f"{name}/{card.file or CARD}", sha256=card.sha256,
        licence=card.licence or UNSAID, labels=card.labels, url=card.url or card.source,
        others=tuple(_exports(name, card.file or "")), form=card.form, side=card.side or SIDE, backend=card.backend,
        arch=card.arch, tags=card.tags is not False, threshold=THRESHOLD, revision=card.revision,
    )  # fmt: skip
    _check_used(model, card)
    return replace(model, **_adjustments(card))


def adjusted(model: Model, card: Card) -> Model:
    """A known model as a card without weights sets it up; raises Failure model-settings-malformed."""
    strangers = sorted({*card.thresholds, *card.names} - set(model.labels))
    if strangers:
        raise _malformed(model.name, f"{strangers[0]!r} is not one of its labels")
    _check_known(model, card)
    _check_used(model, card)
    return replace(model, **_adjustments(card), licence=card.licence or model.licence, revision=card.revision)


def _check_known(model: Model, card: Card) -> None:
    """Raises Failure model-settings-malformed for what a detector that comes with Darkroom decides by itself."""
    used = USED.get(model.task)
    if used is None:  # the operator's, or a plug-in's
        return
    idle = (name for name in SETTABLE if name not in used and getattr(card, name) not in (None, {}))
    if said := next(idle, None):
        if said == "names":  # a condition on `car` would hold for no picture, and hold nothing back
            why = "its labels are words of URLs that Darkroom knows itself, which no other name may take away"
            raise _malformed(model.name, why, said)
        what = ", ".join((*used, "licence")) if used else "only licence"
        raise _malformed(model.name, f"{said} changes nothing of {model.task}: there {what} can be set", said)


def _check_used(model: Model, card: Card) -> None:
    """Raises Failure model-settings-malformed for what is said of a model that makes no use of it."""
    if card.topk is not None and model.form != "classify":
        raise _malformed(model.name, f"topk is only of classifiers, and its form is {model.form}", "topk")
    said = next((name for name in ("scores", "preprocess", "arch") if getattr(card, name)), None)
    if said and model.backend not in LIBRARIES:
        why = f"{said} is only of the backends {' and '.join(LIBRARIES)}, and its backend is {model.backend}"
        raise _malformed(model.name, why, said)


def _adjustments(card: Card) -> dict[str, Any]:
    said = {name: getattr(card, name) for name in ("threshold", "side", "tags", "topk", "scores", "preprocess")}
    maps = {"thresholds": dict(card.thresholds), "names": dict(card.names)}
    return {name: value for name, value in said.items() if value is not None} | {
        name: value for name, value in maps.items() if value
    }


def _exports(name: str, file: str) -> Iterator[str]:
    """Faster forms that `darkroom models export` puts beside a .pt file."""
    if file.endswith(".pt"):
        stem = f"{name}/{Path(file).stem}"
        yield from (f"{stem}_int8_openvino_model", f"{stem}_openvino_model", f"{stem}.onnx")


def write_card(folder: Path, card: Card) -> None:
    """Write a card into a folder, in the place of the one that is there."""
    said = card.model_dump(exclude_none=True, exclude_defaults=True)
    tables = {name: said.pop(name) for name in ("preprocess", "thresholds", "names") if name in said}
    lines = ["# What Darkroom knows of this model; `darkroom models add` and `set` write it.", *_rows(said)]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_rows(table)]
    part = folder / f".{CARD}.part"
    part.write_text("\n".join(lines) + "\n", "utf-8")
    part.replace(folder / CARD)


def _rows(table: Mapping[str, Any]) -> Iterator[str]:
    # Strings, numbers, booleans and lists of strings are written alike in JSON and TOML.
    for name, value in table.items():
        shown = list(value) if isinstance(value, tuple) else value
        yield f"{name if name.isidentifier() and name.isascii() else _plain(name)} = {_plain(shown)}"


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # else letters outside the basic plane become two that TOML refuses
