"""The tokens that are presented to be exchanged: of what type, good or not, issued for whom, and about whom (RFC 8693 section 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from django_oauth_server.clients.facts import client_facts
from django_oauth_server.conf.moments import moment
from django_oauth_server.conf.token_exchange import SubjectToken
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.exchange.base import TOKEN_TYPE, Unacceptable
from django_oauth_server.grants.base import TokenRequest
from django_oauth_server.grants.confirmation import confirmation_of
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.signing import verify
from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.protocol.delegation import (
    ACT,
    MAY_ACT,
    PERSON,
    SERVICE,
    actor_claim,
    clients_behind,
    grants_behind,
)
from django_oauth_server.protocol.jose import InvalidJWT, media_type, unverified
from django_oauth_server.protocol.uris import names_one_of
from django_oauth_server.resource.revocations import Marked
from django_oauth_server.resource.verifiers.base import CannotVerify
from django_oauth_server.storage.authorizations import find_authorization
from django_oauth_server.storage.revoked import is_revoked
from django_oauth_server.tokens.describe import audience_of, further_claims, subject_of
from django_oauth_server.tokens.id_token import GRANT_ID
from django_oauth_server.tokens.locate import locate_explained
from django_oauth_server.tokens.sealed import TYP
from django_oauth_server.tokens.subject import subject_behind

_OF_THE_SIGN_IN: Final = ("auth_time", "acr", "amr")
_REFRESH: Final = ("refresh_token",)
Role: TypeAlias = Literal["subject_token", "actor_token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A token that is good now, whoever presents it."""

    type: SubjectToken
    client: Client
    """The client that it was issued to."""
    authorization: Authorization | None
    """The person's that it came from. None: it is a client's own."""
    subject: str
    """Its `sub`."""
    audience: tuple[str, ...]
    scopes: frozenset[str]
    expires_at: datetime
    confirmation: Mapping[str, str]
    claims: Mapping[str, object]
    """What it says of how the person signed in, and of who acts or may act."""
    row: Token | None
    """The token, where it is stored."""
    clients: frozenset[str] = frozenset()
    """The clients that it ends with: the one that it was issued to, and those that passed it on before."""
    grants: frozenset[str] = frozenset()
    """The authorizations of people who act in it, which it ends with as well."""

    @property
    def of_the_sign_in(self) -> dict[str, object]:
        """What it says of how the person signed in, which a token that it is exchanged for says as well."""
        return {name: self.claims[name] for name in _OF_THE_SIGN_IN if name in self.claims}

    @property
    def kind(self) -> Literal["person", "client"]:
        return "person" if self.authorization else "client"

    @property
    def subject_client(self) -> str:
        """The client that the first token of the chain was issued to."""
        return self.authorization.client.client_id if self.authorization else self.subject

    @property
    def act(self) -> Mapping[str, object] | None:
        """Who acts, where it was exchanged by delegation."""
        found = self.claims.get(ACT)
        return found if isinstance(found, dict) else None

    @property
    def may_act(self) -> object:
        """Who may act (section 4.4). None: it does not say."""
        return self.claims.get(MAY_ACT)

    def is_for(self, client: Client) -> bool:
        """Whether it was issued to *client*, or for a resource that *client* serves: nobody exchanges what they were not meant to see."""
        return self.client.client_id == client.client_id or names_one_of(self.audience, client.resource_identifiers)

    def actor(self, before: Mapping[str, object] | None) -> dict[str, object]:
        """The claim `act` that says that its subject acts, and who did *before*."""
        return actor_claim(self.subject, profile=PERSON if self.authorization else SERVICE, before=before)


def presented_token(role: Role, request: TokenRequest) -> Presented:
    """The token that *request* presents as its *role*. Raises `Unacceptable`."""
    value, named = request.params.require(role), request.params.require(f"{role}_type")
    read = _READERS.get(named.removeprefix(TOKEN_TYPE)) if named.startswith(TOKEN_TYPE) else None
    if read is None:
        raise _unknown_type(role, named)
    return read(role, value, request)


def presented_actor(request: TokenRequest) -> Presented | None:
    """Who is to act, where *request* presents an access token of theirs."""
    if "actor_token" in request.params:
        actor = presented_token("actor_token", request)
        if actor.type != "access_token":
            raise _unknown_type("actor_token", actor.type)
        if _is_older_than_a_revocation(actor, request.issuer):
            raise _no_good("actor_token", "issued before its person was shut out")
        return actor
    if "actor_token_type" in request.params:
        raise Unacceptable("The parameter actor_token_type is sent without actor_token.")
    return None


