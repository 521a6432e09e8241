"""detect: what was found is drawn, readably, wherever it is."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.image import Found

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
