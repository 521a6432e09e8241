"""`format:explain`: what a render did, told with its source, over which the watermark lies as over every picture."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from transforms.encode import encode
from transforms.explain import Story, redacted, told
from transforms.explained import SIDE, drawn
from transforms.image import Found, Frame, Image, Size
from transforms.layers import Layers
from transforms.orientation import shown
from transforms.output import Client, Output
from transforms.pipeline import Pipeline
from transforms.plan import Plan, plan
from transforms.probe import Source
from transforms.resolve import resolve
from transforms.run import Outcome, run

from .finder import SourceFinder

AS_JPEG = Output("jpeg", quality=85, chroma="444")  # letters are coloured at their edges with less


def story_of(
    pipeline: Pipeline, source: Source, finder: SourceFinder, plan: Plan, outcome: Outcome, sent: dict[str, Any],
    timings: tuple[tuple[str, float], ...],
) -> Story:  # fmt: skip
    """What was done. Only what this render asked for counts as found, whatever else is known of the source."""
    asked = pipeline.asks
    for passed in outcome.steps:
        asked |= passed.planned.step.needs | dict(passed.found.models).keys()
    known = finder.seen
    found = Found(
        tuple(region for region in known.regions if region.by in asked),
        models=tuple(model for model in known.models if model[0] in asked),
    )
    without = tuple(dict.fromkeys((*finder.without, *outcome.degraded)))
    size = shown(source.probe.size, source.turn)
    return Story(str(pipeline), source.probe, size, plan, outcome.steps, found, sent, without, timings)


@dataclass(frozen=True)
class Mark:
    """The operator's watermark, for a drawing that shows the source."""

    steps: Pipeline
    source: Source
    finder: SourceFinder
    client: Client
    deadline: float
    layers: Layers

    def over(self, view: Frame, found: Found) -> Frame:
        """The upright source with the watermark over it. Raises what its steps raise."""
        if not self.steps.nodes:
            return view
        image, limits = Image((view,)), self.source.limits
        probe = replace(self.source.probe, size=view.size, animated=False, frames=1)
        steps, _ = resolve(self.steps, probe, self.client, lambda _: found)
        planned = plan(steps, probe, limits, side_for=lambda _: 1)
        result = run(planned, image, probe, self.finder, self.deadline, layers=self.layers).result
        assert isinstance(result, Image)  # noqa: S101 - no report stands in a watermark
        return result.frames[0]


def explained(story: Story, finder: SourceFinder, mark: Mark, *, as_json: bool) -> tuple[bytes, str, Size]:
    """The body, its media type, and the size of the drawing or the source: a JPEG, or JSON."""
    if as_json:
        content = json.dumps(told(story), ensure_ascii=False, separators=(",", ":"))
        return content.encode(), "application/json", story.size
    view = mark.over(redacted(Frame(finder.upright_view(SIDE)), story), story.found)
    encoded = encode(Image((Frame(drawn(view, story)),)), AS_JPEG, None, Client())
    return encoded.body, encoded.media_type, encoded.size
