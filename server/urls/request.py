"""What a URL asks for, whichever dialect it is written in."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.failure import Failure, Kind
from transforms.pipeline import Pipeline

from ..sources.source import SourceRef


@dataclass(frozen=True, slots=True)
class Request:
    """Steps and the picture that they begin with.

    A source of scheme "id" is a Cloudinary public id: which file it names, and whether its extension is an output
    format, is found out when it is served.
    """

    pipeline: Pipeline
    source: SourceRef


def missing_source() -> Failure:
    return Failure(
        Kind.BAD_REQUEST, "missing-source", "the path names no picture", hint="for example /resize:400x300/bus.jpg"
    )


def bad_source(message: str, kind: Kind = Kind.BAD_REQUEST) -> Failure:
    return Failure(kind, "bad-source", message, hint="a source is a path, http://… or https://…")
