"""What the client's headers come to, as far as the pipeline asks, and which of them caches must tell apart."""

from __future__ import annotations

import pytest

from server.keys import of_client
from server.negotiate import DPR, HINTS, VIEWPORT, WIDTH, accept_hints, accepted, negotiate, negotiation, vary
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
        ("if:w>9/format:auto/end/format:png", AVIF, Client()),
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
        ("resize:(dpr)x", {"dpr": "99"}, Client(dpr=4.0)),
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
        ("resize:(100*dpr)x", {"Sec-CH-DPR", "DPR"}, True),
        ("resize:(auto@50)x", {*WIDTH, *VIEWPORT}, True),
        ("resize:(auto@50)x/format:auto", {"Accept", *WIDTH, *VIEWPORT}, True),
        ("if:w>9/resize:(auto@50*dpr)x/end", {*HINTS}, True),
        ("if:faces>1/blur:3/end", set(), False),
        # the format, by the last step that says it
        ("format:auto", {"Accept"}, False),
        ("format:auto/resize:9x", {"Accept"}, False),
        ("format:auto/format:png", set(), False),
        ("if:w>9/format:auto/else/format:png/end", {"Accept"}, False),
        ("format:auto/if:w>9/format:png/end", {"Accept"}, False),
        ("if:w>9/format:auto/end/format:png", set(), False),
        ("format:auto/format:explain", {"Accept"}, False),
        ("format:auto/format:blurhash", set(), False),
        # inks are JPEG for everybody; whether the source has some is not known here
        ("format:auto/colorspace:cmyk", set(), False),
        ("format:auto/colorspace:keep_cmyk", {"Accept"}, False),
        ("format:auto/colorspace:cmyk/colorspace:srgb", {"Accept"}, False),
        ("if:w>9/colorspace:cmyk/end/format:auto", {"Accept"}, False),
        # reports look at the file only where they tell of it
        ("info/format:auto/quality:auto", set(), False),
        ("getinfo/format:auto/quality:auto", {"Accept", "Save-Data"}, False),
        ("if:w>9/info/end/format:auto", {"Accept"}, False),
        # the quality, where it is measured, may be lower, and the file is lossy
        ("quality:auto", {"Save-Data"}, False),
        ("quality:auto:best", {"Save-Data"}, False),
        ("quality:auto:low", set(), False),
        ("quality:auto/quality:80", set(), False),
        ("if:w>9/quality:auto/end/quality:80", set(), False),
        ("quality:80/if:w>9/quality:auto/end", {"Save-Data"}, False),
        ("quality:auto/format:auto", {"Accept", "Save-Data"}, False),
        ("quality:auto/format:webp", {"Save-Data"}, False),
        ("quality:auto/format:jp2", {"Save-Data"}, False),
        ("quality:auto/format:png", set(), False),
        ("quality:auto/format:bmp", set(), False),
        ("quality:auto/format:lqip", set(), False),
        ("quality:auto/format:png/lossy", {"Save-Data"}, False),
        ("quality:auto/format:tiff/lossy", set(), False),
        ("quality:auto/format:png/if:w>9/format:webp/end", {"Save-Data"}, False),
        ("quality:($q)/format:auto", {"Accept"}, False),
        ("max-bytes:9kB/format:jpeg", set(), False),
    ],
)
def test_what_caches_tell_apart(text: str, names: set[str], hints: bool) -> None:
    pipeline = Pipeline.parse(text)
    asked = negotiation(pipeline)
    assert set((asked.vary or "").split(", ")) - {""} == names
    assert (vary(pipeline), accept_hints(pipeline)) == (asked.vary, asked.accept_ch)
    assert (asked.accept_ch is not None) is hints


LOUD = {**AVIF, "save-data": "on", "dpr": "2", "sec-ch-dpr": "2", "width": "500", "sec-ch-width": "500",
        "viewport-width": "800", "sec-ch-viewport-width": "800"}  # fmt: skip
