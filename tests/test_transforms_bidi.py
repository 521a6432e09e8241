"""Order of characters, against the reference that python-bidi is."""

from __future__ import annotations

import unicodedata

import pytest
from bidi import get_display
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.letters import bidi

LETTERS = "abאבجد12٣-+,. $()[]%\u0301\u2066\u2067\u2068\u2069"
_INVISIBLE = str.maketrans("", "", "\u2066\u2067\u2068\u2069")
_ENDS = ("WS", "FSI", "LRI", "RLI", "PDI")


def shown(text: str) -> str:
    """A line as it is seen, brackets unmirrored: with rule L1, which ends of lines need."""
    found = bidi.levels(text)
    for at in range(len(text) - 1, -1, -1):
        if unicodedata.bidirectional(text[at]) not in _ENDS:
            break
        found[at] = int(bidi.is_right_to_left(text))
    return "".join(text[at] for at in bidi.visual_order(found))


def alike(text: str) -> str:
    return text.translate(_INVISIBLE).translate(str.maketrans(")]", "(["))


@settings(max_examples=500, deadline=None)
@given(st.text(LETTERS, min_size=1, max_size=14))
def test_the_order_is_that_of_the_reference(text: str) -> None:
    assert alike(shown(text)) == alike(get_display(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", "abc"), ("אבג", "גבא"), ("abc אבג 12", "abc 12 גבא"), ("אב 12 ab", "ab 12 בא"),
        ("a (אב) ג", "a (בא) ג"), ("x \u202eab\u202c", "x ba"),
    ],
)  # fmt: skip
def test_known_lines(text: str, expected: str) -> None:
    levels = bidi.levels(text)
    seen = "".join(text[at] for at in bidi.visual_order(levels))
    assert seen.replace("\u202e", "").replace("\u202c", "") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abc", False), ("אב", True), ("12 مر", True), ("... a", False), ("", False), ("\u2067א\u2069 a", False)],
)
def test_a_paragraph_runs_as_its_first_letter(text: str, expected: bool) -> None:
    assert bidi.is_right_to_left(text) is expected


def test_deep_nesting_ends() -> None:
    assert len(bidi.levels("\u202e\u202d\u2067" * 600 + "א")) == 1801
    assert len(bidi.levels("א" + "(" * 999 + ")" * 999)) == 1999
