"""Effects and layers that are understood, but not rendered yet: what is wrong with them is still said first."""

from __future__ import annotations

from collections.abc import Iterator

from transforms.expressions import undefined
from transforms.failure import Failure, Kind
from transforms.pipeline import Let, Pending, Pipeline

from .sources.mounts import Mounts
from .sources.source import SourceRef
from .urls.cloudinary import layers
from .urls.cloudinary.component import lex
from .urls.request import Request


def pending(pipeline: Pipeline) -> Failure | None:
    """The 501 of the first one that no condition guards; what a condition guards is said where it is met."""
    return next((node.failure() for node in pipeline.unconditional if isinstance(node, Pending)), None)


def layers_of(pipeline: Pipeline, request: Request, mounts: Mounts) -> tuple[SourceRef, ...]:
    """What the layers show, located. Raises the failure of the first that may not be shown or is not there."""
    found = _sources(pipeline, signed=request.signature is not None)
    return tuple(_located(ref, mounts, request.cloud, delivery) for ref, delivery in found)


def _located(ref: SourceRef, mounts: Mounts, cloud: str, delivery: str) -> SourceRef:
    try:
        return mounts.places(ref, cloud, delivery)[0].ref
    except Failure as failure:
        raise missing(ref, failure) from None


def missing(ref: SourceRef, failure: Failure) -> Failure:
    """What to answer where looking for a layer's source failed: a layer that is not there is named."""
    if failure.code != "source-not-found":
        return failure
    return Failure(
        Kind.BAD_REQUEST, "layer-not-found", f"there is no such layer: {ref.location}", details={"layer": ref.location}
    )  # fmt: skip


def _sources(pipeline: Pipeline, *, signed: bool) -> Iterator[tuple[SourceRef, str]]:
    given = {node.name for node in pipeline.nodes if isinstance(node, Let)}
    for node in pipeline.unconditional:
        component = lex(node.text) if isinstance(node, Pending) else None
        key = layers.opening(component) if component else None
        if component is None or key is None:
            continue
        source = layers.source(component, key)
        unknown = next((name for name in source.variables if name not in given), None)
        refusal = source.refusal(signed) if unknown is None else undefined(unknown, given)
        if refusal is not None:
            raise refusal
        if source.ref is not None:
            yield source.ref, source.delivery
