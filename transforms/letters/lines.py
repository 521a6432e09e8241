"""From words to lines: which characters go together, in which font and direction each runs, and where lines end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import regex
from PIL import features

from ..failure import Failure, Kind
from . import bidi, fonts
from .emoji import advance_of
from .faces import opened
from .fonts import Style
from .linebreaks import opportunities
from .writing import Writing

ELLIPSIS = "…"
_TO_RIGHT, _TO_LEFT, _POP = "\u202d", "\u202e", "\u202c"  # override the direction of letters, and end that
_OVERRIDES = frozenset((_TO_RIGHT, _TO_LEFT))

_CLUSTER = regex.compile(r"\X")
_IGNORABLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}\s]")
_EMOJI = regex.compile(r"\p{Emoji_Presentation}|\p{Emoji}\uFE0F|\p{Regional_Indicator}|[0-9#*]\uFE0F?\u20E3")
_NEUTRAL = regex.compile(r"[\p{Z}\p{P}]+")
# Letters that join their neighbours: nothing may come between them.
_JOINED = regex.compile(
    r"[\p{Arabic}\p{Syriac}\p{Mongolian}\p{Nko}\p{Mandaic}\p{Adlam}\p{Hanifi_Rohingya}\p{Sogdian}"
    r"\p{Devanagari}\p{Bengali}\p{Gurmukhi}]"
)  # fmt: skip
# What the basic layout draws as well as HarfBuzz does, but for kerning and ligatures.
_SIMPLE = regex.compile(
    r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Armenian}\p{Georgian}\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}"
    r"\p{Common}\p{Inherited}\uAC00-\uD7A3]*"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one direction, drawn with one face; `gap` is room behind them."""

    text: str
    style: Style
    backward: bool
    joined: bool
    gap: float = 0

    @property
    def direction(self) -> str | None:
        return None if not has_shaping() else "rtl" if self.backward else "ltr"


@dataclass(frozen=True, slots=True)
class Line:
    """Runs from left to right, how wide they are together, and whether the paragraph runs to the left."""

    runs: tuple[Run, ...]
    width: float
    backward: bool


@cache
def has_shaping() -> bool:
    return bool(features.check("raqm"))


def check_shaping(words: str) -> None:
    """Raises Failure no-text-shaping where letters would be drawn apart, or in the wrong order."""
    if not has_shaping() and not _SIMPLE.fullmatch(words):
        raise Failure(
            Kind.NOT_IMPLEMENTED, "no-text-shaping", "this server cannot draw this script: its Pillow lacks Raqm",
            hint="Pillow's own wheels have it",
        )  # fmt: skip


