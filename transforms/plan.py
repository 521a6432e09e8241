"""The planner: pipeline + header facts + limits -> Plan. Pure, microseconds, before any pixel is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from .decode import Decode
from .failure import Failure, Kind
from .image import Found, Probe, Size
from .input import Input
from .limits import Limits
from .output import TRAITS, WEB_FORMATS, Output
from .pipeline import Pipeline, Step

REDUCTIONS: tuple[Literal[2, 4, 8], ...] = (8, 4, 2)  # by which a JPEG can be decoded smaller at next to no cost

# Decoded pixels per wanted pixel. With Lanczos after it, 1.5 gives SSIM .9955 at 300 px wide (at 1 it is .9894); area
# means after 2 gave .9908 and took 9 ms longer from 12 megapixels.
DETAIL_MARGIN = 1.5

SideFor = Callable[[frozenset[str]], int]
"""The long side in pixels that detectors of these kinds want to see; bigger input finds less in close-ups."""

SKETCH_SIDE = 100  # pixels that a placeholder is made of


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
    limits: Limits
    frames: int  # of which every step's limits are counted

    def anew(self, planned: Planned, before: Size) -> Planned:
        """The step on a picture whose size was not known when it was planned; raises as `plan` does."""
        again = replace(planned, before=before, after=_projected(planned.step, before))
        _check(again, self.limits, self.frames)
        return again

    def known(self, planned: Planned, after: Size) -> Planned:
        """The step once it is done, and the size after it is known; raises as `plan` does."""
        done = replace(planned, after=after)
        _check(done, self.limits, self.frames)
        return done


def plan(pipeline: Pipeline, probe: Probe, limits: Limits, found: Found | None = None, *, side_for: SideFor) -> Plan:
    """The plan for a source; raises Failure result-too-large where a step would pass the limits.

    `probe` is of what `input_of` the pipeline chooses from the file, as `Source` gives it.
    """
    output = output_of(pipeline)
    steps = tuple(_until_report(_walk(pipeline, probe.size)))
    still = not probe.animated or _says_little(steps) or not _may_move(output, probe)
    frames = 1 if still or probe.frames > limits.frames else probe.frames
    for planned in steps:
        _check(planned, limits, frames)
    needs = frozenset().union(*(planned.step.needs for planned in steps))
    detail = _detail(steps, found, upright=input_of(pipeline).upright, last=_shown(output, steps, probe.size))
    least_side = side_for(needs) if needs else 1
    return Plan(
        decode=Decode(reduce=reduction(probe, detail or 0.0, least_side), still=still),
        steps=steps,
        needs=needs,
        output=output,
        result=steps[-1].after if steps else probe.size,
        provisional=detail is None,
        limits=limits,
        frames=frames,
    )


def _ends_in_report(steps: tuple[Planned, ...]) -> bool:
    return bool(steps) and steps[-1].step.operation.level == "report"


def _says_little(steps: tuple[Planned, ...]) -> bool:
    """Whether all ends in a report that is not about the encoded picture."""
    return _ends_in_report(steps) and not steps[-1].step.operation.encodes


def input_of(pipeline: Pipeline) -> Input:
    """What the steps say about reading the source, wherever they stand.

    It must be known before the source is, on which conditions and expressions depend: Failure input-depends.
    """
    result = Input()
    plain = pipeline.unconditional
    for step in pipeline.steps:
        if step.operation.level == "input":
            if step not in plain or step.expressions:
                raise _depends(step)
            result = step.operation.apply(result, **step.arguments)
    return result


def _depends(step: Step) -> Failure:
    name = step.operation.name
    return Failure(
        Kind.BAD_REQUEST, "input-depends", f"{name} says how the source is read, and cannot depend on what is in it",
        hint="write it outside of conditions, with plain numbers", details={"operation": name, "step": str(step)},
    )  # fmt: skip


def output_of(pipeline: Pipeline) -> Output:
    """What the steps say about how the result leaves, wherever they stand."""
    output = Output()
    for step in pipeline.steps:
        if step.operation.level == "output":
            output = applied(output, step)
    return output


def applied(output: Output, step: Step) -> Output:
    """What a step of output level says, too; raises Failure bad-argument where its arguments do not go together."""
    try:
        result: Output = step.operation.apply(output, **step.arguments)
    except Failure as failure:
        raise failure.with_details(operation=step.operation.name, step=str(step)) from None
    return result


def _walk(pipeline: Pipeline, size: Size) -> Iterator[Planned]:
    altered = False
    for step in pipeline.steps:
        if step.operation.level not in ("input", "output"):
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
    if output.still or (output.instead and not output.instead.explains):
        return False
    if output.format == "auto":
        return True
    if output.format is None:
        return any(name == probe.format and TRAITS[name].animation for name in WEB_FORMATS)
    return TRAITS[output.format].animation


def _check(planned: Planned, limits: Limits, frames: int) -> None:
    after, step = planned.after, str(planned.step)
    if planned.step.operation.level == "report" and not planned.step.operation.encodes:
        return  # words about a picture that could be read are no large result
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


def _shown(output: Output, steps: tuple[Planned, ...], size: Size) -> float:
    """Pixels wanted per pixel of the result: all of them, but for placeholders."""
    if output.instead is None or output.instead.explains:
        return 1.0
    return min(1.0, SKETCH_SIDE / (steps[-1].after if steps else size).long_side)


def _detail(steps: tuple[Planned, ...], found: Found | None, *, upright: bool, last: float) -> float | None:
    """Pixels wanted per pixel of the source: 1 where a step needs them all, None where unknown findings decide.

    `last` are those that are wanted of what the steps make.
    """
    moved = not upright
    for planned in steps:
        operation = planned.step.operation
        if operation.level == "report" and not operation.encodes:
            return 0.0  # only its detectors look at pixels, and they say how many they want
        scaling = operation.scales(**planned.step.arguments)
        if scaling == "fixed":
            return 1.0
        if scaling == "absorbs":
            # What was found on the source lies elsewhere after geometry: then no detail is given up for it.
            return _wanted(planned, None if moved else found, 1.0 if moved else None)
        moved = moved or operation.level == "image"
    return last


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
