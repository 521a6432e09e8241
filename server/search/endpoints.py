"""`GET /tags`, `GET /tags/<tag>` and `GET /similar/<source>`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cache.breaker import Unanswered
from transforms.accepted import Accepted
from transforms.failure import Failure, Kind, bad_argument, nearest

from .. import errors, urls
from ..clients import Clients
from ..log import logger
from ..metrics import Metrics
from ..purge import check_token
from ..urls.paths import decode
from .bands import FARTHEST
from .looking import Looking
from .noticed import label_of, told
from .record import LONGEST, Record, word

Mode = Literal["auto", "open", "secret", "off"]

LIMIT, MOST = 100, 1000  # of a page
DISTANCE = 10
"""Bits of 64. Of 81 photographs all that were scaled to a tenth, compressed to JPEG quality 10 or cropped by 1 % a side
differ in at most 8, 92 % of those cropped by 3 % a side in at most 10; of 3,240 pairs of different ones the nearest
differ in 18."""
MOST_ALSO = 8
VOCABULARY = 5_000  # tags among which the nearest of an unknown one is looked for: 18 to 24 ms

_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Answer = Callable[[Request], Awaitable[Response]]


class Search:
    """The endpoints; `looking` is set while the application runs. `is_open` tells whether URLs need no signature."""

    def __init__(self, mode: Mode, metrics: Metrics, clients: Clients, token: Callable[[], str | None]) -> None:
        self.looking: Looking | None = None
        self.is_open: Callable[[], bool] = lambda: False
        self._mode = mode
        self._metrics = metrics
        self._clients = clients
        self._token = token

    async def tags(self, request: Request) -> Response:
        return await self._answered(request, self._tags)

    async def tag(self, request: Request) -> Response:
        return await self._answered(request, self._tag)

    async def similar(self, request: Request) -> Response:
        return await self._answered(request, self._similar)

    async def _answered(self, request: Request, answer: Callable[[Looking, Request], Awaitable[Response]]) -> Response:
        try:
            self._check(request)
            if self.looking is None:
                raise Failure(Kind.UNAVAILABLE, "starting", "the server is starting or stopping", retry_after=1)
            return await answer(self.looking, request)
        except Failure as failure:
            found = failure
        except Unanswered:
            found = Failure(Kind.UNAVAILABLE, "search-unavailable", "the search index does not answer", retry_after=5)
        except Exception:
            logger().exception("internal error")
            found = errors.internal_error()
        self._metrics.errors.labels(found.code).inc()
        response = errors.respond(found)
        response.headers["Cache-Control"] = "no-store"
        if found.kind is Kind.UNAUTHORISED:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def _check(self, request: Request) -> None:
        if self._mode == "off":
            raise Failure(
                Kind.NOT_FOUND, "search-off", "this server lists nothing", hint="the operator can set DARKROOM_SEARCH"
            )  # fmt: skip
        if self._mode == "secret" or (self._mode == "auto" and not self.is_open()):
            check_token(request.headers.get("authorization", ""), self._token(), "search")

    async def _tags(self, looking: Looking, request: Request) -> Response:
        query = _Query(request, "prefix", "page", "limit")
        prefix, after, limit = word(query.text("prefix")), query.text("page"), query.number("limit", LIMIT, 1, MOST)
        rows = await looking.feed.index.tags(prefix, after, limit + 1)
        following = rows[limit - 1][0] if len(rows) > limit else None
        spelt = told(name for name, _ in rows)
        body = {"tags": [{"tag": spelt[name], "count": count} for name, count in rows[:limit]], "next": following}
        return _page(body, "/tags", {"prefix": prefix, "limit": query.text("limit")}, following)

    async def _tag(self, looking: Looking, request: Request) -> Response:
        query = _Query(request, "also", "page", "limit", several="also")
        limit, before = query.number("limit", LIMIT, 1, MOST), query.number("page", None, 1, 1 << 62)
        asked = [decode(request.scope["raw_path"].decode("latin-1").partition("/tags/")[2].partition("?")[0])]
        asked += query.all("also")
        if len(asked) > 1 + MOST_ALSO:
            raise bad_argument(f"also= is given at most {MOST_ALSO} times", maximum=MOST_ALSO)
        names = [await _meant(looking, text) for text in asked]
        found, following = await looking.sources(names, before, limit)
        spelt = told(names)
        body = {
            "tag": spelt[names[0]], "also": [spelt[name] for name in names[1:]],
            "sources": await _told(listed.record for listed in found),
            "next": None if following is None else str(following),
        }  # fmt: skip
        also = [("also", name) for name in names[1:]]
        link = f"/tags/{quote(names[0], safe='')}"
        return _page(body, link, [*also, ("limit", query.text("limit"))], body["next"])

    async def _similar(self, looking: Looking, request: Request) -> Response:
        query = _Query(request, "distance", "limit")
        distance, limit = query.number("distance", DISTANCE, 0, FARTHEST), query.number("limit", LIMIT, 1, MOST)
        raw = request.scope["raw_path"].decode("latin-1").partition("?")[0].removeprefix("/similar")
        asked = urls.parse(raw)
        if asked.pipeline.nodes:
            raise bad_argument(
                "similar: is asked of a source, without steps", hint="/similar/team/jane.jpg, as it stands in a URL"
            )  # fmt: skip
        peer = self._clients.of(
            request.client.host if request.client else "", request.headers.get("x-forwarded-for", "")
        )  # fmt: skip
        record = await looking.known(asked, peer)
        alike = await looking.similar(record, distance, limit)
        told = await _told(one.listed.record for one in alike)
        rows = [{"distance": one.distance, **row} for one, row in zip(alike, told, strict=True)]
        bits = record.fingerprint
        body = {"path": record.path, "fingerprint": None if bits is None else f"{bits:016x}", "similar": rows}
        return JSONResponse(body, headers=_NO_STORE)


class _Query:
    """The query of a request; names that nobody knows, and empty or repeated ones, are refused."""

    def __init__(self, request: Request, *names: str, several: str = "") -> None:
        self._values = request.query_params
        for name in self._values:
            if name not in names:
                close = nearest(name, names)
                raise bad_argument(
                    f"there is no {name[:LONGEST]}=", hint=f"did you mean {close}=?" if close else None,
                    choices=list(names),
                )  # fmt: skip
            if name != several and len(self._values.getlist(name)) > 1:
                raise bad_argument(f"{name}= is given once")

    def text(self, name: str) -> str:
        return self._values.get(name, "")

    def all(self, name: str) -> list[str]:
        return self._values.getlist(name)

    def number(self, name: str, default: Any, least: int, most: int) -> Any:
        """A whole number within its bounds; the default where none is given."""
        text = self._values.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
            raise bad_argument(f"{name}= is a whole number from {least} to {most}", minimum=least, maximum=most)
        return int(text)


async def _meant(looking: Looking, text: str) -> str:
    """The tag of the index that a word means. Raises Failure `unknown-tag` with the nearest."""
    name = word(text)
    for candidate in (name, label_of(text)):
        if candidate and await _exists(looking, candidate):
            return candidate
    known = [tag for tag, _ in await looking.feed.index.tags("", "", VOCABULARY)]
    found = await asyncio.to_thread(lambda: Accepted(known).nearest(name))
    close = found and told([found])[found]
    raise Failure(
        Kind.NOT_FOUND, "unknown-tag", "in nothing that is indexed was this found",
        hint=f"did you mean {close!r}?" if close else "/tags lists what was found", details={"nearest": close},
    )  # fmt: skip


async def _exists(looking: Looking, name: str) -> bool:
    rows = await looking.feed.index.tags(name, "", 1)
    return bool(rows) and rows[0][0] == name


async def _told(records: Iterable[Record]) -> list[dict[str, Any]]:
    """What is told of each. In a thread: of a thousand it takes 40 ms."""
    return await asyncio.to_thread(lambda: [_row(record) for record in records])


def _row(record: Record) -> dict[str, Any]:
    spelt = told(text for tag in record.tags for text in (tag.name, tag.of))
    return {
        "path": record.path,
        "found_at": datetime.fromtimestamp(record.found_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "tags": [
            {"tag": spelt[tag.name], "confidence": tag.score, "by": tag.by, **({"of": spelt[tag.of]} if tag.of else {})}
            for tag in record.tags
        ],
    }  # fmt: skip


def _page(
    body: dict[str, Any], path: str, query: Mapping[str, str] | Sequence[tuple[str, str]], following: Any
) -> Response:
    headers = dict(_NO_STORE)
    if following is not None:
        pairs = [*(query.items() if isinstance(query, Mapping) else query), ("page", following)]
        said = urlencode([(name, value) for name, value in pairs if value], quote_via=quote)
        headers["Link"] = f'<{path}?{said}>; rel="next"'
    return JSONResponse(body, headers=headers)
