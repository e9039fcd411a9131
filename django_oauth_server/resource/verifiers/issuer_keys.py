"""What a process has of an issuer whose JWTs it verifies: where its keys are, and the keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django_oauth_server.protocol.jose import KeySet, UnknownKey
from django_oauth_server.resource.verifiers.discovery import RemoteIssuer
from django_oauth_server.resource.verifiers.flights import Steps
from django_oauth_server.resource.verifiers.http import JSONClient, Unreachable
from django_oauth_server.resource.verifiers.published import PublishedKeys

T = TypeVar("T")


class IssuerKeys:
    """Answers one question: what does a JWT say, if this issuer signed it? For the times, see `PublishedKeys`."""

    def __init__(
        self,
        issuer: str,
        jwks_uri: str,
        *,
        timeout: timedelta,
        ca_bundle: str,
        token_file: str = "",
        lifetime: timedelta,
        stale_for: timedelta,
        retry_unknown: timedelta,
    ) -> None:
        """*jwks_uri*: empty, where the issuer's metadata says it. *token_file* has a token for that address, where it asks for one."""
        self._jwks_uri = jwks_uri
        self._token_file = token_file
        self._client = JSONClient(timeout=timeout, ca_bundle=ca_bundle)
        self.issuer = RemoteIssuer(issuer, self._client)
        self._published = PublishedKeys(
            issuer, self._fetch, lifetime=lifetime, stale_for=stale_for, retry_unknown=retry_unknown
        )

    def tried(self, read: Callable[[KeySet], T]) -> Steps[KeySet, T]:
        """What *read* makes of the keys; where it raises `UnknownKey`, of newer ones. Raises `Unreachable` where there are none."""
        keys = yield from self._published.current()
        try:
            return read(keys)
        except UnknownKey:
            return read((yield from self._published.newer_than(keys)))

    def _fetch(self, former: KeySet | None) -> KeySet:
        try:
            address = self._jwks_uri or self.issuer.endpoint("jwks_uri")
            return KeySet.parse(self._client.get(address, token_file=self._token_file), former)
        except ValueError as exc:
            raise Unreachable(str(exc)) from exc
        except Unreachable:
            self.issuer.forget()  # it may have moved its keys
            raise
