"""`g_`: what a cut or a placement holds on to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from transforms import vocabulary
from transforms.accepted import Accepted
from transforms.gravity import search_of, thing_of
from transforms.labels import ALIASES, GROUPS
from transforms.params import Compass

from .component import Component, unknown, unsupported

Kind = Literal["compass", "point", "auto", "search"]

_SEARCHED = {
    "face": "face", "faces": "faces", "adv_face": "face", "adv_faces": "faces", "body": "body", "ocr_text": "text",
}  # fmt: skip
# Coordinates that are stored with an asset: none are here, so that the next of the chain has its turn.
_STORED = frozenset(("custom", "custom_no_override"))
# What `auto` may be told to prefer, in our words; `subject` is what it does anyway.
_PREFERRED = {
    **_SEARCHED, **dict.fromkeys(_STORED, ""), "subject": "", "adv_eyes": "face", "no_faces": "no_faces",
    "classic": "classic", "none": "none",
}  # fmt: skip
_LATER = frozenset(("adv_eyes", "adv_ocr", "liquid"))
_VIDEO = frozenset(("track_person",))
_KNOWN = sorted({*Compass, *_SEARCHED, *_STORED, *_LATER, *ALIASES, *GROUPS, "auto", "xy_center", "no_faces"})


@dataclass(frozen=True, slots=True)
class Hold:
    """What a `g_` means; `text` is the native gravity of all but a point, whose place `x_` and `y_` say."""

    kind: Kind
    text: str
    faces: str = ""  # "face" or "faces" where the chain begins with them
    fallback: str = "center"

    @property
    def detected(self) -> bool:
        return self.kind in ("auto", "search")


def read(component: Component) -> Hold | None:
    """The gravity of a component, None where it names none."""
    return component.read("g", named)


def is_later(component: Component) -> bool:
    """Whether the gravity is one that is understood, but not held on to yet."""
    words = "".join(component.values("g")[:1]).split(":")
    return words[0] in _LATER or words[0].startswith("region_") or words[1:2] == ["adv_ocr"]


def named(text: str) -> Hold:
    """What the value of a `g_` means. Raises Failure bad-argument or unsupported-gravity."""
    if text in Compass:
        return Hold("compass", text)
    if text == "xy_center":
        return Hold("point", "")
    words = text.split(":")
    if words[0] == "auto":
        return Hold("auto", _checked(":".join(["auto", *_preferences(words[1:])])))
    if words[0] == "no_faces":
        return Hold("auto", "auto:no_faces")
    return _searched(text, [word for word in words if word not in _STORED])


def _searched(text: str, words: Sequence[str]) -> Hold:
    chain = []
    for at, word in enumerate(words):
        if word == "auto":
            chain.append(":".join(["auto", *_preferences(words[at + 1 :])]))
            break
        if word in Compass and word != "center":
            raise unsupported("gravity", "a chain falls back to auto or center")
        chain.append(word if word == "center" else _thing(word))
    if chain[:1] == ["center"] or not chain:
        return Hold("compass", "center")
    if chain[-1] == "center":
        del chain[-1]  # what a chain falls back to in any case
    if chain[0].startswith("auto"):
        return Hold("auto", _checked(":".join(chain)))
    faces = chain[0] if chain[0] in ("face", "faces") else ""
    fallback = "auto" if chain[-1].startswith("auto") else "center"
    return Hold("search", _checked(":".join(chain)), faces if len(chain) == 1 + (fallback == "auto") else "", fallback)


def _thing(word: str) -> str:
    """What is looked for, in our words. Raises Failure bad-argument or unsupported-gravity."""
    found = _SEARCHED.get(word) or thing_of(word)
    if found is not None and (found != "text" or word in _SEARCHED):
        return found
    if word in _VIDEO:
        raise unsupported("gravity", "this gravity is for video")
    close = _known(vocabulary.current()).nearest(word)
    raise unknown("gravity", "g", word, [*Compass, *_SEARCHED, "auto", "xy_center"], [close] if close else [])


@lru_cache(4)
def _known(own: vocabulary.Vocabulary) -> Accepted:
    """The operator's models and their labels are words of both dialects."""
    return Accepted(_KNOWN, own.names, own.named)


def _preferences(words: Sequence[str]) -> list[str]:
    """What `auto` is told to prefer. A number alone is a threshold, which says nothing here."""
    wanted = [_preference(word) for word in words if not word.isdecimal() and not word.startswith("aoi_")]
    return [word for word in wanted if word]


def _preference(word: str) -> str:
    name, _, weight = word.rpartition("_")
    if name and thing_of(word) is None and (weight == "avoid" or weight.isdecimal()):
        thing = _preference(name)
        return thing and f"{thing}_{weight}"
    return _PREFERRED[word] if word in _PREFERRED else _thing(word)


def _checked(text: str) -> str:
    """The canonical text of a native gravity. Raises Failure bad-argument: a weight out of bounds, a thing twice."""
    return str(search_of(text))
