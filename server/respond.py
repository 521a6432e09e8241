"""Answers as responses: the headers that caches read, and those that keep browsers safe."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import http_sf
from werkzeug.http import http_date, parse_date

from cache.entry import Entry

from .delivered import Answer, Status
from .make import DEGRADED_TTL
from .sources.grant import Grant
from .sources.source import SourceRef
from .wanted import Asked

SAFE_HEADERS = {
    # The picture may be opened as a page of its own: it may then load nothing and run nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
}

SAID_BY_STEPS = frozenset({"Content-DPR", "X-Blurhash", "X-Dominant-Color", "X-Palette", "X-Thumbhash"})

EXPOSED = (
    "Cache-Status, Content-DPR, Server-Timing, X-Blurhash, X-Cld-Error, X-Degraded, X-Dominant-Color, X-Palette, "
    "X-Request-Id, X-Thumbhash"
)


MOST_HEADS = 8  # kinds of answers to one request whose heads are remembered


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that is all there; as an ASGI application it sends itself."""

    status: int
    head: bytes = b""
    """Lines of names and values."""
    body: bytes = b""
    answer: Answer | None = None
    """What it tells, and `code` the failure that it tells instead."""
    code: str | None = None

    @property
    def timings(self) -> str:
        """The stages of what was made for this reply, as Server-Timing has them."""
        answer = self.answer
        return str(answer.entry.meta["timings"]) if answer and answer.entry and answer.status == "miss" else ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator lets responses say. Seconds; `browser_ttl` None: browsers keep as long as CDNs.

    `origins` are those whose pages may read answers, `*` for all; `canonical` names the address that a remote source
    was fetched from, `debug` the sizes of source and result.
    """

    browser_ttl: int | None = None
    stale_ttl: int = 86_400
    origins: tuple[str, ...] = ("*",)
    canonical: bool = False
    debug: bool = False


def etags(header: str) -> frozenset[str]:
    """The tags of If-None-Match, compared weakly: W/"x" and "x" are one; `*` stands for any."""
    tags = (tag.strip().removeprefix("W/") for tag in header.split(","))
    return frozenset(tag if tag == "*" else f"W/{tag}" for tag in tags if tag)


@dataclass(frozen=True, slots=True)
class _Lasting:
    """What is the same in every response with one entry."""

    on_200: bytes
    on_304: bytes


class Responder:
    """Makes replies of answers, by one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._anybody = policy.origins in ((), ("*",))
        shared = {"Access-Control-Allow-Origin": "*"} if policy.origins == ("*",) else {}
        self._always = lines(
            {**SAFE_HEADERS, **shared, **({"Access-Control-Expose-Headers": EXPOSED} if policy.origins else {})}
        )

    def reply(self, answer: Answer, asked: Asked, known: frozenset[str]) -> Reply:
        """200 with the body, or 304 where it is among the tags that the client knows."""
        entry = answer.entry
        said = self._about(answer, asked)
        control = f"cache-control: {self._cache_control(answer, asked)}\r\n".encode()
        if entry is None or answer.etag in known or "*" in known:
            return Reply(304, said.on_304 + control, answer=answer)
        return Reply(200, said.on_200 + control, entry.body, answer)

    def _about(self, answer: Answer, asked: Asked) -> _Lasting:
        entry = answer.entry
        key = answer.etag, cache_status(answer.status, answer.stored), "" if entry is None else str(entry.stored_at)
        found: _Lasting | None = asked.heads.get(key)
        if found is None:
            if len(asked.heads) >= MOST_HEADS:
                asked.heads.clear()
            on_304 = self._on_304(answer, asked)
            on_200 = on_304 + lines(self._on_200(answer, entry, asked)) if entry is not None else b""
            found = _Lasting(on_200, on_304)
            if answer.status == "hit":  # of the others there will be no second
                asked.heads[key] = found
        return found

    def _on_304(self, answer: Answer, asked: Asked) -> bytes:
        said = {
            "ETag": answer.etag,
            "Cache-Status": cache_status(answer.status, answer.stored),
            "Vary": self.vary(asked),
            "Accept-CH": asked.negotiation.accept_ch,
        }
        return lines(said)

    def _on_200(self, answer: Answer, entry: Entry, asked: Asked) -> dict[str, str | None]:
        meta = entry.meta
        tags = (*entry.tags, *answer.wanted.tags, *asked.tags)
        said: dict[str, str | None] = {
            "Content-Type": str(meta["media_type"]),
            "Content-Length": str(len(entry.body)),
            "Last-Modified": _modified(entry),
            "Content-Disposition": str(meta["disposition"]),
            "X-Degraded": str(meta["degraded"]),
            "Cache-Tag": ",".join(tags),
            "Surrogate-Key": " ".join(tags),
            "Link": self._canonical(answer.wanted.ref),
            **_named(meta["headers"]),
        }
        if self._policy.debug:
            said |= {"X-Result-Width": str(meta["width"]), "X-Result-Height": str(meta["height"]),
                     "X-Origin-Content-Length": str(meta["source_bytes"])}  # fmt: skip
        return said

    def vary(self, asked: Asked | None) -> str | None:
        """Every header of a request that can change the response to it."""
        names = (asked.negotiation.vary if asked else None, None if self._anybody else "Origin")
        return ", ".join(filter(None, names)) or None

    def _canonical(self, ref: SourceRef) -> str | None:
        """The address of a remote source that the URL itself names, without a query, which may hold a secret."""
        shown = self._policy.canonical and ref.scheme in ("http", "https") and not ref.root
        return f'<{ref.location.partition("?")[0]}>; rel="canonical"' if shown else None

    def _cache_control(self, answer: Answer, asked: Asked) -> str:
        if answer.private:
            return "private, no-store"
        seconds, grant = round(answer.fresh_for), answer.grant
        if answer.purged or grant.ask:
            return "no-store" if answer.purged else "public, no-cache"
        if asked.request.expires is not None:
            seconds = max(0, min(seconds, int(asked.request.expires - time.time())))
            return f"public, max-age={seconds}, must-revalidate"
        if seconds <= DEGRADED_TTL:
            return f"public, max-age={seconds}"
        return f"public, {self._lifetimes(seconds, grant)}" + (", immutable" if asked.immutable else "")

    def _lifetimes(self, seconds: int, grant: Grant) -> str:
        """Those of CDNs and browsers, and of what is stale: never more than the origin grants."""
        most = self._policy.stale_ttl
        stale = (_least(most, grant.while_revalidate), _least(most, grant.if_error))
        after = f"stale-while-revalidate={stale[0]}, stale-if-error={stale[1]}" if any(stale) else "must-revalidate"
        browser = _least(_least(seconds, self._policy.browser_ttl), grant.browser_for)
        # Without s-maxage where it is the same: it forbids shared caches to serve anything stale (RFC 9111, 5.2.2.10).
        shared = "" if browser >= seconds else f", s-maxage={seconds}"
        return f"max-age={browser}{shared}, {after}"

    def always(self, origin: str) -> bytes:
        """What every response says, also of a failure. `origin` is that of the page that asks, "" for none."""
        if self._anybody:
            return self._always
        allowed = origin in self._policy.origins
        return self._always + lines({"Access-Control-Allow-Origin": origin}) if allowed else self._always


def _least(most: int, other: float | None) -> int:
    return most if other is None else min(most, round(other))


def _named(headers: Any) -> dict[str, str]:
    """What steps may say, and nothing else that may have come out of a cache."""
    return {str(name): str(value) for name, value in headers if name in SAID_BY_STEPS}


def lines(said: Mapping[str, str | None]) -> bytes:
    """Headers as they are written, those without a value left out. Raises ValueError for what would end a line."""
    text = "".join(f"{name.lower()}: {value}\r\n" for name, value in said.items() if value)
    if text.count("\n") + text.count("\r") > 2 * sum(1 for value in said.values() if value) or "\0" in text:
        raise ValueError("a header has a line end in it")
    return text.encode("latin-1")


def fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """The lines of a head as ASGI has them."""
    return [(name, value) for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n")[:-1])]


def _modified(entry: Entry) -> str | None:
    """When the source last changed. For people: no 304 is given for a date, which cannot tell variants apart."""
    said = entry.meta["modified"]
    changed = parse_date(str(said)) if said else None
    return http_date(changed) if changed else None


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
