"""A step: an operation with its arguments, read from a text and printed as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import computed
from .computed import Computed
from .expressions import Expression, Value
from .failure import Failure, Kind, bad_argument, nearest
from .letters.writing import Wording
from .params import Flag, Parameter
from .registry import Argument, Operation, find

if TYPE_CHECKING:
    from .pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with a value for each of its arguments, in the order of its signature.

    A value may be Computed: then `resolved` makes the step that can run. `inner` are the steps of the layer that it
    opens.
    """

    operation: Operation
    values: tuple[Any, ...]
    inner: Pipeline | None = None

    @staticmethod
    def of(name: str, /, **values: Any) -> Step:
        """A step from values; those left out take their defaults. One that opens a layer has still to be given it."""
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
            return replace(self, values=tuple(_resolved(argument, given, value) for argument, given in values))
        except Failure as failure:
            raise failure.with_details(operation=self.operation.name, step=str(self)) from None

    def __str__(self) -> str:
        """The canonical text, with that of its layer."""
        if self.inner is None:
            return self.head
        return "/".join((self.head, *([str(self.inner)] if self.inner.nodes else []), "end"))

    @property
    def head(self) -> str:
        """The canonical text of the step itself: defaults left out, the first argument without its name."""
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
    speaks = bool(positional) and isinstance(positional[0].type, Wording)  # then it is said, whatever it means
    if text in by_name and isinstance(by_name[text].type, Flag) and not speaks:
        return by_name[text], True
    if not positional:
        spoken = any(isinstance(argument.type, Wording) for argument in operation.arguments)
        hint = "a comma in the words is written %252C; " if spoken else ""
        raise bad_argument(f"{text!r} is one argument too many", hint=f"{hint}for example {operation.example}")
    argument = positional.pop(0)
    if speaks:
        positional.clear()  # what follows a comma was meant to be said, and is no font
    return argument, _parsed(argument, text)


def printed(kind: Parameter, value: Any) -> str:
    """The text of an argument's value, worked out or not."""
    return str(value) if isinstance(value, Computed) else kind.print(value)


def _resolved(argument: Argument, given: Any, value: Callable[[Expression], Value]) -> Any:
    if not isinstance(given, Computed):
        return given
    try:
        text = given.filled(argument.type, value)
    except Failure as failure:
        raise failure.with_details(argument=argument.name) from None
    return _parsed(argument, text)


def _parsed(argument: Argument, text: str) -> Any:
    try:
        found = computed.reading(argument.type, text)
        return argument.type.parse(text) if found is None else found
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
