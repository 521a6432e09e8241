"""Who a client is, for shares of the queue: its address, or the one that a trusted proxy saw."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from .sources.netguard import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Clients:
    """Tells clients apart. `trusted` are the networks of proxies whose X-Forwarded-For is believed.

    Of that list the last address which is no trusted proxy is the client: those before it are what it says itself.
    """

    def __init__(self, trusted: Iterable[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def of(self, peer: str, forwarded: str = "") -> str:
        """The client behind a peer's address ("" for a Unix socket) and the header's value.

        An IPv6 client is its network of 64 bits: one subscriber has all of its addresses.
        """
        if not self._trusted or not forwarded:
            return _named(peer)
        hops = [peer, *reversed(forwarded[-2048:].split(","))]
        client = peer
        for hop in hops:
            address = _address(hop)
            if address is None and hop is not peer:
                break
            client = hop
            if address is not None and not any(address in network for network in self._trusted):
                break
        return _named(client)


@lru_cache(4096)
def _named(text: str) -> str:
    address = _address(text)
    if address is None:
        return text
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


@lru_cache(4096)
def _address(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):  # [2001:db8::1]:443
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 192.0.2.1:443
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
