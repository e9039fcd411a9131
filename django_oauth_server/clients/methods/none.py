"""No authentication: a public client says who it is and proves nothing (RFC 7591 section 2)."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Credentials, authorization_header
from django_oauth_server.protocol.parameters import Parameters

_PROOFS: Final = frozenset({"client_secret", "client_assertion"})
"""Whoever sends one of them means to prove something."""


class NoAuthentication(ClientAuthMethod):
    """Apps in a browser, on a phone or a desktop, which cannot keep a secret."""

    name = "none"
    label = _("None (public client: an app in a browser, on a phone or on a desktop)")
    parameters = frozenset({"client_id"})
    confidential = False

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        alone = not authorization_header(http).strip() and _PROOFS.isdisjoint(params)
        return Credentials(params["client_id"]) if alone and "client_id" in params else None

    def verify(self, attempt: Attempt) -> bool:
        return True
