"""Words that something here finds, but no model that draws masks or can be asked again: what to use in their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import vocabulary
from .accepted import Accepted
from .meaning import sources
from .tagging import BARCODES, COLOURS, FACE, MATRICES, PERSON, TEXT, TRAITS, UNSAFE
from .vocabulary import Named, folded, word_of

MOST = 3  # names that are told


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What to use in the place of a word, empty where it is but another word for what is `nearest`: labels that are
    taken, the likeliest first."""

    way: str
    nearest: tuple[str, ...]

    @property
    def hint(self) -> str:
        near = " or ".join(map(repr, self.nearest))
        if not self.way:
            return f"did you mean {near}?"
        return f"{self.way}; nearest is {near}" if near else self.way


_FACES = "detect:models=faces draws faces, crop:300x300,gravity=face cuts to the largest, blur-faces hides them"
_WRITING = "detect:models=text draws writing, crop:300x300,gravity=text cuts to it, auto-tag:text reads it"
_CODES = "detect:models=codes draws codes, auto-tag:codes reads them"
_UNFIT = "detect:models=moderation draws it, auto-tag:moderation tells it, and conditions ask for it"
_RULE = "it follows from the pixels by a rule that docs/tags.md states, and auto-tag tells it"

_WAYS = {
    **dict.fromkeys((*TRAITS, *COLOURS, "traits", "colors"), _RULE),
    **dict.fromkeys((FACE, "faces", "largest face", "all faces"), _FACES),
    **dict.fromkeys((TEXT, "writing"), _WRITING),
    **dict.fromkeys((*(name.replace("-", " ") for name in (*BARCODES, *MATRICES)), "barcode", "codes"), _CODES),
    **dict.fromkeys(("subject", "matte"), "background-removal keeps what the picture is about"),
    **dict.fromkeys(
        ("objects", "masks"), "detect:masks draws all things with their masks, auto-tag:objects names them"
    ),
    **dict.fromkeys((*(name.replace("-", " ") for name in UNSAFE), "moderation"), _UNFIT),
}


def otherwise(text: str, words: Accepted) -> Otherwise | None:
    """What to say instead of a word that is none of `words`; None of what nothing here knows."""
    plain = folded(text)
    way = _WAYS.get(plain.replace("-", " "), "")
    near = dict.fromkeys(word for word in _near(plain, words, is_face=way is _FACES) if word in words)
    return Otherwise(way, tuple(near)[:MOST]) if way or near else None


@dataclass(frozen=True, slots=True)
class Unmasked:
    """Who knows a word, but draws no masks: `models`, a sentence of that, and what to use in its place."""

    models: list[str]
    why: str
    way: str


def unmasked(text: str) -> Unmasked | None:
    """What to say of a word that only models know which draw no masks; None of all others."""
    own, word = vocabulary.current(), word_of(text)
    knowing = own.knowing(own.words.get(word, ()))
    known = [one for one in own.models if text == one.name or one.name in knowing]
    if not known or any(one.masks for one in known):
        return None
    names = [one.name for one in known]
    why = f"{' and '.join(names)} {'knows' if len(names) == 1 else 'know'} it, and {_masks_none(names)}"
    placed = next((one for one in known if one.form != "classify"), None)
    return Unmasked(names, why, _told(known[0]) if placed is None else _placed(placed, word or text))


def _masks_none(names: list[str]) -> str:
    return "draws no masks" if len(names) == 1 else "draw no masks"


_WITH_MASKS = "; masks are drawn by models of the form segment"


def _told(model: Named) -> str:
    return f"auto-tag:{model.name} tells what it sees{_WITH_MASKS}"


def _placed(model: Named, word: str) -> str:
    return f"crop:object={word} cuts to it, detect:models={model.name} draws it{_WITH_MASKS}"


def _near(plain: str, words: Accepted, *, is_face: bool) -> Iterator[str]:
    """Labels that the word is another one for, or a part of; of a face also whose it is."""
    yield from sorted(word_of(label) for label in sources(plain))
    yield from words.with_part(plain)
    if is_face:
        yield PERSON
