"""The source of a picture and the pictures of its layers as one: versions, grants, tags, dates."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from server.gathering import Gathering, Joint, joined
from server.layered import Layered, check_layers, shown
from server.originals import Original, Version
from server.sources.grant import Grant
from server.sources.mounts import Place
from server.sources.source import Fetched, SourceRef
from server.tags import source_tag, tags_of_source
from server.urls import parse
from server.wanted import Wanted
from transforms.failure import Failure, Kind
from transforms.output import Client
from transforms.picture import Picture
from transforms.pipeline import Pipeline

MAIN, LOGO, OTHER = (SourceRef("http", f"http://a/{name}") for name in ("main", "logo", "other"))
FRESH = Version("v1", 100.0)


def of(tag: str, **said: object) -> Version:
    return replace(FRESH, tag=tag, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (of("a", fresh_for=5.0), {"fresh_for": 5.0, "fresh": True}),
        (of("a", fresh_for=500.0), {"fresh_for": 100.0}),
        (of("a", fresh_for=-1.0), {"fresh": False}),
        (of("a", private=True, grant=Grant(private=True)), {"private": True, "fresh": False}),
        (of("a", tags=("x", "y")), {"tags": ("x", "y")}),
        (of("a", stale=True), {"stale": True}),
        (of("a", grant=Grant(ask=True)), {"grant": Grant(ask=True)}),
        (of("a", grant=Grant(browser_for=9.0, said=True)), {"grant": Grant(browser_for=9.0, said=True)}),
    ],
)
def test_all_together_are_no_more_than_the_least(layer: Version, expected: Mapping[str, object]) -> None:
    found = joined(FRESH, [(LOGO, layer)])
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.parts == (FRESH, layer)


def test_the_less_of_two_grants() -> None:
    one = of("a", grant=Grant(10.0, while_revalidate=60.0, if_error=0.0))
    other = of("b", grant=Grant(20.0, while_revalidate=30.0))
    assert joined(one, [(LOGO, other)]).grant == Grant(10.0, while_revalidate=30.0, if_error=0.0)


def test_every_version_and_place_counts() -> None:
    tags = {
        joined(FRESH, []).tag,
        joined(FRESH, [(LOGO, of("a"))]).tag,
        joined(FRESH, [(LOGO, of("b"))]).tag,
        joined(FRESH, [(OTHER, of("a"))]).tag,
        joined(FRESH, [(None, of("a"))]).tag,
        joined(of("v2"), [(LOGO, of("a"))]).tag,
        joined(FRESH, [(LOGO, of("a")), (OTHER, of("a"))]).tag,
        joined(FRESH, [(OTHER, of("a")), (LOGO, of("a"))]).tag,
    }
    assert len(tags) == 8


class Scripted:
    """Originals that answer as they are told: a version, None, or a failure, by source."""

    def __init__(self, **answers: Version | Failure | None) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Version | None]] = []

    def near(self, ref: SourceRef) -> Version | None:
        answer = self.answers[ref.location.rpartition("/")[2]]
        if isinstance(answer, Failure):
            raise answer
        return answer

    async def version(self, ref: SourceRef) -> Version | None:
        return self.near(ref)

    async def fetch(self, ref: SourceRef, deadline: float, known: Version | None = None) -> Original:
        self.asked.append((ref.location, known))
        version = self.near(ref)
        assert version is not None
        return Original(version, Fetched(Path(ref.location), version.tag, 1, modified=version.modified))


def gone(code: str = "source-not-found") -> Failure:
    return Failure(Kind.NOT_FOUND if code == "source-not-found" else Kind.BAD_GATEWAY, code, "it is not there")


def layer(*refs: SourceRef, guarded: bool = False, ours: bool = False) -> Layered:
    picture = Picture("http", refs[0].location)
    return Layered(picture, tuple(map(Place, refs)), guarded, ours)


def wanted(*layers: Layered) -> Wanted:
    return Wanted(Pipeline(), MAIN, Client(), layers=layers)


async def outcome(ask: Callable[[], object]) -> object:
    """What comes of a question: the code of the failure, or the answer."""
    try:
        found = ask()
        return await found if hasattr(found, "__await__") else found
    except Failure as failure:
        return failure.code


@pytest.mark.parametrize(
    ("logo", "kwargs", "near", "version"),
    [
        (of("a"), {}, "a", "a"),
        (None, {}, None, None),
        (gone(), {}, None, "layer-not-found"),
        (gone("source-failed"), {}, None, "source-failed"),
        (gone(), {"guarded": True}, "none: layer-not-found", "none: layer-not-found"),
        (gone("source-failed"), {"guarded": True}, "none: source-failed", "none: source-failed"),
        (gone(), {"ours": True}, None, "watermark-unavailable"),
    ],
)
async def test_what_is_not_there(
    logo: Version | Failure | None, kwargs: dict[str, bool], near: str | None, version: str | None
) -> None:
    gathering = Gathering(Scripted(main=FRESH, logo=logo))  # type: ignore[arg-type]
    asked = wanted(layer(LOGO, **kwargs))
    for ask, expected in ((gathering.near, near), (gathering.version, version)):
        found = await outcome(lambda ask=ask: ask(asked))  # type: ignore[misc]
        assert (found.parts[1].tag if isinstance(found, Joint) else found) == expected


async def test_the_next_place_is_looked_at_where_the_first_has_nothing() -> None:
    originals = Scripted(main=FRESH, logo=gone(), other=of("b"))
    gathering = Gathering(originals)  # type: ignore[arg-type]
    asked = wanted(layer(LOGO, OTHER))
    near, version = gathering.near(asked), await gathering.version(asked)
    gathered = await gathering.fetch(asked, time.monotonic() + 5)
    assert near == version == gathered.version
    [brought] = gathered.layers
    assert brought.ref == OTHER
    own, *folders = tags_of_source(MAIN)
    assert gathered.tags(MAIN)[: len(folders) + 2] == (
        own,
        source_tag(OTHER),
        *folders,
    )  # of a deep source the first count


async def test_each_is_asked_about_the_version_that_is_known_of_it() -> None:
    originals = Scripted(main=FRESH, logo=of("a"), other=gone())
    gathering = Gathering(originals)  # type: ignore[arg-type]
    asked = wanted(layer(LOGO), layer(OTHER, guarded=True))
    known = await gathering.version(asked)
    gathered = await gathering.fetch(asked, time.monotonic() + 5, known)
    assert dict(originals.asked) == {MAIN.location: FRESH, LOGO.location: of("a"), OTHER.location: None}
    assert gathered.version == known
    assert gathered.complete
    assert [brought.layered.failure and brought.layered.failure.code for brought in gathered.layers] == [
        None, "layer-not-found",
    ]  # fmt: skip


EARLY, LATE = "Tue, 01 Jan 2019 00:00:00 GMT", "Wed, 18 May 2033 03:33:20 GMT"


@pytest.mark.parametrize(
    ("main", "logo", "expected"), [(EARLY, LATE, LATE), (LATE, EARLY, LATE), (EARLY, None, None), (None, LATE, None)]
)
async def test_the_latest_date_of_all(main: str | None, logo: str | None, expected: str | None) -> None:
    originals = Scripted(main=of("a", modified=main), logo=of("b", modified=logo))
    gathered = await Gathering(originals).fetch(wanted(layer(LOGO)), time.monotonic() + 5)  # type: ignore[arg-type]
    assert gathered.modified == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("overlay:a.png/end", {"a.png": False}),
        ("if:w>9/overlay:a.png/end/end", {"a.png": True}),
        ("if:w>9/overlay:a.png/end/else/overlay:b.png/end/end/overlay:a.png/end", {"a.png": False, "b.png": True}),
        ("overlay:a.png/if:w>9/overlay:b.png/end/end/end", {"a.png": False, "b.png": True}),
        ("overlay:a.png/overlay:b.png/end/end", {"a.png": False, "b.png": False}),
        ("if:w>9/overlay:a.png/overlay:b.png/end/end/end", {"a.png": True, "b.png": True}),
        ("let:n='a.png'/overlay:($n)/end", {"a.png": True}),
    ],
)
def test_pictures_under_conditions_alone_are_guarded(text: str, expected: dict[str, bool]) -> None:
    found = shown(Pipeline.parse(text), Pipeline())
    assert {str(one.picture): one.guarded for one in found} == expected


def test_what_only_the_watermark_shows_is_ours() -> None:
    found = shown(Pipeline.parse("overlay:a.png/end"), Pipeline.parse("overlay:a.png/end/overlay:b.png/end"))
    assert [(str(one.picture), one.ours) for one in found] == [("a.png", False), ("b.png", True)]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/overlay:private:a/end/b.jpg", Kind.FORBIDDEN),
        ("/if:w>9/overlay:authenticated:a/end/end/b.jpg", Kind.FORBIDDEN),
        ("/overlay:b.png/overlay:private:a/end/end/b.jpg", Kind.FORBIDDEN),
        ("/demo/image/upload/l_private:a/b.jpg", Kind.UNAUTHORISED),
    ],
)
def test_what_is_not_open_to_all_wants_a_signature_wherever_it_is_shown(path: str, kind: Kind) -> None:
    request = parse(path)
    with pytest.raises(Failure) as caught:
        check_layers(request.pipeline, request)
    assert (caught.value.kind, caught.value.code) == (kind, "unsigned-layer")
