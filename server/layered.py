"""The pictures that layers show: which ones a pipeline names, who may see them, and where they are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from transforms.failure import Failure, Kind
from transforms.picture import Picture
from transforms.pipeline import Node, Pipeline, Step

from .layering import not_found, of_layer
from .log import logger
from .sources.mounts import Absent, Mounts, Place
from .sources.source import SourceRef
from .sources.url import canonical_url
from .urls.request import Request

MISSING = frozenset({"source-not-found", "layer-not-found"})


@dataclass(frozen=True)
class Layered:
    """A picture that layers show, and the places to look for it in, in their order.

    `guarded`: it is shown under conditions alone, so that what is wrong with it is told only where it is reached; a
    `failure` is what is wrong already. `ours`: the operator's watermark shows it, and no URL names it.
    """

    picture: Picture
    places: tuple[Place, ...]
    guarded: bool = False
    ours: bool = False
    failure: Failure | None = None

    @cached_property
    def refs(self) -> tuple[SourceRef, ...]:
        return tuple(place.ref for place in self.places)

    @property
    def absent(self) -> Absent | None:
        """What must be brought first."""
        return next((place.absent for place in self.places if place.absent is not None), None)

    @property
    def settled(self) -> bool:
        """Whether no other file can come to stand before this one."""
        asked = SourceRef(self.picture.scheme, self.picture.location)
        return self.failure is None and len(self.places) == 1 and settled(asked, self.places[0])

    @property
    def identity(self) -> tuple[str, ...]:
        return tuple(part for ref in self.refs for part in ref.identity)

    def at(self, place: Place) -> Layered:
        """The same in a place that is known now."""
        return replace(self, places=(place,))

    def failing(self, failure: Failure) -> Layered:
        """The same with what is wrong with it, to be told where it is reached. Raises it where that is in any case."""
        if not self.guarded:
            raise self.said(failure)
        return replace(self, places=(), failure=self.said(failure))

    def said(self, failure: Failure) -> Failure:
        """A failure of its source, or of a step that it caused, as it is told: with the layer's name."""
        if self.ours:
            logger().warning("watermark unavailable", code=failure.code, reason=failure.message)
            return unavailable()
        return named(failure, self.picture)


def named(failure: Failure, picture: Picture) -> Failure:
    return not_found(picture) if failure.code in MISSING else of_layer(failure, picture)


def unavailable() -> Failure:
    """What is told where the watermark of this server cannot be shown: whoever asked has done nothing wrong."""
    return Failure(
        Kind.UNAVAILABLE, "watermark-unavailable", "the watermark of this server cannot be laid over the picture",
        hint="the operator can run `darkroom doctor`", retry_after=5,
    )  # fmt: skip


def settled(source: SourceRef, place: Place) -> bool:
    """Whether no other file can come to stand before this one: an address, or a file of that very name."""
    exact = source.scheme != "id" or place.ref.scheme != "file" or source.location.endswith(place.ref.location)
    return exact and place.absent is None


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that a pipeline names; see Layered."""

    picture: Picture
    guarded: bool = False
    ours: bool = False

    def located(self, mounts: Mounts, cloud: str) -> Layered:
        """The picture with its places. Raises what is wrong with it, where it is shown in any case."""
        layered = Layered(self.picture, (), self.guarded, self.ours)
        try:
            ref = _source(self.picture)
            return replace(layered, places=mounts.places(ref, cloud, self.picture.delivery))
        except Failure as failure:
            return layered.failing(failure)


def shown(pipeline: Pipeline, watermark: Pipeline) -> tuple[Shown, ...]:
    """The pictures that a pipeline's layers show, and then those of a watermark."""
    sure, marks = set(sure_pictures(pipeline)), set(sure_pictures(watermark))
    own = tuple(Shown(picture, picture not in sure | marks) for picture in pipeline.pictures)
    others = (picture for picture in watermark.pictures if picture not in pipeline.pictures)
    return (*own, *(Shown(picture, picture not in marks, ours=True) for picture in others))


def sure_nodes(pipeline: Pipeline) -> Iterator[Node]:
    """The nodes that no condition guards, those of layers after the step that opens it."""
    for node in pipeline.unconditional:
        yield node
        if isinstance(node, Step) and node.inner is not None:
            yield from sure_nodes(node.inner)


def sure_pictures(pipeline: Pipeline) -> Iterator[Picture]:
    """Those that layers show whatever the picture is; of those that variables name nothing is sure."""
    for node in sure_nodes(pipeline):
        if isinstance(node, Step) and node.operation.opens:
            yield from (value for value in node.values if isinstance(value, Picture))


def check_layers(pipeline: Pipeline, request: Request) -> None:
    """Raises Failure: unsigned-layer for an original that is not open to everybody, in a URL that nobody signed;
    bad-source for what is no address."""
    for picture in pipeline.pictures:
        if picture.delivery != "upload" and request.signature is None:
            kind = Kind.FORBIDDEN if request.dialect == "native" else Kind.UNAUTHORISED
            raise Failure(
                kind, "unsigned-layer", f"{picture.delivery} layers want a signed URL", details={"layer": str(picture)}
            )
        try:
            _source(picture)
        except Failure as failure:
            raise named(failure, picture) from None


def _source(picture: Picture) -> SourceRef:
    """What a layer names, as sources are named. Raises Failure bad-source."""
    if picture.scheme in ("file", "id"):
        return SourceRef(picture.scheme, picture.location)
    url = canonical_url(picture.location)
    return SourceRef(url.partition(":")[0], url)
