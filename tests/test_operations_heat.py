"""explain and explain-box: where the heat lies, and what is done without any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.registry import adopt
from transforms import vocabulary
from transforms.failure import Failure
from transforms.image import Affine, Box, Found, Image, Mask, Missing, PixelArray, Region
from transforms.output import Report
from transforms.pipeline import Step
from transforms.projection import projected
from transforms.vocabulary import NOTHING, Named, Vocabulary

from .steps import PROBE, apply, outcome, pixels, plain

KIND = "objects:heat:dog"


def hot(kind: str = KIND, label: str = "dog", score: float = 0.8) -> Found:
    """Hot in the upper left quarter alone."""
    levels = np.zeros((40, 60), np.uint8)
    levels[:20, :30] = 255
    mask = Mask(60, 40, levels.tobytes())
    return Found((Region(label, score, Box(0, 0, 0.5, 0.5), by=kind, mask=mask),), models=((kind, "yolo@1"),))


def painted(text: str, found: Found, *colour: int) -> PixelArray:
    return pixels(apply(text, plain(120, 80, *(colour or (90, 90, 90))), found)).astype(int)


def report(text: str, found: Found) -> dict[str, object]:
    result = outcome(text, plain(120, 80, 90, 90, 90), found)
    assert isinstance(result, Report)
    return result.content


def test_what_is_hot_is_painted_red_and_the_rest_stays() -> None:
    result = painted("explain:dog,box=false", hot())
    blue, green, red = result[20, 30]
    assert red > 110 > max(blue, green)
    assert result[70, 110].tolist() == [90, 90, 90]


def test_a_picture_of_many_rows_is_painted_as_one_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = painted("explain:dog", hot())
    monkeypatch.setattr("transforms.operations.heat.STRIP", 7)
    assert (painted("explain:dog", hot()) == at_once).all()


def test_opacity() -> None:
    assert (painted("explain:dog,opacity=0,box=false", hot()) == 90).all()
    weak, strong = (painted(f"explain:dog,opacity={share},box=false", hot())[20, 30, 2] for share in (30, 100))
    assert 90 < weak < strong


def test_the_box_is_drawn_around_it() -> None:
    with_box, without = painted("explain:dog", hot()), painted("explain:dog,box=false", hot())
    differing = (with_box != without).any(axis=2)
    assert differing[:, 55:65].any()
    assert differing[35:45, :].any()
    assert not differing[60:, :].any()


@pytest.mark.parametrize("colour", [(90,), (90, 90, 90), (90, 90, 90, 40)], ids=["gray", "BGR", "BGRA"])
def test_every_kind_of_picture(colour: tuple[int, ...]) -> None:
    result = painted("explain:dog,box=false", hot(), *colour)
    assert result[20, 30, 2] > 110
    if len(colour) == 4:
        assert (result[:, :, 3] == 40).all()


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("explain:dog", {"objects:heat:dog"}),
        ("explain:cell_phone", {"objects:heat:cell phone"}),
        ("explain:sofa", {"objects:heat:couch"}),
        ("explain-box:cell phone", {"objects:heat:cell phone"}),
        ("explain:furniture", {"objects:heat:bed|chair|couch|dining table|potted plant|toilet"}),
    ],
)
def test_what_is_asked(text: str, needs: set[str]) -> None:
    step = Step.parse(text)
    assert step.needs == needs
    assert Step.parse(str(step)) == step


@pytest.fixture
def crops():
    """A model of the operator's that knows wheat, and dogs as well."""
    adopt(Vocabulary((Named("crops", ("wheat ear", "dog")),)))
    yield
    adopt(NOTHING)
    assert vocabulary.current() == NOTHING


def test_labels_of_the_operators_models(crops: None) -> None:
    assert Step.parse("explain:wheat_ear").needs == {"crops:heat:wheat ear"}
    assert Step.parse("explain:dog").needs == {"objects:heat:dog", "crops:heat:dog"}
    both = hot(score=0.4).merged(hot("crops:heat:dog", score=0.9))
    assert report("explain-box:dog", both)["by"] == "crops"


def refused(text: str) -> Failure:
    with pytest.raises(Failure) as caught:
        Step.parse(text)
    assert (caught.value.code, caught.value.details["argument"]) == ("bad-argument", "tag")
    return caught.value


