"""What every effect costs: `python -m bench.effects [NAME …]`.

Milliseconds on one thread, the best of a few runs, for a picture of 2 megapixels, and per megapixel of it or of what
it becomes, whichever is larger: at the default and at the most expensive of the settings that the contact sheet shows,
on a photograph and on the same with alpha. Marked is what costs the photograph more than its budget. Then a text layer
whose font is loaded, and ten steps in a row against the sum of their parts, run as the renderer runs them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tests.drawn import picture
from tests.effects import Subject, effects, running, settings
from transforms.failure import Failure
from transforms.pipeline import Pipeline
from transforms.registry import Operation

from .samples import street

WIDTH, HEIGHT = 1224, 1634
BUDGET, SLOW_BUDGET, TEXT_BUDGET = 60.0, 200.0, 15.0  # ms at 2 megapixels
SLOW = frozenset(("oil-paint", "cartoonify", "distort", "arc"))
RUNS = 5
ENOUGH = 1.5  # s, for all runs of one setting
TEXT = "overlay:gravity=south,y=40/text:The quick brown fox,size=60,color=white,stroke=2/end"
TEN = ("brightness:20", "contrast:20", "saturation:30", "hue:10", "gamma:20", "sepia:30", "vignette:30", "sharpen",
       "tint:20", "blur:4")  # fmt: skip


def milliseconds(call: Callable[[], object], runs: int = RUNS) -> float:
    """The best of a few runs."""
    best, begun = float("inf"), time.perf_counter()
    for _ in range(runs):
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
        if time.perf_counter() - begun > ENOUGH:
            break
    return best * 1000


@dataclass(frozen=True)
class Cost:
    """Of one setting on one picture, in milliseconds; `megapixels` are those of the larger of source and result."""

    text: str
    milliseconds: float
    megapixels: float

    @property
    def each(self) -> float:
        """Milliseconds per megapixel."""
        return self.milliseconds / self.megapixels


def cost(text: str, subject: Subject, runs: int = RUNS) -> Cost | None:
    """None where the picture is refused."""
    try:
        call = running(text, subject)
        result = call()
    except Failure:
        return None
    return Cost(text, milliseconds(call, runs), max(result.size.pixels, subject.image.size.pixels) / 1e6)


def row(operation: Operation, subject: Subject) -> tuple[Cost, ...]:
    """At its default, and at its most expensive: all are tried twice, and the slowest then measured well."""
    alone = [setting.text for setting in settings(operation) if len(Pipeline.parse(setting.text).steps) == 1]
    tried = [one for text in alone if (one := cost(text, subject, 2))]
    dearest = max(tried, key=lambda one: one.each)
    return tuple(found for text in (alone[0], dearest.text) if (found := cost(text, subject)))


def table(names: set[str], subjects: dict[str, Subject]) -> None:
    print(f"{'':22}" + "".join(f"{name + ', default':>24}{name + ', dearest':>24}" for name in subjects))
    print(f"{'':22}" + f"{'ms':>16}{'ms/MP':>8}" * 2 * len(subjects))
    for operation in effects():
        if names and operation.name not in names:
            continue
        costs = [one for subject in subjects.values() for one in row(operation, subject)]
        budget = SLOW_BUDGET if operation.name in SLOW else BUDGET
        over = " OVER" if any(one.each * 2 > budget for one in costs[:2]) else ""
        numbers = "".join(f"{one.milliseconds:16.1f}{one.each:8.1f}" for one in costs)
        print(f"{operation.name:22}{numbers}  {costs[1].text[:60]}{over}", flush=True)


def of_text(subject: Subject) -> None:
    found = cost(TEXT, subject)
    assert found
    over = " OVER" if found.milliseconds > TEXT_BUDGET else ""
    print(f"text layer, its font loaded: {found.milliseconds:.1f} ms of at most {TEXT_BUDGET:.0f}{over}")


def of_chain(subject: Subject) -> None:
    """The parts on what the steps before them made, so that each has the same pixels in both."""
    parts, image = 0.0, subject.image
    for text in TEN:
        call = running(text, replace(subject, image=image))
        parts, image = parts + milliseconds(call), call()
    whole = milliseconds(running("/".join(TEN), subject))
    print(f"{len(TEN)} steps in a row: {whole:.0f} ms, the sum of their parts {parts:.0f} ms")


def main() -> None:
    cv2.setNumThreads(1)
    taken = street(HEIGHT).image.frames[0].pixels
    photograph = np.ascontiguousarray(cv2.resize(taken, (WIDTH, HEIGHT)))
    alpha = np.tile(np.linspace(0, 255, WIDTH).clip(0, 255).astype(np.uint8), (HEIGHT, 1))
    found = street(HEIGHT).found
    subjects = {
        "photograph": Subject("photograph", picture(photograph), found),
        "with alpha": Subject("with alpha", picture(np.dstack([photograph, alpha])), found),
    }
    table(set(sys.argv[1:]), subjects)
    of_text(subjects["photograph"])
    of_chain(subjects["photograph"])


if __name__ == "__main__":
    main()
