"""`darkroom models add | set`: the operator's own models."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_common import Option, Optional, done, fail, settings_from

if TYPE_CHECKING:
    from detectors.adding import Wish
    from detectors.manifest import Model

Pairs = list[str] | None
MOST = 8 << 20  # bytes of a file of labels
SPACES = " \t\u00a0\u3000"  # not str.strip's own, among which are ends of lines that a model.toml refuses
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# What `add` and `set` both take.
Threshold = Annotated[Pairs, Option(help="Least score that counts, of all labels or of one: 0.4, weed=0.6.")]
Rename = Annotated[Pairs, Option(help="Another name of a label: wheat_head=wheat.")]
Side = Annotated[int | None, Option(help="Longest side in pixels of what it looks at.", min=32, max=4096)]
Tags = Annotated[bool | None, Option("--tags/--no-tags", help="Whether plain auto-tag asks it too.")]
TopK = Annotated[int | None, Option(help="Of a classifier: how many labels it tells at most, 1 to 1000.")]
Scores = Annotated[
    Optional, Option(help="Of torchvision and timm: softmax, or sigmoid for labels that may be there together.")
]
Preprocessing = Annotated[
    Pairs, Option(help="Of torchvision and timm: size=224, crop=0.9, mean=R,G,B, std=R,G,B, interpolation=bicubic.")
]
Licence = Annotated[Optional, Option(help="Licence of the weights, which /models shows.")]


def add(
    path: Annotated[
        Path | None, typer.Argument(help="File of weights (.onnx, .pt, .engine …), or a folder of OpenVINO.")
    ] = None,
    name: Annotated[
        str, Option(help="What it is called in URLs: crops makes /auto-tag:crops/ and gravity=crops.")
    ] = "",
    form: Annotated[Optional, Option(help="detect, segment, classify, pose or obb; as the file says.")] = None,
    labels: Annotated[Optional, Option(help="Labels of its classes in their order, comma-separated.")] = None,
    labels_file: Annotated[Path | None, Option(help="The same, one a line.", dir_okay=False)] = None,
    sha256: Annotated[Optional, Option(help="Checksum that the file must have.")] = None,
    licence: Licence = None,
    version: Annotated[str, Option(help="Version of the weights, which /models shows.")] = "",
    threshold: Threshold = None,
    rename: Rename = None,
    side: Side = None,
    tags: Tags = None,
    topk: TopK = None,
    scores: Scores = None,
    preprocess: Preprocessing = None,
    backend: Annotated[str, Option(help="yolo, or torchvision or timm for classifiers.")] = "yolo",
    arch: Annotated[str, Option(help="Architecture, for torchvision and timm: resnet50.")] = "",
    pretrained: Annotated[
        bool, Option("--pretrained", help="Download the weights that the architecture is published with.")
    ] = False,
    trust: Annotated[bool, Option("--trust", help="Also where no checksum of them is known.")] = False,
    url: Annotated[Optional, Option(help="Address of a Triton server that has it, instead of a file.")] = None,
    replace: Annotated[bool, Option("--replace", help="In the place of the one that has that name.")] = False,
    models: Annotated[Optional, Option(help="Folder of the weights.")] = None,
) -> None:
    """Take a file as a model of your own: looked at, tried, and copied into the models folder."""
    from detectors.adding import add as take
    from detectors.card import UNSAID
    from detectors.models import ModelStore

    if not name or [path is not None, url is not None, pretrained].count(True) != 1:
        fail("say --name, and either a file, --url, or --pretrained with --backend and --arch")
    if url is not None and (sha256 is not None or backend != "yolo"):
        fail("--sha256 and --backend are of a file, not of a Triton server")
    if trust and not pretrained:
        fail("--trust goes with --pretrained")
    settings = settings_from(models=models)
    wish = _wish(
        name, threshold, rename, labels=_labels(labels, labels_file), form=form, sha256=sha256 and sha256.lower(),
        licence=licence, version=version, side=side, tags=tags, backend=backend, arch=arch, url=url, replace=replace,
        topk=topk, scores=scores, preprocess=_preprocess(preprocess),
    )  # fmt: skip
    if pretrained:
        from detectors.pretrained import add_pretrained

        store = ModelStore(settings.models, mirror=settings.models_mirror)
        model = done(lambda: add_pretrained(store, wish, _operations(), trust=trust, tell=_note))
    else:
        model = done(lambda: take(ModelStore(settings.models), path, wish, _operations(), _note))
    _tell(model, "added")
    if licence is None and model.licence == UNSAID:
        typer.echo("its licence is not stated: say it with `darkroom models set`, so that /models shows it")


def set_up(
    name: Annotated[str, typer.Argument(help="A model of yours, or one of `models list`.")],
    threshold: Threshold = None,
    rename: Rename = None,
    side: Side = None,
    tags: Tags = None,
    topk: TopK = None,
    scores: Scores = None,
    preprocess: Preprocessing = None,
    licence: Licence = None,
    models: Annotated[Optional, Option(help="Folder of the weights.")] = None,
) -> None:
    """Change thresholds, names of labels and the like of a model; what is not said stays."""
    from detectors.adding import set_up as change
    from detectors.models import ModelStore

    settings = settings_from(models=models)
    wish = _wish(
        name, threshold, rename, side=side, tags=tags, licence=licence, topk=topk, scores=scores,
        preprocess=_preprocess(preprocess),
    )  # fmt: skip
    _tell(done(lambda: change(ModelStore(settings.models), wish)), "set up")


def _wish(name: str, threshold: Pairs, rename: Pairs, **said: Any) -> Wish:
    from detectors.adding import Wish

    general = [_score(text) for text in threshold or () if "=" not in text]
    if len(general) > 1:
        fail("--threshold of all labels was said twice")
    special = {label: _score(value) for label, value in _pairs("--threshold", (t for t in threshold or () if "=" in t))}
    names = dict(_pairs("--rename", rename or ()))
    return Wish(name, threshold=general[0] if general else None, thresholds=special, names=names, **said)


def _preprocess(texts: Pairs) -> dict[str, Any]:
    """As a model.toml would have it; what is wrong with the values is said where that is read."""
    pairs = _pairs("--preprocess", texts or (), "KEY=VALUE")
    return {key: value.split(",") if key in ("mean", "std") else value for key, value in pairs}


def _pairs(option: str, texts: Iterable[str], form: str = "LABEL=VALUE") -> Iterable[tuple[str, str]]:
    for text in texts:
        label, equals, value = text.rpartition("=")
        if not (label and equals and value):
            fail(f"{option} {text!r} is not of the form {form}")
        yield label, value


def _score(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        fail(f"--threshold {text!r} is not a number from 0 to 1")
    return value


def _labels(listed: str | None, file: Path | None) -> tuple[str, ...]:
    if listed is not None and file is not None:
        fail("say either --labels or --labels-file")
    texts = re.split(r"\r\n|\n|\r", _text(file)) if file is not None else (listed or "").split(",")
    labels = tuple(label for text in texts if (label := text.strip(SPACES)))
    if not labels and (file is not None or listed is not None):
        fail(f"{'--labels' if file is None else file} holds no label")
    return labels


def _text(file: Path) -> str:
    """What stands in a file of labels, in UTF-8 with or without a byte order mark; ends the program with the reason."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {(error.strerror or type(error).__name__).lower()}")
    if len(content) > MOST:
        fail(f"{file} has more than {MOST} bytes, the most that a file of labels may have")
    if content.startswith(WIDE) or b"\0" in content:
        fail(f"{file} is not UTF-8 but UTF-16 or UTF-32, or no text: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fail(f"{file} is not UTF-8 from byte {error.start} on: save it as UTF-8")


def _operations() -> frozenset[str]:
    from transforms.registry import operations

    return frozenset(operations())


def _tell(model: Model, what: str) -> None:
    shown = ", ".join(model.shown[:8]) + (f" and {len(model.shown) - 8} more" if len(model.shown) > 8 else "")
    typer.echo(f"{what}: {model.name} ({model.form}, {len(model.labels)} labels: {shown})")
    _warn(model.shown)


def _note(text: str) -> None:
    typer.echo(f"note: {text}", err=True)


def _warn(labels: tuple[str, ...]) -> None:
    """Of labels that URLs cannot name, or not one by one."""
    from transforms.vocabulary import word_of, written_alike

    alike, nameless = written_alike(labels)
    for group in alike[:8]:
        typer.echo(f"note: {', '.join(group)} are asked for together in URLs, as {word_of(group[0])}", err=True)
    for label in nameless[:8]:
        typer.echo(f"note: {label} cannot be a word of URLs; --rename '{label}=NAME' gives it one", err=True)
