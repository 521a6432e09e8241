"""background-removal, cut-out and blur-background: which things stay, what is left around them, and what is not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from transforms import vocabulary
from transforms.failure import Failure, Kind
from transforms.image import Box, Found, Image, Missing, PixelArray, Region
from transforms.otherwise import _WAYS
from transforms.pipeline import Step
from transforms.projection import projected
from transforms.vocabulary import Named, Vocabulary

from .masked import mask, masked, oval, overlap
from .pictures import animated, gradient, image, noise, photo
from .steps import apply, face, outcome, pixels, plain

RED, GREEN = (0, 0, 255), (0, 200, 0)


def of(*regions: Region, missing: tuple[Missing, ...] = ()) -> Found:
    return Found(regions=regions, missing=missing)


def disc(width: int = 320, height: int = 240, *, fade: bool = True) -> tuple[Image, PixelArray]:
    """Red on green, and where the red is."""
    shape = oval(width, height)
    if not fade:
        shape = np.where(shape > 127, 255, 0).astype(np.uint8)
    share = shape[:, :, np.newaxis] / 255
    return image((np.array(RED) * share + np.array(GREEN) * (1 - share)).round().astype(np.uint8)), shape


DOG = masked("dog", 0.5, 0.5, 0.25, 0.3)


def alpha(text: str, subject: Image, found: Found) -> PixelArray:
    result = pixels(apply(text, subject, found))
    assert result.shape[2] == 4
    return result[:, :, 3]


@pytest.mark.parametrize("text", ["background-removal", "cut-out:dog", "cut-out:animal", "cut-out:cat:dog"])
def test_all_but_the_subject_is_transparent(text: str) -> None:
    subject, shape = disc()
    assert overlap(alpha(text, subject, of(DOG)), shape) > 0.99


def test_nothing_of_the_background_is_left_at_its_edges() -> None:
    """What shows of each pixel is the subject's colour: on any other background there is no green line."""
    subject, _ = disc()
    result = pixels(apply("background-removal", subject, of(DOG))).astype(int)
    green = result[:, :, 1] * result[:, :, 3] // 255
    before = pixels(subject)[:, :, 1].astype(int) * result[:, :, 3] // 255
    assert green.sum() < 0.4 * before.sum()


def test_what_was_transparent_stays_so() -> None:
    subject = image(np.dstack([photo(320, 240), oval(320, 240, 0.3, 0.5, 0.25, 0.4)]))
    result = alpha("background-removal", subject, of(DOG))
    assert (result <= pixels(subject)[:, :, 3].astype(int) + 1).all()
    assert result[120, 100] == 255
    assert result[120, 60] == 0


def test_gray_becomes_colour_with_alpha() -> None:
    result = pixels(apply("background-removal", image(gradient(320, 240, 1)), of(DOG)))
    assert result.shape == (240, 320, 4)
    assert np.array_equal(result[120, 160, :3], np.repeat(gradient(320, 240, 1)[120, 160], 3))


def test_every_frame_is_cut() -> None:
    result = apply("background-removal", animated(96, 64, frames=3), of(DOG))
    assert len(result.frames) == 3
    assert all(frame.pixels[0, 0, 3] == 0 and frame.pixels[32, 48, 3] == 255 for frame in result.frames)


def test_after_a_turn_and_a_cut_the_mask_has_gone_along() -> None:
    subject, shape = disc()
    turned, where = subject, image(shape[:, :, np.newaxis])
    for text in ("rotate:90", "crop:200x160,x=20,y=40", "flip:vertical"):
        turned, where = apply(text, turned), apply(text, where)
    result = alpha("background-removal", turned, projected(of(DOG), turned.from_source))
    assert overlap(result, pixels(where)[:, :, 0]) > 0.985


