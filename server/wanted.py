"""What a request comes to before anything is read: its pipeline in full, and the places to find its source in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from typing import Any

from detectors.registry import model_kinds, modelled
from transforms.check import check
from transforms.output import Client, OutputFormat
from transforms.pipeline import Pipeline, Preset, Step

from . import later, negotiate
from .layered import Layered, check_layers, settled, shown
from .presets import Presets
from .sources.mounts import Absent, Mounts, Place
from .sources.source import SourceRef
from .tags import named, source_tag
from .urls.request import Request, in_format
from .watermark import UNMARKED, marked, wants_mark

LOCATED_FOR = 1.0  # s for which the file that an id was found to mean is not looked for again
SECRET = ("private", "authenticated")  # types of delivery
MOST_CLIENTS = 16  # kinds of clients that are remembered for a request


@dataclass(frozen=True)
class Wanted:
    """A request with its source located: what is to be rendered, from what, for whom.

    Where the source turns out to be missing, `otherwise` are tried in their order. An `absent` source must be brought
    first; `lasting` bounds the seconds that an answer may be kept. `layers` are the pictures that layers may show.
    `mark` is the watermark, which stands at the end of the pipeline as well.
    """

    pipeline: Pipeline
    ref: SourceRef
    client: Client
    absent: Absent | None = None
    lasting: float | None = None
    otherwise: tuple[Wanted, ...] = ()
    layers: tuple[Layered, ...] = ()
    tags: tuple[str, ...] = ()  # of the source that this one stands for
    mark: Pipeline = UNMARKED
    listed: bool = True  # whether the source may be told of: it was not asked for as a private one
    keys: dict[tuple[str, ...], str] = field(default_factory=dict, compare=False, repr=False)  # known ones

    @cached_property
    def models(self) -> frozenset[str]:
        """The kinds of detections whose models the result depends on: all where one is needed, since what a step asks
        for next depends on what is found first."""
        return model_kinds() if modelled(self.pipeline.needs) else frozenset()

    @cached_property
    def attempts(self) -> tuple[Wanted, ...]:
        return (self, *self.otherwise)

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """What it is made of, and where from: all of a key that is neither a version nor the client's."""
        layers = (part for layered in self.layers for part in layered.identity)
        return self.pipeline.text, *self.ref.identity, *layers

    @cached_property
    def is_here(self) -> bool:
        """Whether nothing must be brought before it can be looked for."""
        return self.absent is None and all(layered.absent is None for layered in self.layers)

    def at(self, place: Place) -> Wanted:
        """The same from a place that is known now."""
        return replace(self, pipeline=in_format(self.pipeline, place.format), ref=place.ref, absent=None, keys={})

    def over(self, layers: tuple[Layered, ...]) -> Wanted:
        """The same with layers whose places are known now."""
        return replace(self, layers=layers, keys={})


class Asked:
    """A request that was read, and may be answered: remembered with its presets put in, and where its source was found.

    The operator's `watermark` is laid over what its steps make. Raises the failures of Presets.expand, check_layers and
    check.
    """

    def __init__(
        self, request: Request, presets: Presets, formats: tuple[OutputFormat, ...], watermark: Pipeline = UNMARKED
    ) -> None:
        self.request = request
        pipeline = presets.expand(request.pipeline)
        check_layers(pipeline, request)
        self._mark = watermark if wants_mark(pipeline) else UNMARKED
        self.pipeline = marked(pipeline, self._mark)
        check(self.pipeline)
        self._shown = shown(pipeline, self._mark)
        self.negotiation = negotiate.negotiation(self.pipeline, formats)
        self.unrendered = later.pending(self.pipeline)
        self.immutable = any(
            isinstance(node, Step) and node.operation.name == "immutable" for node in self.pipeline.unconditional
        )
        self.tags = named("preset", (node.name for node in request.pipeline.everywhere if isinstance(node, Preset)))
        self.name: tuple[bytes, bytes] | None = None  # what it is remembered by
        # A path of 30 characters comes to 3 kB with what is remembered of its answers, one of 500 to 50.
        self.weight = 4096 + 100 * len(self.pipeline.text)
        self.heads: dict[tuple[str, ...], Any] = {}  # what responses to it say, as long as that stays the same
        self._located: dict[Client, Wanted] = {}
        self._until = 0.0

    def near(self, client: Client) -> Wanted | None:
        """What is wanted, where that was found out lately."""
        return self._located.get(client) if time.monotonic() < self._until else None

    def wanted(self, client: Client, mounts: Mounts) -> Wanted:
        """What is wanted, located now. Raises the failures of layers and of Mounts.places."""
        request = self.request
        layers = tuple(picture.located(mounts, request.cloud) for picture in self._shown)
        fallback = fallback_of(self.pipeline)
        asked = request.source, request.cloud, request.delivery or "upload"
        places = mounts.places(*asked) if fallback is None else mounts.places_or(fallback, *asked)
        first, *others = (self._at(place, client, layers) for place in places)
        instead = (replace(other, tags=(source_tag(first.ref),)) for other in others)
        found = replace(first, otherwise=tuple(instead))
        if self.unrendered is None:
            lasting = fallback is None and settled(request.source, places[0])
            self._remember(client, found, lasting=lasting and all(layered.settled for layered in layers))
        return found

    def _at(self, place: Place, client: Client, layers: tuple[Layered, ...]) -> Wanted:
        pipeline = in_format(self.pipeline, place.format)
        listed = self.request.delivery not in SECRET
        return Wanted(
            pipeline, place.ref, client, place.absent, place.lasting, layers=layers, mark=self._mark, listed=listed
        )  # fmt: skip

    def _remember(self, client: Client, found: Wanted, *, lasting: bool) -> None:
        now = time.monotonic()
        known = self._located.get(client)
        if now >= self._until or (known is not None and known != found) or len(self._located) >= MOST_CLIENTS:
            self._located.clear()
            self._until = inf if lasting else now + LOCATED_FOR
        if client not in self._located:
            self._located[client] = found


def fallback_of(pipeline: Pipeline) -> str | None:
    """The public id of the picture that is shown where the source is missing, whatever conditions stand around it."""
    ids = [str(step.values[0]) for step in pipeline.steps if step.operation.name == "fallback"]
    return ids[-1] if ids else None
