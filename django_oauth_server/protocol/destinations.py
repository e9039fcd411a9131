"""Where a request may go whose address somebody else named: to the public internet, and to what an operator listed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self, TypeAlias
from urllib.parse import SplitResult, urlsplit

from django_oauth_server.protocol.uris import check_web_uri

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_PORTS: Final = {"https": 443, "http": 80}
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All that was ever allocated of IPv6 to hosts on the internet (RFC 4291 section 2.4)."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""The IPv4 internet, as a network without IPv4 sees it (RFC 6052 section 2.1)."""
_NEVER: Final[tuple[Network, ...]] = tuple(
    ip_network(network)
    for network in (
        "100.64.0.0/10",  # behind a carrier's NAT, where some clouds have their metadata
        "168.63.129.16/32",  # inside Azure, although the address looks public
        "192.0.0.0/24",  # IETF assignments, and one cloud's metadata
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # Teredo, ORCHID and other assignments that are no hosts
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
"""What some versions of `ipaddress` take for global."""


class Forbidden(ValueError):
    """The address may not be asked. The words are for the log."""


def is_public(address: Address) -> bool:
    """Whether *address* is a host on the internet (IANA's special-purpose registries), and nothing that only looks so."""
    inner = _inner(address)
    if inner is not address:
        return is_public(inner)
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _NEVER)


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that was found fit to be asked, as far as can be known before its host is resolved."""

    parts: SplitResult
    host: str
    port: int
    named: bool
    """Whether an operator listed the host."""

    @property
    def encrypted(self) -> bool:
        return self.parts.scheme == "https"

    @property
    def target(self) -> str:
        """Path and query, as they were given."""
        return (self.parts.path or "/") + (f"?{self.parts.query}" if self.parts.query else "")

    def refuse_own(self, issuers: Iterable[str]) -> None:
        """Raise `Forbidden` where one of *issuers* would ask itself: its host at any port, unless an operator listed that, and then its own port."""
        (host, port), own = _place(self.parts), {_place(urlsplit(issuer)) for issuer in issuers}
        if (host, port) in own or (not self.named and host in {host for host, _ in own}):
            raise Forbidden(f"{self.parts.netloc} is this server itself")


@dataclass(frozen=True, slots=True)
class PrivateHosts:
    """The hosts that may be asked although they are not on the internet."""

    names: frozenset[tuple[str, int | None]]
    """Host and port. None: every port."""
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """From `host`, `host:port` and networks such as `10.1.0.0/16`. Raises ValueError."""
        names, networks = set(), []
        for entry in entries:
            if "/" in entry:
                networks.append(ip_network(entry))
            else:
                names.add(_name(entry))
        return cls(frozenset(names), tuple(networks))

    def admit(self, url: str) -> Destination:
        """*url* as a destination: https, with no user name and no fragment; http to this machine where it is listed. Raises `Forbidden`."""
        try:
            check_web_uri(url)
        except ValueError as exc:
            raise Forbidden(str(exc)) from exc
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        named = not self.names.isdisjoint({(host, port), (host, None)})
        if parts.scheme == "http" and not named:
            raise Forbidden("it must be an https address")
        return Destination(parts, host, port, named)

    def check(self, destination: Destination, resolved: Iterable[str]) -> tuple[Address, ...]:
        """The addresses that *destination* has, each of which may be connected to. Raises `Forbidden` where one may not."""
        addresses = tuple(dict.fromkeys(map(ip_address, resolved)))
        for address in addresses:
            if not self._may_be(address, destination):
                raise Forbidden(f"{destination.host} is at {address}, which is not on the internet")
        return addresses

    def _may_be(self, address: Address, destination: Destination) -> bool:
        if not destination.encrypted:
            return address.is_loopback
        return destination.named or is_public(address) or any(_inner(address) in network for network in self.networks)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or itself."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address
    return address


def is_same_place(url: str, other: str) -> bool:
    """Whether both are asked at one host and port, however they spell it."""
    return _place(urlsplit(url)) == _place(urlsplit(other))


def _place(parts: SplitResult) -> tuple[str, int]:
    return _plain(parts.hostname or ""), parts.port or _PORTS.get(parts.scheme, 0)


def _plain(host: str) -> str:
    """*host* as it compares: all names of this machine are one."""
    plain = host.lower().rstrip(".")
    try:
        return "localhost" if ip_address(plain).is_loopback else plain
    except ValueError:
        return plain


def _name(entry: str) -> tuple[str, int | None]:
    parts = urlsplit(f"//{entry}")
    if not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{entry!r} is no host, host:port or network")
    if "[" in entry:
        ip_address(parts.hostname)
    return parts.hostname, parts.port
