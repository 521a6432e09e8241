"""Pictures from other servers: fetched with nothing of the client's, capped in time and size, spooled to a file."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpcore2
import httpx2
from cachetools import LRUCache

from transforms.failure import Failure, Kind

from ..log import logger
from ..tags import from_origin
from .download import failed, refused, save, timed_out
from .grant import granted, validator
from .netguard import Guard, GuardedBackend
from .places import Place, Places
from .source import Fetched, NotModified, SourceRef, Validators, too_many_bytes
from .spool import Spool, roomiest
from .url import AllowedSource, RemoteUrl, check_allowed, parse_url

if TYPE_CHECKING:
    from server.settings import Settings

logging.getLogger("httpx2").setLevel(logging.WARNING)  # at info it writes whole URLs, with the secrets in queries

REDIRECTS = 3
_NAMING = frozenset({"source-not-allowed", "address-not-allowed"})  # failures whose text names the host
_REFUSED = {401, 403}
_GONE = {404, 410}
_TAGS = ("Cache-Tag", "Surrogate-Key")
_CONNECTIONS = 256  # of all origins together; each has fewer (Places)

OnAnswer = Callable[[int | None], None]  # the status of an answer, None where there was none


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Seconds until connected (look-up included), until each next byte, and for all of it; bytes of the body."""

    connect: float = 2.0
    first_byte: float = 5.0
    total: float = 8.0
    bytes: int = 20 * 2**20


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport over a guarded network. The pool has no public parameter for its backend, so it is replaced;
    an explicit transport also keeps httpx2 from looking at HTTP_PROXY and its like."""

    def __init__(self, backend: GuardedBackend, tls: ssl.SSLContext | None) -> None:
        context = tls or httpx2.create_ssl_context()  # heeds SSL_CERT_FILE, which is how an own CA is made known
        super().__init__(verify=context)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS // 4,
            keepalive_expiry=15.0,
            network_backend=backend,
        )


class HttpSource:
    """Source of "http" and "https" references. Belongs to one event loop; `close()` removes its spool folder."""

    def __init__(
        self,
        spool: Spool,
        *,
        allowed: tuple[AllowedSource, ...] = (),
        guard: Guard | None = None,
        limits: HttpLimits | None = None,
        user_agent: str = "Darkroom",
        tls: ssl.SSLContext | None = None,
        places: Places | None = None,
        on_answer: OnAnswer = lambda _: None,
    ) -> None:
        self._spool = spool
        self._allowed = allowed
        self._permitted: LRUCache[SourceRef, None] = LRUCache(8192)
        self._limits = limits or HttpLimits()
        self._places = Places() if places is None else places
        self._on_answer = on_answer
        self._backend = GuardedBackend(guard or Guard())
        self._client = httpx2.AsyncClient(
            transport=GuardedTransport(self._backend, tls),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # one client's answers never reach another's
            headers={"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(
                self._limits.first_byte, connect=self._limits.connect, pool=self._limits.connect
            ),
        )  # fmt: skip

    @classmethod
    def of(cls, settings: Settings, spool: Spool | None = None, on_answer: OnAnswer = lambda _: None) -> HttpSource:
        """As the settings say; a spool folder of its own has room for eight sources of the greatest size."""
        return cls(
            spool or Spool(roomiest(8 * settings.max_src_file_size)),
            allowed=settings.allowed_sources,
            guard=settings.guard,
            limits=settings.http_limits,
            user_agent=f"Darkroom/{installed_version('darkroom')}",
            places=Places(settings.origin_connections),
            on_answer=on_answer,
        )

    def current(self, ref: SourceRef) -> None:
        """Nothing is known of it here. Raises Failure `bad-source`, `source-not-allowed`."""
        if ref not in self._permitted:  # 0.3 µs instead of 15
            check_allowed(parse_url(ref.location), self._granted(ref))
            self._permitted[ref] = None

    async def fetch(self, ref: SourceRef, known: Validators | None, deadline: float) -> Fetched | NotModified:
        """Download the picture, whatever it is: its content is judged by the decoder.

        Raises Failure: `bad-source`, `source-not-allowed`, `address-not-allowed`, `source-not-found`,
        `source-refused`, `too-many-bytes`, `source-failed`, `source-timeout`, `source-busy`, `spool-full`.
        """
        self.current(ref)
        first = parse_url(ref.location).authority
        async with self._places.of(first, deadline) as place:
            try:
                remaining = min(self._limits.total, deadline - time.monotonic())
                async with asyncio.timeout(remaining), self._answer(ref, known, place) as response:
                    return await self._take(response, known)
            except Failure as failure:
                if failure.code in _NAMING and ref.root:
                    raise _unnamed(failure, "the originals of this server lead") from None
                if failure.code in _NAMING and place.origin != first:
                    raise _unnamed(failure, "the source redirects") from None
                raise
            except (TimeoutError, httpx2.TimeoutException):
                self._on_answer(None)
                raise timed_out() from None
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                self._on_answer(None)
                raise failed(_reason(error)) from error

    async def close(self) -> None:
        await self._client.aclose()
        self._backend.close()
        self._spool.close()

    def _granted(self, ref: SourceRef) -> tuple[AllowedSource, ...]:
        """What may be fetched for a source: what is allowed to all, and what lies below the operator's own address."""
        return (*self._allowed, AllowedSource.below(ref.root)) if ref.root else self._allowed

    @asynccontextmanager
    async def _answer(self, ref: SourceRef, known: Validators | None, place: Place) -> AsyncIterator[httpx2.Response]:
        """The response at the end of the redirects, each of which must be allowed like the first address."""
        url, allowed = parse_url(ref.location), self._granted(ref)
        for _ in range(REDIRECTS + 1):
            await place.at(url.authority)
            check_allowed(url, allowed)
            request = self._client.build_request("GET", str(url), headers=_conditions(known))
            response = await self._client.send(request, stream=True)
            self._on_answer(response.status_code)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                url = _redirected(url, response.headers["Location"])
            finally:
                await response.aclose()
        raise failed(f"the source redirects more than {REDIRECTS} times")

    async def _take(self, response: httpx2.Response, known: Validators | None) -> Fetched | NotModified:
        headers = response.headers
        grant, tags = granted(headers), from_origin(headers[name] for name in _TAGS if name in headers)
        if response.status_code == 304 and known is not None:
            return NotModified(grant, tags)
        _check_answer(response, self._limits.bytes)
        async with self._spool.draft() as draft:
            size, version = await save(response.aiter_raw(), draft, self._limits.bytes)
        return Fetched(
            path=draft.path,
            version=version,
            size=size,
            etag=validator(headers.get("ETag")),
            modified=validator(headers.get("Last-Modified")),
            grant=grant,
            tags=tags,
            owned=True,
        )


