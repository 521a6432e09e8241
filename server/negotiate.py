"""What the client can take and how it shows the picture, as far as the pipeline asks, and the Vary that follows."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from werkzeug.http import parse_accept_header

from transforms.image import nearest_pixel
from transforms.numbers import decimal
from transforms.output import OUTPUT_FORMATS, TRAITS, Client, OutputFormat
from transforms.params import MAX_SIDE
from transforms.pipeline import Pipeline

_NEGOTIATED: tuple[OutputFormat, ...] = ("avif", "webp")

# Client hints by today's names and, after them, the first ones, which some clients still send.
DPR = ("Sec-CH-DPR", "DPR")
WIDTH = ("Sec-CH-Width", "Width")
VIEWPORT = ("Sec-CH-Viewport-Width", "Viewport-Width")
HINTS = (*DPR, *WIDTH, *VIEWPORT)

MOST_DPR = 5.0
DPR_STEP = 0.25  # densities between are rounded up: each one is a picture of its own

Headers = Mapping[str, str]


def asks_for_format(pipeline: Pipeline) -> bool:
    """Whether the format may be left to the client: by the last `format:` step, or by any where conditions decide."""
    formats = [step.arguments["type"] for step in pipeline.steps if step.operation.name == "format"]
    conditional = len(pipeline.unconditional) < len(pipeline.nodes)
    return "auto" in (formats if conditional else formats[-1:])


def _asks(pipeline: Pipeline) -> frozenset[str]:
    """Which of the client's sizes the pipeline reckons with: dpr, auto (its width)."""
    return frozenset(operand.name for operand in pipeline.operands) & {"dpr", "auto"}


def vary(pipeline: Pipeline) -> str | None:
    asked = _asks(pipeline)
    names = [
        *(["Accept"] if asks_for_format(pipeline) else []),
        *(DPR if "dpr" in asked else []),
        *((*WIDTH, *VIEWPORT) if "auto" in asked else []),
    ]
    return ", ".join(names) or None


def accept_hints(pipeline: Pipeline) -> str | None:
    """What Accept-CH asks browsers to send from now on, where the pipeline reckons with it."""
    return ", ".join(HINTS) if _asks(pipeline) else None


def negotiate(pipeline: Pipeline, headers: Headers) -> Client:
    """The client as the pipeline sees it: nothing known unless it asks, so that one answer serves all."""
    asked = _asks(pipeline)
    return Client(
        accepted(headers.get("accept", "")) if asks_for_format(pipeline) else frozenset(),
        _density(headers) if "dpr" in asked else 1.0,
        _width(headers, _step(pipeline), dense="dpr" in asked) if "auto" in asked else None,
    )


def accepted(accept: str) -> frozenset[OutputFormat]:
    """The newer formats that an Accept header names with q > 0.

    Wildcards do not count: browsers without AVIF send `image/*` too, and RFC 9110's best match would prefer it.
    """
    named = {value.lower() for value, quality in parse_accept_header(accept) if quality > 0}
    return frozenset(f for f in OUTPUT_FORMATS if f in _NEGOTIATED and TRAITS[f].media_type in named)


def _hint(headers: Headers, names: tuple[str, ...]) -> float | None:
    """The positive number that the first of these headers gives; what is none counts as not sent."""
    values = (decimal(headers.get(name.lower(), "").strip()) for name in names)
    return next((value for value in values if value is not None and value > 0), None)


def _density(headers: Headers) -> float:
    return min(max(ceil((_hint(headers, DPR) or 1.0) / DPR_STEP) * DPR_STEP, 1.0), MOST_DPR)


def _width(headers: Headers, step: int, *, dense: bool) -> int | None:
    """The width that the picture is laid out in, or else that of the window, rounded up to `step`.

    The first is given in pixels of the screen: they are CSS pixels where the pipeline multiplies by the density.
    """
    laid_out = _hint(headers, WIDTH)
    density = (_hint(headers, DPR) or 1.0) if dense else 1.0
    width = laid_out / density if laid_out else _hint(headers, VIEWPORT)
    return None if width is None else min(ceil(nearest_pixel(width) / step) * step, MAX_SIDE)


def _step(pipeline: Pipeline) -> int:
    """The finest step by which the pipeline rounds the width up."""
    steps = [int(operand.details[0]) for operand in pipeline.operands if operand.name == "auto" and operand.details]
    plain = any(operand.name == "auto" and not operand.details for operand in pipeline.operands)
    return 1 if plain else min(steps, default=1)
