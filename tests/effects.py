"""Every effect of the registry with the settings that show it, and what they make of a picture.

Nothing is listed: an effect is an operation that makes a picture of a picture and has no size to give it. Its settings
come from the types of its arguments, so that a new operation shows by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from transforms.image import Found, Frame, Image, Probe, Size
from transforms.layers import no_layers
from transforms.limits import Limits
from transforms.numbers import Float, Int
from transforms.params import WHITE, Choice, Colour, ColourText, Flag, IntOr, WxH
from transforms.pipeline import Pipeline, Step
from transforms.plan import Plan, plan
from transforms.registry import Argument, Operation, operations
from transforms.run import run

from .drawn import badge

ORANGE = Colour(255, 140, 0)
EMPTY = Found()
BASES = {  # where the example or the defaults show too little; a font that every machine has
    "overlay": "overlay:logo.png,size=0.6x",
    "text": "text:Hello,font=DejaVu Sans",
}
MORE = {  # what only several arguments together show
    "auto-brightness": ("gamma:-45/brightness:-40/auto-brightness",),
    "auto-color": ("red:15/blue:-25/brightness:-30/auto-color",),
    "auto-contrast": ("contrast:-50/auto-contrast",),
    "fill-light": ("gamma:-45/brightness:-40/fill-light",),
    "improve": ("gamma:-30/contrast:-30/red:10/blue:-15/improve",
                "gamma:-30/contrast:-30/red:10/blue:-15/improve:indoor"),
    "overlay": ("overlay:logo.png,blend=anti-removal,strength=100,size=0.6x/end",
                "overlay:logo.png,blend=displace,size=1.0x1.0,x=24,y=24/end",
                "overlay:gravity=south,y=10/text:Hello,size=40,color=white,stroke=2/rotate:10/end",
                "overlay:logo.png,gravity=faces,size=1.2x/grayscale/end"),
}  # fmt: skip
NOTHING = Image((Frame(np.zeros((1, 1, 4), np.uint8)),))  # what a layer without a picture begins as


@dataclass(frozen=True)
class Subject:
    """A picture and what is in it."""

    name: str
    image: Image
    found: Found = EMPTY


@dataclass(frozen=True)
class Setting:
    """An effect with arguments; `label` says in what it differs from its defaults."""

    label: str
    text: str


def effects() -> tuple[Operation, ...]:
    return tuple(operation for operation in operations().values() if is_effect(operation))


def is_effect(operation: Operation) -> bool:
    gives_size = any(isinstance(argument.type, WxH) for argument in operation.arguments)
    return operation.level in ("frame", "image") and (operation.opens or not gives_size)


def settings(operation: Operation) -> list[Setting]:
    """Default, low, high and what else there is to choose, each different from the others; the example at last."""
    base = _reference(operation)
    visible = _visible(operation, base)
    given = chain(
        [("default", base)], *(_of_argument(operation, visible, at) for at in range(len(operation.arguments)))
    )
    found: dict[str, Setting] = {}
    for label, values in given:
        text = printed(Step(operation, values))
        found.setdefault(text, Setting(label, text))
    for text in (printed(Step.parse(operation.example)), *MORE.get(operation.name, ())):
        found.setdefault(text, Setting("example", text))
    return list(found.values())


def printed(step: Step) -> str:
    return f"{step}/end" if step.operation.opens else str(step)


def _reference(operation: Operation) -> tuple[Any, ...]:
    """Defaults; of the example what must be given, and all of it where a layer is wanted."""
    example = Step.parse(operation.example)
    if operation.opens or operation.name in BASES:
        return Step.parse(BASES.get(operation.name, operation.example)).values
    pairs = zip(operation.arguments, example.values, strict=True)
    return tuple(value if argument.required else argument.default for argument, value in pairs)


def _visible(operation: Operation, base: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same with a leading number that does something, for what the other arguments change about it."""
    for at, argument in enumerate(operation.arguments):
        if isinstance(argument.type, Int | Float) and base[at] == _neutral(argument.type):
            return (*base[:at], Step.parse(operation.example).values[at], *base[at + 1 :])
        if isinstance(argument.type, Int | Float):
            break
    return base


