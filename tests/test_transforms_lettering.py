"""Texts as pictures: sizes and places with a font of known blocks, and scripts where there are fonts for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont

from transforms.failure import Failure, Kind
from transforms.image import PixelArray
from transforms.letters import fonts
from transforms.letters import lines as lettering_lines
from transforms.letters.lettering import drawn
from transforms.letters.lines import Paragraph, lines_of
from transforms.letters.writing import MOST_INK, MOST_PIXELS, Writing
from transforms.params import Colour

from .lettered import BLOCKS, font, installed, wants

RARE = "\U0001cf50"  # of a script of musical marks, which no usual font has
RED, BLUE, WHITE = Colour(255, 0, 0), Colour(0, 0, 255), Colour(255, 255, 255)


@pytest.fixture(scope="module", autouse=True)
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("fonts")
    font(
        folder / "blocks.ttf",
        "Blocks",
        {**BLOCKS, "א": (0, 0, 600, 500), "ב": (100, 0, 500, 700), "…": (0, 0, 600, 100)},
    )
    font(folder / "other.ttf", "Others", {RARE: (0, 0, 600, 300)})
    with installed(folder):
        yield folder


def block(words: str, **more: object) -> Writing:
    """100 px: A is 40 wide and 70 high from 10, B 60 wide and 50 high from 0, each leads 60."""
    return replace(Writing(words, font="Blocks", size=100), **more)  # type: ignore[arg-type]


def size(pixels: PixelArray) -> tuple[int, int]:
    return pixels.shape[1], pixels.shape[0]


def columns(pixels: PixelArray, row: int) -> list[tuple[int, int]]:
    """Begin and end of what is more than half covered in a row, from the left."""
    seen = np.concatenate(([0], (pixels[row, :, 3] > 127).astype(int), [0]))
    return [(int(begin), int(end)) for begin, end in np.flatnonzero(np.diff(seen)).reshape(-1, 2)]


@pytest.mark.parametrize(
    ("writing", "expected"),
    [
        (block("A"), (40, 70)), (block("B"), (60, 50)), (block("AB"), (110, 70)), (block("j"), (40, 60)),
        (block("A", size=50), (20, 35)), (block("A\nA"), (40, 170)), (block("A\nA", line_spacing=25), (40, 195)),
        (block("A\nA", line_spacing=-25), (40, 145)), (block("AA", letter_spacing=30), (130, 70)),
        (block("AA", letter_spacing=-20), (80, 70)), (block("A", stroke=5), (50, 80)), (block(" A "), (40, 70)),
        (block("A", trim=False), (60, 100)), (block("AB\nA", trim=False), (120, 200)), (block(" "), (60, 100)),
        (block("A" + RARE), (110, 70)), (block("A\ue000"), (105, 70)),
        (block("BB", underline=True), (120, 65)), (block("B", strikethrough=True), (60, 50)),
    ],
)  # fmt: skip
def test_the_picture_is_as_large_as_its_ink_or_its_lines(writing: Writing, expected: tuple[int, int]) -> None:
    assert size(drawn(writing)) == expected


@pytest.mark.parametrize(
    ("align", "left"), [("left", 0), ("start", 0), ("center", 60), ("right", 120), ("end", 120), ("justify", 0)]
)
def test_lines_are_aligned(align: str, left: int) -> None:
    pixels = drawn(block("BBB\nB", align=align))
    assert columns(pixels, 20) == [(0, 180)]
    assert columns(pixels, 120) == [(left, left + 60)]


@pytest.mark.parametrize(("align", "left"), [("left", 0), ("start", 120), ("right", 120), ("end", 0)])
def test_start_is_the_right_where_a_paragraph_runs_to_the_left(align: str, left: int) -> None:
    assert columns(drawn(block("אאא\nא", align=align)), 120) == [(left, left + 60)]


def test_a_paragraph_runs_as_its_letters_do() -> None:
    # ב is the narrow block: it comes second, which is on the left.
    assert columns(drawn(block("אב")), 40) == [(0, 40), (50, 110)]
    assert columns(drawn(block("Bאב")), 40) == [(0, 60), (70, 110), (120, 180)]
    assert columns(drawn(block("\u202eBA")), 40) == [(0, 40), (50, 110)]


def test_colours() -> None:
    pixels = drawn(block("A", color=RED))
    assert (pixels == RED.bgra).all()
    assert drawn(block("A", color=Colour(1, 2, 3, 128)))[35, 20].tolist() == [3, 2, 1, 128]
    outlined = drawn(block("A", color=WHITE, stroke=10, stroke_color=BLUE))
    assert outlined[45, 5].tolist() == list(BLUE.bgra)
    assert outlined[45, 30].tolist() == list(WHITE.bgra)
    backed = drawn(block("B\nA", background=BLUE, color=WHITE))
    assert backed[0, 0].tolist() == list(WHITE.bgra)
    assert backed[60, 30].tolist() == list(BLUE.bgra)
    assert (backed[:, :, 3] == 255).all()


def test_lines_through_letters_lie_where_the_font_says() -> None:
    under = drawn(block("B", underline=True, stroke=0))
    assert columns(under, 52) == []
    assert columns(under, 60) == [(0, 60)]
    through = drawn(block("A A", strikethrough=True))
    assert columns(through, 40) == [(0, 180)]
    assert columns(through, 60) == [(10, 50), (130, 170)]


def test_what_the_family_lacks_is_made() -> None:
    bold = drawn(block("A", weight=700))
    assert size(bold)[0] in (43, 44)
    italic = drawn(block("A", italic=True))
    assert 53 <= size(italic)[0] <= 56
    assert columns(italic, 2)[0][0] - columns(italic, 67)[0][0] == pytest.approx(65 * 0.21, abs=1.5)


def test_no_antialiasing_knows_no_shades() -> None:
    plain, smooth = (drawn(Writing("aSo", size=33, antialias=kind)) for kind in ("none", "good"))
    assert set(np.unique(plain[:, :, 3])) <= {0, 255}
    assert len(np.unique(smooth[:, :, 3])) > 20


def spans(words: str, width: int, **more: object) -> list[str]:
    writing = block(words, box=(width, None), **more)
    paragraph = Paragraph(words, writing)
    return ["".join(paragraph.clusters[begin:end]) for begin, end in paragraph.wrapped(width)]


@pytest.mark.parametrize(
    ("words", "width", "lines"),
    [
        ("A B A", 180, ["A B", "A"]), ("A B A", 179, ["A", "B", "A"]), ("A  B", 100, ["A", "B"]),
        ("ABA B", 130, ["AB", "A", "B"]), ("ABABA", 125, ["AB", "AB", "A"]), ("ABAB", 10, list("ABAB")),
        ("A ABAB", 180, ["A", "ABA", "B"]), ("A B ", 180, ["A B"]), ("", 60, [""]), ("A", 1, ["A"]),
        ("AB AB", 300, ["AB AB"]), ("   A", 60, ["", "A"]),
    ],
)  # fmt: skip
def test_wrapping(words: str, width: int, lines: list[str]) -> None:
    assert spans(words, width) == lines


def test_no_line_is_wider_than_its_box_and_no_letter_is_lost() -> None:
    words = "The quick brown fox (well-known) jumps over the 日本語 lazy dog Donaudampfschifffahrt"
    for width in (90, 140, 333):
        writing = Writing(words, size=30, box=(width, None))
        lines = lines_of(writing, 34, 34)
        assert all(line.width <= width for line in lines)
        drawn_letters = "".join(run.text for line in lines for run in line.runs)
        assert drawn_letters.replace(" ", "") == words.replace(" ", "")


@pytest.mark.parametrize(("height", "lines"), [(None, 4), (400, 4), (399, 3), (200, 2), (100, 1), (1, 1)])
def test_what_is_too_high_ends_in_an_ellipsis(height: int | None, lines: int) -> None:
    writing = block("AB AB AB AB", box=(150, height))
    found = lines_of(writing, 100, 100)
    assert len(found) == lines
    assert found[-1].runs[-1].text.endswith("…") == (lines < 4)
    assert all(line.width <= 150 for line in found)


def test_an_ellipsis_takes_the_place_of_letters() -> None:
    (line,) = lines_of(block("ABABAB", box=(240, 100)), 100, 100)
    assert "".join(run.text for run in line.runs) == "ABA…"
    (narrow,) = lines_of(block("ABABAB", box=(30, 100)), 100, 100)
    assert "".join(run.text for run in narrow.runs) == "…"


def test_justified_lines_fill_the_box_but_for_the_last() -> None:
    pixels = drawn(block("B B B B", box=(330, None), align="justify"))
    assert columns(pixels, 20) == [(0, 60), (135, 195), (270, 330)]
    assert columns(pixels, 120) == [(0, 60)]


def test_emoji_in_colour() -> None:
    wants("Noto Color Emoji")
    pixels = drawn(Writing("a😀👨\u200d👩\u200d👧", size=60))
    shown = pixels[pixels[:, :, 3] > 200][:, :3].astype(int)
    assert (np.ptp(shown, axis=1) > 100).sum() > 500  # yellow
    one, family = (drawn(Writing(words, size=60)) for words in ("😀", "👨\u200d👩\u200d👧"))
    assert abs(one.shape[1] - family.shape[1]) < 15  # one picture, not three
    assert 55 <= one.shape[0] <= 75
    beside = drawn(Writing("😀😀", size=60, letter_spacing=10, trim=False))
    assert beside.shape[1] == pytest.approx(2 * drawn(Writing("😀", size=60, trim=False)).shape[1] + 10, abs=2)


@pytest.mark.parametrize(
    ("words", "family"),
    [
        ("مرحبا بالعالم", "Noto Sans Arabic"), ("नमस्ते दुनिया", "Noto Sans Devanagari"), ("สวัสดี", "Noto Sans Thai"),
        ("你好世界", "Noto Sans CJK SC"), ("こんにちは世界", "Noto Sans CJK JP"),
        ("안녕하세요 世界", "Noto Sans CJK KR"),
        ("বাংলা", "Noto Sans Bengali"), ("ქართული", "Noto Sans Georgian"),
    ],
)  # fmt: skip
def test_scripts_find_their_fonts(words: str, family: str) -> None:
    wants(family)
    runs = lines_of(Writing(words), 40, 40)[0].runs
    assert {run.style.face.family for run in runs if run.text.strip()} <= {family, "DejaVu Sans"}
    assert len(runs) == 1  # letters that hang together are shaped together
    assert drawn(Writing(words)).shape[1] > 60


def test_joined_letters_are_shaped() -> None:
    """Three letters that join are narrower than three that stand alone; spacing does not tear them."""
    wants("Noto Sans Arabic", "DejaVu Sans")
    joined, alone = (lines_of(Writing(words), 40, 40)[0].width for words in ("ببب", "ب\u200cب\u200cب"))
    assert joined < alone
    assert lines_of(Writing("ببب", letter_spacing=20), 40, 40)[0].width == joined


def test_serifs_fall_back_to_serifs() -> None:
    wants("Noto Serif Devanagari")
    runs = lines_of(Writing("a न", font="Times New Roman"), 40, 40)[0].runs
    assert runs[-1].style.face.family == "Noto Serif Devanagari"


def test_without_shaping_only_simple_scripts_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering_lines, "has_shaping", lambda: False)
    drawn.cache_clear()
    assert drawn(Writing("Höre, мир!")).shape[1] > 50
    for words in ("مرحبا", "שלום", "नमस्ते"):
        with pytest.raises(Failure) as caught:
            drawn(Writing(words))
        assert caught.value.code == "no-text-shaping"
    drawn.cache_clear()


@pytest.mark.parametrize(
    "writing",
    [
        Writing("W" * 30, size=1000), Writing("a\n" * 199, size=1000), Writing("A" * 2000, size=100),
        Writing("a\nb", line_spacing=1000 * 9), Writing("A" * 200, size=1000, box=(4000, None)),
    ],
)  # fmt: skip
def test_what_is_too_large_is_refused_with_its_bounds(writing: Writing) -> None:
    with pytest.raises(Failure) as caught:
        drawn(writing)
    failure = caught.value
    assert (failure.kind, failure.code) == (Kind.BAD_REQUEST, "text-too-large")
    assert failure.details["maximum_pixels"] == MOST_PIXELS
    assert failure.details["maximum_side"] == 8192


def test_the_picture_is_shared_and_nobody_writes_to_it() -> None:
    first = drawn(block("A"))
    assert drawn(block("A")) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 0


@pytest.mark.parametrize(
    "words",
    ["\u200d", "\ufe0f", "\u0301", "a" + "\u0301" * 500, "\u202e" * 50, "\u2066a\u2069", "\t", "\u00ad"],
)  # fmt: skip
def test_characters_without_ink_of_their_own(words: str) -> None:
    pixels = drawn(Writing(words))
    assert pixels.dtype == np.uint8
    assert min(pixels.shape) >= 1


def test_every_size_and_style_of_every_installed_family_is_drawn() -> None:
    for name in fonts.families()[::12]:
        for weight, italic in ((100, False), (900, True)):
            assert drawn(Writing("Ag", font=name, size=11, weight=weight, italic=italic)).shape[2] == 4


@pytest.mark.parametrize(
    "writing",
    [
        Writing("A" * 2000, size=1000, letter_spacing=-1000),
        Writing("A" * 2000, size=60, box=(3000, 4000), stroke=200),
    ],
)
def test_letters_over_each_other_are_refused_with_their_bounds(writing: Writing) -> None:
    with pytest.raises(Failure) as caught:
        drawn(writing)
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "text-too-large")
    assert caught.value.details["letters"] > 1000
    assert caught.value.details["maximum_pixels"] == MOST_INK


def test_lines_without_any_width_have_no_rules() -> None:
    plain = block("\u200d", letter_spacing=1.5)
    assert drawn(replace(plain, underline=True, strikethrough=True)).shape == drawn(plain).shape


@pytest.mark.parametrize("words", ["\u0628" * 1500, "ab" * 600])
def test_a_long_word_is_broken_where_it_would_be_of_itself(words: str) -> None:
    """Each line is as long as can be, however few of its letters are looked at."""
    writing = Writing(words, size=20, box=(90, None))
    paragraph = Paragraph(words, writing)
    spans = paragraph.wrapped(90)
    assert spans[0][0] == 0
    assert all(end == begin for (_, end), (begin, _) in pairwise(spans))
    assert all(paragraph.width(begin, end) <= 90 < paragraph.width(begin, end + 1) for begin, end in spans[:-1])


def test_a_damaged_letter_is_told_as_an_unreadable_font(tmp_path: Path, blocks: Path) -> None:
    path = font(tmp_path / "torn.ttf", "Torn")
    table = TTFont(path).reader.tables["glyf"]
    whole = bytearray(path.read_bytes())
    whole[table.offset : table.offset + table.length] = b"\x00\x7f" * (table.length // 2)  # 127 contours, all the same
    path.write_bytes(whole)
    with installed(tmp_path):
        with pytest.raises(Failure) as caught:
            drawn(Writing("AB", font="Torn"))
        assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "unreadable-font")
        assert "Torn" in caught.value.message
        assert str(tmp_path) not in str(caught.value.details)
    fonts.install([blocks])
