"""What an authorization server tells of itself (RFC 8414)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.protocol.log import get_log
from django_oauth_server.protocol.uris import check_web_uri
from django_oauth_server.resource.verifiers.base import AuthorizationServer
from django_oauth_server.resource.verifiers.http import JSONClient, Unreachable
from django_oauth_server.resource.verifiers.restraint import Breaker

logger = get_log("django_oauth_server.resource")

_LIFETIME: Final = 3600.0


def check_settings(ca_bundle: str, **addresses: str) -> None:
    """Raise ImproperlyConfigured unless all *addresses* are https (RFC 8414 section 2), or http on this machine, and the bundle is there."""
    for name, address in addresses.items():
        try:
            check_web_uri(address)
        except ValueError as exc:
            raise ImproperlyConfigured(f"{name} {address!r}: {exc}.") from exc
    if ca_bundle and not Path(ca_bundle).is_file():
        raise ImproperlyConfigured(f"ca_bundle {ca_bundle!r} is no file.")


class RemoteIssuer:
    """An issuer, known by its identifier; the rest is fetched when first needed, and again after an hour or a failure."""

    def __init__(self, identifier: str, client: JSONClient) -> None:
        self._identifier = identifier
        self._client = client
        self._breaker = Breaker(after=1)
        self._known: tuple[float, Mapping[str, object]] | None = None

    def endpoint(self, name: str) -> str:
        """The address that the metadata gives *name*. Waits for the network; raises `Unreachable`."""
        address = str(self._metadata().get(name) or "")
        try:
            check_web_uri(address)
            if address.startswith("http:") and not self._identifier.startswith("http:"):
                raise ValueError("it must be an https address")  # what listens on this machine is no issuer's elsewhere
        except ValueError as exc:
            raise Unreachable(f"the metadata of {self._identifier} has no {name} that can be used: {exc}") from exc
        return address

    def server(self) -> AuthorizationServer:
        """What clients are told of it. Nothing but its identifier while it does not answer."""
        try:
            metadata = self._metadata()
        except Unreachable as exc:
            logger.warning("The metadata of the issuer %s cannot be fetched: %s", self._identifier, exc)
            return AuthorizationServer(self._identifier)
        return AuthorizationServer(
            self._identifier,
            authorization_endpoint=str(metadata.get("authorization_endpoint") or ""),
            token_endpoint=str(metadata.get("token_endpoint") or ""),
        )

    def forget(self) -> None:
        """What it said has led nowhere: ask again next time."""
        self._known = None

    def _metadata(self) -> Mapping[str, object]:
        known, now = self._known, time.monotonic()
        if known and now - known[0] < _LIFETIME:
            return known[1]
        with self._breaker.guard():
            metadata = _fetched(self._identifier, self._client)
        self._known = (now, metadata)
        return metadata


def _fetched(issuer: str, client: JSONClient) -> Mapping[str, object]:
    last = Unreachable(f"{issuer} publishes no metadata")
    for address in _addresses(issuer):
        try:
            document = client.get(address)
        except Unreachable as exc:
            if not exc.status:
                raise
            last = exc  # it is there, but not under this address
            continue
        if document.get("issuer") != issuer:  # RFC 8414 section 3.3
            raise Unreachable(f"the metadata at {address} is of another issuer")
        return document
    raise last


def _addresses(issuer: str) -> Iterator[str]:
    """RFC 8414 section 3.1, where the path follows; OpenID Connect Discovery section 4.1, where it goes first."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    yield f"{origin}/.well-known/oauth-authorization-server{path}"
    yield f"{origin}{path}/.well-known/openid-configuration"
