"""No authentication: a public client says who it is and proves nothing (RFC 7591 section 2)."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Credentials, is_alone
from django_oauth_server.protocol.parameters import Parameters


class NoAuthentication(ClientAuthMethod):
    """Apps in a browser, on a phone or a desktop, which cannot keep a secret."""

    name = "none"
    label = _("None (public client: an app in a browser, on a phone or on a desktop)")
    parameters = frozenset({"client_id"})
    confidential = False

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        return Credentials(params["client_id"]) if "client_id" in params and is_alone(http, params) else None

    def verify(self, attempt: Attempt) -> bool:
        return True
