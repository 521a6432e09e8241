"""A pipeline: an immutable, hashable list of steps with one canonical text, and what controls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from .asked import kinds
from .computed import Computed
from .expressions import Condition, Expression, Operand, Text, Variable, operands
from .failure import Failure, Kind
from .layers import MAX_LAYER_DEPTH, MAX_LAYERS
from .nodes import CONTROL, Else, End, If, Let, Node, Pending, Preset, parse_node
from .picture import Picture, PictureName
from .steps import Step, printed

__all__ = [
    "CONTROL", "MAX_DEPTH", "MAX_NODES", "MAX_STEPS", "Else", "End", "If", "Let", "Node", "Pending", "Pipeline",
    "Preset", "Step", "opens_block", "parse_node", "printed",
]  # fmt: skip

MAX_STEPS = 64
MAX_NODES = 256  # steps, and what controls them
MAX_DEPTH = 16  # of conditions in each other


@dataclass(frozen=True)
class Pipeline:
    """Nodes in the order written, those of layers inside of the step that opens it.

    Raises Failure too-many-steps, too-many-layers, unclosed-condition or stray-condition.
    """

    nodes: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        everywhere = tuple(self.everywhere)
        steps = [node for node in everywhere if isinstance(node, Step)]
        layers = sum(step.operation.opens for step in steps)
        _check_count(len(steps), MAX_STEPS, "too-many-steps", "steps")
        _check_count(len(everywhere), MAX_NODES, "too-many-steps", "steps")
        _check_count(layers, MAX_LAYERS, "too-many-layers", "layers")
        _check_blocks(self.nodes)

    @staticmethod
    def parse(text: str) -> Pipeline:
        """The pipeline of a canonical text, `/` between nodes."""
        return Pipeline.of(parse_node(part) for part in text.split("/") if part)

    @staticmethod
    def of(nodes: Iterable[Node]) -> Pipeline:
        """The pipeline of nodes as they are written, the `end` of each layer among them.

        Raises Failure unclosed-layer, layers-too-deep, or step-in-layer for what says how the result is sent.
        """
        return Pipeline(tuple(_nested(iter(nodes))))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All steps on the picture itself, whether or not a condition guards them."""
        return tuple(node for node in self.nodes if isinstance(node, Step))

    @property
    def layers(self) -> tuple[Pipeline, ...]:
        """The steps of each layer of the picture itself."""
        return tuple(step.inner for step in self.steps if step.inner is not None)

    @property
    def everywhere(self) -> Iterator[Node]:
        """All nodes, those of layers after the step that opens it."""
        for node in self.nodes:
            yield node
            if isinstance(node, Step) and node.inner is not None:
                yield from node.inner.everywhere

    @property
    def written(self) -> Iterator[str]:
        """The canonical texts of all nodes, the `end` of each layer among them; `of` reads them back."""
        for node in self.nodes:
            if isinstance(node, Step) and node.inner is not None:
                yield from (node.head, *node.inner.written, "end")
            else:
                yield str(node)

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """What layers name, each once; of a variable all that it is given anywhere, as far as that is plain text."""
        return tuple(dict.fromkeys(_pictures(tuple(self.everywhere))))

    @cached_property
    def plain(self) -> bool:
        """Whether there are steps alone, and nothing in them has to be worked out. Layers are, once they are made."""
        return all(isinstance(node, Step) and not node.expressions for node in self.nodes) and all(
            layer.plain for layer in self.layers
        )

    @cached_property
    def unconditional(self) -> tuple[Node, ...]:
        """The nodes that no condition guards."""
        depth, plain = 0, []
        for node in self.nodes:
            depth += isinstance(node, If) - isinstance(node, End)
            if not depth and not isinstance(node, End):
                plain.append(node)
        return tuple(plain)

    @cached_property
    def operands(self) -> frozenset[Operand]:
        """All that its own expressions and conditions want to know."""
        return frozenset().union(*map(operands, self.trees))

    @property
    def asks(self) -> frozenset[str]:
        """The kinds of detections that its own expressions and conditions may ask for, with today's models."""
        return frozenset().union(*map(kinds, self.trees))

    @property
    def trees(self) -> Iterator[Expression | Condition]:
        for node in self.nodes:
            match node:
                case Step():
                    yield from node.expressions
                case Let(_, value):
                    yield value
                case If(condition):
                    yield condition

    @cached_property
    def needs(self) -> frozenset[str]:
        """The kinds of detections that it may ask for, of the picture itself or of a layer."""
        of_steps = (step.needs for step in self.steps)
        of_layers = (layer.needs for layer in self.layers)
        return frozenset().union(*of_steps, *of_layers, self.asks)

    @cached_property
    def text(self) -> str:
        """The canonical text."""
        return "/".join(self.written)

    def __str__(self) -> str:
        return self.text


