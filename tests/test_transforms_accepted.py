"""Words that are taken: looked up and likened, also where a model has thousands of them."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import accepted, vocabulary
from transforms.accepted import TRIED, Accepted, Listed
from transforms.failure import Failure, nearest
from transforms.gravity import THINGS, things
from transforms.labelled import Label, Thing
from transforms.labels import ALIASES, GROUPS, LABELS
from transforms.pipeline import Pipeline
from transforms.tagging import WORDS
from transforms.vocabulary import Named, Vocabulary

LETTERS = "abcdefghijklmnopqrstuvwxyz _"
SYLLABLES = (
    "ba",
    "do",
    "ker",
    "lo",
    "lum",
    "mi",
    "no",
    "pa",
    "ras",
    "ri",
    "sa",
    "to",
    "wo",
    "tre",
    "gra",
    "sto",
    "lin",
)


def made(number: int) -> list[str]:
    """Labels that no model has."""
    chance, labels = random.Random(6), dict[str, None]()  # noqa: S311 - for a test
    while len(labels) < number:
        labels[" ".join("".join(chance.choices(SYLLABLES, k=3)) for _ in range(chance.randint(1, 2)))] = None
    return list(labels)


def misspelt(words: Iterable[str]) -> Iterator[str]:
    chance = random.Random(7)  # noqa: S311 - for a test
    for word in words:
        letters = list(word)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(letters))
            letters[at : at + chance.randint(0, 1)] = chance.choice(("", *LETTERS))
            letters = letters or ["x"]
        yield "".join(letters)
        yield "".join(chance.choices(LETTERS, k=chance.randint(1, 20)))


@pytest.fixture(scope="module")
def many() -> Vocabulary:
    return Vocabulary((Named("mine", tuple(made(5000)), form="segment"),))


@pytest.fixture
def installed(many: Vocabulary) -> Iterator[Vocabulary]:
    before = vocabulary.current()
    vocabulary.install(many)
    yield many
    vocabulary.install(before)


@pytest.mark.parametrize("words", [(*GROUPS, *LABELS, *ALIASES), tuple(sorted(WORDS)), (*THINGS, *ALIASES)])
def test_of_few_words_the_nearest_is_as_difflib_finds_it(words: tuple[str, ...]) -> None:
    known = Accepted(words[::2], Listed(words[1:100]), also=words)
    for word in misspelt(words):
        assert known.nearest(word) == nearest(word, words), word
        assert known.nearest(word, 0.85) == (close if likeness(word, close := nearest(word, words)) >= 0.85 else None)


def likeness(word: str, close: str | None) -> float:
    return SequenceMatcher(None, close or "", word).ratio() if close else 0.0


@given(st.text(max_size=12), st.lists(st.text(min_size=1, max_size=12), max_size=12))
def test_whatever_the_words_are_written_in(word: str, words: list[str]) -> None:
    assert Accepted(words).nearest(word) == nearest(word, words)


@pytest.mark.parametrize("word", ["", "x" * 8000, "\ud800", "日本", "a\N{COMBINING ACUTE ACCENT}"])
def test_whatever_is_asked_for(word: str) -> None:
    assert Accepted(("dog", "cat"), (), ("",)).nearest(word) is None
    assert Accepted().nearest(word) is None


def test_words_are_told_each_once_and_in_order() -> None:
    known = Accepted(("b", "a"), Listed(["c", "a"]), also=["z"])
    assert (known.words, list(known), len(known)) == (("b", "a", "c"), ["b", "a", "c"], 3)
    assert "c" in known
    assert "z" not in known
    assert None not in known
    assert list(Accepted(["face_mask", "a-face", "surface"]).with_part("face")) == ["face_mask", "a-face"]


def test_of_many_words_but_a_few_are_compared(many: Vocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    class Counted(SequenceMatcher[str]):
        def ratio(self) -> float:
            compared.append(self)
            return super().ratio()

    monkeypatch.setattr(accepted, "SequenceMatcher", Counted)
    known = Accepted(many.named)
    for word in list(many.words)[:50]:
        assert known.nearest(f"{word[:4]}x{word[4:]}") == word
    assert 50 <= len(compared) <= 50 * TRIED / 5
    compared.clear()
    known.nearest("nilotsertasarmulrekodab")  # has letters of all
    assert len(compared) == TRIED


@pytest.mark.usefixtures("installed")
def test_thousands_of_labels_are_words_of_urls(many: Vocabulary) -> None:
    words = list(many.words)[:8]
    assert Pipeline.parse(f"cut-out:{':'.join(words)}").plain
    assert Pipeline.parse(f"crop:100x100,gravity={words[0]}").plain
    assert Label().accepted is Label().accepted
    assert Thing().accepted is Thing().accepted
    assert things() is things()
    for text in ("cut-out:{}", "crop:object={}", "explain:{}", "if:tag({})/blur:1/end"):
        with pytest.raises(Failure) as caught:
            Pipeline.parse(text.format(f"{words[0]}x"))
        assert caught.value.details["nearest"] in (words[0], words[0].replace("_", " "))


def test_what_goes_to_another_process_is_read_there_once(many: Vocabulary) -> None:
    sent = pickle.dumps(many)
    assert pickle.loads(sent) == many  # noqa: S301 - made above
    assert pickle.loads(sent) is pickle.loads(pickle.dumps(many))  # noqa: S301
    assert hash(pickle.loads(sent)) == hash(many)  # noqa: S301
