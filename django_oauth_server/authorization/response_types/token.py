"""An access token at once (RFC 6749 section 4.2.2), for clients that cannot be changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import uuid4

from django.core.checks import CheckMessage, Warning
from django.utils.translation import gettext_lazy as _

from django_oauth_server.authorization.request import Granted
from django_oauth_server.authorization.response_types.base import ResponseType
from django_oauth_server.conf import IssuerSettings, Policy
from django_oauth_server.tokens.issue import issue


class TokenResponse(ResponseType):
    """The implicit grant."""

    name = "token"
    label = _("Access token (implicit)")
    grant_types = ("implicit",)
    default_mode = "fragment"
    carries_tokens = True

    def allowed(self, policy: Policy) -> bool:
        return policy.allow_implicit

    def parts(self, granted: Granted, redirect_uri: str) -> Mapping[str, str]:
        request = granted.request
        issued = issue(granted.issuance(uuid4()), request.resources, request.issuer, granted.now)
        return {name: str(value) for name, value in issued.items()}

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        yield Warning(
            f"The profile {settings.profile!r} of {settings.issuer} offers the implicit grant: access tokens are sent in URLs "
            "and are not bound to a client (RFC 9700 section 2.1.2 advises against it).",
            hint="Move the clients to the authorization code grant with PKCE and use the profile 'oauth2_1'.",
            id="oauth_server.W001",
        )
