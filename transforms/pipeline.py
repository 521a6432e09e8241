"""A pipeline: an immutable, hashable list of steps with one canonical text, and what controls them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from .expressions import KINDS, Condition, Expression, Operand, operands
from .failure import Failure, Kind, bad_argument
from .grammar import parse_condition, parse_expression
from .steps import Step, printed

__all__ = [
    "CONTROL", "MAX_DEPTH", "MAX_NODES", "MAX_STEPS", "Else", "End", "If", "Let", "Node", "Pending", "Pipeline",
    "Preset", "Step", "parse_node", "printed",
]  # fmt: skip

MAX_STEPS = 64
MAX_NODES = 256  # steps, and what controls them
MAX_DEPTH = 16  # of conditions in each other


@dataclass(frozen=True, slots=True)
class Let:
    """Gives a name to what an expression comes to at this place."""

    name: str
    value: Expression

    def __str__(self) -> str:
        return f"let:{self.name}={self.value}"


@dataclass(frozen=True, slots=True)
class If:
    """The nodes up to its `else` or `end` are done where the condition is met."""

    condition: Condition

    def __str__(self) -> str:
        return f"if:{self.condition}"


@dataclass(frozen=True, slots=True)
class Else:
    def __str__(self) -> str:
        return "else"


@dataclass(frozen=True, slots=True)
class End:
    def __str__(self) -> str:
        return "end"


@dataclass(frozen=True, slots=True)
class Preset:
    """A pipeline that the operator has given a name; it is put in when a request is served."""

    name: str

    def __str__(self) -> str:
        return f"preset:{self.name}"


@dataclass(frozen=True, slots=True)
class Pending:
    """A component of Cloudinary's that is understood, but not rendered yet."""

    text: str

    def __str__(self) -> str:
        return f"cloudinary:{self.text}"

    def failure(self) -> Failure:
        return Failure(
            Kind.NOT_IMPLEMENTED, "not-implemented", f"{self.text} is understood, but not rendered yet",
            details={"component": self.text},
        )  # fmt: skip


Node = Step | Let | If | Else | End | Preset | Pending

CONTROL = frozenset(("let", "if", "preset", "cloudinary"))
"""Names before a colon that are no operations; `else` and `end` are words of their own inside a condition."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)


def parse_node(text: str) -> Node:
    """The node of a canonical text, already percent-decoded; raises the failures of Step.parse and of expressions."""
    if text in ("else", "end"):
        return Else() if text == "else" else End()
    name, colon, rest = text.partition(":")
    if not colon or name not in CONTROL:
        return Step.parse(text)
    try:
        return _READERS[name](rest)
    except Failure as failure:
        raise failure.with_details(operation=name, step=text) from None


def _let(text: str) -> Let:
    name, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise bad_argument("a variable is a letter, then letters or digits", hint="for example let:half=w:2")
    return Let(name, parse_expression(value))


def _preset(text: str) -> Preset:
    if not text:
        raise bad_argument("the name of the preset is missing", hint="for example preset:avatar")
    return Preset(text)


_READERS: dict[str, Callable[[str], Node]] = {
    "let": _let, "if": lambda text: If(parse_condition(text)), "preset": _preset, "cloudinary": Pending,
}  # fmt: skip


@dataclass(frozen=True)
class Pipeline:
    """Nodes in the order written. Raises Failure too-many-steps, unclosed-condition or stray-condition."""

    nodes: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        for count, most in ((len(self.steps), MAX_STEPS), (len(self.nodes), MAX_NODES)):
            if count > most:
                raise Failure(
                    Kind.BAD_REQUEST, "too-many-steps", f"{count} steps are more than the {most} allowed",
                    details={"maximum": most},
                )  # fmt: skip
        _check_blocks(self.nodes)

    @staticmethod
    def parse(text: str) -> Pipeline:
        """The pipeline of a canonical text, `/` between nodes."""
        return Pipeline(tuple(parse_node(part) for part in text.split("/") if part))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All steps, whether or not a condition guards them."""
        return tuple(node for node in self.nodes if isinstance(node, Step))

    @cached_property
    def plain(self) -> bool:
        """Whether there are steps alone, and nothing in them has to be worked out."""
        return all(isinstance(node, Step) and not node.expressions for node in self.nodes)

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
        """All that its expressions and conditions want to know."""
        trees: list[Expression | Condition] = []
        for node in self.nodes:
            match node:
                case Step():
                    trees += node.expressions
                case Let(_, value):
                    trees.append(value)
                case If(condition):
                    trees.append(condition)
        return frozenset().union(*map(operands, trees))

    @cached_property
    def needs(self) -> frozenset[str]:
        """The kinds of detections that it may ask for."""
        of_steps = (step.needs for step in self.steps)
        return frozenset().union(*of_steps, *(KINDS.get(operand.name, frozenset()) for operand in self.operands))

    @cached_property
    def text(self) -> str:
        """The canonical text."""
        return "/".join(map(str, self.nodes))

    def __str__(self) -> str:
        return self.text


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
