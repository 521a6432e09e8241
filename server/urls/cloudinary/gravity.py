"""`g_`: what a cut or a placement holds on to."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.params import Compass
from transforms.params import Gravity as Words

from . import vocabulary
from .component import Component, unknown, unsupported

FACES = ("face", "faces")

# What `auto` may be told to prefer, and does anyway: subjects, with the largest face as a condition.
_AUTO = {"auto", "auto:subject", "auto:face", "auto:faces"}

_SUPPORTED = (*Compass, *FACES, "auto")
_KNOWN = vocabulary.GRAVITIES.union(_SUPPORTED)


@dataclass(frozen=True, slots=True)
class Hold:
    """A compass word, `face`, `faces` or `auto`; `fallback` (center, auto) is for faces that are not found."""

    word: str
    fallback: str = "center"

    @property
    def on_faces(self) -> bool:
        return self.word in FACES

    @property
    def detected(self) -> bool:
        return self.on_faces or self.word == "auto"

    def native(self) -> str:
        """The word of the `gravity` argument. Raises Failure unsupported-gravity where there is none."""
        word = f"{self.word}:auto" if self.on_faces and self.fallback == "auto" else self.word
        if word not in Words().words:
            raise unsupported("gravity", "falling back to auto is supported with c_thumb only, so far")
        return word


def read(component: Component) -> Hold | None:
    """The gravity of a component, None where it names none."""
    return component.read("g", _hold)


def _hold(text: str) -> Hold:
    if text in Compass:
        return Hold(text)
    if text in _AUTO:
        return Hold("auto")
    word, _, fallback = text.partition(":")
    if word in FACES and fallback in ("", "center", "auto"):
        return Hold(word, fallback or "center")
    for part in text.split(":"):
        _check_known(part)
    raise unsupported("gravity", "this gravity is not supported yet", choices=[*_SUPPORTED])


def _check_known(part: str) -> None:
    """Refuses a word that is none of Cloudinary's; a weight may follow it, or stand alone."""
    word, _, weight = part.rpartition("_")
    if part in _KNOWN or part.isdecimal() or (word in _KNOWN and (weight.isdecimal() or weight == "avoid")):
        return
    if part.startswith(("aoi_", "region_")):
        return
    raise unknown("gravity", "g", part, _SUPPORTED, _KNOWN)
