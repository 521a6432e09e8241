"""Gravity: how it is written, what it asks detectors for, and where it puts a window."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.manifest import COCO
from transforms.attention import best_window, by_gravity, closeup, eyes_for, eyes_then, subject_of
from transforms.failure import Failure
from transforms.gravity import Focus, Gravity, search_of
from transforms.image import Box, Found, Region, Saliency, Size
from transforms.labels import ALIASES, GROUPS, LABELS, labels_of

from .steps import face, thing

PICTURE = Size(1000, 1000)
ANY = Gravity()
CAT, DOG = thing("cat", 0.05, 0.4, 0.2, 0.2), thing("dog", 0.7, 0.4, 0.25, 0.25)
TABLE = thing("dining table", 0.4, 0.5, 0.2, 0.2)
FACE = face(0.5, 0.1, 0.1, 0.1)
ALL_KINDS = {"faces", "objects", "saliency"}


# How it is written


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("north_east", "north_east"),
        ("center", "center"),
        ("0.50:0.3", "0.5:0.3"),
        ("0.0:1.0", "0.0:1.0"),
        ("0:1", "0:1"),
        ("120:80", "120:80"),
        ("face", "face"),
        ("face:center", "face"),
        ("faces:auto", "faces:auto"),
        ("cat:dog:center", "cat:dog"),
        ("cat:dining_table:auto", "cat:dining_table:auto"),
        ("cat:auto:face", "cat:auto"),
        ("cat:dog:auto:microwave_30:bicycle_avoid", "cat:dog:auto:microwave_30:bicycle_avoid"),
        ("auto", "auto"),
        ("auto:face", "auto"),
        ("auto:faces:subject", "auto"),
        ("auto:subject:cat", "auto:cat"),
        ("auto:face:cat", "auto:face:cat"),
        ("auto:person_100:cat_avoid", "auto:person:cat_avoid"),
        ("auto:hot_dog_0:sports_ball", "auto:hot_dog_0:sports_ball"),
        ("auto:classic", "auto:none"),
        ("auto:cat:no_faces", "auto:no_faces:cat"),
        ("auto:text_avoid", "auto:text_avoid"),
        ("vehicle:body:text", "vehicle:body:text"),
        ("sofa", "couch"),
        ("Mobile Phone:lorry:Cat", "cell_phone:truck:cat"),
        ("auto:plane_30:dog", "auto:airplane_30:dog"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    value = ANY.parse(text)
    assert ANY.print(value) == canonical
    assert ANY.parse(canonical) == value


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("catt", "'cat'"),
        ("cat:dgo", "'dog'"),
        ("nort", "'north'"),
        ("motorbiek", "'motorbike'"),
        ("cutlery", "'fork' or 'knife'"),
        ("cat:cutlery", "'fork' or 'knife'"),
        ("lorry:truck", "once"),
        ("auto:persn_30", "'person'"),
        ("auto:cat_101", None),
        ("auto:cat_many", None),
        ("auto:10", None),
        ("autocat", None),
        ("cat:north", None),
        ("cat:cat", "once"),
        ("auto:cat:cat_avoid", "once"),
        ("auto:none:no_faces", "one of them"),
        ("cat_30", None),
        ("center:cat", None),
        ("0.5:1", "decimal point"),
        ("1.5:0.5", "decimal point"),
        ("-1:0", "whole pixels"),
        ("", None),
        ("cat:", None),
        (":auto", None),
    ],
)
def test_what_is_refused_and_how(text: str, hint: str | None) -> None:
    with pytest.raises(Failure) as caught:
        ANY.parse(text)
    assert caught.value.code == "bad-argument"
    assert caught.value.message.startswith(f"{text!r} is not ")
    assert hint is None or hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("kind", "text", "fine"),
    [
        (Gravity(things=False, auto=False), "north", True),
        (Gravity(things=False, auto=False), "face", False),
        (Gravity(things=False, auto=False), "auto", False),
        (Gravity(places=False, auto=False), "cat:auto", True),
        (Gravity(places=False, auto=False), "auto", False),
        (Gravity(places=False, auto=False), "0.5:0.5", False),
        (Gravity(places=False, things=False), "auto:cat", True),
        (Gravity(places=False, things=False), "cat:auto", False),
        (Gravity(places=False, things=False), "center", False),
    ],
)
def test_not_everything_has_a_meaning_everywhere(kind: Gravity, text: str, fine: bool) -> None:
    if fine:
        assert kind.parse(text) == text
    else:
        with pytest.raises(Failure):
            kind.parse(text)


def test_labels_are_those_of_the_detector() -> None:
    assert {label.replace("_", " ") for label in LABELS} == set(COCO)
    assert frozenset().union(*GROUPS.values()) == set(LABELS) - {"person"}
    assert set(ALIASES.values()) == set(LABELS)
    assert labels_of("body") == {"person"}
    assert labels_of("dining_table") == {"dining table"}
    assert "hot dog" in labels_of("food")


@pytest.mark.parametrize(
    ("spelling", "label"),
    [
        ("motorbike", "motorcycle"), ("aeroplane", "airplane"), ("sofa", "couch"), ("tvmonitor", "tv"),
        ("pottedplant", "potted_plant"), ("diningtable", "dining_table"), ("cellphone", "cell_phone"),
        ("stopsign", "stop_sign"), ("parkingmeter", "parking_meter"), ("firehydrant", "fire_hydrant"),
        ("sportsball", "sports_ball"), ("baseballbat", "baseball_bat"), ("baseballglove", "baseball_glove"),
        ("tennisracket", "tennis_racket"), ("hotdog", "hot_dog"), ("teddy_bear", "teddy_bear"), ("cat", "cat"),
    ],
)  # fmt: skip
def test_other_spellings(spelling: str, label: str) -> None:
    assert ALIASES[spelling] == label


# What is asked


@pytest.mark.parametrize(
    ("gravity", "first", "then"),
    [
        ("north", set(), set()),
        (Focus(3, 4), set(), set()),
        (None, set(), set()),
        ("face", {"largest-face"}, {"faces"}),
        ("faces", {"faces"}, {"faces"}),
        ("face:auto", {"largest-face"}, ALL_KINDS),
        ("cat", {"objects"}, {"objects"}),
        ("cat:dog:auto", {"objects"}, ALL_KINDS | {"objects"}),
        ("cat:face", {"objects"}, {"faces"}),
        ("cat:dog:face:text", {"objects"}, {"faces", "text"}),
        ("text:cat", {"text"}, {"objects"}),
        ("body", {"objects"}, {"objects"}),
        ("auto", ALL_KINDS, set()),
        ("auto:cat", ALL_KINDS, set()),
        ("auto:no_faces", {"objects", "saliency"}, set()),
        ("auto:none", {"saliency"}, set()),
        ("auto:none:face", {"saliency", "faces"}, set()),
        ("auto:text_avoid", ALL_KINDS | {"text"}, set()),
    ],
)
def test_only_what_is_needed_is_asked(gravity: str | Focus | None, first: set[str], then: set[str]) -> None:
    assert eyes_for(gravity) == first
    assert eyes_then(gravity, Found()) - first == then - first


@pytest.mark.parametrize(
    ("gravity", "region"),
    [
        ("face:auto", face(0.1, 0.1, 0.2, 0.2, by="largest-face")),
        ("cat:face:auto", CAT),
        ("cat:dog:auto", DOG),  # one look at objects decides both
        ("animal:text", DOG),
    ],
)
def test_nothing_more_is_asked_once_something_is_found(gravity: str, region: Region) -> None:
    assert eyes_then(gravity, Found(regions=(region,))) == set()


# Where the window is


def at(gravity: str | Focus, *regions: Region, width: float = 0.3, height: float = 0.3) -> tuple[float, float]:
    """The middle of the window."""
    return by_gravity(gravity, width, height, Found(regions=regions), PICTURE).centre


@pytest.mark.parametrize(
    ("gravity", "expected"),
    [
        ("cat", CAT),
        ("dog:cat", DOG),
        ("horse:cat:dog", CAT),
        ("animal", DOG),  # the larger one
        ("dining_table", TABLE),
        ("furniture", TABLE),
        ("face:cat", FACE),
        ("text:cat", CAT),  # nothing that could find writing answers
        ("horse:auto:cat", CAT),
    ],
)
def test_the_first_thing_that_is_found(gravity: str, expected: Region) -> None:
    x, y = at(gravity, CAT, DOG, TABLE, FACE)
    wanted = expected.box.centre
    assert (x, y) == pytest.approx((max(0.15, min(wanted[0], 0.85)), max(0.15, wanted[1])), abs=0.06)


def test_nothing_found_is_the_middle() -> None:
    assert at("horse", CAT) == pytest.approx((0.5, 0.5))
    assert at("cat", thing("cat", 0.1, 0.1, 0.2, 0.2, score=0.39)) == pytest.approx((0.5, 0.5))
    assert at("text", CAT) == pytest.approx((0.5, 0.5))


def test_points_are_of_the_picture_or_fractions() -> None:
    assert at(Focus(300, 700)) == pytest.approx((0.3, 0.7))
    assert at(Focus(0.3, 0.7)) == pytest.approx((0.3, 0.7))
    assert at(Focus(5000, 0)) == pytest.approx((0.85, 0.15))


def test_a_body_that_does_not_fit_keeps_its_head() -> None:
    tall = thing("person", 0.4, 0.05, 0.2, 0.9)
    window = by_gravity("body", 0.3, 0.3, Found(regions=(tall,)), PICTURE)
    assert window.y <= 0.05
    assert window.bottom >= 0.05 + 0.2


def test_a_closeup_of_a_body_that_does_not_fit_keeps_its_head() -> None:
    tall = thing("person", 0.4, 0.05, 0.2, 0.9)
    window = closeup([tall], 1.0, 0.3, zoom=1.0)
    assert (window.width, window.height) == pytest.approx((1.0, 0.3))
    assert window.y <= 0.05


@pytest.mark.parametrize("gravity", ["auto:person", "auto:person_100:cat_20", "auto:body"])
def test_a_named_body_that_does_not_fit_keeps_its_head(gravity: str) -> None:
    tall = thing("person", 0.4, 0.2, 0.2, 0.7)
    search = search_of(gravity)
    assert search
    assert search.auto
    window = best_window(Found(regions=(tall,)), 1.0, 0.3, search.auto)
    assert window.y <= 0.2
    assert window.bottom >= 0.2 + 0.2


# Wishes


def window(gravity: str, *regions: Region, width: float = 0.3, saliency: Saliency | None = None) -> Box:
    search = search_of(gravity)
    assert search
    assert search.auto
    return best_window(Found(regions=regions, saliency=saliency), width, 1.0, search.auto)


def holds(box: Box, region: Region) -> bool:
    return box.x <= region.box.x + 1e-9 and box.right >= region.box.right - 1e-9


def share(box: Box, region: Region) -> float:
    return max(0.0, min(box.right, region.box.right) - max(box.x, region.box.x)) / region.box.width


@pytest.mark.parametrize("label", ["cat", "dog"])
def test_what_is_named_matters_most(label: str) -> None:
    crowd = [face(0.4 + 0.03 * i, 0.1, 0.05, 0.1) for i in range(4)]
    named = CAT if label == "cat" else DOG
    assert not holds(window("auto", CAT, DOG, *crowd), named)
    assert holds(window(f"auto:{label}", CAT, DOG, *crowd), named)


def test_several_that_are_named_fit_in_together_or_the_heavier_one_does() -> None:
    both = window("auto:cat:dog", CAT, DOG, width=0.99)
    assert holds(both, CAT)
    assert holds(both, DOG)
    assert holds(window("auto:cat_80:dog_20", CAT, DOG), CAT)
    assert holds(window("auto:cat_20:dog_80", CAT, DOG), DOG)


def test_the_largest_face_counts_like_fifty() -> None:
    assert holds(window("auto:cat_40", CAT, FACE), FACE)
    assert holds(window("auto:cat_60", CAT, FACE), CAT)


def test_weight_zero_counts_for_nothing() -> None:
    small = thing("horse", 0.02, 0.4, 0.05, 0.05)
    assert holds(window("auto:dog_0", small, DOG), small)
    assert not holds(window("auto", small, DOG), small)


@pytest.mark.parametrize("gravity", ["auto:dog_avoid", "auto:animal_avoid:cat", "auto:dog_avoid:no_faces"])
def test_what_is_to_be_avoided_stays_out(gravity: str) -> None:
    striking = np.zeros((10, 100), np.uint8)
    striking[:, 60:] = 255
    shown = window(gravity, CAT, DOG, saliency=Saliency(striking), width=0.5)
    assert share(shown, DOG) == 0
    if "cat" in gravity:
        assert holds(shown, CAT)


def test_avoided_as_far_as_possible() -> None:
    beside = thing("dog", 0.1, 0.3, 0.2, 0.3)
    shown = window("auto:cat:dog_avoid", thing("cat", 0.35, 0.3, 0.2, 0.3), beside, width=0.4)
    assert share(shown, beside) == 0
    assert holds(window("auto:dog_avoid", DOG, width=1.0), DOG)  # no room


def test_the_face_of_somebody_avoided_is_avoided_too() -> None:
    somebody = thing("person", 0.6, 0.1, 0.3, 0.9)
    shown = window("auto:person_avoid", somebody, face(0.7, 0.15, 0.1, 0.15))
    assert share(shown, somebody) == 0


def test_no_faces_and_none() -> None:
    striking = np.zeros((10, 100), np.uint8)
    striking[:, 45:52] = 255
    everything = (face(0.05, 0.1, 0.15, 0.3), thing("dog", 0.68, 0.2, 0.28, 0.7))
    assert holds(window("auto", *everything, saliency=Saliency(striking)), everything[0])
    assert holds(window("auto:no_faces", *everything, saliency=Saliency(striking)), everything[1])
    assert abs(window("auto:none", *everything, saliency=Saliency(striking)).centre[0] - 0.485) < 0.1
    assert holds(window("auto:none:face", *everything, saliency=Saliency(striking)), everything[0])


def test_the_subject_is_what_is_named_or_what_weighs() -> None:
    speck = thing("bottle", 0.9, 0.9, 0.01, 0.01)
    box = subject_of(Found(regions=(CAT, speck)))
    assert box
    assert box.right < 0.5
    named = subject_of(Found(regions=(CAT, DOG)), search_of("auto:dog").auto)  # type: ignore[union-attr,arg-type]
    assert named
    assert named.x > 0.5
    assert subject_of(Found()) is None


# What a window is worth


@pytest.mark.parametrize("width", [0.3, 0.34, 0.4])
def test_a_face_is_in_or_out(width: float) -> None:
    """Three as large: the window has room for two, and never cuts the third."""
    row = [face(0.1, 0.4, 0.1, 0.1), face(0.35, 0.4, 0.1, 0.1), face(0.52, 0.4, 0.1, 0.1)]
    shown = window("auto", *row, width=width)
    shares = [share(shown, one) for one in row]
    assert shares == pytest.approx([0, 1, 1])


def test_two_faces_a_little_smaller_are_worth_more_than_the_largest() -> None:
    largest, pair = face(0.05, 0.3, 0.12, 0.12), [face(0.6, 0.3, 0.1, 0.1), face(0.75, 0.3, 0.1, 0.1)]
    assert all(holds(window("auto", largest, *pair, width=0.35), one) for one in pair)
    assert holds(window("auto", largest, pair[0], width=0.35), largest)


def test_a_face_that_no_person_has_and_that_is_not_sure_counts_little() -> None:
    somebody = [thing("person", 0.6, 0.2, 0.2, 0.7), face(0.65, 0.22, 0.08, 0.1, 0.75)]
    shown = window("auto", face(0.05, 0.3, 0.15, 0.2, 0.72), *somebody)
    assert holds(shown, somebody[1])
    assert holds(window("auto", face(0.05, 0.3, 0.15, 0.2, 0.9), *somebody), face(0.05, 0.3, 0.15, 0.2))


def test_the_largest_object_outweighs_several_smaller_ones() -> None:
    bus, crowd = thing("bus", 0.02, 0.3, 0.25, 0.3), [thing("bottle", 0.6 + 0.07 * i, 0.4, 0.06, 0.2) for i in range(4)]
    assert holds(window("auto", bus, *crowd), bus)


@pytest.mark.parametrize("second", ["truck", "bus"])
def test_two_names_for_one_place_make_it_likely(second: str) -> None:
    found = [thing("car", 0.7, 0.3, 0.2, 0.3, 0.3), thing(second, 0.7, 0.31, 0.2, 0.3, 0.25)]
    assert abs(window("auto", found[0]).centre[0] - 0.5) < 0.01
    assert holds(window("auto", *found), found[0])
    apart = thing(second, 0.02, 0.31, 0.2, 0.3, 0.25)
    assert abs(window("auto", found[0], apart).centre[0] - 0.5) < 0.01


@pytest.mark.parametrize("label", ["giraffe", "dog", "person"])
def test_a_tall_body_keeps_its_head(label: str) -> None:
    tall = thing(label, 0.3, 0.1, 0.4, 0.85)
    shown = best_window(Found(regions=(tall,)), 1.0, 0.4)
    assert shown.y <= 0.1
    assert shown.bottom >= 0.1 + 0.3


def test_what_has_no_head_keeps_its_middle() -> None:
    shown = best_window(Found(regions=(thing("bottle", 0.3, 0.1, 0.4, 0.85),)), 1.0, 0.4)
    assert shown.centre[1] == pytest.approx(0.525, abs=0.02)


def test_a_face_that_only_just_fits_is_kept_whole() -> None:
    large = face(0.413, 0.2, 0.298, 0.5)
    assert holds(window("auto", large, thing("person", 0.0, 0.0, 0.9, 1.0), width=0.3), large)
    too_large = face(0.413, 0.2, 0.31, 0.5)
    assert window("auto", too_large, width=0.3).centre[0] == pytest.approx(0.568, abs=0.01)


def test_many_things_take_no_longer_than_they_must() -> None:
    crowd = [thing("person", 0.01 * i, 0.3, 0.02, 0.2) for i in range(95)]
    assert 0 <= best_window(Found(regions=tuple(crowd)), 0.4, 0.4).x <= 0.6
