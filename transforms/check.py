"""What is wrong with a pipeline whatever the picture is: told before anything is fetched."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from .asked import check_words
from .expressions import BELOW, Operand, Value, undefined, value
from .output import Output
from .pipeline import End, If, Let, Pipeline, Step
from .plan import applied
from .resolve import outside_of_layer


class _DependsError(Exception):
    """The value depends on the picture, or on a condition."""


def check(pipeline: Pipeline) -> None:
    """Works out what no picture is needed for, outside of conditions.

    Raises Failure: undefined-variable, bad-expression, unsupported-operand, unknown-tag, or bad-argument for what is
    out of bounds and for arguments that do not go together.
    """
    for step in pipeline.steps:
        if step.operation.level == "output" and not step.expressions:
            applied(Output(), step)
    if not pipeline.plain:
        _check(pipeline, _Known())


def _check(pipeline: Pipeline, known: _Known) -> None:
    for tree in pipeline.trees:
        check_words(tree)
    depth = 0
    for node in pipeline.nodes:
        depth += isinstance(node, If) - isinstance(node, End)
        if isinstance(node, Let):
            known.variables[node.name] = known.worth(node, conditional=depth > 0)
        elif isinstance(node, Step) and not depth:
            _check_step(node, known)


def _check_step(step: Step, known: _Known) -> None:
    with suppress(_DependsError):
        step.resolved(lambda expression: value(expression, known))
    if step.inner is not None:
        _check(step.inner, _Known(dict(known.variables), layered=True))


@dataclass(slots=True)
class _Known:
    """The variables so far; None for those whose value depends on the picture."""

    variables: dict[str, Value | None] = field(default_factory=dict)
    layered: bool = False

    def worth(self, node: Let, *, conditional: bool) -> Value | None:
        try:
            return None if conditional else value(node.value, self)
        except _DependsError:
            return None

    def variable(self, name: str) -> Value:
        if name not in self.variables:
            raise undefined(name, self.variables)
        found = self.variables[name]
        if found is None:
            raise _DependsError
        return found

    def operand(self, operand: Operand) -> Value:
        if operand.name in BELOW and not self.layered:
            raise outside_of_layer(operand.name)
        raise _DependsError
