"""`DELETE /cache?source=…|prefix=…|tag=…`: what was kept is forgotten, here and in every replica."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cache.store import Store
from transforms.failure import Failure, Kind

from . import errors, urls
from .log import logger
from .metrics import Metrics
from .parse import encoded
from .redact import shown
from .search.feed import Feed
from .sources.file import EXTENSIONS, split_extension
from .sources.mounts import Mounts
from .sources.scopes import DELIVERIES
from .sources.source import SourceRef
from .sources.url import canonical_url
from .tags import folder_tag, folders_of, from_origin, named, source_tag

NAMES = ("source", "prefix", "tag")
_IN_IT = "-"  # a file that need not be there: the folder that it would lie in is what is asked for
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Named:
    """What a purge names: sources, folders and tags, of a cloud and delivery type."""

    sources: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cloud: str = ""
    delivery: str = "upload"

    def resolved(self, mounts: Mounts) -> tuple[str, ...]:
        """The tags of all that is named, each once. Raises Failure where something cannot be a source at all."""
        found = [tag for source in self.sources for tag in self._of_source(source, mounts)]
        found += [tag for prefix in self.prefixes for tag in self._of_prefix(prefix, mounts)]
        found += [tag for name in self.tags for tag in tags_named(name)]
        return tuple(dict.fromkeys(found))

    def _of_source(self, source: str, mounts: Mounts) -> Iterator[str]:
        for ref in refs_of(source, mounts, self.cloud, self.delivery):
            yield source_tag(ref)

    def _of_prefix(self, prefix: str, mounts: Mounts) -> Iterator[str]:
        if "://" in prefix:
            url = canonical_url(f"{prefix.rstrip('/')}/{_IN_IT}")
            refs = [place.ref for place in mounts.places(SourceRef(url.partition(":")[0], url))]
        else:
            folder = prefix.strip("/")
            inside = [folder, *mounts.below(folder, self.cloud, self.delivery)]
            refs = [ref for name in inside for ref in self._in_folder(name, mounts)]
            if not refs:
                raise _no_place(prefix)
        for ref in refs:
            yield folder_tag(ref.scheme, ref.root, folders_of(ref)[-1])

    def _in_folder(self, folder: str, mounts: Mounts) -> list[SourceRef]:
        name = f"{folder}/{_IN_IT}" if folder else _IN_IT
        return _places(SourceRef("file", name), mounts, self.cloud, self.delivery)


def refs_of(source: str, mounts: Mounts, cloud: str = "", delivery: str = "upload") -> list[SourceRef]:
    """The originals that a text may mean: a path or public id as in a URL, a remote address, the path of a whole URL.

    An original that is gone has left its name without the extension: all that it may have had are meant then.
    """
    if source.startswith("/"):
        path, _, query = encoded(source).partition("?")
        asked = urls.parse(path, query)
        source, scheme = asked.source.location, asked.source.scheme
        cloud, delivery = asked.cloud or cloud, asked.delivery or delivery
        schemes: tuple[str, ...] = (scheme,)
    elif "://" in source:
        source = canonical_url(source)
        schemes = (source.partition(":")[0],)
    else:
        schemes = ("id", "file")
    refs = [ref for scheme in schemes for ref in _places(SourceRef(scheme, source), mounts, cloud, delivery)]
    if "id" in schemes and not _places(SourceRef("id", source), mounts, cloud, delivery):
        stem = split_extension(source)[0]
        gone = [source, stem, *(f"{name}.{extension}" for name in (source, stem) for extension in EXTENSIONS)]
        refs += [ref for name in gone for ref in _places(SourceRef("file", name), mounts, cloud, delivery)]
    if not refs:
        raise _no_place(source)
    return list(dict.fromkeys(refs))


def tags_named(name: str) -> tuple[str, ...]:
    """A tag as it stands in Cache-Tag, that of the origin, of something detected, or of a preset."""
    return tuple(dict.fromkeys((*from_origin([name]), *named("tag", [name]), *named("preset", [name]))))


def _places(source: SourceRef, mounts: Mounts, cloud: str, delivery: str) -> list[SourceRef]:
    try:
        return [place.ref for place in mounts.places(source, cloud, delivery)]
    except Failure as failure:
        if failure.code == "unknown-cloud":
            raise
        return []


def _no_place(name: str) -> Failure:
    return Failure(
        Kind.NOT_FOUND, "source-not-found", f"no originals are kept at {name}",
        hint="name the cloud where originals are mounted for one: cloud=…",
    )  # fmt: skip


def check_token(authorization: str, token: str | None, what: str) -> None:
    """Lets the operator pass, or raises Failure `<what>-not-configured`, `bad-token`."""
    if token is None:
        raise Failure(
            Kind.FORBIDDEN, f"{what}-not-configured", f"this server has no token that a {what} is checked with",
            hint="the operator can set DARKROOM_ADMIN_TOKEN",
        )  # fmt: skip
    scheme, _, given = authorization.partition(" ")
    fits = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    if scheme.lower() != "bearer" or not fits:
        raise Failure(
            Kind.UNAUTHORISED, "bad-token", "the token is missing or wrong",
            hint="Authorization: Bearer <DARKROOM_ADMIN_TOKEN>",
        )  # fmt: skip


class Purge:
    """The endpoint; `store`, `mounts` and `feed` are set while the application runs."""

    def __init__(self, metrics: Metrics, token: Callable[[], str | None]) -> None:
        self.store: Store | None = None
        self.mounts: Callable[[], Mounts] | None = None
        self.feed: Feed | None = None
        self._metrics = metrics
        self._token = token

    async def __call__(self, request: Request) -> Response:
        try:
            check_token(request.headers.get("authorization", ""), self._token(), "purge")
            return await self._purged(_named(request))
        except Failure as failure:
            response = errors.respond(failure)
            response.headers["Cache-Control"] = "no-store"
            if failure.kind is Kind.UNAUTHORISED:
                response.headers["WWW-Authenticate"] = "Bearer"
            return response

    async def _purged(self, asked: Named) -> Response:
        if self.store is None or self.mounts is None:
            raise Failure(Kind.UNAVAILABLE, "starting", "the server is starting or stopping", retry_after=1)
        tags = asked.resolved(self.mounts())
        count = await self.store.purge(tags)
        unlisted = await self.feed.forget_soon(tags) if self.feed is not None else None
        self._metrics.purged.inc(count)
        logger().info("purged", entries=count, tags=tags[:8], asked=[shown(text) for text in _texts(asked)])
        said = {"purged": count, "tags": list(tags), **({} if unlisted is None else {"unlisted": unlisted})}
        return JSONResponse(said, headers=_NO_STORE)


def _texts(asked: Named) -> Iterable[str]:
    return (*asked.sources, *asked.prefixes, *asked.tags)


def _named(request: Request) -> Named:
    query = request.query_params
    unknown = set(query) - {*NAMES, "cloud", "delivery"}
    if unknown or not any(query.getlist(name) for name in NAMES):
        raise Failure(
            Kind.BAD_REQUEST, "bad-argument", "a purge names source=, prefix= or tag=",
            hint=f"there is no {min(unknown)}=" if unknown else None,
        )  # fmt: skip
    delivery = query.get("delivery", "upload")
    if delivery not in DELIVERIES:
        raise Failure(Kind.BAD_REQUEST, "bad-argument", f"delivery= is one of {', '.join(DELIVERIES)}")
    sources, prefixes, tags = (tuple(query.getlist(name)) for name in NAMES)
    if "" in (*sources, *prefixes, *tags):  # the unset variable of a script must not empty a cache
        raise Failure(
            Kind.BAD_REQUEST, "bad-argument", "source=, prefix= and tag= are not empty", hint="prefix=/ is everything"
        )  # fmt: skip
    return Named(sources, prefixes, tags, query.get("cloud", ""), delivery)
