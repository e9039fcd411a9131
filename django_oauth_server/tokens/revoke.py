"""Taking back one token, as its client asks (RFC 7009)."""

from __future__ import annotations

from datetime import datetime

from django_oauth_server.errors import UnauthorizedClient
from django_oauth_server.grants.rotation import successor_of
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client, Token
from django_oauth_server.storage.tokens import revoke_family, revoke_token, store_revoked
from django_oauth_server.tokens.locate import locate


def revoke_presented(value: str, client: Client, issuer: Issuer, now: datetime) -> bool:
    """End the token of *value*; with a refresh token all that its grant bought (RFC 7009 section 2.1). Returns whether it is known.

    Raises `UnauthorizedClient` for another client's token, which is left alone.
    """
    token = locate(value, issuer, now) or successor_of(value, issuer, now)
    if token is None:
        return False
    if token.client.client_id != client.client_id:
        raise UnauthorizedClient("The token was issued to another client.", detail=f"another client's token {token.pk}")
    if token.kind == Token.Kind.REFRESH and token.family:
        revoke_family(token, now)
    elif token._state.adding:
        store_revoked(token, now)
    else:
        revoke_token(token, now, self_contained=value.count(".") == 2)
    return True
