"""Gravity as a parameter type: what a cut or a placement holds on to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal, NoReturn

from . import vocabulary
from .accepted import Accepted
from .failure import Failure, bad_argument
from .labels import ALIASES, GROUPS, LABELS
from .numbers import WHOLE, decimal
from .otherwise import otherwise
from .places import MAX_SIDE, Length, pixels_of, print_length
from .vocabulary import Vocabulary, word_of


@dataclass(frozen=True, slots=True)
class Focus:
    """A point of the picture to keep: both whole pixels of the incoming picture, or both fractions of it."""

    x: Length
    y: Length

    def within(self, width: int, height: int) -> tuple[float, float]:
        """The point in fractions of a picture of that many pixels."""
        return pixels_of(self.x, width) / width, pixels_of(self.y, height) / height


Compass = {
    "north_west": (0.0, 0.0), "north": (0.5, 0.0), "north_east": (1.0, 0.0),
    "west": (0.0, 0.5), "center": (0.5, 0.5), "east": (1.0, 0.5),
    "south_west": (0.0, 1.0), "south": (0.5, 1.0), "south_east": (1.0, 1.0),
}  # fmt: skip
"""Where each compass word lies: fractions of the free room, from the top left corner."""

THINGS = ("face", "faces", "body", "text", *GROUPS, *LABELS)
"""What can be looked for: the largest face, all of them, a person, writing, an object of one of these labels."""


def things() -> Accepted:
    """All that can be looked for: THINGS, what one of the operator's models finds, and labels of these."""
    return _things(vocabulary.current())