def _neutral(kind: Int | Float) -> float:
    return 0 if kind.least <= 0 <= kind.most else kind.least


def _of_argument(operation: Operation, base: tuple[Any, ...], at: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    argument, example = operation.arguments[at], Step.parse(operation.example).values[at]
    leads = all(not isinstance(one.type, Int | Float | IntOr) for one in operation.arguments[:at])
    for value in _values(argument, base[at] if base[at] is not None else example, example, leads=leads):
        yield f"{argument.name} {argument.type.print(value)}", (*base[:at], value, *base[at + 1 :])


def _values(argument: Argument, usual: Any, example: Any, *, leads: bool) -> list[Any]:
    """What an argument is shown at."""
    kind = argument.type
    words = list(kind.words) if isinstance(kind, IntOr) else []
    if isinstance(kind, IntOr):
        kind, usual, example = kind.number, *(None if one in words else one for one in (usual, example))
    if isinstance(kind, Int | Float):
        return [*_numbers(kind, usual, example, leads=leads), *words]
    if isinstance(kind, Choice):
        return list(kind.values)
    if isinstance(kind, Flag):
        return [True]
    return [ORANGE if usual in (None, WHITE) or usual != ORANGE else WHITE] if isinstance(kind, ColourText) else []


def _numbers(kind: Int | Float, usual: float | None, example: float | None, *, leads: bool) -> list[float]:
    """From the least to the most: of the leading number a light and a strong one in between, of others both ends."""
    neutral = _neutral(kind)
    if not leads:
        return [_whole(kind, value) for value in (kind.least, usual, kind.most) if value is not None]
    usual = next((value for value in (usual, example) if value not in (None, neutral)), None) or kind.most / 2
    strong = (usual * kind.most) ** 0.5 if 0 < usual < kind.most else kind.most / 2
    low = neutral + (usual - neutral) / 3
    below = [kind.least, kind.least / 2, -abs(low)] if kind.least < 0 else []
    return [_whole(kind, value) for value in (*below, *sorted((abs(low), abs(usual), strong)), kind.most)]


def _whole(kind: Int | Float, value: float) -> float:
    return min(max(round(value), int(kind.least)), int(kind.most)) if isinstance(kind, Int) else round(value, 2)


def planned(text: str, image: Image) -> tuple[Plan, Probe]:
    """The plan for a picture that is decoded as large as it is."""
    probe = Probe("png", image.size, 1, animated=False, has_alpha=image.has_alpha, icc=None, orientation=1, bytes=1)
    return plan(Pipeline.parse(text), probe, Limits(), side_for=lambda _: 1), probe


def made(text: str, subject: Subject) -> Image:
    """What steps make of a picture, run as the renderer does; a layer that names a picture shows the badge."""
    return running(text, subject)()


def running(text: str, subject: Subject) -> Callable[[], Image]:
    """The same as a call that does nothing but the steps."""
    chosen, probe = planned(text, subject.image)
    knowing = _Knowing(subject.found)

    def call() -> Image:
        result = run(chosen, subject.image, probe, knowing, time.monotonic() + 600, layers=layers).result
        assert isinstance(result, Image)
        return result

    return call


def layers(step: Step, below: Size, region: Size) -> Image:
    """The badge, or nothing, after the steps of the layer."""
    begin = badge() if step.arguments["picture"] else NOTHING
    if step.inner is None or not step.inner.steps:
        return begin
    chosen, probe = planned(str(step.inner), begin)
    exact = begin is not NOTHING
    result = run(chosen, begin, probe, _Knowing(), time.monotonic() + 600, layers=no_layers, exact=exact).result
    assert isinstance(result, Image)
    return result


@dataclass(frozen=True)
class _Knowing:
    """A finder that has known it all along."""

    found: Found = EMPTY

    def __call__(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        return self.found

    def anew(self, kinds: frozenset[str], image: Image, frame: int) -> Found:
        return self.found
