"""What a URL asks for, whichever dialect it is written in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from transforms.failure import Failure, Kind
from transforms.output import OutputFormat
from transforms.pipeline import Node, Pipeline, Step

from ..sources.source import SourceRef

Dialect = Literal["native", "cloudinary"]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a path is signed with, not checked yet: `given` holds for one of `texts` or is wrong.

    `given` is what stands between `s--` and `--`, in our dialect without the `key` that it names. It is empty where
    that cannot be a signature at all.
    """

    dialect: Dialect
    given: str
    texts: tuple[str, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a path says of who may ask, before any of its steps is read; see Request.

    `presets`: it may be made of presets alone. `malformed`: it cannot be read, so that no signature can hold for it.
    `pointless`: whoever asks is refused.
    """

    dialect: Dialect
    signature: Signature | None
    delivery: str = ""
    presets: bool = False
    malformed: bool = False
    pointless: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """Steps and the picture that they begin with.

    A source of scheme "id" is a Cloudinary public id: which file it names, and whether its extension is an output
    format, is found out when it is served. Two requests are equal where they ask for the same, whoever signed them.
    """

    pipeline: Pipeline
    source: SourceRef
    cloud: str = field(default="", compare=False)
    delivery: str = field(default="upload", compare=False)
    """Cloudinary's delivery type: upload, fetch, private or authenticated; empty in our own dialect."""
    signature: Signature | None = field(default=None, compare=False)
    expires: int | None = field(default=None, compare=False)
    """Seconds since 1970 until which the signature holds."""

    @property
    def dialect(self) -> Dialect:
        return "cloudinary" if self.delivery else "native"


def in_format(pipeline: Pipeline, output: OutputFormat | None) -> Pipeline:
    """The extension of a public id is the output format, unless the pipeline says one; where conditions decide on
    that, the extension is said before them."""
    if output is None or any(_is_format(node) for node in pipeline.unconditional):
        return pipeline
    step = Step.of("format", type=output)
    guarded = any(_is_format(node) for node in pipeline.nodes)
    return Pipeline((step, *pipeline.nodes) if guarded else (*pipeline.nodes, step))


def _is_format(node: Node) -> bool:
    return isinstance(node, Step) and node.operation.name == "format"


def missing_source() -> Failure:
    return Failure(
        Kind.BAD_REQUEST, "missing-source", "the path names no picture", hint="for example /resize:400x300/bus.jpg"
    )


def bad_source(message: str, kind: Kind = Kind.BAD_REQUEST) -> Failure:
    return Failure(kind, "bad-source", message, hint="a source is a path, http://… or https://…")
