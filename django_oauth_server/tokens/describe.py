"""What a stored token says, in the words of the specifications."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.grants.confirmation import confirmation_of
from django_oauth_server.grants.predecessor import ADOPTED
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Token
from django_oauth_server.protocol.delegation import ACT, ENDS_WITH, MAY_ACT, SUBJECT_CLIENT
from django_oauth_server.resource.actor import actor_of
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.tokens.claims import UserClaims, claims_class, unreserved
from django_oauth_server.tokens.id_token import requested_claims
from django_oauth_server.tokens.subject import subject_behind

_FOR_THE_CLIENT: Final = frozenset({"sid", "claims", "session_expires", ENDS_WITH, ADOPTED})


def subject_of(token: Token, issuer: Issuer) -> str:
    """RFC 9068 section 2.2: the person's identifier; else that of the client which acts for itself, or for which another one acts."""
    if token.authorization:
        return subject_behind(token.authorization, issuer)
    return str(token.facts.get(SUBJECT_CLIENT) or token.client.client_id)


def further_claims(token: Token, issuer: Issuer) -> dict[str, object]:
    """What resource servers are told of how the person signed in (RFC 9068 section 2.2.1), of what was settled when they allowed it, and what
    the deployment says of them; and of nothing else that is kept."""
    said = {name: value for name, value in token.facts.items() if name not in _FOR_THE_CLIENT}
    if (authorization := token.authorization) is None:
        return said
    kind = claims_class(issuer.settings)
    if kind.access_token_claims is not UserClaims.access_token_claims and token.kind == Token.Kind.ACCESS:
        own = kind.behind(authorization).access_token_claims(token.scopes, audience_of(token, issuer))
        may_act = {MAY_ACT: own[MAY_ACT]} if MAY_ACT in own else {}
        said = {**unreserved(own), **may_act, **said}
    return {**unreserved(authorization.facts), **said} if authorization.facts else said


def all_claims(token: Token, issuer: Issuer) -> dict[str, object]:
    """The same, and the claims that userinfo was asked for one by one."""
    said = further_claims(token, issuer)
    if "claims" in token.facts and (wanted := requested_claims(token.facts).document().get("userinfo")):
        said["claims"] = {"userinfo": wanted}
    return said


def audience_of(token: Token, issuer: Issuer) -> list[str]:
    """The resources that it is for; the default one where none was asked for."""
    return [str(identifier) for identifier in token.audience] or [issuer.settings.default_resource]


def describe(token: Token, issuer: Issuer) -> VerifiedToken:
    """*token*, which was found alive, as a protected view sees it."""
    user: AbstractBaseUser | None = token.authorization.user if token.authorization else None
    signed_in, acr = token.facts.get("auth_time"), token.facts.get("acr")
    return VerifiedToken(
        issuer=issuer.settings.issuer,
        subject=subject_of(token, issuer) if user else None,
        client_id=token.client.client_id,
        scopes=token.scopes,
        audience=tuple(audience_of(token, issuer)),
        expires_at=token.expires_at,
        auth_time=datetime.fromtimestamp(float(signed_in), UTC) if signed_in is not None else None,
        acr=str(acr) if acr is not None else None,
        confirmation=confirmation_of(token.facts),
        actor=actor_of(token.facts[ACT], issuer.settings.issuer) if ACT in token.facts else None,
        claims=all_claims(token, issuer),
        user=user,
    )
