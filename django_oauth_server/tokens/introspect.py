"""What a token is worth, as a resource server is told (RFC 7662)."""

from __future__ import annotations

from datetime import datetime

from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client, Token
from django_oauth_server.protocol.uris import names_one_of
from django_oauth_server.tokens.bindings.base import token_type
from django_oauth_server.tokens.describe import audience_of, further_claims, subject_of
from django_oauth_server.tokens.locate import locate_living


def introspect_presented(value: str, caller: Client, issuer: Issuer, now: datetime) -> dict[str, object]:
    """RFC 7662 section 2.2. A token that is dead, unknown, or not the caller's business is `{"active": false}`, and no more is said; so is one
    that is bound in a way which is not known here (any more). Raises `Conflict` where *caller* is not as it was remembered."""
    token = locate_living(value, caller, issuer, now)
    if token is None or not _may_see(caller, token, issuer):
        return {"active": False}
    presented_as = token_type(token.facts, issuer)
    return _members(token, issuer, presented_as) if presented_as else {"active": False}


def introspect_for_any(value: str, caller: Client, issuer: Issuer, now: datetime) -> dict[str, object]:
    """The same of any access token, whoever asks; without an audience where the client asked for none."""
    token = locate_living(value, caller, issuer, now)
    presented_as = token_type(token.facts, issuer) if token and token.kind == Token.Kind.ACCESS else ""
    if token is None or not presented_as:
        return {"active": False}
    members = _members(token, issuer, presented_as)
    return members if token.audience else {name: value for name, value in members.items() if name != "aud"}


def _may_see(caller: Client, token: Token, issuer: Issuer) -> bool:
    """A client sees its own; a resource server the access tokens meant for it."""
    if token.client.client_id == caller.client_id:
        return True
    return token.kind == Token.Kind.ACCESS and names_one_of(audience_of(token, issuer), caller.resource_identifiers)


def _members(token: Token, issuer: Issuer, presented_as: str) -> dict[str, object]:
    client, authorization = token.client, token.authorization
    members: dict[str, object] = {
        **further_claims(token, issuer),
        "active": True,
        "iss": issuer.settings.issuer,
        "client_id": client.client_id,
        "sub": subject_of(token, issuer),
        "aud": audience_of(token, issuer),
        "scope": token.scope,
        "iat": int(token.issued_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
    }
    if token.kind == Token.Kind.ACCESS:
        members["token_type"] = presented_as
    if authorization and not authorization.client.is_pairwise:  # which it could be compared by
        members["username"] = authorization.user.get_username()
    return members
