"""What a run asks of the detectors: asked of the source, on a copy as small as they like it, and decoded no larger."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from detectors.client import Client as Detection
from detectors.client import Unanswered
from detectors.local import find_local
from detectors.registry import side_for
from transforms.decode import Decode, decode
from transforms.encode import flatten
from transforms.image import Found, Image, Missing, PixelArray, Size
from transforms.pipeline import Pipeline
from transforms.plan import MODEL_KINDS, Plan, plan, reduction
from transforms.probe import Source
from transforms.projection import projected
from transforms.resample import shrink

from .clock import Clock

DETECTION_SECONDS = 4.0  # how long a render waits for detectors; well before its kill timer

NO_ANSWER = "the detection service did not answer in time; try again"


class SourceFinder:
    """Answers a run's questions about one source, and holds its pixels.

    Detectors with a model look at the source, once per kind and frame whatever the steps make of it; the others look at
    the step's own pixels.
    """

    def __init__(
        self,
        source: Source,
        detection: Detection | None,
        known: Found,
        content: str | None,
        deadline: float,
        clock: Clock,
    ) -> None:
        self.asked = False
        self.degraded: tuple[str, ...] = ()
        self._source = source
        self._detection = detection
        self._known = {0: known}
        self._content = content
        self._deadline = deadline
        self._clock = clock
        self._decoded: tuple[Decode, Image] | None = None

    @property
    def found(self) -> Found:
        """What is known of the source's first frame."""
        return self._known[0]

    def planned(self, pipeline: Pipeline) -> Plan:
        """The plan. Where its scale depends on what is found, that is asked first, on a small copy."""
        probe, limits = self._source.probe, self._source.limits
        first = plan(pipeline, probe, limits, side_for=side_for)
        self._clock.lap("plan")
        if not first.provisional:
            return first
        self._of_source(first.needs & MODEL_KINDS, 0)
        self._of_source(_more(first, self.found), 0)
        return plan(pipeline, probe, limits, self.found, side_for=side_for)

    def picture(self, wanted: Decode) -> Image:
        """The decoded source; again only where it is wanted larger than it is at hand."""
        if self._decoded is None or not _enough(self._decoded[0], wanted):
            decoded = decode(self._source, wanted)
            self._decoded = wanted, decoded.image
            self.degraded = decoded.degraded
            self._clock.lap("decode")
        return self._decoded[1]

    def __call__(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        found = projected(self._of_source(kinds & MODEL_KINDS, frame), image.from_source)
        if kinds - MODEL_KINDS:
            found = found.merged(find_local(kinds - MODEL_KINDS, image.frames[frame].pixels))
        return found

    def _of_source(self, kinds: frozenset[str], frame: int) -> Found:
        known = self._known.get(frame, Found())
        unasked = kinds - dict(known.models).keys() - {missing.detector for missing in known.missing}
        if unasked:
            pixels = _small(self._view(unasked).frames[frame].pixels, side_for(unasked))
            self._clock.lap("run")
            self._known[frame] = known = known.merged(self._ask(unasked, pixels, frame))
            self._clock.lap("find")
        return _only(known, kinds)

    def _view(self, kinds: frozenset[str]) -> Image:
        """The source in a size that these detectors see enough in."""
        wanted = Decode(reduction(self._source.probe, 0.0, side_for(kinds)), still=not self._source.probe.animated)
        if self._decoded and self._decoded[0].reduce <= wanted.reduce:
            return self._decoded[1]
        return self.picture(wanted)

    def _ask(self, kinds: frozenset[str], pixels: PixelArray, frame: int) -> Found:
        key = f"{self._content}:{frame}" if self._content else None
        until = min(self._deadline, time.monotonic() + DETECTION_SECONDS)
        try:
            if self._detection is None:
                raise Unanswered(kinds, "no detection service is configured")
            self.asked = True
            return self._detection.find(kinds, pixels, deadline=until, key=key)
        except Unanswered:
            return Found(missing=tuple(Missing(kind, "", NO_ANSWER) for kind in sorted(kinds)))


def _more(plan: Plan, found: Found) -> frozenset[str]:
    """What steps ask for once they know `found`. Only asked of plans whose scale it decides: no geometry before."""
    kinds = (planned.step.operation.then(found, **planned.step.arguments) for planned in plan.steps)
    return frozenset().union(*kinds) & MODEL_KINDS


def _only(found: Found, kinds: frozenset[str]) -> Found:
    return replace(
        found,
        regions=tuple(region for region in found.regions if region.by in kinds),
        models=tuple(model for model in found.models if model[0] in kinds),
        missing=tuple(missing for missing in found.missing if missing.detector in kinds),
    )


def _enough(have: Decode, want: Decode) -> bool:
    return have.reduce <= want.reduce and have.still == want.still


def _small(pixels: PixelArray, side: int) -> PixelArray:
    """A BGR copy with at most `side` pixels a side; transparent parts white."""
    size = Size(pixels.shape[1], pixels.shape[0])
    if size.long_side > side:
        pixels = shrink(pixels, size.scaled(side / size.long_side))
    pixels = flatten(pixels, (255, 255, 255))
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