ASKING = ["resize:400x", "format:auto", "quality:auto", "resize:(auto*dpr)x/format:auto/quality:auto:best", "getinfo"]


@pytest.mark.parametrize("text", ASKING)
def test_what_vary_does_not_name_changes_nothing(text: str) -> None:
    asked = negotiation(Pipeline.parse(text))
    named = {name.lower() for name in (asked.vary or "").split(", ")}
    quiet = {name: value for name, value in LOUD.items() if name in named}
    assert asked.client(LOUD) == asked.client(quiet)
    for name in named & LOUD.keys() - {name.lower() for name in (*DPR, *WIDTH, *VIEWPORT)}:
        assert asked.client(LOUD) != asked.client({**quiet, name: ""})


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", set()), ("*/*", set()), ("image/*", set()), ("text/html", set()),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", {"avif", "webp"}),
        ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", {"avif", "webp"}),
        ("image/webp,image/avif,video/*;q=0.8,*/*;q=0.5", {"avif", "webp"}),
        ("image/webp,*/*;q=0.8", {"webp"}), ("IMAGE/WebP", {"webp"}),
        ("image/avif;q=0,image/webp", {"webp"}), ("image/webp;q=0", set()), ("image/webp;q=0.000", set()),
        ("image/avif;q=0.5,image/webp", {"webp"}), ("image/avif,image/webp;q=0.5", {"avif"}),
        ("image/avif;q=0.5,image/webp;q=0.5", {"avif", "webp"}), ("image/avif;q=0.5,image/jpeg", set()),
        ("image/jxl,image/webp", {"webp"}), ("image/webp;q=high", set()), (",;,=", set()),
    ],
)  # fmt: skip
def test_formats_that_a_header_names(accept: str, expected: set[str]) -> None:
    assert accepted(accept) == expected
    assert accepted(accept, ("webp",)) == expected & {"webp"} or expected == {"avif"}


@pytest.mark.parametrize(
    ("header", "saves"), [("on", True), ("On", True), (" on ", True), ("on;x=1", True), ("a, on", True), ("off", False),
                          ("", False), ("once", False), ("1", False)],
)  # fmt: skip
def test_save_data(header: str, saves: bool) -> None:
    assert negotiation(Pipeline.parse("quality:auto")).client({"save-data": header}) == Client(save_data=saves)


def test_settled_formats_for_caches_that_ignore_vary() -> None:
    pipeline = Pipeline.parse("format:auto/quality:auto")
    settled = negotiation(pipeline, ())
    assert settled.vary == "Save-Data"
    assert settled.client(AVIF) == Client()
    assert negotiation(pipeline, ("webp",)).client(AVIF) == Client(frozenset({"webp"}))
    assert negotiation(Pipeline.parse("format:auto"), ()).vary is None


class Untouchable(dict[str, str]):
    def get(self, *_: object) -> str:
        raise AssertionError("nobody asks for it")


def test_where_nothing_is_asked_no_header_is_looked_at() -> None:
    one, other = (negotiation(Pipeline.parse(text)) for text in ("resize:400x", "blur:3/format:png"))
    assert one.client(Untouchable()) is other.client(Untouchable())
    assert one is other
    assert not one.asks


def test_what_the_client_is_seen_as_enters_the_key() -> None:
    clients = [Client(), Client(frozenset({"webp"})), Client(frozenset({"webp", "avif"})), Client(dpr=2.0),
               Client(width=2), Client(save_data=True)]  # fmt: skip
    assert len({of_client(client) for client in clients}) == len(clients)
    assert of_client(Client(frozenset({"webp", "avif"}))) == of_client(Client(frozenset({"avif", "webp"})))


@pytest.mark.parametrize(
    "text", ["overlay:a.png/resize:(dpr*10)x/end", "overlay:a.png/overlay:b.png/resize:(auto)x/end/end"]
)
def test_what_a_layer_asks_of_the_client_counts(text: str) -> None:
    assert vary(Pipeline.parse(text)) is not None
    assert vary(Pipeline.parse("overlay:a.png/end")) is None
