"""A chain of components as the nodes of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeGuard

from transforms.failure import Failure, Kind, bad_argument
from transforms.pipeline import MAX_NODES, MAX_STEPS, End, If, Let, Node, Pending, Pipeline, Preset, Step

from . import delivery, effects, expression, geometry, gravity, layers, look, wanted
from .amounts import Factor, product
from .component import Component, checked, lex
from .conditions import Guards, spare

_SENT = ("cs", "d", "dl", "f", "q")
_GEOMETRY = ("ar", "b", "c", "dpr", "g", "h", "w", "x", "y", "z")


def pipeline(texts: Sequence[str]) -> Pipeline:
    """The pipeline of a chain; the same few chains are asked for of very many pictures, and are remembered."""
    return _pipeline(tuple(texts))


def forget() -> None:
    """Forget the remembered chains, to measure what the first of its kind costs."""
    _pipeline.cache_clear()


@lru_cache(512)
def _pipeline(texts: tuple[str, ...]) -> Pipeline:
    """Each component acts on what the one before it gave; inside one the order is fixed, however it is written.

    Where no condition decides on them, the steps for reading and sending are said last, and once, so that every way to
    spell them shares one cache entry.
    """
    if len(texts) > MAX_NODES:
        raise _too_many(len(texts), MAX_NODES)
    components = [lex(text) for text in texts]
    if sum(not component.has("if") for component in components) > MAX_STEPS:
        raise _too_many(len(texts), MAX_STEPS)
    owners = layers.structure(components).owners
    densities = _densities(components, owners)
    guards = Guards(spare(components))
    for component, density, owner in zip(components, densities, owners, strict=True):
        guards.add(component, _nodes(component, density, layered=owner is not None))
    return Pipeline(tuple(_in_order(guards.closed())))


def _too_many(count: int, most: int) -> Failure:
    return Failure(
        Kind.BAD_REQUEST, "too-many-steps", f"{count} components are more than the {most} allowed",
        details={"maximum": most},
    )  # fmt: skip


def _in_order(nodes: list[Node]) -> list[Node]:
    if any(isinstance(node, If) and not _is_turn(nodes[at + 1 : at + 3]) for at, node in enumerate(nodes)):
        return nodes
    sent = [node for node in nodes if _is_sent(node)]
    return [*(node for node in nodes if not _is_sent(node)), *delivery.gathered(sent)]


def _is_sent(node: Node) -> TypeGuard[Step]:
    """Whether a node says how the source is read or the result leaves."""
    return isinstance(node, Step) and node.operation.level in ("input", "output")


def _is_turn(guarded: list[Node]) -> bool:
    """Whether a condition guards a turn alone (`a_auto_right`): it decides on nothing that is said of sending."""
    turn, end = guarded if len(guarded) == 2 else (None, None)
    return isinstance(end, End) and isinstance(turn, Step) and turn.operation.name == "rotate"


def _nodes(component: Component, density: Factor, *, layered: bool) -> list[Node]:
    """What a component does, but for its condition: variables, then presets, then itself."""
    return [
        *(_let(component, name, value) for name, value in component.variables),
        *(node for key in ("bl", "t") for node in component.read(key, _presets) or []),
        *(_layered(component, density) if layered else _acts(component, density)),
    ]


def _presets(text: str) -> list[Preset]:
    names = text.split(".")
    if any(not name or "/" in name for name in names):
        raise bad_argument("that is no list of names with a dot between them", hint="for example t_first.second")
    return [Preset(name) for name in names]


def _let(component: Component, name: str, value: str) -> Let:
    return Let(name, component.attempt(f"${name}", value, expression.assigned))


def _layered(component: Component, density: Factor) -> list[Node]:
    """A component of a layer: checked, and kept as it is. How the result leaves is said of the picture all the same."""
    names = [name for name, _ in component.parameters if name.startswith("$")]
    own = component.without("bl", "if", "t", *names)
    _acts(own.without("g", "l", "u", "x", "y"), density)  # these say where it is laid, in units of their own
    kept = own.without(*_SENT)
    sent = delivery.steps(own.without(*(key for key, _ in own.parameters if key not in _SENT)))
    layer: list[Node] = [*layers.pending(kept)] if kept.parameters else []
    return [*layer, *sent]


def _acts(component: Component, density: Factor) -> list[Node]:
    """The steps of a component in their fixed order, and what of it is not done yet."""
    used = effects.used(component)
    look.colour(component)
    fill = look.background(component) if not look.is_later(component) else None
    quarter = look.quarter(component)
    sized = component.without(*used)
    return [
        *delivery.later(component),
        *([] if quarter is None else geometry.upright(sized, quarter)),
        *_sized(sized, density, fill),
        *effects.nodes(component),
        *look.outline(component, density),
        *look.turns(component, fill),
        *([checked("background", color=fill)] if look.shows(fill) else []),
        *look.opacity(component),
        *delivery.report(component),
        *([checked("orientation", how="ignore")] if look.is_ignored(component) else []),
        *delivery.steps(component),
    ]


def _sized(component: Component, density: Factor, fill: look.Fill | None) -> list[Node]:
    if not component.has(*_GEOMETRY):
        return []
    if any(part.is_later(component) for part in (geometry, gravity, look, wanted)):
        return [Pending(component.raw(*_GEOMETRY))]
    return [*geometry.steps(component, density, fill)]


def _densities(components: list[Component], owners: Sequence[int | None]) -> list[Factor]:
    """By what each component multiplies its pixels.

    A density without a size of its own belongs to the resize before it, of the same picture and not outside of the
    condition that guards it: SDKs put it into a component of its own. With neither it says nothing.
    """
    densities = [wanted.density(component) for component in components]
    scaled = list(densities)
    for index, component in enumerate(components):
        before = _resize_before(components, owners, index) if not component.has("w", "h", "if") else None
        while before is not None:
            scaled[before] = product(scaled[before], densities[index])
            before = before - 1 if _is_alternative(components[before]) else None
    return scaled


def _is_alternative(component: Component) -> bool:
    """Whether a component is done instead of the one before it."""
    return component.values("if") == ["else"] and len(component.parameters) > 1


def _begins_branch(component: Component) -> bool:
    return component.values("if") not in ([], ["end"]) and len(component.parameters) == 1


def _resize_before(components: list[Component], owners: Sequence[int | None], index: int) -> int | None:
    for earlier in range(index - 1, -1, -1):
        if _begins_branch(components[earlier]):
            return None
        if components[earlier].has("w", "h") and owners[earlier] == owners[index]:
            return earlier if wanted.is_scaling(components[earlier]) else None
    return None
