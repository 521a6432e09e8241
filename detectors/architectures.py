"""Classifiers of torchvision and timm by the names of their architectures: built, filled with weights, and what they
want of a picture. Only local files are read; timm's names for downloads (`hf-hub:…`) are no architectures here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from transforms.failure import Failure, Kind, nearest

from .manifest import Backend, Model, Preprocess
from .statefile import State, read_state

Prepare = Callable[[Image.Image], torch.Tensor]

SHOWN = 5  # names of weights that a refusal tells
IMAGENET = 1000


@dataclass(frozen=True)
class Built:
    """A network that answers (n, classes), in evaluation mode, and what makes its input of an RGB picture."""

    network: torch.nn.Module
    prepare: Prepare


@dataclass(frozen=True, slots=True)
class Published:
    """Where an architecture's own weights are: their address, the sha256 or its first digits (empty where the library
    knows none), the licence (empty likewise) and the labels in the order of the classes."""

    url: str
    sha256: str
    licence: str
    labels: tuple[str, ...]


def build(model: Model, path: Path) -> Built:
    """The classifier of a model whose weights lie at `path`.

    Raises Failure: unknown-architecture, model-format-refused, model-does-not-fit, model-labels-do-not-fit.
    """
    check(model.backend, model.arch)
    state = read_state(path)
    network = _create(model.backend, model.arch, len(model.labels), state)
    _check_fit(network, state, model)
    network.load_state_dict(state)
    return Built(network.eval(), _preparation(model.backend, model.arch, network, model.preprocess))


def examine(backend: Backend, arch: str, path: Path, labels: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The labels of the weights at `path`: those given, else those that the weights were published with.

    Builds it all once, so that whatever `build` would refuse is refused now. Raises what that raises, and Failure
    labels-missing.
    """
    check(backend, arch)
    labels = labels or _labels_of(backend, arch, _classes(backend, arch, read_state(path)))
    build(Model(arch, arch, "", path.name, None, "", labels, form="classify", backend=backend, arch=arch), path)
    return labels


def check(backend: Backend, arch: str) -> None:
    """Raises Failure unknown-architecture, with the nearest name, and backend-not-installed."""
    if find_spec(backend) is None:
        raise Failure(
            Kind.UNPROCESSABLE, "backend-not-installed", f"{backend} is not installed",
            hint="run `pip install 'darkroom[classify]'`", details={"backend": backend},
        )  # fmt: skip
    known = _known(backend)
    if arch in known or (backend == "timm" and _is_timm(arch)):
        return
    close = nearest(arch, known)
    raise Failure(
        Kind.BAD_REQUEST, "unknown-architecture", f"{backend} has no classifier called {arch!r}",
        hint=f"did you mean {close!r}?" if close else "see its documentation for the names that it has",
        details={"architecture": arch, "nearest": close},
    )  # fmt: skip


def published(backend: Backend, arch: str) -> Published:
    """Where the publisher keeps weights of an architecture; asks nobody. Raises Failure unknown-architecture and
    model-not-published."""
    check(backend, arch)
    if backend == "torchvision":
        import torchvision

        weights = torchvision.models.get_model_weights(arch).DEFAULT
        digits = re.search(r"-([0-9a-f]{8,64})\.", weights.url)
        return Published(weights.url, digits[1] if digits else "", "", tuple(weights.meta["categories"]))
    import timm

    said = timm.get_pretrained_cfg(arch)
    if said is None or not said.hf_hub_id:
        raise Failure(
            Kind.BAD_REQUEST, "model-not-published", f"timm knows no weights of {arch}",
            hint="name one with a tag, such as resnet18.a1_in1k, or bring a file", details={"architecture": arch},
        )  # fmt: skip
    from huggingface_hub import hf_hub_url

    url = hf_hub_url(said.hf_hub_id, "model.safetensors")
    return Published(url, "", said.license or "", _labels_of(backend, arch, said.num_classes))


def _known(backend: Backend) -> list[str]:
    if backend == "torchvision":
        import torchvision

        return list(torchvision.models.list_models(module=torchvision.models))
    import timm

    return list(timm.list_models())


def _is_timm(arch: str) -> bool:
    """Whether timm has it under an older name, or with the tag of some weights."""
    import timm

    if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", arch) or not timm.is_model(arch):
        return False
    try:
        timm.get_pretrained_cfg(arch)
    except RuntimeError:  # a tag that the architecture has not
        return False
    return True


