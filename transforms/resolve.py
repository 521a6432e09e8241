"""From a pipeline with conditions and expressions to the plain steps that are to be done for this picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import ceil

from .asked import kinds_of, no_words
from .expressions import (
    BELOW,
    TAGS,
    Expression,
    Number,
    Operand,
    Text,
    Value,
    bad_expression,
    holds,
    undefined,
    value,
)
from .failure import Failure, Kind
from .image import Found, Probe, Size
from .meaning import MODERATION
from .output import Client
from .params import MAX_SIDE
from .pipeline import Else, End, If, Let, Node, Pending, Pipeline, Preset, Step
from .tagging import tags_of
from .vocabulary import folded

Ask = Callable[[frozenset[str]], Found]
"""Asks detectors about the source."""


@dataclass(frozen=True, slots=True)
class Below:
    """What a layer is laid over: the picture, and the region of it that the layer belongs to."""

    picture: Size
    region: Size


def resolve(
    pipeline: Pipeline, probe: Probe, client: Client, ask: Ask, below: Below | None = None, *, exact: bool = True
) -> tuple[Pipeline, tuple[str, ...]]:
    """The steps that are to be done, and the kinds of detectors that conditions had to do without.

    Those of a layer, which lies over what `below` says, are resolved when it is made; they are only told what the
    variables hold. Without `exact` the size of the picture is not known, as that of a text.

    Sides are followed from step to step by the operations' own projections, without any pixel. A condition on what is
    in the picture asks for it. Raises Failure: those of expressions, detector-unavailable where a step that must not
    go without its detector may hang on the answer, not-implemented for what is reached and cannot be rendered yet.
    """
    if pipeline.plain:
        return pipeline, ()
    closed = any(step.operation.hides(**step.arguments) for step in pipeline.steps)
    course = _Course(probe, client, ask, probe.size, closed, below, exact)
    return Pipeline(tuple(course.steps(iter(pipeline.nodes)))), tuple(course.without)


@dataclass(slots=True)
class _Course:
    """Where a walk through the nodes stands: the size of the picture, and what the variables hold."""

    probe: Probe
    client: Client
    ask: Ask
    size: Size
    closed: bool
    below: Below | None
    exact: bool  # whether the size is known, not only bounded
    variables: dict[str, Value] = field(default_factory=dict)
    without: dict[str, None] = field(default_factory=dict)

    def steps(self, nodes: Iterator[Node]) -> Iterator[Step]:
        for node in nodes:
            match node:
                case Step():
                    yield self._taken(node)
                case Let(name, given):
                    self.variables[name] = value(given, self)
                case If(condition):
                    if not holds(condition, self):
                        _skip(nodes, to_else=True)
                case Else():
                    _skip(nodes, to_else=False)  # its other branch has been taken
                case Pending():
                    raise node.failure()
                case Preset(name):
                    raise Failure(Kind.BAD_REQUEST, "unknown-preset", f"there is no preset {name!r}")
                case End():
                    pass

    def _taken(self, step: Step) -> Step:
        plain = step.resolved(self._value)
        if plain.operation.level not in ("input", "output"):
            self.size = plain.operation.size(self.size, **plain.arguments)
            self.exact = self.exact and plain.operation.is_exact(**plain.arguments)
        return plain if plain.inner is None else replace(plain, inner=self._told(plain.inner))

    def _told(self, layer: Pipeline) -> Pipeline:
        """The steps of a layer after what the variables hold here."""
        held = (Let(name, value) for name, value in self.variables.items())
        return layer if layer.plain else Pipeline((*held, *layer.nodes))

    def _value(self, expression: Expression) -> Value:
        return value(expression, self)

    def variable(self, name: str) -> Value:
        if name not in self.variables:
            raise undefined(name, self.variables)
        return self.variables[name]

    def operand(self, operand: Operand) -> Value:
        if operand.name in BELOW:
            return self._below(operand.name)
        if operand.name in ("faces", "count", "moderation", "tags"):
            return self._seen(operand)
        first = self.probe.size
        match operand.name:
            case "w" | "h" | "ar" if not self.exact:
                raise Failure(
                    Kind.BAD_REQUEST, "size-unknown",
                    f"{operand.name} depends on what is found in the picture, and is not known here",
                )  # fmt: skip
            case "w" | "iw":
                return _measured((self.size if operand.name == "w" else first).width)
            case "h" | "ih":
                return _measured((self.size if operand.name == "h" else first).height)
            case "ar" | "iar":
                size = self.size if operand.name == "ar" else first
                return _measured(size.width / size.height)
            case "pages":
                return _measured(self.probe.frames)
            case "dpr":
                return _measured(self.client.dpr)
            case _:
                return _measured(self._client_width(*map(int, operand.details)))

    def _seen(self, operand: Operand) -> Value:
        """The value of what hangs on detectors."""
        if operand == TAGS:
            raise no_words()
        found = self._found(operand)
        match operand.name:
            case "faces":
                return _measured(sum(face.sure for face in found.by("faces")))
            case "moderation":  # the highest score of what should not be shown to everybody
                return _measured(max((tag.score for tag in found.tags if tag.by == operand.name), default=0.0))
            case "count":
                said = [one for one in tags_of(found) if folded(one.tag.name) == operand.details[0]]
                return _measured(max((one.count or 1 for one in said), default=0))
            case _:
                return Text(":".join(sorted({folded(said.tag.name) for said in tags_of(found)})))

    def _below(self, name: str) -> Number:
        if self.below is None:
            raise outside_of_layer(name)
        size = self.below.picture if name.startswith("b") else self.below.region
        return _measured(size.width if name.endswith("w") else size.height)

    def _client_width(self, step: int = 1, fallback: int = 0) -> int:
        wanted = self.client.width
        return (fallback or self.size.width) if wanted is None else min(ceil(wanted / step) * step, MAX_SIDE)

    def _found(self, operand: Operand) -> Found:
        found = self.ask(kinds_of(operand))
        silent = dict.fromkeys(found.silent)
        # Who asks for moderation holds something back by it: nobody is shown a picture that was not looked at.
        if silent and (self.closed or MODERATION in silent):
            raise Failure(
                Kind.UNAVAILABLE, "detector-unavailable",
                "what is to be hidden may depend on a detector that did not answer", retry_after=5,
                details={"detectors": sorted(silent)},
            )  # fmt: skip
        self.without.update(silent)
        return found


def _skip(nodes: Iterator[Node], *, to_else: bool) -> None:
    """Pass over the nodes of a branch, up to its end or, where that is wanted, its else."""
    depth = 0
    for node in nodes:
        if depth == 0 and (isinstance(node, End) or (to_else and isinstance(node, Else))):
            return
        depth += isinstance(node, If) - isinstance(node, End)


def outside_of_layer(name: str) -> Failure:
    return bad_expression(f"{name} is known inside of a layer only", operand=name)


def _measured(number: float) -> Number:
    return Number(float(number), measured=True)
