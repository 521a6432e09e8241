"""Presets: pipelines that the operator has given a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from transforms.failure import Failure, Kind, nearest
from transforms.pipeline import CONTROL, Node, Pipeline, Preset, Step, parse_node
from transforms.registry import operations

from .parse import encoded
from .urls.cloudinary.compiler import pipeline as compiled
from .urls.paths import split

_NAME = re.compile(r"[^./,\x00-\x1f\x7f]{1,255}")


class Presets:
    """Pipelines by name; `pipelines` have no presets in them any more."""

    def __init__(self, pipelines: Mapping[str, Pipeline] | None = None) -> None:
        self.pipelines = dict(pipelines or {})

    @classmethod
    def read(cls, texts: Mapping[str, object]) -> Presets:
        """The presets of a settings file: a pipeline in either spelling, that may name other presets, by name.

        Raises ValueError with a line for each mistake.
        """
        problems: list[str] = []
        read: dict[str, Pipeline] = {}
        for name, text in texts.items():
            try:
                read[name] = _pipeline(name, text)
            except Failure as failure:
                problems.append(_problem(name, failure))
        for name in [] if problems else read:
            try:
                _expanded(read[name], read, (name,))
            except Failure as failure:
                problems.append(_problem(name, failure))
        if problems:
            raise ValueError("\n".join(problems))
        return cls({name: _expanded(pipeline, read, (name,)) for name, pipeline in read.items()})

    def expand(self, pipeline: Pipeline) -> Pipeline:
        """The pipeline with the nodes of each preset in its place.

        Raises Failure: `unknown-preset`; `too-many-steps`, `too-many-conditions` where the whole is too much.
        """
        return _expanded(pipeline, self.pipelines, ())


def _expanded(pipeline: Pipeline, known: Mapping[str, Pipeline], within: tuple[str, ...]) -> Pipeline:
    if not any(isinstance(node, Preset) for node in pipeline.everywhere):
        return pipeline
    expanded = Pipeline(tuple(_nodes(pipeline, known, within)))
    # Read anew where a preset stands in a layer: what says how the result is sent has no place there.
    layered = any(isinstance(node, Preset) for layer in pipeline.layers for node in layer.everywhere)
    return Pipeline.of(map(parse_node, expanded.written)) if layered else expanded


def _nodes(pipeline: Pipeline, known: Mapping[str, Pipeline], within: tuple[str, ...]) -> Iterator[Node]:
    for node in pipeline.nodes:
        if isinstance(node, Step) and node.inner is not None:
            yield replace(node, inner=_expanded(node.inner, known, within))
        elif not isinstance(node, Preset):
            yield node
        elif node.name in within:
            circle = " → ".join((*within[within.index(node.name) :], node.name))
            raise Failure(Kind.BAD_REQUEST, "preset-cycle", f"presets that name each other in a circle: {circle}")
        elif node.name not in known:
            raise _unknown(node.name, known)
        else:
            yield from _expanded(known[node.name], known, (*within, node.name)).nodes


def _unknown(name: str, known: Mapping[str, Pipeline]) -> Failure:
    close = nearest(name, known)
    return Failure(
        Kind.BAD_REQUEST, "unknown-preset", f"Unknown transformation {name}",
        hint=f"did you mean {close!r}?" if close else None, details={"preset": name, "nearest": close},
    )  # fmt: skip


def _pipeline(name: str, text: object) -> Pipeline:
    """A preset's text, written as in a URL, in the spelling that it begins in."""
    if not _NAME.fullmatch(name):
        raise Failure(Kind.BAD_REQUEST, "bad-preset", "a name has 1 to 255 characters, and no '.', ',' or '/'")
    if not isinstance(text, str):
        raise Failure(Kind.BAD_REQUEST, "bad-preset", "that is no text")
    parts = [segment.text for segment in split(encoded(text))]
    if not parts:
        raise Failure(Kind.BAD_REQUEST, "bad-preset", "the pipeline is empty")
    first = parts[0].partition(":")[0]
    # Every component of Cloudinary's has a "_" or begins with "$"; all else is a misspelt operation.
    native = first in operations() or first in CONTROL or not re.search(r"_|^\$", first)
    return Pipeline.of(map(parse_node, parts)) if native else compiled(parts)


def _problem(name: str, failure: Failure) -> str:
    hint = f"; {failure.hint}" if failure.hint else ""
    return f'presets."{name}" is not accepted: {failure.message}{hint}'
