"""A chain of components as the nodes of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeGuard

from transforms.failure import Failure, Kind
from transforms.pipeline import MAX_NODES, MAX_STEPS, End, If, Node, Pipeline, Step

from . import delivery, layers, laying, lettering
from .acts import acts, presets, variables
from .amounts import Factor
from .component import Component, lex
from .conditions import Guards, spare, texts_before
from .densities import densities
from .layers import Structure
from .text import Text


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
    structure = layers.structure(components)
    chain = _Chain(components, densities(components, structure.owners), structure)
    return Pipeline(tuple(_in_order(chain.nodes(0, len(components)))))


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


@dataclass(frozen=True)
class _Chain:
    """Components with their densities, and which of them belong to which layer."""

    components: Sequence[Component]
    densities: Sequence[Factor]
    structure: Structure

    def nodes(self, first: int, end: int, within: int | None = None) -> list[Node]:
        """What the components from `first` up to `end` do, each layer among them as one step."""
        opened = {layer.opened: index for index, layer in enumerate(self.structure.layers)}
        owners = self.structure.owners
        guards = Guards(spare([self.components[at] for at in range(first, end) if owners[at] == within]))
        at = first
        while at < end:
            component, index = self.components[at], opened.get(at)
            guards.add(component, self._own(at, within) if index is None else self._layer(index))
            at = at + 1 if index is None else self.structure.layers[index].applied + 1
        return guards.closed()

    def _own(self, at: int, within: int | None) -> list[Node]:
        """What a component does that neither opens nor applies a layer."""
        component, relative = self.components[at], self._relative(within)
        return [*variables(component), *presets(component), *acts(component, self.densities[at], relative=relative)]

    def _relative(self, index: int | None) -> str:
        return "" if index is None else laying.relative(self._parts(index))

    def _parts(self, index: int) -> list[Component]:
        """The components of a layer itself."""
        layer, owners = self.structure.layers[index], self.structure.owners
        return [self.components[at] for at in range(layer.opened, layer.applied + 1) if owners[at] == index]

    def _layer(self, index: int) -> list[Node]:
        layer, parts = self.structure.layers[index], self._parts(index)
        ends = sorted({layer.opened, layer.applied})
        said = {at: laying.said_of_place(self.components[at], applies=at == layer.applied) for at in ends}
        inner = [
            *self._opened(index, said[layer.opened]),
            *self.nodes(layer.opened + 1, layer.applied, index),
            *(self._applied(index, said[layer.applied]) if len(ends) > 1 else []),
        ]
        places = [(self.components[at].only(*said[at]), self.densities[at]) for at in ends]
        kept, told = laying.told([*inner, *laying.later(places)], parts[-1])
        laid: list[Node] = laying.pending(layer) or [laying.step(layer, parts, places, _in_order(kept))]
        return [*(let for at in ends for let in variables(self.components[at])), *laid, *told]

    def _opened(self, index: int, said: frozenset[str]) -> list[Node]:
        """The component that opens a layer, as far as it acts on that; its size is a box to fit in."""
        at, text = self.structure.layers[index].opened, self._text(index)
        component, density, relative = self.components[at], self.densities[at], self._relative(index)
        rest = component.without("l", "u", *said)
        letters: list[Node] = []
        if text is not None:
            trim = not any("text_no_trim" in part.flags for part in self._parts(index))
            letters = [lettering.lettered(text, component, density, relative, trim=trim)]
            rest = rest.without(*lettering.keys_of(text, component, relative))
        return [*letters, *presets(component), *acts(rest, density, "fit", relative)]

    def _text(self, index: int) -> Text | None:
        """What a layer writes, with its style."""
        layer = self.structure.layers[index]
        component, text = self.components[layer.opened], layer.source.text
        if text is None:
            return None
        known = texts_before(self.components[: layer.opened + 1])
        key = laying.key_of(component)
        return component.attempt(key, component.values(key)[0], lambda _: text.styled(known))

    def _applied(self, index: int, said: frozenset[str]) -> list[Node]:
        at = self.structure.layers[index].applied
        component = self.components[at]
        laying.check_condition(component)
        rest = component.without(*said)
        own = acts(rest, self.densities[at], relative=self._relative(index))
        return [*presets(component), *own]
