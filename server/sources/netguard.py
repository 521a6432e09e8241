"""Which addresses may be connected to: judged on the very address that the socket goes to, at the moment it does."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpcore2

from transforms.failure import Failure, Kind

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA's special-purpose registries (IPv4: RFC 6890 and later, IPv6: the same and 3fff::/20, 5f00::/16), multicast, and
# what is not in them but never a picture's home: where clouds hand out credentials, and forms that carry an IPv4
# address through a relay, where the address inside is not the one that is connected to.
_CLASSES: dict[str, str] = {
    # First, since most lie in another class. AWS (instances, ECS, EKS, both also over IPv6), Google, Alibaba, Oracle,
    # Azure's address of the host.
    "cloud metadata": "169.254.169.254/32 169.254.170.2/32 169.254.170.23/32 fd00:ec2::254/128 fd00:ec2::23/128"
    " fd20:ce::254/128 100.100.100.200/32 192.0.0.192/32 168.63.129.16/32",
    "unspecified": "0.0.0.0/8 ::/128",
    "loopback": "127.0.0.0/8 ::1/128",
    "private": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16",
    "unique-local": "fc00::/7",
    "shared (carrier-grade NAT)": "100.64.0.0/10",
    "link-local": "169.254.0.0/16 fe80::/10",
    "site-local": "fec0::/10",
    "protocol assignments": "192.0.0.0/24",
    "benchmarking": "198.18.0.0/15 2001:2::/48",
    "documentation": "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",
    "multicast": "224.0.0.0/4 ff00::/8",
    "broadcast": "255.255.255.255/32",
    "6to4": "192.88.99.0/24 2002::/16",
    "Teredo": "2001::/32",
    "local NAT64": "64:ff9b:1::/48",
    "IPv4-compatible": "::/96",
    "IPv4-translated": "::ffff:0:0:0/96",
    "discard": "100::/64 100:0:0:1::/64",
    "segment routing": "5f00::/16",
    "reserved": "240.0.0.0/4 2001::/23",
}
_NETWORKS: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), name) for name, networks in _CLASSES.items() for network in networks.split()
)
NAMED = {
    "loopback": "loopback",
    "private": "private",
    "unique-local": "unique-local",
    "shared": "shared (carrier-grade NAT)",
    "link-local": "link-local",
    "site-local": "site-local",
    "benchmarking": "benchmarking",
    "documentation": "documentation",
    "local-nat64": "local NAT64",
}
"""Classes that an operator may allow by name, none of which holds where clouds hand out credentials."""

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)  # upper half of the interface identifier, RFC 5214


def classify(address: str | Address) -> str | None:
    """Why an address is none of the public internet's: the name of its class, or None for a public one.

    IPv4 inside ::ffff:0:0/96 (mapped) and 64:ff9b::/96 (the public NAT64 prefix, which IPv6-only hosts need) is judged
    as the IPv4 address that is reached through it. Raises ValueError for what is no address.
    """
    inner = unwrap(ipaddress.ip_address(address))
    for network, name in _NETWORKS:
        if inner in network:
            return name
    if inner.version == 6 and (inner not in _GLOBAL_UNICAST or int(inner) >> 32 & 0xFFFFFFFF in _ISATAP):
        return "ISATAP" if inner in _GLOBAL_UNICAST else "reserved"
    return None if inner.is_global else "reserved"


def unwrap(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it surely does; else the address without its zone."""
    if address.version == 4:
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return ipaddress.IPv6Address(int(address))


Exempt = Network | str


def parse_exception(text: str) -> Exempt:
    """An entry of DARKROOM_ALLOWED_NETWORKS: a CIDR block, or the name of a class. Raises ValueError."""
    if text.lower() in NAMED:
        return text.lower()
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}, nor is it one of {', '.join(NAMED)}") from None


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be connected to: every public address, and what `exceptions` (DARKROOM_ALLOWED_NETWORKS) are: networks,
    or names of classes (NAMED). A network lets through all that it holds, a name none of the clouds' metadata services.

    `own_port` is the port that this server listens on: no exception lets it fetch from itself.
    """

    exceptions: tuple[Exempt, ...] = ()
    own_port: int | None = None

    def check(self, host: str, address: str, port: int) -> None:
        """Raises Failure `address-not-allowed`, which names the class and the setting, never the address."""
        parsed = ipaddress.ip_address(address)
        if port == self.own_port and _is_local(unwrap(parsed)):
            raise _refusal(f"{host} is this server itself", hint=None)
        refused = classify(parsed)
        if refused is not None and not self._excepted(parsed, refused):
            raise _refusal(
                f"{host} leads to an address that must not be connected to: {refused}",
                hint=_hint(refused),
                address_class=refused,
                setting="DARKROOM_ALLOWED_NETWORKS",
            )

    def _excepted(self, address: Address, found: str) -> bool:
        forms = (address, unwrap(address))
        return any(
            NAMED[exempt] == found if isinstance(exempt, str) else any(form in exempt for form in forms)
            for exempt in self.exceptions
        )


def _hint(refused: str) -> str:
    name = next((name for name, meant in NAMED.items() if meant == refused), None)
    also = f" or the word {name}" if name else ""
    return f"the operator can allow its network with DARKROOM_ALLOWED_NETWORKS: a CIDR block{also}"


def _refusal(message: str, *, hint: str | None, **details: str) -> Failure:
    return Failure(Kind.FORBIDDEN, "address-not-allowed", message, hint=hint, details=details)


def _is_local(address: Address) -> bool:
    """Whether an address belongs to this machine: only such a one can be bound to."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Looks a name up once, judges every address of the answer, connects to the very addresses that were judged.

    The look-up has threads of its own (getaddrinfo cannot be interrupted; a sick resolver must not take the threads of
    everybody else) and counts in the connect timeout.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore2.AnyIOBackend()
        self._resolvers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolver")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        end = None if timeout is None else time.monotonic() + timeout
        addresses = await self._resolve(host, port, timeout)
        for address in addresses:
            self._guard.check(host, address, port)
        for index, address in enumerate(addresses, start=1):
            # An address that swallows packets leaves the later ones their share of the time.
            share = None if end is None else max(0.0, end - time.monotonic()) / (len(addresses) - index + 1)
            try:
                return await self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if index == len(addresses):
                    raise
        raise httpcore2.ConnectError("the name has no address")

    async def _resolve(self, host: str, port: int, timeout: float | None) -> list[str]:  # noqa: ASYNC109
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):  # Python 3.11's wait_for can swallow the cancellation from outside
                return await loop.run_in_executor(self._resolvers, _addresses, host, port)
        except TimeoutError:
            raise httpcore2.ConnectTimeout("the name look-up took too long") from None
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError("the name cannot be looked up") from None

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise _refusal("a Unix socket is no source", hint=None)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)

    def close(self) -> None:
        self._resolvers.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
