"""Where lines may end, by the rules of UAX #14."""

from __future__ import annotations

import pytest

from transforms.letters.linebreaks import opportunities


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a b", ["a ", "b"]),
        ("well-known  (so) it is.", ["well-", "known  ", "(so) ", "it ", "is."]),
        ("100% of $5.30, -3", ["100% ", "of ", "$5.30, ", "-3"]),
        ("no\u00a0break he\u2060re", ["no\u00a0break ", "he\u2060re"]),
        ("日本語。「はい」", ["日", "本", "語。", "「は", "い」"]),
        ("カー！ッ", ["カー！ッ"]),
        ("안녕 세계", ["안", "녕 ", "세", "계"]),
        ("e\u0301t é", ["e\u0301t ", "é"]),
        ("👨\u200d👩\u200d👧👍🏽🇩🇪🇫🇷", ["👨\u200d👩\u200d👧", "👍🏽", "🇩🇪", "🇫🇷"]),
        ("שלום, עולם", ["שלום, ", "עולם"]),
        ("a/b http://x.y/z", ["a/", "b ", "http://", "x.y/", "z"]),
        ("so\u00adft ze\u200bro", ["so\u00ad", "ft ", "ze\u200b", "ro"]),
        ("(a) [b] {c}", ["(a) ", "[b] ", "{c}"]),
        ("สวัสดี", ["สวัสดี"]),
        ("", []),
    ],
)
def test_opportunities(text: str, parts: list[str]) -> None:
    found, begin = [], 0
    for at in opportunities(text):
        found.append(text[begin:at])
        begin = at
    assert found == parts
