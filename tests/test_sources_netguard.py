"""Which addresses may be connected to, judged on the address that the socket goes to."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sources.netguard import NAMED, Guard, GuardedBackend, classify, parse_exception, unwrap
from server.sources.url import parse_url
from transforms.failure import Failure, Kind

from .origins import Origin
from .shared import jsonl


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("10.0.0.1", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.1", "shared (carrier-grade NAT)"),
        ("100.100.100.200", "cloud metadata"),
        ("100.127.255.255", "shared (carrier-grade NAT)"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("168.63.129.16", "cloud metadata"),
        ("169.254.0.1", "link-local"),
        ("169.254.169.254", "cloud metadata"),
        ("169.254.170.2", "cloud metadata"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.1", "protocol assignments"),
        ("192.0.0.192", "cloud metadata"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "6to4"),
        ("192.168.0.1", "private"),
        ("192.168.255.255", "private"),
        ("198.18.0.1", "benchmarking"),
        ("198.19.255.255", "benchmarking"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.7", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.254", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::2", "IPv4-compatible"),
        ("::127.0.0.1", "IPv4-compatible"),
        ("::8.8.8.8", "IPv4-compatible"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:7f00:1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:169.254.169.254", "cloud metadata"),
        ("::ffff:0:127.0.0.1", "IPv4-translated"),
        ("64:ff9b::127.0.0.1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "cloud metadata"),
        ("64:ff9b::10.1.2.3", "private"),
        ("64:ff9b:1::1", "local NAT64"),
        ("64:ff9b:1:fffe::8.8.8.8", "local NAT64"),
        ("64:ff9b:0:0:1::", "reserved"),
        ("100::1", "discard"),
        ("100:0:0:1::1", "discard"),
        ("2001::1", "Teredo"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
        ("2001:2::1", "benchmarking"),
        ("2001:10::1", "reserved"),
        ("2001:20::1", "reserved"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::1", "6to4"),
        ("2002:808:808::1", "6to4"),
        ("2600:1f18::5efe:10.0.0.1", "ISATAP"),
        ("2600:1f18::200:5efe:8.8.8.8", "ISATAP"),
        ("3fff::1", "documentation"),
        ("4000::1", "reserved"),
        ("5f00::1", "segment routing"),
        ("fc00::1", "unique-local"),
        ("fd00:ec2::254", "cloud metadata"),
        ("fd20:ce::254", "cloud metadata"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("febf::1", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("ff0e::1", "multicast"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"),
    ],
)
def test_special_addresses_are_refused_by_class(address: str, expected: str) -> None:
    assert classify(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",  # how an IPv6-only host reaches an IPv4 one
    ],
)
def test_public_addresses_are_let_through(address: str) -> None:
    assert classify(address) is None


@given(st.ip_addresses())
def test_nothing_that_python_calls_special_is_let_through(address: ipaddress.IPv4Address) -> None:
    if classify(address) is None:
        assert unwrap(address).is_global
        assert not unwrap(address).is_multicast


@pytest.mark.parametrize(
    ("exceptions", "address", "passes"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "64:ff9b::10.1.2.3", True),
        ("10.0.0.0/8", "192.168.0.1", False),
        ("10.0.0.0/8", "2002:a01:203::1", False),
        ("127.0.0.1/32", "127.0.0.1", True),
        ("127.0.0.1/32", "127.0.0.2", False),
        ("127.0.0.1/32", "::1", False),
        ("fd00::/8", "fd12::1", True),
        ("fe80::/10", "fe80::1%lo", True),
        ("::1/128", "::1", True),
        ("0.0.0.0/0", "::1", False),
        ("", "8.8.8.8", True),
    ],
)
def test_exceptions_are_networks(exceptions: str, address: str, passes: bool) -> None:
    networks = tuple(ipaddress.ip_network(text) for text in exceptions.split())
    with _refused(not passes):
        Guard(networks).check("img.test", address, 80)


METADATA = [
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192", "168.63.129.16",
    "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("loopback", ["127.0.0.1", "::1", "::ffff:127.0.0.1"], ["10.0.0.1", "0.0.0.0", "::7f00:1", "2002:7f00:1::"]),
        ("private", ["10.0.0.1", "192.168.1.1", "64:ff9b::10.1.1.1"], ["127.0.0.1", "fd00::1", "100.64.0.1"]),
        ("shared", ["100.64.0.1", "100.127.255.255"], ["10.0.0.1", "100.100.100.200"]),
        ("unique-local", ["fd00::1", "fc00::1"], ["fe80::1", "10.0.0.1"]),
        ("link-local", ["169.254.1.1", "fe80::1%eth0"], ["127.0.0.1", "fec0::1"]),
        ("site-local", ["fec0::1"], ["fd00::1"]),
        ("benchmarking", ["198.18.0.1", "2001:2::1"], ["192.0.2.1"]),
        ("documentation", ["192.0.2.1", "2001:db8::1"], ["198.18.0.1"]),
        ("local-nat64", ["64:ff9b:1::1"], ["64:ff9b::127.0.0.1"]),
    ],
)
def test_a_class_may_be_allowed_by_name_but_never_the_metadata(
    name: str, inside: list[str], outside: list[str]
) -> None:
    guard = Guard((parse_exception(name.upper()),))
    for address in inside:
        guard.check("img.test", address, 80)
    for address in [*outside, *METADATA]:
        with _refused():
            guard.check("img.test", address, 80)


def test_every_name_is_tried_above() -> None:
    with _refused():
        Guard(tuple(NAMED)).check("img.test", "169.254.169.254", 80)
    Guard((parse_exception("169.254.169.254/32"),)).check("img.test", "169.254.169.254", 80)  # the operator's very word


@pytest.mark.parametrize("text", ["cloud metadata", "6to4", "Teredo", "multicast", "reserved", "public", "10.0.0.1/8"])
def test_what_is_no_exception(text: str) -> None:
    with pytest.raises(ValueError, match=r"nor is it one of loopback, private, .*link-local"):
        parse_exception(text)


@contextmanager
def _refused(expected: bool = True) -> Iterator[None]:
    if not expected:
        yield
        return
    with pytest.raises(Failure) as caught:
        yield
    assert (caught.value.kind, caught.value.code) == (Kind.FORBIDDEN, "address-not-allowed")


def test_a_refusal_tells_class_and_setting_but_no_address() -> None:
    with pytest.raises(Failure) as caught:
        Guard().check("img.test", "10.11.12.13", 80)
    failure = caught.value
    assert failure.details == {"address_class": "private", "setting": "DARKROOM_ALLOWED_NETWORKS"}
    assert "private" in failure.message
    assert "DARKROOM_ALLOWED_NETWORKS" in str(failure.hint)
    assert "10.11" not in str(vars(failure))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1"])
def test_no_exception_lets_the_server_fetch_from_itself(address: str) -> None:
    guard = Guard((ipaddress.ip_network("0.0.0.0/0"),), own_port=8080)
    guard.check("img.test", address, 8081)
    with _refused():
        guard.check("img.test", address, 8080)
    guard.check("img.test", "8.8.8.8", 8080)  # the same port elsewhere is somebody else


Answers = Callable[..., list[Any]]


def _resolving(*answers: list[str]) -> tuple[Answers, list[str]]:
    """A getaddrinfo that gives the answers one after the other, the last for ever; and the log of what was asked."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo, asked


