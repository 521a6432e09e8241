"""What was done to a picture and why, as JSON: the plan, what was found, what was chosen, what was passed over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .chosen import Choice, chosen
from .drawing import FACES
from .failure import Failure, Kind
from .image import Affine, Box, Found, Frame, Probe, Region, Scale, Size
from .plan import Plan
from .projection import moved, projected
from .run import Passed

_UNIT = np.float32(1024)  # OpenCV takes points nearer than 1e-5 for one
LEAST_SHOWN = 0.25  # of a box; what shows less of itself is out of the picture
ALIKE = 0.6  # share of two boxes of faces that is common where they are of one face
_ORDER = ("hidden", "chosen", "smaller", "shown", "outside", "unsure")


Polygon = tuple[tuple[float, float], ...]
WHOLE: Polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True)
class Story:
    """A render that was done. `size` is of the upright source, which `found` is about. `result` says what would be
    sent."""

    pipeline: str
    probe: Probe
    size: Size
    plan: Plan
    steps: tuple[Passed, ...]
    found: Found
    result: dict[str, Any]
    without: tuple[str, ...]
    timings: tuple[tuple[str, float], ...]

    @cached_property
    def shown(self) -> Polygon:
        """The part of the source that is left after all steps, as its corners in fractions; convex."""
        shown = WHOLE
        for passed in self.steps:
            shown = _common(shown, corners(passed.after)) or shown
        return shown


def told(story: Story) -> dict[str, Any]:
    """The story as JSON; boxes are in pixels of the upright source."""
    probe, decode = story.probe, story.plan.decode
    return {
        "pipeline": story.pipeline,
        "source": {**_sized(story.size), "format": probe.format, "bytes": probe.bytes, "frames": probe.frames,
                   "has_alpha": probe.has_alpha, "orientation": probe.orientation, "icc": probe.icc},
        "decode": {"reduced_by": decode.reduce, "still": decode.still, **_sized(story.size.scaled(1 / decode.reduce))},
        "steps": [_step(passed, story.size) for passed in story.steps],
        "shown": {**_pixels(_around(story.shown), story.size),
                  "corners": [[round(x * story.size.width), round(y * story.size.height)] for x, y in story.shown]},
        "found": [_found(region, why, story) for region, why in verdicts(story)],
        "models": dict(story.found.models),
        "missing": sorted(story.without),
        "result": story.result,
        "milliseconds": {stage: round(spent, 1) for stage, spent in story.timings},
    }  # fmt: skip


def verdicts(story: Story) -> list[tuple[Region, str]]:
    """What became of every region on the source: what is hidden first, then what was held on to.

    `hidden`, also where only a later look at a step's own picture saw it; `chosen` by a step; `smaller` than the one
    that was chosen; `outside` of what is shown; `unsure`, with too low a score to count; else `shown`. A face that
    several looks saw is told once, by the first of these; what a step held on to stands with the step, too.
    """
    choices = [(passed, chosen(passed.planned.step.arguments, passed.found)) for passed in story.steps]
    judged = [(region, _verdict(region, choices, story)) for region in story.found.regions]
    closed = (passed for passed in story.steps if _hides(passed))
    judged += [(region, "hidden") for passed in closed for region in _seen_later(passed, story.found)]
    return _once(sorted(judged, key=lambda pair: (_ORDER.index(pair[1]), -pair[0].score)))


def _once(judged: list[tuple[Region, str]]) -> list[tuple[Region, str]]:
    """Each face once, by its first verdict; where it is hidden, the box is around everything that hides it."""
    kept: list[tuple[Region, str]] = []
    for region, verdict in judged:
        at = next((at for at, (other, _) in enumerate(kept) if _is_one_face(region, other)), None)
        if at is None:
            kept.append((region, verdict))
        elif verdict == "hidden":
            kept[at] = replace(kept[at][0], box=_around_both(kept[at][0].box, region.box)), "hidden"
    return kept


def _is_one_face(one: Region, other: Region) -> bool:
    """Of one kind they are two faces, of which a detector tells one once, except where one was seen later."""
    if not {one.by, other.by} <= FACES or one.by == other.by != "all-faces":
        return False
    return one.box.shared(other.box) > ALIKE * min(one.box.area, other.box.area)


def _around_both(one: Box, other: Box) -> Box:
    return _around(((one.x, one.y), (one.right, one.bottom), (other.x, other.y), (other.right, other.bottom)))


def _verdict(region: Region, choices: list[tuple[Passed, Choice]], story: Story) -> str:
    seen = [(_seen_at(region, passed.before), choice) for passed, choice in choices if choice.held]
    if any(at in choice.held for at, choice in seen):
        return "chosen"
    if any(at in choice.smaller for at, choice in seen):
        return "smaller"
    if region.by == "all-faces":
        return "hidden"
    if not region.sure:
        return "unsure"
    return "shown" if _share(region, story) >= LEAST_SHOWN else "outside"


def _seen_at(region: Region, from_source: Affine) -> Region | None:
    """The region as a step that began there was told of it."""
    return next(iter(projected(Found((region,)), from_source).regions), None)


def _share(region: Region, story: Story) -> float:
    """How much of a region is in the result."""
    box = region.box.clipped()
    if box is None:
        return 0.0
    common = _common(story.shown, ((box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)))
    return min(1.0, _area(common) / region.box.area)


def _common(one: Polygon, other: Polygon) -> Polygon:
    """What two convex polygons have in common; empty where that is nothing."""
    area, points = cv2.intersectConvexConvex(_scaled(one), _scaled(other))
    return tuple((float(x), float(y)) for x, y in points.reshape(-1, 2) / _UNIT) if area > 0 else ()


def _scaled(shape: Polygon) -> NDArray[np.float32]:
    return np.array(shape, np.float32) * _UNIT


def _area(shape: Polygon) -> float:
    return float(cv2.contourArea(np.array(shape, np.float32))) if len(shape) > 2 else 0.0


def _found(region: Region, verdict: str, story: Story) -> dict[str, Any]:
    return {
        "label": region.label, "by": region.by, "confidence": round(region.score, 4), "verdict": verdict,
        "in_result": round(_share(region, story), 3), "box": _pixels(region.box, story.size),
    }  # fmt: skip


def _step(passed: Passed, size: Size) -> dict[str, Any]:
    planned, found = passed.planned, passed.found
    choice = chosen(planned.step.arguments, found)
    missing = {missing.detector for missing in found.missing}
    return {
        "step": str(planned.step),
        "before": _sized(planned.before), "after": _sized(planned.after),
        "shown": _pixels(_around(corners(passed.after)), size),
        "asked": sorted({*planned.step.needs, *dict(found.models), *missing}),
        "missing": sorted(missing),
        "looked_for": [{"thing": thing, "found": count} for thing, count in choice.looked_for],
        "held_on_to": [f"{region.label} {region.score:.2f}" for region in choice.held],
        "weighed_all": choice.weighed,
        "milliseconds": round(passed.milliseconds, 1),
    }  # fmt: skip


def corners(from_source: Affine) -> Polygon:
    """The corners of a picture, clockwise from its top left one, on the source that it was made of."""
    back = _inverse(from_source)
    return tuple((float(x), float(y)) for x, y in (back @ (*at, 1.0) for at in ((0, 0), (1, 0), (1, 1), (0, 1))))


def _inverse(affine: Affine) -> Affine:
    return np.asarray(np.linalg.inv(np.vstack([affine, [0.0, 0.0, 1.0]]))[:2], np.float64)


def _around(points: Iterable[tuple[float, float]]) -> Box:
    xs, ys = zip(*points, strict=True)
    return Box.between(min(xs), min(ys), max(xs), max(ys))


def _pixels(box: Box, size: Size) -> dict[str, int]:
    """The part of the box inside a picture of that size, in whole pixels."""
    inside = box.clipped() or Box(0, 0, 0, 0)
    left, top = round(inside.x * size.width), round(inside.y * size.height)
    return {"x": left, "y": top, "width": round(inside.right * size.width) - left,
            "height": round(inside.bottom * size.height) - top}  # fmt: skip


def _sized(size: Size) -> dict[str, int]:
    return {"width": size.width, "height": size.height}


# What is hidden stays hidden


def redacted(source: Frame, story: Story) -> Frame:
    """The upright source with everything that the steps hide hidden in it too, whether or not they left it in sight.

    Hidden is what was found on the source, and what a step was told of its own picture, moved back onto the source.
    Raises Failure not-explained for a step that hides otherwise than frame by frame.
    """
    for passed in story.steps:
        operation = passed.planned.step.operation
        if not _hides(passed):
            continue
        if operation.level != "frame":
            raise Failure(
                Kind.UNPROCESSABLE, "not-explained", f"what {operation.name} hides cannot be hidden in the source",
                hint="explain a pipeline without it", details={"operation": operation.name},
            )  # fmt: skip
        have: dict[type, Any] = {Found: _hidden(passed, story.found), Probe: story.probe, Scale: Scale()}
        given = {name: have[kind] for name, kind in operation.injected}
        source = operation.apply(source, **passed.planned.step.arguments, **given)
    return source


def _hides(passed: Passed) -> bool:
    step = passed.planned.step
    return step.operation.hides(**step.arguments)


def _hidden(passed: Passed, found: Found) -> Found:
    kinds = passed.planned.step.needs
    return Found((*(region for region in found.regions if region.by in kinds), *_seen_later(passed, found)))


def _seen_later(passed: Passed, found: Found) -> Iterator[Region]:
    """What a step that hides found on its own picture alone, moved back onto the source."""
    known, back = projected(found, passed.before).regions, _inverse(passed.before)
    for region in passed.found.regions:
        if region.by in passed.planned.step.needs and region not in known:
            yield Region(region.label, region.score, moved(region.box, back), (), region.by)
