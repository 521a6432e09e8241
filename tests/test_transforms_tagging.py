"""Tags from what was found: each word once, counted, with what follows from it."""

from __future__ import annotations

import pytest

from detectors.colours import NAMED
from transforms.image import Found, Region, Swatch, Tag
from transforms.labels import LABELS
from transforms.tagging import (
    BARCODES,
    COLOURS,
    MATRICES,
    PARENTS,
    SYNONYMS,
    TRAITS,
    asked_for,
    asked_for_all,
    meant,
    tags_of,
)

from .steps import face, thing


def of(label: str, score: float = 0.8, by: str = "objects", *, sure: bool = True) -> Region:
    region = thing(label, 0.1, 0.1, 0.2, 0.2, score)
    return Region(region.label, score, region.box, by=by, sure=sure)


def said(found: Found, confidence: float | None = None, *, related: bool = True) -> list[tuple[str, float, int | None]]:
    return [(one.tag.name, one.tag.score, one.count) for one in tags_of(found, confidence, related=related)]


FACE = face(0.2, 0.2, 0.1, 0.1)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Found(), []),
        (Found((of("clock"), of("clock", 0.9))), [("clock", 0.9, 2)]),
        (Found((of("clock", 0.3, sure=False),)), []),
        (Found((of("clock"), of("clock", 0.7, "masks"), of("clock", 0.7, "masks"))), [("clock", 0.8, 2)]),
        (Found((FACE,)), [("face", 0.9, 1), ("person", 0.9, 1)]),
        (Found((FACE, of("person"))), [("face", 0.9, 1), ("person", 0.8, 1)]),
        (Found((FACE, FACE, of("person"))), [("face", 0.9, 2), ("person", 0.8, 2)]),
        (Found((FACE, of("person"), of("person"))), [("face", 0.9, 1), ("person", 0.8, 2)]),
        (Found((of("belly-covered", by="moderation"), face(0, 0, 1, 1, by="all-faces"))), []),
        (Found((of("line", by="text:words"), of("text", by="text:words"))), [("text", 0.8, 2)]),
        (Found(tags=(Tag("dark", 0.7, "traits"),)), [("dark", 0.7, None)]),
        (Found((of("clock"),), (Tag("clock", 0.99, "scene"),)), [("clock", 0.8, 1)]),
    ],
)  # fmt: skip
def test_each_word_once_with_its_best_score_and_number(found: Found, expected: list[tuple[str, float, int]]) -> None:
    assert said(found, related=False) == expected


def test_a_given_confidence_decides_alone() -> None:
    found = Found((of("clock", 0.3, sure=False), of("vase", 0.5)), (Tag("dark", 0.6, "traits"),),
                  (Swatch("#ff0000", "red", 0.05), Swatch("#0000ff", "blue", 0.4)))  # fmt: skip
    assert said(found) == [("dark", 0.6, None), ("vase", 0.5, 1), ("blue", 0.4, None)]
    assert said(found, 0.05) == [
        ("dark", 0.6, None), ("vase", 0.5, 1), ("blue", 0.4, None), ("clock", 0.3, 1), ("red", 0.05, None),
    ]  # fmt: skip
    assert said(found, 0.55) == [("dark", 0.6, None)]


def test_what_follows_says_from_what_and_how() -> None:
    found = Found((of("car", 0.7), of("car", 0.6), of("bus", 0.9), of("couch", 0.5), of("Truck", 0.4, "crops")))
    assert [(one.tag.name, one.tag.of, one.how, one.count, one.tag.score, one.tag.by) for one in tags_of(found)] == [
        ("bus", "", "", 1, 0.9, "objects"),
        ("vehicle", "bus", "parent", 4, 0.9, "related"),
        ("car", "", "", 2, 0.7, "objects"),
        ("couch", "", "", 1, 0.5, "objects"),
        ("furniture", "couch", "parent", 1, 0.5, "related"),
        ("sofa", "couch", "synonym", 1, 0.5, "related"),
        ("Truck", "", "", 1, 0.4, "crops"),
        ("lorry", "Truck", "synonym", 1, 0.4, "related"),
    ]


def test_what_a_model_says_itself_does_not_follow() -> None:
    found = Found((of("car", 0.7), of("vehicle", 0.5, "crops")))
    assert [(one.tag.name, one.tag.of) for one in tags_of(found)] == [("car", ""), ("vehicle", "")]


def test_a_fruit_and_a_colour_share_a_word() -> None:
    found = Found((of("orange", 0.6),), colors=(Swatch("#ffa500", "orange", 0.2), Swatch("#ff8228", "orange", 0.1)))
    assert [
        (one.tag.name, one.tag.by, round(one.tag.score, 3), one.count) for one in tags_of(found, related=False)
    ] == [
        ("orange", "objects", 0.6, 1),
        ("orange", "colors", 0.3, None),
    ]


def test_the_order_hangs_on_nothing_else() -> None:
    regions = (of("car", 0.7), of("bus", 0.7), of("dog", 0.7), FACE)
    assert tags_of(Found(regions)) == tags_of(Found(regions[::-1]))


def test_tables_speak_of_labels_that_there_are() -> None:
    labels = {label.replace("_", " ") for label in LABELS} | {*BARCODES, *MATRICES}
    assert PARENTS.keys() <= labels
    assert SYNONYMS.keys() <= labels
    words = [word for words in SYNONYMS.values() for word in words]
    assert len(words) == len(set(words))
    assert not labels & set(words)
    assert not set(words) & {parent for parents in PARENTS.values() for parent in parents}


def test_words_of_detectors_are_the_detectors_own() -> None:
    assert set(COLOURS) == set(NAMED)
    codes = pytest.importorskip("detectors.codes", reason="zxing-cpp is not installed")
    assert {*BARCODES, *MATRICES} == set(codes.LABELS.values())


@pytest.mark.parametrize("name", ["potted plant", "bench", "sink", "kite", "book"])
def test_supercategories_that_would_be_wrong_are_no_tags(name: str) -> None:
    wrong = {"furniture", "outdoor", "indoor", "appliance", "kitchen", "sports equipment"}
    assert not wrong & {one.tag.name for one in tags_of(Found((of(name),)))}


@pytest.mark.parametrize(
    ("word", "kinds"),
    [
        ("dog", {"objects"}), ("sofa", {"objects"}), ("vehicle", {"objects"}), ("person", {"objects", "faces"}),
        ("human", {"objects", "faces"}), ("face", {"faces"}), ("orange", {"objects", "colors"}), ("red", {"colors"}),
        ("ean-13", {"codes"}), ("barcode", {"codes"}), ("text", {"text"}), *((name, {"traits"}) for name in TRAITS),
    ],
)  # fmt: skip
def test_a_word_asks_no_more_than_who_could_say_it(word: str, kinds: set[str]) -> None:
    assert asked_for({word}) == kinds
    assert meant(word) == word


def test_a_strangers_word_asks_everybody() -> None:
    assert asked_for({"beach"}) == asked_for_all() == {"faces", "objects", "colors", "traits", "codes"}
