"""Addresses of remote pictures: one spelling for each, and the list of those that may be fetched."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

import idna

from transforms.failure import Failure, Kind

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST = 8192

# Proxies collapse the two slashes after the scheme, so that one is taken for two.
_URL = re.compile(r"(https?)://?([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SAFE = "/%:@!$&'()*+,;="  # beside letters, digits and -._~: what RFC 3986 lets stand in a path


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """An http or https URL in its canonical parts: `host` is ASCII, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}{'?' if self.query else ''}{self.query}"


def canonical_url(text: str) -> str:
    """The one spelling of a remote address; what cannot be one is a Failure `bad-source`."""
    return str(parse_url(text))


def parse_url(text: str) -> RemoteUrl:
    """Read an address, percent-decoded once or not; escapes that it still has are kept as they are.

    Scheme and host become lower case, the host becomes ASCII (IDNA with UTS 46) and any spelling of an IP address its
    usual one, the default port and the fragment go, dot segments are resolved, unsafe characters are percent-encoded.
    Raises Failure `bad-source`, also for user names and passwords, which would end up in keys and logs.
    """
    scheme, host, port, path, query = _split(text)
    return RemoteUrl(scheme, host, DEFAULT_PORTS[scheme] if port is None else port, path, query)


def _split(text: str) -> tuple[str, str, int | None, str, str]:
    _check_characters(text)
    match = _URL.fullmatch(text)
    if match is None:
        raise _bad("a remote source is an http:// or https:// URL")
    scheme, authority, path, query = match.groups(default="")
    if "@" in authority:
        raise _bad("a user name or password in a source URL is not accepted")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise _bad("the host or port of the source URL cannot be read")
    return (
        scheme.lower(),
        _host(parts[1]),
        _port(parts[2]),
        _resolved(_quoted(path, _SAFE)),
        _quoted(query, _SAFE + "?"),
    )


def _check_characters(text: str) -> None:
    if len(text) > LONGEST:
        raise _bad(f"a source URL has at most {LONGEST} characters")
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in text):
        raise _bad("the source URL has control characters in it")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _bad("the source URL is not UTF-8")


def _host(text: str) -> str:
    if text.startswith("["):
        return _ipv6(text[1:-1])
    name = _ascii(text).lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise _bad("the source URL names no host that can exist" if text else "the source URL names no host")
    # As in browsers, a last label that is a number makes an IPv4 address of it, in every notation that inet_aton and
    # thereby the system's resolver takes: 2130706433, 0x7f.1, 0177.0.0.1.
    return _ipv4(name) if _NUMBER.fullmatch(name.rpartition(".")[2]) else name


def _ascii(name: str) -> str:
    if name.isascii() or len(name) > 253:
        return name
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError:  # idna's own errors are among them
        raise _bad("the source URL names no host that can exist") from None


def _ipv4(name: str) -> str:
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        raise _bad("the IP address in the source URL cannot be read") from None


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise _bad("the IP address in the source URL cannot be read") from None
    if address.scope_id is not None:
        raise _bad("an IP address with a zone is not accepted")
    return str(address.ipv4_mapped or address)


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not 1 <= int(text) <= 65535:
        raise _bad("a port is a number from 1 to 65535")
    return int(text)


def _quoted(text: str, safe: str) -> str:
    return _ESCAPE.sub(_normal, quote(_LONE_PERCENT.sub("%25", text), safe=safe))


def _normal(escape: re.Match[str]) -> str:
    """An escape as all write it (RFC 3986, 6.2.2): in capitals, and none for what need not be escaped."""
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _resolved(path: str) -> str:
    """The path without dot segments (RFC 3986, 5.2.4); `%2e` counts as a dot, as it does for browsers."""
    kept: list[str] = []
    dots = ""
    for segment in path.split("/")[1:]:
        dots = segment.lower().replace("%2e", ".")
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(segment)
    return "/" + "/".join([*kept, ""] if dots in (".", "..") else kept)


def _bad(message: str) -> Failure:
    return Failure(Kind.BAD_REQUEST, "bad-source", message)


@dataclass(frozen=True, slots=True)
class AllowedSource:
    """One entry of DARKROOM_ALLOWED_SOURCES: `scheme://host[:port][/path]`, compared part by part.

    `host` is exact, or `*.` and a domain for everything below it (not itself). `port` None is any port. `segments`
    are the leading folders of the path, decoded and compared whole: `/a` lets `/a/b` through, but not `/ab`.
    """

    scheme: str
    host: str
    port: int | None
    segments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> AllowedSource:
        """Read an entry. Raises ValueError that says what is wrong with it."""
        scheme, separator, rest = text.partition("://")
        wildcard, rest = ("*.", rest[2:]) if rest.startswith("*.") else ("", rest)
        if not separator or "?" in rest or "#" in rest or "*" in rest:
            raise ValueError(f"{text!r} is not of the form scheme://host[:port][/path]; the host may begin with '*.'")
        try:
            scheme, host, port, path, _ = _split(f"{scheme}://{rest}")
        except Failure as failure:
            raise ValueError(f"{text!r}: {failure.message}") from None
        return cls(scheme, wildcard + host, port, tuple(unquote(part) for part in path.split("/") if part))

    @classmethod
    def below(cls, base: str) -> AllowedSource:
        """Exactly what lies below a canonical address, the port included."""
        url = parse_url(base)
        return cls(url.scheme, url.host, url.port, tuple(unquote(part) for part in url.path.split("/") if part))

    def allows(self, url: RemoteUrl) -> bool:
        return (
            url.scheme == self.scheme
            and self._has_host(url.host)
            and self.port in (None, url.port)
            and self._has_path(url.path)
        )

    def _has_host(self, host: str) -> bool:
        return host.endswith(self.host[1:]) if self.host.startswith("*.") else host == self.host

    def _has_path(self, path: str) -> bool:
        if not self.segments:
            return True
        leading = path.split("/")[1 : len(self.segments) + 1]
        return tuple(unquote(part) for part in leading) == self.segments and not climbs(path)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return "/".join([f"{self.scheme}://{host}{port}", *(quote(part, safe="") for part in self.segments)])


def climbs(path: str) -> bool:
    """Whether a server could read `..` out of the path, however often it decodes and whatever it takes for a slash."""
    for _ in range(5):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    else:
        return True
    return any(part.partition(";")[0] == ".." for part in re.split(r"[/\\]", path))


def check_allowed(url: RemoteUrl, allowed: Iterable[AllowedSource]) -> None:
    """Raises Failure `source-not-allowed` unless an entry lets the address through."""
    entries = tuple(allowed)
    if any(entry.allows(url) for entry in entries):
        return
    example = f"{url.scheme}://{url.authority}"
    reason = "is not listed in" if entries else "is refused, as is every remote source: nothing is listed in"
    raise Failure(
        Kind.FORBIDDEN,
        "source-not-allowed",
        f"{example} {reason} DARKROOM_ALLOWED_SOURCES",
        hint=f"the operator can allow it by adding {example} to DARKROOM_ALLOWED_SOURCES",
        details={"setting": "DARKROOM_ALLOWED_SOURCES"},
    )
