"""What a step held on to, and what it passed over: told from its arguments and what it was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .attention import all_of, largest_of, things_seen
from .gravity import Focus, search_of
from .image import Found, Region


@dataclass(frozen=True)
class Choice:
    """The regions that a step held on to and the smaller ones of their kind; what it looked for, with how many of each
    there were, up to the first that was there."""

    held: tuple[Region, ...] = ()
    smaller: tuple[Region, ...] = ()
    looked_for: tuple[tuple[str, int], ...] = ()
    weighed: bool = False  # everything found was weighed for the best place


def chosen(arguments: dict[str, Any], found: Found) -> Choice:
    """The choice of a step with these arguments, of what was found in its picture."""
    if "which" in arguments:
        return _face(found, every=arguments["which"] == "all", weighs=arguments.get("fallback") == "smart")
    gravity: str | Focus | None = arguments.get("gravity")
    search = search_of(gravity)
    if search is None:
        return Choice()
    looked_for: list[tuple[str, int]] = []
    for thing in search.things:
        alike = all_of(thing, found) if thing != "face" else found.faces
        looked_for.append((thing, len(alike)))
        if alike:
            held = things_seen(search, found)
            return Choice(held, tuple(one for one in alike if one not in held), tuple(looked_for))
    return Choice(looked_for=tuple(looked_for), weighed=search.auto is not None)


def _face(found: Found, *, every: bool, weighs: bool) -> Choice:
    faces = found.faces
    looked_for = (("faces" if every else "face", len(faces)),)
    if not faces:
        return Choice(looked_for=looked_for, weighed=weighs)
    held = faces if every else (largest_of(faces),)
    return Choice(held, tuple(face for face in faces if face not in held), looked_for)
