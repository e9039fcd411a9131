"""Where a request came from, as far as that can be known."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_IPV4: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
"""There is one way to write such an address, so that what looks like one stands for itself."""
_NETWORK: Final = 64
"""Bits of an IPv6 address that one subscriber has the rest of (RFC 6177 section 2, RFC 7421)."""


def source(remote: str, forwarded_for: str, trusted_proxies: int) -> str:
    """The sender's address; of IPv6 its /64, all of which is one sender's.

    *remote* is whoever connected. *forwarded_for*, which anybody can send, counts as far as the trusted proxies wrote it, each the address of
    whoever connected to it, at the end.
    """
    hops = [*(forwarded_for.split(",") if forwarded_for else ()), remote] if trusted_proxies else [remote]
    return _network(hops[max(-1 - trusted_proxies, -len(hops))].strip())


def _network(text: str) -> str:
    if _IPV4.fullmatch(text):
        return text
    address = _parse(text) or _parse(_without_port(text))
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or IPv6Address(int(address) >> _NETWORK << _NETWORK)
    return str(address) if address else text


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _without_port(text: str) -> str:
    """Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711` (RFC 7239 section 6 knows both)."""
    return text[1:].partition("]")[0] if text.startswith("[") else text.rpartition(":")[0]