def _check_count(count: int, most: int, code: str, what: str) -> None:
    if count > most:
        raise Failure(
            Kind.BAD_REQUEST, code, f"{count} {what} are more than the {most} allowed", details={"maximum": most}
        )


def opens_block(node: Node) -> bool:
    """Whether an `end` belongs to it."""
    return isinstance(node, If) or (isinstance(node, Step) and node.operation.opens and node.inner is None)


def _nested(nodes: Iterator[Node], within: tuple[Step, ...] = ()) -> Iterator[Node]:
    """The nodes up to the `end` of the layer that they are in, each layer with its own inside of it."""
    _check_count(len(within), MAX_LAYER_DEPTH, "layers-too-deep", "layers in each other")
    conditions = 0
    for node in nodes:
        if isinstance(node, Step):
            _check_place(node, within)
            opened = opens_block(node)
            yield replace(node, inner=Pipeline(tuple(_nested(nodes, (*within, node))))) if opened else node
            continue
        if within and not conditions and isinstance(node, End):
            return
        conditions += isinstance(node, If) - isinstance(node, End)
        yield node
    if within:
        raise Failure(
            Kind.BAD_REQUEST, "unclosed-layer", f"a layer is not closed: {within[-1]}",
            hint="its steps stand between it and /end", details={"step": str(within[-1])},
        )  # fmt: skip


def _check_place(step: Step, within: tuple[Step, ...]) -> None:
    name = step.operation.name
    if within and step.operation.level in ("output", "report"):
        raise Failure(
            Kind.BAD_REQUEST, "step-in-layer", f"{name} is about what is sent, and says nothing of a layer",
            hint=f"write it after the end of {within[0].operation.name}",
            details={"operation": name, "step": str(step)},
        )  # fmt: skip


def _pictures(nodes: tuple[Node, ...]) -> Iterator[Picture]:
    for step in (node for node in nodes if isinstance(node, Step) and node.operation.opens):
        for argument, value in zip(step.operation.arguments, step.values, strict=True):
            if isinstance(value, Picture):
                yield value
            elif isinstance(argument.type, PictureName):
                yield from _meant(argument.type, value, nodes)


def _meant(kind: PictureName, value: object, nodes: tuple[Node, ...]) -> Iterator[Picture]:
    """All that a name may stand for which is worked out."""
    if not isinstance(value, Computed) or len(value.expressions) != 1:
        return
    (variable,) = value.expressions
    names = {variable.name} if isinstance(variable, Variable) else set()
    given = [node.value for node in nodes if isinstance(node, Let) and node.name in names]
    for text in (one for one in given if isinstance(one, Text)):
        yield kind.parse(value.filled(kind, {variable: text}.__getitem__))


def _check_blocks(nodes: tuple[Node, ...]) -> None:
    """Every condition is closed, and has one `else` at most."""
    open_blocks: list[Node] = []
    for node in nodes:
        if isinstance(node, If):
            open_blocks.append(node)
            if len(open_blocks) > MAX_DEPTH:
                raise Failure(
                    Kind.BAD_REQUEST, "too-many-conditions", f"conditions may be nested {MAX_DEPTH} deep",
                    details={"maximum": MAX_DEPTH},
                )  # fmt: skip
        elif isinstance(node, Else | End):
            begun = open_blocks.pop() if open_blocks else None
            if begun is None or (isinstance(node, Else) and isinstance(begun, Else)):
                raise Failure(Kind.BAD_REQUEST, "stray-condition", f"{node} belongs to no condition")
            if isinstance(node, Else):
                open_blocks.append(node)
    if open_blocks:
        begun = next(node for node in open_blocks)
        raise Failure(
            Kind.BAD_REQUEST, "unclosed-condition", f"a condition is not closed: {begun}", hint="end it with /end"
        )  # fmt: skip
