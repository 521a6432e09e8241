"""Pictures from other servers: fetched with nothing of the client's, capped in time and size, spooled to a file."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import blake3
import httpcore2
import httpx2
from werkzeug.datastructures import ResponseCacheControl
from werkzeug.http import parse_cache_control_header, parse_date

from transforms.failure import Failure, Kind

from ..log import logger
from .netguard import Guard, GuardedBackend
from .source import Fetched, NotModified, SourceRef, Validators, too_many_bytes
from .spool import Spool, roomiest
from .url import AllowedSource, RemoteUrl, check_allowed, parse_url

if TYPE_CHECKING:
    from server.settings import Settings

logging.getLogger("httpx2").setLevel(logging.WARNING)  # at info it writes whole URLs, with the secrets in queries

REDIRECTS = 3
_YEAR = 365 * 86400.0
_NAMING = frozenset({"source-not-allowed", "address-not-allowed"})  # failures whose text names the host
_REFUSED = {401, 403}
_GONE = {404, 410}


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
            max_connections=100,
            max_keepalive_connections=20,
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
    ) -> None:
        self._spool = spool
        self._allowed = allowed
        self._limits = limits or HttpLimits()
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
    def of(cls, settings: Settings) -> HttpSource:
        """As the settings say, with a spool folder that has room for eight sources of the greatest size."""
        return cls(
            Spool(roomiest(8 * settings.max_src_file_size)),
            allowed=settings.allowed_sources,
            guard=settings.guard,
            limits=settings.http_limits,
            user_agent=f"Darkroom/{installed_version('darkroom')}",
        )

    async def version(self, ref: SourceRef) -> str | None:
        check_allowed(parse_url(ref.location), self._granted(ref))
        return None

    async def fetch(self, ref: SourceRef, known: Validators | None, deadline: float) -> Fetched | NotModified:
        """Download the picture, whatever it is: its content is judged by the decoder.

        Raises Failure: `bad-source`, `source-not-allowed`, `address-not-allowed`, `source-not-found`,
        `source-refused`, `too-many-bytes`, `source-failed`, `source-timeout`, `spool-full`.
        """
        remaining = min(self._limits.total, deadline - time.monotonic())
        try:
            async with asyncio.timeout(remaining), self._answer(ref, known) as response:
                return await self._take(response, known)
        except Failure as failure:
            if ref.root and failure.code in _NAMING:
                raise _without_addresses(failure) from None
            raise
        except (TimeoutError, httpx2.TimeoutException):
            raise _timeout() from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _failed(_reason(error)) from error

    async def close(self) -> None:
        await self._client.aclose()
        self._backend.close()
        self._spool.close()

    def _granted(self, ref: SourceRef) -> tuple[AllowedSource, ...]:
        """What may be fetched for a source: what is allowed to all, and what lies below the operator's own address."""
        return (*self._allowed, AllowedSource.below(ref.root)) if ref.root else self._allowed

    @asynccontextmanager
    async def _answer(self, ref: SourceRef, known: Validators | None) -> AsyncIterator[httpx2.Response]:
        """The response at the end of the redirects, each of which must be allowed like the first address."""
        url, allowed = parse_url(ref.location), self._granted(ref)
        for _ in range(REDIRECTS + 1):
            check_allowed(url, allowed)
            request = self._client.build_request("GET", str(url), headers=_conditions(known))
            response = await self._client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                url = _redirected(url, response.headers["Location"])
            finally:
                await response.aclose()
        raise _failed(f"the source redirects more than {REDIRECTS} times")

    async def _take(self, response: httpx2.Response, known: Validators | None) -> Fetched | NotModified:
        fresh_for, private = freshness(response.headers)
        if response.status_code == 304 and known is not None:
            return NotModified(fresh_for, private)
        _check_answer(response, self._limits.bytes)
        with self._spool.file() as (descriptor, path):
            size, version = await self._save(response, descriptor)
        return Fetched(
            path=path,
            version=version,
            size=size,
            etag=_validator(response.headers.get("ETag", "")),
            modified=_validator(response.headers.get("Last-Modified", "")),
            fresh_for=fresh_for,
            private=private,
            owned=True,
        )

    async def _save(self, response: httpx2.Response, descriptor: int) -> tuple[int, str]:
        """Write the body as it comes; its size and a hash of it (0.2 ms per MB), which no origin can get wrong."""
        size, content = 0, blake3.blake3()
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > self._limits.bytes:
                raise too_many_bytes(self._limits.bytes)
            content.update(chunk)
            _write(descriptor, chunk)
        return size, content.hexdigest(16)


