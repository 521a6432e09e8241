"""What the client can take and how it shows the picture, as far as the pipeline asks, and the Vary that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil
from typing import Any

from werkzeug.http import parse_accept_header

from transforms.expressions import Operand
from transforms.image import nearest_pixel
from transforms.instead import PLACEHOLDERS
from transforms.numbers import decimal
from transforms.output import AUTO_FORMATS, LOSSLESS, TRAITS, Client, OutputFormat
from transforms.params import MAX_SIDE
from transforms.pipeline import Pipeline, Step

# Client hints by today's names and, after them, the first ones, which some clients still send.
DPR = ("Sec-CH-DPR", "DPR")
WIDTH = ("Sec-CH-Width", "Width")
VIEWPORT = ("Sec-CH-Viewport-Width", "Viewport-Width")
HINTS = (*DPR, *WIDTH, *VIEWPORT)

MOST_DPR = 4.0
LONGEST_ACCEPT = 1024  # characters that are looked at: browsers send 150, and to read 60,000 takes 30 ms
DPR_STEP = 0.25  # densities between are rounded up: each one is a picture of its own

Headers = Mapping[str, str]

_ANYBODY = Client()


@dataclass(frozen=True)
class Negotiation:
    """Which headers of a request can change the answer of one pipeline; worked out once, for all requests of it.

    `formats` that are offered to who names them, empty where the format is settled; `saving` whether Save-Data counts;
    `dense` whether the density of the screen does; `step` that the width of the layout is rounded up to, None where it
    does not count.
    """

    formats: tuple[OutputFormat, ...] = ()
    saving: bool = False
    dense: bool = False
    step: int | None = None

    @property
    def asks(self) -> bool:
        return self is not _NOTHING

    @cached_property
    def vary(self) -> str | None:
        """The header Vary: exactly what can change the answer."""
        names = [
            *(["Accept"] if self.formats else []),
            *(["Save-Data"] if self.saving else []),
            *(DPR if self.dense else []),
            *((*WIDTH, *VIEWPORT) if self.step else []),
        ]
        return ", ".join(names) or None

    @cached_property
    def accept_ch(self) -> str | None:
        """What browsers are asked to send from now on, where the pipeline reckons with sizes of the client."""
        return ", ".join(HINTS) if self.dense or self.step else None

    def client(self, headers: Headers) -> Client:
        """The client as the pipeline sees it: nothing known unless it asks, so that one answer serves all.

        `headers` by names in lower case. Where nothing counts, they are not looked at.
        """
        if self is _NOTHING:
            return _ANYBODY
        return Client(
            accepted(headers.get("accept", "")[:LONGEST_ACCEPT], self.formats) if self.formats else frozenset(),
            _density(headers) if self.dense else 1.0,
            _width(headers, self.step, dense=self.dense) if self.step else None,
            self.saving and _saves(headers.get("save-data", "")),
        )


_NOTHING = Negotiation()


def negotiation(pipeline: Pipeline, formats: tuple[OutputFormat, ...] = AUTO_FORMATS) -> Negotiation:
    """What a pipeline, its presets put in, asks of clients. `formats` are those that `format:auto` may choose.

    Without formats `format:auto` is the same for everybody, for caches in front that ignore Vary; so is any format that
    a URL names.
    """
    asked = frozenset(operand.name for operand in _operands(pipeline)) & {"dpr", "auto"}
    of_format = not _settled(pipeline) and _may_be_auto(pipeline)
    step = _step(pipeline) if "auto" in asked else None
    found = Negotiation(formats if of_format else (), _may_save(pipeline), "dpr" in asked, step)
    return _NOTHING if found == _NOTHING else found


def vary(pipeline: Pipeline) -> str | None:
    return negotiation(pipeline).vary


def accept_hints(pipeline: Pipeline) -> str | None:
    return negotiation(pipeline).accept_ch


def negotiate(pipeline: Pipeline, headers: Headers) -> Client:
    return negotiation(pipeline).client(headers)


def _said(
    pipeline: Pipeline, operation: str, argument: str, counts: Callable[[Any], bool] = lambda _: True
) -> frozenset[Any]:
    """What an argument of the last step of that name may be, None where there may be no such step.

    A step in a condition may be passed over, so that those before it count as well.
    """
    plain = {id(node) for node in pipeline.unconditional}
    said: set[Any] = {None}
    for step in pipeline.steps:
        if step.operation.name == operation and counts(step.arguments[argument]):
            said = {*(() if id(step) in plain else said), step.arguments[argument]}
    return frozenset(said)


def _settled(pipeline: Pipeline) -> bool:
    """Whether format and quality cannot change the answer: in any case it is a report that is not about the file."""
    steps = (node for node in pipeline.unconditional if isinstance(node, Step))
    return any(step.operation.level == "report" and not step.operation.encodes for step in steps)


def _may_be_auto(pipeline: Pipeline) -> bool:
    """Whether the format may be left to the client; inks are JPEG for everybody."""
    return "auto" in _formats(pipeline) and _said(pipeline, "colorspace", "space") != {"cmyk"}


def _may_save(pipeline: Pipeline) -> bool:
    """Whether Save-Data may lower the quality: it is measured, not at the lowest level, and the file can be lossy."""
    if _settled(pipeline) or not _said(pipeline, "quality", "value") & _LOWERED:
        return False
    reduced = any(step.operation.name == "lossy" for step in pipeline.steps)
    return not _formats(pipeline) <= (_LOSSLESS - _PALETTES if reduced else _LOSSLESS)


def _formats(pipeline: Pipeline) -> frozenset[Any]:
    """Those that are asked for; `explain` shows what would be sent, in the format said before it."""
    return _said(pipeline, "format", "type", lambda name: name != "explain")


_LOWERED = frozenset({"auto", "auto:best", "auto:eco"})  # qualities that Save-Data lowers
_LOSSLESS: frozenset[str] = LOSSLESS | frozenset(PLACEHOLDERS)
_PALETTES = frozenset({"png", "gif"})


@lru_cache(512)
def accepted(accept: str, offered: tuple[OutputFormat, ...] = AUTO_FORMATS) -> frozenset[OutputFormat]:
    """Those of the offered formats that an Accept header names, and likes as well as any other it names of them.

    What it likes less than another of them, or than JPEG, is left out. Wildcards do not count: browsers without AVIF
    send `image/*` too, and RFC 9110's best match would prefer it.
    """
    named = {value.lower(): quality for value, quality in parse_accept_header(accept)}
    liked = {name: named.get(TRAITS[name].media_type, 0.0) for name in offered}
    best = max([*liked.values(), named.get(TRAITS["jpeg"].media_type, 0.0)], default=0.0)
    return frozenset(name for name, quality in liked.items() if quality > 0 and quality == best)


def _saves(header: str) -> bool:
    return any(token.partition(";")[0].strip().lower() == "on" for token in header.split(","))


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


def _operands(pipeline: Pipeline) -> frozenset[Operand]:
    """All that it wants to know, its layers too."""
    return pipeline.operands.union(*map(_operands, pipeline.layers))


def _step(pipeline: Pipeline) -> int:
    """The finest step by which the pipeline rounds the width up."""
    operands = _operands(pipeline)
    steps = [int(operand.details[0]) for operand in operands if operand.name == "auto" and operand.details]
    plain = any(operand.name == "auto" and not operand.details for operand in operands)
    return 1 if plain else min(steps, default=1)