@pytest.mark.parametrize(("text", "hint"), [("explain:dgo", "dog"), ("explain:crops", None)])
def test_a_tag_that_nobody_knows(text: str, hint: str | None) -> None:
    failure = refused(text)
    assert "asked again" not in failure.message
    if hint:
        assert hint in str(failure.hint)


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("face", "detect:models=faces"), ("text", "detect:models=text"), ("qr-code", "detect:models=codes"),
        ("blurry", "rule"), ("Dark_Blue", "rule"), ("portrait", "rule"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["explain", "explain-box"])
def test_a_tag_of_which_no_model_can_be_asked_again(name: str, tag: str, hint: str) -> None:
    failure = refused(f"{name}:{tag}")
    assert "explain works for labels of models that can be asked again" in failure.message
    assert hint in str(failure.hint)
    assert "did you mean" not in str(failure.hint)


@pytest.mark.parametrize(
    ("tag", "label"),
    [("human", "person"), ("Rucksack", "backpack"), ("mobile phone", "cell_phone"), ("lorry", "truck")],
)
@pytest.mark.parametrize("name", ["explain", "explain-box"])
def test_synonyms_are_words_for_labels(name: str, tag: str, label: str) -> None:
    assert str(Step.parse(f"{name}:{tag}")) == f"{name}:{label}"


@pytest.mark.parametrize(("tag", "near"), [("phone", "cell_phone"), ("cutlery", "fork")])
def test_another_word_for_a_label_names_it(tag: str, near: str) -> None:
    failure = refused(f"explain:{tag}")
    assert (failure.details["nearest"], "asked again" in failure.message) == (near, False)
    assert str(failure.hint).startswith(f"did you mean '{near}'")


@pytest.mark.parametrize("label", ["face", "blurry", "crops"])
def test_a_label_of_the_operators_may_be_called_as_a_trait_or_its_model(label: str) -> None:
    adopt(Vocabulary((Named("crops", (label, "wheat")),)))
    try:
        assert Step.parse(f"explain:{label}").needs == {f"crops:heat:{label}"}
    finally:
        adopt(NOTHING)


def test_a_tag_that_is_not_there() -> None:
    with pytest.raises(Failure) as caught:
        apply("explain:dog", plain(40, 30, 9, 9, 9), Found(models=((KIND, "yolo@1"),)))
    assert (caught.value.code, caught.value.details["tag"]) == ("tag-not-found", "dog")
    assert report("explain-box:dog", Found())["box"] is None


def test_a_frame_without_it_stays_in_an_animation() -> None:
    step = Step.parse("explain:dog")
    frame = plain(40, 30, 9, 9, 9).frames[0]
    probe = replace(PROBE, animated=True, frames=3)
    assert step.operation.apply(frame, **step.arguments, found=Found(), probe=probe) is frame


def test_without_an_answer_the_picture_stays() -> None:
    silent = Found(missing=(Missing(KIND, "", "no answer"),))
    assert (painted("explain:dog", silent) == 90).all()
    assert report("explain-box:dog", silent)["missing"] == [{"detector": KIND, "model": "", "how": "no answer"}]


def test_the_box_as_json() -> None:
    content = report("explain-box:dog", hot())
    assert content["box"] == {"x": 0, "y": 0, "width": 0.5, "height": 0.5}
    assert content["confidence"] == 0.8
    assert content["models"] == {"objects": "yolo@1"}
    peak = content["peak"]
    assert isinstance(peak, dict)
    assert peak["x"] < 0.5 > peak["y"]


MIRROR: Affine = np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
LEFT_HALF: Affine = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("affine", "hot_at", "cold_at"),
    [(MIRROR, (100, 20), (20, 20)), (LEFT_HALF, (100, 20), (100, 60))],
    ids=["mirrored", "left half"],
)
def test_the_heat_follows_the_picture(affine: Affine, hot_at: tuple[int, int], cold_at: tuple[int, int]) -> None:
    image: Image = plain(120, 80, 90, 90, 90)
    result = pixels(apply("explain:dog,box=false", image, projected(hot(), affine))).astype(int)
    assert result[hot_at[1], hot_at[0], 2] > 110
    assert result[cold_at[1], cold_at[0]].tolist() == [90, 90, 90]
