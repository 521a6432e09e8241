"""What stays of a model's set-up when other weights take its place: what was not said anew, as with `models set`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from .card import Card
from .manifest import LIBRARIES

Tell = Callable[[str], None]
"""Told, in words for the operator, what a command did beside what it was asked for."""


def silent(_: str) -> None:
    """Tells nobody."""


def kept(before: Card, said: Mapping[str, Any], tell: Tell, *, side: int | None = None) -> dict[str, Any]:
    """The values of a new card with what the one before adds to them; tells what of that cannot stay.

    The side is that of the new weights where they say one, unless the operator said this `side`.
    """
    libraries = said["backend"] in LIBRARIES
    fits = {"topk": said["form"] == "classify", "scores": libraries, "preprocess": libraries}
    merged = dict(said)
    for name in ("licence", "threshold", "tags", "side", *fits):
        value = getattr(before, name)
        if merged[name] is not None or value is None:
            continue
        if fits.get(name, True):
            merged[name] = value
        else:
            tell(f"{name} was set up before, and did not stay: the new model makes no use of it")
    if libraries and before.preprocess and said["preprocess"]:
        merged["preprocess"] = {**asdict(before.preprocess), **said["preprocess"]}
    for name in ("thresholds", "names"):
        merged[name] = _of_labels(before, name, said["labels"], tell) | dict(said[name])
    if side is None and before.side not in (None, merged["side"]):
        was = f"it was {before.side}, which `darkroom models set` brings back"
        tell(f"side is {merged['side']}, as the new weights say; {was}")
    return merged


def _of_labels(card: Card, name: str, labels: tuple[str, ...], tell: Tell) -> dict[str, Any]:
    """Those values of a table by label whose labels there still are."""
    table: Mapping[str, Any] = getattr(card, name)
    for label in table:
        if label not in labels:
            what = f"threshold {table[label]}" if name == "thresholds" else f"name {table[label]!r}"
            tell(f"the {what} of {label} did not stay: the new model has no such label")
    return {label: value for label, value in table.items() if label in labels}