def lines_of(writing: Writing, pitch: float, height: float) -> list[Line]:
    """All lines: one for each of the words', or wrapped in the box. `height` is of one line, `pitch` from one to the
    next; what does not fit into the box's height is left out, and an ellipsis says so."""
    check_shaping(writing.words)
    paragraphs = [Paragraph(text, writing) for text in writing.words.expandtabs(4).split("\n")]
    if writing.box is None:
        return [paragraph.line(0, paragraph.count) for paragraph in paragraphs]
    width, room = writing.box
    spans = [(paragraph, *span) for paragraph in paragraphs for span in paragraph.wrapped(width)]
    most = len(spans) if room is None else max(1, int((room - height) // pitch) + 1 if pitch > 0 else len(spans))
    shown = [
        paragraph.justified(begin, end, width)
        if writing.align == "justify" and end < paragraph.count
        else paragraph.line(begin, end)
        for paragraph, begin, end in spans[: most if len(spans) <= most else most - 1]
    ]
    if len(spans) > most:
        paragraph, begin, _ = spans[most - 1]
        shown.append(paragraph.shortened(begin, width, writing))
    return shown


class Paragraph:
    """Words up to the end of a line that was written; places are counted in grapheme clusters."""

    def __init__(self, text: str, writing: Writing) -> None:
        self.text = text
        self.writing = writing
        self.clusters: list[str] = _CLUSTER.findall(text)
        self.count = len(self.clusters)
        self.backward = bidi.is_right_to_left(text)

    @cached_property
    def _starts(self) -> list[int]:
        """Where each cluster begins, and where the last one ends."""
        starts = [0]
        for cluster in self.clusters:
            starts.append(starts[-1] + len(cluster))
        return starts

    @cached_property
    def _levels(self) -> list[int]:
        found = bidi.levels(self.text)
        return [found[start] for start in self._starts[:-1]]

    @cached_property
    def _styles(self) -> list[Style]:
        wanted = fonts.find(self.writing.font, self.writing.weight, self.writing.italic)
        first = _preferred(self.writing.words)
        styles: list[Style] = []
        for cluster in self.clusters:
            last = styles[-1] if styles else wanted
            styles.append(_style_of(cluster, wanted, last, first))
        return styles

    def line(self, begin: int, end: int, gaps: frozenset[int] = frozenset(), gap: float = 0) -> Line:
        """The clusters from `begin` to `end` as they are drawn, `gap` behind each that is in `gaps`."""
        runs = list(self._runs(begin, end, gaps, gap))
        levels = [level for _, level in runs]
        shown = tuple(runs[at][0] for at in bidi.visual_order(levels))
        width = sum(self._width_of(run) for run in shown)
        behind = 0.0 if not shown or shown[-1].joined else self.writing.letter_spacing  # nothing stands there
        return Line(shown, max(0.0, width - behind), self.backward)

    def _runs(self, begin: int, end: int, gaps: frozenset[int], gap: float) -> Iterator[tuple[Run, int]]:
        apart = self.writing.letter_spacing != 0
        joined = [apart and bool(_JOINED.search(cluster)) for cluster in self.clusters[begin:end]]
        first = begin
        for at in range(begin + 1, end + 1):
            alike = at < end and (self._styles[at], self._levels[at], joined[at - begin]) == (
                self._styles[first], self._levels[first], joined[first - begin],
            )  # fmt: skip
            if not alike or at - 1 in gaps:
                level = self._levels[first]
                text = self._forced("".join(self.clusters[first:at]), level)
                behind = gap if at - 1 in gaps else 0.0
                yield Run(text, self._styles[first], level % 2 == 1, joined[first - begin], behind), level
                first = at

    def _forced(self, text: str, level: int) -> str:
        """A run in which Raqm finds the direction again that it has, where that is not its letters' own."""
        if _OVERRIDES.isdisjoint(self.text):
            return text
        return f"{_TO_LEFT if level % 2 else _TO_RIGHT}{text}{_POP}"

    def _width_of(self, run: Run) -> float:
        return advance(run, self.writing) + run.gap

    def width(self, begin: int, end: int) -> float:
        return sum(self._width_of(run) for run, _ in self._runs(begin, end, frozenset(), 0))

    @cached_property
    def _breaks(self) -> list[int]:
        """Where lines may end, the paragraph's end last."""
        places = {start: at for at, start in enumerate(self._starts)}
        return [places[at] for at in opportunities(self.text) if at in places]

    def _without_spaces(self, begin: int, end: int) -> int:
        while end > begin and self.clusters[end - 1].isspace():
            end -= 1
        return end

    def wrapped(self, width: float) -> list[tuple[int, int]]:
        """Begin and end of each line, spaces at ends left out; a word that is too long is broken anywhere."""
        spans: list[tuple[int, int]] = []
        begin = start = 0  # of the line, and of the word
        taken = 0.0
        for stop in self._breaks:
            shown = self.width(start, self._without_spaces(start, stop))
            if start > begin and taken + shown > width:
                spans.append((begin, self._without_spaces(begin, start)))
                begin, taken = start, 0.0
            if start == begin and shown > width:
                broken = self._broken(begin, self._without_spaces(begin, stop), width)
                spans += broken[:-1]
                begin = broken[-1][0]
            taken += self.width(max(begin, start), stop)
            start = stop
        spans.append((begin, self._without_spaces(begin, start)))
        return spans

    def _broken(self, begin: int, end: int, width: float) -> list[tuple[int, int]]:
        """A word that is wider than the box, in parts that are not."""
        parts = []
        while (at := self._fitting(begin, end, width)) < end:
            parts.append((begin, at))
            begin = at
        return [*parts, (begin, end)]

    def _fitting(self, begin: int, end: int, width: float) -> int:
        """How far a line from `begin` goes at most: one cluster, or all that fit.

        Looked for in the next few first: all that follows would be measured anew for each line.
        """
        reach = 2
        while begin + reach < end and self.width(begin, begin + reach) <= width:
            reach *= 2
        ends = range(begin + 2, min(begin + reach, end) + 1)
        return min(end, begin + 1) + bisect_right(ends, width, key=lambda end: self.width(begin, end))

    def justified(self, begin: int, end: int, width: float) -> Line:
        """A line as wide as the box: its spaces share what is left, or all places where it might end."""
        plain = self.line(begin, end)
        spaces = [at for at in range(begin, end - 1) if self.clusters[at].isspace()]
        gaps = spaces or [at - 1 for at in self._breaks if begin < at < end]
        left = width - plain.width
        if not gaps or left <= 0:
            return plain
        line = self.line(begin, end, frozenset(gaps), left / len(gaps))
        return Line(line.runs, width, line.backward)

    def shortened(self, begin: int, width: float, writing: Writing) -> Line:
        """The line from `begin` with an ellipsis, and as much before it as fits."""
        end = self._without_spaces(begin, self._fitting(begin, self.count, width)) if begin < self.count else begin
        while True:
            short = Paragraph("".join(self.clusters[begin:end]) + ELLIPSIS, writing)
            short.backward = self.backward
            if end <= begin or short.width(0, short.count) <= width:
                return short.line(0, short.count)
            end = self._without_spaces(begin, end - 1)


def _style_of(cluster: str, wanted: Style, last: Style, first: tuple[str, ...]) -> Style:
    characters = _IGNORABLE.sub("", cluster)
    colour = bool(_EMOJI.match(cluster)) and "\ufe0e" not in cluster
    if not characters:
        return wanted if last.face.strikes else last
    if _NEUTRAL.fullmatch(cluster) and last != wanted and not last.face.strikes:
        # Spaces and stops between words of one script stay in its font, so that a run is not torn.
        return last if fonts.style_for(characters, last) == last else fonts.style_for(characters, wanted, first)
    return fonts.style_for(characters, wanted, first, colour)


_KANA, _HANGUL = regex.compile(r"[\p{Hiragana}\p{Katakana}]"), regex.compile(r"\p{Hangul}")


def _preferred(words: str) -> tuple[str, ...]:
    """The families of Chinese characters, whose shapes differ by language: the script beside them tells it."""
    order = ["SC", "JP", "KR", "TC", "HK"]
    own = "JP" if _KANA.search(words) else "KR" if _HANGUL.search(words) else "SC"
    order.sort(key=lambda language: language != own)
    return tuple(f"Noto {kind} CJK {language}" for language in order for kind in ("Sans", "Serif"))


def advance(run: Run, writing: Writing) -> float:
    """How far a run leads, in pixels."""
    if run.style.face.strikes:
        return sum(step for _, step in emoji_in(run, writing))
    if writing.letter_spacing and not run.joined:
        return sum(width for _, width in spaced(run, writing))
    return _length(run.text, run, writing)


def emoji_in(run: Run, writing: Writing) -> list[tuple[str, float]]:
    """The emoji of a run from left to right, and how far each leads."""
    face, size = run.style.face, writing.size
    each = [
        (cluster, max(0.0, advance_of(cluster, face, size) + writing.letter_spacing))
        for cluster in _CLUSTER.findall(run.text)
    ]
    return each[::-1] if run.backward else each


def _length(text: str, run: Run, writing: Writing) -> float:
    font = opened(run.style.face, writing.size, run.style.weight)
    return font.getlength(text, direction=run.direction)


def spaced(run: Run, writing: Writing) -> list[tuple[str, float]]:
    """The clusters of a run from left to right, and how far each leads, kerning and letter spacing included."""
    clusters = _CLUSTER.findall(run.text)
    alone = [_length(cluster, run, writing) for cluster in clusters]
    widths = [
        _length(clusters[at] + clusters[at + 1], run, writing) - alone[at + 1] if at + 1 < len(clusters) else alone[at]
        for at in range(len(clusters))
    ]
    each = [
        (cluster, max(0.0, width + writing.letter_spacing)) for cluster, width in zip(clusters, widths, strict=True)
    ]
    return each[::-1] if run.backward else each
