"""What a step held on to, and what it passed over: told from its arguments and what it was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .attention import all_of, things_seen
from .gravity import Focus, search_of
from .image import Found, Region
from .numbered import every


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
        return _face(found, arguments["which"], weighs=arguments.get("fallback") == "smart")
    numbered = arguments.get("index") or (1 if arguments.get("object") else None)
    gravity: str | Focus | None = arguments.get("object") or arguments.get("gravity")
    if numbered and isinstance(gravity, str):
        return _numbered(every(gravity), numbered, found)
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


def _numbered(things: str, number: int, found: Found) -> Choice:
    """One of several by its number, which is there: a step without it failed."""
    looked_for: list[tuple[str, int]] = []
    search = search_of(things)
    for thing in search.things if search else ():
        alike = all_of(thing, found)
        looked_for.append((thing, len(alike)))
        if alike:
            held = alike[number - 1 : number]
            return Choice(held, tuple(one for one in alike if one not in held), tuple(looked_for))
    return Choice(looked_for=tuple(looked_for))


def _face(found: Found, which: int | str, *, weighs: bool) -> Choice:
    faces = tuple(sorted(found.faces, key=lambda face: (-face.box.area, -face.score)))
    looked_for = (("face" if which == "largest" else "faces", len(faces)),)
    if not faces:
        return Choice(looked_for=looked_for, weighed=weighs)
    number = which if isinstance(which, int) else 1
    held = faces if which == "all" else faces[number - 1 : number]
    return Choice(held, tuple(face for face in faces if face not in held), looked_for)
