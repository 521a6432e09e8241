"""Which models serve a kind of detection before those that would by default: "objects=yolo11m,masks=yolo26n-seg"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from transforms.failure import Failure, Kind, nearest

from .manifest import Form, Model
from .registry import detectors, serving

if TYPE_CHECKING:
    from .models import ModelStore

Preferences = Mapping[str, tuple[str, ...]]
"""Names of models by kind, in the order in which they are tried."""

_FORMS: Mapping[str, frozenset[Form]] = {
    "objects": frozenset({"detect", "segment", "pose"}),
    "masks": frozenset({"segment"}),
}


def read_preferences(text: str) -> Preferences:
    """Pairs of kind=model, comma-separated; a kind that is named again has one more model to try. Raises ValueError."""
    chosen: dict[str, tuple[str, ...]] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        kind, equals, name = (part.strip() for part in pair.partition("="))
        if not (kind and equals and name):
            raise ValueError(f"{pair!r} is not of the form kind=model")
        chosen[kind] = (*chosen.get(kind, ()), name)
    return chosen


def check_preferences(store: ModelStore) -> None:
    """Raises Failure unknown-detector, unknown-model or model-does-not-fit for what nothing could come of."""
    known = store.known()
    for kind, names in store.prefer.items():
        if kind not in _kinds():
            raise _unknown_kind(kind)
        for name in names:
            if name not in known:
                raise _unknown(name, (other for other, model in known.items() if _fits(kind, model)))
            if not _fits(kind, known[name]):
                raise _misfit(kind, known[name])


def _kinds() -> frozenset[str]:
    return frozenset(kind for task, detector in detectors().items() if task in _FORMS or task == "faces"
                     for kind in (task, *detector.sides))  # fmt: skip


def _fits(kind: str, model: Model) -> bool:
    task = serving(kind).task
    if task not in _FORMS:
        return model.task == task
    return model.form in _FORMS[task] and model.task != "faces" and model.backend in ("yolo", "triton")


def _unknown_kind(kind: str) -> Failure:
    close = nearest(kind, _kinds())
    return Failure(
        Kind.BAD_REQUEST, "unknown-detector", f"{kind!r} is no kind of detection whose model can be chosen",
        hint=f"did you mean {close!r}?" if close else f"there are {', '.join(sorted(_kinds()))}",
    )  # fmt: skip


def _unknown(name: str, known: Iterable[str]) -> Failure:
    from .models import unknown_model

    return unknown_model(name, known)


def _misfit(kind: str, model: Model) -> Failure:
    wanted = " or ".join(sorted(_FORMS.get(serving(kind).task, {"its own form"})))
    return Failure(
        Kind.BAD_REQUEST, "model-does-not-fit", f"{model.name} cannot serve {kind}: its form is {model.form}",
        hint=f"a model of the form {wanted} can", details={"model": model.name, "kind": kind},
    )  # fmt: skip
