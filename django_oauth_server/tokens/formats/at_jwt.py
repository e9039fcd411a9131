"""JWT access tokens (RFC 9068)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from django_oauth_server.conf.moments import numeric_date
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.signing import signing_key
from django_oauth_server.models import Token
from django_oauth_server.protocol import jose
from django_oauth_server.protocol.delegation import ENDS_WITH
from django_oauth_server.resource.revocations import token_mark
from django_oauth_server.tokens.describe import all_claims, audience_of, subject_of
from django_oauth_server.tokens.formats.base import TokenFormat


class AccessTokenJWT(TokenFormat):
    """Signed, and verified by resource servers without asking; elsewhere than beside this server it lives until it expires."""

    name = "at+jwt"
    label = _("JWT (RFC 9068): verified without contacting the server, valid until it expires")
    self_contained = True

    def digest(self, identifier: str) -> str:
        return token_mark(identifier)

    def render(self, token: Token, identifier: str, issuer: Issuer) -> str:
        client, authorization, audience = token.client, token.authorization, audience_of(token, issuer)
        claims = {
            **all_claims(token, issuer),
            "iss": issuer.settings.issuer,
            "sub": subject_of(token, issuer),
            "aud": audience[0] if len(audience) == 1 else audience,
            "client_id": client.client_id,
            "scope": token.scope,
            "iat": numeric_date(token.issued_at),
            "exp": numeric_date(token.issued_at, token.expires_at - token.issued_at),
            "jti": identifier,
            **({"grant_id": str(authorization.grant_id)} if authorization else {}),
            **({ENDS_WITH: token.facts[ENDS_WITH]} if ENDS_WITH in token.facts else {}),
        }
        return jose.sign(claims, signing_key(issuer), typ="at+jwt")