def test_a_cut_into_the_subject_keeps_what_is_left_of_it() -> None:
    """As of a person of whom only the head is left: a tenth of its box."""
    subject, shape = disc()
    text = "crop:90x50,x=115,y=35"
    cut, where = apply(text, subject), apply(text, image(shape[:, :, np.newaxis]))
    assert overlap(alpha("background-removal", cut, projected(of(DOG), cut.from_source)), pixels(where)[:, :, 0]) > 0.97


# What the picture is about.


@pytest.mark.parametrize(
    ("regions", "stay"),
    [
        ([masked("dog", 0.3, 0.5, 0.15, 0.3), masked("cat", 0.7, 0.5, 0.15, 0.3)], {"dog", "cat"}),
        ([masked("dog", 0.4, 0.5, 0.3, 0.4), masked("cat", 0.9, 0.9, 0.06, 0.06)], {"dog"}),
        ([masked("dog", 0.4, 0.5, 0.2, 0.3, sure=False), masked("cat", 0.9, 0.9, 0.06, 0.06)], {"cat"}),
        ([masked("chair", 0.5, 0.5, 0.2, 0.3), masked("person", 0.1, 0.1, 0.08, 0.1)], {"chair"}),
        ([masked("person", 0.5, 0.5, 0.2, 0.4), masked("handbag", 0.7, 0.8, 0.05, 0.05)], {"person", "handbag"}),
        ([masked("person", 0.5, 0.5, 0.2, 0.4), masked("vase", 0.7, 0.8, 0.05, 0.05)], {"person"}),
        ([masked("person", 0.4, 0.5, 0.15, 0.4), masked("handbag", 0.95, 0.6, 0.04, 0.05)], {"person"}),
        # of equals the one in the middle, where the other is far off it
        ([masked("dog", 0.5, 0.5, 0.12, 0.12), masked("cat", 0.05, 0.05, 0.05, 0.05)], {"dog"}),
        # a face that is seen makes a small person the subject before a large car
        (
            [masked("person", 0.4, 0.5, 0.1, 0.2), masked("car", 0.75, 0.5, 0.14, 0.2), face(0.36, 0.3, 0.12, 0.16)],
            {"person"},
        ),
    ],
)  # fmt: skip
def test_the_main_subject(regions: list[Region], stay: set[str]) -> None:
    result = alpha("background-removal", plain(200, 200, *RED), of(*regions))
    middles = {region.label: region.box.centre for region in regions if region.mask}
    left = {label for label, (x, y) in middles.items() if result[int(y * 200), int(x * 200)] > 200}
    assert left == stay


@pytest.mark.parametrize(
    ("text", "stay"),
    [
        ("cut-out:dog", {0, 1}), ("cut-out:dog,index=1", {1}), ("cut-out:dog,index=2", {0}), ("cut-out:cat", {2}),
        ("cut-out:dog:cat", {0, 1, 2}), ("cut-out:sofa:dog", {0, 1}), ("cut-out:body", {3}),
        ("cut-out:animal,index=3", {2}),
    ],
)  # fmt: skip
def test_things_by_their_labels(text: str, stay: set[int]) -> None:
    regions = [
        masked("dog", 0.15, 0.5, 0.1, 0.1), masked("dog", 0.4, 0.5, 0.12, 0.2), masked("cat", 0.65, 0.5, 0.08, 0.1),
        masked("person", 0.85, 0.5, 0.1, 0.4),
    ]  # fmt: skip
    result = alpha(text, plain(200, 200, *RED), of(*regions))
    assert {at for at, region in enumerate(regions) if result[100, int(region.box.centre[0] * 200)] > 200} == stay


@pytest.fixture
def own_model() -> Iterator[None]:
    before = vocabulary.current()
    vocabulary.install(Vocabulary((Named("crops", ("wheat", "bind weed")), Named("plates"))))
    yield
    vocabulary.install(before)


