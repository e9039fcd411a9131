"""An authorization code (RFC 6749 section 4.1.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils.translation import gettext_lazy as _

from django_oauth_server.authorization.request import Granted
from django_oauth_server.authorization.response_types.base import ResponseType
from django_oauth_server.component import Document
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.grants.confirmation import CONFIRMATION
from django_oauth_server.models import Ticket
from django_oauth_server.protocol.opaque import AUTHORIZATION_CODE
from django_oauth_server.storage.tickets import hand_out
from django_oauth_server.tokens.bindings.base import promised_confirmation


class CodeResponse(ResponseType):
    """Bound to the client, the redirect URI and the challenge; redeemed once."""

    name = "code"
    label = _("Authorization code")
    parameters = frozenset({"code_challenge", "code_challenge_method"})
    grant_types = ("authorization_code",)
    default_mode = "query"
    writes_once = True
    returns_code = True

    def parts(self, granted: Granted, redirect_uri: str) -> Mapping[str, str]:
        request, params = granted.request, granted.request.params
        lifetime = min(request.issuer.settings.code_lifetime, request.policy.maximum_code_lifetime)
        ticket = Ticket(
            kind=Ticket.Kind.AUTHORIZATION_CODE,
            client=request.client,
            authorization=granted.authorization,
            payload={
                "redirect_uri": redirect_uri,
                "redirect_uri_was_sent": "redirect_uri" in params,
                "code_challenge": params.get("code_challenge", ""),
                "code_challenge_method": params.get("code_challenge_method", "plain")
                if "code_challenge" in params
                else "",
                "scopes": list(granted.scopes),
                "resources": list(request.resources),
                "facts": granted.facts,
                "nonce": params.get("nonce", ""),
                CONFIRMATION: promised_confirmation(params, request.issuer),
            },
            created_at=granted.now,
            expires_at=granted.now + lifetime,
        )
        return {"code": hand_out(ticket, AUTHORIZATION_CODE)}

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {**super().metadata(endpoint, settings), "authorization_response_iss_parameter_supported": True}