@lru_cache(16)
def _things(own: Vocabulary, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Accepted:
    """The same with other words."""
    return Accepted(before, THINGS, own.names, own.named, after, also=ALIASES)


def thing_of(text: str) -> str | None:
    """What a word looks for, as `things` writes it: `Truck`, `lorry` and `truck` are one. None of what is none."""
    known, word = things(), word_of(text)
    words = (text, word, ALIASES.get(word)) if text.strip("_") == text else (text,)  # cat_ lacks its weight
    return next((thing for thing in words if thing in known), None)


_BASES = {"no_faces": "no_faces", "none": "none", "classic": "none"}
_USUAL = ("face", "faces", "subject")  # what `auto` prefers anyway


@dataclass(frozen=True, slots=True)
class Wish:
    """How much a thing matters to `auto`: a weight from 0 to 100, or None to keep it out."""

    thing: str
    weight: int | None = 100

    def __str__(self) -> str:
        match self.weight:
            case None:
                return f"{self.thing}_avoid"
            case 100:
                return self.thing
        return f"{self.thing}_{self.weight}"


@dataclass(frozen=True)
class Wishes:
    """What `auto` goes by: faces, objects and what catches the eye; not faces (no_faces), or the last alone (none)."""

    base: Literal["all", "no_faces", "none"] = "all"
    things: tuple[Wish, ...] = ()

    @cached_property
    def weights(self) -> dict[str, int | None]:
        return {wish.thing: wish.weight for wish in self.things}

    def __str__(self) -> str:
        return ":".join(["auto", *([] if self.base == "all" else [self.base]), *map(str, self.things)])


@dataclass(frozen=True)
class Search:
    """Things to look for, the first that is found to be held on to; then `auto` with its wishes, or else the middle."""

    things: tuple[str, ...] = ()
    auto: Wishes | None = None

    def __str__(self) -> str:
        return ":".join([*self.things, *([str(self.auto)] if self.auto else [])])


def search_of(gravity: str | Focus | None) -> Search | None:
    """What is to be looked for; None for places, which need no detector. Raises Failure bad-argument."""
    if gravity is None or isinstance(gravity, Focus) or gravity in Compass:
        return None
    return _search(gravity, vocabulary.current())


@lru_cache(1024)
def _search(gravity: str, _: Vocabulary) -> Search:
    """Remembered with the words by which it was read."""
    wanted, words = gravity.split(":"), list[str]()
    auto = "auto" in wanted
    if auto:
        at = wanted.index("auto")
        wanted, words = wanted[:at], wanted[at + 1 :]
    elif wanted[-1] == "center":
        wanted.pop()
    found = [thing_of(word) or _refused(word, ("auto", "center")) for word in wanted]
    return Search(tuple(_each_once(found)), _wishes(words) if auto else None)


def _wishes(words: list[str]) -> Wishes:
    bases = list(dict.fromkeys(_BASES[word] for word in words if word in _BASES))
    if len(bases) > 1:
        raise bad_argument("no_faces and none say two different things", hint="write one of them")
    named = [_wish(word) for word in words if word not in _BASES and word != "subject"]
    _each_once([wish.thing for wish in named])
    if not bases and all(str(wish) in _USUAL for wish in named):
        named = []
    return Wishes(bases[0] if bases else "all", tuple(named))  # type: ignore[arg-type]


def _wish(text: str) -> Wish:
    whole = thing_of(text)
    if whole:
        return Wish(whole)
    word, _, weight = text.rpartition("_")
    thing = word and thing_of(word)
    if not thing:
        weighted = word and (weight == "avoid" or weight.isdecimal())
        _refused(word if weighted else text, (*_BASES, "subject"))
    if weight == "avoid":
        return Wish(thing, None)
    if not (WHOLE.fullmatch(weight) and 0 <= int(weight) <= 100):
        raise bad_argument(f"{weight!r} is not a weight from 0 to 100, nor avoid", minimum=0, maximum=100)
    return Wish(thing, int(weight))


def _each_once(named: list[str]) -> list[str]:
    twice = next((thing for thing in named if named.count(thing) > 1), None)
    if twice is not None:
        raise bad_argument(f"{twice} is named twice", hint="name it once")
    return named


def _refused(word: str, more: tuple[str, ...]) -> NoReturn:
    """Raises Failure of a word that is nothing to be looked for, nor one of some more."""
    known = _things(vocabulary.current(), after=more)
    message = f"{word!r} is nothing that can be looked for"
    if instead := otherwise(word, known):
        raise bad_argument(message, hint=instead.hint, word=word, nearest=next(iter(instead.nearest), None))
    close = known.nearest(word_of(word))
    raise bad_argument(message, hint=f"did you mean {close!r}?" if close else None, word=word, nearest=close)


@dataclass(frozen=True)
class Gravity:
    """What a cut or a placement holds on to: a compass word, a point `x:y`, or what a detector finds.

    Values are a Focus, or the canonical text of everything else, which `search_of` reads.
    """

    places: bool = True  # whether compass words and points may be named
    things: bool = True  # whether face, cat and the like may
    auto: bool = True  # whether auto may stand alone

    most: ClassVar[int] = MAX_SIDE * 8

    @property
    def words(self) -> tuple[str, ...]:
        """The words that may stand alone."""
        return self._accepted.words

    @property
    def _accepted(self) -> Accepted:
        places, auto = tuple(Compass) if self.places else (), ("auto",) if self.auto else ()
        return _things(vocabulary.current(), places, auto) if self.things else Accepted(places, auto)

    def parse(self, text: str) -> str | Focus:
        if self.places and text in Compass:
            return text
        focus = self._focus(text) if self.places else None
        if focus:
            return focus
        try:
            return self._searched(text)
        except Failure as failure:
            why = "" if self._is_point(text) or not (self.things or self.auto) else f": {failure.message}"
            hint, details = self._instead(text, failure)
            raise bad_argument(f"{text!r} is not {self.describe()}{why}", hint=hint, **details) from None

    def _instead(self, text: str, failure: Failure) -> tuple[str | None, dict[str, Any]]:
        """What to write in the place of a text, and the details that go with it: both name the same word."""
        if self.places and self._is_point(text):
            return "write both as whole pixels (120:80), or both with a decimal point (0.5:1.0)", failure.details
        close = failure.details.get("nearest")
        guessed = failure.hint is None or failure.hint == f"did you mean {close!r}?"
        if failure.hint and (not guessed or ":" in text or not self.places):
            return failure.hint, failure.details
        close = self._accepted.nearest(text)
        return (f"did you mean {close!r}?" if close else None), {**failure.details, "nearest": close}

    @staticmethod
    def _is_point(text: str) -> bool:
        return all(decimal(part) is not None for part in text.split(":"))

    def _searched(self, text: str) -> str:
        search = search_of(text)
        if search is None or (search.things and not self.things) or not (search.things or self.auto):
            raise bad_argument(f"{text} has no meaning here")
        return str(search)

    def _focus(self, text: str) -> Focus | None:
        first, colon, second = text.partition(":")
        x, y = (decimal(first), decimal(second)) if colon else (None, None)
        if x is None or y is None or x < 0 or y < 0:
            return None
        if WHOLE.fullmatch(first) and WHOLE.fullmatch(second):
            return Focus(int(x), int(y)) if max(x, y) <= self.most else None
        both = "." in first and "." in second
        return Focus(x + 0.0, y + 0.0) if both and max(x, y) <= 1 else None

    def print(self, value: str | Focus) -> str:
        return value if isinstance(value, str) else f"{print_length(value.x)}:{print_length(value.y)}"

    def describe(self) -> str:
        return ", or ".join(self._kinds())

    def _kinds(self) -> Iterator[str]:
        if self.places:
            yield "one of " + ", ".join(Compass)
            yield f"a point x:y in pixels from 0 to {self.most} or in fractions from 0.0 to 1.0"
        if self.things:
            yield "what to look for, in turn (face, faces, body, text, an object such as cat), auto or center last"
        if self.auto:
            yield "auto, which may be told what matters (auto:cat_80:person_avoid:no_faces)"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "gravity", "x-words": list(self.words)}

    def beyond(self) -> tuple[str, ...]:
        outside = ("1.01:0.0", "0.0:1.01", "0.5:1", "-1:0", f"0:{self.most + 1}") if self.places else ("north", "0:0")
        astray = ("face",) if not self.things else ("cat:nothing", "cat:cat")
        return (*outside, *astray, "nowhere", *(("auto:cat_101", "auto:no") if self.auto else ("auto",)))