def _conditions(known: Validators | None) -> dict[str, str]:
    if known is None:
        return {}
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in conditions.items() if value}


def _redirected(url: RemoteUrl, location: str) -> RemoteUrl:
    try:
        return parse_url(urljoin(str(url), location))
    except (Failure, ValueError):
        raise failed("the source redirects to an address that cannot be read") from None


def _check_answer(response: httpx2.Response, limit: int) -> None:
    status = response.status_code
    if status in _GONE:
        raise Failure(Kind.NOT_FOUND, "source-not-found", f"the source's server answers {status}")
    if status in _REFUSED:
        raise refused(f"the source's server refuses to hand it out ({status})")
    if status != 200:
        raise failed(f"the source's server answers {status}")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise failed("the source comes compressed although it was asked for as it is")
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdecimal() and int(length) > limit:
        raise too_many_bytes(limit)


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "no trusted TLS connection to the source's server could be made"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.ConnectError):
        return "the source's server could not be reached"
    return "the source's server broke off or answered what is no HTTP"


def _unnamed(failure: Failure, what: str) -> Failure:
    """The refusal of an address that no client asked for, and none may learn; the log has it."""
    logger().warning("source refused", reason=failure.message)
    return Failure(
        failure.kind, failure.code, f"{what} to an address that is not allowed", hint="the log of the server names it"
    )