def freshness(headers: httpx2.Headers) -> tuple[float | None, bool]:
    """What an origin says about keeping its answer: seconds from now, None if unsaid, and whether it is private.

    A shared cache's reading of RFC 9111: s-maxage before max-age before Expires, less the Age that it already has.
    """
    # The parser knows directives in lower case only; they may be written in any.
    control = parse_cache_control_header(headers.get("Cache-Control", "").lower(), cls=ResponseCacheControl)
    private = "no-store" in control or "private" in control
    if private or "no-cache" in control:
        return 0.0, private
    lifetime = next((age for age in (control.s_maxage, control.max_age) if age is not None), None)
    seconds = _expires_in(headers) if lifetime is None else float(lifetime)
    return None if seconds is None else min(max(seconds - _age(headers), 0.0), _YEAR), private


def _expires_in(headers: httpx2.Headers) -> float | None:
    if "Expires" not in headers:
        return None
    expires = parse_date(headers["Expires"])
    if expires is None:
        return 0.0  # RFC 9111, 5.3: what is no date, "0" above all, has expired
    return (expires - (parse_date(headers.get("Date")) or datetime.now(UTC))).total_seconds()


def _age(headers: httpx2.Headers) -> int:
    age = headers.get("Age", "")
    return int(age) if age.isascii() and age.isdecimal() and len(age) < 12 else 0


def _conditions(known: Validators | None) -> dict[str, str]:
    if known is None:
        return {}
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in conditions.items() if value}


def _validator(text: str) -> str | None:
    """A validator as it came, if it can be sent back and is worth keeping."""
    return text if 0 < len(text) <= 512 and text.isascii() and text.isprintable() else None


def _redirected(url: RemoteUrl, location: str) -> RemoteUrl:
    try:
        return parse_url(urljoin(str(url), location))
    except (Failure, ValueError):
        raise _failed("the source redirects to an address that cannot be read") from None


def _check_answer(response: httpx2.Response, limit: int) -> None:
    status = response.status_code
    if status in _GONE:
        raise Failure(Kind.NOT_FOUND, "source-not-found", f"the source's server answers {status}")
    if status in _REFUSED:
        raise Failure(Kind.FORBIDDEN, "source-refused", f"the source's server refuses to hand it out ({status})")
    if status != 200:
        raise _failed(f"the source's server answers {status}")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise _failed("the source comes compressed although it was asked for as it is")
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdecimal() and int(length) > limit:
        raise too_many_bytes(limit)


def _write(descriptor: int, chunk: bytes) -> None:
    try:
        view = memoryview(chunk)
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Failure(
            Kind.UNAVAILABLE, "spool-full", "there is no room left for another source", retry_after=2
        ) from error


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "no trusted TLS connection to the source's server could be made"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.ConnectError):
        return "the source's server could not be reached"
    return "the source's server broke off or answered what is no HTTP"


def _without_addresses(failure: Failure) -> Failure:
    """The refusal of an address that the operator wrote, and no client may learn; the log has it."""
    logger().warning("original out of reach", reason=failure.message)
    return Failure(failure.kind, failure.code, "the originals of this server lead to an address that is not allowed")


def _failed(message: str) -> Failure:
    return Failure(Kind.BAD_GATEWAY, "source-failed", message)


def _timeout() -> Failure:
    return Failure(
        Kind.GATEWAY_TIMEOUT,
        "source-timeout",
        "the source's server took too long",
        hint="DARKROOM_CONNECT_TIMEOUT, DARKROOM_FIRST_BYTE_TIMEOUT and DARKROOM_DOWNLOAD_TIMEOUT set the limits",
    )
