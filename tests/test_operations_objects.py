"""object-crop and fill-pad."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from transforms import vocabulary
from transforms.failure import Failure, Kind
from transforms.image import Box, Found, Image, Missing, Saliency, Scale, Size
from transforms.pipeline import Step
from transforms.vocabulary import Named, Vocabulary

from .steps import apply, face, pixels, plain, projected, scene, thing

DOG, CAT = thing("dog", 0.1, 0.3, 0.1, 0.2), thing("cat", 0.7, 0.3, 0.1, 0.2)


def window_of(text: str, found: Found, image: Image | None = None) -> Box:
    """What a step takes, in fractions of the picture before it."""
    before = image or plain(2000, 1000, 0)
    inverse = np.linalg.inv(np.vstack([apply(text, before, found).from_source, [0, 0, 1]]))
    (left, top, _), (right, bottom, _) = inverse @ [0, 0, 1], inverse @ [1, 1, 1]
    return Box.between(left, top, right, bottom)


# object-crop


@pytest.mark.parametrize("zoom", [0.5, 1, 2])
@pytest.mark.parametrize("chain", ["dog", "horse:dog", "dog:cat", "animal"])
def test_the_window_is_around_the_first_that_is_found(zoom: float, chain: str) -> None:
    window = window_of(f"object-crop:200x200,gravity={chain},zoom={zoom}", Found(regions=(DOG, CAT)))
    assert 0.2 / window.height == pytest.approx(zoom / 1.2, abs=0.01)  # a tenth on each side
    assert window.width * 2000 == pytest.approx(window.height * 1000, abs=1)
    if zoom == 1:
        assert window.centre == pytest.approx((0.15, 0.4), abs=0.01)
    if zoom == 2:  # a body that does not fit keeps its head
        assert window.y <= 0.3
        assert window.centre[0] == pytest.approx(0.15, abs=0.01)
    assert window.x >= 0


def test_a_face_has_the_room_of_a_head() -> None:
    found = Found(regions=(face(0.5, 0.4, 0.08, 0.2),))
    assert window_of("object-crop:200x200,gravity=cat:face", found) == window_of("face-crop:200x200", found)


def test_without_anything_it_is_the_middle_or_the_best_place() -> None:
    striking = np.zeros((10, 100), np.uint8)
    striking[:, :20] = 255
    found = Found(saliency=Saliency(striking))
    assert window_of("object-crop:100x100,gravity=cat", found).centre == pytest.approx((0.5, 0.5))
    assert window_of("object-crop:100x100,gravity=cat:auto", found).x == pytest.approx(0, abs=0.05)


def test_how_much_detail_it_wants_depends_on_what_is_found() -> None:
    step = Step.parse("object-crop:200x200,gravity=dog")
    assert step.operation.detail(Size(2000, 1000), None, **step.arguments) is None
    assert step.operation.detail(Size(2000, 1000), Found(regions=(DOG,)), **step.arguments) == pytest.approx(200 / 240)


@pytest.mark.parametrize("text", ["object-crop:200x200", "object-crop:200x200,gravity=auto",
                                  "object-crop:200x200,gravity=north", "object-crop:200x200,gravity=catt"])  # fmt: skip
def test_something_has_to_be_named(text: str) -> None:
    with pytest.raises(Failure):
        Step.parse(text)


# crop around what is found


def test_crop_without_size_is_what_was_found() -> None:
    found = Found(regions=(DOG, CAT, thing("cat", 0.3, 0.1, 0.3, 0.6)))
    assert window_of("crop:gravity=dog", found).centre == pytest.approx((0.15, 0.4))
    assert window_of("crop:gravity=dog", found).height == pytest.approx(0.2)
    assert window_of("crop:gravity=cat", found).width == pytest.approx(0.3)
    zoomed = window_of("crop:gravity=dog,zoom=0.5", found)
    assert (zoomed.width, zoomed.height) == pytest.approx((0.2, 0.4))
    assert zoomed.centre == pytest.approx((0.15, 0.4))
    faces = Found(regions=(face(0.1, 0.2, 0.1, 0.2), face(0.6, 0.3, 0.2, 0.4)))
    assert window_of("crop:gravity=faces", faces).width == pytest.approx(0.7)
    assert window_of("crop:gravity=face", faces).width == pytest.approx(0.2)


def test_crop_without_size_and_without_finding_is_the_picture() -> None:
    assert str(apply("crop:gravity=cat", plain(40, 30, 0), Found()).size) == "40x30"
    assert str(apply("crop:gravity=cat:auto,zoom=2", plain(40, 30, 0), Found()).size) == "40x30"
    assert str(projected("crop:gravity=cat", Size(40, 30))) == "40x30"


@pytest.mark.parametrize("text", ["crop", "crop:gravity=north", "crop:gravity=auto", "crop:zoom=2", "crop:x=10"])
def test_crop_needs_something_to_go_by(text: str) -> None:
    with pytest.raises(Failure, match="needs a size") as caught:
        projected(text, Size(40, 30))
    assert caught.value.code == "bad-argument"


@pytest.mark.parametrize("gravity", ["north", "auto", "0.5:0.5"])
def test_zoom_needs_a_thing(gravity: str) -> None:
    with pytest.raises(Failure, match="zoom needs"):
        projected(f"crop:10x10,zoom=2,gravity={gravity}", Size(40, 30))


@pytest.mark.parametrize(
    ("zoom", "width"),
    [(1, 0.1), (2, 0.05), (0.5, 0.2), (0.1, 0.5)],  # the last reaches from top to bottom
)
def test_zoom_with_a_size_scales_to_it(zoom: float, width: float) -> None:
    found = Found(regions=(thing("cup", 0.45, 0.4, 0.1, 0.2),))
    text = f"crop:200x200,gravity=cup,zoom={zoom}"
    assert str(apply(text, plain(2000, 1000, 0), found).size) == "200x200"
    window = window_of(text, found)
    assert window.width == pytest.approx(width, abs=0.002)
    assert window.height == pytest.approx(2 * width, abs=0.002)
    assert window.centre == pytest.approx((0.5, 0.5), abs=0.002)


def test_zoom_keeps_the_head_of_a_body() -> None:
    found = Found(regions=(thing("cat", 0.45, 0.4, 0.1, 0.2),))
    window = window_of("crop:200x200,gravity=cat,zoom=2", found)
    assert window.height == pytest.approx(0.1, abs=0.002)
    assert window.y <= 0.4


def test_zoom_without_a_finding_changes_nothing() -> None:
    assert window_of("crop:200x200,gravity=cat,zoom=2", Found()).width == pytest.approx(0.1)


# One of several objects

DOGS = Found(
    regions=(
        thing("dog", 0.1, 0.3, 0.1, 0.2), thing("dog", 0.6, 0.3, 0.2, 0.4), thing("cat", 0.4, 0.1, 0.3, 0.6),
        thing("dog", 0.9, 0.9, 0.05, 0.05, score=0.2),
    )
)  # fmt: skip
"""Two dogs, a cat, and what is hardly a dog."""


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("crop:object=dog", (0.6, 0.3, 0.2, 0.4)),
        ("crop:object=dog,index=1", (0.6, 0.3, 0.2, 0.4)),
        ("crop:object=dog,index=2", (0.1, 0.3, 0.1, 0.2)),
        ("crop:object=horse:dog,index=2", (0.1, 0.3, 0.1, 0.2)),
        ("crop:object=animal,index=1", (0.4, 0.1, 0.3, 0.6)),
        ("crop:object=animal,index=3", (0.1, 0.3, 0.1, 0.2)),
        ("crop:object=dog,index=2,padding=0.5", (0.05, 0.2, 0.2, 0.4)),
        ("crop:object=dog,index=2,padding=1.5", (0, 0, 0.35, 0.8)),  # as far as the picture reaches
        ("crop:object=dog,index=2,zoom=2", (0.125, 0.35, 0.05, 0.1)),
    ],
)
def test_each_object_is_a_picture_of_its_own(text: str, box: tuple[float, ...]) -> None:
    window = window_of(text, DOGS)
    assert (window.x, window.y, window.width, window.height) == pytest.approx(box, abs=0.002)


@pytest.mark.parametrize(("text", "x"), [("crop:object=dog,index=1", 0.6), ("crop:object=dog,index=2", 0.1)])
def test_what_two_models_see_is_one_object(text: str, x: float) -> None:
    before = vocabulary.current()
    vocabulary.install(Vocabulary((Named("pets", ("dog",)),)))
    try:
        twins = tuple(replace(region, by="pets", score=0.7) for region in DOGS.regions if region.label == "dog")
        found = replace(DOGS, regions=DOGS.regions + twins)
        assert window_of(text, found).x == pytest.approx(x, abs=0.002)
        with pytest.raises(Failure) as caught:
            apply("crop:object=dog,index=3", plain(200, 100, 0), found)
        assert caught.value.details["found"] == 2
    finally:
        vocabulary.install(before)


@pytest.mark.parametrize(
    ("text", "count"),
    [("crop:object=dog,index=3", 2), ("crop:object=horse", 0), ("crop:9x9,object=cat,index=2", 1),
     ("object-crop:9x9,gravity=dog,index=3", 2), ("crop:object=face", 0)],
)  # fmt: skip
def test_an_object_that_is_not_there_is_an_error(text: str, count: int) -> None:
    with pytest.raises(Failure) as caught:
        apply(text, plain(200, 100, 0), DOGS)
    assert (caught.value.code, caught.value.kind, caught.value.details["found"]) == (
        "object-not-found", Kind.UNPROCESSABLE, count,
    )  # fmt: skip
    with pytest.raises(Failure) as caught:
        apply(text, plain(200, 100, 0), Found(missing=(Missing("objects", "", "it did not answer"),)))
    assert caught.value.code == "detector-unavailable"


@pytest.mark.parametrize(
    ("arguments", "begin"),
    [
        ("", (0.05, 0.2)),
        (",align=center", (0.05, 0.2)),
        (",align=north", (0.05, 0.3)),
        (",align=north,padding=0.25", (0.05, 0.25)),
        (",align=west", (0.1, 0.2)),
        (",align=south_east", (0.0, 0.1)),
        (",align=north_west", (0.1, 0.3)),
    ],
)
def test_where_in_its_window_an_object_is_put(arguments: str, begin: tuple[float, float]) -> None:
    window = window_of(f"crop:400x400,object=dog,index=2{arguments}", DOGS)
    assert (window.width, window.height) == pytest.approx((0.2, 0.4))
    assert (window.x, window.y) == pytest.approx(begin, abs=0.002)


def test_beside_an_object_weights_say_what_else_matters() -> None:
    alone = window_of("crop:1000x1000,object=dog,index=2", DOGS)
    assert alone.right < 0.6
    for other, sign in (("cat", 1), ("cat_avoid", -1)):
        window = window_of(f"crop:700x1000,object=dog,index=2,gravity=auto:{other}", DOGS)
        assert window.x <= 0.1
        assert window.right >= 0.2
        assert (window.right > 0.4) == (sign > 0)


def test_an_object_and_a_zoom_with_a_size() -> None:
    window = window_of("crop:400x400,object=cat,zoom=0.5", DOGS)
    assert (window.width, window.height) == pytest.approx((0.4, 0.8))
    assert str(apply("crop:400x400,object=cat,zoom=0.5", plain(2000, 1000, 0), DOGS).size) == "400x400"


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("crop:index=2", "index"),
        ("crop:9x9,padding=1", "padding"),
        ("crop:9x9,align=north", "align"),
        ("crop:9x9,object=dog,x=3", "x"),
        ("crop:9x9,object=dog,y=0", "x"),
        ("crop:9x9,object=dog,gravity=north", "gravity"),
        ("crop:9x9,object=dog,gravity=cat", "gravity"),
        ("crop:9x9,object=dog,gravity=cat:auto", "gravity"),
        ("crop:9x9,object=dog,gravity=auto,align=north", "align"),
        ("crop:object=dog,gravity=auto", "gravity"),
        ("crop:object=dog,align=north", "align"),
        ("crop:object=dog:auto", "object"),
        ("object-crop:9x9,gravity=dog:auto,index=1", "index"),
    ],
)
def test_what_says_twice_where_to_cut_is_refused(text: str, argument: str) -> None:
    with pytest.raises(Failure, match="needs") as caught:
        projected(text, Size(40, 30))
    assert (caught.value.code, caught.value.details["argument"]) == ("bad-argument", argument)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "first", "then"),
    [
        ("crop:object=dog", {"objects"}, {"objects"}),
        ("crop:object=face,index=2", {"faces"}, {"faces"}),
        ("crop:object=dog:face", {"objects"}, {"faces"}),
        ("crop:9x9,object=dog,gravity=auto", {"objects", "faces", "saliency"}, {"objects"}),
        ("object-crop:9x9,gravity=face,index=1", {"faces"}, {"faces"}),
        ("object-crop:9x9,gravity=face", {"largest-face"}, {"faces"}),
    ],
)
def test_all_of_a_kind_are_asked_for(text: str, first: set[str], then: set[str]) -> None:
    step = Step.parse(text)
    assert step.needs == first
    assert step.operation.then(Found(), **step.arguments) | first == then | first


@pytest.mark.parametrize("scale", [0.25, 0.5])
def test_an_object_is_where_it_is_at_any_scale(scale: float) -> None:
    text = "crop:400x400,object=dog,index=2,align=north"
    full = apply(text, plain(2000, 1000, 0), DOGS)
    small = apply(text, plain(int(2000 * scale), int(1000 * scale), 0), DOGS, scale=Scale(scale, scale))
    assert str(small.size) == f"{int(400 * scale)}x{int(400 * scale)}"
    assert np.allclose(full.from_source, small.from_source, atol=0.01)
    step = Step.parse(text)
    assert step.operation.scales(**step.arguments) == "commutes"
    assert step.operation.is_exact(**step.arguments)
    boxed = Step.parse("crop:object=dog")
    assert boxed.operation.scales(**boxed.arguments) == "fixed"
    assert not boxed.operation.is_exact(**boxed.arguments)


def test_object_crop_takes_the_nth_with_padding_where_it_is_aligned() -> None:
    second = window_of("object-crop:200x200,gravity=dog,index=2", DOGS)
    assert second.centre == pytest.approx((0.15, 0.4), abs=0.01)
    padded = window_of("object-crop:200x200,gravity=dog,index=2,padding=0.5", DOGS)
    assert padded.height == pytest.approx(2 * second.height, abs=0.01)
    south = window_of("object-crop:100x200,gravity=dog,index=2,align=south", DOGS)
    assert south.bottom == pytest.approx(0.5 + 0.02, abs=0.01)
    assert south.height == pytest.approx(0.48, abs=0.01)
    assert window_of("object-crop:200x200,gravity=dog,index=2,align=center", DOGS) == second


# fill-pad

RED = (0, 0, 255)


def fill(text: str, *regions: object, image: Image | None = None) -> Image:
    return apply(text, image or scene(800, 200), Found(regions=regions))  # type: ignore[arg-type]


def is_padded(result: Image) -> bool:
    return bool((pixels(result)[0] == RED).all() and (pixels(result)[-1] == RED).all())


@pytest.mark.parametrize(
    ("regions", "padded"),
    [
        ((), False),
        ((thing("dog", 0.7, 0.3, 0.1, 0.4),), False),
        ((thing("dog", 0.05, 0.3, 0.1, 0.4), thing("dog", 0.8, 0.3, 0.1, 0.4)), True),
        ((thing("dog", 0.2, 0.3, 0.5, 0.4),), True),
        ((thing("dog", 0.2, 0.3, 0.24, 0.4),), True),  # without its margin it would fit
        ((thing("dog", 0.2, 0.3, 0.5, 0.4, score=0.39),), False),
        ((thing("dog", 0.7, 0.2, 0.2, 0.7), thing("bottle", 0.01, 0.5, 0.005, 0.02)), False),  # small beside the other
        ((face(0.1, 0.3, 0.05, 0.3), face(0.8, 0.3, 0.05, 0.3)), True),
        ((face(0.1, 0.3, 0.05, 0.3),), False),
    ],
)
def test_it_pads_where_the_cut_would_hurt(regions: tuple[object, ...], padded: bool) -> None:
    result = fill("fill-pad:100x100,background=red", *regions)
    assert str(result.size) == "100x100"
    assert is_padded(result) == padded


def test_where_it_cuts_all_that_matters_is_in() -> None:
    dogs = thing("dog", 0.62, 0.3, 0.05, 0.4), thing("dog", 0.75, 0.3, 0.08, 0.4)
    window = window_of("fill-pad:100x100", Found(regions=dogs), scene(800, 200))
    assert window.width == pytest.approx(0.25)
    assert window.x <= 0.62
    assert window.right >= 0.83


def test_what_is_named_decides() -> None:
    dogs = thing("dog", 0.05, 0.3, 0.1, 0.4), thing("cat", 0.8, 0.3, 0.1, 0.4)
    assert is_padded(fill("fill-pad:100x100,background=red", *dogs))
    assert not is_padded(fill("fill-pad:100x100,background=red,gravity=auto:dog", *dogs))
    assert not is_padded(fill("fill-pad:100x100,background=red,gravity=auto:cat_avoid", *dogs))


def test_a_padded_picture_stands_in_the_middle_and_may_grow() -> None:
    wide = thing("dog", 0.1, 0.3, 0.7, 0.4)
    result = pixels(fill("fill-pad:400x300,background=red", wide, image=plain(200, 50, 9, 9, 9)))
    assert (result[100:200] == 9).all()
    assert (result[:100] == RED).all()
    assert (result[200:] == RED).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("fill-pad:100x", "100x25"), ("fill-pad:100x,ratio=1:1", "100x100"), ("fill-pad:0.5x1.0", "400x200")],
)
def test_sizes(text: str, expected: str) -> None:
    assert str(projected(text, Size(800, 200))) == expected
    assert str(fill(text).size) == expected


def test_smart_crop_takes_wishes() -> None:
    found = Found(regions=(thing("dog", 0.05, 0.3, 0.1, 0.4), thing("cat", 0.8, 0.3, 0.1, 0.6)))
    dog = window_of("smart-crop:100x100,gravity=auto:dog", found, scene(800, 200))
    cat = window_of("smart-crop:100x100,gravity=auto:dog_avoid", found, scene(800, 200))
    assert dog.right < 0.5 < cat.x


def test_cover_takes_chains_and_pixels() -> None:
    found = Found(regions=(DOG, CAT))
    assert window_of("resize:100x100,fit=cover,gravity=horse:dog", found).x == pytest.approx(0, abs=0.01)
    assert window_of("resize:100x100,fit=cover,gravity=1900:0", found).right == pytest.approx(1, abs=0.01)
    middle = window_of("resize:100x100,fit=cover,gravity=1000:0", found)
    assert middle.centre == pytest.approx((0.5, 0.5), abs=0.01)


def test_cover_without_shrinking_cuts_the_box_out() -> None:
    window = window_of("resize:200x100,fit=cover,shrink=false,gravity=south_east", Found())
    assert (window.width, window.height) == pytest.approx((0.1, 0.1))
    assert (window.right, window.bottom) == pytest.approx((1, 1))
    step = Step.parse("resize:200x100,fit=cover,shrink=false")
    assert step.operation.detail(Size(2000, 1000), None, **step.arguments) == 1
