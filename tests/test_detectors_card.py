"""What is said of an operator's model: characters that nobody would see, and settings that it makes no use of."""

from __future__ import annotations

import pytest

from detectors.adding import Wish, add, set_up
from detectors.card import card_of
from detectors.manifest import PUBLISHED

from .fabricated import LABELS, WHEAT, fabricated, own, refused

CARDS = {"file": "a.onnx", "sha256": "0" * 64, "form": "detect", "labels": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("MIT\x07", "U+0007"),
        ("MIT\nX", "U+000A"),
        ("a\u202eb", "U+202E"),
        ("a\u2028b", "U+2028"),
        ("a\u0085b", "U+0085"),
        ("a\x7f", "U+007F"),
        ("\ufeffwheat", "U+FEFF"),
        ("a\udcffb", "U+DCFF"),
        ("a\u200db", "U+200D"),
        ("a\u200bb", "U+200B"),
    ],
)
@pytest.mark.parametrize("key", ["licence", "version", "labels", "names", "arch", "source", "url"])
def test_what_nobody_would_see_is_named_and_refused(store, file, untried, key, text, point):
    said = {"labels": ("a", text), "names": {"weed": text}}.get(key, text)
    failures = [refused(card_of, "crops", {**CARDS, key: said})]
    if key not in ("url", "arch"):
        failures.append(refused(add, store, file, Wish("crops", **{key: said})))
        assert store.own() == ()
    for failure in failures:
        assert failure.code == "model-settings-malformed"
        assert f"it holds {point} (" in failure.message
        assert failure.message.isprintable()
    own(store.folder, "good", LABELS, WHEAT, side=64)
    if key in ("licence", "names"):
        assert point in refused(set_up, store, Wish("good", **{key: said})).message


@pytest.mark.parametrize("label", ["👩‍🌾", "می‌خواهم", "क्‍ष", "ന്‍", "épi de blé", "小麦", "цветок", "👍🏽"])
def test_what_scripts_need_is_taken(label):
    assert card_of("crops", {**CARDS, "labels": [label]}).labels == (label,)


IDLE = [
    ("topk", 3, "only of classifiers, and its form is detect"),
    ("scores", "sigmoid", "torchvision and timm, and its backend is yolo"),
    ("preprocess", {"size": 96}, "torchvision and timm, and its backend is yolo"),
    ("arch", "resnet18", "torchvision and timm, and its backend is yolo"),
]


@pytest.mark.parametrize(("key", "value", "says"), IDLE)
def test_what_a_model_makes_no_use_of_is_refused(store, file, untried, key, value, says):
    assert says in refused(add, store, file, Wish("crops", **{key: value})).message
    shown = f'arch = "{value}"' if key == "arch" else f"{key} = {value!r}".replace("{'size': 96}", "{size = 96}")
    own(store.folder, "mine", LABELS, WHEAT, side=64, more=f"{shown}\n")
    [problem] = store.refused()
    assert (problem.name, problem.code) == ("mine", "model-settings-malformed")
    assert says in problem.why
    if key != "arch":
        add(store, file, Wish("crops"))
        for name in ("crops", "yolo11n"):
            failure = refused(set_up, store, Wish(name, **{key: value}))
            assert says in failure.message
            assert failure.details == {"model": name, "key": key}


def test_a_classifier_of_yolo_is_told_how_many_labels_and_no_more(store, tmp_path, untried):
    file = fabricated(tmp_path / "best.onnx", LABELS, WHEAT, form="classify", side=64)
    assert add(store, file, Wish("plants", topk=3)).topk == 3
    assert "scores" in refused(set_up, store, Wish("plants", scores="sigmoid")).message


def test_a_published_model_s_licence_is_set_as_the_docs_say(store):
    set_up(store, Wish("yolo11n", licence="Enterprise"))
    assert store.known()["yolo11n"].licence == "Enterprise" != PUBLISHED["yolo11n"].licence
