"""The watermark: steps that the operator has laid over every picture, whatever its URL says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from transforms.check import check
from transforms.failure import Failure, Kind
from transforms.pipeline import Pending, Pipeline, Preset, Step, parse_node

from .environment import SettingsError, variable
from .layered import Layered, Shown
from .parse import encoded
from .presets import Presets
from .sources.mounts import Mounts
from .urls.paths import split

if TYPE_CHECKING:
    from .settings import Settings

UNMARKED = Pipeline()


def watermark_of(settings: Settings, presets: Presets) -> Pipeline:
    """The steps of DARKROOM_WATERMARK, written as in a native URL, presets among them; empty where nothing is said.

    Raises SettingsError.
    """
    if settings.watermark is None:
        return UNMARKED
    try:
        read = presets.expand(
            Pipeline.of(parse_node(segment.text) for segment in split(encoded("/" + settings.watermark.strip("/"))))
        )
        _check(read)
    except Failure as failure:
        hint = f"; {failure.hint}" if failure.hint else ""
        name = variable("watermark")
        raise SettingsError(f"{name}={settings.watermark} is not accepted: {failure.message}{hint}") from None
    return read


def _check(pipeline: Pipeline) -> None:
    if any(isinstance(node, Pending | Preset) for node in pipeline.everywhere):
        raise _bad("all of it must be steps that are rendered")
    steps = [node for node in pipeline.everywhere if isinstance(node, Step)]
    if not steps:
        raise _bad("there is no step in it")
    strange = next((step for step in steps if step.operation.level not in ("frame", "image")), None)
    if strange is not None:
        raise _bad(f"{strange.operation.name} says nothing of what is laid over a picture")
    check(pipeline)


def _bad(message: str) -> Failure:
    return Failure(
        Kind.BAD_REQUEST, "bad-watermark", message, hint="for example overlay:logo.png,gravity=south_east/end"
    )  # fmt: skip


def wants_mark(pipeline: Pipeline) -> bool:
    """Whether anything of the picture is sent: most reports in JSON show nothing of it."""
    steps = (node for node in pipeline.unconditional if isinstance(node, Step))
    reports = any(step.operation.level == "report" for step in steps)
    return not reports or any(_previews(step) or step.arguments.get("type") == "explain" for step in pipeline.steps)


def _previews(step: Step) -> bool:
    """Whether a report holds a tiny picture: of small parts it is clear enough to put the whole together from."""
    return step.operation.level == "report" and bool(step.arguments.get("placeholders"))


def marked(pipeline: Pipeline, watermark: Pipeline) -> Pipeline:
    """The pipeline with the watermark after all that it does, and before a report that shows a tiny picture."""
    if not watermark.nodes:
        return pipeline
    nodes = (
        (*watermark.nodes, node) if isinstance(node, Step) and _previews(node) else (node,) for node in pipeline.nodes
    )
    return Pipeline((*chain.from_iterable(nodes), *watermark.nodes))


def located(watermark: Pipeline, mounts: Mounts) -> Iterator[tuple[str, Layered]]:
    """The pictures that it shows, for every cloud that originals are mounted for; what is wrong is in their failure."""
    for cloud in mounts.clouds:
        for picture in watermark.pictures:
            yield cloud, Shown(picture, guarded=True).located(mounts, cloud)
