"""A pipeline: an immutable, hashable list of steps with one canonical text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .failure import Failure, Kind, bad_argument, nearest
from .params import Flag
from .registry import Argument, Operation, find

MAX_STEPS = 64


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with a value for each of its arguments, in the order of its signature."""

    operation: Operation
    values: tuple[Any, ...]

    @staticmethod
    def of(name: str, **values: Any) -> Step:
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

    def __str__(self) -> str:
        """The canonical text: defaults left out, the first argument without its name."""
        written = [
            argument.type.print(value) if index == 0 else f"{argument.name}={argument.type.print(value)}"
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


def _parsed(argument: Argument, text: str) -> Any:
    try:
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
class Pipeline:
    """Steps in the order in which they run."""

    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if len(self.steps) > MAX_STEPS:
            raise Failure(
                Kind.BAD_REQUEST,
                "too-many-steps",
                f"{len(self.steps)} steps are more than the {MAX_STEPS} allowed",
                details={"maximum": MAX_STEPS},
            )

    @staticmethod
    def parse(text: str) -> Pipeline:
        """The pipeline of a canonical text, `/` between steps."""
        return Pipeline(tuple(Step.parse(part) for part in text.split("/") if part))

    @property
    def needs(self) -> frozenset[str]:
        return frozenset().union(*(step.needs for step in self.steps))

    def __str__(self) -> str:
        return "/".join(str(step) for step in self.steps)
