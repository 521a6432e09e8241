"""That the bench of recognition measures what it says."""

from __future__ import annotations

import pytest

from bench.cropped import held, inside, most_held
from bench.recognition import Row, covered
from detectors.found import Box

WHOLE = Box(0, 0, 1, 1)


@pytest.mark.parametrize(
    ("by", "share"),
    [([], 0.0), ([WHOLE], 1.0), ([Box(0, 0, 0.5, 1)], 0.5), ([Box(0, 0, 0.5, 1), Box(0.5, 0, 0.5, 1)], 1.0)],
)
def test_the_share_that_is_covered(by, share):
    assert covered(WHOLE, by) == share


@pytest.mark.parametrize(
    ("box", "share"),
    [(Box(0.1, 0.1, 0.2, 0.2), 1.0), (Box(0.4, 0, 0.2, 1), 0.5), (Box(0.6, 0, 0.2, 1), 0.0), (WHOLE, 0.5)],
)
def test_the_share_that_a_window_shows(box, share):
    assert inside(box, Box(0, 0, 0.5, 1)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("faces", "best"),
    [
        ([], 0),
        ([Box(0.1, 0.1, 0.1, 0.1)], 1),
        ([Box(0.0, 0.1, 0.1, 0.1), Box(0.9, 0.1, 0.1, 0.1)], 1),
        ([Box(0.0, 0.1, 0.1, 0.1), Box(0.55, 0.1, 0.1, 0.1), Box(0.9, 0.1, 0.1, 0.1)], 2),  # neither end, nor middle
        ([Box(0.2, 0.1, 0.6, 0.1)], 0),  # wider than the window
        ([Box(0.3, 0.1, 0.5, 0.1)], 1),  # exactly as wide
    ],
)
def test_the_best_possible_window(faces, best):
    assert most_held(faces, Box(0, 0, 0.5, 1)) == best


def test_a_face_is_held_whole_or_not_at_all():
    assert held([Box(0.1, 0.1, 0.1, 0.1), Box(0.45, 0.1, 0.1, 0.1)], Box(0, 0, 0.5, 1)) == 1


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("found", 36, 36), "pass"), (Row("found", 35, 36), "FAIL"), (Row("false", 2, 2, most=True), "pass"),
        (Row("false", 3, 2, most=True), "FAIL"), (Row("recall", 0.1), ""),
    ],
)  # fmt: skip
def test_verdicts(row, verdict):
    assert row.verdict == verdict
