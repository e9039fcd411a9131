"""What a client may know of the person who signed in to it (OpenID Connect Core section 5.3.2)."""

from __future__ import annotations

from collections.abc import Mapping

from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.tokens.claims import claims_class, tellable, unreserved
from django_oauth_server.tokens.id_token import requested_claims
from django_oauth_server.tokens.sealed import seal


def userinfo_claims(token: VerifiedToken, authorization: Authorization, issuer: Issuer) -> Mapping[str, object]:
    """The claims that the scopes of *token* ask for, and those that were asked for one by one. `sub` is that of the ID token, and so are
    the facts that were settled."""
    kind = claims_class(issuer.settings)
    asked = kind.asked_by(token.scopes).union(requested_claims(token.claims).userinfo)
    names = asked & tellable(authorization, authorization.client, issuer.settings)
    return {**kind.behind(authorization).claims(names), **unreserved(authorization.facts), "sub": token.subject}


def sealed_userinfo(claims: Mapping[str, object], client: Client, issuer: Issuer) -> str:
    """*claims* as a JWT, which says who tells whom."""
    return seal({**claims, "iss": issuer.settings.issuer, "aud": client.client_id}, "userinfo", client, issuer)
