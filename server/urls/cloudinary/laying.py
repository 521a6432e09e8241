"""A layer as a step: what it shows, where it is laid, and which keys of its components say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from transforms.computed import Computed
from transforms.expressions import Variable
from transforms.failure import Failure, Kind
from transforms.picture import Picture
from transforms.pipeline import End, If, Node, Pending, Pipeline, Step

from ..request import bad_source
from . import effects, geometry, gravity, layers, wanted
from .amounts import Factor, given
from .component import Component
from .layers import Source

_PLACE = frozenset(("g", "x", "y"))

Place = tuple[Component, Factor]
"""What a component says of where a layer is laid, with its density."""


def picture(source: Source) -> Picture | Computed | None:
    """What a layer begins with, None for a text. Raises Failure bad-source for an address that is none."""
    if source.kind == "variable":
        return Computed(("id:", Variable(source.location[1:])))
    if source.kind == "fetch":
        scheme = source.location.partition(":")[0]
        if scheme not in ("http", "https"):
            raise bad_source("a fetched layer needs an http:// or https:// URL")
        return Picture("https" if scheme == "https" else "http", source.location)
    return None if source.kind == "text" else Picture("id", source.location, source.delivery)


def said_of_place(component: Component, *, applies: bool) -> frozenset[str]:
    """The keys by which a component that opens or applies a layer says where it is laid.

    Of one that only opens it, those that its crop or its effects read are theirs.
    """
    if applies:
        return frozenset(key for key in _PLACE if component.has(key))
    crops = "crop" in component.values("c") or component.values("g") == ["xy_center"]
    taken = frozenset[str]() if not geometry.holds_on(component) else _PLACE if crops else frozenset("g")
    return frozenset(key for key in _PLACE - taken - effects.used(component) if component.has(key))


def relative(parts: Iterable[Component]) -> str:
    """What fractions of a layer are of: "b" for the picture below, "r" for a region of it, "" for the layer itself."""
    flags = {flag for component in parts for flag in component.flags}
    return "r" if "region_relative" in flags else "b" if "relative" in flags else ""


def pending(layer: layers.Layer) -> list[Node]:
    """What stands for a layer that is not done here: a table of colours."""
    return [Pending(f"l_{layer.source}")] if layer.source.kind == "lut" else []


def later(places: Sequence[Place]) -> list[Node]:
    """What stands for a place that is understood, but not found yet."""
    return [Pending(component.raw("g")) for component, _ in places if gravity.is_later(component)]


def told(nodes: Sequence[Node], component: Component) -> tuple[list[Node], list[Node]]:
    """The nodes that act on a layer, and those that are about the whole: how it is sent, and a report.

    Raises Failure step-in-layer where a condition on the layer would decide on these.
    """
    kept, about, depth = list[Node](), list[Node](), 0
    for node in nodes:
        depth += isinstance(node, If) - isinstance(node, End)
        whole = isinstance(node, Step) and node.operation.level in ("output", "report")
        if whole and depth:
            raise Failure(
                Kind.BAD_REQUEST, "step-in-layer", "a condition on a layer cannot decide on how the picture is sent",
                hint="say it after the layer", details={"component": component.text},
            )  # fmt: skip
        (about if whole else kept).append(node)
    return kept, about


def key_of(component: Component) -> str:
    """The key by which it opens a layer."""
    return "u" if component.has("u") else "l"


def step(layer: layers.Layer, parts: Sequence[Component], places: Sequence[Place], inner: Sequence[Node]) -> Step:
    """The step that lays a layer with these components; of two that say where, the later one counts."""
    opening = parts[0]
    key = key_of(opening)
    begins = opening.attempt(key, opening.values(key)[0], lambda _: picture(layer.source))
    arguments = {"picture": begins, **_place(places), **_flags(parts), **_blend(parts)}
    made = parts[-1].step("g", "underlay" if layer.under else "overlay", **arguments)
    return replace(made, inner=Pipeline(tuple(inner)))


def _place(places: Sequence[Place]) -> dict[str, Any]:
    known = [(place.without("g") if gravity.is_later(place) else place, density) for place, density in places]
    said = {key: place for place in known for key in _PLACE if place[0].has(key)}
    want = {key: wanted.offset(said[key][0], key, said[key][1]) for key in ("x", "y") if key in said}
    moved: dict[str, Any] = {key: given(value) for key, value in want.items()}
    if "g" not in said:
        return moved
    component, _ = said["g"]
    hold = component.attempt("g", component.values("g")[0], gravity.named)
    if hold.kind == "auto":
        raise component.refusal(
            "g", component.values("g")[0], "a layer is not laid at the best place", "gravity-not-allowed",
            hint="it goes with an edge, a corner, a face or an object",
        )  # fmt: skip
    if hold.kind == "point":
        return {"gravity": wanted.point(component, want.get("x"), want.get("y"))}
    return {"gravity": hold.text, **moved}


def _flags(parts: Sequence[Component]) -> dict[str, Any]:
    flags = {flag for component in parts for flag in component.flags}
    refused, clipped = "text_disallow_overflow" in flags, "no_overflow" in flags
    return {
        "overflow": "refuse" if refused else "clip" if clipped else "grow",
        "tile": "tiled" in flags or None,
        "cutter": "cutter" in flags or None,
    }


def _blend(parts: Sequence[Component]) -> dict[str, Any]:
    said = [blend for component in parts for blend in [effects.blend(component)] if blend is not None]
    if not said:
        return {}
    mode, strength = said[-1]
    return {"blend": mode, "strength": given(strength)}


def check_condition(component: Component) -> None:
    """Raises Failure where a condition guards the application of a layer that it does not open."""
    if component.has("if"):
        raise component.refusal(
            "if", component.values("if")[0], "a layer is applied or not as a whole",
            hint="the condition stands where the layer is opened",
        )  # fmt: skip
