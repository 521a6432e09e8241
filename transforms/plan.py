"""The planner: pipeline + header facts + limits -> Plan. Pure, microseconds, before any pixel is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from .decode import Decode
from .failure import Failure, Kind
from .image import Found, Probe, Size
from .limits import Limits
from .output import TRAITS, Output
from .pipeline import Pipeline, Step

REDUCTIONS: tuple[Literal[2, 4, 8], ...] = (8, 4, 2)  # by which a JPEG can be decoded smaller at next to no cost

# Decoded pixels per wanted pixel. With Lanczos after it, 1.5 gives SSIM .9955 at 300 px wide (at 1 it is .9894); area
# means after 2 gave .9908 and took 9 ms longer from 12 megapixels.
DETAIL_MARGIN = 1.5

SideFor = Callable[[frozenset[str]], int]
"""The long side in pixels that detectors of these kinds want to see; bigger input finds less in close-ups."""


@dataclass(frozen=True)
class Planned:
    """A step with the nominal size of the picture before and after it (an upper bound where it is not exact)."""

    step: Step
    before: Size
    after: Size
    altered: bool  # whether steps before it have changed the source


@dataclass(frozen=True)
class Plan:
    """What will be done. `provisional`: the scale to decode at depends on what will be found."""

    decode: Decode
    steps: tuple[Planned, ...]
    needs: frozenset[str]
    output: Output
    result: Size
    provisional: bool

    @property
    def is_report(self) -> bool:
        return _ends_in_report(self.steps)


def plan(pipeline: Pipeline, probe: Probe, limits: Limits, found: Found | None = None, *, side_for: SideFor) -> Plan:
    """The plan for a source; raises Failure result-too-large where a step would pass the limits."""
    output = _output(pipeline)
    steps = tuple(_until_report(_walk(pipeline, probe.size)))
    report = _ends_in_report(steps)
    still = not probe.animated or report or not _may_move(output, probe)
    for planned in steps:
        _check(planned, limits, 1 if still or probe.frames > limits.frames else probe.frames)
    needs = frozenset().union(*(planned.step.needs for planned in steps))
    detail = _detail(steps, found)
    least_side = side_for(needs) if needs else 1
    return Plan(
        decode=Decode(reduce=reduction(probe, detail or 0.0, least_side), still=still),
        steps=steps,
        needs=needs,
        output=output,
        result=steps[-1].after if steps else probe.size,
        provisional=detail is None,
    )


def _ends_in_report(steps: tuple[Planned, ...]) -> bool:
    return bool(steps) and steps[-1].step.operation.level == "report"


def _output(pipeline: Pipeline) -> Output:
    output = Output()
    for step in pipeline.steps:
        if step.operation.level == "output":
            output = step.operation.apply(output, **step.arguments)
    return output


def _walk(pipeline: Pipeline, size: Size) -> Iterator[Planned]:
    altered = False
    for step in pipeline.steps:
        if step.operation.level != "output":
            after = _projected(step, size)
            yield Planned(step, size, after, altered)
            size, altered = after, True


def _projected(step: Step, size: Size) -> Size:
    try:
        return step.operation.size(size, **step.arguments)
    except Failure as failure:
        raise failure.with_details(operation=step.operation.name, step=str(step)) from None


def _until_report(steps: Iterable[Planned]) -> Iterator[Planned]:
    """A report is about the picture at its step: what follows it changes nothing."""
    for planned in steps:
        yield planned
        if planned.step.operation.level == "report":
            return


def _may_move(output: Output, probe: Probe) -> bool:
    if output.format is None or output.format == "auto":
        return probe.animated
    return TRAITS[output.format].animation


def _check(planned: Planned, limits: Limits, frames: int) -> None:
    after, step = planned.after, str(planned.step)
    if after.long_side > limits.result_side:
        raise _too_large(step, after, f"a side of more than {limits.result_side} px", limits)
    if after.pixels > limits.result_pixels:
        raise _too_large(step, after, f"more than {limits.result_pixels / 1e6:g} megapixels", limits)
    if frames > 1 and after.pixels * frames > limits.total_pixels:
        raise _too_large(
            step, after, f"its {frames} frames have more than {limits.total_pixels / 1e6:g} megapixels", limits
        )


def _too_large(step: str, size: Size, why: str, limits: Limits) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE,
        "result-too-large",
        f"{step} gives {size}: {why}",
        details={"step": step, "maximum_side": limits.result_side, "maximum_pixels": int(limits.result_pixels)},
    )


def _detail(steps: tuple[Planned, ...], found: Found | None) -> float | None:
    """Pixels wanted per pixel of the source: 1 where a step needs them all, None where unknown findings decide."""
    moved = False
    for planned in steps:
        operation = planned.step.operation
        if operation.level == "report":
            return 0.0  # only its detectors look at pixels, and they say how many they want
        if operation.scaling == "fixed":
            return 1.0
        if operation.scaling == "absorbs":
            # What was found on the source lies elsewhere after geometry: then no detail is given up for it.
            return _wanted(planned, None if moved else found, 1.0 if moved else None)
        moved = moved or operation.level == "image"
    return 1.0


def _wanted(planned: Planned, found: Found | None, unknown: float | None) -> float | None:
    wanted = planned.step.operation.detail(planned.before, found, **planned.step.arguments)
    return unknown if wanted is None else min(wanted, 1.0)


def reduction(probe: Probe, detail: float, least_side: int) -> Literal[1, 2, 4, 8]:
    """The largest reduction that leaves enough for every step and every detector; only JPEG gains by one."""
    if probe.format != "jpeg":
        return 1
    for by in REDUCTIONS:
        if detail * DETAIL_MARGIN * by <= 1 and probe.size.long_side >= least_side * by:
            return by
    return 1