def _create(backend: Backend, arch: str, classes: int, state: State) -> torch.nn.Module:
    """The architecture with some weights or other."""
    if backend == "timm":
        import timm

        module: torch.nn.Module = timm.create_model(arch, pretrained=False, num_classes=classes)
        return module
    import torchvision

    more: dict[str, Any] = {}
    if arch in ("inception_v3", "googlenet"):
        # Helpers of training are in the file or not. Published weights, from which most others are tuned, want the
        # input as the paper has it; drawing their first weights takes 20 s, and they are replaced.
        helped = any(name.lower().startswith("aux") for name in state)
        more = {"aux_logits": helped, "transform_input": True, "init_weights": False}
    built: torch.nn.Module = torchvision.models.get_model(arch, weights=None, num_classes=classes, **more)
    return built


def _head(network: torch.nn.Module) -> str:
    """The name of the last weights, whose first length is the number of classes."""
    return list(network.state_dict())[-1]


def _classes(backend: Backend, arch: str, state: State) -> int:
    with torch.device("meta"):
        head = _head(_create(backend, arch, IMAGENET, state))
    return int(state[head].shape[0]) if head in state and state[head].ndim else IMAGENET


def _check_fit(network: torch.nn.Module, state: State, model: Model) -> None:
    """Raises Failure model-labels-do-not-fit or model-does-not-fit."""
    wanted = network.state_dict()
    head = list(wanted)[-1]
    lacking = [name for name in wanted if name not in state]
    strange = [name for name in state if name not in wanted]
    if not lacking and not strange and state[head].shape[0] != len(model.labels):
        classes = int(state[head].shape[0])
        raise Failure(
            Kind.UNPROCESSABLE, "model-labels-do-not-fit",
            f"the weights of {model.name} tell {classes} classes apart, and there are {len(model.labels)} labels",
            hint="write one label a line, in the order of the classes",
            details={"classes": classes, "labels": len(model.labels)},
        )  # fmt: skip
    shaped = [name for name in wanted if name in state and wanted[name].shape != state[name].shape]
    differs = (("without", lacking), ("with", strange), ("of another shape", shaped))
    said = [f"{what} {_few(names)}" for what, names in differs if names]
    if said:
        raise Failure(
            Kind.UNPROCESSABLE, "model-does-not-fit",
            f"the weights are not those of {model.backend}'s {model.arch}: {'; '.join(said)}",
            hint="name the architecture that they were trained with",
            details={"architecture": model.arch, "lacking": lacking[:SHOWN], "strange": strange[:SHOWN]},
        )  # fmt: skip


def _few(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _labels_of(backend: Backend, arch: str, classes: int) -> tuple[str, ...]:
    """What published weights with so many classes tell apart; raises Failure labels-missing."""
    if classes == IMAGENET:  # the same synsets in the same order for both
        import torchvision

        return tuple(torchvision.models.ResNet18_Weights.DEFAULT.meta["categories"])
    if backend == "timm":
        from timm.data import ImageNetInfo, infer_imagenet_subset

        subset = infer_imagenet_subset(classes)
        if subset:
            info = ImageNetInfo(subset)
            return _told_apart([info.index_to_description(index) for index in range(classes)])
    raise Failure(
        Kind.BAD_REQUEST, "labels-missing", f"nobody says what the {classes} classes of {arch} are called",
        hint="give a file with one label a line, in the order of the classes", details={"classes": classes},
    )  # fmt: skip


def _told_apart(descriptions: list[str]) -> tuple[str, ...]:
    """The first of each class's synonyms; all of them where another class has that too."""
    short = [text.split(",")[0].strip() for text in descriptions]
    times = Counter(short)
    return tuple(one if times[one] == 1 else whole for one, whole in zip(short, descriptions, strict=True))


def _preparation(backend: Backend, arch: str, network: torch.nn.Module, told: Preprocess) -> Prepare:
    """What the architecture's published weights do with a picture, but for what is `told` differently."""
    if backend == "timm":
        from timm.data import create_transform, resolve_model_data_config

        config = resolve_model_data_config(network)
        size = told.size and (3, told.size, told.size)
        mine = {"input_size": size, "crop_pct": told.crop, "mean": told.mean, "std": told.std,
                "interpolation": told.interpolation}  # fmt: skip
        made: Prepare = create_transform(**config | {name: value for name, value in mine.items() if value is not None})
        return made
    import torchvision
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms._presets import ImageClassification

    usual = torchvision.models.get_model_weights(arch).DEFAULT.transforms()
    square = told.size or usual.crop_size[0]
    preset: Prepare = ImageClassification(
        crop_size=square,
        resize_size=round(square / (told.crop or usual.crop_size[0] / usual.resize_size[0])),
        mean=told.mean or tuple(usual.mean),
        std=told.std or tuple(usual.std),
        interpolation=InterpolationMode(told.interpolation) if told.interpolation else usual.interpolation,
    )
    return preset
