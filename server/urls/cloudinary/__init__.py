"""Cloudinary's delivery URLs, mapped onto our operations."""

from __future__ import annotations

from collections.abc import Sequence

from ..paths import Segment, split
from ..request import Request
from . import anatomy
from .compiler import pipeline
from .printing import print  # noqa: A004 - the counterpart of parse

__all__ = ["parse", "print", "read"]


def parse(raw_path: str, raw_query: str = "") -> Request:
    """The request of a path and query as they were sent: percent-encoded, one character a byte."""
    return read(split(raw_path), raw_query)


def read(segments: Sequence[Segment], raw_query: str = "") -> Request:
    """The request of a path in segments.

    Whatever Cloudinary has and this server has not is refused by name. Failures of a component carry `component`,
    `key` and `value` in their details, and bounds, choices and the nearest name where there are any.
    """
    parts = anatomy.read(segments, raw_query)
    form = parts.form
    return Request(pipeline(parts.components), parts.source, form.cloud, form.delivery, parts.signature)
