"""Cloudinary's dialect against the samples of the language: what parses, what comes out how large, what is refused."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

import pytest

from server import urls
from server.signing import Access
from server.urls.request import Request
from transforms.failure import Failure, Kind
from transforms.image import Size

from .shared import jsonl, needs

STATUS = {
    Kind.BAD_REQUEST: 400,
    Kind.UNAUTHORISED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.URI_TOO_LONG: 414,
    Kind.NOT_IMPLEMENTED: 501,
}

# What this issue names, as plain patterns: independent of how the parser is built.
_NUMBER = r"\d+|\d*\.\d+"
_COLOUR = r"[a-z]+|(rgb:)?([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})"
_COMPASS = "center|(north|south)(_east|_west)?|east|west"
NAMED = {
    "w": _NUMBER,
    "h": _NUMBER,
    "ar": rf"{_NUMBER}|\d+:\d+",
    "x": rf"-?({_NUMBER})",
    "y": rf"-?({_NUMBER})",
    "z": _NUMBER,
    "dpr": _NUMBER,
    "c": "scale|fit|fill|lfill|limit|pad|lpad|crop|thumb",
    "g": rf"{_COMPASS}|faces?(:(center|auto))?|auto(:(subject|faces?))?",
    "q": r"\d+|auto(:(best|good|eco|low))?",
    "f": "auto|jpg|jpeg|png|webp|gif|avif",
    "a": rf"(-?({_NUMBER})|hflip|vflip|exif)(\.(-?\d+|hflip|vflip|exif))*",
    "r": r"max|\d+(:\d+){0,3}",
    "b": rf"(?!auto|blurred)({_COLOUR})",
    "bo": rf"\d+px_solid_({_COLOUR})",
    "co": _COLOUR,
    "o": r"\d+",
    "e": r"((blur|sharpen|brightness|blur_faces|pixelate_faces)(:-?\d+)?|grayscale)",
    "fl": "progressive(:semi|:steep)?|strip_profile|force_strip|ignore_aspect_ratio",
}

# Parts of the named set that wait for the operations: a face cut out as large as it was found, and a crop that falls
# back from faces to what catches the eye.
WAITING = re.compile(r"(?=.*c_crop)(?=.*g_face)(?!.*\b[wh]_)")
# Hundreds of times the picture's width: past any limit, and refused as such.
OUT_OF_BOUNDS = re.compile(r"\bw_\d{3,}\.")


def path_of(row: dict[str, Any]) -> str:
    return str(row.get("url") or f"/demo/image/upload/{row['t']}/v1/sample.jpg").replace("<cloud_name>", "demo")


def parse(path: str) -> Request:
    raw, _, query = path.encode().decode("latin-1").partition("?")
    return urls.parse(raw, query)


def outcome(path: str) -> Request | Failure:
    try:
        return parse(path)
    except Failure as failure:
        return failure


def is_named(component: str) -> bool:
    parts = [part.partition("_") for part in component.split(",")]
    return all(re.fullmatch(NAMED.get(key, "(?!)"), value) for key, _, value in parts)


def must_parse(row: dict[str, Any]) -> bool:
    where = row.get("url", "/image/upload/")
    served = re.search(r"(^|/)image/(upload|fetch)/", where) and "/s--" not in where
    text = unquote(row["t"])
    named = all(is_named(component) for component in text.split("/") if component)
    return bool(served and named and not WAITING.search(text) and not OUT_OF_BOUNDS.search(text))


@needs("spec", "corpus.jsonl")
def test_every_string_within_the_named_set_parses() -> None:
    rows = [row for row in jsonl("corpus.jsonl") if row["class"] in ("core", "common") and must_parse(row)]
    assert len(rows) > 300
    for row in rows:
        request = parse(path_of(row))
        assert request.source.scheme in ("id", "http", "https"), row
        assert parse(urls.canonical(request)) == request, row
        assert parse(urls.cloudinary.print(request)) == request, row


@needs("spec", "corpus.jsonl")
def test_every_other_string_is_a_coded_failure() -> None:
    rows = [row for row in jsonl("corpus.jsonl") if "url" not in row and row["t"] and not must_parse(row)]
    assert rows
    for row in rows:
        found = outcome(path_of(row))
        if isinstance(found, Failure):
            assert found.kind in STATUS, row
            assert re.fullmatch("[a-z]+(-[a-z]+)*", found.code), row
        else:
            # Nothing that is not named may slip through: what parses all the same is a folder, no transformation.
            assert str(found.pipeline) == "", row


@needs("spec", "dims.jsonl")
@pytest.mark.parametrize("confidence", ["high", "med"])
def test_sizes_are_exact(confidence: str) -> None:
    rows = [row for row in jsonl("dims.jsonl") if row["conf"] == confidence]
    covered, wrong = 0, []
    for row in rows:
        request = outcome("/demo/image/upload/" + quote(row["t"], safe="/,:$!%") + "/v1/sample.jpg")
        if isinstance(request, Failure):
            assert request.code.startswith("unsupported-"), row
            continue
        covered += 1
        size = Size(*row["src"])
        for step in request.pipeline.steps:
            size = step.operation.size(size, **step.arguments)
        off = max(abs(size.width - row["expect"][0]), abs(size.height - row["expect"][1]))
        if off > row.get("tol", 0):
            wrong.append((row["t"], size, row["expect"]))
    assert wrong == []
    assert covered >= 0.6 * len(rows)


def bad_rows(*categories: str) -> list[Any]:
    return [pytest.param(row, id=row["id"]) for row in jsonl("bad.jsonl") if row["cat"] in categories]


@needs("spec", "bad.jsonl")
@pytest.mark.parametrize("row", bad_rows("syntax", "number", "value", "limit", "expr", "control", "signature"))
def test_bad_paths_are_refused_at_once(row: dict[str, Any]) -> None:
    if 404 in row["expect"] and row["why"] == "long names are not the URL grammar":
        assert parse(row["path"]).source.location == "width_400,height_300/sample.jpg"
        return
    with pytest.raises(Failure) as caught:
        Access(secrets=("b",)).check(parse(row["path"]), 0.0)
    assert STATUS[caught.value.kind] in row["expect"]


@needs("spec", "bad.jsonl")
@pytest.mark.parametrize("row", bad_rows("traversal", "ssrf", "layer", "missing"))
def test_other_bad_paths_are_refused_or_lead_into_the_folder_or_to_the_guard(row: dict[str, Any]) -> None:
    found = outcome(row["path"])
    if isinstance(found, Failure):
        assert STATUS[found.kind] in {*row["expect"], 400}
        return
    source = found.source
    assert row["cat"] != "layer"
    if source.scheme in ("id", "file"):
        assert row["cat"] in ("traversal", "missing")
        assert not source.location.startswith("/")
        assert not {"", ".", ".."} & set(source.location.split("/"))
    else:
        assert source.location.startswith(("http://", "https://"))
