"""Both dialects as properties: what is printed reads back, and nothing that is sent raises anything but a Failure."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from server import urls
from server.urls import cloudinary, native
from server.urls.request import Request
from transforms.failure import Failure
from transforms.pipeline import Pipeline

from .generated import TRANSFORMATIONS, checked, mutations, pipelines, requests

BYTES = st.binary(max_size=60).map(lambda data: data.decode("latin-1"))
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@given(requests())
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
def test_native_text_reads_back_and_is_a_fixed_point(request_: Request) -> None:
    text = native.print(request_)
    assume(len(text) <= 8192)
    assert text.isascii()
    assert native.parse(text) == request_
    assert urls.parse(text) == request_
    assert urls.canonical(urls.parse(text)) == text


@given(pipelines())
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
def test_the_text_that_travels_to_renderers_reads_back(pipeline: Pipeline) -> None:
    assert Pipeline.parse(str(pipeline)) == pipeline


@given(requests())
@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
def test_cloudinary_text_reads_back_where_there_is_one(request_: Request) -> None:
    assume(len(request_.source.location) <= 255 or request_.source.scheme != "id")
    try:
        text = cloudinary.print(request_)
    except Failure as failure:
        if failure.code != "not-expressible":
            raise
        return
    assert urls.parse(text) == request_
    assert cloudinary.print(urls.parse(text)) == text


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
def test_the_strings_to_begin_from(transformation: str) -> None:
    checked(f"/demo/image/upload/{transformation}/v1/a.jpg".encode().decode("latin-1"))


@given(mutations() | BYTES | BYTES.map(lambda data: "/demo/image/upload/" + data), BYTES)
@settings(max_examples=1500, deadline=None)
@example("/demo/image/upload/a_./x", "")
@example("/demo/image/fetch/https://[/x", "")
@example("/https://%/%", "%")
@example("/demo/image/upload/t_a..b/x", "")
@example("/demo/image/upload/t_a%252Fb/x", "")
@example("/demo/image/upload/if_tags_in_!a:b!,w_9/x", "")
@example("/demo/image/upload/$a_!" + "%25C3%25BC" * 300 + "!/x", "")
@example("/let:a=" + "-" * 20 + "w/x", "")
def test_whatever_is_sent_gives_a_request_that_prints_or_a_failure(path: str, query: str) -> None:
    checked(path, query)


SEGMENTS = st.lists(
    st.text(st.sampled_from("wh_$!:;.,()-+*^~&|=<>@'aif0123456789eltdnrx%2CF/ "), max_size=30), min_size=1, max_size=6
)


@given(SEGMENTS, st.booleans())
@settings(max_examples=800, deadline=None)
def test_segments_of_all_that_means_something(segments: list[str], native_: bool) -> None:
    begin = "/" if native_ else "/demo/image/upload/"
    checked(begin + "/".join(segments) + "/v1/a.jpg")


@pytest.mark.parametrize(
    "piece",
    ["(", ")", "-", "w_", "$a", "$a_", "!", "!a", "_mul_w", "iw_", "a:", "a.", ";", "9", ".9", "if_", "%25", "'", "~a",
     "w+", "tags~a:", "auto@", "1:", "int(", "text:", "_", "g_auto:cat_", " ", "a ", "rgb:"],
)  # fmt: skip
@pytest.mark.parametrize(
    "around",
    ["/demo/image/upload/{}/v1/a.jpg", "/demo/image/upload/w_{}/v1/a.jpg", "/demo/image/upload/$a_{}/v1/a.jpg",
     "/demo/image/upload/if_{},w_9/v1/a.jpg", "/demo/image/upload/l_text:Arial_20:{}/v1/a.jpg", "/let:a={}/a.jpg",
     "/demo/image/upload/e_tint:{}/v1/a.jpg", "/demo/image/upload/c_fill,w_9,g_{}/v1/a.jpg", "/if:{}/end/a.jpg",
     "/resize:({})x/a.jpg", "/demo/image/upload/bo_{}px_solid_red/v1/a.jpg", "/demo/image/upload/a_{}/v1/a.jpg"],
)  # fmt: skip
def test_absurd_lengths(piece: str, around: str) -> None:
    """The bench says that none of these takes long; here only that each is answered."""
    for length in (400, 8000):
        checked(around.format((piece * length)[:length]))
