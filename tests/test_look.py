"""Every effect looks as when somebody last looked: `python -m bench.sheet` shows it, goldens.json keeps it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from transforms.image import Image
from transforms.numbers import Float, Int
from transforms.params import IntOr
from transforms.pipeline import Pipeline
from transforms.registry import Operation, find

from .drawn import badge, graphic, landscape, portrait
from .effects import Subject, effects, made, settings
from .goldens import Look, difference, every_setting, goldens, look_of, looks, subjects

every = pytest.mark.parametrize("operation", effects(), ids=lambda operation: operation.name)

# Whose strengths need not differ on these pictures, and why.
ALIKE = {
    "assist-colorblind": "only a barn and two pupils are red",
    "auto-brightness": "they are well exposed",
    "blur-background": "behind the person it is soft anyway",
    "blur-faces": "from 2 on nothing but one colour is left",
    "cut-out": "the number says which of several, and there is one",
    "detect": "the number says which boxes are drawn, and all are as sure",
    "overlay": "the number is for one of its ways of blending",
    "underlay": "as of overlay",
    "theme": "the number says what is a photograph",
}


@every
def test_it_looks_as_it_did(operation: Operation) -> None:
    changed = {
        f"{setting.text} on {name}": reasons
        for setting in settings(operation)
        for name, now in looks(setting.text).items()
        if (reasons := difference(now, goldens()[setting.text][name]))
    }
    assert not changed, "look at it with `python -m bench.sheet`; `python -m tests.goldens` keeps what is meant"


def test_every_effect_is_there_and_nothing_else() -> None:
    assert set(goldens()) == set(every_setting())
    assert all(len(found) == len(subjects()) for found in goldens().values())


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("brightness:20", "brightness:40"),
        ("hue:30", "hue:60"),
        ("saturation:20", "saturation:60"),
        ("contrast:10", "contrast:30"),
        ("gamma:10", "gamma:30"),
        ("blur:2", "blur:4"),
        ("sharpen:0.5", "sharpen:1"),
        ("sepia:40", "sepia:80"),
        ("tint:30", "tint:60"),
        ("opacity:50", "opacity:60"),
        ("vignette:20", "vignette:40"),
        ("pixelate:6", "pixelate:12"),
        ("oil-paint:20", "oil-paint:60"),
        ("cartoonify:30", "cartoonify:60"),
        ("outline:width=3", "outline:width=6"),
        ("shadow:20", "shadow:60"),
        ("flip", "flip:vertical"),
        ("rotate:10", "rotate:-10"),
        ("ordered-dither:ordered-4", "ordered-dither:halftone-6"),
        ("simulate-colorblind:deuteranopia", "simulate-colorblind:tritanopia"),
    ],
)
def test_another_strength_is_another_look(text: str, other: str) -> None:
    pairs = [(look_of(made(text, one)), look_of(made(other, one))) for one in subjects()]
    assert any(first.unlike(second) for first, second in pairs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_a_level_here_and_there_is_the_same_look(subject: Subject, seed: int) -> None:
    """As other processors round, and more: a quarter of all pixels is a level lighter or darker."""
    for text in ("brightness:20", "blur:4", "oil-paint", "colorize:95", "blur:80", "negate"):
        image = made(text, subject)
        assert look_of(_jittered(image, seed)).unlike(look_of(image)) == []


def _jittered(image: Image, seed: int) -> Image:
    pixels = image.frames[0].pixels
    some = np.random.default_rng(seed).choice([-1, 0, 0, 0, 0, 0, 0, 1], pixels.shape)
    moved = (pixels.astype(int) + some).clip(0, 255).astype(np.uint8)
    return replace(image, frames=(image.frames[0].with_pixels(moved),))


def test_a_look_reads_back() -> None:
    look = look_of(landscape())
    assert Look.parse(str(look)) == look
    assert look.unlike(look) == []
    assert look.unlike(look_of(graphic())) != []


@pytest.mark.parametrize("draw", [landscape, portrait, graphic, badge])
def test_a_drawn_picture_has_what_it_promises(draw: Callable[[], Image]) -> None:
    image = draw()
    pixels = image.frames[0].pixels
    assert not pixels.flags.writeable
    assert pixels.shape[2] == (3 if draw is landscape else 4)
    if draw is not landscape:
        alpha = pixels[:, :, 3]
        assert {0, 255} <= set(np.unique(alpha).tolist())
        assert ((alpha > 0) & (alpha < 255)).any()
        assert not pixels[alpha == 0][:, :3].any()


@pytest.mark.parametrize("operation", [one for one in effects() if one.name not in ALIKE], ids=lambda one: one.name)
def test_no_part_of_its_range_is_dead(operation: Operation) -> None:
    """From each strength to the next there is a difference to see on at least one of the pictures."""
    rungs = ladder(operation)
    for lower, higher in itertools.pairwise(rungs):
        pairs = zip(goldens()[lower].values(), goldens()[higher].values(), strict=True)
        assert any(difference(first, second) for first, second in pairs), f"{lower} looks like {higher}"


def ladder(operation: Operation) -> list[str]:
    """An effect at all strengths of its leading number, from the least on."""
    leading = next((one.name for one in operation.arguments if isinstance(one.type, Int | Float | IntOr)), None)
    chosen = [one.text for one in settings(operation) if one.label == "default" or one.label.startswith(f"{leading} ")]
    strengths = {text: Pipeline.parse(text).steps[0].arguments.get(leading or "") for text in chosen}
    return sorted(
        (text for text, value in strengths.items() if isinstance(value, int | float)), key=strengths.__getitem__
    )


def test_ladders_have_rungs() -> None:
    assert ladder(find("sepia")) == ["sepia:27", "sepia", "sepia:89", "sepia:100"]
    assert sum(len(ladder(operation)) > 3 for operation in effects()) > 25
