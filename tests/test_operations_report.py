"""auto-tag, info and getinfo: JSON in exactly the form that clients rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from transforms.encode import encode
from transforms.failure import Failure, Kind
from transforms.geometry import cut, flipped, placed, resampled
from transforms.hues import WHITE
from transforms.image import Box, Found, Image, Missing, Probe, Region, Scale, Size, Swatch, Tag
from transforms.orientation import to_stored
from transforms.output import Client, Encoding, Output, Past, Report
from transforms.pipeline import Step
from transforms.registry import find, operations
from transforms.vocabulary import NOTHING, Named, Vocabulary, install

from .steps import PROBE, face, plain, thing

PERSON, DOG, FACE = (
    thing("person", 0.1, 0.2, 0.3, 0.4, 0.87654321),
    thing("dog", 0.5, 0.5, 0.2, 0.2, 0.5),
    face(0.2, 0.2, 0.1, 0.1),
)
SWATCH = Swatch("#336699", "steel blue", 0.4321987)


def report(text: str, found: Found, probe: Probe = PROBE, scale: Scale = Scale()) -> dict[str, Any]:  # noqa: B008 - frozen
    step = Step.parse(text)
    have = {Found: found, Probe: probe, Scale: scale}
    given = {name: have[kind] for name, kind in step.operation.injected}
    result = step.operation.apply(plain(64, 48, 0), **step.arguments, **given)
    assert isinstance(result, Report)
    return result.content


QR = Region(
    "qr-code", 1.0, Box(0.5, 0.5, 0.1, 0.1), (("corner_1", 0.5, 0.5), ("corner_2", 0.6, 0.5)), "codes",
    text='<a href="//x">',
)  # fmt: skip


def test_the_whole_form() -> None:
    found = Found(
        (DOG, PERSON, FACE, QR), (Tag("landscape", 1.0, "traits"), Tag("dark", 0.71237, "traits")), (SWATCH,),
        models=(("objects", "yolo11n@0123"), ("faces", "yunet@4567")),
    )  # fmt: skip
    content = report("auto-tag", found)
    assert json.loads(json.dumps(content)) == content
    assert content == {
        "tags": [
            {"tag": "landscape", "confidence": 1.0, "by": "traits"},
            {"tag": "qr-code", "confidence": 1.0, "by": "codes", "count": 1},
            {"tag": "face", "confidence": 0.9, "by": "faces", "count": 1},
            {"tag": "human", "confidence": 0.8765, "by": "related", "count": 1, "of": "person", "kind": "synonym"},
            {"tag": "person", "confidence": 0.8765, "by": "objects", "count": 1},
            {"tag": "dark", "confidence": 0.7124, "by": "traits"},
            {"tag": "animal", "confidence": 0.5, "by": "related", "count": 1, "of": "dog", "kind": "parent"},
            {"tag": "dog", "confidence": 0.5, "by": "objects", "count": 1},
            {"tag": "steel blue", "confidence": 0.4322, "by": "colors"},
        ],
        "objects": [
            {"label": "person", "confidence": 0.8765, "box": {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4},
             "by": "objects"},
            {"label": "dog", "confidence": 0.5, "box": {"x": 0.5, "y": 0.5, "width": 0.2, "height": 0.2},
             "by": "objects"},
        ],
        "faces": [
            {
                "confidence": 0.9,
                "box": {"x": 0.2, "y": 0.2, "width": 0.1, "height": 0.1},
                "landmarks": {"nose": {"x": 0.25, "y": 0.25}},
            }
        ],
        "codes": [
            {
                "label": "qr-code",
                "confidence": 1.0,
                "box": {"x": 0.5, "y": 0.5, "width": 0.1, "height": 0.1},
                "points": {"corner_1": {"x": 0.5, "y": 0.5}, "corner_2": {"x": 0.6, "y": 0.5}},
                "text": '<a href="//x">',
            }
        ],
        "traits": [{"trait": "landscape", "confidence": 1.0}, {"trait": "dark", "confidence": 0.7124}],
        "colors": [{"hex": "#336699", "name": "steel blue", "share": 0.4322}],
        "image": {"width": 64, "height": 48, "format": "jpeg", "bytes": 12345, "frames": 1},
        "models": {"objects": "yolo11n@0123", "faces": "yunet@4567"},
        "missing": [],
    }  # fmt: skip


def needs(text: str) -> set[str]:
    return set(Step.parse(text).needs)


@pytest.mark.parametrize(
    ("text", "kinds", "lists"),
    [
        ("auto-tag", {"objects", "faces", "codes", "traits", "colors"},
         {"objects", "faces", "codes", "traits", "colors"}),
        ("auto-tag:faces", {"faces"}, {"faces"}),
        ("auto-tag:codes:text", {"codes", "text:words"}, {"codes", "text"}),
        ("auto-tag:moderation", {"moderation"}, {"moderation"}),
        ("auto-tag:masks", {"masks"}, {"objects"}),
        ("auto-tag:traits,confidence=0.5", {"traits"}, {"traits"}),
    ],
)  # fmt: skip
def test_what_is_asked_and_answered(text: str, kinds: set[str], lists: set[str]) -> None:
    assert needs(text) == kinds
    assert report(text, Found()).keys() - {"tags", "image", "models", "missing"} == lists
    assert str(Step.parse(text)) == text


def test_the_operators_models_are_asked_by_name_and_those_that_tag_without_it() -> None:
    install(Vocabulary((Named("crops", ("wheat",)), Named("cars", ("hubcap",), tags=False))))
    try:
        assert needs("auto-tag") == {"objects", "faces", "codes", "traits", "colors", "crops"}
        assert needs("auto-tag:cars:crops") == {"cars", "crops"}
        wheat = replace(DOG, label="wheat", by="crops")
        content = report("auto-tag:crops", Found((wheat,)))
        assert [(at["label"], at["by"]) for at in content["objects"]] == [("wheat", "crops")]
        assert [(tag["tag"], tag["by"]) for tag in content["tags"]] == [("wheat", "crops")]
        assert refusal("auto-tag:crosp").details["nearest"] == "crops"
    finally:
        install(NOTHING)


def test_a_refusal_lists_no_more_than_a_few_models() -> None:
    install(Vocabulary(tuple(Named(f"model-{number}", ("wheat",)) for number in range(30))))
    try:
        failure, argument = refusal("auto-tag:strange"), operations()["auto-tag"].arguments[0]
        assert "model-3, …" in failure.message
        assert "model-4" not in failure.message
        assert argument.type.schema()["x-words"][-1] == "model-29"
    finally:
        install(NOTHING)


def refusal(text: str) -> Failure:
    with pytest.raises(Failure) as caught:
        Step.parse(text)
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "bad-argument")
    return caught.value


@pytest.mark.parametrize(
    ("text", "close"),
    [("auto-tag:object", "objects"), ("auto-tag:faces:colours", "colors"), ("auto-tag:0.5", None),
     ("auto-tag:saliency", None), ("auto-tag:faces:faces", None), ("auto-tag:all-faces", None)],
)  # fmt: skip
def test_what_is_no_model_is_refused_with_the_nearest(text: str, close: str | None) -> None:
    failure = refusal(text)
    if close:
        assert failure.details["nearest"] == close
        assert close in (failure.hint or "")


def test_what_moderation_found_and_what_of_it_is_unsafe() -> None:
    regions = tuple(replace(DOG, label=label, by="moderation") for label in ("belly-exposed", "buttocks-exposed"))
    content = report("auto-tag:moderation", Found(regions, (Tag("buttocks-exposed", 0.5, "moderation"),)))
    assert [(at["label"], at["unsafe"]) for at in content["moderation"]] == [
        ("belly-exposed", False), ("buttocks-exposed", True),
    ]  # fmt: skip
    assert [(tag["tag"], tag["count"]) for tag in content["tags"]] == [("buttocks-exposed", 1)]


def test_what_is_written() -> None:
    """By the name that it is asked by, which the lists of models and of what is missing have too."""
    line = replace(DOG, label="text", by="text:words", text="Stop 10%")
    content = report("auto-tag:text", Found((line,), models=(("text:words", "pp@1"),)))
    assert content["models"] == {"text": "pp@1"}
    missing = report("auto-tag:text", Found(missing=(Missing("text:words", "pp", "pip install"),)))["missing"]
    assert missing == [{"detector": "text", "model": "pp", "how": "pip install"}]
    assert [at["text"] for at in content["text"]] == ["Stop 10%"]
    assert content["tags"] == [{"tag": "text", "confidence": 0.5, "by": "text", "count": 1}]


def tags(text: str, *regions: Region, more: tuple[Tag, ...] = ()) -> list[tuple[str, float, str]]:
    content = report(f"{text},related=false" if ":" in text else "auto-tag:related=false", Found(regions, more))
    return [(tag["tag"], tag["confidence"], tag["by"]) for tag in content["tags"]]


def test_a_face_is_a_person_unless_objects_say_so() -> None:
    assert tags("auto-tag", FACE) == [("face", 0.9, "faces"), ("person", 0.9, "faces")]
    assert tags("auto-tag", FACE, PERSON) == [("face", 0.9, "faces"), ("person", 0.8765, "objects")]
    assert tags("auto-tag:confidence=0.88", FACE, PERSON) == [("face", 0.9, "faces"), ("person", 0.9, "faces")]


def test_a_tag_is_given_once_with_its_best_confidence() -> None:
    dogs = [thing("dog", 0, 0, 0.1, 0.1, score) for score in (0.5, 0.9, 0.7)]
    assert tags("auto-tag", *dogs) == [("dog", 0.9, "objects")]
    content = report("auto-tag", Found(tuple(dogs)))
    assert [at["confidence"] for at in content["objects"]] == [0.9, 0.7, 0.5]
    assert content["tags"][0]["count"] == 3


def test_what_counts_is_what_is_sure_or_what_reaches_a_given_confidence() -> None:
    dogs = [thing("dog", 0, 0, 0.1, 0.1, 0.3), thing("cat", 0, 0, 0.1, 0.1, 0.4)]
    dogs.append(replace(thing("bird", 0, 0, 0.1, 0.1, 0.2), sure=True))  # whose threshold is lower
    assert tags("auto-tag", *dogs) == [("cat", 0.4, "objects"), ("bird", 0.2, "objects")]
    assert tags("auto-tag:confidence=0.3", *dogs) == [("cat", 0.4, "objects"), ("dog", 0.3, "objects")]
    assert tags("auto-tag:confidence=1", *dogs) == []


def test_tags_of_other_detectors_are_told_apart() -> None:
    scene = (Tag("beach", 0.6, "scene"), Tag("dog", 0.99, "scene"))
    assert tags("auto-tag", DOG, more=scene) == [("beach", 0.6, "scene"), ("dog", 0.5, "objects")]


def test_what_is_missing_is_said_and_the_rest_is_there() -> None:
    gone = Missing("objects", "yolo11n", "darkroom models pull yolo11n")
    content = report("auto-tag", Found((FACE,), colors=(SWATCH,), missing=(gone,)))
    assert content["missing"] == [{"detector": "objects", "model": "yolo11n", "how": "darkroom models pull yolo11n"}]
    assert content["objects"] == []
    assert "person" in [tag["tag"] for tag in content["tags"]]
    assert content["colors"]


def test_the_answer_hangs_on_no_order() -> None:
    regions, models = (DOG, PERSON, FACE, QR), (("objects", "a@1"), ("faces", "b@2"))
    missing = (Missing("crops", "", "x"), Missing("text", "", "y"))
    one, other = (
        Found(regions, models=models, missing=missing),
        Found(regions[::-1], models=models[::-1], missing=missing[::-1]),
    )
    assert json.dumps(report("auto-tag", one)) == json.dumps(report("auto-tag", other))


def test_boxes_stay_in_the_picture() -> None:
    outside = replace(DOG, box=Box(-0.1, 0.9, 0.3, 0.3))
    box = report("auto-tag", Found((outside,)))["objects"][0]["box"]
    assert box == {"x": 0.0, "y": 0.9, "width": 0.2, "height": 0.1}


def test_sizes_are_nominal_whatever_was_decoded() -> None:
    quarter = Scale(0.25, 0.25)
    shown = report("auto-tag", Found(), scale=quarter)["image"]
    assert (shown["width"], shown["height"]) == (256, 192)
    assert report("info", Found(), scale=quarter)["width"] == 256


def test_a_report_needs_few_pixels() -> None:
    for name, most in (("auto-tag", 0.2), ("info", 0.01)):
        assert 0 < (find(name).detail(Size(4000, 3000), None) or 0) <= most


def test_info_says_what_the_header_says() -> None:
    probe = Probe("gif", Size(640, 480), 7, animated=True, has_alpha=True, icc="Display P3", orientation=6, bytes=99)
    assert report("info", Found(), probe) == {
        "width": 64, "height": 48, "format": "gif", "bytes": 99, "frames": 7, "has_alpha": True, "animated": True,
        "orientation": 6, "icc": "Display P3", "source": {"width": 640, "height": 480},
    }  # fmt: skip


def told(image: Image, past: Past = Past(), output: Output = Output("png"), probe: Probe = PROBE) -> dict[str, Any]:  # noqa: B008
    encoding = Encoding(lambda shown: encode(shown, output, probe, Client()))
    result = find("getinfo").apply(image, probe=probe, encoding=encoding, past=past)
    assert isinstance(result, Report)
    assert json.loads(json.dumps(result.content)) == result.content
    return result.content


def test_getinfo_tells_of_the_file_that_would_be_sent() -> None:
    image = plain(64, 48, 10, 200, 30)
    content = told(image)
    assert content == {
        "input": {"width": 64, "height": 48, "bytes": 12345, "format": "jpeg"},
        "output": {"width": 64, "height": 48, "format": "png",
                   "bytes": len(encode(image, Output("png"), PROBE, Client()).body)},
        "resize": {"crop": {"x": 0, "y": 0, "width": 64, "height": 48}, "width": 64, "height": 48},
    }  # fmt: skip
    assert told(image, output=Output("jpeg", 50))["output"]["format"] == "jpeg"


def test_getinfo_tells_what_is_visible_of_the_input() -> None:
    cropped = resampled(cut(plain(64, 48, 0), 16, 12, 20, 8), Size(200, 80))
    part = {"x": 16, "y": 12, "width": 20, "height": 8}
    assert told(cropped)["resize"] == {"crop": part, "width": 200, "height": 80}
    assert "g_auto_info" not in told(cropped)
    assert told(flipped(cropped, horizontal=True, vertical=True), Past(frozenset({"saliency"})))["g_auto_info"] == [
        part
    ]
    padded = placed(plain(64, 48, 0), Size(100, 100), 10, 10, WHITE)
    assert told(padded)["resize"]["crop"] == {"x": 0, "y": 0, "width": 64, "height": 48}


def test_getinfo_tells_where_faces_are_in_the_input() -> None:
    cropped = cut(plain(64, 48, 0), 32, 0, 32, 48)  # the right half
    past = Past(frozenset({"faces", "saliency"}), Found((face(0.5, 0.25, 0.25, 0.25),)))
    assert told(cropped, past)["landmarks"] == [{"nose": {"x": 52, "y": 18}}]
    assert told(cropped, Past(frozenset({"largest-face"})))["landmarks"] == []
    assert "landmarks" not in told(cropped, Past(frozenset({"saliency"})))


def test_getinfo_of_stored_pixels() -> None:
    """What is asked for in the stored picture, which lies on its side, is told in its pixels."""
    stored = replace(plain(64, 48, 0), from_source=to_stored(6))
    cropped = cut(stored, 16, 12, 20, 8)
    assert told(cropped, Past(began=to_stored(6)))["resize"]["crop"] == {"x": 16, "y": 12, "width": 20, "height": 8}
