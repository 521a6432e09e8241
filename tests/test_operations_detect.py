"""detect: what was found is drawn, readably, wherever it is."""

from __future__ import annotations

import numpy as np
import pytest

from transforms import vocabulary
from transforms.image import Box, Found, Region
from transforms.pipeline import Step
from transforms.vocabulary import Named, Vocabulary

from .masked import masked
from .steps import FOUND, apply, face, pixels, plain, thing

DOG = Found(regions=(thing("dog", 0.25, 0.4, 0.5, 0.4, 0.8),))


def touched(text: str, found: Found, width: int, height: int, *colour: int) -> np.ndarray:
    image = plain(width, height, *(colour or (90, 90, 90)))
    return (pixels(apply(text, image, found))[:, :, :3] != pixels(image)[:, :, :3]).any(axis=2)


def test_a_box_is_drawn_where_the_object_is() -> None:
    drawn = touched("detect", DOG, 400, 300)
    assert drawn[120, 150] or drawn[121, 150]  # the plate with the name may end there
    assert drawn[239, 100:299].all()
    assert drawn[130:239, 100].all()
    assert not drawn[150:230, 120:280].any()
    assert not drawn[:90].any()


@pytest.mark.parametrize("side", [120, 400, 2000])
def test_names_grow_with_the_picture_and_stay_readable(side: int) -> None:
    drawn = touched("detect", DOG, side, side)
    plate = drawn[: int(0.4 * side), int(0.3 * side)]
    assert max(10, side / 45) <= plate.sum() <= max(20, side / 15)


def test_a_name_has_its_colour_and_dark_letters() -> None:
    result = pixels(apply("detect", plain(400, 300, 90, 90, 90), DOG))
    plate = result[105:118, 101:150].reshape(-1, 3)
    colours, counts = np.unique(plate, axis=0, return_counts=True)
    assert colours[counts.argmax()].sum() > 400
    assert plate.sum(axis=1).min() < 120


@pytest.mark.parametrize(
    ("confidence", "drawn"), [(0.4, True), (0.8, True), (0.81, False), (1, False)]
)  # fmt: skip
def test_the_confidence_that_is_drawn(confidence: float, drawn: bool) -> None:
    assert touched(f"detect:{confidence}", DOG, 100, 100).any() == drawn


def test_landmarks_of_a_face() -> None:
    found = Found(regions=(face(0.25, 0.25, 0.5, 0.5),))
    assert touched("detect", found, 400, 400)[200, 200]
    assert not touched("detect", found, 400, 400)[170, 170]


def test_faces_for_redaction_are_not_drawn() -> None:
    assert not touched("detect", Found(regions=(face(0.2, 0.2, 0.5, 0.5, by="all-faces"),)), 100, 100).any()


def test_what_is_not_sure_is_drawn_only_where_it_is_asked_for() -> None:
    doubtful = Found(regions=(Region("dog", 0.6, Box(0.2, 0.2, 0.5, 0.5), sure=False),))
    assert not touched("detect", doubtful, 100, 100).any()
    assert touched("detect:0.5", doubtful, 100, 100).any()
    low = Found(regions=(Region("dog", 0.1, Box(0.2, 0.2, 0.5, 0.5)),))  # enough for its model
    assert touched("detect", low, 100, 100).any()


def test_a_mask_is_tinted_and_outlined() -> None:
    found = Found(regions=(masked("dog", 0.5, 0.5, 0.3, 0.3),))
    image = plain(300, 300, 90, 90, 90)
    result = pixels(apply("detect:masks", image, found)).astype(int)
    tint = result[150, 150] - 90
    assert 20 < np.abs(tint).max() < 100
    assert np.array_equal(result[70, 70], [90, 90, 90])  # a corner of the box, outside of the oval
    assert np.abs(result[150, 58:63] - 90).max() > np.abs(tint).max()  # its outline
    assert (pixels(apply("detect:models=masks,masks=false", image, found))[150, 150] == 90).all()


