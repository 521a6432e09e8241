"""What a request comes to before anything is read: its pipeline in full, and the places to find its source in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from transforms.check import check
from transforms.failure import Failure
from transforms.output import Client
from transforms.pipeline import Pipeline

from . import later, negotiate
from .presets import Presets
from .sources.mounts import Absent, Mounts, Place
from .sources.source import SourceRef
from .urls.request import Request, in_format


@dataclass(frozen=True)
class Wanted:
    """A request with its source located: what is to be rendered, from what, for whom.

    Where the source turns out to be missing, `otherwise` are tried in their order. An `absent` source must be brought
    first; `lasting` bounds the seconds that an answer may be kept.
    """

    pipeline: Pipeline
    ref: SourceRef
    client: Client
    absent: Absent | None = None
    lasting: float | None = None
    otherwise: tuple[Wanted, ...] = ()
    layers: tuple[SourceRef, ...] = ()
    unrendered: Failure | None = None  # what the pipeline asks for that is not rendered yet

    @property
    def vary(self) -> str | None:
        return negotiate.vary(self.pipeline)

    @property
    def attempts(self) -> tuple[Wanted, ...]:
        return (self, *self.otherwise)

    def at(self, place: Place) -> Wanted:
        """The same from a place that is known now."""
        return replace(self, pipeline=in_format(self.pipeline, place.format), ref=place.ref, absent=None)


def wanted(request: Request, mounts: Mounts, presets: Presets, headers: negotiate.Headers) -> Wanted:
    """A request located. Raises the failures of Presets.expand, of check, of layers and of Mounts.places."""
    pipeline = presets.expand(request.pipeline)
    check(pipeline)
    layers = later.layers_of(pipeline, request, mounts)
    fallback = fallback_of(pipeline)
    asked = request.source, request.cloud, request.delivery or "upload"
    places = mounts.places(*asked) if fallback is None else mounts.places_or(fallback, *asked)
    first, *others = _attempts(pipeline, places, headers)
    return replace(first, otherwise=tuple(others), layers=layers, unrendered=later.pending(pipeline))


def _attempts(pipeline: Pipeline, places: tuple[Place, ...], headers: negotiate.Headers) -> Iterator[Wanted]:
    for place in places:
        shown = in_format(pipeline, place.format)
        yield Wanted(shown, place.ref, negotiate.negotiate(shown, headers), place.absent, place.lasting)


def fallback_of(pipeline: Pipeline) -> str | None:
    """The public id of the picture that is shown where the source is missing, whatever conditions stand around it."""
    ids = [str(step.values[0]) for step in pipeline.steps if step.operation.name == "fallback"]
    return ids[-1] if ids else None
