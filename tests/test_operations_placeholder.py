"""What asks for placeholders: formats, headers, reports; and how little is decoded for them."""

from __future__ import annotations

from typing import Any

import pytest

from transforms.check import check
from transforms.failure import Failure, Kind
from transforms.image import Probe, Size
from transforms.instead import Instead, Said
from transforms.limits import Limits
from transforms.output import Output, Report
from transforms.pipeline import Pipeline, Step
from transforms.plan import output_of, plan

from .servers import Server
from .steps import outcome, scene


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("format:blurhash", Output(instead=Instead("blurhash"))),
        ("format:blurhash,components=4x3", Output(instead=Instead("blurhash", (4, 3)))),
        ("format:blurhash,9x1", Output(instead=Instead("blurhash", (9, 1)))),
        ("format:thumbhash", Output(instead=Instead("thumbhash"))),
        ("format:lqip", Output(instead=Instead("lqip"))),
        ("format:lqip,data", Output(instead=Instead("lqip", data=True))),
        ("format:explain", Output(instead=Instead("explain"))),
        ("format:explain,json", Output(instead=Instead("explain", json=True))),
        ("format:webp/format:explain", Output("webp", instead=Instead("explain"))),
        ("format:explain/format:webp", Output("webp")),
        ("placeholder:blurhash", Output(said=Said(("blurhash",)))),
        ("placeholder:palette:blurhash", Output(said=Said(("blurhash", "palette")))),
        ("placeholder:color/placeholder:blurhash,components=3x3", Output(said=Said(("blurhash", "color"), (3, 3)))),
        ("placeholder:blurhash,components=3x3/placeholder:color", Output(said=Said(("blurhash", "color"), (3, 3)))),
    ],
)
def test_what_they_say(text: str, expected: Output) -> None:
    assert output_of(Pipeline.parse(text)) == expected


def test_one_spelling_is_canonical() -> None:
    assert str(Step.parse("placeholder:palette:color")) == str(Step.parse("placeholder:color:palette"))


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("format:webp,json", "json"), ("format:thumbhash,components=4x3", "components"),
        ("format:blurhash,data", "data"), ("format:lqip,json", "json"),
        ("format:explain,components=2x2", "components"), ("format:auto,data", "data"),
    ],
)  # fmt: skip
def test_arguments_of_another_format_are_refused_before_anything_is_fetched(text: str, argument: str) -> None:
    with pytest.raises(Failure) as caught:
        check(Pipeline.parse(f"resize:100x100/{text}"))
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "bad-argument")
    assert caught.value.details["argument"] == argument
    assert caught.value.details["operation"] == "format"
    assert "format:" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "reduce"),
    [
        ("format:blurhash", 8), ("format:lqip", 8), ("crop:2000x1500/format:thumbhash", 8),
        ("crop:300x200/format:thumbhash", 2), ("format:jpeg", 1), ("format:explain", 1), ("info:placeholders", 8),
        ("placeholder:blurhash", 1), ("blur:20/format:blurhash", 8),
    ],
)  # fmt: skip
def test_few_pixels_are_decoded_for_them(text: str, reduce: int) -> None:
    probe = Probe("jpeg", Size(4000, 3000), 1, False, False, None, 1, 10**6)
    assert plan(Pipeline.parse(text), probe, Limits(), side_for=lambda _: 320).decode.reduce == reduce


@pytest.mark.parametrize(
    ("text", "still"),
    [
        ("format:lqip", True), ("format:gif/format:lqip", True), ("still", True), ("format:gif/format:explain", False),
        ("placeholder:blurhash", False),
    ],
)  # fmt: skip
def test_one_frame_is_enough_for_them(text: str, still: bool) -> None:
    probe = Probe("gif", Size(400, 300), 9, True, False, None, 1, 10**6)
    assert plan(Pipeline.parse(text), probe, Limits(), side_for=lambda _: 320).decode.still == still


def test_reports_say_them_where_they_are_asked() -> None:
    for name in ("info", "auto-tag"):
        plainly, fully = (outcome(text, scene(64, 48)) for text in (name, f"{name}:placeholders=true"))
        assert isinstance(plainly, Report)
        assert isinstance(fully, Report)
        said: Any = fully.content.pop("placeholders")
        assert plainly.content == fully.content
        assert said["color"] == "#808080"
    assert Step.parse("info").needs == frozenset()
    assert Step.parse("info:placeholders").needs == {"colors"}


TEXT = "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "media_type", "length"),
    [
        ("/format:blurhash/photo.jpg", TEXT, 28), ("/resize:400x/format:blurhash,components=5x5/photo.jpg", TEXT, 54),
        ("/format:blurhash/alpha.png", TEXT, 28), ("/format:thumbhash/photo.jpg", TEXT, 28),
        ("/format:lqip/photo.jpg", "image/webp", None), ("/format:lqip,data/photo.jpg", TEXT, None),
        ("/resize:100x100/info:placeholders/photo.jpg", "application/json", None),
    ],
)  # fmt: skip
def test_they_are_sent(server: Server, path: str, media_type: str, length: int | None) -> None:
    first, again = server.get(path), server.get(path)
    assert first.status_code == 200, first.text
    assert first.headers["content-type"] == media_type
    assert "vary" not in first.headers
    assert length is None or len(first.content) == length
    assert len(first.content) <= 1200
    assert again.content == first.content
    assert "hit" in again.headers["cache-status"]


def test_they_can_be_saved_as_text(server: Server) -> None:
    said = server.get("/format:blurhash/download/photo.jpg").headers["content-disposition"]
    assert said == 'attachment; filename="photo.txt"'


def test_cloudinary_has_no_such_format(server: Server) -> None:
    answer = server.get("/image/upload/f_blurhash/photo.jpg")
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad-argument"


def test_headers_say_them_of_the_picture_that_is_sent(server: Server) -> None:
    path = "/resize:300x/placeholder:blurhash:thumbhash:color:palette/photo.jpg"
    first, again = server.get(path), server.get(path)
    for answer in (first, again):
        assert answer.headers["content-type"] == "image/jpeg"
        assert len(answer.headers["x-blurhash"]) == 28
        assert len(answer.headers["x-thumbhash"]) >= 24
        colours = answer.headers["x-palette"].split(", ")
        assert answer.headers["x-dominant-color"] == colours[0]
        assert all(len(colour) == 7 for colour in colours)
    assert "hit" in again.headers["cache-status"]
    assert "x-blurhash" not in server.get("/resize:300x/photo.jpg").headers
