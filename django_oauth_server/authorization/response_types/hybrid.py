"""More than one part at once (OAuth 2.0 Multiple Response Type Encoding Practices section 5, OpenID Connect Core section 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar
from uuid import uuid4

from django.core.checks import CheckMessage, Warning
from django.utils.translation import gettext_lazy as _

from django_oauth_server.authorization.request import Granted
from django_oauth_server.authorization.response_types.base import ResponseType
from django_oauth_server.authorization.response_types.code import CodeResponse
from django_oauth_server.authorization.response_types.token import TokenResponse
from django_oauth_server.conf import IssuerSettings, Policy
from django_oauth_server.tokens.id_token import id_token


class _Combined(ResponseType):
    """What each of its parts hands out; an ID token is made last, bound to the others."""

    parameters = frozenset({"nonce"})
    default_mode = "fragment"
    carries_tokens = True
    of: ClassVar[tuple[type[ResponseType], ...]] = ()

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def parts(self, granted: Granted, redirect_uri: str) -> Mapping[str, str]:
        made = {name: value for one in self.of for name, value in one().parts(granted, redirect_uri).items()}
        if not self.returns_id_token:
            return made
        return made | {
            "id_token": id_token(
                granted.issuance(uuid4()),
                granted.request.issuer,
                granted.now,
                access_token=made.get("access_token", ""),
                code=made.get("code", ""),
            )
        }


class IDTokenToken(_Combined):
    """Not hybrid, as no code is returned: the implicit flow (OpenID Connect Core section 3.2)."""

    name = "id_token token"
    label = _("ID token and access token (implicit)")
    grant_types = ("implicit",)
    of = (TokenResponse,)
    returns_id_token = True

    def allowed(self, policy: Policy) -> bool:
        return policy.allow_implicit


class _Hybrid(_Combined):
    grant_types = ("authorization_code", "implicit")
    returns_code = True

    def allowed(self, policy: Policy) -> bool:
        return policy.allow_hybrid


class CodeIDToken(_Hybrid):
    """The ID token tells the client that the code is its own (c_hash)."""

    name = "code id_token"
    label = _("Code and ID token (hybrid)")
    of = (CodeResponse,)
    returns_id_token = True


class CodeToken(_Hybrid):
    """An access token for the browser, and a code for the server behind it."""

    name = "code token"
    label = _("Code and access token (hybrid)")
    of = (CodeResponse, TokenResponse)

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        yield Warning(
            f"The profile {settings.profile!r} of {settings.issuer} offers the hybrid flow: access tokens are sent in URLs and are not bound to a "
            "client (RFC 9700 section 2.1.2 advises against it).",
            hint="Use the profile 'oauth2_1', unless a relying party that you cannot change needs the hybrid flow.",
            id="oauth_server.W006",
        )


class CodeIDTokenToken(_Hybrid):
    """All three."""

    name = "code id_token token"
    label = _("Code, ID token and access token (hybrid)")
    of = (CodeResponse, TokenResponse)
    returns_id_token = True