@pytest.mark.usefixtures("own_model")
@pytest.mark.parametrize(
    ("text", "kinds", "stay"),
    [("wheat", {"crops"}, {0.2}), ("bind_weed", {"crops"}, {0.5}), ("crops", {"crops"}, {0.2, 0.5}),
     ("dog:wheat", {"masks", "crops"}, {0.2, 0.8}), ("plates", {"plates"}, {0.65})],
)  # fmt: skip
def test_the_operators_own_models(text: str, kinds: set[str], stay: set[float]) -> None:
    regions = [masked("wheat", 0.2, 0.5, 0.1, 0.2, by="crops"), masked("bind weed", 0.5, 0.5, 0.1, 0.2, by="crops"),
               masked("dog", 0.8, 0.5, 0.1, 0.2), masked("plate", 0.65, 0.5, 0.04, 0.1, by="plates")]  # fmt: skip
    assert Step.parse(f"cut-out:{text}").needs == kinds
    result = alpha(f"cut-out:{text}", plain(200, 200, *RED), of(*regions))
    assert {x for x in (0.2, 0.5, 0.65, 0.8) if result[100, int(x * 200)] > 200} == stay


@pytest.fixture
def three_forms() -> Iterator[None]:
    before = vocabulary.current()
    words = (
        Named("crops", ("weed", "wheat", "Wild Oat"), form="detect"),
        Named("plots", ("field", "wheat"), form="segment"), Named("scenes", ("corridor", "dog"), form="classify"),
    )  # fmt: skip
    vocabulary.install(Vocabulary(words))
    yield
    vocabulary.install(before)


@pytest.mark.usefixtures("three_forms")
@pytest.mark.parametrize(
    ("word", "model", "hints"),
    [
        ("weed", "crops", ["crop:object=weed", "detect:models=crops", "of the form segment"]),
        ("WEED", "crops", ["crop:object=weed"]),
        ("wild oat", "crops", ["crop:object=wild_oat"]),
        ("crops", "crops", ["crop:object=crops"]),
        ("corridor", "scenes", ["auto-tag:scenes"]),
        ("scenes", "scenes", ["auto-tag:scenes"]),
    ],
)
@pytest.mark.parametrize("text", ["cut-out:{}", "cut-out:dog:{}"])
def test_a_model_that_draws_no_masks_is_refused(text: str, word: str, model: str, hints: list[str]) -> None:
    with pytest.raises(Failure) as caught:
        Step.parse(text.format(word))
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "bad-argument")
    assert caught.value.details["models"] == [model]
    assert [hint for hint in hints if hint not in str(caught.value.hint)] == []
    for way in re.findall(r"[a-z-]+:[a-z0-9=_]+", str(caught.value.hint)):
        assert Step.parse(way)


@pytest.mark.usefixtures("three_forms")
@pytest.mark.parametrize(
    ("text", "plain", "kinds"),
    [("wheat", "wheat", {"plots"}), ("Wheat:field", "wheat:field", {"plots"}), ("plots", "plots", {"plots"}),
     ("dog", "dog", {"masks"}), ("lorry:Mobile Phone", "truck:cell_phone", {"masks"})],
)  # fmt: skip
def test_models_that_draw_masks_are_asked_alone(text: str, plain: str, kinds: set[str]) -> None:
    step = Step.parse(f"cut-out:{text}")
    assert (str(step), step.needs) == (f"cut-out:{plain}", kinds)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("cut-out:dgo", "dog"), ("cut-out:sofa:couch", ""), ("cut-out:dog:dog", ""), ("cut-out:face", "")],
)
def test_what_no_model_knows_is_refused_with_the_nearest_name(text: str, hint: str) -> None:
    with pytest.raises(Failure) as caught:
        Step.parse(text)
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "bad-argument")
    assert hint in (caught.value.hint or "")


# Nothing there.


