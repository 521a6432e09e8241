"""What each weight of a smart crop decides, on boxes that are laid out so that it alone does."""

from __future__ import annotations

import pytest

from transforms.image import Box, Region
from transforms.windows import Worth, heaviest
from transforms.worth import of_objects

FACE = Box(0.4, 0.1, 0.2, 0.2)


def thing(label: str, box: Box, score: float = 0.9) -> Region:
    return Region(label, score, box)


def test_a_face_that_cannot_be_shown_whole_is_rather_left_out() -> None:
    """The window that shows the thing wholly begins in the face: it rather loses a little of the thing."""
    worths = [Worth(Box(0.3, 0.25, 0.4, 0.5), 3.0), Worth(FACE, 1.0, "whole")]
    assert heaviest(1.0, 0.5, worths).y == pytest.approx(0.29, abs=0.005)  # all but a twentieth of the face
    assert heaviest(1.0, 0.5, worths[:1]).y == pytest.approx(0.25)


def test_what_is_avoided_is_worth_more_than_all_the_rest() -> None:
    treasure, face = Worth(Box(0.0, 0.0, 0.5, 1.0), 50.0), Box(0.4, 0.0, 0.1, 1.0)
    assert heaviest(0.4, 1.0, [treasure], avoided=[face]).right <= 0.4 + 1e-9
    tight = heaviest(0.55, 1.0, [treasure], avoided=[face])
    assert tight.x >= face.right - 0.1 - 1e-9
    assert tight.shared(face) == pytest.approx(0.05, abs=0.01)  # no window of that width is without any of it


def test_an_object_stands_in_the_middle_where_there_is_room() -> None:
    dog = thing("dog", Box(0.1, 0.4, 0.2, 0.2))
    [others] = [worth for worth in of_objects([dog], 1.0) if worth.how == "centre"]
    assert others.weight == pytest.approx(0.4)
    # Two halves of the picture show it whole; a second thing pulls away as far as that.
    pull = Worth(Box(0.3, 0.4, 0.4, 0.2), 0.3)
    near = heaviest(0.4, 1.0, [*of_objects([dog], 1.0), pull])
    alone = heaviest(0.4, 1.0, [worth for worth in of_objects([dog], 1.0) if worth.how != "centre"] + [pull])
    x, _ = dog.box.centre
    assert abs(near.centre[0] - x) < abs(alone.centre[0] - x)


def test_the_head_of_a_body_counts_besides() -> None:
    horse, bench = thing("horse", Box(0.1, 0.1, 0.2, 0.5)), thing("bench", Box(0.1, 0.1, 0.2, 0.5))
    assert len(list(of_objects([horse], 1.0))) == len(list(of_objects([bench], 1.0))) + 1
    head = [worth for worth in of_objects([horse], 1.0) if worth.box.height < 0.2]
    assert [(round(worth.box.y, 2), round(worth.box.height, 3)) for worth in head] == [(0.1, 0.125)]
    assert head[0].weight == pytest.approx(0.3)


def test_smaller_things_count_half() -> None:
    large, small = thing("car", Box(0, 0, 0.4, 0.5)), thing("bench", Box(0.5, 0.5, 0.4, 0.25))
    weights = [worth.weight for worth in of_objects([large, small], 1.0) if worth.how == "share"]
    assert weights == pytest.approx([1.0, 0.25])
