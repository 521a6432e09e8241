"""What the client can take, as far as the pipeline asks for it, and the Vary that follows."""

from __future__ import annotations

from werkzeug.http import parse_accept_header

from transforms.output import OUTPUT_FORMATS, TRAITS, Client, OutputFormat
from transforms.pipeline import Pipeline

_NEGOTIATED: tuple[OutputFormat, ...] = ("avif", "webp")


def asks_for_format(pipeline: Pipeline) -> bool:
    """Whether the last `format:` step leaves the choice to the client."""
    formats = [step.arguments["type"] for step in pipeline.steps if step.operation.name == "format"]
    return bool(formats) and formats[-1] == "auto"


def vary(pipeline: Pipeline) -> str | None:
    return "Accept" if asks_for_format(pipeline) else None


def negotiate(pipeline: Pipeline, accept: str) -> Client:
    """The client as the pipeline sees it: empty unless it asks, so that one answer serves all."""
    return Client(accepted(accept)) if asks_for_format(pipeline) else Client()


def accepted(accept: str) -> frozenset[OutputFormat]:
    """The newer formats that an Accept header names with q > 0.

    Wildcards do not count: browsers without AVIF send `image/*` too, and RFC 9110's best match would prefer it.
    """
    named = {value.lower() for value, quality in parse_accept_header(accept) if quality > 0}
    return frozenset(f for f in OUTPUT_FORMATS if f in _NEGOTIATED and TRAITS[f].media_type in named)