@pytest.mark.parametrize("text", ["background-removal", "cut-out:dog", "blur-background"])
def test_without_a_subject_the_picture_stays_as_it_is(text: str) -> None:
    subject, _ = disc()
    assert np.array_equal(pixels(apply(text, subject, of())), pixels(subject))
    assert np.array_equal(
        pixels(apply(text, subject, of(masked("cat", 0.5, 0.5, 0.2, 0.2, sure=False)))), pixels(subject)
    )


@pytest.mark.parametrize("text", ["background-removal:fallback=clear", "cut-out:dog,fallback=clear"])
def test_or_nothing_of_it(text: str) -> None:
    assert not alpha(text, disc()[0], of()).any()


@pytest.mark.parametrize(
    "text", ["background-removal:fallback=fail", "cut-out:dog,fallback=fail", "cut-out:dog,index=2,fallback=fail"]
)
def test_or_an_error(text: str) -> None:
    subject, _ = disc()
    found = of(masked("cat", 0.5, 0.5, 0.2, 0.2, sure=False), *([DOG] if "index" in text else []))
    with pytest.raises(Failure) as caught:
        apply(text, subject, found)
    assert (caught.value.kind, caught.value.code) == (Kind.UNPROCESSABLE, "no-subject")
    with pytest.raises(Failure) as caught:
        apply(text, subject, of(missing=(Missing("masks", "yolo11n-seg", "pull it"),)))
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "detector-unavailable")


@pytest.mark.parametrize(
    ("word", "hints", "nearest"),
    [
        ("face", ["detect:models=faces", "crop:300x300,gravity=face", "blur-faces", "'person'"], "person"),
        ("faces", ["detect:models=faces", "blur-faces"], "person"),
        ("text", ["detect:models=text", "gravity=text"], None),
        ("QR_code", ["detect:models=codes"], None),
        ("dark_blue", ["rule"], None),
        ("subject", ["background-removal"], None),
    ],
)
@pytest.mark.parametrize("text", ["cut-out:{}", "cut-out:dog:{}"])
def test_what_has_no_mask_says_what_to_use(text: str, word: str, hints: list[str], nearest: str | None) -> None:
    with pytest.raises(Failure) as caught:
        Step.parse(text.format(word))
    assert (caught.value.code, caught.value.details["nearest"]) == ("bad-argument", nearest)
    assert [hint for hint in hints if hint not in str(caught.value.hint)] == []
    assert word in caught.value.message


def test_what_is_said_instead_can_be_used() -> None:
    for way in _WAYS.values():
        for text in re.findall(r"[a-z-]+:[a-z0-9=,]+|blur-faces|background-removal", way):
            assert str(Step.parse(text))


def test_labels_of_the_operators_that_hold_the_word_are_near() -> None:
    before = vocabulary.current()
    vocabulary.install(Vocabulary((Named("masks-worn", ("face mask", "face shield")),)))
    try:
        with pytest.raises(Failure) as caught:
            Step.parse("cut-out:face")
        assert "nearest is 'face_mask' or 'face_shield' or 'person'" in str(caught.value.hint)
    finally:
        vocabulary.install(before)


# Mattes.

