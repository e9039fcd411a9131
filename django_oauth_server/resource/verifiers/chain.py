"""Access tokens of several issuers, each verified in its own place."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import AuthorizationServer, InvalidToken, TokenVerifier
from django_oauth_server.resource.verifiers.claims import check_length


class OfOneIssuer(TokenVerifier, Protocol):
    """A `TokenVerifier` that says whose tokens it verifies."""

    @property
    def issuer(self) -> str:
        """The issuer's identifier."""
        ...


class ChainVerifier:
    """A `TokenVerifier` that hands each token to the one verifier it is for.

    A JWT goes to the verifier of the issuer that it names, which then makes sure of it; any other token to *opaque*. No token
    is tried at several places: a token for one issuer is shown to no other.
    """

    def __init__(
        self,
        *verifiers: OfOneIssuer,
        by_issuer: Mapping[str, TokenVerifier] | None = None,
        opaque: TokenVerifier | None = None,
    ) -> None:
        """*by_issuer*: for verifiers that do not say whose tokens they verify, such as the local one."""
        self._by_issuer: dict[str, TokenVerifier] = dict(by_issuer or {})
        for one in verifiers:
            if one.issuer in self._by_issuer:
                raise ImproperlyConfigured(f"Two verifiers are named for the issuer {one.issuer!r}.")
            self._by_issuer[one.issuer] = one
        self._opaque = opaque
        if not self._all:
            raise ImproperlyConfigured("A ChainVerifier needs a verifier.")

    def __repr__(self) -> str:
        return f"ChainVerifier({', '.join(map(repr, self._all))})"

    @property
    def default_audience(self) -> str:
        """The one on which all agree; else the deployment must name it."""
        agreed = {one.default_audience for one in self._all}
        return agreed.pop() if len(agreed) == 1 else ""

    def authorization_servers(self) -> Sequence[AuthorizationServer]:
        """Those of all, in the order in which they were named."""
        servers = {server.issuer: server for one in reversed(self._all) for server in one.authorization_servers()}
        return tuple(reversed(servers.values()))

    @sensitive_variables()  # a report of a failure must not hold the token
    def verify(self, token: str) -> VerifiedToken:
        """Raises `InvalidToken` also where nobody is named for it, else as the one that is."""
        return self._verifier_of(token).verify(token)

    @sensitive_variables()
    async def averify(self, token: str) -> VerifiedToken:
        """The same, as the one that is named for it does it."""
        return await self._verifier_of(token).averify(token)

    @property
    def _all(self) -> list[TokenVerifier]:
        named = [*self._by_issuer.values(), *filter(None, (self._opaque,))]
        return list({id(one): one for one in named}.values())

    @sensitive_variables()
    def _verifier_of(self, token: str) -> TokenVerifier:
        check_length(token)
        claims = _unverified(token)
        issuer = claims.get("iss") if claims is not None else None
        found = self._opaque if claims is None else self._by_issuer.get(str(issuer))
        if found is None:
            raise InvalidToken("opaque, and nobody is named for such" if claims is None else "of an unknown issuer")
        return found


def _unverified(token: str) -> Mapping[str, object] | None:
    """What *token* says if it is a JWT: good for finding who verifies it, and for nothing else."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    header, claims = map(_decoded, parts[:2])
    return claims if header is not None and "alg" in header else None


def _decoded(part: str) -> Mapping[str, object] | None:
    try:
        document = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
