"""Answers as responses: the headers that caches read, and those that keep browsers safe."""

from __future__ import annotations

from functools import cache
from typing import Any

import http_sf
from starlette.requests import Request
from starlette.responses import Response

from .keys import matches
from .render import DEGRADED_TTL, Answer, Status

STALE_WHILE_REVALIDATE = 86_400

SAFE_HEADERS = {
    # The picture may be opened as a page of its own: it may then load nothing and run nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Cache-Status, Server-Timing, X-Cld-Error, X-Degraded, X-Request-Id",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
}


def etags(header: str) -> frozenset[str]:
    """The tags of If-None-Match, compared weakly: W/"x" and "x" are one; `*` stands for any."""
    tags = (tag.strip().removeprefix("W/") for tag in header.split(","))
    return frozenset(tag if tag == "*" else f"W/{tag}" for tag in tags if tag)


def respond(answer: Answer, vary: str | None, known: frozenset[str]) -> Response:
    """The response to an answer: 200 with the body, or 304 where it is among the tags that the client knows."""
    fields = {
        "ETag": answer.etag,
        "Cache-Control": cache_control(answer),
        "Cache-Status": cache_status(answer.status, answer.stored),
        **({"Vary": vary} if vary else {}),
    }
    entry = answer.entry
    if entry is None or matches(answer.etag, known):
        return Response(None, 304, fields)
    meta = entry.meta
    if meta.get("immutable") and answer.fresh_for > DEGRADED_TTL and not (answer.private or answer.expires):
        fields["Cache-Control"] += ", immutable"
    named = (("X-Degraded", "degraded"), ("Cache-Tag", "cache_tag"), ("Content-Disposition", "disposition"))
    for name, key in named:
        if meta.get(key):
            fields[name] = str(meta[key])
    if answer.status == "miss":
        fields["Server-Timing"] = str(meta["timings"])
    return Response(entry.body, 200, fields, media_type=str(meta["media_type"]))


def cache_control(answer: Answer) -> str:
    if answer.private:
        return "private, no-store"
    if answer.expires:
        return f"public, max-age={int(answer.fresh_for)}, must-revalidate"
    seconds = round(answer.fresh_for)
    if seconds <= DEGRADED_TTL:
        return f"public, max-age={seconds}"
    return f"public, max-age={seconds}, stale-while-revalidate={STALE_WHILE_REVALIDATE}"


@cache
def cache_status(status: Status, stored: bool) -> str:
    """RFC 9211, with this server as the only cache."""
    parameters: dict[Status, dict[str, Any]] = {
        "hit": {"hit": True},
        "stale": {"hit": True, "ttl": 0, "detail": "stale"},
        "miss": {"fwd": http_sf.Token("miss"), **({"stored": True} if stored else {})},
        "follower": {"fwd": http_sf.Token("miss"), "collapsed": True},
    }
    return str(http_sf.ser([(http_sf.Token("Darkroom"), parameters[status])]))


def raw_path(request: Request) -> str:
    """The path as the client wrote it: still percent-encoded, without the query."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw.partition(b"?")[0].decode("latin-1")