MATTE = Region("subject", 0.9, Box(0.25, 0.2, 0.5, 0.6), by="matte", mask=mask(oval(512, 512) // 2))


def test_a_matte_keeps_its_soft_values() -> None:
    assert abs(int(alpha("background-removal:matting", disc()[0], of(MATTE))[120, 160]) - 127) <= 1


@pytest.mark.parametrize(
    ("text", "first", "found", "more"),
    [
        ("background-removal", {"masks", "faces"}, of(), set()),
        ("background-removal", {"masks", "faces"}, of(missing=(Missing("masks", "", ""),)), {"matte"}),
        ("background-removal:matting", {"matte"}, of(MATTE), set()),
        ("background-removal:matting", {"matte"}, of(), {"masks", "faces"}),
        ("blur-background:by=matting", {"matte"}, of(missing=(Missing("matte", "", ""),)), {"masks", "faces"}),
        ("cut-out:dog", {"masks"}, of(), set()),
    ],
)  # fmt: skip
def test_one_way_stands_in_for_the_other(text: str, first: set[str], found: Found, more: set[str]) -> None:
    step = Step.parse(text)
    assert step.needs == first
    assert step.operation.then(found, **step.arguments) == more
    assert not step.operation.hides(**step.arguments)


def test_objects_where_there_is_no_matte_and_a_matte_where_there_are_no_objects() -> None:
    subject, _ = disc()
    assert alpha("background-removal:matting", subject, of(DOG))[120, 160] == 255
    assert alpha("background-removal", subject, of(MATTE))[120, 160] < 140


# blur-background


def test_the_background_is_blurred_and_the_subject_is_not() -> None:
    subject = image(noise(480, 360))
    result = pixels(apply("blur-background", subject, of(DOG)))
    inside = oval(480, 360, across=0.2, down=0.24) > 250
    outside = oval(480, 360, across=0.32, down=0.38) == 0
    assert np.array_equal(result[inside], pixels(subject)[inside])
    stronger = pixels(apply("blur-background:4", subject, of(DOG)))
    before, after, most = (detail(one)[outside].mean() for one in (pixels(subject), result, stronger))
    assert after < 0.3 * before
    assert most < 0.8 * after


def detail(values: PixelArray) -> PixelArray:
    return np.abs(cv2.Laplacian(values[:, :, :3].astype(np.float32), cv2.CV_32F)).mean(axis=2)  # type: ignore[no-any-return]


@pytest.mark.parametrize("strength", [0.3, 1, 5])
@pytest.mark.parametrize("side", [90, 320, 900])
def test_no_colour_of_the_subject_shines_out(side: int, strength: float) -> None:
    subject, shape = disc(side, side * 3 // 4)
    result = pixels(apply(f"blur-background:{strength}", subject, of(DOG))).astype(int)
    outside = cv2.dilate(shape, np.ones((5, 5), np.uint8), iterations=max(1, side // 150)) == 0  # masks are coarse
    assert result[outside][:, 2].max() <= 2
    assert np.abs(result[:8, :8] - GREEN).max() <= 1
    assert result.max() <= 255
    assert np.abs(result[side * 3 // 8, side // 2] - RED).max() == 0


def test_a_subject_that_fills_the_picture() -> None:
    subject = image(photo(120, 90))
    everything = Region("dog", 0.9, Box(0, 0, 1, 1), by="masks", mask=mask(np.full((16, 16), 255, np.uint8)))
    assert np.array_equal(pixels(apply("blur-background", subject, of(everything))), pixels(subject))
    assert (alpha("background-removal", subject, of(everything)) == 255).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_channels_stay(channels: int) -> None:
    subject = image(gradient(160, 120, channels))
    result = pixels(apply("blur-background", subject, of(DOG)))
    assert result.shape == (120, 160, channels)
    if channels == 4:
        assert np.array_equal(result[:, :, 3], pixels(subject)[:, :, 3])


def test_what_is_transparent_has_no_say_in_the_blur() -> None:
    hidden = np.dstack([np.full((120, 160, 3), GREEN, np.uint8), np.full((120, 160), 255, np.uint8)])
    hidden[:, :30] = (255, 0, 0, 0)
    result = pixels(apply("blur-background:3", image(hidden), of(masked("dog", 0.7, 0.5, 0.15, 0.3))))
    assert result[:, 30:][:, :, 0].max() <= 3


@pytest.mark.parametrize("text", ["background-removal", "blur-background", "cut-out:dog"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 40), (40, 1), (7, 5)])
def test_tiny_pictures(width: int, height: int, text: str) -> None:
    result = outcome(text, image(photo(width, height)), of(DOG))
    assert isinstance(result, Image)
    assert (result.size.width, result.size.height) == (width, height)
