"""Which of the things that were masked are the main subject: where each of the rules alone decides."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.image import Box, Found, Region
from transforms.subjects import main

from .masked import mask, masked

PERSON = masked("person", 0.5, 0.5, 0.2, 0.4)
CAT = masked("cat", 0.5, 0.5, 0.125, 0.125)
CUT = Region(  # at the left edge: of a large dog its nose is left
    "dog", 0.9, Box(0.0, 0.4, 0.05, 0.2), by="masks",
    mask=mask(np.full((20, 20), 255, np.uint8), (0.65, 0, -0.6, 0, 0.6, 0.2)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("regions", "stay"),
    [
        pytest.param([CAT, masked("dog", 0.41, 0.5, 0.09, 0.09)], {"cat", "dog"}, id="beside it"),
        pytest.param([CAT, masked("dog", 0.09, 0.09, 0.09, 0.09)], {"cat"}, id="in a corner"),
        pytest.param([PERSON, masked("handbag", 0.72, 0.8, 0.03, 0.03)], {"person", "handbag"}, id="stands out"),
        pytest.param([PERSON, masked("handbag", 0.78, 0.8, 0.05, 0.05)], {"person"}, id="but touched"),
        pytest.param([CAT, CUT], {"cat"}, id="outside of the picture"),
    ],
)
def test_each_rule_decides(regions: list[Region], stay: set[str]) -> None:
    assert {region.label for region in main(Found(tuple(regions)))} == stay