def _is_older_than_a_revocation(actor: Presented, issuer: Issuer) -> bool:
    """Whether its person was shut out after it was issued, even if they are back.

    Only revocations end what is exchanged with it, and the next revocation of its authorization is written down only if that has issued tokens since
    the last one. What is exchanged for somebody else does not count as such, and would live on.
    """
    if actor.authorization is None or actor.row is None:
        return False
    known = {"iss": issuer.settings.issuer, "client_id": actor.client.client_id}
    held = {"grant_id": str(actor.authorization.grant_id), "iat": actor.row.issued_at.timestamp()}
    try:
        return is_revoked(Marked.of(known | held), issuer.settings)
    except CannotVerify as exc:
        raise TemporarilyUnavailable("The server is busy. Try again.", detail=exc.reason) from exc


def _access_token(role: Role, value: str, request: TokenRequest) -> Presented:
    """Revocations are read anew: a token that was exchanged for one which ended a moment ago would be newer than the revocation, and live on."""
    token, reason = locate_explained(value, request.client, request.issuer, request.now, anew=True)
    if token is not None and token.kind != Token.Kind.ACCESS:
        reason = "not an access token"
    if token is None or reason:
        raise _no_good(role, reason)
    return _described(token, request.issuer)


def _described(token: Token, issuer: Issuer) -> Presented:
    return Presented(
        type="access_token",
        client=token.client,
        authorization=token.authorization,
        subject=subject_of(token, issuer),
        audience=tuple(audience_of(token, issuer)),
        scopes=token.scopes,
        expires_at=token.expires_at,
        confirmation=confirmation_of(token.facts),
        claims=further_claims(token, issuer),
        row=None if token._state.adding else token,
        clients=frozenset({token.client.client_id, *clients_behind(token.facts)}),
        grants=frozenset(grants_behind(token.facts)),
    )


def _id_token(role: Role, value: str, request: TokenRequest) -> Presented:
    """Only the keys of this server count: whoever knows the secret of a client could make one about anybody. Its scopes are those that the person
    allowed its client, as far as the client may still ask for them."""
    claims, authorization = _read_id_token(role, value, request)
    return Presented(
        type="id_token",
        client=authorization.client,
        authorization=authorization,
        subject=str(claims["sub"]),
        audience=(authorization.client.client_id,),
        scopes=authorization.scopes.intersection(scopes_left(authorization, request.issuer)),
        expires_at=moment(float(str(claims["exp"]))),
        confirmation={},
        claims=claims,
        row=None,
    )


def scopes_left(authorization: Authorization, issuer: Issuer) -> Collection[str]:
    """Those that the client of *authorization* could be given for its person now, as by refreshing: an ID token is as old as it is."""
    return client_facts(authorization.client, issuer, _REFRESH, authorization.user).scopes


def _read_id_token(role: Role, value: str, request: TokenRequest) -> tuple[Mapping[str, object], Authorization]:
    issuer = request.issuer
    try:
        claims = verify(issuer, value, typ=TYP)
    except InvalidJWT as exc:
        raise _no_good(role, f"not an ID token of this server: {exc}") from exc
    expires_at, authorization = claims.get("exp"), find_authorization(str(claims.get(GRANT_ID)))
    if claims.get("iss") != issuer.settings.issuer or not isinstance(expires_at, int) or authorization is None:
        raise _no_good(role, "not an ID token that says what it came from")
    if request.now.timestamp() >= expires_at:
        raise _no_good(role, "ID token expired")
    if reason := authorization.ended_by(password_change_revokes=issuer.settings.password_change_revokes):
        raise _no_good(role, reason)
    told = (claims.get("aud"), claims.get("sub"))
    if told != (authorization.client.client_id, subject_behind(authorization, issuer)):
        raise _no_good(role, "ID token of another client or person than its authorization")
    return claims, authorization


def _jwt(role: Role, value: str, request: TokenRequest) -> Presented:
    """The header says which kind of token the JWT is (section 3): some clients give this type for access tokens as well."""
    try:
        header, _ = unverified(value)
    except InvalidJWT as exc:
        raise _no_good(role, f"not a JWT: {exc}") from exc
    read = _access_token if media_type(header.get("typ")) == "at+jwt" else _id_token
    return read(role, value, request)


def _unknown_type(role: Role, named: str) -> Unacceptable:
    return Unacceptable(
        f"The parameter {role}_type names a type of token that this server does not accept.",
        detail=f"{role}_type {named!r}",
    )


def _no_good(role: Role, reason: str) -> Unacceptable:
    return Unacceptable(
        f"The parameter {role} is unknown, expired or revoked.", detail=f"{role}: {reason}", parameter=role
    )


_READERS: Final[Mapping[str, Callable[[Role, str, TokenRequest], Presented]]] = {
    "access_token": _access_token,
    "id_token": _id_token,
    "jwt": _jwt,
}
