"""What one component does: its steps in their fixed order, however it is written."""

from __future__ import annotations

from transforms.failure import bad_argument
from transforms.pipeline import Let, Node, Pending, Preset

from . import delivery, effects, expression, geometry, gravity, look, wanted
from .amounts import Factor
from .component import Component, checked

_GEOMETRY = ("ar", "b", "c", "dpr", "g", "h", "w", "x", "y", "z")


def variables(component: Component) -> list[Node]:
    """What it assigns."""
    return [Let(name, component.attempt(f"${name}", value, expression.assigned)) for name, value in component.variables]


def presets(component: Component) -> list[Node]:
    return [node for key in ("bl", "t") for node in component.read(key, _presets) or []]


def _presets(text: str) -> list[Preset]:
    names = text.split(".")
    if any(not name or "/" in name for name in names):
        raise bad_argument("that is no list of names with a dot between them", hint="for example t_first.second")
    return [Preset(name) for name in names]


def acts(component: Component, density: Factor, usual: str = "scale", relative: str = "") -> list[Node]:
    """All else but its condition. `usual` and `relative` are as with geometry.steps."""
    used = effects.used(component)
    look.colour(component)
    fill = look.background(component) if not look.is_later(component) else None
    quarter = look.quarter(component)
    sized = component.without(*used)
    return [
        *delivery.later(component),
        *([] if quarter is None else geometry.upright(sized, quarter)),
        *_sized(sized, density, fill, usual, relative),
        *effects.nodes(component, density),
        *look.outline(component, density),
        *look.turns(component, fill),
        *([checked("background", color=fill)] if look.shows(fill) else []),
        *look.opacity(component),
        *delivery.report(component),
        *([checked("orientation", how="ignore")] if look.is_ignored(component) else []),
        *delivery.steps(component),
    ]


def _sized(component: Component, density: Factor, fill: look.Fill | None, usual: str, relative: str) -> list[Node]:
    if not component.has(*_GEOMETRY):
        return []
    if any(part.is_later(component) for part in (geometry, gravity, look, wanted)):
        return [Pending(component.raw(*_GEOMETRY))]
    return [*geometry.steps(component, density, fill, usual, relative)]
