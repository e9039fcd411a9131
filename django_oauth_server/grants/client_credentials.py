"""The client credentials grant (RFC 6749 section 4.4)."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.facts import client_facts
from django_oauth_server.engine import judge_client_credentials
from django_oauth_server.grants.base import GrantType, Issuance, TokenRequest


class ClientCredentials(GrantType):
    """Proves nothing but the client itself, which asks for its own: without a scope, for all that an operator gave it."""

    name = "client_credentials"
    label = _("Client credentials (the app acts on its own behalf)")
    parameters = frozenset({"grant_type", "scope"})
    client_auth = "required"
    operator_only = True

    def redeem(self, request: TokenRequest) -> Issuance:
        facts = client_facts(request.client, request.issuer, (self.name,))
        scopes = judge_client_credentials(request.params, replace(facts, default_scopes=tuple(facts.scopes)))
        return Issuance(client=request.client, scopes=frozenset(scopes), resources=None)
