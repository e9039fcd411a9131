"""What a stored token says, in the words of the specifications."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Token
from django_oauth_server.resource.token import VerifiedToken


def subject_of(token: Token) -> str:
    """RFC 9068 section 2.2: the person's identifier, or the client's own where nobody else is meant."""
    return str(token.authorization.user_id) if token.authorization else token.client.client_id


def audience_of(token: Token, issuer: Issuer) -> list[str]:
    """The resources that it is for; the default one where none was asked for."""
    return [str(identifier) for identifier in token.audience] or [issuer.settings.default_resource]


def describe(token: Token, issuer: Issuer) -> VerifiedToken:
    """*token*, which was found alive, as a protected view sees it."""
    user: AbstractBaseUser | None = token.authorization.user if token.authorization else None
    signed_in, acr = token.facts.get("auth_time"), token.facts.get("acr")
    return VerifiedToken(
        issuer=issuer.settings.issuer,
        subject=str(user.pk) if user else None,
        client_id=token.client.client_id,
        scopes=token.scopes,
        audience=tuple(audience_of(token, issuer)),
        expires_at=token.expires_at,
        auth_time=datetime.fromtimestamp(float(signed_in), UTC) if signed_in is not None else None,
        acr=str(acr) if acr is not None else None,
        claims=token.facts,
        user=user,
    )
