"""Which way the characters of a paragraph run: the Unicode Bidirectional Algorithm (UAX #9), without shaping.

HarfBuzz draws a run of one direction right by itself, but only in one font; a paragraph that needs several is put in
order here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

DEEPEST = 125
MOST_BRACKETS = 63  # pairs that may be open at once

_STRONG = ("L", "R", "AL")
_ISOLATES = ("LRI", "RLI", "FSI")
_EMBEDDINGS = ("LRE", "RLE", "LRO", "RLO")
_REMOVED = (*_EMBEDDINGS, "PDF", "BN")
_NEUTRAL = ("B", "S", "WS", "ON", *_ISOLATES, "PDI")
_RIGHTWARD = frozenset(("R", "AL", "AN", "RLE", "RLO", "RLI", "FSI", "LRI", "LRE", "LRO"))
_PAIRS = dict(
    zip(
        "([{⁅⁽₍⟦⟨⟪⟬⟮⦃⦅⦇⌈⌊〈《「『【〔〖〘〚（［｛｟｢༺༼᚛❨❪❬❮❰❲❴⟅",
        ")]}⁆⁾₎⟧⟩⟫⟭⟯⦄⦆⦈⌉⌋〉》」』】〕〗〙〛）］｝｠｣༻༽᚜❩❫❭❯❱❳❵⟆",
        strict=True,
    )
)
_CLOSING = {closing: opening for opening, closing in _PAIRS.items()}


def is_right_to_left(text: str) -> bool:
    """Whether a paragraph runs to the left: its first strong character does (rules P2 and P3)."""
    return _first_strong([unicodedata.bidirectional(character) for character in text], 0) == 1


def levels(text: str) -> list[int]:
    """The embedding level of each character of one paragraph; odd ones run to the left."""
    classes = [unicodedata.bidirectional(character) or "L" for character in text]
    if _RIGHTWARD.isdisjoint(classes):
        return [0] * len(text)
    base = _first_strong(classes, 0)
    found, resolved = _explicit(classes, base)
    for sequence in _sequences(classes, found, base):
        sequence.resolve(text, resolved)
    return [_implicit(level, resolved[at]) for at, level in enumerate(_filled(found, classes, base))]


def visual_order(found: Sequence[int]) -> list[int]:
    """The places of items with these levels, from left to right (rule L2)."""
    order = list(range(len(found)))
    odd = [level for level in found if level % 2]
    for level in range(max(found, default=0), min(odd, default=1) - 1, -1):
        at = 0
        while at < len(order):
            end = at
            while end < len(order) and found[order[end]] >= level:
                end += 1
            order[at:end] = reversed(order[at:end])
            at = max(end, at + 1)
    return order


def _first_strong(classes: Sequence[str], start: int) -> int:
    """0 or 1; looks over isolates, and no further than the end of the one that begins before `start`, if any."""
    depth = 0
    for kind in classes[start:]:
        if kind in _ISOLATES:
            depth += 1
        elif kind == "PDI":
            if not depth and start:
                break
            depth = max(0, depth - 1)
        elif kind in _STRONG and not depth:
            return int(kind != "L")
    return 0


@dataclass(slots=True)
class _Embeddings:
    """The stack of rules X1 to X8: level, override and whether it is an isolate."""

    stack: list[tuple[int, str, bool]]
    lost_isolates: int = 0
    lost_embeddings: int = 0
    isolates: int = 0

    @property
    def level(self) -> int:
        return self.stack[-1][0]

    def begin(self, kind: str, rightward: int) -> None:
        level = self.level + 1 + (self.level + 1 + rightward) % 2
        isolate = kind in _ISOLATES
        if level > DEEPEST or self.lost_isolates or self.lost_embeddings:
            self.lost_isolates += isolate
            self.lost_embeddings += not isolate and not self.lost_isolates
            return
        self.isolates += isolate
        self.stack.append((level, {"LRO": "L", "RLO": "R"}.get(kind, ""), isolate))

    def end_isolate(self) -> None:
        if self.lost_isolates:
            self.lost_isolates -= 1
        elif self.isolates:
            self.lost_embeddings = 0
            while not self.stack[-1][2]:
                self.stack.pop()
            self.stack.pop()
            self.isolates -= 1

    def end_embedding(self) -> None:
        if self.lost_isolates:
            return
        if self.lost_embeddings:
            self.lost_embeddings -= 1
        elif not self.stack[-1][2] and len(self.stack) > 1:
            self.stack.pop()


def _explicit(classes: list[str], base: int) -> tuple[list[int | None], list[str]]:
    """Levels, None for what rule X9 removes, and the classes as overrides leave them."""
    embeddings = _Embeddings([(base, "", False)])
    found: list[int | None] = []
    resolved = list(classes)
    for at, kind in enumerate(classes):
        if kind == "PDI":
            embeddings.end_isolate()
        level, override, _ = embeddings.stack[-1]
        found.append(None if kind in _REMOVED else base if kind == "B" else level)
        if override and kind not in (*_REMOVED, "B"):
            resolved[at] = override
        if kind in _ISOLATES or kind in _EMBEDDINGS:
            rightward = _first_strong(classes, at + 1) if kind == "FSI" else int(kind.startswith("R"))
            embeddings.begin(kind, rightward)
        elif kind == "PDF":
            embeddings.end_embedding()
    return found, resolved


def _sequences(classes: list[str], found: list[int | None], base: int) -> Iterator[_Sequence]:
    """The isolating run sequences of rule X10."""
    kept = [at for at, level in enumerate(found) if level is not None]
    runs: list[list[int]] = []
    for at in kept:
        if runs and found[runs[-1][-1]] == found[at]:
            runs[-1].append(at)
        else:
            runs.append([at])
    waiting: list[list[int]] = []  # sequences that end with an isolate which is still open
    done: list[list[int]] = []
    for run in runs:
        closes = classes[run[0]] == "PDI" and waiting and found[waiting[-1][-1]] == found[run[0]]
        sequence = waiting.pop() if closes else []
        if not closes:
            done.append(sequence)
        sequence += run
        if classes[run[-1]] in _ISOLATES:
            waiting.append(sequence)
    position = {at: index for index, at in enumerate(kept)}
    for sequence in done:
        level = found[sequence[0]] or 0
        first, last = position[sequence[0]], position[sequence[-1]]
        before = found[kept[first - 1]] if first else base
        open_end = last + 1 == len(kept) or classes[sequence[-1]] in _ISOLATES
        after = base if open_end else found[kept[last + 1]]
        yield _Sequence(sequence, level, _direction(max(level, before or 0)), _direction(max(level, after or 0)))


def _direction(level: int) -> str:
    return "R" if level % 2 else "L"


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Places of one level that are resolved together, and the directions on either side of them."""

    places: list[int]
    level: int
    before: str
    after: str
    kinds: list[str] = field(default_factory=list)

    def resolve(self, text: str, resolved: list[str]) -> None:
        """Rules W1 to N2; writes into `resolved`."""
        self.kinds[:] = [resolved[at] for at in self.places]
        original = list(self.kinds)
        self._marks()
        self._numbers()
        self._brackets([text[at] for at in self.places], original)
        self._neutrals()
        for at, kind in zip(self.places, self.kinds, strict=True):
            resolved[at] = kind

    def _marks(self) -> None:
        """W1 to W3."""
        kinds, strong = self.kinds, self.before
        for at, kind in enumerate(kinds):
            if kind == "NSM":
                last = kinds[at - 1] if at else self.before
                kinds[at] = "ON" if last in (*_ISOLATES, "PDI") else last
            if kinds[at] in _STRONG:
                strong = kinds[at]
            elif kinds[at] == "EN" and strong == "AL":
                kinds[at] = "AN"
        kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]

    def _numbers(self) -> None:
        """W4 to W7."""
        kinds = self.kinds
        for at in range(1, len(kinds) - 1):
            one, other = kinds[at - 1], kinds[at + 1]
            if one == other and ((kinds[at] == "CS" and one in ("EN", "AN")) or (kinds[at] == "ES" and one == "EN")):
                kinds[at] = one
        for begin, end in _stretches(kinds, ("ET",)):
            if "EN" in (kinds[begin - 1] if begin else "", kinds[end] if end < len(kinds) else ""):
                kinds[begin:end] = ["EN"] * (end - begin)
        strong = self.before
        for at, kind in enumerate(kinds):
            if kind in ("ES", "ET", "CS"):
                kinds[at] = "ON"
            elif kind in ("L", "R"):
                strong = kind
            elif kind == "EN" and strong == "L":
                kinds[at] = "L"

    def _brackets(self, characters: list[str], original: list[str]) -> None:
        """N0: a pair of brackets runs as what it holds does, where that decides."""
        own = _direction(self.level)
        for opening, closing in self._pairs(characters):
            inside = {_strong(kind) for kind in self.kinds[opening + 1 : closing]} - {""}
            if not inside:
                continue
            direction = own
            if own not in inside:
                earlier = (_strong(kind) for kind in reversed(self.kinds[:opening]))
                direction = own if next(filter(None, earlier), self.before) == own else next(iter(inside))
            for at in (opening, closing):
                self.kinds[at] = direction
                after = at + 1
                while after < len(original) and original[after] == "NSM":
                    self.kinds[after] = direction
                    after += 1

    def _pairs(self, characters: list[str]) -> list[tuple[int, int]]:
        waiting: list[int] = []
        pairs = []
        for at, character in enumerate(characters):
            if self.kinds[at] != "ON":
                continue
            if character in _PAIRS:
                if len(waiting) == MOST_BRACKETS:
                    break
                waiting.append(at)
            elif opening := _CLOSING.get(character):
                match = next((place for place in reversed(waiting) if characters[place] == opening), None)
                if match is not None:
                    pairs.append((match, at))
                    del waiting[waiting.index(match) :]
        return sorted(pairs)

    def _neutrals(self) -> None:
        """N1 and N2."""
        kinds = self.kinds
        for begin, end in _stretches(kinds, _NEUTRAL):
            one = _strong(kinds[begin - 1]) if begin else self.before
            other = _strong(kinds[end]) if end < len(kinds) else self.after
            kinds[begin:end] = [one if one == other else _direction(self.level)] * (end - begin)


def _strong(kind: str) -> str:
    """Numbers count as running to the left."""
    return "R" if kind in ("EN", "AN", "R") else "L" if kind == "L" else ""


def _stretches(kinds: list[str], wanted: tuple[str, ...]) -> list[tuple[int, int]]:
    """Begin and end of each longest stretch of these classes."""
    found, begin = [], None
    for at, kind in enumerate([*kinds, ""]):
        if kind in wanted:
            begin = at if begin is None else begin
        elif begin is not None:
            found.append((begin, at))
            begin = None
    return found


def _filled(found: list[int | None], classes: list[str], base: int) -> Iterator[int]:
    """Levels in which what was removed takes that before it."""
    last = base
    for level, kind in zip(found, classes, strict=True):
        last = last if level is None else level
        yield base if kind in ("B", "S") else last


def _implicit(level: int, kind: str) -> int:
    """I1 and I2."""
    if kind in ("EN", "AN"):
        return level + (1 if level % 2 else 2)
    return level + (kind == ("L" if level % 2 else "R"))
