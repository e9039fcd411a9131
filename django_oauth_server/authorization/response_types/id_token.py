"""An ID token at once (OpenID Connect Core section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from django.utils.translation import gettext_lazy as _

from django_oauth_server.authorization.request import Granted
from django_oauth_server.authorization.response_types.base import ResponseType
from django_oauth_server.conf import IssuerSettings, Policy
from django_oauth_server.tokens.id_token import id_token


class IDTokenResponse(ResponseType):
    """Who signed in, and nothing to fetch more with: the claims of the scopes are in it (section 5.4)."""

    name = "id_token"
    label = _("ID token (implicit)")
    parameters = frozenset({"nonce"})
    grant_types = ("implicit",)
    default_mode = "fragment"
    carries_tokens = True
    returns_id_token = True

    def allowed(self, policy: Policy) -> bool:
        return policy.allow_implicit

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def parts(self, granted: Granted, redirect_uri: str) -> Mapping[str, str]:
        return {
            "id_token": id_token(granted.issuance(uuid4()), granted.request.issuer, granted.now, scopes=granted.scopes)
        }
