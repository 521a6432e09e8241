"""What a run asks of the detectors: asked of the source, on a copy as small as they like it, and decoded no larger."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import reduce

import numpy as np

from detectors.client import Client as Detection
from detectors.client import Unanswered
from detectors.local import find_local
from detectors.registry import local_detectors, local_side, modelled, side_for
from transforms.decode import Decode, decode
from transforms.image import Found, Image, Missing, PixelArray, Probe, Size, identity
from transforms.modes import flatten
from transforms.orientation import upright
from transforms.output import Client
from transforms.pipeline import Pipeline
from transforms.plan import Plan, plan, reduction
from transforms.probe import Source
from transforms.projection import projected
from transforms.resample import shrink
from transforms.resolve import Below, resolve

from .clock import Clock

WHITE = (255, 255, 255)
WHOLE = identity()  # the geometry of a picture that nothing was cut off or turned

DETECTION_SECONDS = 4.0  # how long a render waits for detectors; well before its kill timer

NO_ANSWER = "the detection service did not answer in time; try again"
NO_DETECTOR = "no detector of this kind is installed"


class SourceFinder:
    """Answers a run's questions about one source, and holds its pixels.

    Detectors with a model look at the source, once per kind and frame whatever the steps make of it; the others look at
    the step's own pixels, and for conditions at the source.
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
        self.noticed: dict[str, Found] = {}  # what local detectors said of the whole picture, by kind
        self._without: tuple[str, ...] = ()
        self._source = source
        self._detection = detection
        self._known = {0: known}
        self._local: dict[tuple[int, str], Found] = {}  # what conditions asked local detectors of the source
        self._content = content
        self._clock = clock
        self._decoded: tuple[Decode, Image] | None = None
        # For all questions of a render together, and well before its kill timer.
        self._patience = min(DETECTION_SECONDS, (deadline - time.monotonic()) / 2)

    @property
    def found(self) -> Found:
        """What is known of the picture that the source shows first, which is what is kept by content."""
        return self._known[0]

    @property
    def shows_first(self) -> bool:
        """Whether the picture that the file shows first is rendered, and not another page of it."""
        return self._source.number(0) == 0

    @property
    def seen(self) -> Found:
        """What is known of the picture that was rendered, in fractions of the upright source; of several the first."""
        return self._known.get(self._source.number(0), Found())

    @property
    def everywhere(self) -> Found:
        """What is known of any picture of the file."""
        return reduce(Found.merged, self._known.values())

    def upright_view(self, side: int) -> PixelArray:
        """The first frame of the source as it is meant to be seen, with at most `side` pixels a side."""
        by = reduction(self._source.probe, 0.0, side)
        if self._decoded and self._decoded[0].reduce <= by:
            image = self._decoded[1]
        else:
            image = decode(self._source, Decode(by, still=True)).image
        return upright(_small(image.frames[0].pixels, side), self._source.turn)

    @property
    def without(self) -> tuple[str, ...]:
        """What decoding and the pipeline's conditions had to do without."""
        return self._without + self.degraded

    @property
    def probe(self) -> Probe:
        return self._source.probe

    def planned(self, pipeline: Pipeline, client: Client, below: Below | None = None) -> Plan:
        """The plan. What conditions, or its scale, depend on is asked first, on a small copy.

        `below` is what the picture will be laid over, where it is a layer.
        """
        probe, limits = self._source.probe, self._source.limits
        # What is to be hidden may show in a later frame than the first, and hang on a condition.
        whole = probe.animated and any(step.operation.hides(**step.arguments) for step in pipeline.steps)
        ask = self._of_all_frames if whole else lambda kinds: self._told(kinds, 0)
        pipeline, self._without = resolve(pipeline, probe, client, ask, below)
        first = plan(pipeline, probe, limits, side_for=_side_for)
        self._clock.lap("plan")
        if not first.provisional:
            return first
        self._of_source(modelled(first.needs), 0)
        self._of_source(_more(first, self._known.get(self._source.number(0), Found())), 0)
        return plan(pipeline, probe, limits, self._known.get(self._source.number(0)), side_for=_side_for)

    def picture(self, wanted: Decode) -> Image:
        """The decoded source; again only where it is wanted larger than it is at hand."""
        if self._decoded is None or not _enough(self._decoded[0], wanted):
            decoded = decode(self._source, wanted)
            self._decoded = wanted, decoded.image
            self.degraded = decoded.degraded
            self._clock.lap("decode")
        return self._decoded[1]

    def __call__(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        found = projected(self._of_source(modelled(kinds), frame), image.from_source)
        local = kinds & local_detectors().keys()
        for kind in sorted(local):
            here = find_local({kind}, image.frames[frame].pixels)
            if frame == 0 and self.shows_first and np.allclose(image.from_source, WHOLE):
                self.noticed[kind] = here
            found = found.merged(here)
        return found.merged(_strangers(kinds - modelled(kinds) - local))

    def anew(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        self._clock.lap("run")
        found = self._seen(modelled(kinds), image.frames[frame].pixels, None)
        self._clock.lap("find")
        return found

    def _of_all_frames(self, kinds: frozenset[str]) -> Found:
        """As many faces as the frame with the most has, and whatever else any frame shows."""
        found = [self._told(kinds, frame) for frame in range(len(self._view(kinds).frames))]
        most = max(found, key=lambda one: len(one.by("faces"))).by("faces")
        others = (region for one in found for region in one.regions if region.by != "faces")
        whole = reduce(Found.merged, found)
        return replace(whole, regions=(*most, *others))

    def _told(self, kinds: frozenset[str], frame: int) -> Found:
        """What detectors of any kind say of the source, as a condition asks."""
        models, local = modelled(kinds), kinds & local_detectors().keys()
        found = self._of_source(models, frame)
        for kind in sorted(local):
            if (frame, kind) not in self._local:
                pixels = upright(self._view(local).frames[frame].pixels, self._source.turn)
                self._local[frame, kind] = find_local({kind}, pixels)
                self._clock.lap("find")
            found = found.merged(self._local[frame, kind])
        return found.merged(_strangers(kinds - models - local))

    def _of_source(self, kinds: frozenset[str], frame: int) -> Found:
        """What is known of the source's upright pixels, by the number of the picture in the file."""
        number = self._source.number(frame)
        known = self._known.get(number, Found())
        unasked = kinds - dict(known.models).keys() - {missing.detector for missing in known.missing}
        if unasked:
            pixels = upright(self._view(unasked).frames[frame].pixels, self._source.turn)
            self._clock.lap("run")
            key = f"{self._content}:{number}" if self._content else None
            self._known[number] = known = known.merged(self._seen(unasked, pixels, key))
            self._clock.lap("find")
        return _only(known, kinds)

    def _seen(self, kinds: frozenset[str], pixels: PixelArray, key: str | None) -> Found:
        """What detectors say of these pixels. Redaction must find what transparency hides too: it stays in the file."""
        small = _small(pixels, side_for(kinds))
        found = self._ask(kinds, flatten(small, WHITE), key)
        hidden = kinds & {"all-faces"}
        if hidden and small.shape[2] == 4:
            found = found.merged(self._ask(hidden, small[:, :, :3], key and f"{key}:bare"))
        return found

    def _view(self, kinds: frozenset[str]) -> Image:
        """The source in a size that these detectors see enough in."""
        wanted = Decode(reduction(self._source.probe, 0.0, _side_for(kinds)), still=not self._source.probe.animated)
        if self._decoded and self._decoded[0].reduce <= wanted.reduce:
            return self._decoded[1]
        return self.picture(wanted)

    def _ask(self, kinds: frozenset[str], pixels: PixelArray, key: str | None) -> Found:
        asked = time.monotonic()
        try:
            if self._detection is None or self._patience <= 0:
                raise Unanswered(kinds, "it is not there, or has not answered before")
            self.asked = True
            found = self._detection.find(kinds, _bgr(pixels), deadline=asked + self._patience, key=key)
            self._patience -= time.monotonic() - asked
        except Unanswered:
            found, self._patience = Found(), 0.0
        told = dict(found.models).keys() | {missing.detector for missing in found.missing}
        silent = tuple(Missing(kind, "", NO_ANSWER) for kind in sorted(kinds - told))
        return replace(found, missing=(*found.missing, *silent))


def _side_for(kinds: frozenset[str]) -> int:
    """The long side in pixels that detectors of these kinds want to see."""
    models = modelled(kinds)
    return max(side_for(models) if models else 1, local_side(kinds - models))


def _strangers(kinds: frozenset[str]) -> Found:
    return Found(missing=tuple(Missing(kind, "", NO_DETECTOR) for kind in sorted(kinds)))


def _more(plan: Plan, found: Found) -> frozenset[str]:
    """What steps ask for once they know `found`. Only asked of plans whose scale it decides: no geometry before."""
    kinds = (planned.step.operation.then(found, **planned.step.arguments) for planned in plan.steps)
    return modelled(frozenset().union(*kinds))


def _only(found: Found, kinds: frozenset[str]) -> Found:
    return replace(
        found,
        regions=tuple(region for region in found.regions if region.by in kinds),
        tags=tuple(tag for tag in found.tags if tag.by in kinds),
        models=tuple(model for model in found.models if model[0] in kinds),
        missing=tuple(missing for missing in found.missing if missing.detector in kinds),
    )


def _enough(have: Decode, want: Decode) -> bool:
    return have.reduce <= want.reduce and have.still == want.still


def _small(pixels: PixelArray, side: int) -> PixelArray:
    """A copy with at most `side` pixels a side."""
    size = Size(pixels.shape[1], pixels.shape[0])
    return shrink(pixels, size.scaled(side / size.long_side)) if size.long_side > side else pixels


def _bgr(pixels: PixelArray) -> PixelArray:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else np.ascontiguousarray(pixels)
