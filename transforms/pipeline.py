"""A pipeline: an immutable, hashable list of steps with one canonical text, and what controls them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import computed
from .computed import Computed
from .expressions import KINDS, Condition, Expression, Operand, Value, operands, parse_condition, parse_expression
from .failure import Failure, Kind, bad_argument, nearest
from .params import Flag, Parameter
from .registry import Argument, Operation, find

MAX_STEPS = 64
MAX_NODES = 256  # steps, and what controls them
MAX_DEPTH = 16  # of conditions in each other


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with a value for each of its arguments, in the order of its signature.

    A value may be Computed: then `resolved` makes the step that can run.
    """

    operation: Operation
    values: tuple[Any, ...]

    @staticmethod
    def of(name: str, /, **values: Any) -> Step:
        """A step from values; those left out take their defaults."""
        operation = find(name)
        unknown = set(values) - {argument.name for argument in operation.arguments}
        if unknown:
            raise TypeError(f"{name} has no argument {', '.join(sorted(unknown))}")
        return Step(operation, tuple(values.get(argument.name, argument.default) for argument in operation.arguments))

    @staticmethod
    def parse(text: str) -> Step:
        """The step that `name` or `name:args` says, already percent-decoded.

        Arguments are comma-separated, positional ones first, then key=value; a flag may stand as its bare name.
        Raises Failure unknown-operation, unknown-argument, missing-argument or bad-argument.
        """
        name, _, arguments = text.partition(":")
        operation = find(name)
        try:
            return Step(operation, _values(operation, arguments.split(",") if arguments else []))
        except Failure as failure:
            raise failure.with_details(operation=name, step=text) from None

    @property
    def arguments(self) -> dict[str, Any]:
        return {argument.name: value for argument, value in zip(self.operation.arguments, self.values, strict=True)}

    @property
    def needs(self) -> frozenset[str]:
        return self.operation.needs(**self.arguments)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(part for value in self.values if isinstance(value, Computed) for part in value.expressions)

    def resolved(self, value: Callable[[Expression], Value]) -> Step:
        """The step with its expressions worked out by `value`; raises Failure where what comes out is out of bounds."""
        if not self.expressions:
            return self
        values = zip(self.operation.arguments, self.values, strict=True)
        try:
            return Step(self.operation, tuple(_resolved(argument, given, value) for argument, given in values))
        except Failure as failure:
            raise failure.with_details(operation=self.operation.name, step=str(self)) from None

    def __str__(self) -> str:
        """The canonical text: defaults left out, the first argument without its name."""
        written = [
            printed(argument.type, value) if index == 0 else f"{argument.name}={printed(argument.type, value)}"
            for index, (argument, value) in enumerate(zip(self.operation.arguments, self.values, strict=True))
            if argument.required or value != argument.default
        ]
        return f"{self.operation.name}:{','.join(written)}" if written else self.operation.name


def _values(operation: Operation, texts: list[str]) -> tuple[Any, ...]:
    given: dict[str, Any] = {}
    positional = list(operation.arguments)
    for text in texts:
        argument, value = _read(operation, text, positional)
        if argument.name in given:
            raise bad_argument(f"{argument.name!r} is given twice", argument=argument.name)
        given[argument.name] = value
    return tuple(_value_or_default(argument, given) for argument in operation.arguments)


def _read(operation: Operation, text: str, positional: list[Argument]) -> tuple[Argument, Any]:
    """One argument; takes from `positional`, which is emptied by the first named one."""
    by_name = {argument.name: argument for argument in operation.arguments}
    key, equals, value = text.partition("=")
    if equals:
        if key not in by_name:
            raise _unknown_argument(operation, key)
        positional.clear()
        return by_name[key], _parsed(by_name[key], value)
    if text in by_name and isinstance(by_name[text].type, Flag):
        return by_name[text], True
    if not positional:
        raise bad_argument(f"{text!r} is one argument too many", hint=f"for example {operation.example}")
    argument = positional.pop(0)
    return argument, _parsed(argument, text)


def printed(kind: Parameter, value: Any) -> str:
    """The text of an argument's value, worked out or not."""
    return str(value) if isinstance(value, Computed) else kind.print(value)


def _resolved(argument: Argument, given: Any, value: Callable[[Expression], Value]) -> Any:
    if not isinstance(given, Computed):
        return given
    return _parsed(argument, given.filled(argument.type, value))


def _parsed(argument: Argument, text: str) -> Any:
    try:
        if "(" in text and computed.takes_expressions(argument.type):
            return computed.read(text)
        return argument.type.parse(text)
    except Failure as failure:
        raise Failure(
            failure.kind, failure.code, f"{argument.name}: {failure.message}",
            hint=failure.hint, details={**failure.details, "argument": argument.name},
        ) from None  # fmt: skip


def _value_or_default(argument: Argument, given: dict[str, Any]) -> Any:
    if argument.name in given:
        return given[argument.name]
    if argument.required:
        raise Failure(
            Kind.BAD_REQUEST,
            "missing-argument",
            f"{argument.name} is missing: {argument.type.describe()}",
            details={"argument": argument.name},
        )
    return argument.default


def _unknown_argument(operation: Operation, name: str) -> Failure:
    names = [argument.name for argument in operation.arguments]
    close = nearest(name, names)
    return Failure(
        Kind.BAD_REQUEST,
        "unknown-argument",
        f"{operation.name} has no argument {name!r}",
        hint=f"did you mean {close!r}?" if close else f"it has {', '.join(names) or 'none'}",
        details={"argument": name, "arguments": names, "nearest": close},
    )


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


@dataclass(frozen=True, slots=True)
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

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, whether or not a condition guards them."""
        return tuple(node for node in self.nodes if isinstance(node, Step))

    @property
    def unconditional(self) -> tuple[Node, ...]:
        """The nodes that no condition guards."""
        depth, plain = 0, []
        for node in self.nodes:
            depth += isinstance(node, If) - isinstance(node, End)
            if not depth and not isinstance(node, End):
                plain.append(node)
        return tuple(plain)

    @property
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

    @property
    def needs(self) -> frozenset[str]:
        """The kinds of detections that it may ask for."""
        of_steps = (step.needs for step in self.steps)
        return frozenset().union(*of_steps, *(KINDS.get(operand.name, frozenset()) for operand in self.operands))

    def __str__(self) -> str:
        return "/".join(map(str, self.nodes))


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
