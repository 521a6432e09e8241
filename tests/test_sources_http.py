"""Fetching from a real server on loopback that does everything that servers do wrong."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from server.settings import Settings
from server.sources.grant import Grant, granted
from server.sources.http import HttpLimits, HttpSource
from server.sources.netguard import Guard
from server.sources.source import Fetched, NotModified, SourceRef, Validators
from server.sources.spool import Spool
from server.sources.url import AllowedSource
from transforms.failure import Failure, Kind

from .origins import Exchange, Origin, Route, claiming, compressed, dripping, endless, image, redirect, silent

BODY = bytes(range(256)) * 1000
LIMIT = 300_000
LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)
GUARDED = Guard(LOOPBACK)
QUICK = HttpLimits(connect=0.5, first_byte=0.25, total=0.5, bytes=LIMIT)
PATIENT = HttpLimits(connect=5, first_byte=5, total=10, bytes=LIMIT)


@asynccontextmanager
async def opened(
    folder: Path, *allowed: str, limits: HttpLimits = PATIENT, guard: Guard | None = None, **more: Any
) -> AsyncIterator[HttpSource]:
    """A source that may fetch from loopback, and from any port of it unless told otherwise."""
    entries = tuple(AllowedSource.parse(entry) for entry in allowed or ("http://127.0.0.1",))
    source = HttpSource(Spool(folder), allowed=entries, limits=limits, guard=guard or Guard(LOOPBACK), **more)
    try:
        yield source
    finally:
        await source.close()


async def fetched(source: HttpSource, url: str, known: Validators | None = None, seconds: float = 30) -> Fetched:
    answer = await source.fetch(SourceRef("http", url), known, time.monotonic() + seconds)
    assert isinstance(answer, Fetched)
    return answer


async def failure_of(source: HttpSource, url: str, **more: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        await fetched(source, url, **more)
    return caught.value


def spooled(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_picture_lands_in_a_file_that_is_removed_when_released(tmp_path: Path) -> None:
    reply = image(BODY, etag='"v1"', last_modified="Mon, 02 Nov 2026 10:00:00 GMT", cache_control="max-age=60")
    with Origin({"/a.jpg": reply}) as origin:
        async with opened(tmp_path) as source:
            got = await fetched(source, f"{origin.url}/a.jpg")
            assert got.path.read_bytes() == BODY
            assert got.path.stat().st_mode & 0o077 == 0
            assert (got.size, got.owned, got.grant.private, got.grant.fresh_for) == (len(BODY), True, False, 60.0)
            assert got.validators == Validators('"v1"', "Mon, 02 Nov 2026 10:00:00 GMT")
            got.release()
            got.release()
            assert spooled(tmp_path) == []
            assert source.current(SourceRef("http", f"{origin.url}/a.jpg")) is None
    assert not any(tmp_path.glob("*"))  # noqa: ASYNC240


async def test_the_version_is_of_the_content(tmp_path: Path) -> None:
    routes = {"/a": image(BODY, etag='"1"'), "/b": image(BODY, etag='"2"'), "/c": image(BODY + b".", etag='"1"')}
    with Origin(routes) as origin:
        async with opened(tmp_path) as source:
            a, b, c = [await fetched(source, f"{origin.url}{path}") for path in routes]
    assert a.version == b.version != c.version


async def test_the_origin_is_told_nothing_of_client_or_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    with Origin({"/a": image(b"x", set_cookie="id=1; Path=/")}) as origin:
        for name, value in {"HTTP_PROXY": "http://127.0.0.1:1", "NETRC": str(tmp_path / "netrc")}.items():
            monkeypatch.setenv(name, value)
            monkeypatch.setenv(name.lower(), value)
        async with opened(tmp_path, user_agent="Darkroom/1") as source:
            for _ in range(2):
                (await fetched(source, f"{origin.url}/a?q=1%202#part")).release()
    assert origin.paths() == ["/a?q=1%202"] * 2
    assert origin.connections == 1  # kept alive
    for seen in origin.requests:
        assert dict(seen.headers) == {
            "host": f"127.0.0.1:{origin.port}", "user-agent": "Darkroom/1", "accept": "*/*",
            "accept-encoding": "identity", "connection": "keep-alive",
        }  # fmt: skip


def _negotiated(exchange: Exchange) -> tuple[int, Mapping[str, str], bytes]:
    fits = exchange.request.headers.get("if-none-match") == '"v1"'
    return (304, {"Cache-Control": "max-age=9"}, b"") if fits else image(BODY, etag='"v1"')


async def test_a_known_version_is_only_asked_about(tmp_path: Path) -> None:
    modified = "Mon, 02 Nov 2026 10:00:00 GMT"
    with Origin({"/a": _negotiated, "/old": redirect("/a"), "/odd": (304, {}, b"")}) as origin:
        async with opened(tmp_path) as source:
            for path in ("/a", "/old"):
                ref = SourceRef("http", f"{origin.url}{path}")
                answer = await source.fetch(ref, Validators('"v1"', modified), time.monotonic() + 30)
                assert answer == NotModified(Grant(9.0, said=True))
            changed = await fetched(source, f"{origin.url}/a", known=Validators('"v0"'))
            assert changed.etag == '"v1"'
            assert (await failure_of(source, f"{origin.url}/odd")).code == "source-failed"
    assert origin.requests[0].headers["if-modified-since"] == modified
    assert spooled(tmp_path) == []


@pytest.mark.parametrize("etag", ['"é"', '"' + "x" * 600 + '"'])
async def test_validators_that_cannot_be_sent_back_are_forgotten(tmp_path: Path, etag: str) -> None:
    with Origin({"/a": image(BODY, etag=etag)}) as origin:
        async with opened(tmp_path) as source:
            assert (await fetched(source, f"{origin.url}/a")).validators is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(tmp_path: Path, status: int) -> None:
    with Origin({"/a": redirect("b/../c?x", status), "/c": redirect("", status), "/": image(BODY)}) as origin:
        origin.routes["/c"] = redirect(f"//127.0.0.1:{origin.port}/", status)
        async with opened(tmp_path) as source:
            assert (await fetched(source, f"{origin.url}/a")).size == len(BODY)
    assert origin.paths() == ["/a", "/c?x", "/"]


@pytest.mark.parametrize(
    ("location", "kind", "code"),
    [
        ("http://localhost:1/", Kind.FORBIDDEN, "source-not-allowed"),
        ("http://127.0.0.2:1/", Kind.FORBIDDEN, "source-not-allowed"),
        ("https://127.0.0.1:1/", Kind.FORBIDDEN, "source-not-allowed"),
        ("http://[::1]:1/", Kind.FORBIDDEN, "source-not-allowed"),
        ("http://169.254.169.254/latest/meta-data/", Kind.FORBIDDEN, "address-not-allowed"),
        ("http://2852039166/latest/meta-data/", Kind.FORBIDDEN, "address-not-allowed"),
        ("file:///etc/passwd", Kind.BAD_GATEWAY, "source-failed"),
        ("gopher://127.0.0.1:6379/_INFO", Kind.BAD_GATEWAY, "source-failed"),
        ("http://me:secret@127.0.0.1:1/", Kind.BAD_GATEWAY, "source-failed"),
        ("http://[", Kind.BAD_GATEWAY, "source-failed"),
        ("http://127.0.0.1:99999/", Kind.BAD_GATEWAY, "source-failed"),
    ],
)
async def test_redirects_are_judged_like_first_addresses(tmp_path: Path, location: str, kind: Kind, code: str) -> None:
    with Origin({"/a": redirect(location)}) as origin:
        async with opened(tmp_path, "http://127.0.0.1", "http://169.254.169.254") as source:
            failure = await failure_of(source, f"{origin.url}/a")
    assert (failure.kind, failure.code) == (kind, code)
    assert origin.paths() == ["/a"]


async def test_a_redirect_loop_ends_after_three(tmp_path: Path) -> None:
    with Origin({"/a": redirect("/a")}) as origin:
        async with opened(tmp_path) as source:
            failure = await failure_of(source, f"{origin.url}/a")
    assert (failure.code, failure.message) == ("source-failed", "the source redirects more than 3 times")
    assert len(origin.requests) == 4


@pytest.mark.parametrize(
    ("route", "kind", "code"),
    [
        ((404, {}, b"gone"), Kind.NOT_FOUND, "source-not-found"),
        ((410, {}, b"gone"), Kind.NOT_FOUND, "source-not-found"),
        ((401, {"WWW-Authenticate": "Basic"}, b""), Kind.FORBIDDEN, "source-refused"),
        ((403, {}, b"no"), Kind.FORBIDDEN, "source-refused"),
        ((429, {}, b""), Kind.BAD_GATEWAY, "source-failed"),
        ((500, {}, b"oops"), Kind.BAD_GATEWAY, "source-failed"),
        ((503, {}, b"oops"), Kind.BAD_GATEWAY, "source-failed"),
        ((204, {}, b""), Kind.BAD_GATEWAY, "source-failed"),
        ((206, {"Content-Range": "bytes 0-1/9"}, b"ab"), Kind.BAD_GATEWAY, "source-failed"),
        ((300, {}, b""), Kind.BAD_GATEWAY, "source-failed"),
        ((302, {}, b"no location"), Kind.BAD_GATEWAY, "source-failed"),
        (compressed(BODY), Kind.BAD_GATEWAY, "source-failed"),
        (compressed(BODY, "br"), Kind.BAD_GATEWAY, "source-failed"),
        (image(b"x" * (LIMIT + 1)), Kind.TOO_LARGE, "too-many-bytes"),
        (claiming(10**15, b"x"), Kind.TOO_LARGE, "too-many-bytes"),
        (claiming(1000, b"x" * 999), Kind.BAD_GATEWAY, "source-failed"),
        (claiming("1000, 999", b"x" * 1000), Kind.BAD_GATEWAY, "source-failed"),
        (claiming("many", b"x" * 1000), Kind.BAD_GATEWAY, "source-failed"),
        (claiming("-1", b"x"), Kind.BAD_GATEWAY, "source-failed"),
        (endless(), Kind.TOO_LARGE, "too-many-bytes"),
        (lambda exchange: exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n"), Kind.BAD_GATEWAY, "source-failed"),
        (lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nBroken"), Kind.BAD_GATEWAY, "source-failed"),
        (lambda exchange: exchange.send(b""), Kind.BAD_GATEWAY, "source-failed"),
        (lambda exchange: exchange.head(200, {"X": "y" * 200_000}), Kind.BAD_GATEWAY, "source-failed"),
    ],
)
async def test_what_goes_wrong_at_the_origin(tmp_path: Path, route: Route, kind: Kind, code: str) -> None:
    with Origin({"/a": route}) as origin:
        async with opened(tmp_path) as source:
            failure = await failure_of(source, f"{origin.url}/a")
            assert (failure.kind, failure.code) == (kind, code)
            assert spooled(tmp_path) == []
            origin.routes["/b"] = image(BODY)
            assert (await fetched(source, f"{origin.url}/b")).size == len(BODY)  # and the source still works


async def test_chunks_cut_short_are_a_failure(tmp_path: Path) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        exchange.send(b"5\r\nhello\r\n")

    with Origin({"/a": cut}) as origin:
        async with opened(tmp_path) as source:
            assert (await failure_of(source, f"{origin.url}/a")).code == "source-failed"
            assert spooled(tmp_path) == []


@pytest.mark.parametrize(
    "route", [image(b"<html>", content_type="text/html"), image(b""), image(b"x" * LIMIT), claiming(5, b"hello, world")]
)
async def test_what_a_body_is_the_decoder_judges(tmp_path: Path, route: Route) -> None:
    with Origin({"/a": route}) as origin:
        async with opened(tmp_path) as source:
            got = await fetched(source, f"{origin.url}/a")
            assert got.path.stat().st_size == got.size


@pytest.mark.parametrize("route", [silent(), dripping(BODY, 0.05), lambda exchange: exchange.wait(5) or image(BODY)])
async def test_slow_origins_are_given_up(tmp_path: Path, route: Route) -> None:
    with Origin({"/a": route}) as origin:
        async with opened(tmp_path, limits=QUICK) as source:
            failure = await failure_of(source, f"{origin.url}/a")
            assert (failure.kind, failure.code) == (Kind.GATEWAY_TIMEOUT, "source-timeout")
            assert spooled(tmp_path) == []


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.1])
async def test_the_deadline_of_the_request_counts_too(tmp_path: Path, seconds: float) -> None:
    with Origin({"/a": silent()}) as origin:
        async with opened(tmp_path) as source:
            assert (await failure_of(source, f"{origin.url}/a", seconds=seconds)).code == "source-timeout"


async def test_a_port_where_nobody_listens(tmp_path: Path) -> None:
    with Origin() as origin:
        url = origin.url
    async with opened(tmp_path) as source:
        failure = await failure_of(source, f"{url}/a")
    assert (failure.code, failure.message) == ("source-failed", "the source's server could not be reached")


async def test_without_a_list_every_source_is_refused(tmp_path: Path) -> None:
    with Origin({"/a": image(BODY)}) as origin:
        source = HttpSource(Spool(tmp_path), guard=Guard(LOOPBACK))
        failure = await failure_of(source, f"{origin.url}/a")
        with pytest.raises(Failure):
            source.current(SourceRef("http", f"{origin.url}/a"))
        await source.close()
        assert origin.connections == 0
    assert failure.code == "source-not-allowed"
    assert "DARKROOM_ALLOWED_SOURCES" in failure.message


async def test_an_allowed_name_that_leads_inside_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, "127.0.0.1")
    with Origin({"/a": image(BODY)}) as origin:
        async with opened(tmp_path, "http://img.test", guard=Guard()) as source:
            failure = await failure_of(source, f"http://img.test:{origin.port}/a")
        assert origin.connections == 0
    assert (failure.code, failure.details["address_class"]) == ("address-not-allowed", "loopback")
    assert "127.0.0.1" not in str(vars(failure))


async def test_the_server_does_not_fetch_from_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, "127.0.0.1")
    with Origin({"/a": image(BODY)}) as origin:
        async with opened(tmp_path, "http://img.test", guard=Guard(LOOPBACK, own_port=origin.port)) as source:
            failure = await failure_of(source, f"http://img.test:{origin.port}/a")
        assert origin.connections == 0
    assert (failure.code, failure.message) == ("address-not-allowed", "img.test is this server itself")


def _resolve_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    ("name", "code"), [("img.test", None), ("evil.test", "source-failed"), ("127.0.0.1", "source-failed")]
)
async def test_tls_is_for_the_name_although_the_address_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str | None
) -> None:
    _resolve_to(monkeypatch, "127.0.0.1")
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("img.test").configure_cert(serving)
    authority.configure_trust(trusting)
    with Origin({"/a": image(BODY)}, tls=serving) as origin:
        async with opened(tmp_path, f"https://{name}", tls=trusting) as source:
            if code is None:
                assert (await fetched(source, f"https://{name}:{origin.port}/a")).size == len(BODY)
            else:
                failure = await failure_of(source, f"https://{name}:{origin.port}/a")
                assert (failure.code, "TLS" in failure.message) == (code, True)
                assert origin.requests == []
        async with opened(tmp_path, "https://img.test") as source:  # a CA that is not trusted
            assert "TLS" in (await failure_of(source, f"https://img.test:{origin.port}/a")).message


async def test_a_full_spool_is_our_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with Origin({"/a": image(BODY)}) as origin:
        async with opened(tmp_path) as source:
            monkeypatch.setattr("server.sources.spool.os.write", write)
            monkeypatch.setattr("server.sources.spool.roomiest", lambda _: tmp_path / "missing")
            failure = await failure_of(source, f"{origin.url}/a")
            monkeypatch.undo()
            assert spooled(tmp_path) == []
    assert (failure.kind, failure.code) == (Kind.UNAVAILABLE, "spool-full")


# Fixed dates: each worker of pytest-xdist must collect the same names.
PAST, FUTURE = "Thu, 01 Jan 2026 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "fresh_for", "private"),
    [
        ({}, None, False),
        ({"Cache-Control": "public"}, None, False),
        ({"Cache-Control": "max-age=60"}, 60, False),
        ({"Cache-Control": 'max-age="60"'}, 60, False),
        ({"Cache-Control": "Max-Age=60, PUBLIC"}, 60, False),
        ({"Cache-Control": "max-age=60, s-maxage=5"}, 5, False),
        ({"Cache-Control": "max-age=60", "Age": "20"}, 40, False),
        ({"Cache-Control": "max-age=60", "Age": "200"}, 0, False),
        ({"Cache-Control": "max-age=60", "Age": "-5"}, 60, False),
        ({"Cache-Control": "max-age=60", "Expires": PAST}, 60, False),
        ({"Cache-Control": "max-age=99999999999"}, 365 * 86400, False),
        ({"Cache-Control": "max-age=-1"}, 0, False),
        ({"Cache-Control": "max-age=soon"}, None, False),
        ({"Cache-Control": "no-cache, max-age=60"}, 0, False),
        ({"Cache-Control": "no-store"}, 0, True),
        ({"Cache-Control": "No-Store, max-age=60"}, 0, True),
        ({"Cache-Control": "PRIVATE, max-age=60"}, 0, True),
        ({"Cache-Control": 'private="set-cookie", max-age=60'}, 0, True),
        ({"Expires": PAST}, 0, False),
        ({"Expires": "0"}, 0, False),
        ({"Expires": FUTURE}, 365 * 86400, False),
        ({"Date": "Fri, 01 Jan 2100 00:00:00 GMT", "Expires": "Fri, 01 Jan 2100 00:01:00 GMT"}, 60, False),
    ],
)
def test_freshness_is_read_as_a_shared_cache_reads_it(
    headers: dict[str, str], fresh_for: float | None, private: bool
) -> None:
    grant = granted(httpx2.Headers(headers))
    assert (grant.fresh_for, grant.private) == (fresh_for, private)


async def test_what_the_origin_keeps_to_itself_is_marked(tmp_path: Path) -> None:
    with Origin({"/a": image(BODY, cache_control="private, max-age=60")}) as origin:
        async with opened(tmp_path) as source:
            assert (await fetched(source, f"{origin.url}/a")).grant.private


async def test_the_settings_reach_the_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("server.sources.http.roomiest", lambda needed: tmp_path)
    with Origin({"/a": image(BODY), "/big": image(BODY + BODY)}) as origin:
        settings = Settings.load(allowed_sources=origin.url, allowed_networks="127.0.0.1/32", max_src_file_size=LIMIT)
        source = HttpSource.of(settings)
        (await fetched(source, f"{origin.url}/a")).release()
        assert (await failure_of(source, f"{origin.url}/big")).code == "too-many-bytes"
        await source.close()
        assert origin.requests[0].headers["user-agent"].startswith("Darkroom/")
        own = HttpSource.of(settings.model_copy(update={"port": origin.port}))
        assert (await failure_of(own, f"{origin.url}/a")).code == "address-not-allowed"
        await own.close()
