"""Cloudinary's delivery URLs, mapped onto our operations."""

from __future__ import annotations

from transforms.failure import Failure, Kind

from ..paths import split
from ..request import Request
from . import anatomy
from .compiler import pipeline
from .printing import print  # noqa: A004 - the counterpart of parse

__all__ = ["parse", "print"]


def parse(raw_path: str, raw_query: str = "") -> Request:
    """The request of a path and query as they were sent: percent-encoded, one character a byte.

    Whatever Cloudinary has and this server has not is refused by name. Failures of a component carry `component`,
    `key` and `value` in their details, and bounds, choices and the nearest name where there are any.
    """
    segments = split(raw_path)
    begin = anatomy.begins(segments)
    if begin is None:
        raise Failure(Kind.NOT_FOUND, "not-found", "this is no delivery path", hint="/<cloud>/image/upload/<public id>")
    parts = anatomy.read(segments[begin:], raw_query)
    return Request(pipeline(parts.components), parts.source)
