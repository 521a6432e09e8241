"""`dpr_`: by what the pixels of each component are multiplied."""

from __future__ import annotations

from collections.abc import Sequence

from . import wanted
from .amounts import Factor, product
from .component import Component


def densities(components: Sequence[Component], owners: Sequence[int | None]) -> list[Factor]:
    """By what each component multiplies its pixels.

    A density without a size of its own belongs to the resize before it, of the same picture and not outside of the
    condition that guards it: SDKs put it into a component of its own. With neither it says nothing.
    """
    own = [wanted.density(component) for component in components]
    scaled = list(own)
    for index, component in enumerate(components):
        before = _resize_before(components, owners, index) if not component.has("w", "h", "if") else None
        while before is not None:
            scaled[before] = product(scaled[before], own[index])
            before = before - 1 if _is_alternative(components[before]) else None
    return scaled


def _is_alternative(component: Component) -> bool:
    """Whether a component is done instead of the one before it."""
    return component.values("if") == ["else"] and len(component.parameters) > 1


def _begins_branch(component: Component) -> bool:
    return component.values("if") not in ([], ["end"]) and len(component.parameters) == 1


def _resize_before(components: Sequence[Component], owners: Sequence[int | None], index: int) -> int | None:
    for earlier in range(index - 1, -1, -1):
        if _begins_branch(components[earlier]):
            return None
        if components[earlier].has("w", "h") and owners[earlier] == owners[index]:
            return earlier if wanted.is_scaling(components[earlier]) else None
    return None
