"""Words that something here finds, but no model that draws masks or can be asked again: what to use in their place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .tagging import BARCODES, COLOURS, FACE, MATRICES, PERSON, TEXT, TRAITS, sources
from .vocabulary import word_of

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
    "moderation": "detect:models=moderation draws it, auto-tag:moderation tells it",
}


def otherwise(text: str, words: Collection[str]) -> Otherwise | None:
    """What to say instead of a word that is none of `words`; None of what nothing here knows."""
    plain = text.replace("_", " ").casefold()
    way = _WAYS.get(plain.replace("-", " "), "")
    near = dict.fromkeys(word for word in _near(plain, words, is_face=way is _FACES) if word in words)
    return Otherwise(way, tuple(near)[:MOST]) if way or near else None


def _near(plain: str, words: Collection[str], *, is_face: bool) -> Iterator[str]:
    """Labels that the word is another one for, or a part of; of a face also whose it is."""
    yield from sorted(word_of(label) for label in sources(plain))
    yield from (word for word in words if plain in word.replace("-", "_").split("_"))
    if is_face:
        yield PERSON