async def _connect(guard: Guard, host: str, port: int, timeout: float = 2.0) -> str:  # noqa: ASYNC109
    """The address that the connection went to."""
    backend = GuardedBackend(guard)
    try:
        stream = await backend.connect_tcp(host, port, timeout)
        peer = stream.get_extra_info("server_addr")
        await stream.aclose()
        return str(peer[0])
    finally:
        backend.close()


LOOPBACK = Guard((ipaddress.ip_network("127.0.0.1/32"),))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "0.0.0.0"]
)
async def test_what_leads_to_a_special_address_is_not_connected_to(host: str) -> None:
    with Origin() as origin:
        with _refused():
            await _connect(Guard(), host, origin.port)
        assert origin.connections == 0


async def test_one_look_up_a_connection_and_to_its_very_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers differently the second time (rebinding) is judged the second time, too."""
    answers, asked = _resolving(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with Origin() as origin:
        assert await _connect(LOOPBACK, "img.test", origin.port) == "127.0.0.1"
        assert asked == ["img.test"]
        with _refused():
            await _connect(LOOPBACK, "img.test", origin.port)
        assert asked == ["img.test", "img.test"]


@pytest.mark.parametrize("answer", [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["8.8.8.8", "0.0.0.0"]])
async def test_one_special_address_among_several_refuses_them_all(
    answer: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolving(answer)[0])
    with Origin() as origin:
        with _refused():
            await _connect(LOOPBACK, "img.test", origin.port)
        assert origin.connections == 0


async def test_the_next_address_is_tried_where_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard((ipaddress.ip_network("127.0.0.0/8"),))
    monkeypatch.setattr(socket, "getaddrinfo", _resolving(["127.0.0.9", "127.0.0.1"])[0])
    with Origin() as origin:
        assert await _connect(guard, "img.test", origin.port) == "127.0.0.1"
        monkeypatch.setattr(socket, "getaddrinfo", _resolving(["127.0.0.9", "127.0.0.8"])[0])
        with pytest.raises(httpcore2.ConnectError):
            await _connect(guard, "img.test", origin.port)


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
async def test_a_name_without_an_address_cannot_be_connected_to(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(httpcore2.ConnectError):
        await _connect(LOOPBACK, "img.test", 80)


async def test_an_empty_answer_cannot_be_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolving([])[0])
    with pytest.raises(httpcore2.ConnectError):
        await _connect(LOOPBACK, "img.test", 80)


async def test_the_look_up_counts_in_the_connect_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        answered.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        async with asyncio.timeout(5):
            with pytest.raises(httpcore2.ConnectTimeout):
                await _connect(LOOPBACK, "img.test", 80, timeout=0.05)
    finally:
        answered.set()


async def test_unix_sockets_are_refused() -> None:
    backend = GuardedBackend(LOOPBACK)
    with _refused():
        await backend.connect_unix_socket("/run/docker.sock")
    backend.close()


def _remote_addresses(path: str) -> list[str]:
    """The remote addresses that a Cloudinary path of the corpus asks to fetch, decoded as its parser does."""
    if found := re.search(r"/fetch/(?:w_100/)?(.*)", path):
        return [unquote(found[1])]
    return [b64decode(text).decode() for text in re.findall(r"[lu]_fetch:([^/]+)/", path)]


def _judge(text: str) -> None:
    url = parse_url(text)
    numeric = re.fullmatch(r"[0-9.]+|.*:.*", url.host)
    Guard().check(url.host, url.host if numeric else "127.0.0.1", url.port)


SSRF = [row for row in jsonl("bad.jsonl") if row["cat"] == "ssrf"]


@pytest.mark.skipif(not SSRF, reason="shared test material is missing: spec/bad.jsonl")
def test_the_corpus_of_forged_requests_reaches_nothing() -> None:
    """Even where every host were allowed, and every name led to loopback as nip.io's do."""
    judged = 0
    for row in SSRF:
        for text in _remote_addresses(row["path"]):
            with pytest.raises(Failure) as caught:
                _judge(text)
            assert caught.value.code in ("bad-source", "address-not-allowed"), row
            judged += 1
    assert judged == len(SSRF)
