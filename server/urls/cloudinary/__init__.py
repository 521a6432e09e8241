"""Cloudinary's delivery URLs, mapped onto our operations."""

from __future__ import annotations

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
    parts = anatomy.read(split(raw_path), raw_query)
    form = parts.form
    return Request(pipeline(parts.components), parts.source, form.cloud, form.delivery, parts.signature)
