"""Client assertions (RFC 7521 section 4.2, RFC 7523 section 3): what they must say, whoever signs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Self

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Credentials, Unproven
from django_oauth_server.component import Document, Member, Sweep, Terms, Words
from django_oauth_server.conf import IssuerSettings, Policy
from django_oauth_server.conf.moments import moment
from django_oauth_server.errors import InvalidClient
from django_oauth_server.protocol.jose import InvalidJWT, unverified, why_untimely
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.presented import expired_assertions, use_assertion

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 section 2.2."""
TYPES: Final = ("", "JWT", "client-authentication+jwt")
"""The header's `typ`, which need not be there."""
LONGEST_LIFETIME: Final = timedelta(hours=1)
"""How far `exp` may be ahead: as long as that, what was used has to be remembered."""


def _algorithms(terms: Terms) -> Mapping[str, Words]:
    methods = terms.components.of(ClientAuthMethod).values()
    return {alg: alg for method in methods if isinstance(method, AssertionMethod) for alg in method.algorithms}


_SIGNING_ALG: Final = Member(
    name="token_endpoint_auth_signing_alg",
    kind="choice",
    purpose="keys",
    label=gettext_lazy("Assertion algorithm"),
    help=gettext_lazy(
        "Algorithm the client signs its authentication assertions with. Leave blank to allow any "
        "algorithm of its authentication method."
    ),
    choices=_algorithms,
)


@dataclass(frozen=True, slots=True)
class Said:
    """What an assertion says before anybody has verified it."""

    alg: object
    subject: str
    """`sub`; empty, where it is none that a client could have."""
    of_itself: bool
    """Whether `iss` and `sub` are one: the client signs for itself. Otherwise another issuer vouches for it (RFC 7523 section 3, item 1)."""

    @classmethod
    def by(cls, params: Parameters) -> Self | None:
        """The assertion in *params*; None where there is none. Raises `InvalidClient` where it is malformed."""
        if params.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in params:
            return None
        try:
            header, claims = unverified(params["client_assertion"])
        except InvalidJWT as exc:
            raise InvalidClient("The parameter client_assertion is not a JWT.", detail=str(exc)) from exc
        subject = claims.get("sub")
        # JSON can say NUL and half a character, which no form can and no database takes
        named = subject if isinstance(subject, str) and subject.isprintable() else ""
        return cls(header.get("alg"), named, of_itself=claims.get("iss") == subject)


class AssertionMethod(ClientAuthMethod):
    """The client signs a short-lived JWT that says who it is, whom it is for, and is accepted once."""

    parameters = frozenset({"client_id", "client_assertion", "client_assertion_type"})
    client_metadata = (_SIGNING_ALG,)
    algorithms: ClassVar[tuple[str, ...]]

    def allowed(self, policy: Policy) -> bool:
        return super().allowed(policy) and bool(policy.algorithms(self.algorithms))

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        yield Sweep(gettext_lazy("expired assertions"), expired_assertions(expired), by="expires_at")

    def claims(self, attempt: Attempt, algs: tuple[str, ...]) -> Mapping[str, object]:
        """The claims of the assertion, signed by the client with one of *algs*. Raises ValueError, with the reason for the log."""
        raise NotImplementedError

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        """Who signs with what tells the methods apart, so that a public key is never taken for a secret."""
        said = Said.by(params)
        if said is None or not said.of_itself or not self._signs_with(said.alg):
            return None
        if not said.subject:
            raise InvalidClient("The parameter client_assertion has no sub that names a client.")
        return Credentials(said.subject, params["client_assertion"])

    def verify(self, attempt: Attempt) -> bool:
        """The signature first; what was used is noted last, so that a failed attempt burns nothing."""
        registered = attempt.client.metadata.get(_SIGNING_ALG.name)
        permitted = attempt.issuer.policy_for(attempt.client.profile).algorithms(self.algorithms)
        algs = tuple(alg for alg in permitted if alg == (registered or alg))
        if not algs:
            raise Unproven("its algorithm is not permitted")
        try:
            claims = self.claims(attempt, algs)
        except ValueError as exc:
            raise Unproven(str(exc)) from exc
        for reason in _faults(claims, attempt):
            raise Unproven(reason)
        if not use_assertion(attempt.client, str(claims["jti"]), _expiry(claims)):
            raise Unproven("it was used before")
        return True

    def is_guess(self, credentials: Credentials) -> bool:
        """Nobody guesses a signature, and secrets that are keys have 256 bits."""
        return False

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {
            **super().metadata(endpoint, settings),
            **{
                f"{name}_endpoint_auth_signing_alg_values_supported": list(self.algorithms)
                for name in ("token", "revocation", "introspection")
            },
        }

    def _signs_with(self, alg: object) -> bool:
        raise NotImplementedError


def _faults(claims: Mapping[str, object], attempt: Attempt) -> Iterator[str]:
    """What is wrong with *claims* (RFC 7523 section 3; OpenID Connect Core section 9)."""
    client_id, now = attempt.client.client_id, attempt.now.timestamp()
    if not claims.get("iss") == claims.get("sub") == client_id:
        yield "iss and sub are not the client"
    if not _is_meant_for(claims.get("aud"), attempt):
        yield "aud is not this server"
    yield from why_untimely(claims, now, LONGEST_LIFETIME)
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        yield "it has no jti"


def _is_meant_for(audience: object, attempt: Attempt) -> bool:
    """The issuer, as a single string; where the client's policy asks for no more, an endpoint's URL, or several values.

    An endpoint as audience lets a server that pretends to be another have assertions made for that one (draft-ietf-oauth-rfc7523bis).
    """
    issuer = attempt.issuer
    if issuer.policy_for(attempt.client.profile).require_issuer_audience:
        return audience == issuer.settings.issuer
    accepted = {issuer.settings.issuer, issuer.url("token"), issuer.origin + attempt.http.path}
    said = audience if isinstance(audience, list) else [audience]
    return any(isinstance(one, str) and one in accepted for one in said)


def _expiry(claims: Mapping[str, object]) -> datetime:
    assert isinstance(claims["exp"], int | float)
    return moment(claims["exp"])
