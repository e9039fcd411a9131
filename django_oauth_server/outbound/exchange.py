"""One question to an address that somebody else named.

Whoever names an address chooses whom this server talks to, from inside its own network. So the host is resolved once, every address that it
has is judged, and the connection is made to the one that was judged: what the name means a moment later changes nothing. Redirects are not
followed, proxies of the environment are not asked, and all of it has one deadline. This server is never asked, which would hold a thread of its own.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException
from threading import Timer
from time import monotonic, time
from typing import Final
from urllib.parse import urlencode

from django.utils.http import parse_http_date_safe
from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.loader import load
from django_oauth_server.outbound.lookups import lookups
from django_oauth_server.protocol import destinations
from django_oauth_server.protocol.destinations import Address, Destination, PrivateHosts
from django_oauth_server.resource.verifiers.http import Unreachable, read_body, refusal

__all__ = ["Fetched", "Forbidden", "Unreachable", "fetch", "post_form"]

_MOST_ADDRESSES: Final = 4
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "django-oauth-server"}
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})\b", re.IGNORECASE)
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_NOT_STORED: Final = re.compile(r"(?:^|[\s,])no-(?:store|cache)\b", re.IGNORECASE)


class Forbidden(Unreachable):
    """The address may not be asked. The words are for the log alone: they say where a name leads."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered."""

    body: bytes
    content_type: str
    """As it was sent."""
    max_age: int | None
    """Seconds for which it says that the body may be kept from now on (RFC 9111 section 4.2); 0: not at all; None: it does not say."""


def fetch(url: str, settings: IssuerSettings, *, accept: str, most_bytes: int) -> Fetched:
    """What *url* answers to GET. Raises `Unreachable` unless that is 200, in time, and no more than *most_bytes*."""
    end = monotonic() + settings.outbound_timeout.total_seconds()
    with _exchange("GET", url, settings, end, headers={"Accept": accept}) as response:
        if response.status != 200:
            raise refusal(url, response)
        body = read_body(url, response, end, most_bytes)
        return Fetched(body, response.headers.get("Content-Type", ""), _max_age(response))


def post_form(url: str, form: Mapping[str, str], settings: IssuerSettings) -> int:
    """The status with which *url* answers *form*; what else it says is not read. Raises `Unreachable` where it does not answer in time."""
    end = monotonic() + settings.outbound_timeout.total_seconds()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    with _exchange("POST", url, settings, end, headers=kind, body=urlencode(form)) as response:
        return response.status


@contextmanager
def _exchange(
    method: str, url: str, settings: IssuerSettings, end: float, *, headers: Mapping[str, str], body: str | None = None
) -> Iterator[BaseHTTPResponse]:
    private = _private_hosts(settings.outbound_private_hosts)
    try:
        destination = private.admit(url)
        destination.refuse_own(one.issuer for one in load())
        addresses = private.check(destination, _resolve(destination, end))
        with _connected(destination, addresses, settings.outbound_ca_bundle, end) as connection:
            told = {"Host": destination.parts.netloc, **_HEADERS, **headers}
            connection.request(method, destination.target, body, told, preload_content=False, decode_content=False)
            yield connection.getresponse()
    except destinations.Forbidden as exc:
        raise Forbidden(f"the address may not be asked: {exc}") from exc
    except (HTTPError, HTTPException, OSError, ValueError) as exc:
        raise Unreachable(f"{destination.parts.netloc} does not answer ({type(exc).__name__})") from exc


def _resolve(destination: Destination, end: float) -> list[str]:
    return lookups.get().find(destination.host, destination.port, _left(end))[:_MOST_ADDRESSES]


@contextmanager
def _connected(
    destination: Destination, addresses: tuple[Address, ...], ca_bundle: str, end: float
) -> Iterator[HTTPConnection]:
    """A connection to the first of *addresses* that takes one, cut when the time is over: a timeout of its socket would be for a single drop."""
    connection = _connect(destination, addresses, ca_bundle, end)
    watch = Timer(_left(end), _cut, [connection])
    watch.daemon = True
    watch.start()
    try:
        yield connection
    finally:
        watch.cancel()
        connection.close()


def _connect(destination: Destination, addresses: tuple[Address, ...], ca_bundle: str, end: float) -> HTTPConnection:
    for number, address in enumerate(addresses, start=1):
        connection = _connection(destination, str(address), ca_bundle, _left(end))
        try:
            connection.connect()
        except (NewConnectionError, ConnectTimeoutError):
            if number == len(addresses):
                raise
        else:
            return connection
    raise Unreachable(f"{destination.host} has no address")


def _connection(destination: Destination, address: str, ca_bundle: str, seconds: float) -> HTTPConnection:
    """To *address*, which is not resolved again; the certificate is to be the host's."""
    if not destination.encrypted:
        return HTTPConnection(address, destination.port, timeout=seconds)
    return HTTPSConnection(
        address, destination.port, timeout=seconds, ssl_context=_trust(ca_bundle), server_hostname=destination.host
    )


def _cut(connection: HTTPConnection) -> None:
    with suppress(OSError, AttributeError):  # it was closed meanwhile
        connection.sock.shutdown(socket.SHUT_RDWR)


def _left(end: float) -> float:
    """Seconds. Raises TimeoutError where none are left."""
    if (left := end - monotonic()) <= 0:
        raise TimeoutError
    return left


@lru_cache
def _private_hosts(entries: tuple[str, ...]) -> PrivateHosts:
    return PrivateHosts.parse(entries)


@lru_cache
def _trust(ca_bundle: str) -> ssl.SSLContext:
    """The system's authorities, and those of *ca_bundle*."""
    trust = ssl.create_default_context()
    trust.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle:
        trust.load_verify_locations(ca_bundle)
    return trust


def _max_age(response: BaseHTTPResponse) -> int | None:
    """RFC 9111 section 4.2: `Cache-Control` first, then `Expires`; less how long it was kept on the way."""
    said = response.headers.get("Cache-Control", "")
    if _NOT_STORED.search(said):
        return 0
    found = _MAX_AGE.search(said)
    lifetime = int(found[1]) if found else _until_it_expires(response)
    return None if lifetime is None else max(0, lifetime - _age(response))


def _until_it_expires(response: BaseHTTPResponse) -> int | None:
    """Section 5.3: what is no date, such as 0, is long ago."""
    said = response.headers.get("Expires")
    if said is None:
        return None
    expires, date = (parse_http_date_safe(response.headers.get(name, "")) for name in ("Expires", "Date"))
    return int(expires - (date or time())) if expires else 0


def _age(response: BaseHTTPResponse) -> int:
    """Section 5.1. What is no number of seconds says nothing."""
    said = response.headers.get("Age", "").strip()
    return int(said) if _SECONDS.fullmatch(said) else 0