def test_an_object_that_has_a_mask_is_drawn_once() -> None:
    masks = Found(regions=(masked("dog", 0.5, 0.5, 0.3, 0.3),))
    both = Found(regions=(*masks.regions, thing("dog", 0.22, 0.2, 0.58, 0.6)))
    other = Found(regions=(*masks.regions, thing("cat", 0.22, 0.2, 0.58, 0.6)))
    drawn = [pixels(apply("detect:masks", plain(300, 300, 90, 90, 90), found)) for found in (masks, both, other)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


CORNERS = (("corner_1", 0.5, 0.2), ("corner_2", 0.8, 0.5), ("corner_3", 0.5, 0.8), ("corner_4", 0.2, 0.5))


def test_what_lies_askew_is_framed_askew() -> None:
    found = Found(regions=(Region("ship", 0.9, Box(0.2, 0.2, 0.6, 0.6), CORNERS),))
    drawn = touched("detect", found, 400, 400)
    assert drawn[138:142, 260].any() or drawn[139, 259:263].any()
    assert drawn[200, 75:85].any()
    assert not drawn[310:330, 75:85].any()  # no upright box
    assert not drawn[195:205, 195:205].any()


def test_joints_of_a_pose_are_joined() -> None:
    joints = (("left_shoulder", 0.7, 0.2), ("right_shoulder", 0.3, 0.2), ("left_elbow", 0.7, 0.6), ("nose", 0.5, 0.1))
    drawn = touched("detect", Found(regions=(Region("person", 0.9, Box(0.1, 0.02, 0.8, 0.9), joints),)), 400, 400)
    assert drawn[80, 120:280].all()
    assert drawn[80:240, 279].all()
    assert not drawn[300, 60:340].any()
    assert not drawn[45:75, 190:210].any()  # the nose is joined to nobody but eyes


def test_what_a_code_says_is_written_there() -> None:
    short, long = (
        touched(
            "detect",
            Found(regions=(Region("qr code", 1, Box(0.1, 0.3, 0.2, 0.2), CORNERS, "codes", text=text),)),
            900,
            300,
        )
        for text in ("abc", "https://example.org/" * 9)
    )
    assert short[:90].any(axis=0).sum() < long[:90].any(axis=0).sum() < 700


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("detect", {"faces", "objects", "codes", "crops"}),
        ("detect:masks", {"faces", "objects", "codes", "crops", "masks"}),
        ("detect:models=masks", {"masks"}), ("detect:models=text:crops", {"text:words", "crops"}),
    ],
)  # fmt: skip
def test_what_is_asked(text: str, kinds: set[str]) -> None:
    before = vocabulary.current()
    vocabulary.install(Vocabulary((Named("crops", ("wheat",)), Named("shy", ("oat",), tags=False))))
    try:
        assert Step.parse(text).needs == kinds
    finally:
        vocabulary.install(before)


def test_what_was_not_asked_is_not_drawn() -> None:
    assert not touched("detect:models=faces", DOG, 100, 100).any()


def test_gray_becomes_colour_and_drawings_are_opaque() -> None:
    assert pixels(apply("detect", plain(100, 100, 50), FOUND)).shape == (100, 100, 3)
    result = pixels(apply("detect", plain(200, 200, 50, 50, 50, 0), DOG))
    assert result.shape == (200, 200, 4)
    assert set(result[:, :, 3].ravel().tolist()) <= {0, 255}
    assert ((result[:, :, :3] != 50).any(axis=2) <= (result[:, :, 3] == 255)).all()
    assert result[100:150, 50, 3].all()


@pytest.mark.parametrize(
    "found",
    [
        Found(regions=(thing("a name that is longer than the picture is wide", 0.9, 0.0, 0.3, 0.3),)),
        Found(regions=(thing("Łódź 中", -0.5, -0.5, 3, 3),)),
        Found(regions=(thing("", 0.5, 0.5, 0, 0),)),
    ],
)
def test_odd_boxes_and_names(found: Found) -> None:
    for width, height in ((1, 1), (1, 40), (40, 1), (90, 70)):
        assert touched("detect", found, width, height).any()
