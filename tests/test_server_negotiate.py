"""What the client's headers come to, as far as the pipeline asks, and which of them caches must tell apart."""

from __future__ import annotations

import pytest

from server.negotiate import HINTS, VIEWPORT, WIDTH, accept_hints, negotiate, vary
from transforms.output import Client
from transforms.pipeline import Pipeline

AVIF = {"accept": "image/avif,image/webp,image/*,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("text", "headers", "expected"),
    [
        # nothing that the pipeline does not ask for
        ("resize:400x", {**AVIF, "dpr": "2", "width": "500"}, Client()),
        ("format:auto", {**AVIF, "dpr": "2", "width": "500"}, Client(frozenset({"avif", "webp"}))),
        ("format:auto/format:png", AVIF, Client()),
        ("if:w>9/format:png/else/format:auto/end", AVIF, Client(frozenset({"avif", "webp"}))),
        ("if:w>9/format:auto/end/format:png", AVIF, Client(frozenset({"avif", "webp"}))),
        ("resize:(100*dpr)x", {"sec-ch-dpr": "2"}, Client(dpr=2.0)),
        ("if:dpr>1/blur:3/end", {"dpr": "2"}, Client(dpr=2.0)),
        ("let:d=dpr/resize:(100*$d)x", {"dpr": "2"}, Client(dpr=2.0)),
        ("resize:(auto)x", {"sec-ch-width": "500", "dpr": "2"}, Client(width=500)),
        # today's names before the first ones
        ("resize:(dpr)x", {"dpr": "3", "sec-ch-dpr": "2"}, Client(dpr=2.0)),
        ("resize:(auto)x", {"width": "300", "sec-ch-width": "500"}, Client(width=500)),
        ("resize:(auto)x", {"viewport-width": "300", "sec-ch-viewport-width": "500"}, Client(width=500)),
        ("resize:(auto)x", {"viewport-width": "300", "width": "200"}, Client(width=200)),
        # densities are rounded up to quarters, and have bounds
        ("resize:(dpr)x", {"dpr": "1.01"}, Client(dpr=1.25)),
        ("resize:(dpr)x", {"dpr": "2.625"}, Client(dpr=2.75)),
        ("resize:(dpr)x", {"dpr": "0.5"}, Client(dpr=1.0)),
        ("resize:(dpr)x", {"dpr": "99"}, Client(dpr=5.0)),
        # where the density counts as well, widths in pixels of the screen are brought to CSS pixels
        ("resize:(auto)x", {"width": "1000", "dpr": "2.5"}, Client(width=1000)),
        ("resize:(auto*dpr)x", {"width": "1000", "dpr": "2.5"}, Client(dpr=2.5, width=400)),
        ("resize:(auto*dpr)x", {"viewport-width": "1000", "dpr": "2.5"}, Client(dpr=2.5, width=1000)),
        # widths are rounded up to the finest step
        ("resize:(auto@50)x", {"width": "401"}, Client(width=450)),
        ("resize:(auto@50)x", {"width": "400"}, Client(width=400)),
        ("resize:(auto@50)x/crop:(auto@20)x", {"width": "401"}, Client(width=420)),
        ("resize:(auto@50)x/crop:(auto)x", {"width": "401"}, Client(width=401)),
        ("resize:(auto@50)x", {"width": "99999"}, Client(width=8192)),
        # what is no positive number counts as not sent
        ("resize:(auto)x", {"width": "0"}, Client()),
        ("resize:(auto)x", {"width": "-5", "viewport-width": "300"}, Client(width=300)),
        ("resize:(auto)x", {"width": "wide"}, Client()),
        ("resize:(auto)x", {"width": "1e3"}, Client()),
        ("resize:(auto)x", {"width": "400, 500"}, Client()),
        ("resize:(dpr)x", {"dpr": "nan", "sec-ch-dpr": "inf"}, Client()),
        ("resize:(dpr)x", {"dpr": ""}, Client()),
        ("resize:(dpr)x", {"dpr": " 2 "}, Client(dpr=2.0)),
    ],
)
def test_the_client_as_the_pipeline_sees_it(text: str, headers: dict[str, str], expected: Client) -> None:
    assert negotiate(Pipeline.parse(text), headers) == expected


@pytest.mark.parametrize(
    ("text", "names", "hints"),
    [
        ("resize:400x", set(), False),
        ("format:auto", {"Accept"}, False),
        ("resize:(100*dpr)x", {"Sec-CH-DPR", "DPR"}, True),
        ("resize:(auto@50)x", {*WIDTH, *VIEWPORT}, True),
        ("resize:(auto@50)x/format:auto", {"Accept", *WIDTH, *VIEWPORT}, True),
        ("if:w>9/resize:(auto@50*dpr)x/end", {*HINTS}, True),
        ("if:faces>1/blur:3/end", set(), False),
    ],
)
def test_what_caches_tell_apart(text: str, names: set[str], hints: bool) -> None:
    pipeline = Pipeline.parse(text)
    assert set((vary(pipeline) or "").split(", ")) - {""} == names
    assert (accept_hints(pipeline) is not None) is hints
