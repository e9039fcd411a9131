"""Access tokens of several issuers, each verified in its own place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from django_oauth_server.protocol.opaque import is_one
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import AuthorizationServer, Discerning, InvalidToken, TokenVerifier
from django_oauth_server.resource.verifiers.claims import check_length, unverified


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
        for named in (*verifiers, *self._by_issuer.values(), *(() if opaque is None else (opaque,))):
            if isinstance(named, type) or not hasattr(named, "verify"):
                raise ImproperlyConfigured(f"A ChainVerifier is made of verifiers, and {named!r} is none.")
        if "" in self._by_issuer:
            raise ImproperlyConfigured("by_issuer has an empty issuer.")
        for one in verifiers:
            if not hasattr(one, "issuer"):
                raise ImproperlyConfigured(f"{one!r} does not say its issuer. Name it in by_issuer.")
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

    @sensitive_variables()
    def may_be_ours(self, token: str) -> bool:
        """Whether somebody is named for it who takes it for theirs; without a say of their own, whether somebody is."""
        try:
            one = self._verifier_of(token)
        except InvalidToken:
            return is_one(token)
        return not isinstance(one, Discerning) or one.may_be_ours(token)

    @property
    def _all(self) -> list[TokenVerifier]:
        named = [*self._by_issuer.values(), *filter(None, (self._opaque,))]
        return list({id(one): one for one in named}.values())

    @sensitive_variables()
    def _verifier_of(self, token: str) -> TokenVerifier:
        check_length(token)
        claims = unverified(token)
        issuer = claims.get("iss") if claims is not None else None
        found = self._opaque if claims is None else self._by_issuer.get(str(issuer))
        if found is None:
            raise _unclaimed(claims, issuer, self._by_issuer)
        return found


def _unclaimed(claims: Mapping[str, object] | None, issuer: object, known: Collection[str]) -> InvalidToken:
    if claims is None:
        return InvalidToken("not a JWT, and no verifier is configured for opaque tokens")
    return InvalidToken("issued by an unknown issuer", f"{issuer!r}; verifiers are configured for {', '.join(known)}")
