"""Applies a plan to a picture, step by step; the deadline is checked in between."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

from .failure import Failure, Kind
from .image import Affine, Found, Image, Missing, Probe, Scale
from .layers import Layer, Layers, no_layers
from .limits import Limits
from .output import Encoding, Past, Report
from .plan import Plan, Planned

FACES = frozenset({"faces", "largest-face"})


class Finder(Protocol):
    """Asks detectors about a picture. Every kind that gave no answer stands in the `missing` of what comes back."""

    def __call__(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        """What was found in that frame, in fractions of `image`; detectors with a model look at the source."""

    def anew(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        """The same, of detectors that look at `image` itself, whatever was found on the source."""


@dataclass(frozen=True)
class Passed:
    """A step that was done: what it was told of its first frame, where the picture lay on the source before and after
    it, and the milliseconds that it took, detectors included."""

    planned: Planned
    found: Found
    before: Affine
    after: Affine
    milliseconds: float


@dataclass(frozen=True)
class Outcome:
    """A picture or a report, the detectors that it had to do without, and the steps that made it."""

    result: Image | Report
    degraded: tuple[str, ...]
    steps: tuple[Passed, ...] = ()


def run(
    plan: Plan, image: Image, probe: Probe, find: Finder, deadline: float, encoding: Encoding | None = None,
    layers: Layers = no_layers, *, exact: bool = True,
) -> Outcome:  # fmt: skip
    """The result of all steps. `deadline` is of time.monotonic(); raises Failure deadline-exceeded past it.

    `encoding` is for reports about the encoded picture, which must have one. Without `exact` the plan does not know
    what size the first step gives, as on the transparent pixel that a layer without a picture begins as.
    """
    result: Image | Report = image
    degraded: dict[str, None] = {}
    steps: list[Passed] = []
    actual = None if exact else image.size  # where the plan knew only a bound
    for index, step in enumerate(plan.steps):
        check_time(deadline)
        assert isinstance(result, Image)  # noqa: S101 - a report is always the last step of a plan
        planned, given, began = step, result, time.perf_counter()
        try:
            planned = plan.anew(step, actual) if actual else step
            wants_past = Past in (kind for _, kind in planned.step.operation.injected)
            past = _past(plan.steps[:index], given, image, find) if wants_past else None
            layer = _layer(layers, planned, given, plan.limits)
            telling = {Encoding: encoding, Past: past, Layer: layer}
            result, told = _apply(planned, given, probe, find, telling)
        except Failure as failure:
            raise failure.with_details(operation=planned.step.operation.name, step=str(planned.step)) from None
        degraded.update(dict.fromkeys(base for found in told for base in found.silent))
        if isinstance(result, Image) and (actual or not _foretold(planned, given, result)):
            actual = result.size  # such a step, and all after it, are given every pixel
            planned = plan.known(planned, actual)
        after = result.from_source if isinstance(result, Image) else given.from_source
        spent = (time.perf_counter() - began) * 1000
        steps.append(Passed(planned, told[0] if told else Found(), given.from_source, after, spent))
    return Outcome(result, tuple(degraded), tuple(steps))


def _foretold(planned: Planned, given: Image, result: Image) -> bool:
    """Whether the size was known before. That of a text, which takes the place of a transparent pixel, is not."""
    exact = planned.step.operation.is_exact(**planned.step.arguments)
    return exact and (given.size != planned.before or result.size == planned.after)


def _layer(layers: Layers, planned: Planned, image: Image, limits: Limits) -> Layer:
    return Layer(lambda region: layers(planned.step, image.size, region), limits)


def check_time(deadline: float) -> None:
    """Raises Failure deadline-exceeded past the deadline, which is of time.monotonic()."""
    if time.monotonic() > deadline:
        raise Failure(
            Kind.UNAVAILABLE, "deadline-exceeded", "the picture took longer than a request may", retry_after=5
        )  # fmt: skip


def _past(earlier: tuple[Planned, ...], image: Image, began: Image, find: Finder) -> Past:
    """Nothing is asked that the steps did not ask before."""
    kinds: frozenset[str] = frozenset().union(*(planned.step.needs for planned in earlier))
    found = find(kinds & FACES, image, 0) if kinds & FACES else Found()
    then = (planned.step.operation.then(found, **planned.step.arguments) for planned in earlier)
    more = frozenset().union(*then) - kinds
    if more & FACES:
        found = found.merged(find(more & FACES, image, 0))
    return Past(kinds | more, found, began.from_source)


def _apply(
    planned: Planned, image: Image, probe: Probe, find: Finder, telling: dict[type, Any]
) -> tuple[Image | Report, list[Found]]:
    """What the step makes, and what it was told of each frame that it asked about."""
    operation, arguments = planned.step.operation, planned.step.arguments
    told: list[Found] = []

    def injected(frame: int) -> dict[str, Any]:
        told.append(found := _found(planned, image, frame, find))
        have: dict[type, Any] = {Found: found, Probe: probe, Scale: _scale(planned, image), **telling}
        return {name: have[kind] for name, kind in operation.injected}

    if operation.level == "frame":
        frames = [operation.apply(frame, **arguments, **injected(i)) for i, frame in enumerate(image.frames)]
        return replace(image, frames=tuple(frames)), told
    return operation.apply(image, **arguments, **injected(0)), told


def _found(planned: Planned, image: Image, frame: int, find: Finder) -> Found:
    """What the step needs to know. Fails where the step must not go on without an answer."""
    operation, arguments = planned.step.operation, planned.step.arguments
    kinds = planned.step.needs
    found = find(kinds, image, frame) if kinds else Found()
    more = operation.then(found, **arguments) - kinds
    if more:
        found = found.merged(find(more, image, frame))
    hides = operation.hides(**arguments)
    if hides and planned.altered:
        # What earlier steps turned, enlarged or brightened may show a face that the source did not.
        found = found.merged(find.anew(kinds, image, frame))
    lacking = [missing for missing in found.missing if missing.detector in kinds]
    if hides and lacking:
        raise _unanswered(operation.name, kinds, lacking)
    return found


def _unanswered(operation: str, kinds: frozenset[str], lacking: list[Missing]) -> Failure:
    """Why what is to be hidden cannot be: it must not stay in sight without a word."""
    if kinds == {"text"} and not any(missing.passing for missing in lacking):
        return Failure(
            Kind.NOT_IMPLEMENTED, "no-text-detector", "gravity=text needs a detector of text, and none is installed",
            hint="name the region by x, y, width and height", details={"argument": "gravity", "detector": "text"},
        )  # fmt: skip
    return Failure(
        Kind.UNAVAILABLE,
        "detector-unavailable",
        f"{operation} needs a detector that did not answer; a picture without it is never sent",
        retry_after=5,
        details={"operation": operation, "detectors": sorted(kinds)},
    )


def _scale(planned: Planned, image: Image) -> Scale:
    return Scale(image.size.width / planned.before.width, image.size.height / planned.before.height)
