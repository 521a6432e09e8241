"""Both dialects as properties: what is printed reads back, and nothing that is sent raises anything but a Failure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from server import urls
from server.sources.source import SourceRef
from server.sources.url import canonical_url
from server.urls import cloudinary, native
from server.urls.request import Request
from transforms import params
from transforms.failure import Failure
from transforms.pipeline import Pipeline, Step
from transforms.registry import operations

from .shared import jsonl

BYTES = st.binary(max_size=60).map(lambda data: data.decode("latin-1"))


def _lengths() -> st.SearchStrategy[Any]:
    return st.integers(1, 8192) | st.integers(1, 9999).map(lambda n: n / 1000)


def _dimensions() -> st.SearchStrategy[Any]:
    return st.builds(params.Dimensions, _lengths(), st.none() | _lengths()) | st.builds(
        params.Dimensions, st.none(), _lengths()
    )


def _gravities(kind: params.Gravity) -> st.SearchStrategy[Any]:
    fraction = st.integers(0, 100).map(lambda n: n / 100)
    points = st.builds(params.Focus, fraction, fraction) if kind.places else st.nothing()
    return (st.sampled_from(kind.words) if kind.words else st.nothing()) | points


def _corners(kind: params.Corners) -> st.SearchStrategy[Any]:
    radii = st.integers(kind.radius.least, kind.radius.most)
    return st.just("max") | st.lists(radii, min_size=1, max_size=4).map(tuple)


VALUES: dict[type, Callable[[Any], st.SearchStrategy[Any]]] = {
    params.Int: lambda kind: st.integers(kind.least, kind.most),
    params.Float: lambda kind: st.floats(kind.least, kind.most, allow_nan=False),
    params.Choice: lambda kind: st.sampled_from(kind.values),
    params.Flag: lambda kind: st.booleans(),
    params.Offset: lambda kind: st.integers(-60, 60) | st.integers(-4000, 4000).map(lambda n: n / 1000),
    params.WxH: lambda kind: _dimensions(),
    params.Aspect: lambda kind: st.builds(Fraction, st.integers(1, 50), st.integers(1, 50)),
    params.ColourText: lambda kind: st.builds(params.Colour, *[st.integers(0, 255)] * 4),
    params.Gravity: _gravities,
    params.BackdropText: lambda kind: st.sampled_from(
        ["red", "00ff0080", "auto", "auto:predominant_gradient:4:vertical:palette_red_blue", "blurred:400:15"]
    ).map(kind.parse),
    params.IntOr: lambda kind: st.sampled_from(kind.words) | st.integers(kind.number.least, kind.number.most),
    params.Corners: _corners,
}
"""Values of each parameter type that operations use; a new type wants a line here."""


@st.composite
def steps(draw: st.DrawFn) -> Step:
    operation = operations()[draw(st.sampled_from(sorted(operations())))]
    values = {}
    for argument in operation.arguments:
        if argument.required or draw(st.booleans()):
            value = draw(VALUES[type(argument.type)](argument.type))
            values[argument.name] = argument.type.parse(argument.type.print(value))
    return Step.of(operation.name, **values)


def _folder_names() -> st.SearchStrategy[str]:
    named = st.text(st.characters(exclude_categories=["C"], exclude_characters="/:"), min_size=1, max_size=12)
    return named.filter(lambda name: name not in (".", ".."))


def sources() -> st.SearchStrategy[SourceRef]:
    paths = st.lists(_folder_names(), min_size=1, max_size=4).map("/".join)
    remote = st.tuples(st.sampled_from(["http", "https"]), paths, st.just("") | _folder_names())
    urls_ = remote.map(lambda parts: canonical_url(f"{parts[0]}://host.example/{parts[1]}?{parts[2]}"))
    return st.one_of(
        paths.map(lambda path: SourceRef("file", path)),
        paths.map(lambda path: SourceRef("id", path)),
        urls_.map(lambda url: SourceRef(url.partition(":")[0], url)),
    )


def requests() -> st.SearchStrategy[Request]:
    pipelines = st.lists(steps(), max_size=6).map(lambda listed: Pipeline(tuple(listed)))
    return st.builds(Request, pipelines, sources())


@given(requests())
@settings(max_examples=300, deadline=None)
def test_native_text_reads_back_and_is_a_fixed_point(request_: Request) -> None:
    text = native.print(request_)
    assert text.isascii()
    assert native.parse(text) == request_
    assert urls.parse(text) == request_
    assert urls.canonical(urls.parse(text)) == text


def _printed(request_: Request) -> str | Failure:
    try:
        return cloudinary.print(request_)
    except Failure as failure:
        return failure


@given(requests())
@settings(max_examples=200, deadline=None)
def test_cloudinary_text_reads_back_where_there_is_one(request_: Request) -> None:
    assume(len(request_.source.location) <= 255 or request_.source.scheme != "id")
    text = _printed(request_)
    if isinstance(text, Failure):
        assert text.code == "not-expressible"
        return
    assert urls.parse(text) == request_
    assert cloudinary.print(urls.parse(text)) == text


def _seeds() -> list[str]:
    texts = [str(row["t"]) for row in jsonl("corpus.jsonl")] or ["c_fill,w_100,h_50,g_auto/f_auto,q_auto/a_10.hflip"]
    texts = [text.encode().decode("latin-1") for text in texts]
    ours = ["/resize:400x300,fit=cover/blur:3/-/bus.jpg", "/face-crop:20x20/https%3A%2F%2Fhost.example%2Fa.jpg?x=1"]
    return [*(f"/demo/image/upload/{text}/v1/a.jpg" for text in texts), *ours]


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A path of the samples with a few characters cut out, doubled or replaced."""
    text = draw(st.sampled_from(_seeds()))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 4)))
        middle = draw(
            st.sampled_from(
                ["", text[begin:end] * 2, "%", "%2", "%00", "%ff", "_", ",", "/", ":", ".", "-", "9", "$", "!"]
            )
        )
        text = text[:begin] + middle + text[end:]
    return text


@given(mutations() | BYTES | BYTES.map(lambda data: "/demo/image/upload/" + data), BYTES)
@settings(max_examples=1500, deadline=None)
@example("/demo/image/upload/a_./x", "")
@example("/demo/image/fetch/https://[/x", "")
@example("/https://%/%", "%")
def test_whatever_is_sent_gives_a_request_that_prints_or_a_failure(path: str, query: str) -> None:
    request = _sent(path, query)
    if request is not None:
        assert urls.parse(urls.canonical(request)) == request
        printed = _printed(request)
        assert isinstance(printed, Failure) or urls.parse(printed) == request


def _sent(path: str, query: str) -> Request | None:
    with contextlib.suppress(Failure):
        return urls.parse(path, query)
    return None
