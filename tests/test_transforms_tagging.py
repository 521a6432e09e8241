"""Tags from what was found: each word once, counted, with what follows from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detectors import moderation
from detectors.colours import NAMED
from detectors.manifest import MODERATION
from transforms.failure import Failure
from transforms.image import Found, Region, Swatch, Tag
from transforms.labels import LABELS, SYNONYMS
from transforms.meaning import asked_for, asked_for_all, looked_for, meant
from transforms.tagging import BARCODES, COLOURS, MATRICES, PARENTS, TRAITS, UNSAFE, UNTOLD, tags_of
from transforms.vocabulary import NOTHING, Named, Vocabulary, folded, install, word_of, written_alike

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
        (Found((of("subject", by="matte"),)), []),
        (Found((of("line", by="text:words"), of("text", by="text:words"))), [("text", 0.8, 2)]),
        (Found(tags=(Tag("dark", 0.7, "traits"),)), [("dark", 0.7, None)]),
        (Found((of("clock"),), (Tag("clock", 0.99, "scene"),)), [("clock", 0.8, 1)]),
        (Found((of("Wheat Head", 0.6, "crops"), of("wheat_head", 0.7, "fields"))), [("wheat_head", 0.7, 1)]),
        (Found((of("Dog", 0.9, "crops"), of("dog")), (Tag("DOG", 0.99, "scene"),)), [("dog", 0.9, 1)]),
        (
            Found((of("anus-exposed", by="moderation"),) * 2, (Tag("anus-exposed", 0.8, "moderation"),)),
            [("anus-exposed", 0.8, 2)],
        ),
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
        ("lorry", "truck", "synonym", 1, 0.4, "related"),
        ("truck", "", "", 1, 0.4, "crops"),
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
    assert set(UNSAFE) == set(moderation.UNSAFE)
    assert {*UNSAFE, *UNTOLD} == set(MODERATION[0].labels)
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
        ("ean-13", {"codes"}), ("barcode", {"codes"}), ("text", {"text"}),
        *((name, {"moderation"}) for name in UNSAFE), *((name, {"traits"}) for name in TRAITS),
    ],
)  # fmt: skip
def test_a_word_asks_no_more_than_who_could_say_it(word: str, kinds: set[str]) -> None:
    assert asked_for({word}) == kinds
    assert meant(word) == word


def test_a_strangers_word_asks_everybody() -> None:
    assert asked_for({"beach"}) == asked_for_all() == {"faces", "objects", "colors", "traits", "codes"}


@pytest.fixture
def own() -> Iterator[None]:
    crops = Named("crops", ("UPPER Case", "wheat_head", "a/b", "c:d", "x,y", "50%", "🐕", "dog"))
    shy = Named("shy", ("Leaf Rust", "UPPER_CASE"), tags=False)
    install(Vocabulary((crops, shy, Named("smells", ("rose",), tags=False))))
    yield
    install(NOTHING)


@pytest.mark.parametrize(
    ("text", "plain", "word"),
    [
        ("Cell_Phone", "cell phone", "cell_phone"), ("  a__b \t c ", "a b c", "a_b_c"), ("a/b", "a b", "a_b"),
        ("c:d", "c d", "c_d"), ("x, y", "x y", "x_y"), ("50%", "50%", "50"), ("cafe\u0301", "café", "café"),
        ("qr-code", "qr-code", "qr-code"), ("'q'", "'q'", "q"), ("*", "*", ""), ("日本", "日本", "日本"),
        ("tench, Tinca tinca", "tench tinca tinca", "tench_tinca_tinca"),
    ],
)  # fmt: skip
def test_one_way_to_compare_words_and_one_to_write_them(text: str, plain: str, word: str) -> None:
    assert (folded(text), word_of(text)) == (plain, word)
    assert folded(plain) == plain
    assert word_of(word) == word


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("written", "tag", "kinds"),
    [
        ("upper_case", "upper case", {"crops"}), ("UPPER Case", "upper case", {"crops"}), ("a/b", "a b", {"crops"}),
        ("a_b", "a b", {"crops"}), ("50", "50%", {"crops"}), ("🐕", "🐕", {"crops"}), ("c:d", "c d", {"crops"}),
        ("leaf_rust", "leaf rust", {"shy"}), ("ROSE", "rose", {"smells"}), ("Dog", "dog", {"objects", "crops"}),
        ("Female-Breast-Exposed", "female-breast-exposed", {"moderation"}),
    ],
)  # fmt: skip
def test_who_knows_a_word_is_asked_however_it_is_written(written: str, tag: str, kinds: set[str]) -> None:
    assert meant(written) == looked_for(written) == tag
    assert asked_for({written}) >= kinds
    assert asked_for({tag}) == kinds


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("femal-breast-exposed", "female-breast-exposed"), ("leaf rus", "Leaf Rust"), ("wheat heads", "wheat_head"),
        ("belly-exposed", "male-genitalia-exposed"), ("persn", "person"),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_is_refused_in_every_spelling(word: str, near: str) -> None:
    for read in (meant, looked_for):
        with pytest.raises(Failure) as caught:
            read(word)
        assert (caught.value.code, bool(caught.value.details["nearest"])) == ("unknown-tag", True)
        if read is looked_for and not word.startswith("belly"):
            assert caught.value.details["nearest"] == near


def test_words_that_were_put_to_pictures_by_hand_are_looked_for_in_lists_alone() -> None:
    for word in ("sale", "in stock", "beach"):
        assert looked_for(word) == word
        with pytest.raises(Failure):
            meant(word)


def test_a_plug_in_that_names_no_labels_may_know_any_word() -> None:
    install(Vocabulary((Named("smells", (), tags=False),)))
    try:
        assert meant("reddish") == "reddish"
        assert asked_for({"reddish"}) == {*asked_for_all(), "smells"}
    finally:
        install(NOTHING)


def test_labels_that_urls_cannot_tell_apart() -> None:
    alike, nameless = written_alike(["a/b", "c", "A b", "*", "C++", "dog"])
    assert alike == [("a/b", "A b"), ("c", "C++")]
    assert nameless == ["*"]


def test_words_of_older_and_newer_versions_are_read() -> None:
    rows = [("crops", ["wheat"], True, 640), ("fields", ["oat"], False, 320, "detect", "more")]
    words = Vocabulary.read(rows)
    assert words.models == (Named("crops", ("wheat",)), Named("fields", ("oat",), False, 320, "detect"))
    assert [one.masks for one in words.models] == [True, False]
    assert Vocabulary.read(words.rows) == words
