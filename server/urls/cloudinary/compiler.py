"""A chain of components as the steps of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from transforms.failure import Failure, Kind
from transforms.pipeline import MAX_STEPS, Pipeline, Step

from . import delivery, effects, geometry, look, wanted
from .component import Component, checked, lex


def pipeline(texts: Sequence[str]) -> Pipeline:
    """Each component acts on what the one before it gave; inside one the order is fixed, however it is written.

    Quality and format are said last, and once, so that every way to spell them shares one cache entry.
    """
    if len(texts) > MAX_STEPS:
        raise Failure(
            Kind.BAD_REQUEST, "too-many-steps", f"{len(texts)} components are more than the {MAX_STEPS} allowed",
            details={"maximum": MAX_STEPS},
        )  # fmt: skip
    components = [lex(text) for text in texts]
    densities = _densities(components)
    steps = [
        step for component, density in zip(components, densities, strict=True) for step in _pixels(component, density)
    ]
    return Pipeline((*steps, *_output(components)))


def _pixels(component: Component, density: float) -> list[Step]:
    delivery.check_flags(component)
    look.colour(component)
    fill = look.background(component)
    return [
        *geometry.steps(component, density, fill),
        *effects.steps(component),
        *look.outline(component, density),
        *look.turns(component, fill),
        *([] if fill is None or not fill.alpha else [checked("background", color=fill)]),
        *look.opacity(component),
    ]


def _densities(components: list[Component]) -> list[float]:
    """By what each component multiplies its pixels.

    A density without a size of its own belongs to the resize before it, which SDKs put into a component of its own;
    with neither it says nothing.
    """
    densities = [wanted.density(component) or 1.0 for component in components]
    scaled = list(densities)
    for index, component in enumerate(components):
        before = _resize_before(components, index) if not component.has("w", "h") else None
        if before is not None:
            scaled[before] *= densities[index]
    return scaled


def _resize_before(components: list[Component], index: int) -> int | None:
    for earlier in range(index - 1, -1, -1):
        if components[earlier].has("w", "h"):
            return earlier if wanted.is_scaling(components[earlier]) else None
    return None


def _output(components: list[Component]) -> list[Step]:
    qualities = [delivery.quality(component) for component in components]
    formats = [delivery.format_(component) for component in components]
    return [step for steps in (qualities, formats) for step in [s for s in steps if s is not None][-1:]]
